# The tenant at a past moment: asof/WHEN/ with every entity that had an event by then. Views, the names that have a slot
# instead of a number, are bounded.
load helpers

# at N: the moment of the N-th event of the tenant.
at() {
    member timestamp "$(event "$T" "$1")"
}

# Two contacts and a deal, one of the contacts deleted; each event at a moment of its own.
history() {
    created contact_1 '{"n":1}'
    created contact_2 '{"n":2}'
    E=$T/contact_1
    happened Contact.Updated '{"n":10}'
    happened Contact.Deleted
    created deal_1
}

@test "asof of a tenant lists nothing, and is listed itself" {
    history
    is "" "$(ls -A "$T/asof")"
    ls "$T" | grep -qx asof
}

@test "a past lists the entities that had an event by then, also those that were deleted then" {
    history
    is "contact_1" "$(ls "$T/asof/$(at 1)" | grep _ | xargs)"
    is "contact_1 contact_2" "$(ls "$T/asof/$(at 4)" | grep _ | xargs)"
    is "contact_1 contact_2 deal_1" "$(ls "$T/asof/$(member id "$(event "$T" 5)")" | grep _ | xargs)"
    [[ ! -e $T/asof/$(at 4)/deal_1 && ! -e $T/asof/$(at 1)/contact_2 ]]
}

@test "an entity of a past has the state and the events of then" {
    history
    is '{"n":1}' "$(state "$T/asof/$(at 2)/contact_1/state.json")"
    is '{"n":10}' "$(state "$T/asof/$(at 3)/contact_1/state.json")"
    is "00000001.Contact.Created.json 00000002.Contact.Updated.json" "$(ls "$T/asof/$(at 3)/contact_1/events" | xargs)"
    same <(cat "$T/asof/$(at 3)/contact_1/events"/*) <(head -n 2 "$T/contact_1/stream")
}

@test "while an entity was deleted its past has events and no state.json" {
    history
    is "events" "$(ls "$T/asof/$(at 4)/contact_1" | xargs)"
    [[ ! -e $T/asof/$(at 4)/contact_1/state.json ]]
    is 3 "$(ls "$T/asof/$(at 4)/contact_1/events" | wc -l)"
}

@test "asof takes moments, ids of events and times ago, and no version" {
    history
    local id name
    id=$(member id "$(event "$T" 2)")
    is "contact_1 contact_2" "$(ls "$T/asof/$id" | grep _ | xargs)"
    for name in v1 2020-01-01 2099-01-01 7d-ago 2026-1-1 x "$(at 1)x" evt_none; do
        is "ENOENT $name" "$(calls -q truncate "$T/asof/$name" 0) $name"
    done
}

@test "two spellings of one moment are one directory" {
    history
    local when id
    when=$(at 2)
    id=$(member id "$(event "$T" 2)")
    is "$(stat -c %i "$T/asof/$when")" "$(stat -c %i "$T/asof/$id")"
    is "$(stat -c %i "$T/asof/$when")" "$(stat -c %i "$T/asof/${when%Z}+00:00")"
    is "$(stat -c %i "$T/asof/$when/contact_1")" "$(stat -c %i "$T/asof/$id/contact_1")"
}

@test "the files of a past are those of the entity's own asof" {
    history
    local when
    when=$(at 3)
    is "$(stat -c '%i %s %y' "$T/contact_1/asof/$when/state.json")" "$(stat -c '%i %s %y' "$T/asof/$when/contact_1/state.json")"
    [[ $T/asof/$when/contact_1/state.json -ef $T/asof/$(member id "$(event "$T" 3)")/contact_1/state.json ]]
}

@test "a directory of a past keeps its place when the same entity is looked at in another past" {
    history
    cd "$T/asof/$(at 2)/contact_1"
    ls "$T/asof/$(at 5)/contact_1" "$T/asof/$(at 2)/contact_1" "$T/contact_1/asof/$(at 2)" > /dev/null
    is "$T/asof/$(at 2)/contact_1" "$(/bin/pwd)"
    is '{"n":1}' "$(state state.json)"
}

@test "a past of a directory that was only reserved has no such entity" {
    created contact_1
    mkdir "$T/contact_2"
    created contact_3
    is "contact_1 contact_3" "$(ls "$T/asof/$(member id "$(event "$T" 2)")" | grep _ | xargs)"
    created contact_2
    is "contact_1 contact_3" "$(ls "$T/asof/$(at 2)" | grep _ | xargs)"
    is "contact_1 contact_2 contact_3" "$(ls "$T/asof/$(member id "$(event "$T" 3)")" | grep _ | xargs)"
}

@test "nothing in a past can be changed" {
    history
    local past
    past=$T/asof/$(at 3)
    is EACCES "$(calls -q mkdir "$past/contact_9")"
    is EACCES "$(calls -q open "$past/x" wc)"
    forbidden rmdir "$(calls -q rmdir "$past/contact_1")"
    forbidden unlink "$(calls -q unlink "$past/contact_1/state.json")"
    forbidden write "$(calls -q open "$past/contact_1/state.json" w)"
}

@test "a moment at the last event's time is looked at anew: an import may still add to it" {
    local line='{"type":"Contact.Created","target":"contact_%s","timestamp":"2020-05-05T05:05:05Z"}'
    is ok "$(put "$T/import" "$(printf "$line" 1)")"
    is "contact_1" "$(ls "$T/asof/2020-05-05T05:05:05Z" | grep _ | xargs)"
    [[ ! -e $T/contact_2/asof/2020-05-05T05:05:05Z ]]
    is ok "$(put "$T/import" "$(printf "$line" 2)")"
    is "contact_1 contact_2" "$(ls "$T/asof/2020-05-05T05:05:05Z" | grep _ | xargs)"
    is ok "$(put "$T/import" '{"type":"Contact.Created","target":"contact_3","timestamp":"2020-05-05T05:05:06Z"}')"
    is "contact_1 contact_2" "$(ls "$T/asof/2020-05-05T05:05:05Z" | grep _ | xargs)"
}

# ---- the table of views

@test "more names in use at a time than -o views allows are refused with ENFILE, and work again when some are let go" {
    local small=$BATS_TEST_TMPDIR/small
    mkdir -p "$small"
    (
        place "$small"
        daemon_start -o views=4
        trap 'daemon_stop' EXIT
        T=$MOUNT/acme
        mkdir "$T"
        for n in 1 2 3 4 5 6; do
            echo "{\"type\":\"Contact.Created\",\"target\":\"contact_$n\"}" > "$T/append"
        done
        ids=($(jq -r .id "$T/stream"))
        for n in 0 1 2 3; do
            exec {held[n]}< "$T/asof/${ids[n]}"
        done
        # The kernel may still have been told to forget what nobody uses: nobody can be let go here.
        run stat "$T/asof/${ids[4]}"
        holds "Too many open files in system" "$output"
        is 3 "$(ls /proc/self/fd/${held[2]}/ | grep -c _)"
        exec {held[1]}<&-
        wait_for stat "$T/asof/${ids[4]}" > /dev/null
        is 5 "$(ls "$T/asof/${ids[4]}" | grep -c _)"
        # Many more than that one after the other, none of them held.
        for round in 1 2 3 4 5; do
            for id in "${ids[@]}"; do
                wait_for ls "$T/asof/$id" > /dev/null
            done
        done
        is 1 "$(ls /proc/self/fd/${held[0]}/ | grep -c _)"
    )
}
