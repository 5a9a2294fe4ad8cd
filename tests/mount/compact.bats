# Compaction of the lake over a real mount: the small files of a tenant and a day become one, and DuckDB and PyIceberg read
# the same rows. What dies, is damaged or changed by others in between is in tests/lake/compact_test.c.
load helpers
load lake_table

setup_file() {
    export LAKE=$BATS_FILE_TMPDIR/lake
    lake_start "$LAKE" 3600
}

# import_days TIMES DAY…: of each day so many events, with a flush behind each.
import_days() {
    local i day event=$BATS_TEST_TMPDIR/event
    for day in "${@:2}"; do
        for ((i = 1; i <= $1; i++)); do
            printf '{"type":"Deal.Noted","target":"deal_%d","timestamp":"%sT10:00:0%dZ","data":{"n":%d,"é":"ü"}}\n' "$i" "$day" "$i" "$i" > "$event"
            is ok "$(put_file "$T/import" "$event")"
            "$FACTFS" lake flush "$STORE" > /dev/null
        done
    done
}

@test "the files of days that are over become one a day, and each row stays as it was" {
    needs_readers
    import_days 3 2026-01-15 2026-01-16
    is 6 "$(files)"
    holds "6 files of " "$("$FACTFS" lake compact "$STORE")"
    is 2 "$(files)"
    same "$T/stream" <(table duckdb lines "$TENANT")
    same "$T/stream" <(table pyiceberg lines "$TENANT")
    ends 0 "$FACTFS" lake check "$STORE"
    holds "0 files of 0 days became 0" "$("$FACTFS" lake compact "$STORE")"
}

@test "what was read before a compaction can still be read as it was, and a flush goes on behind it" {
    needs_readers
    import_days 2 2026-01-15
    local before
    before=$(current_snapshot)
    "$FACTFS" lake compact "$STORE"
    record '{"type":"was_seen","target":"thing_1"}'
    "$FACTFS" lake flush "$STORE"
    is "2 3" "$(table duckdb sql "select (select count(*) from iceberg_scan('$LAKE', snapshot_from_id = $before) where tenant = '$TENANT'),
        (select count(*) from events where tenant = '$TENANT')")"
    same "$T/stream" <(table duckdb lines "$TENANT")
    ends 0 "$FACTFS" lake check "$STORE"
}

@test "a damaged file is named, everything else is merged, and the daemon goes on" {
    needs_readers
    local damaged
    "$FACTFS" lake compact "$STORE" # what other tests have left
    import_days 3 2026-01-15
    damaged=$(find "$LAKE/data/tenant=$TENANT" -name '*.parquet' | head -n 1)
    printf 'X' | dd of="$damaged" bs=1 seek=100 conv=notrunc status=none
    local said
    said=$("$FACTFS" lake compact "$STORE")
    holds "2 files of " "$said"
    holds "${damaged##*/} is not merged with others: column " "$(jq -r .lake.lastError.error "$T/status.json")"
    holds "factfs: lake: file://$damaged is not merged with others: column " "$(cat "$DAEMON_OUT")"
    is 2 "$(files)"
    record '{"type":"was_seen","target":"thing_1"}'
    holds "1 events in 1 files" "$("$FACTFS" lake flush "$STORE")"
}

@test "without a daemon, compact does it by itself" {
    needs_readers
    import_days 2 2026-01-15
    daemon_stop
    holds "2 files of " "$("$FACTFS" lake compact "$STORE")"
    daemon_start -o "$WITH_LAKE"
    is 1 "$(files)"
    same "$T/stream" <(table duckdb lines "$TENANT")
}
