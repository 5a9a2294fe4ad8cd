# The daemon: how it starts and ends, what it refuses in words, what it keeps over an end of any kind.
# Every test has a store and a mount of its own.
load helpers
load own_mount

# A daemon in the foreground with one tenant.
serve() {
    daemon_start "$@"
    [[ -d $T ]] || mkdir "$T"
}

not_mounted() {
    ! mountpoint -q "$MOUNT"
}

# refused_start WORDS ARGUMENT…: the start fails soon, says one of the words (a regular expression), and mounts nothing.
refused_start() {
    local words=$1
    shift
    run timeout 20 "$FACTFS" "$@" 3>&- 4>&-
    [[ $status -ne 0 && $status -ne 124 ]] || is "a failure" "$status: $output"
    grep -qiE "$words" <<< "$output" || is "$words" "$output"
}

# ---- start and end

@test "factfs STORE MOUNT returns 0 when it serves, from the background" {
    ends 0 timeout 20 "$FACTFS" -o pidfile="$DAEMON_PID_FILE" "$STORE" "$MOUNT" 3>&- 4>&-
    is "" "$output"
    mountpoint -q "$MOUNT"
    mkdir "$T"
    record '{"type":"was_placed","target":"order_1"}'
}

@test "pidfile holds the process that serves" {
    "$FACTFS" -o pidfile="$DAEMON_PID_FILE" "$STORE" "$MOUNT" 3>&- 4>&-
    is "$(basename "$FACTFS")" "$(cat "/proc/$(daemon_pid)/comm")"
}

@test "fusermount3 -u ends the daemon" {
    serve
    fusermount3 -u "$MOUNT"
    wait_for process_gone "$(daemon_pid)"
    rm "$DAEMON_PID_FILE"
}

@test "SIGTERM and SIGINT unmount and end with 0" {
    local signal pid status
    for signal in TERM INT; do
        # env resets SIGINT, which a shell ignores for its background jobs.
        env --default-signal=INT "$FACTFS" -f "$STORE" "$MOUNT" >> "$DAEMON_OUT" 2>&1 3>&- 4>&- &
        pid=$!
        echo "$pid" > "$DAEMON_PID_FILE"
        wait_for mount_serves
        kill -"$signal" "$pid"
        status=0
        wait "$pid" || status=$?
        is "$signal 0" "$signal $status"
        not_mounted
    done
    rm "$DAEMON_PID_FILE"
}

@test "SIGTERM with files open ends the daemon and unmounts" {
    serve
    record '{"type":"was_placed","target":"order_1"}'
    exec 7< "$T/stream" 8> "$T/append"
    daemon_stop
    exec 7<&- 8>&-
    not_mounted
    rm "$DAEMON_PID_FILE"
}

@test "SIGTERM answers a reader that waits in follow" {
    serve
    (
        exec 7< "$T/follow"
        echo open > "$BATS_TEST_TMPDIR/open"
        exec cat <&7
    ) > /dev/null 2>&1 3>&- &
    local reader=$!
    wait_for exists "$BATS_TEST_TMPDIR/open"
    wait_for in_file "/proc/$reader/comm" cat
    daemon_stop
    wait_for process_gone "$reader"
    not_mounted
    rm "$DAEMON_PID_FILE"
}

@test "what the daemon says in the foreground goes to stderr" {
    "$FACTFS" -f "$STORE" "$MOUNT" > "$BATS_TEST_TMPDIR/stdout" 2>> "$DAEMON_OUT" 3>&- 4>&- &
    echo $! > "$DAEMON_PID_FILE"
    disown $!
    wait_for mount_serves
    is 0 "$(stat -c %s "$BATS_TEST_TMPDIR/stdout")"
}

@test "the mount is of the type fuse.factfs" {
    serve
    is fuse.factfs "$(findmnt -no FSTYPE "$MOUNT")"
}

# ---- refusals

@test "a second daemon on the same store is refused in words, and the first goes on" {
    serve
    mkdir "$BATS_TEST_TMPDIR/other"
    refused_start 'store' "$STORE" "$BATS_TEST_TMPDIR/other"
    run ! mountpoint -q "$BATS_TEST_TMPDIR/other"
    record '{"type":"was_placed","target":"order_1"}'
    refused_start 'store' -f "$STORE" "$BATS_TEST_TMPDIR/other"
}

