# The lake in a bucket, as DuckDB and PyIceberg read it. Lost answers are in tests/lake/objects_s3_test.c.
load helpers
load lake_table
load lake_servers

setup_file() {
    export NO_SERVER= LAKE=s3://lake/the/table
    server_at versitygw || return 0
    gateway_start
    export AWS_ACCESS_KEY_ID=$KEY_ID AWS_SECRET_ACCESS_KEY=$SECRET
    lake_start "$LAKE"
}

setup() {
    server_setup
}

teardown() {
    server_teardown
}

teardown_file() {
    server_teardown_file
}

@test "what was appended is in the bucket's table a second later, and DuckDB and PyIceberg read each event as the log has it" {
    needs_readers
    record '{"type":"Contact.Created","target":"contact_ada","actor":"user \"q\" é","data":{"n":12345678901234567890,"x":1.10}}' \
        '{"type":"was_placed","target":"order_1","data":{},"metadata":{"cause":[1,{"a":null}]}}'
    wait_for flushed
    same "$T/stream" <(table duckdb lines "$TENANT")
    same "$T/stream" <(table pyiceberg lines "$TENANT")
}

@test "a daemon that is killed between flushes leaves each event in the table once" {
    needs_readers
    survives_kills
}

@test "the files of a day that is over become one there, too" {
    needs_readers
    local i
    for i in 1 2 3; do
        is ok "$(put "$T/import" "{\"type\":\"was_seen\",\"target\":\"thing_$i\",\"timestamp\":\"2026-01-15T10:00:0${i}Z\"}")"
        "$FACTFS" lake flush "$STORE"
    done
    holds "3 files of 1 days became 1" "$("$FACTFS" lake compact "$STORE")"
    same "$T/stream" <(table duckdb lines "$TENANT")
    ends 0 "$FACTFS" lake check "$STORE"
}

@test "a bucket that cannot be reached holds up nobody, and gets all of it when it can be" {
    local gateway=$BATS_FILE_TMPDIR/versitygw.pid
    kill -STOP "$(< "$gateway")"
    record '{"type":"was_seen","target":"thing_1"}'
    is 1 "$(count "$T")"
    kill -CONT "$(< "$gateway")"
    wait_for flushed
}

@test "the tools know how the bucket is reached, and the keys are in no file and no message" {
    record '{"type":"was_seen","target":"thing_1"}'
    local endpoint=$AWS_ENDPOINT_URL
    daemon_stop
    (
        unset AWS_ENDPOINT_URL
        daemon_start -o "$WITH_LAKE,lake_endpoint=$endpoint"
        ends 0 "$FACTFS" lake flush "$STORE"
        ends 0 "$FACTFS" lake check "$STORE"
        holds "$TENANT: 1 of 1 events" "$("$FACTFS" lake status "$STORE")"
    )
    run grep -rl "$SECRET" "$STORE" "$DAEMON_OUT" "$T/status.json"
    is "" "$output"
}

@test "wrong keys are said to be, and are not shown" {
    local other=$BATS_TEST_TMPDIR
    mkdir "$other/store" "$other/mount"
    (
        export AWS_SECRET_ACCESS_KEY=not-this-one
        ends 1 "$FACTFS" lake status --lake="$LAKE" "$STORE"
        holds "403" "$output"
        [[ $output != *not-this-one* ]]
        unset AWS_SECRET_ACCESS_KEY
        ends 1 "$FACTFS" -o "lake=$LAKE" "$other/store" "$other/mount"
        holds "AWS_SECRET_ACCESS_KEY" "$output"
    )
}

@test "keys can come from a file, which nobody else may read" {
    local keys=$BATS_TEST_TMPDIR/keys
    printf 'AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n' "$KEY_ID" "$SECRET" > "$keys"
    chmod 644 "$keys"
    mkdir "$BATS_TEST_TMPDIR/store" "$BATS_TEST_TMPDIR/mount"
    ends 1 "$FACTFS" -o "lake=$LAKE,lake_keys=$keys" "$BATS_TEST_TMPDIR/store" "$BATS_TEST_TMPDIR/mount"
    holds "chmod 600" "$output"
    chmod 600 "$keys"
    daemon_stop
    (
        unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
        daemon_start -o "$WITH_LAKE,lake_keys=$keys"
        record '{"type":"was_seen","target":"thing_1"}'
        wait_for flushed
    )
}
