# factfs verify: the proof of a store, beside its daemon and without one.
load helpers
load own_mount

setup() {
    place_own
    daemon_start
    mkdir "$T" "$MOUNT/other"
    created order_1 '{"n":1}'
    happened was_placed '{"n":2}'
    happened was_shipped '{"n":3}'
    put "$MOUNT/other/append" '{"type":"was_seen","target":"thing_1"}'
}

@test "verify tells events and hash of each tenant, beside the daemon and without it" {
    local expected
    expected="acme: 3 events, whole; hash $(chain "$T/stream")
other: 1 events, whole; hash $(chain "$MOUNT/other/stream")"
    ends 0 "$FACTFS" verify "$STORE"
    is "$expected" "$output"
    daemon_stop
    ends 0 "$FACTFS" verify "$STORE"
    is "$expected" "$output"
    is "acme.db catalog lock other.db" "$(cd "$STORE" && echo *)"
    ends 0 "$FACTFS" verify -q "$STORE"
    is "" "$output"
}

@test "verify names the first event that does not fit, goes on with the other tenants and ends with 1" {
    local id
    id=$(member id "$(event "$T" 2)")
    daemon_stop
    forge "UPDATE event SET line = replace(line, '\"n\":2', '\"n\":9') WHERE position = 2"
    ends 1 "$FACTFS" verify "$STORE"
    holds "acme: event 2 (order_1, version 2, id $id): " "${lines[0]}"
    holds "other: 1 events, whole" "${lines[1]}"
    ends 0 "$FACTFS" verify "$STORE" other
    ends 1 "$FACTFS" verify "$STORE" acme other
    ends 1 "$FACTFS" verify "$STORE" nobody
    holds "no tenant nobody" "$output"
}

@test "what verify shows of damaged text does nothing to a terminal and is UTF-8" {
    daemon_stop
    python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA writable_schema = 1")
db.execute("UPDATE sqlite_schema SET name = CAST(? AS TEXT), sql = ? WHERE name = ?", (b"bad\xb0\x1b[2J", "CREATE bad", "mark"))
db.commit()' "$STORE/acme.db"
    ends 1 "$FACTFS" verify "$STORE" acme
    [[ $output == *bad* ]]
    not grep -q $'\e' <<< "$output"
    iconv -f UTF-8 -t UTF-8 <<< "$output" > "$BATS_TEST_TMPDIR/utf8"
}

@test "verify tells damage in the write-ahead log that a kill left" {
    kill -KILL "$(daemon_pid)"
    wait_for process_gone "$(daemon_pid)"
    mount_abort
    ends 0 "$FACTFS" verify "$STORE"
    printf X | dd of="$STORE/acme.db-wal" bs=1 seek=9000 conv=notrunc status=none
    ends 1 "$FACTFS" verify "$STORE"
    holds "acme.db-wal is damaged at frame" "$output"
    holds "other: 1 events, whole" "$output"
}

@test "verify tells a tenant whose name was changed in the catalog" {
    daemon_stop
    python3 -c '
import sys
path = sys.argv[1] + "/catalog"
bytes = open(path, "rb").read()
at = bytes.rindex(b"acme")
open(path, "wb").write(bytes[:at] + b"bcme" + bytes[at + 4:])' "$STORE"
    ends 1 "$FACTFS" verify "$STORE"
    holds "catalog: damaged" "$output"
    holds "other: 1 events, whole" "$output"
}

@test "a daemon that starts during a verify says that the store is in use" {
    daemon_stop
    exec 9< "$STORE/lock"
    flock -s 9
    ends 0 "$FACTFS" verify -q "$STORE"
    ends 1 timeout 20 "$FACTFS" -f "$STORE" "$MOUNT" 3>&- 4>&-
    holds "in use" "$output"
    exec 9<&-
}

@test "verify refuses what is no store, and a command line without one" {
    ends 1 "$FACTFS" verify "$MOUNT/acme"
    holds "no store of factfs" "$output"
    ends 2 "$FACTFS" verify
    ends 2 "$FACTFS" verify --wrong "$STORE"
    ends 0 "$FACTFS" verify --help
    holds "Usage: factfs verify STORE" "$output"
}

@test "verify is silent on standard error where that is no terminal" {
    "$FACTFS" verify "$STORE" 2> "$BATS_TEST_TMPDIR/err" > /dev/null
    is "" "$(cat "$BATS_TEST_TMPDIR/err")"
}
