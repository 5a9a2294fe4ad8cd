# What is refused, with which errno, in which order of judgement; and what `rejected` says about it.
load helpers

# A text of so many letters.
letters() {
    head -c "$1" /dev/zero | tr '\0' "${2:-x}"
}

# ---- EINVAL: not JSON

@test "what is not JSON fails with EINVAL" {
    local text
    for text in '{"type":}' '{type:"was_a"}' "{'type':'was_a'}" '{"type":"was_a",}' '{"type":"was_a","target":"order_1","data":{"n":NaN}}' \
        '{"type":"was_a","target":"order_1","data":{"n":01}}' '{"type":"was_a","target":"order_1","data":{"n":1.}}' '{"type":"was_a","target":"order_1","data":{"n":+1}}' \
        '{"type":"was_a","target":"order_1"} // why' '{"type":"was_a","target":"order_1","data":{"s":"\x41"}}' \
        '{"type":"was_a","target":"order_1","data":{"s":"\u00g0"}}' $'{"type":"was_a","target":"order_1","data":{"s":"a\tb"}}' \
        '[{"type":"was_a","target":"order_1"},]' '}' ',{"type":"was_a","target":"order_1"}'; do
        is "EINVAL $text" "$(put "$T/append" "$text") $text"
    done
    is 0 "$(count "$T")"
}

@test "a value that is neither an object nor an array fails with EINVAL" {
    local text
    for text in 42 '"was_a"' true null '[1]' '[[{"type":"was_a","target":"order_1"}]]' '[null]' '["was_a"]'; do
        is "EINVAL $text" "$(put "$T/append" "$text ") $text"
    done
    is 0 "$(count "$T")"
}

@test "a byte order mark fails with EINVAL" {
    is EINVAL "$(put "$T/append" $'\xef\xbb\xbf{"type":"was_a","target":"order_1"}')"
    is 0 "$(count "$T")"
}

@test "what is not UTF-8 fails with EINVAL" {
    local bad
    for bad in $'\xff' $'\xc3(' $'\xc0\xaf' $'\xed\xa0\x80' $'\xf4\x90\x80\x80' $'\xe2\x82'; do
        is EINVAL "$(put "$T/append" '{"type":"was_a","target":"order_1","data":{"s":"'"$bad"'"}}')"
    done
    is 0 "$(count "$T")"
}

@test "a key given twice fails with EINVAL naming it, at any level and in any spelling" {
    refused EINVAL '"type"' '{"type":"was_a","type":"was_a","target":"order_1"}'
    refused EINVAL stage '{"type":"was_a","target":"order_1","data":{"stage":1,"stage":1}}'
    refused EINVAL deep '{"type":"was_a","target":"order_1","data":{"l":[{"x":{"deep":1,"deep":2}}]}}'
    refused EINVAL '' '{"type":"was_a","target":"order_1","data":{"a":1,"\u0061":2}}'
    refused EINVAL cause '{"type":"was_a","target":"order_1","metadata":{"cause":1,"cause":2}}'
}

@test "nesting goes to a depth of 1,000 and not beyond" {
    local data
    data="$(letters 990 '[')$(letters 990 ']')"
    is ok "$(put "$T/append" '{"type":"was_a","target":"order_1","data":{"d":'"$data"'}}')"
    is EINVAL "$(put "$T/append" '{"type":"was_a","target":"order_1","data":{"d":['"$(letters 12 '[')$data$(letters 12 ']')"']}}')"
    is 1 "$(count "$T")"
}

# ---- EINVAL: members

@test "an unknown member fails with EINVAL naming it" {
    refused EINVAL dta '{"type":"was_a","target":"order_1","dta":{}}'
}

@test "an event without a type, or with one that is no text, fails with EINVAL" {
    refused EINVAL type '{"target":"order_1"}'
    refused EINVAL type '{"type":7,"target":"order_1"}'
    refused EINVAL type '{"type":null,"target":"order_1"}'
}

