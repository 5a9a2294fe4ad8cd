# state.json: how it is laid out, whole documents written to it in the ways of programs, the guard against lost updates;
# and rollback.
load helpers

# ---- layout

@test "a state is laid out as jq does it, with the six members of the store first" {
    record '{"type":"Contact.Created","target":"contact_1","actor":"agent_1","data":{"stage":"Lead","tags":["a",{"b":null}],"none":[],"empty":{},"deep":{"x":{"y":true}}}}'
    E=$T/contact_1
    happened Contact.Qualified '{"stage":"Qualified"}'
    cat > "$BATS_TEST_TMPDIR/expected" <<END
{
  "\$id": "contact_1",
  "\$type": "Contact",
  "\$version": 2,
  "\$createdAt": "$(member timestamp "$(event "$E" 1)")",
  "\$updatedAt": "$(member timestamp "$(event "$E" 2)")",
  "\$createdBy": "agent_1",
  "stage": "Qualified",
  "tags": [
    "a",
    {
      "b": null
    }
  ],
  "none": [],
  "empty": {},
  "deep": {
    "x": {
      "y": true
    }
  }
}
END
    same "$BATS_TEST_TMPDIR/expected" "$E/state.json"
    same "$E/state.json" <(jq . "$E/state.json")
}

@test "a state without fields has the six members alone" {
    created contact_1
    is '["$id","$type","$version","$createdAt","$updatedAt","$createdBy"]' "$(jq -c keys_unsorted "$E/state.json")"
}

@test "the size of state.json is what a reader gets" {
    created contact_1 '{"name":"Søren","n":1.10}'
    is "$(wc -c < <(cat "$E/state.json"))" "$(stat -c %s "$E/state.json")"
    happened Contact.Updated '{"n":100}'
    is "$(wc -c < <(cat "$E/state.json"))" "$(stat -c %s "$E/state.json")"
}

@test "an open state.json shows one state, whatever happens meanwhile" {
    created contact_1 '{"a":"old","pad":"'"$(head -c 9000 /dev/zero | tr '\0' x)"'"}'
    local before
    before=$(cat "$E/state.json")
    # A read ends within a line, and so does what `run` says of itself.
    is "$before" "$(calls open "$E/state.json" r read 100 run "echo '{\"type\":\"Contact.Updated\",\"data\":{\"a\":\"new\",\"pad\":1}}' > $E/append" drain close | sed -z 's/run ok\n//' | grep -vE '^(open|close) ok$')"
}

@test "fstat of an open state.json tells the size of what is read from it, stat and a new open those of now" {
    created contact_1 '{"n":1}'
    ends 0 python3 - "$E" << 'END'
import os, sys
path = sys.argv[1] + "/state.json"
def append(text):
    with open(sys.argv[1] + "/append", "w") as file:
        file.write('{"type":"Contact.Noted","data":{"text":"%s"}}\n' % text)
first = os.open(path, os.O_RDONLY)
append("x" * 100)
for look in "at once", "after another look":
    size = os.fstat(first).st_size
    assert size == len(os.pread(first, 1 << 20, 0)), look
    now = os.stat(path).st_size
    assert now > size + 100, (look, now, size)
assert os.fstat(first).st_mtime_ns < os.stat(path).st_mtime_ns
second = os.open(path, os.O_RDONLY)
assert os.fstat(second).st_size == len(os.pread(second, 1 << 20, 0)) == now
END
}

@test "fstat of a state.json that is being written tells the size of what was written" {
    created contact_1 '{"n":1}'
    ends 0 python3 - "$E/state.json" << 'END'
import os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_TRUNC)
assert os.fstat(file).st_size == 0
os.write(file, b'{"n":2}')
assert os.fstat(file).st_size == 7
os.ftruncate(file, 3)
assert os.fstat(file).st_size == 3
os.pwrite(file, b'{"n":2}', 0)
assert os.fstat(file).st_size == 7 == len(os.pread(file, 99, 0))
os.close(file)
assert os.stat(sys.argv[1]).st_size > 7
END
    is '{"n":2}' "$(state)"
}

@test "a new event is seen in state.json as soon as its write has returned" {
    created contact_1 '{"n":0}'
    local n
    for n in {1..20}; do
        happened Contact.Updated '{"n":'"$n"'}'
        is '{"n":'"$n"'}' "$(state)"
    done
}

# ---- a document is written

