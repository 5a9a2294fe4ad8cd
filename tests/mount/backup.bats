# factfs backup and factfs restore, as a command beside a daemon.
load helpers
load own_mount

setup() {
    place_own
    D=$BATS_TEST_TMPDIR/backup
    daemon_start
    mkdir "$T" "$MOUNT/other"
    record '{"type":"was_placed","target":"order_1","data":{"n":1}}'
    put "$MOUNT/other/append" '{"type":"was_seen","target":"thing_1"}'
}

teardown() {
    local status=0
    stop_writers
    end_own || status=1
    not mountpoint -q "$BATS_TEST_TMPDIR/disk" || umount "$BATS_TEST_TMPDIR/disk"
    return $status
}

# writers COUNT: each appends numbered events until stop_writers.
writers() {
    local i
    touch "$BATS_TEST_TMPDIR/write"
    for ((i = 0; i < $1; i++)); do
        (
            n=0
            while [[ -e $BATS_TEST_TMPDIR/write ]]; do
                echo "{\"type\":\"was_counted\",\"target\":\"order_$i\",\"data\":{\"n\":$((n += 1))}}"
            done > "$T/append"
        ) 3>&- 4>&- &
    done
}

stop_writers() {
    rm -f "$BATS_TEST_TMPDIR/write"
    wait
}

more_than() {
    (($(count "$T") > $1))
}

# A directory of big events: a backup of it takes a while.
fill() {
    python3 -c '
import sys
with open(sys.argv[1], "wb", buffering=0) as append:
    for i in range(int(sys.argv[2])):
        append.write(b"{\"type\":\"was_filled\",\"target\":\"big_%d\",\"data\":{\"text\":\"%s\"}}\n" % (i, b"x" * 500000))
' "$T/append" "$1"
}

@test "what was backed up under a write load comes back when the store is lost" {
    local before final
    writers 4
    wait_for more_than 200
    before=$(count "$T")
    ends 0 "$FACTFS" backup "$STORE" "$D"
    holds "2 tenants" "$output"
    wait_for more_than $(($(count "$T") + 100))
    stop_writers
    cp "$T/stream" "$BATS_TEST_TMPDIR/final"
    cp "$MOUNT/other/stream" "$BATS_TEST_TMPDIR/other"
    daemon_stop
    rm -r "$STORE"
    ends 0 "$FACTFS" restore "$D" "$STORE"
    ends 0 "$FACTFS" verify "$STORE"
    daemon_start
    (($(count "$T") >= before))
    final=$(stat -c %s "$T/stream")
    same <(head -c "$final" "$BATS_TEST_TMPDIR/final") "$T/stream"
    same "$BATS_TEST_TMPDIR/other" "$MOUNT/other/stream"
    record '{"type":"was_placed","target":"order_1","data":{"n":2}}'
}

@test "a second backup takes the place of the first, and a backup can be mounted itself" {
    ends 0 "$FACTFS" backup -q "$STORE" "$D"
    is "" "$output"
    record '{"type":"was_placed","target":"order_2"}'
    rmdir "$MOUNT/empty" 2> /dev/null || mkdir "$MOUNT/empty"
    ends 0 "$FACTFS" backup "$STORE" "$D"
    daemon_stop
    local first=$STORE
    STORE=$D daemon_start
    is 2 "$(count "$T")"
    is "acme empty other" "$(cd "$MOUNT" && echo *)"
    ends 1 "$FACTFS" backup "$first" "$D"
    holds "in use" "$output"
}

@test "kill -9 in a backup leaves the earlier one, and the next run ends it" {
    fill 40
    ends 0 "$FACTFS" backup "$STORE" "$D"
    record '{"type":"was_placed","target":"order_2"}'
    "$FACTFS" backup -q "$STORE" "$D" 3>&- 4>&- &
    wait_for exists "$D/acme.db.new"
    kill -KILL $!
    wait $! || true
    cp -r "$D" "$BATS_TEST_TMPDIR/left"
    ends 0 "$FACTFS" verify "$BATS_TEST_TMPDIR/left"
    holds "acme: 41 events, whole" "$output"
    ends 0 "$FACTFS" backup "$STORE" "$D"
    ends 0 "$FACTFS" verify "$D"
    holds "acme: 42 events, whole" "$output"
    is "acme.db catalog lock other.db" "$(cd "$D" && echo *)"
}

