# Events that happened elsewhere, written to `import`: they keep their ids and moments, come in the order of their time,
# and the same file twice adds nothing.
load helpers

# import EVENT…: each by one write(2); prints `ok` or the first errno.
import() {
    put "$T/import" "$@"
}

# imported EVENT…: a refusal fails the test.
imported() {
    local answer
    answer=$(import "$@")
    [[ $answer == ok ]] || { printf 'refused with %s: %s\n' "$answer" "$(tail -n 1 "$T/rejected")"; return 1; }
}

# import_refused ERRNO WORD EVENT…: the first error is this one, and `rejected` says so in one line with this word.
import_refused() {
    local errno=$1 word=$2 before line
    before=$(refusals)
    shift 2
    is "$errno" "$(import "$@")"
    is $((before + 1)) "$(refusals)"
    line=$(tail -n 1 "$T/rejected")
    is "$errno import" "$(member errno "$line") $(member path "$line")"
    holds "${word,,}" "$(member reason "$line" | tr '[:upper:]' '[:lower:]')"
}

# on MOMENT [MEMBERS]: an event of order_1.
on() {
    printf '{"type":"was_seen","target":"order_1","timestamp":"%s"%s}\n' "$1" "${2:+,$2}"
}

restored() {
    mkdir "$MOUNT/$2"
    put_file "$MOUNT/$2/import" "$1/stream"
    same <(sed "s/\"tenant\":\"${1##*/}\",\"version\"/\"tenant\":\"$2\",\"version\"/" "$1/stream") "$MOUNT/$2/stream"
}

# ---- what an event keeps

@test "an imported event keeps its id, moment, actor, data and metadata; the tenant is the own" {
    imported '{"id":"550e8400-e29b-41d4-a716-446655440000","type":"Contact.Created","target":"contact_1","actor":"agent_7","timestamp":"2016-02-29T23:59:59.5Z","data":{"n":1.10, "s":"\u00e9"},"tenant":"elsewhere","version":1,"metadata":{"k": [1, 2]}}'
    is '{"id":"550e8400-e29b-41d4-a716-446655440000","type":"Contact.Created","target":"contact_1","actor":"agent_7","timestamp":"2016-02-29T23:59:59.500Z","data":{"n":1.10,"s":"\u00e9"},"tenant":"'"$TENANT"'","version":1,"metadata":{"k":[1,2]}}' \
        "$(last "$T")"
}

@test "a timestamp of any offset is shown in UTC with the fewest of 0, 3 and 6 digits that hold it" {
    local written shown
    while read -r written shown; do
        imported "$(on "$written")"
        is "$written $shown" "$written $(member timestamp "$(last "$T")")"
    done <<'EOF'
0001-01-01 0001-01-01T00:00:00Z
1969-12-31T23:59:59.999999Z 1969-12-31T23:59:59.999999Z
1970-01-01T00:00Z 1970-01-01T00:00:00Z
2017-01-09T09:49:50.000+01:00 2017-01-09T08:49:50Z
2017-01-09T09:49:50.120+01:00 2017-01-09T08:49:50.120Z
2017-01-09T03:19:50.1201-05:30 2017-01-09T08:49:50.120100Z
2017-01-09T08:49:50.123456 2017-01-09T08:49:50.123456Z
2017-01-09T08:49:50.123456789Z 2017-01-09T08:49:50.123456Z
2017-01-09T08:49:50.1234579Z 2017-01-09T08:49:50.123457Z
EOF
}

@test "events without an id get the store's own, and are found by it" {
    imported "$(on 2020-01-01)" "$(on 2020-01-02)"
    local id
    for id in $(jq -r .id "$T/stream"); do
        holds evt_ "$id"
        [[ -e $T/order_1/asof/$id/state.json ]]
    done
}

@test "an event is found by the id that it brought, of whatever form" {
    imported "$(on 2020-01-01 '"id":"7","data":{"n":1}')" "$(on 2020-01-02 '"id":"a.b:c-d_e","data":{"n":2}')" "$(on 2020-01-03 '"id":"urn:x:9","data":{"n":3}')"
    is '{"n":1}' "$(state "$T/order_1/asof/7/state.json")"
    is '{"n":2}' "$(state "$T/order_1/asof/a.b:c-d_e/state.json")"
    is '{"n":3}' "$(state "$T/order_1/asof/urn:x:9/state.json")"
}

@test "the past of imported events is that of their own moments" {
    imported "$(on 2020-01-01T10:00:00Z '"data":{"n":1}')" "$(on 2020-01-01T10:00:00Z '"data":{"n":2}')" "$(on 2021-01-01 '"data":{"n":3}')"
    [[ ! -e $T/order_1/asof/2020-01-01 ]]
    is '{"n":2}' "$(state "$T/order_1/asof/2020-01-01T10:00:00Z/state.json")"
    is '{"n":2}' "$(state "$T/order_1/asof/2020-12-31T23:59:59.999999Z/state.json")"
    is '{"n":3}' "$(state "$T/order_1/asof/2021-01-01/state.json")"
}