@test "a type that is neither Noun.Verb nor snake_case fails with EINVAL" {
    local type
    for type in '' 'Order.' '.Placed' 'Order.Placed.Twice' 'Order Placed' 'Order.Pla/ced' 'was-placed' '_placed' '7.Placed' 'Ørder.Placed' ' was_placed'; do
        is "EINVAL $type" "$(put "$T/append" '{"type":"'"$type"'","target":"order_1"}') $type"
    done
    is 0 "$(count "$T")"
}

@test "a type has up to 200 bytes" {
    is ok "$(put "$T/append" '{"type":"was_'"$(letters 196)"'","target":"order_1"}')"
    refused EINVAL type '{"type":"was_'"$(letters 197)"'","target":"order_1"}'
}

@test "a noun that does not fit the entity fails with EINVAL naming both" {
    created contact_1
    refused EINVAL deal '{"type":"Deal.Closed","target":"contact_1"}'
    refused EINVAL contact '{"type":"order.was_placed","target":"contact_1"}'
}

@test "the tenant's append without a target fails with EINVAL" {
    refused EINVAL target '{"type":"was_a"}'
    refused EINVAL target '{"type":"was_a","target":7}'
}

@test "a target that is no entity id fails with EINVAL" {
    local target
    for target in '' order _1 order_ 1order_1 order_-1 order_a/b ../order_1 'order_a b' order_ä "order_$(letters 195)"; do
        is "EINVAL $target" "$(put "$T/append" '{"type":"was_a","target":"'"$target"'"}') $target"
    done
    is ok "$(put "$T/append" '{"type":"was_a","target":"order_'"$(letters 194)"'"}')"
    is ok "$(put "$T/append" '{"type":"was_a","target":"Order9_0.a_b:c-d"}')"
    is 2 "$(count "$T")"
}

@test "a target that is not the entity of the path fails with EINVAL, the entity itself is taken" {
    created contact_1
    is EINVAL "$(put "$E/append" '{"type":"Contact.Qualified","target":"contact_2"}')"
    is ok "$(put "$E/append" '{"type":"Contact.Qualified","target":"contact_1"}')"
    [[ ! -e $T/contact_2 ]]
}

@test "data and metadata that are no objects fail with EINVAL" {
    local value
    for value in 1 '"a"' '[]' null true; do
        refused EINVAL data '{"type":"was_a","target":"order_1","data":'"$value"'}'
        refused EINVAL metadata '{"type":"was_a","target":"order_1","metadata":'"$value"'}'
    done
}

@test "a timestamp fails with EINVAL" {
    refused EINVAL timestamp '{"type":"was_a","target":"order_1","timestamp":"2026-01-16T09:30:00Z"}'
}

@test "the own tenant is taken, another one fails with EINVAL" {
    is ok "$(put "$T/append" '{"type":"was_a","target":"order_1","tenant":"'"$TENANT"'"}')"
    refused EINVAL tenant '{"type":"was_a","target":"order_1","tenant":"other"}'
}

@test "a version that is no whole number above 0 fails with EINVAL" {
    local version
    for version in 0 -1 1.5 '"1"' null 1e400 '[1]'; do
        refused EINVAL version '{"type":"was_a","target":"order_1","version":'"$version"'}'
    done
}

@test "a previous_length that is no whole number fails with EINVAL" {
    local length
    for length in -1 1.5 '"0"' null; do
        refused EINVAL previous_length '{"type":"was_a","target":"order_1","metadata":{"previous_length":'"$length"'}}'
    done
}

@test "an actor is printable text of 1 to 200 bytes without a slash" {
    local actor
    for actor in '""' '"a/b"' '"a\nb"' '"\u0000"' '"\u007f"' "\"$(letters 201)\"" 7 null '{"type":"user","id":"1"}'; do
        refused EINVAL actor '{"type":"was_a","target":"order_1","actor":'"$actor"'}'
    done
    is ok "$(put "$T/append" '{"type":"was_a","target":"order_1","actor":"'"$(letters 200)"'"}')"
    is ok "$(put "$T/append" '{"type":"was_a","target":"order_1","actor":"Søren K. <s@example.org>"}')"
}