@test "kill -9 in a restore leaves what no daemon opens, and the next run ends it" {
    fill 40
    ends 0 "$FACTFS" backup "$STORE" "$D"
    daemon_stop
    rm -r "$STORE"
    "$FACTFS" restore -q "$D" "$STORE" 3>&- 4>&- &
    wait_for exists "$STORE/catalog.new"
    kill -KILL $!
    wait $! || true
    if [[ ! -e $STORE/catalog ]]; then
        ends 1 timeout 20 "$FACTFS" -f "$STORE" "$MOUNT" 3>&- 4>&-
        holds "run it again" "$output"
        ends 0 "$FACTFS" restore "$D" "$STORE"
    fi
    daemon_start
    is 41 "$(count "$T")"
}

@test "on a full disk a backup fails in words and the earlier one stands" {
    needs_root
    mkdir "$BATS_TEST_TMPDIR/disk"
    mount -t tmpfs -o size=16m tmpfs "$BATS_TEST_TMPDIR/disk" || skip "no tmpfs here"
    D=$BATS_TEST_TMPDIR/disk/backup
    fill 12
    ends 0 "$FACTFS" backup "$STORE" "$D"
    fill 20
    ends 1 "$FACTFS" backup "$STORE" "$D"
    holds "no space left" "${output,,}"
    is "acme.db catalog lock other.db" "$(cd "$D" && echo *)"
    ends 0 "$FACTFS" verify "$D"
    holds "acme: 13 events, whole" "$output"
}

@test "restore writes over nothing" {
    ends 0 "$FACTFS" backup "$STORE" "$D"
    ends 1 "$FACTFS" restore "$D" "$STORE"
    daemon_stop
    ends 1 "$FACTFS" restore "$D" "$STORE"
    holds "not empty" "$output"
    ends 1 "$FACTFS" restore "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/new"
    holds "no store of factfs" "$output"
}

@test "backup draws a bar on a terminal, takes it away, and draws nothing elsewhere" {
    fill 60
    # Stopped for a while in the midst, so that it takes long enough for a bar.
    python3 - "$FACTFS" "$STORE" "$D" > "$BATS_TEST_TMPDIR/typed" << 'END'
import os, pty, signal, sys, time
factfs, store, backup = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execv(factfs, ["factfs", "backup", store, backup])
while not os.path.exists(backup + "/acme.db.new"):
    time.sleep(0.0005)
os.kill(pid, signal.SIGSTOP)
time.sleep(0.5)
os.kill(pid, signal.SIGCONT)
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    sys.stdout.buffer.write(part)
os.waitpid(pid, 0)
END
    grep -qE 'acme \[[#.]+\] +[0-9]+ %  [0-9]+ MB/s' "$BATS_TEST_TMPDIR/typed"
    holds $'\r\e[K' "$(tail -n 2 "$BATS_TEST_TMPDIR/typed")"
    "$FACTFS" backup -q "$STORE" "$D" 2> "$BATS_TEST_TMPDIR/err"
    is "" "$(cat "$BATS_TEST_TMPDIR/err")"
}

@test "backup and restore say how they are used" {
    ends 2 "$FACTFS" backup "$STORE"
    ends 2 "$FACTFS" restore "$D"
    ends 2 "$FACTFS" restore --wrong "$D" "$STORE"
    ends 0 "$FACTFS" backup --help
    holds "Usage: factfs backup STORE DIR" "$output"
    ends 0 "$FACTFS" restore --help
    holds "Usage: factfs restore DIR STORE" "$output"
}
