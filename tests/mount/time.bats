# Time travel: how moments are written, what they include, what is past and what is not yet.
# The daemon runs under a clock that each test sets (clock.c); every test lives in a year of its own.
load helpers
load clock

# at MOMENT TYPE [DATA]: an event of $E at this moment.
at() {
    now "$1"
    happened "$2" "${3:-{\}}"
}

# created_at MOMENT ENTITY [DATA]
created_at() {
    now "$1"
    created "$2" "${3:-{\}}"
}

# Two states a second apart; now is much later.
two_states() {
    created_at "$Y-03-10T10:00:00Z" contact_1 '{"n":1}'
    at "$Y-03-10T10:00:01Z" Contact.Updated '{"n":2}'
    now "$Y-12-01"
}

# micros: moments, a line each, as microseconds since 1970. (As text `10:00:00.5Z` would stand before `10:00:00Z`.)
micros() {
    date -u -f - +%s%6N
}

# as_of WHEN: the state of $E then on one line, or `none`.
as_of() {
    if [[ -e $E/asof/$1/state.json ]]; then
        state "$E/asof/$1/state.json"
    else
        echo none
    fi
}

# ---- how moments are written

@test "timestamps are printed with 0, 3 or 6 decimals, the fewest that hold them" {
    created_at "$Y-02-01T00:00:00Z" contact_1
    at "$Y-02-01T00:00:00.5Z" Contact.Called
    at "$Y-02-01T00:00:00.501Z" Contact.Called
    at "$Y-02-01T00:00:00.501001Z" Contact.Called
    at "$Y-02-01T00:00:01.000010Z" Contact.Called
    at "$Y-12-31T23:59:59.999999Z" Contact.Called
    is "$Y-02-01T00:00:00Z
$Y-02-01T00:00:00.500Z
$Y-02-01T00:00:00.501Z
$Y-02-01T00:00:00.501001Z
$Y-02-01T00:00:01.000010Z
$Y-12-31T23:59:59.999999Z" "$(jq -r .timestamp "$E/stream")"
}

@test "a moment includes the event of its microsecond and none after it" {
    created_at "$Y-03-10T10:00:00.000001Z" contact_1 '{"n":1}'
    at "$Y-03-10T10:00:00.000003Z" Contact.Updated '{"n":2}'
    now "$Y-12-01"
    is none "$(as_of "$Y-03-10T10:00:00Z")"
    is '{"n":1}' "$(as_of "$Y-03-10T10:00:00.000001Z")"
    is '{"n":1}' "$(as_of "$Y-03-10T10:00:00.000002Z")"
    is '{"n":2}' "$(as_of "$Y-03-10T10:00:00.000003Z")"
    is '{"n":2}' "$(as_of "$Y-03-10T10:00:00.000004Z")"
}

@test "a moment may be written to the minute, the second or any part of one, in UTC or with an offset" {
    two_states
    local when
    for when in T10:00 T10:00Z T10:00:00 T10:00:00Z T10:00:00.0 T10:00:00.9Z T10:00:00.99 T10:00:00.999 T10:00:00.9999 T10:00:00.99999 T10:00:00.999999Z \
        T10:00+00:00 T11:00:00+01:00 T04:30:00.5-05:30 T10:00:00-00:00; do
        is '{"n":1} '"$when" "$(as_of "$Y-03-10$when") $when"
    done
    is '{"n":1}' "$(as_of "$Y-03-11T00:00:00.5+14:00")"
    is '{"n":2}' "$(as_of "$Y-03-10T10:00:01")"
}

@test "a date is its midnight in UTC, or at the offset that is given" {
    created_at "$Y-03-10T00:00:00Z" contact_1 '{"n":1}'
    at "$Y-03-10T00:00:00.000001Z" Contact.Updated '{"n":2}'
    at "$Y-03-10T23:00:00Z" Contact.Updated '{"n":3}'
    now "$Y-12-01"
    is none "$(as_of "$Y-03-09")"
    is '{"n":1}' "$(as_of "$Y-03-10")"
    is '{"n":1}' "$(as_of "$Y-03-10Z")"
    is '{"n":3}' "$(as_of "$Y-03-11")"
    is '{"n":3}' "$(as_of "$Y-03-11+01:00")"
    is '{"n":2}' "$(as_of "$Y-03-11+01:01")"
}

@test "the leap day is there in leap years alone" {
    created_at "$Y-01-02" contact_1 '{"n":1}'
    now "$Y-12-01"
    is '{"n":1}' "$(as_of "$Y-02-28")"
    is "$( ((Y % 4)) && echo none || echo '{"n":1}')" "$(as_of "$Y-02-29")"
    is none "$(as_of "$Y-02-30")"
}