@test "a moment that was looked at behind the last event is still filled by an import" {
    imported "$(on 2020-01-01 '"data":{"n":1}')"
    is '{"n":1}' "$(state "$T/order_1/asof/2020-01-01/state.json")"
    is '{"n":1}' "$(state "$T/order_1/asof/2022-01-01/state.json")"
    imported "$(on 2020-01-01 '"data":{"n":2}')" "$(on 2021-01-01 '"data":{"n":3}')"
    is '{"n":2}' "$(state "$T/order_1/asof/2020-01-01/state.json")"
    is '{"n":3}' "$(state "$T/order_1/asof/2022-01-01/state.json")"
}

# ---- judgement

@test "an event that goes back in time fails with EINVAL, its line and what to do" {
    import_refused EINVAL "order of their time" "$(on 2020-01-02)"$'\n'"$(on 2020-01-03)"$'\n'"$(on 2020-01-02T23:59:59.999999Z)"
    is "3 0" "$(tail -n 1 "$T/rejected" | jq .line) $(count "$T")"
    imported "$(on 2020-01-02)" "$(on 2020-01-02 '"data":{"same":"moment"}')"
    import_refused EINVAL 2020-01-02T00:00:00Z "$(on 2020-01-01T23:59:59Z)"
}

@test "an event older than what was appended fails with EINVAL" {
    created contact_1
    import_refused EINVAL "goes back" "$(on 2020-01-01)"
}

@test "a version that is not the one that the event gets fails with EINVAL" {
    imported "$(on 2020-01-01 '"version":1')"
    import_refused EINVAL "missing" "$(on 2020-01-02 '"version":3')"
    import_refused EINVAL "version" "$(on 2020-01-02 '"version":1')"
    imported "$(on 2020-01-02 '"version":2')"
}

@test "what has no timestamp, or none that is a moment, fails with EINVAL" {
    import_refused EINVAL "timestamp is missing" '{"type":"was_seen","target":"order_1"}'
    local wrong
    for wrong in "" yesterday 2020-02-30 2020-01-01T24:00:00Z 2020-01-01T10:00:00.Z 2020-01-01t10:00:00z 1577872800 9999-12-31; do
        import_refused EINVAL "no moment" "$(on "$wrong")"
    done
    import_refused EINVAL string '{"type":"was_seen","target":"order_1","timestamp":1577872800}'
}

@test "an id of other letters or more than 128, and an unknown member, fail with EINVAL" {
    import_refused EINVAL "1 to 128" "$(on 2020-01-01 '"id":""')"
    import_refused EINVAL "1 to 128" "$(on 2020-01-01 '"id":"a/b"')"
    import_refused EINVAL "1 to 128" "$(on 2020-01-01 '"id":"'"$(printf 'x%.0s' {1..129})"'"')"
    imported "$(on 2020-01-01 '"id":"'"$(printf 'x%.0s' {1..128})"'"')"
    import_refused EINVAL dta "$(on 2020-01-01 '"dta":{}')"
}

@test "what is history is taken: a first event of any verb, a false before, Created again, a change of what was deleted" {
    local n=0 event
    while read -r event; do
        imported '{"target":"deal_1","timestamp":"2020-01-01T00:00:0'$((n++))'Z",'"$event"
    done <<'EOF'
"type":"Deal.Updated","data":{"stage":"Lead"}}
"type":"Deal.Updated","data":{"stage":{"before":"Lost","after":"Won"}}}
"type":"Deal.Created","data":{"stage":"New"}}
"type":"Deal.Deleted","data":{"reason":"gone"}}
"type":"Deal.Updated","data":{"stage":"Back"}}
"type":"was_called","data":{"by":7}}
"type":"Deal.RolledBack","data":{"by":{"before":7}}}
EOF
    imported '{"type":"Note.Deleted","target":"note_1","timestamp":"2020-01-02"}'
    E=$T/deal_1
    is '{"stage":"Lead"}{"stage":"Won"}{"stage":"New"}{"stage":"Back"}{"stage":"Back","by":7}{"stage":"Back"}' \
        "$(for v in 1 2 3 5 6 7; do state "$E/asof/v$v/state.json"; done | tr -d '\n')"
    [[ ! -e $E/asof/v4/state.json && ! -e $T/note_1/state.json && -e $T/note_1/events ]]
}

