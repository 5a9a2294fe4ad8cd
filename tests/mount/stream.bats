# Reading what grows: sizes, tail, follow, poll, inotify, maps; no half line; directories read while events arrive.
load helpers

setup() {
    tenant_start
    OUT=$BATS_TEST_TMPDIR/out
}

# ---- stream is a regular file

@test "the size of a stream is what cat reads, after every event" {
    created contact_1
    local i
    for i in {1..20}; do
        happened Contact.Updated '{"text":"é'"$i"'"}'
        is "$(cat "$E/stream" | wc -c) $(cat "$T/stream" | wc -c)" "$(stat -c %s "$E/stream" "$T/stream" | xargs)"
    done
}

@test "the tenant's stream has every event in the order of positions, an entity's its own" {
    record '{"type":"was_a","target":"order_1"}' '{"type":"was_a","target":"order_2"}' '{"type":"was_b","target":"order_1"}'
    is "order_1 1 order_2 1 order_1 2" "$(jq -r '"\(.target) \(.version)"' "$T/stream" | xargs)"
    same "$T/order_1/stream" <(grep '"order_1"' "$T/stream")
    same "$T/order_2/stream" <(grep '"order_2"' "$T/stream")
}

@test "the streams of a new tenant and of a reserved entity are empty" {
    mkdir "$T/contact_1"
    is "0 0" "$(stat -c %s "$T/stream" "$T/contact_1/stream" | xargs)"
    is "" "$(cat "$T/stream" "$T/contact_1/stream")"
}

@test "bytes once readable never change" {
    created contact_1 '{"n":1}'
    cp "$T/stream" "$OUT"
    happened Contact.Updated '{"n":2}'
    happened Contact.Deleted
    same "$OUT" <(head -c "$(stat -c %s "$OUT")" "$T/stream")
}

@test "a stream can be read from anywhere" {
    created contact_1 '{"text":"0123456789"}'
    happened Contact.Updated '{"text":"abcdefghij"}'
    cat "$T/stream" > "$OUT"
    local size at
    size=$(stat -c %s "$OUT")
    for at in 0 1 100 $((size - 1)) "$size"; do
        same <(tail -c +$((at + 1)) "$OUT") <(dd if="$T/stream" bs=1 skip="$at" status=none)
    done
    same <(tac "$OUT") <(tac "$T/stream")
}

@test "lines that are longer than a read come whole" {
    local i
    for i in {1..20}; do
        printf '{"type":"was_noted","target":"note_1","data":{"n":%d,"text":"%s"}}\n' "$i" "$(head -c $((i * 9973)) /dev/zero | tr '\0' x)"
    done > "$BATS_TEST_TMPDIR/events"
    is ok "$(put_file "$T/append" "$BATS_TEST_TMPDIR/events")"
    is "$(seq 9973 9973 199460)" "$(jq '.data.text|length' "$T/stream")"
    same <(cat "$T/stream") <(dd if="$T/stream" bs=777 status=none)
}

@test "a reader never sees half a line while events arrive" {
    created contact_1
    (
        for i in {1..300}; do
            echo '{"type":"Contact.Noted","data":{"n":'"$i"',"text":"'"$(head -c $((i * 37 % 5000)) /dev/zero | tr '\0' x)"'"}}'
        done > "$E/append"
    ) 3>&- &
    python3 - "$T/stream" "$E/stream" <<'END'
import json, os, sys, time
files = [os.open(path, os.O_RDONLY) for path in sys.argv[1:]]
seen = [b"" for _ in files]
end = time.monotonic() + 30
while any(text.count(b"\n") < 301 for text in seen) and time.monotonic() < end:
    for i, file in enumerate(files):
        size = os.fstat(file).st_size
        head = os.pread(file, size, 0)
        while len(head) < size:
            more = os.pread(file, size - len(head), len(head))
            assert more, "the size promised more than there is"
            head += more
        assert head[-1:] == b"\n", ("half a line at the size", head[-80:])
        while True:
            more = os.read(file, 65536)
            if not more:
                break
            seen[i] += more
        assert seen[i][-1:] == b"\n", ("half a line at the end", seen[i][-80:])
        assert seen[i].startswith(head), "bytes changed"
for text in seen:
    assert [json.loads(line)["version"] for line in text.splitlines()] == list(range(1, 302))
END
}

# ---- tail

