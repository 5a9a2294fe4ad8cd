# query/FILTER/: the events that match, as files. What a filter means is tested in tests/store/filter_test.c and
# query_test.c; here: the files, and every key once against jq over the whole stream.
load helpers
load real_log

has_mode() {
    [[ $(stat -c %a "$2") == "$1" ]]
}

setup() {
    tenant_start
    OUT=$BATS_TEST_TMPDIR/out
    Q=$T/query
}

# A day of several things, of both conventions and three actors.
day() {
    record '{"type":"Deal.Opened","target":"deal_1","actor":"agent_a","data":{"value":1}}' \
        '{"type":"Contact.Created","target":"contact_1","actor":"user_b"}' \
        '{"type":"was_placed","target":"order_1","actor":"Doe, Jane|100%"}' \
        '{"type":"Deal.Won","target":"deal_1","actor":"agent_a"}' \
        '{"type":"Deal.Opened","target":"deal_2","actor":"user_b"}' \
        '{"type":"was_shipped","target":"order_1","actor":"agent_a"}' \
        '{"type":"Deal.Lost","target":"deal_2","actor":"agent_a"}' \
        '{"type":"Contact.Updated","target":"contact_1","actor":"user_b","data":{"n":1}}' \
        '{"type":"Subscription.Canceled","target":"subscription_1","actor":"user_b"}' \
        '{"type":"was_placed","target":"basket_1","actor":"user_b"}'
}

# means FILTER JQ: all files of the filter are what jq picks from the stream.
means() {
    jq -c "select($2)" "$T/stream" > "$OUT.expected"
    same "$OUT.expected" "$Q/$1/events.ndjson"
    same "$OUT.expected" "$Q/$1/stream"
    is "$(wc -l < "$OUT.expected")" "$(cat "$Q/$1/count")"
}

# no_filter NAME WORDS: there is no such name, and `rejected` says why.
no_filter() {
    is ENOENT "$(calls -q open "$Q/$1" r)"
    local line
    line=$(tail -n 1 "$T/rejected")
    is "query/$1 ENOENT" "$(member path "$line") $(member errno "$line")"
    holds "$2" "$(member reason "$line")"
}

# ---- the directory

@test "query lists nothing, and a filter's directory three files" {
    day
    is "" "$(ls -A "$Q")"
    is "count events.ndjson stream" "$(ls "$Q/type=Deal.*" | xargs)"
    calls opendir "$Q/type=Deal.*" entries 0 | grep -qx '\.\.'
    is "$Q" "$(find "$Q")"
    [[ ! -e $Q/type=Deal.*/nothing ]]
}

@test "follow can be opened though it is not listed" {
    day
    [[ -f $Q/type=Deal.*/follow ]]
}

@test "what is found cannot be written, removed or added to" {
    day
    local file
    for file in events.ndjson stream count; do
        forbidden write "$(calls -q open "$Q/type=Deal.*/$file" w)"
        forbidden truncate "$(calls -q truncate "$Q/type=Deal.*/$file" 0)"
        is_one_of "EPERM EACCES" "$(calls -q unlink "$Q/type=Deal.*/$file")"
    done
    is_one_of "EPERM EACCES" "$(calls -q open "$Q/type=Deal.*/new" wc)"
    is_one_of "EPERM EACCES" "$(calls -q mkdir "$Q/new")"
    is_one_of "EPERM EACCES" "$(calls -q rmdir "$Q/type=Deal.*")"
}

# ---- keys

@test "type: whole, by noun, by verb, alternatives, in any case" {
    day
    means type=Deal.Won '.type == "Deal.Won"'
    means 'type=Deal.*' '.type | startswith("Deal.")'
    means 'type=*.Opened' '.type == "Deal.Opened"'
    means 'type=Deal.Lost|Deal.Won' '.type == "Deal.Won" or .type == "Deal.Lost"'
    means type=DEAL.won '.type == "Deal.Won"'
    means 'type=*.*' true
    means type=Deal.Reopened false
}