@test "writing a document appends one Updated event with the difference" {
    created contact_1 '{"stage":"Lead","n":1,"same":[1]}'
    is ok "$(save "$E/state.json" '{"stage":"Qualified","n":1,"same":[1]}')"
    is '{"id":"ID","type":"Contact.Updated","target":"contact_1","actor":"'"$ME"'","timestamp":"WHEN","data":{"stage":{"before":"Lead","after":"Qualified"}},"tenant":"'"$TENANT"'","version":2}' \
        "$(last "$E" | masked)"
}

@test "a field that the document leaves out goes" {
    created contact_1 '{"stage":"Lead","n":1}'
    is ok "$(save "$E/state.json" '{"stage":"Lead"}')"
    is '{"n":{"before":1}}' "$(last_data)"
    is '{"stage":"Lead"}' "$(state)"
}

@test "a field that the document adds is set" {
    created contact_1 '{"stage":"Lead"}'
    is ok "$(save "$E/state.json" '{"stage":"Lead","n":1.10}')"
    is '{"n":{"after":1.10}}' "$(last_data)"
}

@test "no difference is no event, however the document is spelt" {
    created contact_1 '{"n":1,"s":"\u00e9","o":{"a":1,"b":2}}'
    is ok "$(save "$E/state.json" "$(cat "$E/state.json")")"
    is ok "$(save "$E/state.json" '{"o":{"b":2.0,"a":1},"s":"é","n":1.0}')"
    is "1 0" "$(count "$E") $(refusals)"
}

@test "members that begin with a dollar sign are ignored in a written document" {
    created contact_1 '{"n":1}'
    is ok "$(save "$E/state.json" '{"$id":"contact_9","$version":7,"$other":1,"n":1}')"
    is 1 "$(count "$E")"
    is ok "$(save "$E/state.json" '{"$version":1,"n":2}')"
    is '{"n":{"before":1,"after":2}}' "$(last_data)"
}

@test "arrows and pairs in a document are plain values" {
    created contact_1 '{"s":"x","o":1}'
    is ok "$(save "$E/state.json" '{"s":"x -> y","o":{"before":2,"after":3}}')"
    is '{"s":"x -> y","o":{"before":2,"after":3}}' "$(state)"
}

@test "numbers and strings of a document are kept as written" {
    created contact_1
    is ok "$(save "$E/state.json" '{"big":12345678901234567890,"n":1.10,"s":"\u00e9"}')"
    is '{"big":12345678901234567890,"n":1.10,"s":"\u00e9"}' "$(state)"
}

@test "the document of a snake_case thing is recorded as Order.Updated" {
    record '{"type":"was_placed","target":"order_1","data":{"n":1}}'
    E=$T/order_1
    is ok "$(save "$E/state.json" '{"n":2}')"
    is Order.Updated "$(member type "$(last "$E")")"
    is '{"n":2}' "$(state)"
}

@test "the document of a deleted entity becomes Created" {
    created contact_1 '{"a":1}'
    happened Contact.Deleted
    is ok "$(save "$E/state.json" '{"b":2}')"
    is 'Contact.Created 3' "$(jq -r '"\(.type) \(.version)"' <<< "$(last "$E")")"
    is '{"b":2}' "$(last_data)"
    is '{"b":2}' "$(state)"
}

@test "the document of a reserved entity becomes Created" {
    mkdir "$T/contact_1"
    E=$T/contact_1
    [[ ! -e $E/state.json ]]
    is ok "$(save "$E/state.json" '{"b":"x -> y"}')"
    is 'Contact.Created 1' "$(jq -r '"\(.type) \(.version)"' <<< "$(last "$E")")"
    is '{"b":"x -> y"}' "$(state)"
}

@test "an empty document, another value and what is not JSON fail with EINVAL at close and change nothing" {
    created contact_1 '{"a":1}'
    local text
    for text in '' ' ' '[]' '1' 'null' '"a"' '{"a":' '{"a":2}}' '{"a":2}{"a":3}' '{"a":1,"a":2}' 'a=1'; do
        is $'open ok\nclose EINVAL '"$text" "$(calls open "$E/state.json" wt write "$text" close | grep -v ^write) $text"
    done
    is '1 {"a":1}' "$(count "$E") $(state)"
}

@test "truncating state.json and closing it fails with EINVAL and is no deletion" {
    created contact_1 '{"a":1}'
    is $'open ok\nclose EINVAL' "$(calls open "$E/state.json" wt close)"
    is '1 {"a":1}' "$(count "$E") $(state)"
}