@test "an actor that disagrees with metadata.actor fails with EINVAL" {
    refused EINVAL actor '{"type":"was_a","target":"order_1","actor":"user_1","metadata":{"actor":{"type":"user","id":"2"}}}'
    is ok "$(put "$T/append" '{"type":"was_a","target":"order_1","actor":"user_2","metadata":{"actor":{"type":"user","id":"2"}}}')"
}

@test "an id is evt_ and 1 to 64 letters, digits, dashes and underscores" {
    local id
    for id in '""' '"evt_"' '"1"' '"evt_a.b"' '"evt_a b"' '"EVT_1"' "\"evt_$(letters 65)\"" 7 null; do
        refused EINVAL id '{"id":'"$id"',"type":"was_a","target":"order_1"}'
    done
    is ok "$(put "$T/append" '{"id":"evt_'"$(letters 64)"'","type":"was_a","target":"order_1"}')"
    is ok "$(put "$T/append" '{"id":"evt_-_9","type":"was_a","target":"order_1"}')"
    is "evt_$(letters 64) evt_-_9" "$(jq -r .id "$T/stream" | xargs)"
}

@test "a member of data that begins with a dollar sign fails with EINVAL naming it" {
    refused EINVAL '$version' '{"type":"was_a","target":"order_1","data":{"$version":1}}'
    refused EINVAL '' '{"type":"was_a","target":"order_1","data":{"\u0024x":1}}'
    is ok "$(put "$T/append" '{"type":"was_a","target":"order_1","data":{"a$":1,"deep":{"$x":1}}}')"
}

# ---- ESTALE, EEXIST, ENOENT

@test "a version, a previous_length, a before and an arrow that do not hold fail with ESTALE" {
    created contact_1 '{"stage":"Lead"}'
    refused ESTALE '' '{"type":"Contact.Qualified","target":"contact_1","version":3}'
    refused ESTALE '' '{"type":"Contact.Qualified","target":"contact_1","metadata":{"previous_length":2}}'
    refused ESTALE stage '{"type":"Contact.Qualified","target":"contact_1","data":{"stage":{"before":"New","after":"Qualified"}}}'
    refused ESTALE stage '{"type":"Contact.Qualified","target":"contact_1","data":{"stage":"New -> Qualified"}}'
}

@test "an id known with the same content is a success that adds nothing, white space aside" {
    local event='{"id":"evt_1","type":"was_a","target":"order_1","actor":"user_1","data":{"n":1,"l":["a b"]},"metadata":{"k":"v"}}'
    record "$event" "$event" '{ "id" : "evt_1", "metadata":{ "k":"v" }, "data":{ "n": 1, "l": [ "a b" ] }, "actor":"user_1", "target":"order_1", "type":"was_a"}'
    is "1 0" "$(count "$T") $(refusals)"
}

@test "an id known with another type, target, data, metadata or actor fails with EEXIST" {
    record '{"id":"evt_1","type":"was_a","target":"order_1","actor":"user_1","data":{"s":"a b"},"metadata":{"k":"v"}}'
    refused EEXIST evt_1 '{"id":"evt_1","type":"was_b","target":"order_1","actor":"user_1","data":{"s":"a b"},"metadata":{"k":"v"}}'
    refused EEXIST evt_1 '{"id":"evt_1","type":"was_a","target":"order_2","actor":"user_1","data":{"s":"a b"},"metadata":{"k":"v"}}'
    refused EEXIST evt_1 '{"id":"evt_1","type":"was_a","target":"order_1","actor":"user_1","data":{"s":"ab"},"metadata":{"k":"v"}}'
    refused EEXIST evt_1 '{"id":"evt_1","type":"was_a","target":"order_1","actor":"user_1","data":{"s":"a b"}}'
    refused EEXIST evt_1 '{"id":"evt_1","type":"was_a","target":"order_1","actor":"user_2","data":{"s":"a b"},"metadata":{"k":"v"}}'
}

