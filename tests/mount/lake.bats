# The lake in a directory: what is appended to a mount, as DuckDB and PyIceberg read it. What dies, is lost or refused in
# between is in tests/lake/flush_test.c.
load helpers
load lake_table
load real_log

setup_file() {
    export LAKE=$BATS_FILE_TMPDIR/lake
    lake_start "$LAKE"
}

@test "what was appended is in the table a second later, and DuckDB and PyIceberg read each event as the log has it" {
    needs_readers
    record '{"type":"Contact.Created","target":"contact_ada","actor":"user \"q\" é","data":{"n":12345678901234567890,"x":1.10,"t":"a\u00e9b"}}' \
        '{"type":"was_placed","target":"order_1","data":{},"metadata":{"cause":[1,{"a":null}]}}' \
        '[{"type":"Contact.Qualified","target":"contact_ada","data":{"stage":"Lead"}},{"type":"Deal.Created","target":"deal_1"}]'
    wait_for flushed
    same "$T/stream" <(table duckdb lines "$TENANT")
    same "$T/stream" <(table pyiceberg lines "$TENANT")
}

@test "all tenants are in one table, each with positions from 1 on and without a gap" {
    needs_readers
    local i
    mkdir -p "$MOUNT/second"
    for i in 1 2 3; do
        record '{"type":"was_seen","target":"thing_1"}'
        put "$MOUNT/second/append" '{"type":"was_seen","target":"thing_1"}'
        "$FACTFS" lake flush "$STORE"
    done
    is "second 3 3 1 3
$TENANT 3 3 1 3" "$(table duckdb sql "select tenant, count(*), count(distinct position), min(position), max(position)
        from events where tenant in ('second', '$TENANT') group by 1 order by 1")"
}

@test "a tenant that appends nothing adds no file and no commit" {
    local before
    record '{"type":"was_seen","target":"thing_1"}'
    "$FACTFS" lake flush "$STORE"
    before=$(ls -R "$LAKE")
    is "0 events in 0 files, 0 bytes" "$("$FACTFS" lake flush "$STORE")"
    is "$before" "$(ls -R "$LAKE")"
}

@test "status.json tells how far the table is, how large it is, and that all is well" {
    record '{"type":"was_seen","target":"thing_1"}' '{"type":"was_seen","target":"thing_1"}'
    "$FACTFS" lake flush "$STORE"
    is "active 2 0 0 null" "$(jq -r '.lake | "\(.state) \(.position) \(.lag) \(.lagBytes) \(.lastError)"' "$T/status.json")"
    is "$(find "$LAKE/data" -name '*.parquet' | wc -l)" "$(lake files)"
    is "$(find "$LAKE/data" -name '*.parquet' -printf '%s\n' | paste -sd+ | bc)" "$(lake bytes)"
    holds "Z" "$(lake lastFlush)"
    holds "$TENANT: 2 of 2 events" "$("$FACTFS" lake status "$STORE")"
}

@test "a real log goes the whole way: SQL answers are those of an independent count of its lines" {
    needs_readers
    real_log > "$BATS_TEST_TMPDIR/log"
    is ok "$(put_file "$T/import" "$BATS_TEST_TMPDIR/log")"
    "$FACTFS" lake flush "$STORE"
    # By day and type, from the stream, by jq alone.
    jq -r '"\(.timestamp[0:10]) \(.type)"' "$T/stream" | sort | uniq -c | awk '{ print $2, $3, $1 }' > "$BATS_TEST_TMPDIR/counts"
    table duckdb sql "select strftime(timestamp, '%Y-%m-%d'), type, count(*) from events where tenant = '$TENANT' group by 1, 2 order by 1, 2" \
        | LC_ALL=C sort > "$BATS_TEST_TMPDIR/saw"
    same <(LC_ALL=C sort "$BATS_TEST_TMPDIR/counts") "$BATS_TEST_TMPDIR/saw"
    same <(jq -r '"\(.tenant) \(.timestamp[0:10])"' "$T/stream" | sort | uniq -c | awk '{ print $2, $3, $1 }') \
        <(table pyiceberg counts | grep "^$TENANT ")
    # A day of a tenant is found by its partition.
    local day
    day=$(jq -r '.timestamp[0:10]' "$T/stream" | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
    is "$(grep -c "\"timestamp\":\"$day" "$T/stream")" "$(table duckdb sql \
        "select count(*) from events where tenant = '$TENANT' and timestamp >= '$day' and timestamp < '$day'::timestamp + interval 1 day")"
    same "$T/stream" <(table duckdb lines "$TENANT")
    ends 0 "$FACTFS" lake check "$STORE"
    holds "$TENANT: $(count "$T") of $(count "$T") events" "$output"
}

@test "README: DuckDB answers its line as the log does" {
    needs_readers
    record '{"type":"Contact.Created","target":"contact_a","data":{"stage":"Lead"}}' \
        '{"type":"Contact.Created","target":"contact_b","data":{"stage":"Customer"}}' '{"type":"was_seen","target":"thing_1"}'
    "$FACTFS" lake flush "$STORE"
    local line
    line=$(sed -n '/^<!-- lake: duckdb -->/,/^```$/p' "$ROOT/README.md" | sed -n '/^SELECT/p')
    holds "iceberg_scan('demo-store/lake') WHERE tenant = 'shop'" "$line"
    line=${line//demo-store\/lake/$LAKE}
    is "Contact.Created 2 Lead
was_seen 1 None" "$(table duckdb sql "${line//\'shop\'/\'$TENANT\'}")"
}

@test "every earlier flush can be read as it was" {
    needs_readers
    record '{"type":"was_seen","target":"thing_1"}'
    "$FACTFS" lake flush "$STORE"
    local first
    first=$(current_snapshot)
    record '{"type":"was_seen","target":"thing_1"}'
    "$FACTFS" lake flush "$STORE"
    is "1 2" "$(table duckdb sql "select (select count(*) from iceberg_scan('$LAKE', snapshot_from_id = $first) where tenant = '$TENANT'),
        (select count(*) from events where tenant = '$TENANT')")"
}

@test "small files of a day become one, beside the daemon and without one; no row changes, and what was can still be read" {
    needs_readers
    local i first before
    for i in 1 2 3 4 5 6 7 8 9; do
        record '{"type":"was_seen","target":"thing_1","data":{"n":'$i'}}'
        "$FACTFS" lake flush "$STORE"
        ((i != 1)) || first=$(current_snapshot)
    done
    is 9 "$(files)"
    ends 0 "$FACTFS" lake compact "$STORE"
    holds "files of" "$output"
    is 1 "$(files)"
    same "$T/stream" <(table duckdb lines "$TENANT")
    same "$T/stream" <(table pyiceberg lines "$TENANT")
    is 1 "$(table duckdb sql "select count(*) from iceberg_scan('$LAKE', snapshot_from_id = $first) where tenant = '$TENANT'")"
    before=$(lake rows)
    daemon_stop
    ends 0 "$FACTFS" lake compact "$STORE"
    is "0 files of 0 days became 0, 0 bytes became 0" "$output"
    daemon_start -o "$WITH_LAKE"
    record '{"type":"was_seen","target":"thing_1"}'
    wait_for flushed
    is $((before + 1)) "$(lake rows)"
    ends 0 "$FACTFS" lake check "$STORE"
}

@test "a daemon that is killed leaves a table that the next one goes on with" {
    needs_readers
    record '{"type":"was_seen","target":"thing_1"}'
    kill -KILL "$(daemon_pid)"
    wait_for process_gone "$(daemon_pid)"
    mount_abort
    daemon_start -o "$WITH_LAKE"
    record '{"type":"was_seen","target":"thing_1"}'
    wait_for flushed
    same "$T/stream" <(table duckdb lines "$TENANT")
    ends 0 "$FACTFS" lake check "$STORE"
}

@test "without a daemon, flush does it by itself; with the last flush at its end there is nothing left to do" {
    needs_readers
    record '{"type":"was_seen","target":"thing_1"}'
    daemon_stop
    is "0 events in 0 files, 0 bytes" "$("$FACTFS" lake flush "$STORE")"
    daemon_start
    record '{"type":"was_seen","target":"thing_1"}'
    daemon_stop
    holds "1 events in 1 files" "$("$FACTFS" lake flush "$STORE")"
    ends 0 "$FACTFS" lake check "$STORE"
    daemon_start -o "$WITH_LAKE"
    same "$T/stream" <(table duckdb lines "$TENANT")
}

@test "check finds a data file that is damaged, one that is gone, and an event that is another one in the log" {
    record '{"type":"was_seen","target":"thing_1","data":{"n":1}}' '{"type":"was_seen","target":"thing_1","data":{"n":2}}'
    "$FACTFS" lake flush "$STORE"
    local file
    file=$(find "$LAKE/data/tenant=$TENANT" -name '*.parquet')
    cp "$file" "$BATS_TEST_TMPDIR/kept"
    printf 'x' | dd of="$file" bs=1 seek=40 conv=notrunc status=none
    ends 1 "$FACTFS" lake check "$STORE"
    holds "$TENANT: file://$file: " "$output"
    rm "$file"
    ends 1 "$FACTFS" lake check "$STORE"
    holds "$TENANT: file://$file: " "$output"
    cp "$BATS_TEST_TMPDIR/kept" "$file"
    ends 0 "$FACTFS" lake check "$STORE"
    cp "$BATS_TEST_TMPDIR/kept" "$LAKE/kept"
    daemon_stop
    forge "update event set line = replace(line, '\"n\":2', '\"n\":3') where position = 2"
    ends 1 "$FACTFS" lake check "$STORE"
    holds "$TENANT: event 2 " "$output"
    forge "update event set line = replace(line, '\"n\":3', '\"n\":2') where position = 2"
    rm "$LAKE/kept"
    daemon_start -o "$WITH_LAKE"
}

@test "a table that another store keeps is refused aloud, and events are taken all the same" {
    local other=$BATS_TEST_TMPDIR/other
    mkdir -p "$other/mount"
    "$FACTFS" -f -o "$WITH_LAKE" "$other/store" "$other/mount" > "$other/out" 2>&1 3>&- 4>&- &
    local pid=$!
    disown $pid
    wait_for mountpoint -q "$other/mount"
    mkdir "$other/mount/acme"
    echo '{"type":"was_seen","target":"thing_1"}' > "$other/mount/acme/append"
    wait_for in_file "$other/out" "holds the events of another store"
    is "stopped" "$(jq -r .lake.state "$other/mount/acme/status.json")"
    holds "another store" "$(jq -r .lake.lastError.error "$other/mount/acme/status.json")"
    echo '{"type":"was_seen","target":"thing_1"}' > "$other/mount/acme/append"
    is 2 "$(wc -l < "$other/mount/acme/stream")"
    kill -TERM $pid
    wait_for process_gone $pid
    ends 0 "$FACTFS" lake check "$STORE"
}

@test "a column that is asked for half way is in what follows; what was there stays as it is" {
    needs_readers
    record '{"type":"was_seen","target":"thing_1"}'
    "$FACTFS" lake flush "$STORE"
    local before
    before=$(find "$LAKE/data" -name '*.parquet' -exec sha256sum {} + | sort)
    daemon_restart -o "$WITH_LAKE,lake_hash"
    record '{"type":"was_seen","target":"thing_1"}'
    "$FACTFS" lake flush "$STORE"
    is "$(jq -r .head "$T/status.json")" "$(table duckdb sql "select hash from events where tenant = '$TENANT' and position = 2")"
    is "1 1" "$(table duckdb sql "select count(hash), count(*) - count(hash) from events where tenant = '$TENANT'")"
    is 1 "$(table pyiceberg column hash | cut -d' ' -f1)"
    is "" "$(comm -23 <(echo "$before") <(find "$LAKE/data" -name '*.parquet' -exec sha256sum {} + | sort))"
    ends 0 "$FACTFS" lake check "$STORE"
}

@test "options that cannot be are refused before anything is mounted" {
    local option
    for option in lake= lake_flush_seconds=0 lake_flush_seconds=x lake_flush_bytes=1 lake_maintenance=none lake_nothing; do
        ends 2 "$FACTFS" -o "$option" "$BATS_TEST_TMPDIR/s" "$BATS_TEST_TMPDIR"
        holds "lake" "$output"
    done
    ends 1 "$FACTFS" -f -o "lake=$BATS_TEST_TMPDIR/s/lake" "$BATS_TEST_TMPDIR/s" "$BATS_TEST_TMPDIR"
    holds "lies within" "$output"
    ends 1 "$FACTFS" -f -o "lake=$BATS_TEST_TMPDIR/mount/lake" "$BATS_TEST_TMPDIR/s" "$(mkdir -p "$BATS_TEST_TMPDIR/mount" && echo "$BATS_TEST_TMPDIR/mount")"
    holds "lies within" "$output"
    ends 1 "$FACTFS" lake status "$BATS_TEST_TMPDIR"
    ends 2 "$FACTFS" lake nothing "$STORE"
}

@test "files that the table does not name are listed, and removed when that is asked for, once they are old" {
    record '{"type":"was_seen","target":"thing_1"}'
    "$FACTFS" lake flush "$STORE"
    local before
    before=$(find "$LAKE" -type f | sort)
    echo stray > "$LAKE/data/old.parquet"
    echo stray > "$LAKE/data/new.parquet"
    touch -d '4 days ago' "$LAKE/data/old.parquet"
    is "data/old.parquet 6
1 files, 6 bytes" "$("$FACTFS" lake orphans "$STORE")"
    is "data/old.parquet 6
1 files, 6 bytes: removed" "$("$FACTFS" lake remove-orphans "$STORE")"
    is "0 files, 0 bytes" "$("$FACTFS" lake orphans "$STORE")"
    rm "$LAKE/data/new.parquet"
    is "$before" "$(find "$LAKE" -type f | sort)"
}

@test "what the table was within the last day does not expire" {
    record '{"type":"was_seen","target":"thing_1"}'
    "$FACTFS" lake flush "$STORE"
    is "0 snapshots expired, 0 files removed, 0 may go in 15 minutes" "$("$FACTFS" lake expire "$STORE")"
    ends 0 "$FACTFS" lake check "$STORE"
}