@test "tail -f follows a stream" {
    created contact_1
    listen "$OUT" tail -n +1 -s 0.01 -f "$E/stream"
    wait_for in_file "$OUT" Contact.Created
    happened Contact.Updated '{"n":1}'
    wait_for in_file "$OUT" '"n":{"after":1}'
    happened Contact.Updated '{"n":2}'
    wait_for lines_in "$OUT" 3
    same "$E/stream" "$OUT"
}

@test "tail -F by name follows the tenant's stream" {
    listen "$OUT" tail -n +1 -s 0.01 -F "$T/stream"
    record '{"type":"was_a","target":"order_1"}'
    wait_for lines_in "$OUT" 1
    record '{"type":"was_b","target":"order_2"}'
    wait_for lines_in "$OUT" 2
    same "$T/stream" "$OUT"
}

# ---- follow

@test "follow starts at the end and waits for the next event" {
    created contact_1
    local line
    exec 7< "$E/follow"
    happened Contact.Updated '{"n":1}'
    read -r -t 10 line <&7
    is "$(last "$E")" "$line"
    exec 7<&-
}

@test "a read of follow that waits gets the event when it comes" {
    created contact_1
    (
        exec 7< "$E/follow"
        echo open > "$OUT.open"
        head -n 1 <&7 > "$OUT"
    ) 3>&- &
    wait_for exists "$OUT.open"
    happened Contact.Updated '{"n":1}'
    wait_for lines_in "$OUT" 1
    is "$(last "$E")" "$(cat "$OUT")"
}

@test "while read is a subscriber that gets every event in its order" {
    (
        exec 7< "$T/follow"
        echo open > "$OUT.open"
        while read -r line; do
            echo "$line" >> "$OUT"
        done <&7
    ) 3>&- &
    wait_for exists "$OUT.open"
    local i
    for i in {1..50}; do
        record '{"type":"was_counted","target":"meter_'$((i % 3))'","data":{"n":'$i'}}'
    done
    wait_for lines_in "$OUT" 50
    same "$T/stream" "$OUT"
}

@test "a second read that would wait on one descriptor of follow is told EBUSY, and the first gets the event" {
    python3 - "$T" > "$BATS_TEST_TMPDIR/read" <<'END'
import errno, os, sys, threading
tenant = sys.argv[1]
fd = os.open(tenant + "/follow", os.O_RDONLY)
outcomes, done = [], threading.Semaphore(0)
def read():
    try:
        outcomes.append(len(os.pread(fd, 4096, 0)) > 0)
    except OSError as error:
        outcomes.append(errno.errorcode[error.errno])
    done.release()
for _ in range(2):
    threading.Thread(target=read, daemon=True).start()
assert done.acquire(timeout=20)
with open(tenant + "/append", "wb", buffering=0) as append:
    append.write(b'{"type":"was_seen","target":"thing_follow"}')
assert done.acquire(timeout=20)
print(*outcomes)
END
    is "EBUSY True" "$(cat "$BATS_TEST_TMPDIR/read")"
}

@test "an entity's follow has only its own events" {
    created contact_1
    local line
    exec 7< "$E/follow"
    record '{"type":"was_placed","target":"order_1"}'
    happened Contact.Updated
    read -r -t 10 line <&7
    is contact_1 "$(member target "$line")"
    exec 7<&-
}

@test "every open follow has its own place" {
    created contact_1
    local first second
    exec 7< "$E/follow"
    happened Contact.Called '{"n":1}'
    exec 8< "$E/follow"
    happened Contact.Called '{"n":2}'
    read -r -t 10 first <&7
    read -r -t 10 second <&8
    is "2 3" "$(member version "$first") $(member version "$second")"
    exec 7<&- 8<&-
}

@test "events that come in one batch are read one after the other" {
    created contact_1
    local i line
    exec 7< "$E/follow"
    put "$E/append" '[{"type":"Contact.A"},{"type":"Contact.B"},{"type":"Contact.C"}]'
    for i in 2 3 4; do
        read -r -t 10 line <&7
        is "$i" "$(member version "$line")"
    done
    exec 7<&-
}

@test "follow without blocking answers EAGAIN at the end" {
    created contact_1
    local said
    said=$(calls open "$E/follow" rn read 4096 run "echo '{\"type\":\"Contact.Called\"}' > $E/append" read 4096 read 4096 | masked)
    is 'open ok
read EAGAIN
run ok
{"id":"ID","type":"Contact.Called","target":"contact_1","actor":"'"$ME"'","timestamp":"WHEN","data":{},"tenant":"'"$TENANT"'","version":2}
read EAGAIN' "$said"
}