@test "a document that is refused is a line in rejected with its path" {
    created contact_1 '{"a":1}'
    save "$E/state.json" '[1]'
    is "contact_1/state.json EINVAL" "$(jq -r '"\(.path) \(.errno)"' <<< "$(tail -n 1 "$T/rejected")")"
}

@test "a document is judged at fsync, and not again at close" {
    created contact_1 '{"a":1}'
    is $'open ok\nwrite ok\nfsync EINVAL' "$(calls open "$E/state.json" wt write '[1]' fsync)"
    is $'open ok\nwrite ok\nfsync ok\n2\nclose ok' "$(calls open "$E/state.json" wt write '{"a":2}' fsync run "wc -l < $E/stream" close | grep -v ^run)"
    is '2 {"a":2}' "$(count "$E") $(state)"
}

@test "closing two copies of a descriptor records one event" {
    created contact_1 '{"a":1}'
    is $'open ok\nwrite ok\ndup-close ok\nclose ok' "$(calls open "$E/state.json" wt write '{"a":2}' dup-close close)"
    is 2 "$(count "$E")"
}

@test "a document may come in many writes" {
    created contact_1 '{"a":1}'
    is ok "$(calls -q open "$E/state.json" wt write '{"a"' write ':2' write '}' close)"
    printf '{"a":3}' | dd of="$E/state.json" bs=1 status=none
    is '3 {"a":3}' "$(count "$E") $(state)"
}

@test "echo to state.json in bash is one event and no refusal" {
    created contact_1 '{"a":1}'
    echo '{"a":2}' > "$E/state.json"
    is '2 {"a":2} 0' "$(count "$E") $(state) $(refusals)"
}

@test "opening state.json for writing and closing it, without a write, changes nothing" {
    created contact_1 '{"a":1}'
    is ok "$(calls -q open "$E/state.json" w close open "$E/state.json" + close)"
    touch "$E/state.json"
    is '1 {"a":1} 0' "$(count "$E") $(state) $(refusals)"
}

@test "chmod, chown, touch and truncate of state.json answer 0 and change nothing" {
    created contact_1 '{"a":1}'
    local before
    before=$(stat -c '%a %u %g %s %.Y %.Z' "$E/state.json")
    is ok "$(calls -q chmod "$E/state.json" 600 chown "$E/state.json" "$(id -u)" "$(id -g)" touch "$E/state.json" truncate "$E/state.json" 0)"
    is "$before" "$(stat -c '%a %u %g %s %.Y %.Z' "$E/state.json")"
    is '1 {"a":1}' "$(count "$E") $(state)"
}

# ---- atomic saves

@test "jq to a temporary file and mv is one Updated event" {
    created contact_1 '{"a":1,"s":"x"}'
    jq '.a = 2' "$E/state.json" > "$E/state.json.tmp"
    mv "$E/state.json.tmp" "$E/state.json"
    is '{"a":{"before":1,"after":2}}' "$(last_data)"
    [[ ! -e $E/state.json.tmp ]]
}

@test "a refused document fails at the rename with EINVAL" {
    created contact_1 '{"a":1}'
    echo '[1]' > "$E/state.json.tmp"
    is EINVAL "$(calls -q rename "$E/state.json.tmp" "$E/state.json")"
    is '1 {"a":1}' "$(count "$E") $(state)"
}

@test "sed -i is one Updated event" {
    created contact_1 '{"stage":"Lead"}'
    sed -i 's/Lead/Qualified/' "$E/state.json"
    is '2 {"stage":"Qualified"}' "$(count "$E") $(state)"
    is "append asof events rollback state.json stream" "$(ls "$E" | xargs)"
}

@test "sed -i with a suffix keeps a copy under the other name" {
    created contact_1 '{"stage":"Lead"}'
    sed -i.bak 's/Lead/Qualified/' "$E/state.json"
    is '2 {"stage":"Qualified"} {"stage":"Lead"}' "$(count "$E") $(state) $(state "$E/state.json.bak")"
}

@test "perl -i with a suffix keeps a copy under the other name" {
    needs perl
    created contact_1 '{"stage":"Lead"}'
    perl -i.orig -pe 's/Lead/Qualified/' "$E/state.json"
    is '2 {"stage":"Qualified"} {"stage":"Lead"}' "$(count "$E") $(state) $(state "$E/state.json.orig")"
}