@test "an id twice in one batch adds one event" {
    record '[{"id":"evt_1","type":"was_a","target":"order_1"},{"id":"evt_1","type":"was_a","target":"order_1"}]'
    is 1 "$(count "$T")"
    is EEXIST "$(put "$T/append" '[{"id":"evt_2","type":"was_a","target":"order_1"},{"id":"evt_2","type":"was_b","target":"order_1"}]')"
    is 1 "$(count "$T")"
}

@test "a PascalCase event that is known already is known after others, though its pairs were made from plain values" {
    created contact_1 '{"stage":"Lead"}'
    local event='{"id":"evt_1","type":"Contact.Qualified","target":"contact_1","data":{"stage":"Qualified"}}'
    record "$event"
    happened Contact.Updated '{"stage":"Customer"}'
    record "$event"
    is 3 "$(count "$T")"
}

@test "the guards of a known event are not judged again" {
    created contact_1 '{"stage":"Lead"}'
    local event='{"id":"evt_1","type":"Contact.Qualified","target":"contact_1","version":2,"data":{"stage":{"before":"Lead","after":"Qualified"}}}'
    record "$event" "$event"
    is "2 0" "$(count "$T") $(refusals)"
}

@test "the id of a recorded event, given anew, is known like any other" {
    created contact_1
    local id
    id=$(member id "$(last "$E")")
    is EEXIST "$(put "$T/append" '{"id":"'"$id"'","type":"was_a","target":"order_1"}')"
    is ok "$(put "$T/append" '{"id":"'"$id"'","type":"Contact.Created","target":"contact_1"}')"
    is 1 "$(count "$T")"
}

@test "Created of what exists fails with EEXIST" {
    created contact_1
    refused EEXIST contact_1 '{"type":"Contact.Created","target":"contact_1"}'
    refused EEXIST contact_1 '{"type":"contact.created","target":"contact_1"}'
}

@test "Updated, Deleted and RolledBack of nothing fail with ENOENT" {
    refused ENOENT contact_1 '{"type":"Contact.Updated","target":"contact_1"}'
    refused ENOENT contact_1 '{"type":"Contact.Deleted","target":"contact_1"}'
    refused ENOENT contact_1 '{"type":"Contact.RolledBack","target":"contact_1"}'
    [[ ! -e $T/contact_1 ]]
}

@test "an entity may begin with any other verb" {
    record '{"type":"Deal.Closed","target":"deal_1","data":{"value":1}}' '{"type":"was_placed","target":"order_1"}'
    E=$T/deal_1
    is '{"value":1}' "$(state)"
}

@test "after Deleted only Created is taken" {
    created contact_1 '{"a":1}'
    happened Contact.Deleted
    refused ENOENT contact_1 '{"type":"Contact.Updated","target":"contact_1","data":{"a":2}}'
    refused ENOENT contact_1 '{"type":"Contact.Qualified","target":"contact_1"}'
    refused ENOENT contact_1 '{"type":"Contact.Deleted","target":"contact_1"}'
    refused ENOENT contact_1 '{"type":"was_called","target":"contact_1"}'
    record '{"type":"Contact.Created","target":"contact_1","data":{"b":1}}'
    is '3 {"b":1}' "$(member version "$(last "$E")") $(state)"
}

@test "RolledBack is an ordinary verb of what exists" {
    created contact_1 '{"a":1}'
    happened Contact.RolledBack '{"a":2}'
    is '{"a":2}' "$(state)"
}

# ---- the order of judgement