@test "a store inside its own mount is refused in words" {
    mkdir "$MOUNT/store"
    refused_start 'inside|within|below|under' "$MOUNT/store" "$MOUNT"
    not_mounted
    mkdir "$BATS_TEST_TMPDIR/both"
    refused_start 'inside|within|below|under|same' "$BATS_TEST_TMPDIR/both" "$BATS_TEST_TMPDIR/both"
    not_mounted
}

@test "a store in a newer format is refused in words and left alone" {
    needs sqlite3
    serve
    record '{"type":"was_placed","target":"order_1"}'
    daemon_stop
    rm "$DAEMON_PID_FILE"
    local database
    find "$STORE" -type f -exec sh -c 'head -c 15 "$1" | grep -q "^SQLite format 3"' sh {} \; -print > "$BATS_TEST_TMPDIR/databases"
    [[ -s $BATS_TEST_TMPDIR/databases ]]
    while read -r database; do
        sqlite3 "$database" 'PRAGMA user_version = 9999' > /dev/null
    done < "$BATS_TEST_TMPDIR/databases"
    refused_start 'format|newer|version' "$STORE" "$MOUNT"
    not_mounted
}

@test "a mount point that is missing or no directory is refused in words" {
    refused_start "$BATS_TEST_TMPDIR/nowhere|no such" "$STORE" "$BATS_TEST_TMPDIR/nowhere"
    : > "$BATS_TEST_TMPDIR/file"
    refused_start 'directory' "$STORE" "$BATS_TEST_TMPDIR/file"
}

@test "a store that is no directory is refused in words" {
    : > "$BATS_TEST_TMPDIR/file"
    refused_start 'directory' "$BATS_TEST_TMPDIR/file" "$MOUNT"
    not_mounted
}

@test "missing arguments and unknown options are usage errors with status 2" {
    ends 2 "$FACTFS"
    ends 2 "$FACTFS" "$STORE"
    ends 2 "$FACTFS" --nonsense "$STORE" "$MOUNT"
    holds nonsense "$output"
    not_mounted
}

@test "an unknown mount option is refused in words" {
    refused_start nonsense -o nonsense "$STORE" "$MOUNT"
    not_mounted
}

@test "--help says how it is used, on stdout, with status 0" {
    run --separate-stderr "$FACTFS" --help
    is 0 "$status"
    holds STORE "$output"
    holds MOUNT "$output"
    is "" "$stderr"
}

@test "--version says its name and version, with status 0" {
    ends 0 "$FACTFS" --version
    grep -qE '^factfs [0-9]+\.[0-9]+' <<< "$output" || is "factfs and a version" "$output"
}

# ---- what is kept

@test "a remount shows the same bytes, but for what is said of the daemon, and goes on where it was" {
    serve
    created contact_1 '{"n":1.10}'
    record '{"id":"evt_1","type":"was_placed","target":"order_1"}'
    put "$T/append" '{"type":"Contact.Created","target":"contact_1"}' > /dev/null
    (cd "$T" && find . -type f ! -name status.json -exec md5sum {} + | sort -k 2) > "$BATS_TEST_TMPDIR/before"
    daemon_restart
    (cd "$T" && find . -type f ! -name status.json -exec md5sum {} + | sort -k 2) > "$BATS_TEST_TMPDIR/after"
    same "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
    is EEXIST "$(put "$T/append" '{"id":"evt_1","type":"was_lost","target":"order_1"}')"
    is ESTALE "$(put "$T/append" '{"type":"was_paid","target":"order_1","version":1}')"
    holds '"version":2,"position":3}' "$(calls open "$T/append" + write '{"type":"was_paid","target":"order_1"}' read 4096)"
}

@test "ids stay unique over tenants and remounts" {
    serve
    mkdir "$MOUNT/other"
    local i
    for i in 1 2 3; do
        record '{"type":"was_a","target":"order_1"}'
        echo '{"type":"was_a","target":"order_1"}' > "$MOUNT/other/append"
        daemon_restart
    done
    is "" "$(cat "$T/stream" "$MOUNT/other/stream" | jq -r .id | sort | uniq -d)"
    is 6 "$(cat "$T/stream" "$MOUNT/other/stream" | wc -l)"
}

@test "rejected is kept over a remount" {
    serve
    put "$T/append" '{"type":""}'
    cp "$T/rejected" "$BATS_TEST_TMPDIR/rejected"
    daemon_restart
    same "$BATS_TEST_TMPDIR/rejected" "$T/rejected"
}

