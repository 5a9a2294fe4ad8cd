# A log from elsewhere, with its true timestamps, and the restoring of a tenant from its stream: what was imported is
# there once, whole, whatever was killed meanwhile.
load helpers
load real_log

setup_file() {
    mount_start
    export LOG=$BATS_FILE_TMPDIR/log TRAVEL=$MOUNT/travel
    real_log > "$LOG"
    mkdir "$TRAVEL"
    put_file "$TRAVEL/import" "$LOG" > "$BATS_FILE_TMPDIR/answer"
}

# without_own: a stream without what the importing tenant gives.
without_own() {
    sed -E 's/^\{"id":"[^"]*",/{/; s/,"tenant":"[^"]*","version":[0-9]+\}$/}/'
}

# renamed NAME < STREAM
renamed() {
    sed -E "s/,\"tenant\":\"[^\"]*\",\"version\":/,\"tenant\":\"$1\",\"version\":/"
}

# restore STREAM: into the test's tenant; prints `ok` or the first errno.
restore() {
    put_file "$T/import" "$1"
}

@test "a real log is taken whole, with its moments in UTC" {
    is ok "$(cat "$BATS_FILE_TMPDIR/answer")"
    is "$(wc -l < "$LOG") 0" "$(count "$TRAVEL") $(wc -l < "$TRAVEL/rejected")"
    same <(jq -r '.timestamp[0:19] + "|" + .timestamp[23:]' "$LOG" | TZ=UTC python3 -c '
import datetime, sys
for line in sys.stdin:
    at, zone = line.strip().split("|")
    print(datetime.datetime.fromisoformat(at + zone).astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))') \
        <(jq -r .timestamp "$TRAVEL/stream" | sed -E 's/\.[0-9]+Z$/Z/')
    same <(sed -E 's/"timestamp":"[^"]*",//' "$LOG") <(without_own < "$TRAVEL/stream" | sed -E 's/"timestamp":"[^"]*",//')
}

@test "the past of a real log at ten moments is what an independent model folds up to them" {
    local seed
    for seed in 1 2; do
        ends 0 python3 "$BATS_TEST_DIRNAME/model.py" past "$LOG" "$TRAVEL" "$seed"
        echo "# $output" >&3
    done
}

@test "a real log without ids imported again adds nothing" {
    is ok "$(put_file "$TRAVEL/import" "$LOG")"
    is "$(wc -l < "$LOG")" "$(count "$TRAVEL")"
}

@test "a tenant restored from the stream of another one has the same stream but for the name, and again adds nothing" {
    is ok "$(restore "$TRAVEL/stream")"
    same <(renamed "$TENANT" < "$TRAVEL/stream") "$T/stream"
    is ok "$(restore "$TRAVEL/stream")"
    is "$(count "$TRAVEL")" "$(count "$T")"
    # Ids are found: from memory, and after a remount from the index.
    local line
    for line in 1 20000 "$(count "$T")"; do
        [[ -e $T/$(event "$T" "$line" | jq -r '.target + "/asof/" + .id')/events ]]
    done
    daemon_restart
    for line in 1 20000 "$(count "$T")"; do
        [[ -e $T/$(event "$T" "$line" | jq -r '.target + "/asof/" + .id')/events ]]
    done
}

@test "a restored tenant restores another store" {
    cp "$TRAVEL/stream" "$BATS_TEST_TMPDIR/stream"
    daemon_stop
    place "$BATS_TEST_TMPDIR"
    daemon_start
    T=$MOUNT/$TENANT
    mkdir "$T"
    local answer
    answer=$(restore "$BATS_TEST_TMPDIR/stream")
    same <(renamed "$TENANT" < "$BATS_TEST_TMPDIR/stream") "$T/stream"
    daemon_stop
    place "$BATS_FILE_TMPDIR"
    daemon_start
    is ok "$answer"
}

# killed_at EVENTS FILE: imports, and kills the daemon once it has so many events.
killed_at() {
    local daemon writer
    daemon=$(daemon_pid)
    # Small writes, so that a kill meets the midst of the file.
    { dd if="$2" of="$T/import" bs=16k status=none 2> /dev/null || true; } 3>&- &
    writer=$!
    wait_for eval "(( \$(stat -c %s '$T/stream') >= $1 * 300 ))"
    kill -KILL "$daemon"
    wait_for process_gone "$daemon"
    wait_for process_gone "$writer"
    : > "$DAEMON_OUT"
    daemon_start
}

@test "an import that kill -9 ends three times goes on when it is run again, with ids" {
    local at
    head -n 20000 "$TRAVEL/stream" > "$BATS_TEST_TMPDIR/stream"
    for at in 1 6000 13000; do
        killed_at "$at" "$BATS_TEST_TMPDIR/stream"
        same <(head -n "$(count "$T")" "$BATS_TEST_TMPDIR/stream" | renamed "$TENANT") "$T/stream"
    done
    is ok "$(restore "$BATS_TEST_TMPDIR/stream")"
    same <(renamed "$TENANT" < "$BATS_TEST_TMPDIR/stream") "$T/stream"
}