@test "type: snake_case with its noun, with any, and by the noun of both conventions" {
    day
    means type=order.was_placed '.type == "was_placed" and .target == "order_1"'
    means type=was_placed '.type == "was_placed"'
    means 'type=Order.*' '.target == "order_1"'
    means 'type=*.was_shipped' '.type == "was_shipped"'
}

@test "type: Canceled is Cancelled" {
    day
    means type=Subscription.Cancelled '.type == "Subscription.Canceled"'
    means type=Subscription.Canceled '.type == "Subscription.Canceled"'
}

@test "entity and actor: one, several, with what has to be encoded" {
    day
    means entity=deal_1 '.target == "deal_1"'
    means 'entity=contact_1|deal_2' '.target == "deal_2" or .target == "contact_1"'
    means entity=deal_9 false
    means actor=agent_a '.actor == "agent_a"'
    means 'actor=Doe%2C Jane%7C100%25' '.actor == "Doe, Jane|100%"'
    means 'actor=Doe%2C Jane%7C100%25|user_b' '.actor == "Doe, Jane|100%" or .actor == "user_b"'
}

@test "after is inclusive, before is not" {
    day
    local third seventh
    third=$(member timestamp "$(event "$T" 3)")
    seventh=$(member timestamp "$(event "$T" 7)")
    means "after=$third" ".timestamp >= \"$third\""
    means "before=$third" ".timestamp < \"$third\""
    means "after=$third,before=$seventh" ".timestamp >= \"$third\" and .timestamp < \"$seventh\""
    means "after=2100-01-01" false
    means "before=2100-01-01" true
    is "$(cat "$Q/after=$third/count")" "$(cat "$Q/after=${third/Z/+00:00}/count")"
}

@test "conditions hold together, also two of one key" {
    day
    means 'type=Deal.*,actor=agent_a' '(.type | startswith("Deal.")) and .actor == "agent_a"'
    means 'type=*.Opened,entity=deal_2' '.type == "Deal.Opened" and .target == "deal_2"'
    means 'type=*.Opened,type=Deal.*' '.type == "Deal.Opened"'
    means 'entity=contact_1,actor=user_b,type=Contact.Updated' '.type == "Contact.Updated"'
    means 'entity=deal_1,entity=deal_2' false
}

@test "limit and order shape events.ndjson and count, and leave stream alone" {
    day
    same <(grep '"Deal\.' "$T/stream" | head -n 2) "$Q/type=Deal.*,limit=2/events.ndjson"
    same <(grep '"Deal\.' "$T/stream" | tac) "$Q/type=Deal.*,order=desc/events.ndjson"
    same <(grep '"Deal\.' "$T/stream" | tac | head -n 3) "$Q/type=Deal.*,limit=3,order=desc/events.ndjson"
    is 3 "$(cat "$Q/type=Deal.*,limit=3,order=desc/count")"
    same <(grep '"Deal\.' "$T/stream") "$Q/type=Deal.*,limit=3,order=desc/stream"
    same <(tac "$T/stream" | head -n 1) "$Q/limit=1,order=desc/events.ndjson"
    is 4 "$(cat "$Q/type=Deal.*,limit=50/count")"
}

# ---- spellings

@test "another spelling of a filter is a link to the one spelling" {
    day
    is 'type=Deal.Lost|Deal.Won' "$(readlink "$Q/type=deal.won|Deal.Lost|deal.won")"
    is 'type=Deal.Won,limit=5' "$(readlink "$Q/limit=5,type=Deal.Won,order=asc")"
    is 'after=2026-01-15T09:00:00Z' "$(readlink "$Q/after=2026-01-15T10:00+01:00")"
    is 1 "$(cat "$Q/type=deal%2ewon/count")"
    [[ -L $Q/type=deal.won && ! -L $Q/type=Deal.Won && -d $Q/type=Deal.Won ]]
    is "$(stat -c %i "$Q/type=Deal.Won/stream")" "$(stat -c %i "$Q/type=deal.won/stream")"
}

