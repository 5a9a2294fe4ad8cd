# The lake in an Iceberg REST catalog over a bucket, as DuckDB and PyIceberg read it through the catalog. The catalog hands
# out keys, but does not say where its bucket is. Lost answers are in tests/lake/catalog_rest_test.c.
load helpers
load lake_table
load lake_servers

setup_file() {
    export NO_SERVER=
    server_at versitygw || return 0
    gateway_start
    server_at rest-fixture || return 0
    catalog_start
    export LAKE=$CATALOG
    lake_start "rest+$CATALOG"
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

@test "what was appended is in the catalog's table a second later, and DuckDB and PyIceberg read each event as the log has it" {
    needs_readers
    record '{"type":"Contact.Created","target":"contact_ada","data":{"n":12345678901234567890,"x":1.10}}' \
        '{"type":"was_placed","target":"order_1","data":{},"metadata":{"cause":[1,{"a":null}]}}'
    wait_for flushed
    same "$T/stream" <(table duckdb lines "$TENANT")
    same "$T/stream" <(table pyiceberg lines "$TENANT")
    ends 0 "$FACTFS" lake check "$STORE"
}

@test "a daemon that is killed between flushes leaves each event in the table once" {
    needs_readers
    survives_kills
}

@test "a column that is asked for half way comes into the catalog's table" {
    needs_readers
    record '{"type":"was_seen","target":"thing_1"}'
    wait_for flushed
    daemon_restart -o "$WITH_LAKE,lake_hash"
    record '{"type":"was_seen","target":"thing_1"}'
    wait_for flushed
    is "$(jq -r .head "$T/status.json")" \
        "$(table duckdb sql "select hash from events where tenant = '$TENANT' and position = 2")"
}

@test "a table that was not made by factfs is left alone" {
    local post=(curl -sf -o "$BATS_TEST_TMPDIR/made" -X POST -H 'Content-Type: application/json')
    "${post[@]}" "$CATALOG/v1/namespaces" -d '{"namespace":["mine"]}'
    "${post[@]}" "$CATALOG/v1/namespaces/mine/tables" -d '{"name":"t","stage-create":false,"schema":{"type":"struct","fields":[{"id":1,"name":"a","type":"int","required":false}]}}'
    daemon_restart -o "$WITH_LAKE,lake_table=mine.t"
    record '{"type":"was_seen","target":"thing_1"}'
    wait_for in_file "$DAEMON_OUT" "was not made by factfs"
    is "stopped" "$(lake state)"
    daemon_restart -o "$WITH_LAKE"
    wait_for flushed
}
