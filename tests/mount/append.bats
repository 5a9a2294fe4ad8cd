# Events written to `append`: the forms they may have, how writes cut them, receipts, limits, what close(2) says.
load helpers

# wide_event N SIZE: an event with a number and a text of this many bytes.
wide_event() {
    printf '{"type":"was_noted","target":"note_1","data":{"n":%d,"text":"%s"}}' "$1" "$(head -c "$2" /dev/zero | tr '\0' x)"
}

# ---- forms

@test "echo to an entity's append records one event" {
    mkdir "$T/contact_1"
    echo '{"type":"Contact.Created","data":{"stage":"Lead"}}' > "$T/contact_1/append"
    is '{"id":"ID","type":"Contact.Created","target":"contact_1","actor":"'"$ME"'","timestamp":"WHEN","data":{"stage":"Lead"},"tenant":"'"$TENANT"'","version":1}' \
        "$(masked < "$T/contact_1/stream")"
}

@test "the tenant's append takes an event for any entity, which need not be there" {
    record '{"type":"Contact.Created","target":"contact_1","data":{"a":1}}' '{"type":"was_placed","target":"order_550e8400-e29b-41d4-a716-446655440000"}'
    is "1 1" "$(count "$T/contact_1") $(count "$T/order_550e8400-e29b-41d4-a716-446655440000")"
}

@test "data defaults to an empty object and the actor to the user's login" {
    created contact_1
    is '"data":{}' "$(grep -o '"data":[^,]*' "$E/stream")"
    is "$ME" "$(member actor "$(last "$E")")"
}

@test "actor and metadata are kept, metadata last and without white space" {
    record '{"metadata": { "reason" : "a b",  "n": 1.10 }, "type":"Contact.Created", "actor":"agent_mR4nVkTw", "target":"contact_1"}'
    is '{"id":"ID","type":"Contact.Created","target":"contact_1","actor":"agent_mR4nVkTw","timestamp":"WHEN","data":{},"tenant":"'"$TENANT"'","version":1,"metadata":{"reason":"a b","n":1.10}}' \
        "$(last "$T" | masked)"
}

@test "an actor in metadata is kept there and read as type_id" {
    record '{"type":"was_placed","target":"order_1","metadata":{"actor":{"type":"customer","id":"7"}}}'
    is customer_7 "$(member actor "$(last "$T")")"
    holds '"metadata":{"actor":{"type":"customer","id":"7"}}}' "$(last "$T")"
}

@test "many lines of one write are recorded in their order" {
    created contact_1 '{"n":0}'
    printf '%s\n' '{"type":"Contact.Updated","data":{"n":1}}' '{"type":"Contact.Qualified","data":{"n":2}}' '{"type":"was_called","data":{"n":3}}' > "$E/append"
    is "Contact.Created 1 Contact.Updated 2 Contact.Qualified 3 was_called 4 " "$(jq -r '"\(.type) \(.version)"' "$E/stream" | tr '\n' ' ')"
}

@test "a pretty-printed event is one event" {
    mkdir "$T/contact_1"
    jq . <<< '{"type":"Contact.Created","data":{"stage":"Lead","tags":["a","b c"]}}' > "$T/contact_1/append"
    E=$T/contact_1
    is '{"stage":"Lead","tags":["a","b c"]}' "$(last_data)"
}

@test "values need no white space between them" {
    record '{"type":"was_a","target":"order_1"}{"type":"was_b","target":"order_1"}[{"type":"was_c","target":"order_1"}]'
    is "was_a was_b was_c" "$(jq -r .type "$T/stream" | xargs)"
}

@test "an array is a batch whose events see each other" {
    record '[{"type":"Contact.Created","target":"contact_1","data":{"a":1}},{"type":"Contact.Updated","target":"contact_1","version":2,"data":{"a":{"before":1,"after":2}}}]'
    E=$T/contact_1
    is '{"a":2}' "$(state)"
}

@test "an array with one wrong event adds nothing" {
    created contact_1 '{"a":1}'
    is ESTALE "$(put "$T/append" '[{"type":"Contact.Updated","target":"contact_1","data":{"a":2}},{"type":"was_placed","target":"order_1"},{"type":"Contact.Updated","target":"contact_1","version":2,"data":{"a":3}}]')"
    is 1 "$(count "$T")"
    [[ ! -e $T/order_1 ]]
}

@test "lines of one write commit together or not at all" {
    created contact_1 '{"a":1}'
    is ESTALE "$(put "$T/append" $'{"type":"was_placed","target":"order_1"}\n{"type":"Contact.Updated","target":"contact_1","version":7}\n')"
    is 1 "$(count "$T")"
}

