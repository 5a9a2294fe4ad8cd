# factfs stats: what the tenants of a store, or a stream, add up to.
load helpers

setup() {
    needs jq
    tenant_start
}

stats() {
    ends 0 "$FACTFS" stats --utc "$@"
}

# imported EVENT…: puts events with their own timestamps into the tenant.
imported() {
    is ok "$(put "$T/import" "$(printf '%s\n' "$@")"$'\n')"
}

# happening DAY ENTITY TYPE ACTOR
happening() {
    printf '{"type":"%s","target":"%s","actor":"%s","timestamp":"%sT10:00:00Z","data":{}}' "$3" "$2" "$4" "$1"
}

four_days() {
    imported "$(happening 2026-01-15 contact_a Contact.Created agent_x)" \
        "$(happening 2026-01-15 contact_b Contact.Created agent_x)" \
        "$(happening 2026-01-15 contact_a Contact.Called agent_y)" \
        "$(happening 2026-01-15 contact_a Contact.Called agent_x)" \
        "$(happening 2026-01-18 order_1 was_placed agent_y)"
}

@test "stats of a tenant in a store shows its days, types and actors, beside the running daemon" {
    four_days
    COLUMNS=35 stats "$STORE" "$TENANT"
    is "$TENANT: 5 events, 3 entities, $(wc -c < "$T/stream") bytes
first event 2026-01-15T10:00:00Z, last event 2026-01-18T10:00:00Z

events per day (UTC)
2026-01-15  █████████████████████ 4
2026-01-16  0
2026-01-17  0
2026-01-18  █████▎ 1

types
Contact.Called   2   40%
Contact.Created  2   40%
was_placed       1   20%

actors
agent_x  3   60%
agent_y  2   40%" "$output"
}

@test "stats draws plain characters where the locale has no others" {
    four_days
    LC_ALL=C COLUMNS=35 stats "$STORE" "$TENANT"
    holds '2026-01-15  ##################### 4' "$output"
    holds '2026-01-18  ###### 1' "$output"
    is '' "$(LC_ALL=C grep -P '[^\x00-\x7f]' <<< "$output")"
}

@test "stats shows the latest days, and what was before as one number" {
    four_days
    COLUMNS=35 stats --days=2 "$STORE" "$TENANT"
    holds 'earlier     4
2026-01-17  0
2026-01-18  █████████████████████ 1
' "$output"
}