@test "an imported change is read by its arrow and its pair, and kept as it was written" {
    imported '{"type":"Deal.Created","target":"deal_1","timestamp":"2020-01-01","data":{"stage":"Lead","n":1}}' \
        '{"type":"Deal.Updated","target":"deal_1","timestamp":"2020-01-02","data":{"stage":"Other -> Won","n":"1 -> 2","note":"a -> b"}}' \
        '{"type":"Deal.Updated","target":"deal_1","timestamp":"2020-01-03","data":{"stage":{"before":"?","after":"x -> y"},"note":{"before":"a"}}}'
    E=$T/deal_1
    is '{"stage":"Other -> Won","n":"1 -> 2","note":"a -> b"}' "$(data_of "$(event "$E" 2)")"
    is '{"stage":"Won","n":"1 -> 2","note":"a -> b"}' "$(state "$E/asof/v2/state.json")"
    is '{"stage":"x -> y","n":"1 -> 2"}' "$(state)"
}

@test "members that begin with a dollar sign are kept and not shown, and are no difference to a document" {
    imported '{"type":"Deal.Created","target":"deal_1","timestamp":"2020-01-01","data":{"$type":"Deal","a":1,"\u0024x":2}}' \
        '{"type":"Deal.Updated","target":"deal_1","timestamp":"2020-01-02","data":{"$v":{"after":3},"b":2}}'
    E=$T/deal_1
    is '{"$type":"Deal","a":1,"\u0024x":2}' "$(data_of "$(event "$E" 1)")"
    is '{"a":1,"b":2}' "$(state)"
    cp "$E/state.json" "$BATS_TEST_TMPDIR/document"
    cat "$BATS_TEST_TMPDIR/document" > "$E/state.json"
    is 2 "$(count "$E")"
}

@test "metadata guards nothing in an import, and an actor in it is read only as type and id" {
    imported "$(on 2020-01-01 '"metadata":{"previous_length":"no guard","actor":"somebody"}')" \
        "$(on 2020-01-02 '"metadata":{"previous_length":77,"actor":{"type":"agent","id":"7"}}')"
    is "$ME agent_7" "$(jq -r .actor "$T/stream" | xargs)"
    import_refused EINVAL metadata.actor "$(on 2020-01-03 '"actor":"user_b","metadata":{"actor":{"type":"agent","id":"7"}}')"
}

# ---- again

@test "an id that is known with the same content adds nothing, with other content it fails with EEXIST" {
    local event='{"id":"one","type":"Deal.Updated","target":"deal_1","timestamp":"2020-01-01","data":{"a":1}}'
    imported "$event" "$(on 2020-01-02)"
    imported "$event" "${event/2020-01-01/2020-01-01T01:00:00+01:00}"
    is 2 "$(count "$T")"
    import_refused EEXIST one "${event/\"a\":1/\"a\":2}"
    import_refused EEXIST one "${event/2020-01-01/2020-01-02}"
    import_refused EEXIST one "${event/deal_1/deal_2}"
    is EEXIST "$(put "$T/append" '{"id":"evt_two","type":"was_seen","target":"order_1"}' '{"id":"evt_two","type":"was_lost","target":"order_1"}')"
}

@test "an id that was imported is known to append, and one that was appended to import" {
    imported "$(on 2020-01-01 '"id":"evt_a","actor":"agent_1","data":{"n":1}')"
    record '{"id":"evt_a","type":"was_seen","target":"order_1","actor":"agent_1","data":{"n":1}}' '{"id":"evt_b","type":"was_seen","target":"order_1","data":{"n":2}}'
    is 2 "$(count "$T")"
    refused EEXIST evt_a '{"id":"evt_a","type":"was_seen","target":"order_1","actor":"agent_1","data":{"n":2}}'
    imported "$(last "$T")"
    is 2 "$(count "$T")"
}

@test "a descriptor that reads too gets a receipt for each event, the first one again for a known event" {
    local output
    output=$(calls open "$T/import" + write "$(on 2020-01-01 '"id":"a"')$(on 2020-01-02 '"id":"b"')" write "$(on 2020-01-01 '"id":"a"')" write "$(on 2019-01-01 '"id":"c"')" drain close)
    holds '{"id":"a","target":"order_1","version":1,"position":1}' "$output"
    holds '{"id":"b","target":"order_1","version":2,"position":2}' "$output"
    is 2 "$(grep -c '"position":1}' <<< "$output")"
    holds '{"error":"EINVAL","reason":"timestamp 2019-01-01T00:00:00Z goes back' "$output"
}

# ---- again, without ids