@test "an empty array, white space and nothing are a success that adds nothing" {
    is ok "$(put "$T/append" '[]')"
    is ok "$(put "$T/append" $' \n\t\r\n')"
    is ok "$(put "$T/append")"
    is 0 "$(count "$T")"
    is 0 "$(refusals)"
}

@test "positions of a tenant and versions of an entity have no gaps" {
    is ok "$(put "$T/append" '[{"type":"was_a","target":"order_1"},{"type":"was_a","target":"order_2"},{"type":"was_b","target":"order_1"}]')"
    is ESTALE "$(put "$T/append" '{"type":"was_x","target":"order_1","version":9}')"
    is ok "$(put "$T/append" '{"type":"was_c","target":"order_1"}')"
    is "1 1 2 3" "$(jq -r .version "$T/stream" | xargs)"
    local said
    said=$(calls open "$T/append" + write '{"type":"was_d","target":"order_2"}' read 4096 close)
    holds '"position":5}' "$said"
}

# ---- the ways of programs

@test "greater-than, two of them, tee and tee -a make no difference" {
    created contact_1
    local event='{"type":"Contact.Updated"}'
    echo "$event" > "$E/append"
    echo "$event" >> "$E/append"
    echo "$event" | tee "$E/append" > /dev/null
    echo "$event" | tee -a "$E/append" > /dev/null
    is 5 "$(count "$E")"
}

@test "the offset of a write makes no difference" {
    created contact_1
    is ok "$(calls -q open "$E/append" w pwrite 100000 '{"type":"Contact.Updated"}' pwrite 0 '{"type":"Contact.Updated"}' close)"
    dd of="$E/append" bs=10 seek=1000 conv=notrunc status=none <<< '{"type":"Contact.Updated"}'
    is 4 "$(count "$E")"
}

@test "cat append is empty, and its size stays 0" {
    created contact_1
    is "" "$(cat "$E/append" "$T/append")"
    is "0 0" "$(stat -c %s "$E/append" "$T/append" | xargs)"
}

@test "chmod, chown, touch, truncate and fsync of append answer 0 and change nothing" {
    created contact_1
    local file before
    for file in "$T/append" "$E/append" "$E/rollback"; do
        before=$(stat -c '%a %u %g %s %.Y %.Z' "$file")
        is ok "$(calls -q chmod "$file" 600)"
        is ok "$(calls -q chown "$file" "$(id -u)" "$(id -g)")"
        is ok "$(calls -q touch "$file")"
        is ok "$(calls -q truncate "$file" 0)"
        is ok "$(calls -q open "$file" w fsync ftruncate 5 close)"
        is "$before" "$(stat -c '%a %u %g %s %.Y %.Z' "$file")"
    done
    is 1 "$(count "$T")"
}

@test "the times of append do not move when events come" {
    created contact_1
    local before
    before=$(stat -c '%.Y %.Z' "$T/append" "$E/append" "$E/rollback")
    happened Contact.Updated '{"a":1}'
    is "$before" "$(stat -c '%.Y %.Z' "$T/append" "$E/append" "$E/rollback")"
}

# ---- values that writes cut

@test "a value that two writes hold is completed by the second" {
    is $'open ok\nwrite ok\n0\nwrite ok\n1\nclose ok' "$(calls open "$T/append" w write '{"type":"was_a' run "wc -l < $T/stream" write '","target":"order_1"}'$'\n ' run "wc -l < $T/stream" close | grep -v '^run')"
}

@test "events complete at the end of a write are recorded before it returns, with or without a newline" {
    is $'1\n2' "$(calls open "$T/append" w write '{"type":"was_a","target":"order_1"}' run "wc -l < $T/stream" write $'{"type":"was_b","target":"order_1"}\n' run "wc -l < $T/stream" | grep -v ' ')"
}

@test "a write that ends in the middle of the second event records the first at once" {
    is $'1\n2' "$(calls open "$T/append" w write '{"type":"was_a","target":"order_1"} {"type":' run "wc -l < $T/stream" write '"was_b","target":"order_1"}' run "wc -l < $T/stream" | grep -v ' ')"
}

@test "an event may come byte by byte, also within a character" {
    mkdir "$T/contact_1"
    printf '{"type":"Contact.Created","data":{"name":"S\xc3\xb6ren \xf0\x9f\x90\xa7"}}' | dd of="$T/contact_1/append" bs=1 status=none
    E=$T/contact_1
    is '{"name":"Sören 🐧"}' "$(last_data)"
}

