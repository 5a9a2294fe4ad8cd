# factfs log: what it shows of entities and tenants in a mount, and of copies whose lines are known to the letter.
load helpers

log() {
    TZ=UTC "$FACTFS" log "$@"
}

# What log shows of these lines of an entity's stream.
log_of() {
    printf '%s\n' "$@" | log -
}

# An event of a stream, from type, data and version.
line() {
    printf '{"id":"evt_a","type":"%s","target":"deal_1","actor":"agent_x","timestamp":"%s",' "$1" 2026-01-16T09:30:00.25Z
    printf '"data":%s,"tenant":"acme","version":%s}\n' "$2" "${3:-1}"
}

# The fields that log shows of an event.
fields_of() {
    log_of "$(line "$1" "$2")" | sed 's/^.*agent_x *//'
}

# What no test can foresee: the time, and who runs the tests.
timeless() {
    sed -E "s/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+]00:00/TIME/; s/$ME\$/ME/; s/$ME +/ME              /"
}

on_terminal() {
    TERM=xterm script -qec "$*" /dev/null < /dev/null
}

@test "log of an entity shows time, version, type, actor and fields, a line an event" {
    created contact_a '{"name":"Alice Chen","stage":"Lead"}'
    happened Contact.Qualified '{"stage":"Qualified"}'
    happened Contact.PromotedToPartner '{"stage":"Partner"}'
    is "TIME  v1   Contact.Created     ME              name: Alice Chen, stage: Lead
TIME  v2   Contact.Qualified   ME              stage: Lead → Qualified
TIME  v3   Contact.PromotedToPartner  ME              stage: Qualified → Partner" "$(log "$E" | timeless)"
}

@test "log of a tenant shows the target behind the time" {
    created contact_a
    created deal_b '{"value":5}'
    is "TIME  contact_a           v1   Contact.Created     ME
TIME  deal_b              v1   Deal.Created        ME              value: 5" "$(log "$T" | timeless)"
}

@test "log of a stream in an entity's directory is that of the entity" {
    created contact_a '{"name":"Alice"}'
    is "$(log "$E")" "$(log "$E/stream")"
    is "$(log "$E")" "$(cd "$E" && log stream)"
    is "$(log "$E")" "$(cd "$E" && log .)"
}

@test "log of a copy shows the target, since nobody says whose stream it was" {
    created contact_a '{"name":"Alice"}'
    cp "$E/stream" "$BATS_TEST_TMPDIR/copy"
    is "$(log "$T")" "$(log "$BATS_TEST_TMPDIR/copy")"
    is "$(log "$T")" "$(log - < "$E/stream")"
}

@test "log -f goes on as events come" {
    created contact_a
    TZ=UTC "$FACTFS" log -f "$E" > "$BATS_TEST_TMPDIR/out" 3>&- &
    wait_for in_file "$BATS_TEST_TMPDIR/out" Contact.Created
    happened Contact.Qualified '{"stage":"Qualified"}'
    wait_for in_file "$BATS_TEST_TMPDIR/out" "stage: ∅ → Qualified"
    is 2 "$(wc -l < "$BATS_TEST_TMPDIR/out")"
}

@test "log -f of a mount uses no processor time while nothing happens" {
    created contact_a
    TZ=UTC "$FACTFS" log -f "$E" > "$BATS_TEST_TMPDIR/out" 3>&- &
    local pid=$!
    wait_for in_file "$BATS_TEST_TMPDIR/out" Contact.Created
    wait_for grep -q '^State:.*S' "/proc/$pid/status"
    local before
    before=$(grep ctxt "/proc/$pid/status")
    happened Contact.Qualified
    wait_for in_file "$BATS_TEST_TMPDIR/out" Contact.Qualified
    # Two looks at most for an event, and the waits between them; a loop would have made thousands.
    local switches
    switches=$(($(awk '/^voluntary_ctxt/ { print $2 }' "/proc/$pid/status") - $(awk '/^voluntary_ctxt/ { print $2 }' <<< "$before")))
    ((switches < 50)) || { echo "$switches switches"; return 1; }
}

@test "log -f ends when whoever reads it has gone" {
    created contact_a
    timeout 10 "$FACTFS" log -f "$E" | head -n 1 > "$BATS_TEST_TMPDIR/out"
    is "0 0" "${PIPESTATUS[*]}"
    is 1 "$(wc -l < "$BATS_TEST_TMPDIR/out")"
}