@test "events without ids imported again add nothing, also when more follow them" {
    on 2020-01-01 '"data":{"n":1}' > "$BATS_TEST_TMPDIR/file"
    on 2020-01-01 '"data":{"n":2}' >> "$BATS_TEST_TMPDIR/file"
    on 2020-01-02 '"data":{"n":1}' >> "$BATS_TEST_TMPDIR/file"
    cat "$BATS_TEST_TMPDIR/file" > "$T/import"
    cat "$BATS_TEST_TMPDIR/file" > "$T/import"
    is 3 "$(count "$T")"
    on 2020-01-02 '"data":{"n":3}' >> "$BATS_TEST_TMPDIR/file"
    cat "$BATS_TEST_TMPDIR/file" > "$T/import"
    is "1 2 1 3" "$(jq .data.n "$T/stream" | xargs)"
}

@test "equal events of one moment are counted: the k-th of the file is the k-th of the log" {
    local event
    event=$(on 2020-01-01)
    imported "$event" "$event"
    imported "$event" "$event" "$event"
    is 3 "$(count "$T")"
    imported "$event$event$event$event"
    is 4 "$(count "$T")"
    # What a refused write had is not counted.
    is "open ok write ok write EINVAL write ok close ok" \
        "$(calls open "$T/import" w write "$event$event" write "$event$event$(on 2019-01-01)" write "$event$event$event" close | xargs)"
    is 5 "$(count "$T")"
}

@test "an event without an id that differs in anything but metadata is another one" {
    imported "$(on 2020-01-01 '"actor":"a_1","data":{"n":1}')"
    imported "$(on 2020-01-01 '"actor":"a_1","data":{"n":1},"metadata":{"run":2}')"
    is 1 "$(count "$T")"
    imported "$(on 2020-01-01 '"actor":"a_2","data":{"n":1}')" "$(on 2020-01-01 '"actor":"a_1","data":{"n":1.0}')" "$(on 2020-01-01T00:00:00.000001 '"actor":"a_1","data":{"n":1}')"
    is 4 "$(count "$T")"
    import_refused EINVAL "goes back" "$(on 2020-01-01 '"actor":"a_3","data":{"n":1}')"
}

@test "of a file that has ids on some of its equal events each is added once" {
    local file
    file=$(on 2020-01-01 '"id":"x"')$(on 2020-01-01)$(on 2020-01-01 '"id":"y"')$(on 2020-01-01)
    imported "$(on 2020-01-01 '"id":"x"')"
    imported "$file"
    imported "$file"
    is "x y" "$(jq -r .id "$T/stream" | grep -xE 'x|y' | xargs)"
    is 4 "$(count "$T")"
}

# ---- beside others

@test "an append beside an import ends it where the log has become younger than the file, and nothing is lost" {
    local n answer
    for n in {1..400}; do
        on "2020-01-01T00:00:00.$(printf %03d "$n")Z" '"data":{"n":'"$n"'}'
    done > "$BATS_TEST_TMPDIR/file"
    { while read -r n; do echo "$n"; done < "$BATS_TEST_TMPDIR/file" > "$T/import"; } 2> /dev/null 3>&- &
    wait_for eval '(( $(count "$T") >= 5 ))'
    record '{"type":"Note.Created","target":"note_1"}'
    wait $! || true
    is 1 "$(count "$T/note_1")"
    is "$(seq "$(count "$T/order_1")")" "$(jq .data.n "$T/order_1/stream")"
    if (($(count "$T/order_1") < 400)); then
        holds "the last event's: import takes events in the order of their time" "$(tail -n 1 "$T/rejected")"
    fi
    # Known ones are still known.
    imported "$(head -n 3 "$BATS_TEST_TMPDIR/file")"
}

@test "an event of the future is taken, and the tenant's clock goes on behind it" {
    imported "$(on 2999-01-01)"
    record '{"type":"was_seen","target":"order_1"}'
    is "2999-01-01T00:00:00Z 2999-01-01T00:00:00.000001Z" "$(jq -r .timestamp "$T/stream" | xargs)"
    [[ -e $T/order_1/asof/2999-01-01 && ! -e $T/order_1/asof/2999-01-01T00:00:00.000001Z && ! -e $T/order_1/asof/2998-12-31 ]]
}

@test "import reads as empty and keeps its size and times" {
    is "" "$(cat "$T/import")"
    local before
    before=$(stat -c '%s %Y %Z' "$T/import")
    imported "$(on 2020-01-01)"
    is "$before" "$(stat -c '%s %Y %Z' "$T/import")"
    chmod 600 "$T/import"
    touch "$T/import"
    : > "$T/import"
    is "$before" "$(stat -c '%s %Y %Z' "$T/import")"
}

@test "a value may straddle two writes, and an array is one transaction" {
    is ok "$(put "$T/import" '{"type":"was_seen","target":"order_1",' '"timestamp":"2020-01-01"}')"
    import_refused EINVAL "goes back" "[$(on 2020-01-02),$(on 2019-01-02)]"
    is 1 "$(count "$T")"
    imported "[$(on 2020-01-02),$(on 2020-01-03)]"
    is 3 "$(count "$T")"
}