@test "a value incomplete at close fails with EINVAL, adds nothing and stands in rejected" {
    is EINVAL "$(calls -q open "$T/append" w write '{"type":"was_a","target":"order_1"' close)"
    wait_for in_file "$T/rejected" was_a
    is "0 1" "$(count "$T") $(refusals)"
    is EINVAL "$(member errno "$(cat "$T/rejected")")"
}

@test "half an event by echo -n, whose close bash does not check, stands in rejected" {
    echo -n '{"type":"was_half",' > "$T/append"
    wait_for in_file "$T/rejected" was_half
    is "0 1" "$(count "$T") $(refusals)"
}

@test "text that no continuation makes JSON fails at that write, which adds nothing" {
    is $'open ok\nwrite EINVAL\nclose ok' "$(calls open "$T/append" w write '{"type":"was_a","target":"order_1"} {"type"]' close)"
    is "0 1" "$(count "$T") $(refusals)"
}

@test "after a refused write the next one starts clean" {
    is $'open ok\nwrite EINVAL\nwrite ok\nclose ok' "$(calls open "$T/append" w write '{"type":"was_a"]' write '{"type":"was_b","target":"order_1"}' close)"
    is was_b "$(jq -r .type "$T/stream")"
}

@test "after a refused event the half one behind it is dropped too" {
    is $'open ok\nwrite EINVAL\nwrite ok\nclose ok' "$(calls open "$T/append" w write '{"type":"","target":"order_1"} {"type":' write '{"type":"was_b","target":"order_1"}' close)"
    is was_b "$(jq -r .type "$T/stream")"
}

# ---- close of copies

@test "closing a copy of the descriptor before the first write is a success" {
    is $'open ok\ndup-close ok\nchild-close ok\nwrite ok\nclose ok' "$(calls open "$T/append" w dup-close child-close write '{"type":"was_a","target":"order_1"}' close)"
    is "1 0" "$(count "$T") $(refusals)"
}

@test "closing a copy with half a value pending fails with EINVAL, and what follows may complete it" {
    is $'open ok\nwrite ok\ndup-close EINVAL\nwrite ok\nclose ok' "$(calls open "$T/append" w write '{"type":' dup-close write '"was_a","target":"order_1"}'$'\n' close)"
    is 1 "$(count "$T")"
}

@test "a child that ends with half a value pending leaves it to its parent" {
    is $'open ok\nwrite ok\nchild-close EINVAL\nwrite ok\nclose ok' "$(calls open "$T/append" w write '{"type":' child-close write '"was_a","target":"order_1"}'$'\n' close)"
    is 1 "$(count "$T")"
}

@test "half a value that what follows a close does not complete is dropped, and that is judged alone" {
    is $'open ok\nwrite ok\ndup-close EINVAL\nwrite ok\nclose ok' "$(calls open "$T/append" w write '{"type"' dup-close write '{"type":"was_b","target":"order_1"}' close)"
    is was_b "$(jq -r .type "$T/stream")"
    is "1 EINVAL" "$(refusals) $(member errno "$(cat "$T/rejected")")"
}

@test "two commands of a subshell share a descriptor and both are recorded" {
    ( cat <<< '{"type":"was_a","target":"order_1"}'; cat <<< '{"type":"was_b","target":"order_1"}' ) > "$T/append"
    is "was_a was_b" "$(jq -r .type "$T/stream" | xargs)"
    is 0 "$(refusals)"
}

# ---- receipts

@test "a descriptor for reading and writing gives a receipt for each event" {
    local said
    said=$(calls open "$T/append" + write '[{"type":"was_a","target":"order_1"},{"type":"was_b","target":"order_2"}]{"type":"was_c","target":"order_1"}' read 4096 read 4096 close | grep -v '^write')
    is 'open ok
{"id":"ID","target":"order_1","version":1,"position":1}
{"id":"ID","target":"order_2","version":1,"position":2}
{"id":"ID","target":"order_1","version":2,"position":3}
read end
close ok' "$(masked <<< "$said")"
    is "$(jq -r .id "$T/stream")" "$(grep '^{' <<< "$said" | jq -r .id)"
}

@test "bash reads its receipt from the descriptor it wrote to" {
    local receipt
    exec 7<> "$T/append"
    echo '{"type":"was_a","target":"order_1"}' >&7
    read -r receipt <&7
    exec 7>&-
    is '{"id":"ID","target":"order_1","version":1,"position":1}' "$(masked <<< "$receipt")"
}