@test "log -f of a plain file sees it grow, and half a line only when the rest has come" {
    local file=$BATS_TEST_TMPDIR/file out=$BATS_TEST_TMPDIR/out text
    text=$(line Deal.Won '{"value":{"before":1,"after":2}}')
    printf '%s' "${text:0:40}" > "$file"
    TZ=UTC "$FACTFS" log -f "$file" > "$out" 3>&- &
    printf '%s\n' "${text:40}" >> "$file"
    wait_for in_file "$out" 'value: 1 → 2'
    is 1 "$(wc -l < "$out")"
}

@test "log -f of a plain file uses next to no processor time while it waits" {
    local file=$BATS_TEST_TMPDIR/file out=$BATS_TEST_TMPDIR/out
    line Deal.Won '{}' > "$file"
    TZ=UTC "$FACTFS" log -f "$file" > "$out" 3>&- &
    local pid=$!
    wait_for in_file "$out" Deal.Won
    # A span to measure over, not one to wait for something.
    sleep 1
    local hundredths
    hundredths=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
    ((hundredths < 30)) || { echo "$hundredths hundredths of a second"; return 1; }
}

@test "log -f of a pipe ends with it" {
    is 1 "$(line Deal.Won '{}' | timeout 10 "$FACTFS" log -f - | wc -l)"
}

@test "the time is the local one to the second, with its offset" {
    line Deal.Won '{}' > "$BATS_TEST_TMPDIR/copy"
    is "2026-01-16T10:30:00+01:00  deal_1              v1   Deal.Won            agent_x" "$(TZ=CET-1 "$FACTFS" log "$BATS_TEST_TMPDIR/copy")"
    is "2026-01-16T04:00:00-05:30  deal_1              v1   Deal.Won            agent_x" "$(TZ=XXX5:30 "$FACTFS" log "$BATS_TEST_TMPDIR/copy")"
}

@test "log --utc shows UTC" {
    line Deal.Won '{}' > "$BATS_TEST_TMPDIR/copy"
    is "2026-01-16T09:30:00Z  deal_1              v1   Deal.Won            agent_x" "$(TZ=CET-1 "$FACTFS" log --utc "$BATS_TEST_TMPDIR/copy")"
}

@test "a time that log shows is one that asof takes" {
    created contact_a '{"name":"Alice"}'
    local shown second
    shown=$(TZ=CET-1 "$FACTFS" log "$E" | cut -d' ' -f1)
    second=$(date -d "$shown" +%s)
    is "$(stat -c %Y "$E/stream")" "$second"
    wait_for bash -c '(( $(date +%s) > $1 + 1 ))' bash "$second"
    same "$E/state.json" "$E/asof/$(TZ=CET-1 date -d "@$((second + 1))" +%FT%T+01:00)/state.json"
}

@test "a new field comes from ∅ and one that goes ends there" {
    is 'a: ∅ → 1, b: 2 → ∅, c: null → 3' "$(fields_of Deal.Changed '{"a":{"after":1},"b":{"before":2},"c":{"before":null,"after":3}}')"
}

@test "what began an entity, ended it or is snake_case is shown as it is" {
    is 'a: 1, b: {"after":1}' "$(fields_of Deal.Created '{"a":1,"b":{"after":1}}')"
    is 'reason: lost, b: {"after":1}' "$(fields_of Deal.Deleted '{"reason":"lost","b":{"after":1}}')"
    is 'b: {"after":1}' "$(fields_of was_moved '{"b":{"after":1}}')"
}

@test "numbers and nested values are shown as they were written" {
    is 'n: 12345678901234567890, d: 1.10, o: {"a":[1,2.50]}' "$(fields_of Deal.Created '{"n":12345678901234567890,"d":1.10,"o":{"a":[1,2.50]}}')"
}

@test "text is quoted where it would look like something else" {
    is 'a: Series A, b: "12", c: "true", d: "", e: "x, y", f: " x", g: "a → b", h: 12 Main St, i: "null", j: "[1]", k: "∅"' \
        "$(fields_of Deal.Created '{"a":"Series A","b":"12","c":"true","d":"","e":"x, y","f":" x","g":"a → b","h":"12 Main St","i":"null","j":"[1]","k":"∅"}')"
}

@test "the voice of snake_case stands before the type" {
    local lines
    lines=$(log_of "$(line was_placed '{}')" "$(line placed_order '{}' 2)" | grep -oE '(←|→) [a-z_]+')
    is "← was_placed
→ placed_order" "$lines"
}

@test "a value of more than 60 characters is cut and ends in …" {
    local sixty
    sixty=$(printf 'ä%.0s' {1..60})
    is "a: $sixty" "$(fields_of Deal.Created "{\"a\":\"$sixty\"}")"
    is "a: ${sixty:0:59}…" "$(fields_of Deal.Created "{\"a\":\"${sixty}b\"}")"
    is "a: [\"${sixty:0:57}…" "$(fields_of Deal.Created "{\"a\":[\"$sixty\"]}")"
}