@test "cp -b keeps a copy under the other name" {
    created contact_1 '{"stage":"Lead"}'
    echo '{"stage":"Qualified"}' > "$BATS_TEST_TMPDIR/new"
    cp -b "$BATS_TEST_TMPDIR/new" "$E/state.json"
    is '2 {"stage":"Qualified"} {"stage":"Lead"}' "$(count "$E") $(state) $(state "$E/state.json~")"
}

@test "an editor that writes a probe, a swap file, a backup and a new file is one Updated event" {
    created contact_1 '{"stage":"Lead"}'
    local new
    new=$(sed 's/Lead/Qualified/' "$E/state.json")
    is ok "$(calls -q open "$E/4913" wcx close unlink "$E/4913")"
    is ok "$(calls -q open "$E/.state.json.swp" +cx write swap fsync \
        slot 1 open "$E/.state.json.new" wcx write "$new" fsync close \
        rename "$E/.state.json.new" "$E/state.json" \
        slot 0 close unlink "$E/.state.json.swp")"
    is '2 {"stage":"Qualified"}' "$(count "$E") $(state)"
}

@test "cp of a past state onto the state is a rollback" {
    created contact_1 '{"stage":"Lead","n":1}'
    happened Contact.Qualified '{"stage":"Qualified","m":2}'
    cp "$E/asof/v1/state.json" "$E/state.json"
    is '3 {"stage":"Lead","n":1}' "$(count "$E") $(state)"
}

@test "python that replaces the file through os.replace is one Updated event" {
    created contact_1 '{"n":1}'
    python3 - "$E" <<'END'
import json, os, sys
os.chdir(sys.argv[1])
with open("state.json") as f:
    state = json.load(f)
state["n"] = 2
with open("state.json.new", "w") as f:
    json.dump(state, f)
    f.flush()
    os.fsync(f.fileno())
os.replace("state.json.new", "state.json")
END
    is '2 {"n":2}' "$(count "$E") $(state)"
}

# ---- the guard

@test "a state that changed since the file was opened fails with ESTALE" {
    created contact_1 '{"a":1,"b":1}'
    is $'open ok\nslot ok\nopen ok\nwrite ok\nclose ok\nslot ok\nwrite ok\nclose ESTALE' "$(calls open "$E/state.json" wt \
        slot 1 open "$E/append" w write '{"type":"Contact.Updated","data":{"b":2}}' close slot 0 write '{"a":2,"b":1}' close)"
    is '2 {"a":1,"b":2}' "$(count "$E") $(state)"
}

@test "a state that changed since the temporary file was made fails with ESTALE at the rename" {
    created contact_1 '{"a":1,"b":1}'
    echo '{"a":2,"b":1}' > "$E/state.json.tmp"
    happened Contact.Updated '{"b":2}'
    is ESTALE "$(calls -q rename "$E/state.json.tmp" "$E/state.json")"
    is '2 {"a":1,"b":2}' "$(count "$E") $(state)"
}

@test "a temporary file that is opened for writing again takes the state of then as its guard" {
    created contact_1 '{"a":1,"b":1}'
    echo '{"a":2,"b":1}' > "$E/state.json.tmp"
    happened Contact.Updated '{"b":2}'
    echo '{"a":2,"b":2}' > "$E/state.json.tmp"
    is ok "$(calls -q rename "$E/state.json.tmp" "$E/state.json")"
    is '3 {"a":2,"b":2}' "$(count "$E") $(state)"
}

@test "of two programs that opened the same state one wins and the other fails with ESTALE" {
    created contact_1 '{"a":1}'
    is "close ok close ESTALE" "$(calls open "$E/state.json" wt slot 1 open "$E/state.json" wt write '{"a":2}' close slot 0 write '{"a":3}' close | grep close | xargs)"
    is '{"a":2}' "$(state)"
}

@test "an event of another entity does not disturb the guard" {
    created contact_2
    created contact_1 '{"a":1}'
    is ok "$(calls -q open "$E/state.json" wt slot 1 open "$T/contact_2/append" w write '{"type":"Contact.Qualified"}' close slot 0 write '{"a":2}' close)"
    is '{"a":2}' "$(state)"
}

# ---- it stays

@test "unlink of state.json fails with EPERM and rm says so" {
    created contact_1 '{"a":1}'
    is EPERM "$(calls -q unlink "$E/state.json")"
    run ! rm -f "$E/state.json"
    is '1 {"a":1}' "$(count "$E") $(state)"
}

