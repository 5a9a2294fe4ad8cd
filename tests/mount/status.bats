# `status.json`: how a tenant is, at a glance.
load helpers

setup() {
    needs jq
    tenant_start
}

# The value of a member of the status.
status() {
    jq -c "$1" "$T/status.json"
}

# condition for wait_for
has() {
    [[ $(status "$1") == "$2" ]]
}

@test "the status begins with alerts and metrics, and is laid out as jq lays it out" {
    is '["alerts","metrics"]' "$(jq -c 'keys_unsorted[:2]' "$T/status.json")"
    is '["handlers","webhooks","metrics","watches","integrations"]' "$(status '.hooks | keys_unsorted')"
    is '[]' "$(status .alerts)"
    is '{"mrr":0,"activeSubscriptions":0,"churnRate":null,"nrr":null}' "$(status .metrics)"
    same <(jq . "$T/status.json") "$T/status.json"
}

@test "an empty tenant stands at position 0, with the hash that a chain begins with" {
    is '[0,0,0,null]' "$(status '[.position, .entities, .bytes, .lastEventAt]')"
    is "\"$(printf '0%.0s' {1..64})\"" "$(status .head)"
    is "\"$TENANT\"" "$(status .tenant)"
}

@test "position, entities, bytes and time are those of the stream" {
    created contact_a '{"n":1}'
    happened Contact.Qualified
    happened Contact.Deleted
    created contact_b
    is 4 "$(status .position)"
    is 2 "$(status .entities)"
    is "$(wc -c < "$T/stream")" "$(status .bytes)"
    is "$(member timestamp "$(last "$T")")" "$(jq -r .lastEventAt "$T/status.json")"
}

@test "the head is the hash of the last event, and the chain computed from the stream ends in it" {
    created contact_a '{"n":1}'
    happened Contact.Qualified '{"stage":"Lead"}'
    local hash
    hash=$(chain "$T/stream")
    is "\"$hash\"" "$(status .head)"
    is "$hash" "$(getfattr --only-values -n user.factfs.hash "$E/events/00000002.Contact.Qualified.json")"
}

@test "what was refused is in no number but that of its own" {
    created contact_a
    refused ENOENT exist '{"type":"Contact.Updated","target":"contact_nobody"}'
    mkdir "$T/contact_reserved"
    is '[1,1]' "$(status '[.position, .entities]')"
    is "$(wc -c < "$T/rejected")" "$(status .rejectedBytes)"
}

@test "entities are counted on after the daemon was started again" {
    created contact_a
    refused ENOENT exist '{"type":"Contact.Updated","target":"contact_nobody"}'
    created contact_b
    happened Contact.Qualified
    daemon_restart
    is '[3,2]' "$(status '[.position, .entities]')"
    created contact_c
    is '[4,3]' "$(status '[.position, .entities]')"
}

@test "whoever has a stream or a follow open is a subscriber, of the tenant or of an entity; nobody else is" {
    created contact_a
    local other=$MOUNT/other$BATS_TEST_NUMBER
    mkdir "$other"
    exec 5< "$T/stream" 6< "$T/follow" 7< "$E/follow" 8< "$E/state.json" 9< "$T/rejected"
    is 3 "$(status .subscribers)"
    is 0 "$(jq .subscribers "$other/status.json")"
    exec 5<&- 6<&- 7<&- 8<&- 9<&-
    # The kernel tells of a close(2) a moment later.
    wait_for has .subscribers 0
}

@test "whoever has the stream or the follow of a query open is a subscriber as well" {
    created contact_a
    exec 5< "$T/query/type=Contact.*/stream" 6< "$T/query/type=Contact.*/follow" 7< "$T/query/type=Contact.*/events.ndjson"
    is 2 "$(status .subscribers)"
    exec 5<&- 6<&- 7<&-
    wait_for has .subscribers 0
}

@test "an open status keeps its text and its size; a new one has what was committed since" {
    created contact_a
    local before
    before=$(cat "$T/status.json")
    exec 5< "$T/status.json"
    for i in {1..12}; do happened Contact.Called "{\"n\":$i}"; done
    is "$(stat -Lc %s /proc/self/fd/5)" "$(printf '%s\n' "$before" | wc -c)"
    is "$before" "$(cat <&5)"
    is 13 "$(status .position)"
    exec 5<&-
}

@test "its size is the size of its text, and its time that of the last change" {
    created contact_a
    is "$(wc -c < "$T/status.json")" "$(stat -c %s "$T/status.json")"
    is "$(stat -c %y "$T/stream" | cut -c -19)" "$(stat -c %y "$T/status.json" | cut -c -19)"
    local before
    before=$(stat -c %Y.%y "$T/status.json")
    is "$before" "$(stat -c %Y.%y "$T/status.json")"
    happened Contact.Called
    [[ $before != "$(stat -c %Y.%y "$T/status.json")" ]]
}

@test "nobody writes, renames or removes it" {
    is 444 "$(stat -c %a "$T/status.json")"
    forbidden open "$(put "$T/status.json" '{}')"
    is EPERM "$(calls -q unlink "$T/status.json")"
    is EPERM "$(calls -q rename "$T/status.json" "$T/other")"
    is EPERM "$(calls -q truncate "$T/status.json" 0)"
}

@test "it tells which daemon answers, and since when" {
    is "$(daemon_pid)" "$(status .daemon.pid)"
    is "\"$("$FACTFS" --version | grep -oE '[0-9]+\.[0-9.]+')\"" "$(status .daemon.version)"
    [[ $(jq -r .daemon.since "$T/status.json") > 2020 ]]
}

@test "its name is listed once, and a scratch file cannot take it" {
    is 1 "$(ls "$T" | grep -c '^status\.json$')"
    is EPERM "$(calls -q open "$T/status.json" wce close | sed 's/EEXIST/EPERM/')"
}