@test "a line of a mebibyte is shown like any other" {
    local big
    big=$(head -c 1048576 /dev/zero | tr '\0' x)
    line Deal.Created "{\"a\":\"$big\",\"b\":1}" > "$BATS_TEST_TMPDIR/copy"
    is "a: ${big:0:59}…, b: 1" "$(log "$BATS_TEST_TMPDIR/copy" | sed 's/^.*agent_x *//')"
}

@test "what would make a terminal act is shown as an escape" {
    is 'a: \u001b[2J, b: x\ny\tz, \u0085: \u202eabc, d: \u007f' \
        "$(fields_of Deal.Created '{"a":"\u001b[2J","b":"x\ny\tz","\u0085":"\u202eabc","d":"\u007f"}')"
    is "a: $(printf '\xef\xbf\xbd%.0s' 1 2 3)x" "$(fields_of Deal.Created '{"a":"\ud800x"}')"
}

@test "no colours in a pipe or a file, unless --color=always asks for them" {
    local plain coloured
    plain=$(log_of "$(line Deal.Won '{"a":{"after":1}}')")
    coloured=$(line Deal.Won '{"a":{"after":1}}' | log --color=always -)
    [[ $plain != *$'\e'* && $coloured == *$'\e['* ]]
    is "$plain" "$(sed 's/\x1b\[[0-9]*m//g' <<< "$coloured")"
}

@test "colours on a terminal, but not with NO_COLOR, on a dumb one, or with --color=never" {
    needs script
    script -qec true /dev/null < /dev/null > /dev/null 2>&1 || skip "no pseudo-terminal can be made here"
    local file=$BATS_TEST_TMPDIR/copy
    line Deal.Won '{}' > "$file"
    [[ $(on_terminal "'$FACTFS' log '$file'") == *$'\e['* ]]
    [[ $(on_terminal "NO_COLOR=1 '$FACTFS' log '$file'") != *$'\e['* ]]
    [[ $(on_terminal "TERM=dumb '$FACTFS' log '$file'") != *$'\e['* ]]
    [[ $(on_terminal "'$FACTFS' log --color=never '$file'") != *$'\e['* ]]
    [[ $(on_terminal "NO_COLOR=1 '$FACTFS' log --color=always '$file'") == *$'\e['* ]]
}

@test "a line that is no event is named, the others are shown, and the status is 1" {
    printf '%s\n' "$(line Deal.Won '{}')" '{"a":1}' nonsense '' "$(line Deal.Lost '{}')" > "$BATS_TEST_TMPDIR/copy"
    run --separate-stderr "$FACTFS" log "$BATS_TEST_TMPDIR/copy"
    is 1 "$status"
    is 2 "${#lines[@]}"
    holds "line 2: not an event" "$stderr"
    holds "line 3: " "$stderr"
    is 2 "${#stderr_lines[@]}"
}

@test "a copy that ends within an event says so" {
    line Deal.Won '{}' | head -c 100 > "$BATS_TEST_TMPDIR/copy"
    run "$FACTFS" log "$BATS_TEST_TMPDIR/copy"
    is 1 "$status"
    holds "line 1: ends within an event" "$output"
}

@test "a reader that has had enough is no failure" {
    line Deal.Won '{}' > "$BATS_TEST_TMPDIR/line"
    for ((i = 0; i < 5000; i++)); do cat "$BATS_TEST_TMPDIR/line"; done > "$BATS_TEST_TMPDIR/copy"
    "$FACTFS" log "$BATS_TEST_TMPDIR/copy" 2> "$BATS_TEST_TMPDIR/said" | head -n 1
    is "0 0" "${PIPESTATUS[*]}"
    is "" "$(cat "$BATS_TEST_TMPDIR/said")"
}

@test "what cannot be read is named, and the status is 1" {
    run "$FACTFS" log "$MOUNT/nothing-here"
    is 1 "$status"
    holds "$MOUNT/nothing-here: No such file or directory" "$output"
    run "$FACTFS" log "$BATS_TEST_TMPDIR"
    is 1 "$status"
    holds "neither a tenant nor an entity" "$output"
}

@test "a command line that makes no sense is answered with the usage and status 2" {
    local words
    for words in "" "a b" "-x a" "--color=blue a"; do
        # shellcheck disable=SC2086
        run --separate-stderr "$FACTFS" log $words
        is 2 "$status"
        is "" "$output"
        [[ -n $stderr ]]
    done
    run "$FACTFS" log --help
    is 0 "$status"
    holds "usage: factfs log" "$output"
}