@test "what is no moment is ENOENT" {
    two_states
    local when
    for when in "$Y-3-10" "$Y-03-10t10:00:00Z" "$Y-03-10T10:00:00z" "$Y-03-10T24:00" "$Y-03-10T10:60" "$Y-03-10T10:00:60" "$Y-03-10T10:00:00.1234567" \
        "$Y-03-10T10:00:00." "$Y-03-10T10" "$Y-03-10T" "$Y-03-10 10:00" "${Y}0310" "$Y-13-01" "$Y-00-10" "$Y-03-32" "$Y-03-00" "$Y-03-10T10:00+1:00" "$Y-03-10T10:00+0100" \
        "$Y-03-10T10:00+24:00" "$Y-03-10T10:00ZZ" "$Y-03-10T10:00:00,5" "+$Y-03-10" "$Y-03" "$Y" yesterday 1700000000; do
        is "ENOENT $when" "$(calls -q opendir "$E/asof/$when") $when"
    done
}

@test "a version is v and a number in one spelling, up to the last one" {
    two_states
    is '{"n":1} {"n":2} none' "$(as_of v1) $(as_of v2) $(as_of v3)"
    local when
    for when in v0 v01 v+1 v-1 V1 v v1.0 v100000000 v99999999999999999999; do
        is "ENOENT $when" "$(calls -q opendir "$E/asof/$when") $when"
    done
}

@test "an event's id is the state just after it" {
    two_states
    is '{"n":1}' "$(as_of "$(member id "$(event "$E" 1)")")"
    is '{"n":2}' "$(as_of "$(member id "$(event "$E" 2)")")"
    is none "$(as_of evt_nothing)"
}

@test "an event's id of another entity is the moment just after it, by position" {
    created_at "$Y-03-10T10:00:00Z" contact_1 '{"n":1}'
    record '{"id":"evt_between","type":"was_placed","target":"order_1"}'
    happened Contact.Updated '{"n":2}'
    record '{"id":"evt_behind","type":"was_paid","target":"order_1"}'
    is '{"n":1} {"n":2}' "$(as_of evt_between) $(as_of evt_behind)"
    E=$T/order_1
    is none "$(as_of "$(member id "$(event "$T" 1)")")"
}

@test "minutes, hours and days ago" {
    created_at "$Y-03-10T10:00:00Z" contact_1 '{"n":1}'
    at "$Y-03-10T12:00:00Z" Contact.Updated '{"n":2}'
    now "$Y-03-10T13:00:00Z"
    is '{"n":2} {"n":1} {"n":1} none none' "$(as_of 60m-ago) $(as_of 61m-ago) $(as_of 3h-ago) $(as_of 4h-ago) $(as_of 1d-ago)"
    now "$Y-03-11T12:00:00Z"
    is '{"n":2}' "$(as_of 1d-ago)"
    local when
    for when in 0m-ago 01h-ago m-ago 1-ago 1h 1h-Ago -1h-ago 1.5h-ago 1h30m-ago 1H-ago; do
        is "ENOENT $when" "$(calls -q opendir "$E/asof/$when") $when"
    done
}

@test "so many minutes ago moves with the clock" {
    created_at "$Y-03-10T10:00:00Z" contact_1 '{"n":1}'
    at "$Y-03-10T10:30:00Z" Contact.Updated '{"n":2}'
    now "$Y-03-10T10:40:00Z"
    is '{"n":1}' "$(as_of 20m-ago)"
    now "$Y-03-10T10:50:00Z"
    is '{"n":2}' "$(as_of 20m-ago)"
    happened Contact.Updated '{"n":3}'
    now "$Y-03-10T11:10:00Z"
    is '{"n":3}' "$(as_of 20m-ago)"
}

# ---- past and future

@test "a moment before the first event is ENOENT" {
    two_states
    is ENOENT "$(calls -q opendir "$E/asof/$Y-03-10T09:59:59.999999Z")"
    is ENOENT "$(calls -q opendir "$E/asof/0001-01-01")"
}

@test "a moment in the future, and now, are ENOENT until they are past" {
    created_at "$Y-03-10T10:00:00Z" contact_1 '{"n":1}'
    now "$Y-03-10T10:00:05Z"
    is none "$(as_of "$Y-03-10T10:00:05Z")"
    is none "$(as_of "$Y-03-10T10:00:06Z")"
    is none "$(as_of 9999-12-31)"
    is '{"n":1}' "$(as_of "$Y-03-10T10:00:04.999999Z")"
    now "$Y-03-10T10:00:07Z"
    is '{"n":1}' "$(as_of "$Y-03-10T10:00:05Z")"
    is '{"n":1}' "$(as_of "$Y-03-10T10:00:06Z")"
}

@test "an event at a moment that was refused as future belongs to it" {
    created_at "$Y-03-10T10:00:00Z" contact_1 '{"n":1}'
    now "$Y-03-10T10:00:05Z"
    is none "$(as_of "$Y-03-10T10:00:06Z")"
    at "$Y-03-10T10:00:06Z" Contact.Updated '{"n":2}'
    now "$Y-03-10T10:00:07Z"
    is '{"n":2}' "$(as_of "$Y-03-10T10:00:06Z")"
}