@test "an import that kill -9 ends three times goes on when it is run again, without ids" {
    local at
    head -n 20000 "$LOG" > "$BATS_TEST_TMPDIR/log"
    for at in 1 6000 13000; do
        killed_at "$at" "$BATS_TEST_TMPDIR/log"
        same <(head -n "$(count "$T")" "$TRAVEL/stream" | without_own) <(without_own < "$T/stream")
    done
    is ok "$(restore "$BATS_TEST_TMPDIR/log")"
    same <(head -n 20000 "$TRAVEL/stream" | without_own) <(without_own < "$T/stream")
}

@test "two imports of one file at once add each event once, with ids and without" {
    local file first second
    for file in "$LOG" "$TRAVEL/stream"; do
        T=$MOUNT/$TENANT-${file##*/}
        mkdir "$T"
        restore "$file" > "$BATS_TEST_TMPDIR/first" 3>&- &
        first=$!
        restore "$file" > "$BATS_TEST_TMPDIR/second" 3>&- &
        second=$!
        wait "$first" "$second"
        is "ok ok" "$(cat "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/second" | xargs)"
        same <(without_own < "$TRAVEL/stream") <(without_own < "$T/stream")
    done
    rm -f "$BATS_TEST_TMPDIR/first"
    T=$MOUNT/$TENANT
}

@test "every log that factfs makes is restored: changes, rollbacks, documents, deletions, both conventions, given ids" {
    local source=$MOUNT/source-$TENANT
    mkdir "$source"
    python3 "$BATS_TEST_DIRNAME/model.py" mixed 7 400 > "$BATS_TEST_TMPDIR/mixed"
    is ok "$(put_file "$source/append" "$BATS_TEST_TMPDIR/mixed")"
    put "$source/append" '{"type":"Person.Created","target":"person_1","id":"evt_given-1","data":{"name":"Ann \u00e9","n":1.10},"metadata":{"why":"a b","previous_length":0,"actor":{"type":"agent","id":"7"}}}' \
        '{"type":"person.rolledOut","target":"person_1","data":{"n":{"before":1.1,"after":1e400}}}' \
        '{"type":"person.was_called","target":"person_1","version":3,"data":{"by":"A -> B"}}' \
        '[{"type":"Person.Updated","target":"person_1","data":{"name":"Bob"}},{"type":"Person.Deleted","target":"person_1","data":{"reason":"x"}}]'
    put "$source/person_1/rollback" v2
    save "$source/person_1/state.json" '{"n":2,"tags":["a"]}'
    put "$source/person_1/rollback" evt_given-1
    is 8 "$(count "$source/person_1")"
    is ok "$(restore "$source/stream")"
    same <(renamed "$TENANT" < "$source/stream") "$T/stream"
    local entity
    for entity in $(jq -r .target "$source/stream" | sort -u); do
        same <(cat "$source/$entity/state.json" 2> /dev/null) <(cat "$T/$entity/state.json" 2> /dev/null)
    done
    is ok "$(restore "$source/stream")"
    is "$(count "$source") 0" "$(count "$T") $(refusals)"
    # A copy goes on as its own log: ids of its own, and a copy of the copy.
    put "$T/append" '{"type":"was_seen","target":"person_1"}' > /dev/null
    is "" "$(jq -r .id "$T/stream" | sort | uniq -d)"
    mkdir "$MOUNT/copy-$TENANT"
    is ok "$(put_file "$MOUNT/copy-$TENANT/import" "$T/stream")"
    same <(renamed "copy-$TENANT" < "$T/stream") "$MOUNT/copy-$TENANT/stream"
}

@test "on a full disk an import fails with ENOSPC, and goes on when there is room" {
    needs_root
    daemon_stop
    place "$BATS_TEST_TMPDIR"
    mount -t tmpfs -o size=8m none "$STORE" 2> /dev/null || { place "$BATS_FILE_TMPDIR"; daemon_start; skip "no tmpfs can be mounted here"; }
    daemon_start
    T=$MOUNT/$TENANT
    mkdir "$T"
    local answer again recorded
    answer=$(dd if="$LOG" of="$T/import" bs=64k 2>&1 | grep -o "No space left on device") || true
    recorded=$(count "$T")
    mount -o remount,size=200m "$STORE"
    head -n 20000 "$LOG" > "$BATS_TEST_TMPDIR/part"
    again=$(restore "$BATS_TEST_TMPDIR/part")
    without_own < "$T/stream" > "$BATS_TEST_TMPDIR/seen"
    daemon_stop
    umount "$STORE"
    place "$BATS_FILE_TMPDIR"
    daemon_start
    is "No space left on device, then ok" "$answer, then $again"
    ((recorded < 20000))
    same <(head -n 20000 "$TRAVEL/stream" | without_own) "$BATS_TEST_TMPDIR/seen"
}
