# find/FILTER/: links to the entities whose state matches and their states, of today and below asof/WHEN/. What a filter
# means is tested in tests/store/find_test.c and filter_test.c; here: the files.
load helpers
load real_log

# found DIRECTORY: the entities that are linked there.
found() {
    ls "$1" | grep _ | xargs
}

# at N: the moment of the N-th event of the tenant.
at() {
    member timestamp "$(event "$T" "$1")"
}

contacts() {
    created contact_1 '{"name":"Ada","stage":"Lead","value":1000}'
    created contact_2 '{"name":"Bob","stage":"Customer","value":1.5e3}'
    created deal_1 '{"name":"Ada","owner":"contact_2"}'
}

# ---- the directory

@test "find of a tenant lists nothing, and is listed itself" {
    contacts
    is "" "$(ls -A "$T/find")"
    ls "$T" | grep -qx find
    is "" "$(find "$T/find" -mindepth 1)"
}

@test "find links to the entities whose state matches" {
    contacts
    is "contact_1 contact_2" "$(found "$T/find/type=Contact")"
    is "contact_1 deal_1" "$(found "$T/find/name=Ada")"
    is "contact_2" "$(found "$T/find/type=Contact,value>1000")"
    is "deal_1" "$(found "$T/find/owner.name~^B")"
    is "" "$(found "$T/find/type=Contact,stage=Won")"
    is "../../contact_2" "$(readlink "$T/find/stage=Customer/contact_2")"
    is '{"name":"Bob","stage":"Customer","value":1.5e3}' "$(state "$T/find/stage=Customer/contact_2/state.json")"
    [[ ! -e $T/find/stage=Customer/contact_1 && ! -L $T/find/stage=Customer/contact_1 ]]
}

@test "a find follows every change at once" {
    contacts
    is "contact_1" "$(found "$T/find/stage=Lead")"
    local size
    size=$(stat -c %s "$T/find/stage=Lead/entities.ndjson")
    E=$T/contact_1
    happened Contact.Qualified '{"stage":"Qualified"}'
    is "" "$(found "$T/find/stage=Lead")"
    [[ ! -L $T/find/stage=Lead/contact_1 ]]
    is 0 "$(stat -c %s "$T/find/stage=Lead/entities.ndjson")"
    E=$T/contact_2
    happened Contact.Reset '{"stage":"Lead"}'
    is "contact_2" "$(found "$T/find/stage=Lead")"
    E=$T/contact_2
    happened Contact.Deleted
    is "" "$(found "$T/find/stage=Lead")"
    [[ ! -L $T/find/stage=Lead/contact_2 ]]
}

@test "a find below asof finds what was then, and links to the entity of then" {
    contacts
    E=$T/contact_1
    happened Contact.Qualified '{"stage":"Customer"}'
    happened Contact.Deleted
    local past
    past=$T/asof/$(at 3)
    is "contact_1" "$(found "$past/find/stage=Lead")"
    is "deal_1" "$(found "$past/find/owner.name=Bob")"
    is "../../contact_1" "$(readlink "$past/find/stage=Lead/contact_1")"
    is '{"name":"Ada","stage":"Lead","value":1000}' "$(state "$past/find/stage=Lead/contact_1/state.json")"
    is "contact_1 contact_2" "$(found "$T/asof/$(at 4)/find/stage=Customer")"
    is "contact_2" "$(found "$T/asof/$(member id "$(event "$T" 5)")/find/stage=Customer")"
    is "contact_1" "$(found "$T/asof/$(at 1)/find/type=contact/")"
}

@test "entities.ndjson has the states, one a line, as state.json shows them" {
    contacts
    local line
    same <(jq -c . "$T/contact_1/state.json" "$T/contact_2/state.json" | sed 's/:1500}/:1.5e3}/; s/:1500,/:1.5e3,/') \
        "$T/find/type=Contact/entities.ndjson"
    is "$(wc -c < "$T/find/type=Contact/entities.ndjson")" "$(stat -c %s "$T/find/type=Contact/entities.ndjson")"
    is 0 "$(stat -c %s "$T/find/name=Nobody/entities.ndjson")"
    is "" "$(cat "$T/find/name=Nobody/entities.ndjson")"
    same <(cat "$T/find/type=Contact/entities.ndjson") "$T/asof/$(member id "$(last "$T")")/find/type=Contact/entities.ndjson"
}

