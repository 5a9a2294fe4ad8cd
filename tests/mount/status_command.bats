# factfs status: what status.json says, for people, and an exit status for scripts.
load helpers
load receivers

status_shows() {
    run "$FACTFS" status --utc "$T"
    [[ $output == *"$1"* ]]
}

@test "a tenant: how many events, its metrics, each hook with its state, lag and counts" {
    sends "ok/$P"
    save "$T/hooks/handlers/Deal.closed.js" '() => {}'
    created deal_1
    happened Deal.Closed
    wait_for status_is '.delivered == 2'
    wait_for status_shows 'webhooks/w                active     lag 0, 2 delivered, 2 attempts'
    ends 0 "$FACTFS" status --utc "$T"
    local events at
    events=$(count "$T")
    at=$(member timestamp "$(last "$T")")
    holds "$TENANT  $events events, $(jq .entities "$T/status.json") entities, the last at ${at%%.*}" "$output"
    holds 'handlers/Deal.closed      active     1 runs' "$output"
    ! grep -q $'\033' <<< "$output"
}

@test "a hook that fails or is disabled: its last error, and exit status 3" {
    sends "500/$P" '"retry":{"maxAttempts":1}'
    webhook off "{\"trigger\":\"Deal.*\",\"url\":\"$RECEIVER/ok/$P\",\"disabled\":true}"
    created deal_1
    wait_for status_shows 'webhooks/w                failing    lag 0, 1 dead, 1 attempts'
    ends 3 "$FACTFS" status --utc "$T"
    holds 'webhooks/off              disabled   lag 1, oldest ' "$output"
    local id
    id=$(member id "$(event "$T" 3)")
    [[ $output =~ 'last error 20'[0-9T:-]*'Z, '$id': status 500' ]] || { echo "$output"; return 1; }
}

@test "-q shows only what is not well" {
    sends "ok/$P"
    ends 0 "$FACTFS" status -q "$T"
    is '' "$output"
    webhook off "{\"trigger\":\"Deal.*\",\"url\":\"$RECEIVER/ok/$P\",\"disabled\":true}"
    shows_off() {
        run "$FACTFS" status -q "$T"
        [[ $status == 3 && $output == *webhooks/off* ]]
    }
    wait_for shows_off
    [[ $output != *webhooks/w* ]]
}

@test "a mount and its store: all tenants, by name" {
    local path
    for path in "$MOUNT" "$MOUNT/" "$STORE"; do
        run "$FACTFS" status "$path"
        ((status == 0 || status == 3))
        is "$(ls "$MOUNT")" "$(grep -oE '^[a-z0-9-]+  [0-9]+ events' <<< "$output" | cut -d' ' -f1)"
    done
}

@test "colours when asked for, and nothing of a text acts on the terminal" {
    sends "500/$P" '"retry":{"maxAttempts":1}'
    created deal_1
    wait_for status_is '.state == "failing"'
    wait_for status_shows failing
    run "$FACTFS" status --color=always "$T"
    holds $'\033[31mfailing\033[0m' "$output"
}

@test "a store that is not mounted: what waits in it, and what has failed" {
    sends "500/$P" '"retry":{"maxAttempts":1}'
    created deal_1
    wait_for status_is '.dead == 1'
    webhook off "{\"trigger\":\"Deal.*\",\"url\":\"$RECEIVER/ok/$P\",\"disabled\":true}"
    created deal_2
    created contact_1
    wait_for status_is '.lag == 1'
    W=$T/hooks/webhooks/w
    wait_for status_is '.dead == 2'
    local events at
    events=$(count "$T")
    at=$(member timestamp "$(last "$T")")
    daemon_stop
    run "$FACTFS" status --utc "$STORE"
    daemon_start -o hooks_allow=127.0.0.1
    is 3 "$status"
    local mine
    mine=$(sed -n "/^$TENANT  /,\$p" <<< "$output")
    holds "$TENANT  $events events, 5 entities, the last at ${at%%.*}Z; not mounted" "$mine"
    holds 'webhooks/w                failing    lag 0, 2 dead, 2 attempts' "$mine"
    holds 'status 500' "$mine"
    holds 'webhooks/off              disabled   lag 1, oldest ' "$mine"
}

@test "what is no tenant, no mount and no mounted store is told, and the others are shown" {
    mkdir "$BATS_TEST_TMPDIR/store" "$BATS_TEST_TMPDIR/empty"
    touch "$BATS_TEST_TMPDIR/store/catalog"
    ends 1 "$FACTFS" status "$BATS_TEST_TMPDIR/store" "$T"
    holds 'is not a file of factfs' "$output"
    holds "$TENANT  0 events" "$output"
    ends 1 "$FACTFS" status "$BATS_TEST_TMPDIR/empty"
    holds 'no tenant' "$output"
    ends 1 "$FACTFS" status "$BATS_TEST_TMPDIR/nothing"
    holds 'No such file' "$output"
    ends 2 "$FACTFS" status
    ends 0 "$FACTFS" status --help
    holds 'Exit status' "$output"
}
