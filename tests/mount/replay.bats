# factfs replay: what a handler would have done (HOOKS.md B26).
load helpers

setup() {
    tenant_start
    H=$T/hooks/handlers
}

replay() {
    "$FACTFS" replay "$STORE" "$TENANT" "$@"
}

@test "a saved handler is tried on the tenant as it was at each event, beside the daemon" {
    created contact_1 '{"name":"Ada"}'
    created deal_1 '{"contact":"contact_1","value":1}'
    record '{"type":"Deal.Closed","target":"deal_1","data":{"value":2}}'
    record '{"type":"Contact.Updated","target":"contact_1","data":{"name":"Eve"}}'
    record '{"type":"Deal.Closed","target":"deal_1","data":{"value":3}}'
    local first before
    first=$(member id "$(event "$T" 3)")
    save "$H/Deal.closed.js" '(d, $) => { $.Seen.create({ $id: "seen_" + d.value, value: d.value, name: $.Contact.get(d.contact).name, deals: $.Deal.count(), closed: $.events.list({ type: "Deal.Closed" }).length }) }'
    before=$(count "$T")
    replay Deal.closed --dry-run > "$BATS_TEST_TMPDIR/out"
    is 2 "$(wc -l < "$BATS_TEST_TMPDIR/out")"
    is "[\"$first\",\"Seen.Created\",\"seen_2\",{\"value\":2,\"name\":\"Ada\",\"deals\":1,\"closed\":1},{\"cause\":\"$first\",\"handler\":\"Deal.closed\"},null]" \
        "$(head -n 1 "$BATS_TEST_TMPDIR/out" | jq -c '[.cause, (.events[0] | .type, .target, .data, .metadata, .id)]')"
    is '{"value":3,"name":"Eve","deals":1,"closed":2}' "$(tail -n 1 "$BATS_TEST_TMPDIR/out" | jq -c '.events[0].data')"
    is "$(member timestamp "$(event "$T" 3)")" "$(head -n 1 "$BATS_TEST_TMPDIR/out" | jq -r '.events[0].timestamp')"
    # Nothing was changed.
    is "$before" "$(count "$T")"
    is 0 "$(stat -c %s "$H/Deal.closed.log")"
    daemon_stop
    replay Deal.closed --dry-run | cmp - "$BATS_TEST_TMPDIR/out"
    daemon_start
}

@test "since a moment or an event, inclusive" {
    save "$H/Deal.closed.js" '(d, $) => { $.Seen.create({ n: d.n }) }'
    local i
    for i in 1 2 3; do
        record "{\"type\":\"Deal.Closed\",\"target\":\"deal_$i\",\"data\":{\"n\":$i}}"
    done
    local line
    line=$(event "$T" 4)
    is 2 "$(member data.n "$line")"
    is "2 3" "$(replay Deal.closed --since="$(member id "$line")" --dry-run | jq '.events[0].data.n' | tr '\n' ' ' | sed 's/ $//')"
    is "2 3" "$(replay Deal.closed --since "$(member timestamp "$line")" --dry-run | jq '.events[0].data.n' | tr '\n' ' ' | sed 's/ $//')"
    is "1 2 3" "$(replay Deal.closed --since 1h-ago --dry-run | jq '.events[0].data.n' | tr '\n' ' ' | sed 's/ $//')"
    is "" "$(replay Deal.closed --since 2090-01-01 --dry-run)"
}

@test "a file is tried before it is saved, in place of a saved one of its name" {
    created deal_1 '{"n":1}'
    record '{"type":"Deal.Closed","target":"deal_1"}'
    printf '(d, $) => { if (d.n > 0) throw new Error("too many") ; $.Seen.create({}) }' > "$BATS_TEST_TMPDIR/Deal.closed.js"
    is '"too many"' "$(replay "$BATS_TEST_TMPDIR/Deal.closed.js" --dry-run | jq -c .error)"
    printf '(d) => { if (d.n > 0) throw new Error("never") }' > "$BATS_TEST_TMPDIR/Deal.creating.js"
    is '"Deal.creating.js: never"' "$(replay "$BATS_TEST_TMPDIR/Deal.creating.js" --dry-run | jq -c .error)"
    printf '(d) => ({ seen: d.n })' > "$BATS_TEST_TMPDIR/Deal.closing.js"
    is '{"seen":{"after":1}}' "$(replay "$BATS_TEST_TMPDIR/Deal.closing.js" --dry-run | jq -c '.events[0].data')"
    printf '(d) => {}' > "$BATS_TEST_TMPDIR/Deal.closed.js"
    is "" "$(replay "$BATS_TEST_TMPDIR/Deal.closed.js" --dry-run)"
    printf '(d) => {' > "$BATS_TEST_TMPDIR/Deal.closed.js"
    ends 1 replay "$BATS_TEST_TMPDIR/Deal.closed.js" --dry-run
    holds "Deal.closed.js:1:9: SyntaxError" "$output"
}

@test "random numbers and the clock are those of the event" {
    save "$H/Deal.closed.js" '(d, $) => { $.Seen.create({ r: Math.random(), t: Date.now() }) }'
    record '{"type":"Deal.Closed","target":"deal_1"}'
    is "$(last "$T" | jq -c .data)" "$(replay Deal.closed --dry-run | jq -c '.events[0].data')"
}

@test "each event is on its own, and other handlers are set off" {
    save "$H/Deal.closed.js" '(d, $) => { $.A.create({ n: $.A.count() }) }'
    save "$H/A.created.js" '(a, $) => { $.B.create({ n: a.n }) }'
    rm "$H/Deal.closed.js"
    record '[{"type":"Deal.Closed","target":"deal_1"},{"type":"Deal.Closed","target":"deal_2"}]'
    printf '(d, $) => { $.A.create({ n: $.A.count() }) }' > "$BATS_TEST_TMPDIR/Deal.closed.js"
    is '["A.Created","B.Created"] [0,0] ["A.Created","B.Created"] [0,0]' \
        "$(replay "$BATS_TEST_TMPDIR/Deal.closed.js" --dry-run | jq -c '(.events | map(.type)), (.events | map(.data.n))' | tr '\n' ' ' | sed 's/ $//')"
}

@test "what is not there is said; without --dry-run it is a wrong call" {
    ends 2 replay Deal.closed
    ends 2 replay Deal.closed --wet-run
    ends 2 "$FACTFS" replay "$STORE" --dry-run
    ends 1 replay Deal.closed --dry-run
    holds "there is no such handler" "$output"
    save "$H/Deal.closed.js" '() => 1'
    ends 1 replay Deal.closed --since never --dry-run
    ends 1 "$FACTFS" replay "$STORE" nowhere Deal.closed --dry-run
    ends 1 "$FACTFS" replay "$STORE-2" "$TENANT" Deal.closed --dry-run
    ends 0 "$FACTFS" replay --help
}