@test "a past state never changes" {
    created_at "$Y-03-10T10:00:00Z" contact_1 '{"n":1}'
    now "$Y-03-10T11:00:00Z"
    cp "$E/asof/$Y-03-10T10:30:00Z/state.json" "$BATS_TEST_TMPDIR/then"
    at "$Y-03-10T11:00:01Z" Contact.Updated '{"n":2}'
    at "$Y-03-10T11:00:02Z" Contact.Deleted
    now "$Y-03-10T12:00:00Z"
    same "$BATS_TEST_TMPDIR/then" "$E/asof/$Y-03-10T10:30:00Z/state.json"
    same "$BATS_TEST_TMPDIR/then" "$E/asof/v1/state.json"
}

@test "the six members of a past state are those of then" {
    two_states
    is "1 $Y-03-10T10:00:00Z $Y-03-10T10:00:00Z" "$(jq -r '"\(."$version") \(."$createdAt") \(."$updatedAt")"' "$E/asof/v1/state.json")"
    is "2 $Y-03-10T10:00:00Z $Y-03-10T10:00:01Z" "$(jq -r '"\(."$version") \(."$createdAt") \(."$updatedAt")"' "$E/asof/v2/state.json")"
}

@test "beside a past state stand the events up to then" {
    two_states
    is 00000001.Contact.Created.json "$(ls "$E/asof/v1/events")"
    is "00000001.Contact.Created.json 00000002.Contact.Updated.json" "$(ls "$E/asof/$Y-03-10T10:00:01Z/events" | xargs)"
    same "$E/events/00000001.Contact.Created.json" "$E/asof/v2/events/00000001.Contact.Created.json"
    [[ ! -e $E/asof/v1/events/00000002.Contact.Updated.json ]]
}

@test "while an entity is deleted its past has events but no state" {
    created_at "$Y-03-10T10:00:00Z" contact_1 '{"n":1}'
    at "$Y-03-10T11:00:00Z" Contact.Deleted
    at "$Y-03-10T12:00:00Z" Contact.Created '{"m":1}'
    now "$Y-12-01"
    is none "$(as_of "$Y-03-10T11:30:00Z")"
    is "00000001.Contact.Created.json 00000002.Contact.Deleted.json" "$(ls "$E/asof/$Y-03-10T11:30:00Z/events" | xargs)"
    is '{"n":1} {"m":1}' "$(as_of "$Y-03-10T10:59:59Z") $(as_of "$Y-03-10T12:00:00Z")"
    is none "$(as_of v2)"
}

@test "asof lists nothing" {
    two_states
    as_of v1
    is "" "$(ls -A "$E/asof")"
}

@test "a reserved entity has no past" {
    mkdir "$T/contact_1"
    E=$T/contact_1
    now "$Y-12-01"
    is "ENOENT ENOENT" "$(calls -q opendir "$E/asof/v1") $(calls -q opendir "$E/asof/$Y-03-10")"
}

# ---- the clock

@test "timestamps never go back when the clock does" {
    created_at "$Y-03-10T10:00:00Z" contact_1
    at "$Y-03-10T09:00:00Z" Contact.Called
    at "$Y-03-10T09:30:00Z" Contact.Called
    local times
    times=$(jq -r .timestamp "$E/stream" | micros)
    is "$(sort -n <<< "$times")" "$times"
    is "$(micros <<< "$Y-03-10T10:00:00Z")" "$(head -n 1 <<< "$times")"
}

@test "an event is later than any moment that was answered as past, also when the clock steps back" {
    created_at "$Y-03-10T10:00:00Z" contact_1 '{"n":1}'
    now "$Y-03-10T11:00:00Z"
    is '{"n":1}' "$(as_of "$Y-03-10T10:30:00Z")"
    at "$Y-03-10T10:10:00Z" Contact.Updated '{"n":2}'
    (($(jq -r .timestamp <<< "$(last "$E")" | micros) > $(micros <<< "$Y-03-10T10:30:00Z"))) || is "later than $Y-03-10T10:30:00Z" "$(last "$E")"
    is '{"n":1}' "$(as_of "$Y-03-10T10:30:00Z")"
    now "$Y-12-01"
    is '{"n":1} {"n":2}' "$(as_of "$Y-03-10T10:30:00Z") $(as_of "$Y-11-01")"
}

@test "now is the last timestamp when the clock stands behind it" {
    created_at "$Y-03-10T10:00:00Z" contact_1 '{"n":1}'
    at "$Y-03-10T12:00:00Z" Contact.Updated '{"n":2}'
    now "$Y-03-10T09:00:00Z"
    is '{"n":1}' "$(as_of "$Y-03-10T11:00:00Z")"
    is none "$(as_of "$Y-03-10T12:00:00.000001Z")"
}

@test "an entity deleted and made anew at one moment shows the last of it" {
    created_at "$Y-03-10T10:00:00Z" contact_1 '{"n":1}'
    is ok "$(put "$E/append" '[{"type":"Contact.Deleted"},{"type":"Contact.Created","data":{"m":1}}]')"
    now "$Y-12-01"
    is '{"m":1}' "$(as_of "$Y-03-10T10:00:00.5Z")"
}