@test "a filter may be longer than other names" {
    day
    local filter
    filter=entity=$(printf 'deal_%04d|' {1..90})deal_1
    is 1024 "${#filter}" || ((${#filter} > 800))
    is 2 "$(cat "$Q/$filter/count")"
}

@test "what is no filter is not there, and rejected says what is wrong and where" {
    day
    no_filter typ=Deal.Won 'byte 1: unknown key "typ"'
    no_filter 'limit=3,type=Deal.W*' 'byte 14: "Deal.W*": * stands for a whole half'
    no_filter type=Deal 'Deal.*'
    no_filter type= 'empty value'
    no_filter limit=0 'limit "0"'
    no_filter after=yesterday '"yesterday" is not a moment'
    no_filter entity=deal 'not the id of an entity'
    no_filter order=up 'asc or desc'
    no_filter 'actor=a%2' 'hexadecimal'
    no_filter nonsense 'not key=value'
}

@test "a name that is looked up again and again is said once, and not everything of a flood" {
    local i
    for i in {1..30}; do
        [[ ! -e $Q/type=x. ]]
    done
    is 1 "$(refusals)"
    for i in {1..200}; do
        [[ ! -e $Q/type=x.$i ]]
    done
    (($(refusals) <= 64))
}

# ---- files

@test "sizes are what can be read, and times those of the last event that matches" {
    day
    local file
    for file in events.ndjson stream count; do
        is "$(wc -c < <(cat "$Q/type=Deal.*/$file"))" "$(stat -c %s "$Q/type=Deal.*/$file")"
        is "$(date -u -d "$(member timestamp "$(event "$T" 7)")" +%s)" "$(stat -c %Y "$Q/type=Deal.*/$file")"
    done
    is "0 2" "$(stat -c %s "$Q/type=Deal.None/stream" "$Q/type=Deal.None/count" | xargs)"
}

@test "events.ndjson and count stay as they were when they were opened" {
    day
    exec 7< "$Q/type=Deal.*/events.ndjson" 8< "$Q/type=Deal.*/count" 9< "$Q/type=Deal.*,order=desc/events.ndjson"
    cat "$Q/type=Deal.*/events.ndjson" > "$OUT"
    local i
    for i in {1..8}; do
        record '{"type":"Deal.Opened","target":"deal_x'"$i"'"}'
    done
    is "$(stat -c %s "$OUT")" "$(stat -L -c %s /proc/self/fd/7)"
    same "$OUT" <(cat <&7)
    is 4 "$(cat <&8)"
    same <(tac "$OUT") <(cat <&9)
    is 12 "$(cat "$Q/type=Deal.*/count")"
    is 12 "$(wc -l < "$Q/type=Deal.*/events.ndjson")"
    is 12 "$(wc -l < "$Q/type=Deal.*,order=desc/events.ndjson")"
    exec 7<&- 8<&- 9<&-
}

@test "a result can be read from anywhere" {
    seq 300 | sed 's/.*/{"type":"was_noted","target":"note_1","data":{"n":&}}/' > "$BATS_TEST_TMPDIR/events"
    is ok "$(put_file "$T/append" "$BATS_TEST_TMPDIR/events")"
    local at file
    for file in "$Q/type=was_noted/events.ndjson" "$Q/type=was_noted,order=desc/events.ndjson" "$Q/entity=note_1/stream"; do
        cat "$file" > "$OUT"
        for at in 0 1 163 20000 $(($(stat -c %s "$OUT") - 1)); do
            same <(tail -c +$((at + 1)) "$OUT" | head -c 5000) <(dd if="$file" bs=1 skip="$at" count=5000 status=none)
        done
    done
    same <(tac "$OUT") <(tac "$Q/type=was_noted/stream")
}

@test "query reaches back over a remount, and the same name is the same inode" {
    day
    local before
    before=$(stat -c '%i %s %y' "$Q/type=Deal.*/"*)
    daemon_restart
    means 'type=Deal.*' '.type | startswith("Deal.")'
    is "$before" "$(stat -c '%i %s %y' "$Q/type=Deal.*/"*)"
}

@test "who may not read a tenant may not query it" {
    needs_root
    chmod a+x "$BATS_RUN_TMPDIR"
    day
    chmod 750 "$T"
    ends 1 as_nobody cat "$Q/type=Deal.*/count"
    holds "Permission denied" "$output"
    chmod 755 "$T"
    wait_for as_nobody cat "$Q/type=Deal.*/count"
    is 4 "$(as_nobody cat "$Q/type=Deal.*/count")"
    is "555 444" "$(stat -c %a "$Q/type=Deal.*" "$Q/type=Deal.*/count" | xargs)"
    chmod 700 "$T"
    wait_for has_mode 500 "$Q/type=Deal.*"
    is "500 400" "$(stat -c %a "$Q/type=Deal.*" "$Q/type=Deal.*/count" | xargs)"
}

# ---- while events arrive

@test "tail -f follows the stream of a filter" {
    day
    listen "$OUT" tail -n +1 -s 0.01 -f "$Q/type=Deal.*/stream"
    wait_for lines_in "$OUT" 4
    record '{"type":"Contact.Updated","target":"contact_1","data":{"n":2}}' '{"type":"Deal.Reopened","target":"deal_2"}'
    wait_for in_file "$OUT" Deal.Reopened
    same <(grep '"Deal\.' "$T/stream") "$OUT"
}

@test "a watcher of a filter's stream hears of its growth, and of nothing else" {
    day
    watch "$OUT" "$Q/type=Deal.*/stream" -e modify -e close_write
    record '{"type":"Contact.Updated","target":"contact_1","data":{"n":2}}' '{"type":"Deal.Reopened","target":"deal_2"}'
    wait_for in_file "$OUT" CLOSE_WRITE
    grep -q ^MODIFY "$OUT"
    local heard
    heard=$(wc -l < "$OUT")
    watch "$OUT.all" "$T/stream" -e close_write
    record '{"type":"Contact.Updated","target":"contact_1","data":{"n":3}}'
    wait_for in_file "$OUT.all" CLOSE_WRITE
    is "$heard" "$(wc -l < "$OUT")"
}

@test "a watcher of a filter's directory hears of its stream" {
    day
    watch "$OUT" "$Q/entity=deal_2" -e close_write
    record '{"type":"Deal.Reopened","target":"deal_2"}'
    wait_for in_file "$OUT" "CLOSE_WRITE,CLOSE stream"
}

@test "follow gets what matches from when it was opened on, and waits for it" {
    day
    exec 7< "$Q/type=Deal.*,actor=user_b/follow"
    (cat <&7 > "$OUT") 3>&- &
    record '{"type":"Deal.Reopened","target":"deal_2","actor":"agent_a"}' \
        '{"type":"Deal.Updated","target":"deal_2","actor":"user_b","data":{"n":1}}'
    wait_for in_file "$OUT" Deal.Updated
    record '{"type":"Contact.Updated","target":"contact_1","actor":"user_b","data":{"n":4}}' \
        '{"type":"Deal.Updated","target":"deal_2","actor":"user_b","data":{"n":2}}'
    wait_for lines_in "$OUT" 2
    exec 7<&-
    same <(tail -n 4 "$T/stream" | grep '"user_b"' | grep Deal) "$OUT"
}

@test "a follow at its end does not wait when told so, and ends with its reader" {
    day
    is "EAGAIN" "$(calls -q open "$Q/type=Deal.*/follow" rn read 100)"
    listen "$OUT" cat "$Q/type=Deal.*/follow"
    local reader=$!
    wait_for eval '[[ $(cat /proc/'"$reader"'/syscall) == 0\ * ]]'
    kill -KILL "$reader"
    wait_for process_gone "$reader"
}

@test "poll on a filter's stream and follow wakes for what matches alone" {
    day
    local file
    for file in stream follow; do
        is $'poll ok\npoll 1' "$(calls open "$Q/type=Deal.*/$file" rn drain poll 0 later 200 "echo '{\"type\":\"Deal.Called\",\"target\":\"deal_1\"}' > $T/append" poll 10000 | grep ^poll)"
        is "poll ok" "$(calls open "$Q/type=Deal.*/$file" rn drain run "echo '{\"type\":\"Contact.Called\",\"target\":\"contact_1\"}' > $T/append" poll 200 | grep ^poll)"
    done
}

@test "no size is ahead of the bytes, no line half, no event lost or doubled while events arrive" {
    record '{"type":"Meter.Opened","target":"meter_1"}'
    (
        for i in {1..400}; do
            echo '{"type":"Meter.'"$( ((i % 3)) && echo Read || echo Noted)"'","target":"meter_1","data":{"n":'"$i"',"text":"'"$(head -c $((i * 37 % 3000)) /dev/zero | tr '\0' x)"'"}}'
        done > "$T/append"
    ) 3>&- &
    python3 - "$Q/type=Meter.Read" <<'END'
import json, os, sys, time
directory, seen, last, end = sys.argv[1], b"", 0, time.monotonic() + 30
stream = os.open(directory + "/stream", os.O_RDONLY)
while seen.count(b"\n") < 267 and time.monotonic() < end:
    size = os.fstat(stream).st_size
    assert size >= len(seen), "the stream shrank"
    while len(seen) < size:
        more = os.read(stream, size - len(seen))
        assert more, "the size promised more than there is"
        seen += more
    assert not seen or seen[-1:] == b"\n", "half a line"
    for name, reverse in (("", False), (",order=desc", True)):
        with open(directory + name + "/events.ndjson", "rb") as file:
            size = os.fstat(file.fileno()).st_size
            text = file.read()
            assert len(text) == size == os.fstat(file.fileno()).st_size, (len(text), size)
        lines = text.splitlines()
        versions = [json.loads(line)["version"] for line in lines]
        assert versions == sorted(versions, reverse=reverse)
        assert len(versions) >= last, "events went away"
        last = len(versions)
    with open(directory + "/count") as file:
        count = int(file.read())
    assert count >= last, (count, last)
numbers = [json.loads(line)["data"]["n"]["after"] for line in seen.splitlines()]
assert numbers == [n for n in range(1, 401) if n % 3], numbers[-5:]
END
}

# ---- a real log

@test "queries of 55,628 real events are what jq picks from the whole log" {
    real_log | jq -c 'del(.timestamp)' > "$BATS_TEST_TMPDIR/events"
    is ok "$(put_file "$T/append" "$BATS_TEST_TMPDIR/events")"
    jq -r '[.type, .actor, .target] | @tsv' "$T/stream" > "$BATS_TEST_TMPDIR/table"
    local type actor entity wanted
    while read -r wanted type; do
        is "$wanted $type" "$(cat "$Q/type=$type/count") $type"
    done < <(cut -f 1 "$BATS_TEST_TMPDIR/table" | sort | uniq -c)
    while read -r wanted actor; do
        is "$wanted $actor" "$(cat "$Q/actor=$actor/count") $actor"
    done < <(cut -f 2 "$BATS_TEST_TMPDIR/table" | sort | uniq -c)
    entity=$(cut -f 3 "$BATS_TEST_TMPDIR/table" | sort | uniq -c | sort -n | tail -n 1 | awk '{ print $2 }')
    same <(grep -F "\"target\":\"$entity\"" "$T/stream") "$Q/entity=$entity/events.ndjson"
    type=$(cut -f 1 "$BATS_TEST_TMPDIR/table" | sort | uniq -c | sort -n | head -n 1 | awk '{ print $2 }')
    same <(grep -F "\"type\":\"$type\"" "$T/stream") "$Q/type=$type/events.ndjson"
    same <(grep -F "\"type\":\"$type\"" "$T/stream" | tac | head -n 20) "$Q/type=$type,limit=20,order=desc/events.ndjson"
    same <(grep '"type":"[A-Za-z]*.Rejected"' "$T/stream") "$Q/type=*.Rejected/stream"
    same "$T/stream" "$Q/type=*.*/stream"
    same <(tail -n 1000 "$T/stream" | tac) "$Q/limit=1000,order=desc/events.ndjson"
}