@test "after kill -9 every event whose write returned is there, and the dead mount is taken over" {
    serve
    local i
    for i in {1..50}; do
        record '{"type":"was_counted","target":"meter_1","data":{"n":'"$i"'}}'
    done
    kill -KILL "$(daemon_pid)"
    wait_for process_gone "$(daemon_pid)"
    run ! ls "$MOUNT"
    holds "Transport endpoint is not connected" "$output"
    : > "$DAEMON_OUT"
    serve
    is "$(seq 50)" "$(jq .data.n "$T/stream")"
    record '{"type":"was_counted","target":"meter_1","version":51}'
    # Nothing dead is left below the new mount.
    daemon_stop
    not_mounted
    ends 0 ls "$MOUNT"
    rm "$DAEMON_PID_FILE"
}

@test "after kill -9 amid writers every event is whole, versions have no gap, and what was answered is there" {
    serve
    local i writers=() daemon
    daemon=$(daemon_pid)
    for i in 1 2 3 4; do
        (
            n=0
            while [[ $(put "$T/append" '{"type":"was_counted","target":"meter_1","data":{"w":'$i',"n":'$((n + 1))'}}' 2>&1) == ok ]]; do
                n=$((n + 1))
                echo "$n" > "$BATS_TEST_TMPDIR/answered$i"
            done
        ) 3>&- &
        writers+=($!)
    done
    for i in 1 2 3 4; do
        wait_for in_file "$BATS_TEST_TMPDIR/answered$i" 5
    done
    kill -KILL "$daemon"
    wait_for process_gone "$daemon"
    for i in "${writers[@]}"; do
        wait_for process_gone "$i"
    done
    : > "$DAEMON_OUT"
    serve
    is "$(seq "$(count "$T")")" "$(jq .version "$T/stream")"
    for i in 1 2 3 4; do
        # An event may have been recorded whose answer did not come.
        jq -e --argjson w "$i" --argjson n "$(cat "$BATS_TEST_TMPDIR/answered$i")" -s '[.[]|select(.data.w==$w).data.n] | . == [range(1; length + 1)] and length >= $n' "$T/stream" > /dev/null
    done
}

@test "a store copied while no daemon runs serves the same bytes elsewhere" {
    serve
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":2}'
    cp "$T/stream" "$BATS_TEST_TMPDIR/stream"
    daemon_stop
    mv "$STORE" "$BATS_TEST_TMPDIR/moved"
    STORE=$BATS_TEST_TMPDIR/moved
    daemon_start
    same "$BATS_TEST_TMPDIR/stream" "$T/stream"
    is '{"n":2}' "$(state)"
}

@test "a read-only mount shows everything and fails writes with EROFS" {
    serve
    created contact_1 '{"n":1}'
    daemon_stop
    daemon_start -o ro
    is '{"n":1}' "$(state)"
    is "EROFS EROFS EROFS EROFS" "$(put "$T/append" '{"type":"was_a","target":"order_1"}') $(save "$E/state.json" '{}') $(calls -q mkdir "$T/contact_2") $(calls -q open "$E/x" wcx)"
    is 1 "$(count "$T")"
}

@test "on a full disk a write fails with ENOSPC and adds nothing, later ones go on, and rejected says so" {
    needs_root
    mount -t tmpfs -o size=12m none "$STORE" 2> /dev/null || skip "no tmpfs can be mounted here"
    serve
    record '{"type":"was_placed","target":"order_1"}'
    dd if=/dev/zero of="$STORE/filler" bs=64k status=none 2> /dev/null || true
    dd if=/dev/zero of="$STORE/rest" bs=512 status=none 2> /dev/null || true
    local answer=ok before text
    text=$(head -c 20000 /dev/zero | tr '\0' x)
    while [[ $answer == ok ]]; do
        before=$(count "$T")
        answer=$(put "$T/append" '{"type":"was_noted","target":"note_1","data":{"text":"'"$text"'"}}')
    done
    is ENOSPC "$answer"
    is "$before" "$(count "$T")"
    rm "$STORE/filler" "$STORE/rest"
    record '{"type":"was_paid","target":"order_1"}'
    is $((before + 1)) "$(count "$T")"
    is ENOSPC "$(member errno "$(head -n 1 "$T/rejected")")"
    # What the daemon said about its disk was right to say.
    : > "$DAEMON_OUT"
}