@test "stats --json agrees with counting the stream" {
    four_days
    created contact_c '{"n":1}'
    record '{"type":"was_paid","target":"order_1","actor":"agent \"q\""}'
    stats --json "$STORE" "$TENANT"
    local expected
    expected=$(jq -sc --arg name "$TENANT" --argjson bytes "$(wc -c < "$T/stream")" '
        def most(f; key): group_by(f) | map({key: (.[0] | f), n: length}) | sort_by([-.n, .key]) | map({(key): .key, events: .n});
        {name: $name, events: length, entities: (map(.target) | unique | length), bytes: $bytes,
         firstEventAt: .[0].timestamp, lastEventAt: .[-1].timestamp,
         days: (group_by(.timestamp[:10]) | map({day: .[0].timestamp[:10], events: length})),
         types: most(.type; "type"), actors: most(.actor; "actor")}' "$T/stream")
    is "$expected" "$output"
}

@test "stats of a tenant, an entity, a stream and a copy of one on the mount says the same of them" {
    four_days
    stats --json "$STORE" "$TENANT"
    local expected
    expected=$(jq -c 'del(.name)' <<< "$output")
    stats --json "$T"
    is "$expected" "$(jq -c 'del(.name)' <<< "$output")"
    stats --json "$T/stream"
    is "$expected" "$(jq -c 'del(.name)' <<< "$output")"
    stats --json - < "$T/stream"
    is "$expected" "$(jq -c 'del(.name)' <<< "$output")"
    stats --json "$T/contact_a"
    is '[3,1]' "$(jq -c '[.events, .entities]' <<< "$output")"
}

@test "stats of a store shows each of its tenants, empty ones too" {
    four_days
    mkdir "$MOUNT/a-empty"
    stats "$STORE"
    holds 'a-empty: 0 events, 0 entities, 0 bytes

' "$output"
    holds "$TENANT: 5 events, 3 entities" "$output"
    stats --json "$STORE"
    is "$(ls "$MOUNT")" "$(jq -r .name <<< "$output")"
}

@test "stats reads a store without a daemon, and one whose daemon was killed" {
    created contact_a
    happened Contact.Called
    kill -KILL "$(daemon_pid)"
    wait_for process_gone "$(daemon_pid)"
    mount_abort
    stats "$STORE" "$TENANT"
    holds "$TENANT: 2 events, 1 entity" "$output"
    daemon_start
    is 2 "$(count "$T")"
    daemon_stop
    stats "$STORE" "$TENANT"
    holds "$TENANT: 2 events, 1 entity" "$output"
    daemon_start
    happened Contact.Called
    is 3 "$(count "$T")"
}

@test "stats counts what is committed while writers write, and never half of a write" {
    created contact_a
    (while [[ ! -e $BATS_TEST_TMPDIR/enough ]]; do
        put "$T/append" '[{"type":"Contact.Called","target":"contact_a"},{"type":"Contact.Called","target":"contact_a"}]' > /dev/null
    done) 3>&- &
    local i events before=0
    for i in {1..20}; do
        stats --json "$STORE" "$TENANT"
        events=$(jq .events <<< "$output")
        ((events % 2 == 1 && events >= before)) || is "an odd number from $before on" "$events"
        before=$events
    done
    touch "$BATS_TEST_TMPDIR/enough"
    wait
    stats --json "$STORE" "$TENANT"
    is "$(count "$T")" "$(jq .events <<< "$output")"
}

@test "stats names a damaged event, counts the others, and exits with 1" {
    four_days
    daemon_stop
    forge "UPDATE event SET line = replace(line, 'agent_x', 'agent_z') WHERE position = 2"
    ends 1 "$FACTFS" stats "$STORE" "$TENANT"
    holds 'event 2' "$output"
    holds "$TENANT: 4 events" "$output"
    rm "$STORE/$TENANT.db"*
    daemon_start
}

@test "stats shows at most ten types, and says of how many" {
    local i
    for i in {1..12}; do record "{\"type\":\"was_done$i\",\"target\":\"order_1\"}"; done
    stats "$STORE" "$TENANT"
    holds 'types (the first 10 of 12)' "$output"
    is 10 "$(grep -c was_done <<< "$output")"
    stats --json "$STORE" "$TENANT"
    is 12 "$(jq '.types | length' <<< "$output")"
}

@test "stats makes harmless what an actor would do to a terminal" {
    record '{"type":"was_done","target":"order_1","actor":"a\u202eb"}'
    stats "$STORE" "$TENANT"
    holds 'a\u202eb' "$output"
}

@test "stats is coloured on demand, and not into a pipe" {
    four_days
    stats "$STORE" "$TENANT"
    [[ $output != *$'\e'* ]]
    stats --color=always "$STORE" "$TENANT"
    holds $'\e[34m█' "$output"
}

@test "stats exits with 1 and says why when something cannot be read, with 2 for a wrong command line" {
    four_days
    ends 1 "$FACTFS" stats "$STORE" nobody
    holds nobody "$output"
    ends 1 "$FACTFS" stats "$STORE" ../x
    ends 1 "$FACTFS" stats "$BATS_TEST_TMPDIR/none"
    ends 1 "$FACTFS" stats - <<< '{"type":"x"}'
    holds 'line 1' "$output"
    ends 2 "$FACTFS" stats
    ends 2 "$FACTFS" stats "$T" acme
    holds 'no store' "$output"
    ends 2 "$FACTFS" stats --days=0 "$STORE"
    ends 2 "$FACTFS" stats --nothing "$STORE"
    ends 0 "$FACTFS" stats --help
}