@test "follow of a reserved entity waits for its first event" {
    mkdir "$T/contact_1"
    local line
    exec 7< "$T/contact_1/follow"
    echo '{"type":"Contact.Created"}' > "$T/contact_1/append"
    read -r -t 10 line <&7
    is 1 "$(member version "$line")"
    exec 7<&-
}

@test "a waiting reader of follow ends by a signal" {
    created contact_1
    local signal reader
    for signal in TERM INT KILL; do
        # env resets SIGINT, which a shell ignores for its background jobs.
        listen "$OUT" env --default-signal=INT sh -c 'exec 7< "$1"; echo open > "$2"; exec cat <&7' sh "$E/follow" "$OUT.open"
        reader=$!
        wait_for exists "$OUT.open"
        wait_for in_file "/proc/$reader/comm" cat
        kill "-$signal" "$reader"
        wait_for process_gone "$reader"
        rm "$OUT.open"
    done
}

@test "follow is never listed" {
    created contact_1
    is "" "$(find "$T" -name follow)"
    [[ -e $E/follow && -e $T/follow ]]
}

# ---- poll

@test "poll on a stream is ready only while bytes wait behind the descriptor's offset" {
    created contact_1
    local waits
    for waits in poll epoll; do
        is "$waits 1
$waits ok
$waits 1
$waits ok" "$(calls open "$E/stream" r $waits 0 drain $waits 50 run "echo '{\"type\":\"Contact.Called\"}' > $E/append" $waits 5000 drain $waits 50 close | grep "^$waits")"
    done
}

@test "poll wakes when an event comes" {
    created contact_1
    local file
    for file in "$E/stream" "$T/stream" "$E/follow"; do
        is $'poll ok\npoll 1' "$(calls open "$file" rn drain poll 0 later 200 "echo '{\"type\":\"Contact.Called\"}' > $E/append" poll 10000 | grep ^poll)"
    done
}

@test "epoll wakes when an event comes" {
    created contact_1
    is $'epoll ok\nepoll 1' "$(calls open "$T/stream" r drain epoll 0 later 200 "echo '{\"type\":\"Contact.Called\"}' > $E/append" epoll 10000 | grep ^epoll)"
}

@test "poll on a stream does not wake for another entity's event" {
    created contact_1
    created contact_2
    is "poll ok" "$(calls open "$T/contact_1/stream" r drain run "echo '{\"type\":\"Contact.Called\"}' > $T/contact_2/append" poll 200 | grep ^poll)"
}

# ---- inotify

@test "a watcher of a stream sees it modified and closed after writing" {
    created contact_1
    cat "$E/stream" "$T/stream" > /dev/null
    watch "$OUT.1" "$E/stream"
    watch "$OUT.2" "$T/stream"
    happened Contact.Updated '{"n":1}'
    local out
    for out in "$OUT.1" "$OUT.2"; do
        wait_for in_file "$out" MODIFY
        wait_for in_file "$out" CLOSE_WRITE
    done
}

@test "a watcher of state.json sees it modified and closed after writing" {
    created contact_1
    cat "$E/state.json" > /dev/null
    watch "$OUT" "$E/state.json"
    happened Contact.Updated '{"n":1}'
    wait_for in_file "$OUT" MODIFY
    wait_for in_file "$OUT" CLOSE_WRITE
}

@test "a watcher of an entity sees its stream and its state change" {
    created contact_1
    ls -l "$E" > /dev/null
    watch "$OUT" "$E" -e close_write
    happened Contact.Updated '{"n":1}'
    wait_for in_file "$OUT" "stream"
    wait_for in_file "$OUT" "state.json"
}

@test "a watcher of events sees each file created and closed after writing" {
    created contact_1
    ls "$E/events" > /dev/null
    watch "$OUT" "$E/events"
    happened Contact.Updated '{"n":1}'
    wait_for in_file "$OUT" "CREATE 00000002.Contact.Updated.json"
    wait_for in_file "$OUT" "CLOSE_WRITE,CLOSE 00000002.Contact.Updated.json"
    happened was_called
    wait_for in_file "$OUT" "CREATE 00000003.was_called.json"
}

@test "a watcher of a tenant sees a new entity created" {
    ls "$T" > /dev/null
    watch "$OUT" "$T" -e create
    record '{"type":"was_placed","target":"order_1"}'
    wait_for in_file "$OUT" "CREATE,ISDIR order_1"
}