@test "a refusal is a receipt with the errno, a reason and the line" {
    local said
    said=$(calls open "$T/append" + write '[{"type":"was_a","target":"order_1"},{"type":"was_b","target":"order_1","version":9}]' read 4096 close | grep '^{')
    is '["error","reason","line"] ESTALE 2' "$(jq -r '"\(keys_unsorted|tojson) \(.error) \(.line)"' <<< "$said")"
    [[ -n $(member reason "$said") ]]
}

@test "an event that is known already has its first receipt" {
    local said
    said=$(calls open "$T/append" + write '{"id":"evt_once","type":"was_a","target":"order_1"}' write '{"type":"was_b","target":"order_1"}' write '{"id":"evt_once","type":"was_a","target":"order_1"}' drain close | grep '^{')
    is "1 2 1" "$(jq -r .position <<< "$said" | xargs)"
    is "$(sed -n 1p <<< "$said")" "$(sed -n 3p <<< "$said")"
}

@test "receipts are read in pieces of any size" {
    local said
    said=$(calls open "$T/append" + write '{"type":"was_a","target":"order_1"}' read 7 read 7 read 4096 read 10 close | grep '^{')
    is order_1 "$(member target "$said")"
}

# ---- guards

@test "the version an event must get is a guard that holds or fails" {
    created contact_1
    is ok "$(put "$E/append" '{"type":"Contact.Qualified","version":2}')"
    is ESTALE "$(put "$E/append" '{"type":"Contact.Qualified","version":2}')"
    is ESTALE "$(put "$E/append" '{"type":"Contact.Qualified","version":4}')"
    is 2 "$(count "$E")"
}

@test "echo to append with a stale version fails with ESTALE and adds nothing" {
    created contact_1
    echo_stale() { echo '{"type":"Contact.Qualified","version":1}' > "$E/append"; }
    run ! echo_stale
    holds "Stale file handle" "$output"
    is 1 "$(count "$E")"
}

@test "version 1 guards against an entity that exists already" {
    is ok "$(put "$T/append" '{"type":"was_placed","target":"order_1","version":1}')"
    is ESTALE "$(put "$T/append" '{"type":"was_placed","target":"order_1","version":1}')"
}

@test "metadata.previous_length is the number of events that must stand before" {
    is ok "$(put "$T/append" '{"type":"was_placed","target":"order_1","metadata":{"previous_length":0}}')"
    is ok "$(put "$T/append" '{"type":"was_paid","target":"order_1","metadata":{"previous_length":1}}')"
    is ESTALE "$(put "$T/append" '{"type":"was_paid","target":"order_1","metadata":{"previous_length":1}}')"
    is 2 "$(count "$T")"
}

@test "of many writers with the same version exactly one wins" {
    created contact_1
    local i answers
    for i in {1..8}; do
        put "$E/append" '{"type":"Contact.Qualified","version":2,"actor":"writer_'"$i"'"}' > "$BATS_TEST_TMPDIR/answer$i" 3>&- &
    done
    wait
    answers=$(sort "$BATS_TEST_TMPDIR"/answer* | uniq -c | xargs)
    is "7 ESTALE 1 ok" "$answers"
    is 2 "$(count "$E")"
}

@test "many writers at once lose nothing and leave no gap" {
    local i
    for i in {1..8}; do
        (
            exec > "$T/append" 3>&-
            for j in {1..25}; do
                echo '{"type":"was_counted","target":"meter_1","data":{"w":'"$i"',"j":'"$j"'}}'
            done
        ) &
    done
    wait
    is "$(seq 200)" "$(jq .version "$T/meter_1/stream")"
    is "$(seq 25)" "$(jq 'select(.data.w==3).data.j' "$T/stream")"
}

# ---- limits

@test "an event of nearly 1 MiB is recorded whole" {
    wide_event 1 1048000 > "$BATS_TEST_TMPDIR/event"
    is ok "$(put_file "$T/append" "$BATS_TEST_TMPDIR/event")"
    is 1048000 "$(jq '.data.text | length' "$T/stream")"
}

@test "an event of more than 1 MiB fails with EMSGSIZE and adds nothing" {
    wide_event 1 1048600 > "$BATS_TEST_TMPDIR/event"
    is EMSGSIZE "$(calls -q open "$T/append" w write-pieces "$BATS_TEST_TMPDIR/event" 65536 close)"
    is 0 "$(count "$T")"
    is EMSGSIZE "$(member errno "$(tail -n 1 "$T/rejected")")"
}