@test "an open entities.ndjson goes on as it was when it was opened" {
    contacts
    local before
    before=$(cat "$T/find/type=Contact/entities.ndjson")
    exec {f}< "$T/find/type=Contact/entities.ndjson"
    E=$T/contact_1
    happened Contact.Qualified '{"stage":"Qualified"}'
    created contact_0
    E=$T/contact_2
    happened Contact.Deleted
    is "$before" "$(cat <&"$f")"
    exec {f}<&-
    is "contact_1 contact_0" "$(jq -r '."$id"' "$T/find/type=Contact/entities.ndjson" | xargs)"
}

@test "entities.ndjson can be read from anywhere, in pieces of any size" {
    local n
    for n in $(seq 1 200); do
        echo "{\"type\":\"Contact.Created\",\"target\":\"contact_$n\",\"data\":{\"n\":$n,\"text\":\"$(printf '%*s' $((n % 90)) '')\"}}"
    done > "$BATS_TEST_TMPDIR/events"
    is ok "$(put_file "$T/append" "$BATS_TEST_TMPDIR/events")"
    local file=$T/find/n%3E50/entities.ndjson whole=$BATS_TEST_TMPDIR/whole
    file=$T/find/n\>50/entities.ndjson
    cat "$file" > "$whole"
    is 150 "$(wc -l < "$whole")"
    # Without what is kept of a small file: another filter was measured last.
    stat "$T/find/n>60/entities.ndjson" > /dev/null
    same <(dd if="$file" bs=37 status=none) "$whole"
    stat "$T/find/n>60/entities.ndjson" > /dev/null
    same <(tail -c 5000 "$file") <(tail -c 5000 "$whole")
    same <(tac "$file") <(tac "$whole")
    is "$(sed -n 77p "$whole")" "$(sed -n 77p "$file")"
    python3 - "$file" "$whole" << 'END'
import os, random, sys
pick = random.Random(2)
whole = open(sys.argv[2], "rb").read()
file = os.open(sys.argv[1], os.O_RDONLY)
for _ in range(200):
    at, size = pick.randrange(len(whole) + 10), pick.randrange(1, 3000)
    assert os.pread(file, size, at) == whole[at:at + size], (at, size)
END
}

@test "files of a past find can be mapped" {
    contacts
    local file
    file=$T/asof/$(at 3)/find/type=Contact/entities.ndjson
    is "$(cat "$file")" "$(calls open "$file" r map-shared | grep '^{')"
}

@test "another spelling of a filter is a link to the one" {
    contacts
    is "type=Contact,stage=Lead" "$(readlink "$T/find/stage=Lead,type=contact")"
    is "contact_1" "$(found "$T/find/stage=Lead,type=contact/")"
    is "contact_1" "$(found "$T/asof/$(at 3)/find/stage=%4cead,stage=Lead/")"
    is "$(stat -c %i "$T/find/type=Contact,stage=Lead")" "$(stat -L -c %i "$T/find/stage=Lead,type=CONTACT")"
}

@test "what is no filter is ENOENT, and rejected says why" {
    contacts
    local name before
    for name in stage =Lead stage= 'type>Contact' 'name~(' 'name~a{300}' 'a..b=1' '%zz=1' 'stage=Lead,'; do
        before=$(refusals)
        is "ENOENT $name" "$(calls -q truncate "$T/find/$name" 0) $name"
        is $((before + 1)) "$(refusals)"
        is "$name find/$name ENOENT" "$(tail -n 1 "$T/rejected" | jq -r '"\(.input) \(.path) \(.errno)"')"
        [[ -n $(tail -n 1 "$T/rejected" | jq -r .reason) ]]
    done
}

@test "a filter may be as long as 1,024 bytes" {
    contacts
    local long
    long=$(printf 'x%.0s' $(seq 1 1000))
    is "contact_1 contact_2 deal_1" "$(found "$T/find/name!=$long")"
    is ENAMETOOLONG "$(calls -q truncate "$T/find/name!=$long$long" 0)"
}