@test "what a watcher has seen created can be read" {
    created contact_1
    ls "$E/events" > /dev/null
    watch "$OUT" "$E/events" -e create
    happened Contact.Updated '{"n":1}'
    wait_for in_file "$OUT" 00000002
    same <(last "$E") "$E/events/00000002.Contact.Updated.json"
}

# ---- maps

@test "event files and past states can be mapped, shared and private" {
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":2}'
    local file how
    for file in "$E/events/00000001.Contact.Created.json" "$E/asof/v1/state.json" "$E/asof/v1/events/00000001.Contact.Created.json"; do
        for how in map-shared map-private; do
            is "$(cat "$file")
$how ok" "$(calls open "$file" r $how | tail -n +2)"
        done
    done
}

@test "a stream can be mapped privately" {
    created contact_1 '{"n":1}'
    is "$(cat "$E/stream")
map-private ok" "$(calls open "$E/stream" r map-private | tail -n +2)"
}

# ---- directories

# many N: so many events of meter_1 by one write.
many() {
    local i
    for ((i = 1; i <= $1; i++)); do
        echo '{"type":"was_counted","target":"meter_1"}'
    done > "$BATS_TEST_TMPDIR/events"
    is ok "$(put_file "$T/append" "$BATS_TEST_TMPDIR/events")"
}

@test "directories list dot and dot-dot" {
    created contact_1
    local directory
    for directory in "$MOUNT" "$T" "$E" "$E/events" "$E/asof" "$E/asof/v1" "$E/asof/v1/events"; do
        is ". .. $directory" "$(calls opendir "$directory" entries 0 | grep -x '\.\.\?' | sort | xargs) $directory"
    done
}

@test "a large directory lists every event once" {
    many 3000
    is "$(seq -f '%08.0f.was_counted.json' 3000)" "$(ls -f "$T/meter_1/events" | grep json | sort)"
}

@test "rewinddir shows what came since" {
    created contact_1
    is "00000001.Contact.Created.json
00000001.Contact.Created.json
00000002.Contact.Called.json" "$(calls opendir "$E/events" entries 0 run "echo '{\"type\":\"Contact.Called\"}' > $E/append" rewinddir entries 0 | grep json)"
}

@test "seekdir goes back to where telldir was, though events arrive meanwhile" {
    many 2000
    local said
    said=$(calls opendir "$T/meter_1/events" entries 1502 tell entries 100 run "echo '[{\"type\":\"was_counted\"},{\"type\":\"was_counted\"}]' > $T/meter_1/append" seekdir entries 0)
    sed '/^run ok$/q' <<< "$said" | tail -n 101 | head -n 100 > "$OUT.told"
    sed '1,/^seekdir ok$/d' <<< "$said" > "$OUT.back"
    same "$OUT.told" <(head -n 100 "$OUT.back")
    # Before the seek 1,500 names beside dot and dot-dot, after it the rest.
    is "$(seq -f '%08.0f.was_counted.json' 2000)" "$({ grep -v ok <<< "$said" | head -n 1502; cat "$OUT.back"; } | grep json | sort | head -n 2000)"
}

@test "a directory read while events arrive has no entry twice and loses none" {
    many 2000
    local add="echo '{\"type\":\"was_counted\"}' > $T/meter_1/append" said
    said=$(calls opendir "$T/meter_1/events" entries 10 run "$add" entries 700 run "$add" entries 700 run "$add" entries 0 | grep json | sort)
    is "$(seq -f '%08.0f.was_counted.json' 2000)" "$(head -n 2000 <<< "$said")"
    is "" "$(uniq -d <<< "$said")"
}

@test "a tenant read while entities arrive has no entry twice and loses none" {
    local i names
    for i in {1..1500}; do
        echo '{"type":"was_made","target":"thing_'"$i"'"}'
    done > "$BATS_TEST_TMPDIR/events"
    is ok "$(put_file "$T/append" "$BATS_TEST_TMPDIR/events")"
    names=$(calls opendir "$T" entries 600 run "echo '[{\"type\":\"was_made\",\"target\":\"a_0\"},{\"type\":\"was_made\",\"target\":\"zoo_1\"}]' > $T/append" entries 0 | grep '^thing_')
    is "$(seq -f 'thing_%.0f' 1500)" "$(sort -V <<< "$names")"
}
