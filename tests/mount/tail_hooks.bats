# factfs tail-hooks: attempts to send, as they come.
load helpers
load receivers

# tail_hooks ARGUMENT…: in the background, its lines in $SEEN.
tail_hooks() {
    SEEN=$BATS_TEST_TMPDIR/seen
    listen "$SEEN" "$FACTFS" tail-hooks --utc "$@"
}

@test "each attempt is a line, failed ones with the reason and the next" {
    sends "first/1/$P" '"retry":{"backoff":[0.2]}'
    tail_hooks "$T"
    created deal_1
    wait_for lines_in "$SEEN" 2
    local id
    id=$(member id "$(last "$E")")
    holds "  $TENANT/webhooks/w  Deal.Created deal_1 $id  attempt 1  status 503, " "$(sed -n 1p "$SEEN")"
    holds ' ms, again at 20' "$(sed -n 1p "$SEEN")"
    holds "  $TENANT/webhooks/w  Deal.Created deal_1 $id  attempt 2  delivered, " "$(sed -n 2p "$SEEN")"
    sends "500/$P" '"retry":{"maxAttempts":1}'
    created deal_2
    wait_for lines_in "$SEEN" 3
    holds 'attempt 1  status 500, ' "$(sed -n 3p "$SEEN")"
    holds ', given up' "$(sed -n 3p "$SEEN")"
}

@test "none is shown twice and none is left out, of several webhooks and bursts" {
    webhook a "{\"trigger\":\"Deal.*\",\"url\":\"$RECEIVER/ok/a/$P\"}"
    webhook b "{\"trigger\":\"Deal.*\",\"url\":\"$RECEIVER/ok/b/$P\"}"
    tail_hooks -n 1000 "$T"
    local burst i n=0
    for burst in 40 1 100 3; do
        for ((i = 0; i < burst; i++)); do
            created "deal_$((++n))"
        done
        wait_for lines_in "$SEEN" $((2 * n))
    done
    webhook c "{\"trigger\":\"Deal.*\",\"url\":\"$RECEIVER/ok/c/$P\"}"
    created deal_last
    wait_for lines_in "$SEEN" $((2 * n + 3))
    is "$((2 * n + 3))" "$(wc -l < "$SEEN")"
    is "$((2 * n + 3))" "$(cut -d' ' -f3- "$SEEN" | sed 's/ attempt.*//' | sort -u | wc -l)"
}

@test "it begins with the last attempts, 10 or as many as asked for, in their order" {
    sends "ok/$P" '"concurrency":1'
    for i in {1..15}; do
        created "deal_$i"
    done
    wait_for status_is '.delivered == 15'
    wait_for lines_in "$W/deliveries" 15
    tail_hooks "$T"
    wait_for lines_in "$SEEN" 10
    is "$(jq -r .target "$W/deliveries" | tail -n 10)" "$(grep -oE 'deal_[0-9]+' "$SEEN")"
    listen "$SEEN.3" "$FACTFS" tail-hooks -n 3 "$T"
    wait_for lines_in "$SEEN.3" 3
    is 3 "$(wc -l < "$SEEN.3")"
}

@test "a mount: all its tenants" {
    local other=$MOUNT/other$BATS_TEST_NUMBER
    mkdir "$other"
    sends "ok/$P"
    save "$other/hooks/webhooks/x.json" "{\"trigger\":\"Deal.*\",\"url\":\"$RECEIVER/ok/$P\"}"
    tail_hooks -n 1000 "$MOUNT"
    echo '{"type":"Deal.Created","target":"deal_1"}' | tee "$other/append" > "$T/append"
    wait_for in_file "$SEEN" "$TENANT/webhooks/w  Deal.Created"
    wait_for in_file "$SEEN" "other$BATS_TEST_NUMBER/webhooks/x  Deal.Created"
}

@test "it ends when its reader goes; what cannot be followed is told" {
    sends "ok/$P"
    created deal_1
    wait_for status_is '.delivered == 1'
    timeout 20 "$FACTFS" tail-hooks "$T" | head -n 1 | grep -q delivered
    ends 1 timeout 20 "$FACTFS" tail-hooks "$BATS_TEST_TMPDIR"
    holds 'no tenant' "$output"
    ends 2 "$FACTFS" tail-hooks
    ends 2 "$FACTFS" tail-hooks -n x "$T"
}