@test "state.json renamed or linked to a scratch name is copied there and stays in place" {
    created contact_1 '{"a":1}'
    is ok "$(calls -q rename "$E/state.json" "$E/state.json.bak")"
    is ok "$(calls -q link "$E/state.json" "$E/state.json~")"
    same "$E/state.json" "$E/state.json.bak"
    same "$E/state.json" "$E/state.json~"
    happened Contact.Updated '{"a":2}'
    is '{"a":1} {"a":1} {"a":2}' "$(state "$E/state.json.bak") $(state "$E/state.json~") $(state)"
}

@test "two quick changes of equal size have different times in nanoseconds" {
    created contact_1 '{"a":1}'
    local before
    before=$(stat -c '%.9Y %s' "$E/state.json")
    happened Contact.Updated '{"a":2}'
    [[ $before != $(stat -c '%.9Y %s' "$E/state.json") ]]
}

# ---- rollback

@test "a version written to rollback appends the Updated event that restores it" {
    created contact_1 '{"stage":"Lead","n":1}'
    happened Contact.Qualified '{"stage":"Qualified","m":2}'
    echo v1 > "$E/rollback"
    is '3 {"stage":"Lead","n":1}' "$(count "$E") $(state)"
    is Contact.Updated "$(member type "$(last "$E")")"
    is '{"m":{"before":2},"stage":{"after":"Lead","before":"Qualified"}}' "$(jq -cS . <<< "$(last_data)")"
}

@test "a rollback to a moment says so in its metadata" {
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":2}'
    local moment
    moment=$(member timestamp "$(event "$E" 1)")
    echo "$moment" > "$E/rollback"
    is '{"rollbackTo":"'"$moment"'"}' "$(jq -c .metadata <<< "$(last "$E")")"
    is '{"n":1}' "$(state)"
}

@test "a rollback to an event's id restores the state just after it" {
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":2}'
    happened Contact.Updated '{"n":3}'
    member id "$(event "$E" 2)" > "$E/rollback"
    is '{"n":2}' "$(state)"
}

@test "rollback works without a newline, at close" {
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":2}'
    is ok "$(put "$E/rollback" v1)"
    is '{"n":1}' "$(state)"
}

@test "a rollback to an equal state adds nothing" {
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":2}'
    happened Contact.Updated '{"n":1}'
    is ok "$(put "$E/rollback" $'v1\n')"
    is "3 0" "$(count "$E") $(refusals)"
}

@test "a rollback after Deleted is a Created event with the state as data" {
    created contact_1 '{"n":1.10,"s":"a -> b"}'
    happened Contact.Deleted
    echo v1 > "$E/rollback"
    is Contact.Created "$(member type "$(last "$E")")"
    is '{"n":1.10,"s":"a -> b"}' "$(last_data)"
    is '{"n":1.10,"s":"a -> b"}' "$(state)"
}

@test "a rollback restores numbers and strings as they were written" {
    created contact_1 '{"big":12345678901234567890,"n":1.10,"s":"\u00e9"}'
    happened Contact.Updated '{"big":1,"n":2,"s":"e"}'
    echo v1 > "$E/rollback"
    is '{"big":12345678901234567890,"n":1.10,"s":"\u00e9"}' "$(state)"
}

@test "a rollback to what never was fails with ENOENT and adds nothing" {
    created contact_1 '{"n":1}'
    local when
    for when in v9 2001-01-01 2999-01-01 evt_never; do
        is "ENOENT $when" "$(put "$E/rollback" "$when"$'\n') $when"
    done
    is "1 4" "$(count "$E") $(refusals)"
    is contact_1/rollback "$(member path "$(tail -n 1 "$T/rejected")")"
}

@test "a rollback to no moment at all is refused and adds nothing" {
    created contact_1 '{"n":1}'
    local when
    for when in yesterday v0 v01 '{}' 'v1 v2'; do
        is_one_of "EINVAL ENOENT" "$(put "$E/rollback" "$when"$'\n')"
    done
    is 1 "$(count "$E")"
}

@test "a rollback of a reserved entity fails with ENOENT" {
    mkdir "$T/contact_1"
    is ENOENT "$(put "$T/contact_1/rollback" $'v1\n')"
    is 0 "$(count "$T")"
}

@test "cat rollback is empty" {
    created contact_1
    is "" "$(cat "$E/rollback")"
}