@test "nothing in find can be changed" {
    contacts
    is EACCES "$(calls -q mkdir "$T/find/x")"
    is EACCES "$(calls -q open "$T/find/stage=Lead/x" wc)"
    is EACCES "$(calls -q symlink x "$T/find/stage=Lead/contact_2")"
    forbidden unlink "$(calls -q unlink "$T/find/stage=Lead/contact_1")"
    forbidden write "$(calls -q open "$T/find/stage=Lead/entities.ndjson" w)"
    is EPERM "$(calls -q rmdir "$T/find")"
}

@test "tools that walk follow the links and come to an end" {
    contacts
    is 2 "$(find -L "$T/find/type=Contact" -name state.json | wc -l)"
    ends 0 ls -lR "$T/find/type=Contact"
    ends 0 ls -lL "$T/find/type=Contact"
    grep -rl Ada "$T/find/type=Contact/"*/state.json
    needs rsync
    ends 0 rsync -a "$T/asof/$(at 3)/" "$BATS_TEST_TMPDIR/copy"
    same "$T/contact_1/state.json" "$BATS_TEST_TMPDIR/copy/contact_1/state.json"
    ends 0 rsync -aL "$T/find/type=Contact/" "$BATS_TEST_TMPDIR/found"
    same "$T/contact_2/stream" "$BATS_TEST_TMPDIR/found/contact_2/stream"
    same "$T/find/type=Contact/entities.ndjson" "$BATS_TEST_TMPDIR/found/entities.ndjson"
}

@test "who may not read a tenant may not find in it" {
    needs_root
    chmod a+x "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
    contacts
    ls "$T/find/type=Contact" > /dev/null
    ends 0 as_nobody ls "$T/find/type=Contact"
    chmod 700 "$T"
    ends 2 as_nobody ls "$T/find/type=Contact"
    ends 2 as_nobody ls "$T/asof/$(at 3)"
    chmod 755 "$T"
    is 555 "$(stat -c %a "$T/find/type=Contact")"
    chmod 750 "$T"
    wait_for eval "[[ \$(stat -c %a '$T/find/type=Contact') == 550 && \$(stat -c %a '$T/asof/$(at 3)') == 550 ]]"
}

# ---- many

@test "a listing of 100,000 entities has each once, also while others appear and change" {
    python3 -c 'for n in range(100000): print("{\"type\":\"Item.Created\",\"target\":\"item_%d\",\"data\":{\"n\":%d}}" % (n, n))' > "$BATS_TEST_TMPDIR/events"
    is ok "$(put_file "$T/append" "$BATS_TEST_TMPDIR/events")"
    (
        for n in $(seq 1 300); do
            echo "{\"type\":\"Item.Created\",\"target\":\"item_late$n\",\"data\":{\"n\":1}}"
            echo "{\"type\":\"Item.Touched\",\"target\":\"item_$n\",\"data\":{\"n\":$((n + 5))}}"
        done > "$T/append"
    ) &
    ls -U "$T/find/n>=10" > "$BATS_TEST_TMPDIR/listed"
    wait $!
    is "" "$(sort "$BATS_TEST_TMPDIR/listed" | uniq -d)"
    # Those that matched all the time.
    is "" "$(comm -23 <(seq -f 'item_%.0f' 400 99999 | sort) <(sort "$BATS_TEST_TMPDIR/listed"))"
    is 100000 "$(ls -U "$T/asof/$(member id "$(event "$T" 100000)")" | grep -c _)"
    is 100000 "$(wc -l < "$T/asof/$(member id "$(event "$T" 100000)")/find/n>=0/entities.ndjson")"
    calls opendir "$T/find/n>=10" entries 3 tell entries 4 seekdir entries 4 > "$BATS_TEST_TMPDIR/seeks"
}