@test "form is judged before a known id" {
    record '{"id":"evt_1","type":"was_a","target":"order_1"}'
    refused EINVAL x '{"id":"evt_1","type":"was_a","target":"order_1","x":1}'
}

@test "a known id is judged before existence" {
    created contact_1
    record '{"id":"evt_1","type":"Contact.Deleted","target":"contact_1"}' '{"id":"evt_1","type":"Contact.Deleted","target":"contact_1"}'
    refused EEXIST evt_1 '{"id":"evt_1","type":"Contact.Updated","target":"contact_2"}'
    is 2 "$(count "$T")"
}

@test "existence is judged before the version" {
    refused ENOENT contact_1 '{"type":"Contact.Updated","target":"contact_1","version":7}'
    created contact_1
    refused EEXIST contact_1 '{"type":"Contact.Created","target":"contact_1","version":7}'
}

@test "form is judged before existence" {
    refused EINVAL x '{"type":"Contact.Updated","target":"contact_1","x":1}'
}

@test "of several wrong values in a batch the first one's error is the answer" {
    created contact_1
    local stale='{"type":"Contact.Qualified","target":"contact_1","version":9}' form='{"type":"was_a","target":"order_1","x":1}' missing='{"type":"Contact.Updated","target":"contact_2"}'
    refused ESTALE '' "[$stale,$form,$missing]"
    refused EINVAL x "[$form,$stale,$missing]"
    refused ENOENT contact_2 "$missing $form $stale"
}

# ---- rejected

@test "a refused write is a line in rejected with time, uid, pid, path, errno, reason, line and input" {
    created contact_1
    local line before after
    before=$(date -u +%FT%T)
    is ESTALE "$(put "$E/append" '{"type":"Contact.Qualified","version":9}')"
    after=$(date -u +%FT%TZ)
    line=$(cat "$T/rejected")
    is '["time","uid","pid","path","errno","reason","line","input"]' "$(jq -c keys_unsorted <<< "$line")"
    is "$(id -u) contact_1/append ESTALE 1" "$(jq -r '"\(.uid) \(.path) \(.errno) \(.line)"' <<< "$line")"
    is '{"type":"Contact.Qualified","version":9}' "$(member input "$line")"
    is number "$(jq -r '.pid|type' <<< "$line")"
    [[ ! $(member time "$line") < $before && ! $(member time "$line") > $after ]] || is "between $before and $after" "$line"
}

@test "rejected names the writing process" {
    mkdir "$T/order_1"
    (
        echo "$BASHPID" > "$BATS_TEST_TMPDIR/pid"
        echo '{"type":""}' > "$T/order_1/append"
    ) || true
    is "$(cat "$BATS_TEST_TMPDIR/pid")" "$(member pid "$(cat "$T/rejected")")"
}

@test "rejected is empty at first and a success adds nothing to it" {
    created contact_1
    is "0 0" "$(stat -c %s "$T/rejected") $(refusals)"
}

@test "bad bytes of refused input are shown as U+FFFD" {
    put "$T/append" $'{"type":"was_\xff"}'
    holds $'was_\xef\xbf\xbd' "$(member input "$(cat "$T/rejected")")"
}

@test "refused input is cut at 4 KiB" {
    put "$T/append" '{"type":"was_a","target":"order_1","x":"'"$(letters 9000)"'"}'
    local size
    size=$(jq '.input|utf8bytelength' "$T/rejected")
    ((size > 4000 && size <= 4096)) || is "about 4096" "$size"
}

@test "rejected only grows, a line a refusal, in their order" {
    local i
    for i in 1 2 3; do
        put "$T/append" '{"type":"was_a","target":"order_1","x'$i'":1}' > /dev/null
        is $i "$(refusals)"
    done
    is "$(stat -c %s "$T/rejected")" "$(wc -c < "$T/rejected")"
    holds x1 "$(sed -n 1p "$T/rejected")"
    holds x3 "$(sed -n 3p "$T/rejected")"
}