@test "an event far too large by one write(2) fails with EMSGSIZE at the write after the short one" {
    wide_event 1 3000000 > "$BATS_TEST_TMPDIR/event"
    is EMSGSIZE "$(put_file "$T/append" "$BATS_TEST_TMPDIR/event")"
    is 0 "$(count "$T")"
}

@test "a large write(2) of many lines is recorded whole" {
    local i
    for i in {1..300}; do wide_event "$i" 10000; echo; done > "$BATS_TEST_TMPDIR/events"
    is $'open ok\nwrite-file ok\nclose ok' "$(calls open "$T/append" w write-file "$BATS_TEST_TMPDIR/events" close)"
    is "$(seq 300)" "$(jq .data.n "$T/stream")"
}

@test "a large write(2) with a wrong line in a later piece returns short, and the earlier pieces stand" {
    local i said n
    { for i in {1..300}; do wide_event "$i" 10000; echo; done; echo '{"type":"","target":"note_1"}'; } > "$BATS_TEST_TMPDIR/events"
    said=$(calls open "$T/append" w write-file "$BATS_TEST_TMPDIR/events" close | sed -n 's/^write-file //p')
    ((said > 900000 && said < $(stat -c %s "$BATS_TEST_TMPDIR/events"))) || is "a short count" "$said"
    n=$(count "$T")
    ((n >= 90 && n < 300)) || is "some of the events" "$n"
    is "$(seq "$n")" "$(jq .data.n "$T/stream")"
}

@test "an array is atomic however the kernel cuts it" {
    local i
    { echo '['; for i in {1..300}; do wide_event "$i" 10000; echo ,; done; echo '{"type":"was_noted","target":"note_1","version":7}]'; } > "$BATS_TEST_TMPDIR/events"
    # The piece that is refused only makes write(2) short; the writer goes on with the rest and meets what that is.
    is_one_of "ESTALE EINVAL" "$(put_file "$T/append" "$BATS_TEST_TMPDIR/events")"
    is 0 "$(count "$T")"
    is "ESTALE 301" "$(head -n 1 "$T/rejected" | jq -r '"\(.errno) \(.line)"')"
    sed -i 's/,"version":7//' "$BATS_TEST_TMPDIR/events"
    is ok "$(put_file "$T/append" "$BATS_TEST_TMPDIR/events")"
    is 301 "$(count "$T")"
}

@test "an array of 15 MiB is recorded, one of 17 MiB fails with EMSGSIZE and its rest is discarded" {
    local event i
    event=$(wide_event 1 100000)
    { echo '['; for i in {1..156}; do echo "$event,"; done; echo "$event]"; } > "$BATS_TEST_TMPDIR/good"
    { echo '['; for i in {1..177}; do echo "$event,"; done; echo "$event]"; } > "$BATS_TEST_TMPDIR/large"
    is ok "$(put_file "$T/append" "$BATS_TEST_TMPDIR/good")"
    is 157 "$(count "$T")"
    is EMSGSIZE "$(put_file "$T/append" "$BATS_TEST_TMPDIR/large")"
    is 157 "$(count "$T")"
}

@test "what follows an array that was too large, behind its end, is judged alone" {
    local event i steps=()
    event=$(wide_event 1 1000000)
    printf '[%s' "$event" > "$BATS_TEST_TMPDIR/first"
    printf ',%s' "$event" > "$BATS_TEST_TMPDIR/next"
    for i in {1..18}; do steps+=(write-file "$BATS_TEST_TMPDIR/next"); done
    local said
    said=$(calls open "$T/append" w write-file "$BATS_TEST_TMPDIR/first" "${steps[@]}" write ',{"type":"was_a",' write '"target":"order_1"}]' write '{"type":"was_b","target":"order_1"}' close)
    is $'write EMSGSIZE\nwrite EMSGSIZE\nwrite ok\nclose ok' "$(tail -n 4 <<< "$said")"
    is was_b "$(jq -r .type "$T/stream")"
}

@test "line counts events from the start of the write that completed the value, also inside arrays" {
    is ESTALE "$(put "$T/append" '{"type":"was_a",' '"target":"order_1"}[{"type":"was_b","target":"order_1"},{"type":"was_c","target":"order_1","version":9}]')"
    is 3 "$(member line "$(cat "$T/rejected")")"
    is ESTALE "$(put "$T/append" '{"type":"was_a","target":"order_1"}' '{"type":"was_b","target":"order_1","version":9}')"
    is 1 "$(member line "$(tail -n 1 "$T/rejected")")"
}