@test "a find that is interrupted ends, and the mount serves others meanwhile" {
    python3 -c 'for n in range(20000): print("{\"type\":\"Item.Created\",\"target\":\"item_%d\",\"data\":{\"s\":\"%s\"}}" % (n, "a" * 500))' > "$BATS_TEST_TMPDIR/events"
    is ok "$(put_file "$T/append" "$BATS_TEST_TMPDIR/events")"
    # Some 500 steps for each of ten million characters.
    ls "$T/find/s~(.?){240}c" > /dev/null 2>&1 &
    local slow=$!
    sleep 0.3
    local start=${EPOCHREALTIME/./}
    created contact_1
    is "{}" "$(state)"
    local took=$((${EPOCHREALTIME/./} - start))
    ((took < 2000000)) || is "less than 2 s" "$took us"
    # Queries and the listing of a past too.
    is 1 "$(wc -l < "$T/query/type=Contact.Created/events.ndjson")"
    ls "$T/asof/$(member id "$(event "$T" 5)")" > /dev/null
    not process_gone $slow
    kill -KILL $slow
    wait_for process_gone $slow
    # Those who wait behind one who goes on can be interrupted as well.
    ls "$T/find/s~(.?){241}c" > /dev/null 2>&1 &
    slow=$!
    sleep 0.3
    ls "$T/find/s~x" > /dev/null 2>&1 &
    local waiting=$!
    sleep 0.1
    kill -KILL $waiting
    wait_for process_gone $waiting
    kill -KILL $slow
    wait_for process_gone $slow
    is 1 "$(ls "$T/find/type=Contact" | grep -c _)"
}

@test "the daemon ends although somebody finds for long" {
    local own=$BATS_TEST_TMPDIR/own
    mkdir -p "$own"
    (
        place "$own"
        daemon_start
        T=$MOUNT/acme
        mkdir "$T"
        python3 -c 'for n in range(5000): print("{\"type\":\"Item.Created\",\"target\":\"item_%d\",\"data\":{\"s\":\"%s\"}}" % (n, "a" * 500))' > "$own/events"
        put_file "$T/append" "$own/events"
        ls "$T/find/s~(.?){240}c" > /dev/null 2>&1 &
        slow=$!
        sleep 0.3
        not process_gone $slow
        daemon_stop
        wait_for process_gone $slow
    )
}

# ---- a real log

@test "what is found in a real log, now and at moments of its past, is what an independent computation finds" {
    local log=$BATS_TEST_TMPDIR/log
    real_log > "$log"
    is ok "$(put_file "$T/import" "$log")"
    ends 0 timeout 300 python3 - "$T" << 'END'
import collections, json, os, re, sys
from decimal import Decimal
tenant = sys.argv[1]
events = [json.loads(line, parse_float=Decimal) for line in open(tenant + "/stream")]
filters = {
    "status=PaymentHandled": lambda s: s.get("status") == "PaymentHandled",
    "type=Declaration,Amount>=500": lambda s: "Amount" in s and s["Amount"] >= 500,
    "Amount<10,status!=PaymentHandled": lambda s: "Amount" in s and s["Amount"] < 10 and s["status"] != "PaymentHandled",
    "status~ed$": lambda s: bool(re.search("ed$", s["status"])),
    "$version>8": lambda s: s["$version"] > 8,
}
count = len(events)
places = [1, 100, count // 7, count // 3, count // 2, 2 * count // 3, count - 1, count]
states, version, order, wrong = {}, collections.Counter(), [], []


def look(directory, name, holds):
    expected = [e for e in order if holds({**states[e], "$version": version[e]})]
    links = sorted(n for n in os.listdir(f"{directory}/find/{name}") if n != "entities.ndjson")
    if links != sorted(expected):
        wrong.append((directory, name, len(links), len(expected)))
    lines = [json.loads(l, parse_float=Decimal) for l in open(f"{directory}/find/{name}/entities.ndjson")]
    if [l["$id"] for l in lines] != expected:
        wrong.append((directory, name, "entities.ndjson", len(lines), len(expected)))
    for l in lines:
        if {k: v for k, v in l.items() if k[0] != "$"} != states[l["$id"]] or l["$version"] != version[l["$id"]]:
            wrong.append((directory, name, l))
            break


for position, event in enumerate(events, 1):
    target = event["target"]
    if target not in states:
        order.append(target)
    states[target] = {**states.get(target, {}), **event["data"]}
    version[target] += 1
    if position in places:
        past = f"{tenant}/asof/{event['id']}"
        listed = os.listdir(past)
        if sorted(listed) != sorted(order + ["find"]):
            wrong.append((past, len(listed), len(order)))
        for name, holds in filters.items():
            look(past, name, holds)
        # The moment says the same, when the next event is later.
        if position < count and events[position]["timestamp"] != event["timestamp"]:
            if os.stat(f"{tenant}/asof/{event['timestamp']}").st_ino != os.stat(past).st_ino:
                wrong.append(event["timestamp"])
for name, holds in filters.items():
    look(tenant, name, holds)
print(wrong[:5])
sys.exit(bool(wrong))
END
}
