# log/YYYY-MM-DD.ndjson: the log of a tenant cut by UTC day. The daemon runs under a clock that each test sets (clock.c).
load helpers
load clock

# on MOMENT: an event then.
on() {
    now "$1"
    record "{\"type\":\"Contact.Touched\",\"target\":\"contact_1\",\"data\":{\"on\":\"$1\"}}"
}

three_days() {
    on "$Y-03-10T00:00:00Z"
    on "$Y-03-10T23:59:59.999999Z"
    on "$Y-03-11T00:00:00Z"
    on "$Y-05-01T12:00:00Z"
}

# The days' files together are the stream.
adds_up() {
    same <(cat "$T"/log/*) "$T/stream"
}

@test "a log lists the days that have events, and each has its own" {
    three_days
    is "$Y-03-10.ndjson $Y-03-11.ndjson $Y-05-01.ndjson" "$(ls "$T/log" | xargs)"
    same <(event "$T" 1; event "$T" 2) "$T/log/$Y-03-10.ndjson"
    same <(event "$T" 3) "$T/log/$Y-03-11.ndjson"
    same <(event "$T" 4) "$T/log/$Y-05-01.ndjson"
    adds_up
}

@test "the log of a new tenant is empty" {
    is "" "$(ls -A "$T/log")"
    is 0 "$(stat -c %s "$T/stream")"
}

@test "a day has its true size, and the time of its last event" {
    three_days
    local file
    for file in "$T"/log/*; do
        is "$(wc -c < "$file")" "$(stat -c %s "$file")"
    done
    is "$(date -u -d "$Y-03-10T23:59:59.999999Z" +%s.%6N)000" "$(stat -c %.9Y "$T/log/$Y-03-10.ndjson")"
}

@test "a day without events, of another spelling or with another name is not there" {
    three_days
    local name
    for name in "$Y-03-12.ndjson" "$Y-3-10.ndjson" "$Y-03-10" "$Y-03-10.NDJSON" "$Y-02-30.ndjson" x "$Y-03-10.ndjson.gz" 0000-01-01.ndjson; do
        is "ENOENT $name" "$(calls -q truncate "$T/log/$name" 0) $name"
    done
}

@test "the last day grows, and what was read before stands" {
    three_days
    local file=$T/log/$Y-05-01.ndjson before
    before=$(cat "$file")
    exec {f}< "$file"
    is "$before" "$(cat <&"$f")"
    on "$Y-05-01T13:00:00Z"
    is "$(stat -c %s "$file")" "$(wc -c < "$file")"
    is "$(last "$T")" "$(cat <&"$f")"
    exec {f}<&-
    is 2 "$(wc -l < "$file")"
    adds_up
    on "$Y-05-02T13:00:00Z"
    is 2 "$(wc -l < "$file")"
    is 4 "$(ls "$T/log" | wc -l)"
    adds_up
}

@test "a day that is over is still filled by an import, until there is an event of a later day" {
    three_days
    now "$Y-12-01"
    local file=$T/log/$Y-05-01.ndjson
    cat "$file" > /dev/null
    is ok "$(put "$T/import" "{\"type\":\"Contact.Touched\",\"target\":\"contact_1\",\"timestamp\":\"$Y-05-01T23:00:00Z\"}")"
    is "2 $(stat -c %s "$file")" "$(wc -l < "$file") $(wc -c < "$file")"
    is ok "$(put "$T/import" "{\"type\":\"Contact.Touched\",\"target\":\"contact_1\",\"timestamp\":\"$Y-06-01T23:00:00Z\"}")"
    is 2 "$(wc -l < "$file")"
    adds_up
}

@test "a closed day can be mapped, also shared, and an open one privately" {
    three_days
    same <(calls open "$T/log/$Y-03-10.ndjson" r map-shared | grep '^{') "$T/log/$Y-03-10.ndjson"
    same <(calls open "$T/log/$Y-05-01.ndjson" r map-private | grep '^{') "$T/log/$Y-05-01.ndjson"
    # What was mapped while it was open is read again when it is closed.
    on "$Y-05-01T13:00:00Z"
    on "$Y-05-02T13:00:00Z"
    is 2 "$(wc -l < "$T/log/$Y-05-01.ndjson")"
    same <(calls open "$T/log/$Y-05-01.ndjson" r map-shared | grep '^{') <(sed -n 4,5p "$T/stream")
}

@test "nothing in a log can be changed" {
    three_days
    forbidden unlink "$(calls -q unlink "$T/log/$Y-03-10.ndjson")"
    forbidden write "$(calls -q open "$T/log/$Y-03-10.ndjson" w)"
    is EACCES "$(calls -q open "$T/log/$Y-03-12.ndjson" wc)"
    is EEXIST "$(calls -q open "$T/log/$Y-03-10.ndjson" wcx)"
    is EACCES "$(calls -q mkdir "$T/log/x")"
    is EPERM "$(calls -q rmdir "$T/log")"
}

@test "a watcher of a day sees it grow, one of the log a new day" {
    three_days
    local out=$BATS_TEST_TMPDIR/out
    cat "$T/log/$Y-05-01.ndjson" > /dev/null
    watch "$out" "$T/log"
    on "$Y-05-01T13:00:00Z"
    wait_for in_file "$out" "MODIFY $Y-05-01.ndjson"
    on "$Y-05-03T13:00:00Z"
    wait_for in_file "$out" "CREATE $Y-05-03.ndjson"
    wait_for in_file "$out" "CLOSE_WRITE,CLOSE $Y-05-03.ndjson"
    is 1 "$(grep -c "CREATE" "$out")"
    on "$Y-05-03T14:00:00Z"
    wait_for in_file "$out" "MODIFY $Y-05-03.ndjson"
    is 1 "$(grep -c "CREATE" "$out")"
    # An import over several days.
    for day in 04 05 06; do
        echo "{\"type\":\"Contact.Touched\",\"target\":\"contact_1\",\"timestamp\":\"$Y-05-${day}T23:00:00Z\"}"
    done > "$BATS_TEST_TMPDIR/events"
    now "$Y-12-01"
    is ok "$(put_file "$T/import" "$BATS_TEST_TMPDIR/events")"
    wait_for in_file "$out" "CREATE $Y-05-06.ndjson"
    is 4 "$(grep -c "CREATE" "$out")"
}

@test "who watches a day alone sees it grow" {
    three_days
    local out=$BATS_TEST_TMPDIR/out
    watch "$out" "$T/log/$Y-05-01.ndjson"
    on "$Y-05-01T13:00:00Z"
    wait_for in_file "$out" "MODIFY"
}

@test "a thousand days are listed once each, and add up" {
    python3 - "$Y" > "$BATS_TEST_TMPDIR/events" << 'END'
import datetime, sys
start = datetime.date(1990, 1, 1)
for n in range(1000):
    for k in range(1 + n % 3):
        print('{"type":"Contact.Touched","target":"contact_%d","timestamp":"%sT%02d:00:00Z"}' % (n % 7, start + datetime.timedelta(days=3 * n), k))
END
    is ok "$(put_file "$T/import" "$BATS_TEST_TMPDIR/events")"
    is 1000 "$(ls "$T/log" | wc -l)"
    is "" "$(ls "$T/log" | sort | uniq -d)"
    is "$(grep -o '"timestamp":"[0-9-]*' "$T/stream" | cut -d'"' -f4 | sort -u)" "$(ls "$T/log" | cut -d. -f1)"
    adds_up
    ends 0 ls -l "$T/log"
    is 1999 "$(wc -l < "$T/stream")"
    calls opendir "$T/log" entries 10 tell entries 500 seekdir entries 3 > /dev/null
}

@test "a copy of the log is whole, and the next copies what is new alone" {
    needs rsync
    three_days
    rsync -a "$T/log/" "$BATS_TEST_TMPDIR/copy"
    same <(cat "$BATS_TEST_TMPDIR"/copy/*) "$T/stream"
    on "$Y-06-01T13:00:00Z"
    is "$Y-06-01.ndjson" "$(rsync -ai "$T/log/" "$BATS_TEST_TMPDIR/copy" | grep '^>f' | cut -d' ' -f2)"
    same <(cat "$BATS_TEST_TMPDIR"/copy/*) "$T/stream"
}

@test "log/ read on from a place behind every day ends" {
    created contact_1
    python3 - "$T/log" <<'END'
import ctypes, sys
libc = ctypes.CDLL(None)
libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
libc.readdir.argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
for place in (1 << 40) + (1 << 32) + 2, (1 << 40) + (1 << 32) - 2, (1 << 62) + 2:
    log = libc.opendir(sys.argv[1].encode())
    libc.seekdir(log, place)
    entry = libc.readdir(log)
    assert not entry, f"at {place} there is {ctypes.string_at(entry + 19)}"
END
}
