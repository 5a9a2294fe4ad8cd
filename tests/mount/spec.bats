# spec.json: how it is saved and refused, what a declared noun takes, who may declare, and restoring it by import.
load helpers

CRM='{"nouns":{"Contact":{"name":"string!","email":"email","stage":"Lead | Qualified | Customer","owner":"-> Contact","qualify":"Qualified","update":null}}}'

setup_file() {
    # A user who owns nothing must be able to come as far as the mount.
    chmod a+x "$BATS_RUN_TMPDIR"
    mount_start
}

# declare_spec TEXT
declare_spec() {
    is ok "$(save "$T/spec.json" "$1")"
}

# undeclarable PATH TEXT: the whole document is refused with a reason that begins with this path; the old one stays.
undeclarable() {
    local before line
    before=$(cat "$T/spec.json")
    is EINVAL "$(save "$T/spec.json" "$2")"
    line=$(tail -n 1 "$T/rejected")
    is spec.json "$(member path "$line")"
    [[ $(member reason "$line") == "$1: "* ]] || { echo "not at $1: $line"; return 1; }
    is "$before" "$(cat "$T/spec.json")"
}

# ---- the document

@test "a tenant that declares nothing shows an empty spec" {
    is '{}' "$(cat "$T/spec.json")"
    is 3 "$(stat -c %s "$T/spec.json")"
    [[ " $(ls "$T" | tr '\n' ' ') " == *" spec.json "* ]]
    is 0 "$(count "$T")"
}

@test "a spec is read back byte for byte, and is one event of the tenant's own entity" {
    printf '%s' $'{ "nouns" : {\n\t"Contact": {"name":  "string!", "note": "-> Contact"} } }\n\n' > "$BATS_TEST_TMPDIR/spec"
    cp "$BATS_TEST_TMPDIR/spec" "$T/spec.json"
    same "$BATS_TEST_TMPDIR/spec" "$T/spec.json"
    is 1 "$(count "$T")"
    is "Spec.Updated spec_$TENANT" "$(jq -r '.type + " " + .target' "$T/stream")"
    same "$BATS_TEST_TMPDIR/spec" <(jq -j '.data."spec.json"' "$T/stream")
    is "$(stat -c %s "$BATS_TEST_TMPDIR/spec")" "$(stat -c %s "$T/spec.json")"
}

@test "a spec saved again as it is adds no event" {
    declare_spec "$CRM"
    declare_spec "$CRM"
    cp "$T/spec.json" "$BATS_TEST_TMPDIR/spec"
    cp "$BATS_TEST_TMPDIR/spec" "$T/spec.json"
    is 1 "$(count "$T")"
}

@test "sed -i, jq and mv, and cp with a backup save a spec" {
    declare_spec "$CRM"
    sed -i 's/"email":"email"/"email":"string"/' "$T/spec.json"
    is string "$(jq -r .nouns.Contact.email "$T/spec.json")"
    jq '.nouns.Contact.age = "number"' "$T/spec.json" > "$T/new"
    mv "$T/new" "$T/spec.json"
    is number "$(jq -r .nouns.Contact.age "$T/spec.json")"
    [[ ! -e $T/new ]]
    echo "$CRM" > "$BATS_TEST_TMPDIR/spec"
    cp --backup=simple "$BATS_TEST_TMPDIR/spec" "$T/spec.json"
    same "$BATS_TEST_TMPDIR/spec" "$T/spec.json"
    is number "$(jq -r .nouns.Contact.age "$T/spec.json~")"
    is 4 "$(count "$T")"
}

@test "a spec that changed since it was opened is not overwritten" {
    declare_spec "$CRM"
    cp "$T/spec.json" "$T/mine"
    echo '{"nouns":{}}' > "$T/spec.json"
    is ESTALE "$(calls -q rename "$T/mine" "$T/spec.json")"
    is '{"nouns":{}}' "$(cat "$T/spec.json")"
    is ESTALE "$(calls -q open "$T/spec.json" wtc run "echo '{}' > $T/spec.json" write "$CRM" close)"
}

@test "a watcher sees a new spec, however it comes, and not what else happens" {
    local out=$BATS_TEST_TMPDIR/out data='"data":{"spec.json":"{\"nouns\":{\"Deal\":{}}}"}'
    seen() {
        (($(grep -c MODIFY "$out") >= $1))
    }
    watch "$out" "$T/spec.json"
    is ok "$(put "$T/import" '{"type":"Spec.Updated","target":"spec_x","timestamp":"2026-01-01",'"$data}")"
    wait_for seen 1
    wait_for in_file "$out" CLOSE_WRITE,CLOSE
    record '{"type":"Deal.Created","target":"deal_1"}' '{"type":"Deal.Updated","target":"deal_1","data":{"n":1}}'
    record '{"type":"Spec.Updated","target":"spec_x",'"$data}"
    wait_for seen 2
    is 2 "$(grep -c MODIFY "$out")"
}

@test "rm of spec.json is refused, and a rename leaves it where it is" {
    declare_spec "$CRM"
    ends 1 rm -f "$T/spec.json"
    mv "$T/spec.json" "$T/spec.bak"
    is "$CRM" "$(cat "$T/spec.json")"
    is "$CRM" "$(cat "$T/spec.bak")"
}

@test "what is wrong in a spec is told with its path, and the old one stays in force" {
    declare_spec "$CRM"
    undeclarable nouns.Contact.stage '{"nouns":{"Contact":{"stage":"Lead | | Won"}}}'
    undeclarable nouns.Contact.name '{"nouns":{"Contact":{"name":"strin!"}}}'
    undeclarable nouns.Contact.owner '{"nouns":{"Contact":{"owner":"-> Compny"}}}'
    undeclarable nouns.Contact.qualify '{"nouns":{"Contact":{"qualify":null}}}'
    undeclarable nouns.contact '{"nouns":{"contact":{}}}'
    undeclarable nouns '{"nouns":{"Contact":{},"ContacT":{}}}'
    undeclarable noun '{"noun":{}}'
    undeclarable 'agent_types[1]' '{"agent_types":["user",7]}'
    is EINVAL "$(save "$T/spec.json" '{"nouns":')"
    is EINVAL "$(save "$T/spec.json" '{"nouns":{},"nouns":{}}')"
    is EINVAL "$(save "$T/spec.json" '[]')"
    is EINVAL "$(calls -q open "$T/spec.json" wt close)"
    # That is told once the kernel has let go of it.
    wait_for in_file "$T/rejected" "the document is empty"
    is 1 "$(count "$T")"
    refused EINVAL 'data.name' '{"type":"Contact.Created","target":"contact_1"}'
}

@test "{} ends what was declared" {
    declare_spec "$CRM"
    refused EINVAL deal '{"type":"Deal.Created","target":"deal_1"}'
    declare_spec '{}'
    record '{"type":"Deal.Created","target":"deal_1"}'
}

# ---- nouns

@test "only declared nouns and verbs happen" {
    declare_spec "$CRM"
    record '{"type":"Contact.Created","target":"contact_1","data":{"name":"Ali"}}'
    refused EINVAL 'type: nothing is declared of the type deal' '{"type":"Deal.Created","target":"deal_1"}'
    refused EINVAL 'type: contact.captured' '{"type":"Contact.Captured","target":"contact_1"}'
    refused EINVAL 'type: contact.updated' '{"type":"Contact.Updated","target":"contact_1","data":{"name":"B"}}'
    refused EINVAL 'type: was_seen' '{"type":"was_seen","target":"contact_1"}'
    E=$T/contact_1
    is EINVAL "$(save "$E/state.json" '{"name":"B"}')"
    record '{"type":"Contact.Deleted","target":"contact_1"}'
}

@test "the fields of a noun are checked, with the path of the first that is wrong" {
    declare_spec '{"nouns":{"Deal":{"name":"string!","value":"number","open":"boolean","closes":"date","at":"datetime","any":"json","site":"url","mail":"email","key":"id","tags":"string[]","stage":"Open | Won!","by":"-> Deal"}}}'
    local good='"name":"x","stage":"Open"'
    created deal_0 "{$good,\"value\":1e400,\"open\":true,\"closes\":\"2026-02-28\",\"at\":\"2026-02-28T10:00:00Z\",\"any\":[{}],\"site\":\"https://a.example/x?y#z\",\"mail\":\"a@b.example\",\"key\":\"abc-1\",\"tags\":[\"a\"],\"by\":\"deal_0\",\"other\":0}"
    created deal_1 "{$good,\"value\":null,\"tags\":[]}"
    local wrong
    for wrong in 'name:"name":7,"stage":"Open"' 'name:"stage":"Open"' 'name:"name":null,"stage":"Open"' 'stage:"name":"x"' \
        'stage:"name":"x","stage":"open"' "value:$good,\"value\":\"1\"" "open:$good,\"open\":1" "closes:$good,\"closes\":\"2026-02-29\"" \
        "at:$good,\"at\":\"2026-02-28\"" "site:$good,\"site\":\"a.example\"" "mail:$good,\"mail\":\"a.b\"" "key:$good,\"key\":\"a b\"" \
        "tags:$good,\"tags\":\"a\"" "tags[1]:$good,\"tags\":[\"a\",1]" "by:$good,\"by\":\"contact_1\"" "by:$good,\"by\":\"x\""; do
        refused EINVAL "data.${wrong%%:*}: " "{\"type\":\"Deal.Created\",\"target\":\"deal_2\",\"data\":{${wrong#*:}}}"
    done
}

@test "an update is checked on the state that it leads to" {
    declare_spec '{"nouns":{"Deal":{"name":"string!","value":"number"}}}'
    created deal_1 '{"name":"x","value":1}'
    is ok "$(try Deal.Updated '{"value":2}')"
    is EINVAL "$(try Deal.Updated '{"value":"2"}')"
    is EINVAL "$(try Deal.Updated '{"name":{"before":"x"}}')"
    is EINVAL "$(save "$E/state.json" '{"value":3}')"
    is ok "$(save "$E/state.json" '{"name":"y"}')"
    is '{"value":{"before":2},"name":{"before":"x","after":"y"}}' "$(last_data)"
}

@test "a declared verb sets the field that its value belongs to, unless the data says it" {
    declare_spec '{"nouns":{"Contact":{"stage":"Lead | Qualified | Lost","qualify":"Qualified","lose":"Lost"},"Ticket":{"status":"string","close":"Closed"},"Note":{"pin":"Pinned"}}}'
    created contact_1 '{"stage":"Lead"}'
    happened contact.qualified
    is '{"stage":{"before":"Lead","after":"Qualified"}}' "$(last_data)"
    happened Contact.Lost '{"why":"price"}'
    is '{"why":{"after":"price"},"stage":{"before":"Qualified","after":"Lost"}}' "$(last_data)"
    happened Contact.Qualified '{"stage":"Lead"}'
    is '{"stage":{"before":"Lost","after":"Lead"}}' "$(last_data)"
    created ticket_1
    happened Ticket.Closed
    is '{"status":{"after":"Closed"}}' "$(last_data)"
    created note_1
    happened Note.Pinned
    is '{}' "$(last_data)"
}

@test "a type that is new to the tenant is spelled as the spec declares it" {
    declare_spec '{"nouns":{"FeatureFlag":{"rollout":"RolledOut"},"Plan":{"cancel":"Canceled"}}}'
    record '{"type":"featureflag.created","target":"featureflag_1"}' '{"type":"featureflag.rolledout","target":"featureflag_1"}' \
        '{"type":"plan.cancelled","target":"plan_1"}'
    is "FeatureFlag.Created FeatureFlag.RolledOut Plan.Canceled" "$(tail -n 3 "$T/stream" | jq -r .type | paste -sd ' ')"
}

@test "only declared types of actors and targets act" {
    declare_spec '{"agent_types":["user","agent"],"target_types":["item"]}'
    record '{"type":"Deal.Created","target":"deal_1"}' '{"type":"Deal.Closed","target":"deal_1","actor":"agent_7"}'
    refused EINVAL 'actor: ' '{"type":"Deal.Closed","target":"deal_1","actor":"robot_7"}'
    refused EINVAL 'metadata.actor.type: ' '{"type":"Deal.Closed","target":"deal_1","metadata":{"actor":{"type":"robot","id":"7"}}}'
    refused EINVAL 'metadata.target.type: ' '{"type":"Deal.Closed","target":"deal_1","metadata":{"target":{"type":"house","id":"7"}}}'
    record '{"type":"Deal.Closed","target":"deal_1","metadata":{"target":{"type":"item","id":"7"}}}'
}

@test "an actor that is no user and has a name must be a declared singleton" {
    declare_spec '{"agent_types":["user","webhook"],"singletons":["twilio_webhook"]}'
    by() {
        put "$T/append" "{\"type\":\"was_called\",\"target\":\"order_1\",\"metadata\":{\"actor\":{\"type\":\"$1\",\"id\":\"$2\"}}}"
    }
    is "ok ok ok ok ok EINVAL" "$(by webhook twilio_webhook) $(by webhook global) $(by webhook 550e8400-e29b-41d4-a716-446655440000:2026) $(by webhook ABC123XYZ) $(by user ann) $(by webhook stripe)"
    holds 'metadata.actor.id: "stripe"' "$(member reason "$(tail -n 1 "$T/rejected")")"
}

@test "what factfs records of itself is allowed whatever the spec says" {
    declare_spec '{"nouns":{},"agent_types":["service"]}'
    refused EINVAL deal '{"type":"Deal.Created","target":"deal_1","actor":"service_1"}'
    is ok "$(calls -q open "$T/hooks/handlers/Deal.closed.js" wtc write '(deal, $) => {}' close)"
    is Handler.Created "$(jq -r .type <<< "$(last "$T")")"
    declare_spec '{}'
}

# ---- aggregates

@test "the order of the seed is placed and cancelled as its handlers say" {
    declare_spec '{"spec":{"aggregate_types":{"order":{"events":{
      "was_placed":{"schema":{"type":"object","required":["items","total"],"properties":{"total":{"type":"number","exclusiveMinimum":0},
        "items":{"type":"array","minItems":1,"items":{"type":"object","required":["sku"],"properties":{"sku":{"type":"string","pattern":"^[A-Z]+-\\d+$"},"quantity":{"type":"integer","minimum":1}}}}}},
        "handler":[{"set":{"target":"","value":"$.data"}},{"set":{"target":"status","value":"placed"}},{"set":{"target":"by","value":"$.metadata.actor.id"}}]},
      "was_cancelled":{"schema":{"type":"object","required":["reason"]},
        "handler":[{"set":{"target":"status","value":"cancelled"}},{"set":{"target":"reason","value":"$.data.reason"}},{"append":{"target":"log","value":{"on":"$.key","what":"$.type"}}}]}}}},
      "agent_types":["user","admin"],"target_types":["item"],"modules":{},"geo_types":{},"singletons":[]}}'
    E=$T/order_550e8400-e29b-41d4-a716-446655440000
    local actor='"metadata":{"actor":{"type":"user","id":"550e8400-e29b-41d4-a716-446655440001"}}'
    mkdir "$E"
    is ok "$(put "$E/append" '{"type":"was_placed","data":{"items":[{"sku":"WIDGET-1","quantity":2}],"total":59.980},'"$actor}")"
    is '{"items":[{"sku":"WIDGET-1","quantity":2}],"total":59.980,"status":"placed","by":"550e8400-e29b-41d4-a716-446655440001"}' "$(state)"
    is ok "$(put "$E/append" '{"type":"was_cancelled","data":{"reason":"Customer request"},'"$actor}")"
    is '["cancelled","Customer request",[{"on":"order:550e8400-e29b-41d4-a716-446655440000","what":"was_cancelled"}]]' \
        "$(jq -c '[.status,.reason,.log]' "$E/state.json")"
    is '{"reason":"Customer request"}' "$(last_data)"
    is placed "$(jq -r .status "$E/asof/v1/state.json")"
    refused EINVAL 'data.reason: is missing' '{"type":"was_cancelled","target":"order_1","data":{}}'
    refused EINVAL 'data.items[1].sku: ' '{"type":"was_placed","target":"order_1","data":{"items":[{"sku":"A-1"},{"sku":"A1"}],"total":1}}'
    refused EINVAL 'data.items[0].quantity: 1.5 is no integer' '{"type":"was_placed","target":"order_1","data":{"items":[{"sku":"A-1","quantity":1.5}],"total":1}}'
    refused EINVAL 'data.total: 0.0 is not more than 0' '{"type":"was_placed","target":"order_1","data":{"items":[{"sku":"A-1"}],"total":0.0}}'
    refused EINVAL 'type: was_lost' '{"type":"was_lost","target":"order_1"}'
    refused EINVAL 'type: order.updated' '{"type":"Order.Updated","target":"order_550e8400-e29b-41d4-a716-446655440000","data":{"a":1}}'
    refused EINVAL 'actor: ' '{"type":"was_cancelled","target":"order_1","data":{"reason":"x"},"actor":"robot_1"}'
}

@test "the paste of the reference keeps its index" {
    declare_spec '{"aggregate_types":{"paste":{"events":{"was_created":{"schema":{},"handler":[{"set":{"target":"","value":"$.data"}}]},"was_deleted":{"schema":{},"handler":[{"set":{"target":"deleted","value":true}}]}}},
      "index":{"events":{"entry_added":{"schema":{},"handler":[{"append_unique":{"target":"entries","value":"$.data"}}]},"entry_removed":{"schema":{},"handler":[{"remove":{"target":"entries","where":{"id":"$.data.id"}}}]}}}},"agent_types":["user"],"target_types":["paste"]}'
    E=$T/index_global
    record '{"type":"entry_added","target":"index_global","data":{"id":"a","n":1}}' '{"type":"entry_added","target":"index_global","data":{"id":"b"}}' \
        '{"type":"entry_added","target":"index_global","data":{"n":1.0,"id":"a"}}' '{"type":"entry_removed","target":"index_global","data":{"id":"b"}}'
    is '{"entries":[{"id":"a","n":1}]}' "$(state)"
    is '[{"id":"a","n":1},{"id":"b"}]' "$(jq -c .entries "$E/asof/v3/state.json")"
}

@test "a new spec does not change the past, also after a restart" {
    local spec='{"aggregate_types":{"order":{"events":{"was_counted":{"handler":{"increment":{"target":"n","value":BY}}}}}}}'
    declare_spec "${spec/BY/1}"
    record '{"type":"was_counted","target":"order_1"}' '{"type":"was_counted","target":"order_1"}'
    declare_spec "${spec/BY/0.5}"
    record '{"type":"was_counted","target":"order_1"}'
    E=$T/order_1
    local round
    for round in 1 2; do
        is "1 2 2.5" "$(jq -j '.n' "$E"/asof/v1/state.json; echo -n ' '; jq -j .n "$E"/asof/v2/state.json; echo -n ' '; jq -j .n "$E/state.json")"
        ((round == 2)) || daemon_restart
    done
}

@test "what cannot be carried out is refused when the spec is saved" {
    undeclarable aggregate_types.o.events.was_a.schema.anyOf '{"aggregate_types":{"o":{"events":{"was_a":{"schema":{"anyOf":[]}}}}}}'
    undeclarable 'aggregate_types.o.events.was_a.handler[0].conditional' '{"aggregate_types":{"o":{"events":{"was_a":{"handler":[{"conditional":{}}]}}}}}'
    undeclarable aggregate_types.o.events.was_a.implications '{"aggregate_types":{"o":{"events":{"was_a":{"implications":[{"emit":{}}]}}}}}'
}

@test "nouns and aggregates stand together" {
    declare_spec '{"nouns":{"Contact":{"name":"string!","last":"-> Order"}},"aggregate_types":{"order":{"events":{"was_placed":{"schema":{"required":["total"]}}}}}}'
    record '{"type":"Contact.Created","target":"contact_1","data":{"name":"Ali","last":"order_1"}}' '{"type":"was_placed","target":"order_1","data":{"total":1}}'
    refused EINVAL 'data.name' '{"type":"Contact.Created","target":"contact_2"}'
    refused EINVAL 'data.total' '{"type":"was_placed","target":"order_2"}'
    refused EINVAL 'type: was_placed' '{"type":"was_placed","target":"contact_1","data":{"total":1}}'
}

# ---- who, and where else

@test "only the owner of a tenant declares, by whatever way" {
    needs_root
    chmod 0777 "$T"
    declare_spec "$CRM"
    is_one_of "EACCES EPERM" "$(as_nobody "$TOOLS/calls" -q open "$T/spec.json" wt write '{}' close)"
    is ok "$(as_nobody "$TOOLS/calls" -q open "$T/scratch" wtcx write '{}' close)"
    is EPERM "$(as_nobody "$TOOLS/calls" -q rename "$T/scratch" "$T/spec.json")"
    is EPERM "$(as_nobody "$TOOLS/calls" -q open "$T/append" w write "{\"type\":\"Spec.Updated\",\"target\":\"spec_$TENANT\",\"data\":{\"spec.json\":\"{}\"}}" close)"
    is EPERM "$(as_nobody "$TOOLS/calls" -q open "$T/import" w write "{\"type\":\"Spec.Updated\",\"target\":\"spec_x\",\"timestamp\":\"$(date -u +%FT%T.%6NZ)\",\"data\":{\"spec.json\":\"{}\"}}" close)"
    is "$CRM" "$(cat "$T/spec.json")"
    chown 65534 "$T"
    is ok "$(as_nobody "$TOOLS/calls" -q open "$T/spec.json" wt write '{}' close)"
}

@test "what a tenant declares is written by spec.json and its rollback alone" {
    declare_spec "$CRM"
    declare_spec '{"nouns":{}}'
    refused EPERM spec.json "{\"type\":\"Spec.Deleted\",\"target\":\"spec_$TENANT\"}"
    refused EPERM spec.json "{\"type\":\"Spec.Updated\",\"target\":\"spec_$TENANT\",\"data\":{\"x\":1}}"
    refused EINVAL nouns.x "{\"type\":\"Spec.Updated\",\"target\":\"spec_$TENANT\",\"data\":{\"spec.json\":\"{\\\"nouns\\\":{\\\"x\\\":0}}\"}}"
    echo v1 > "$T/spec_$TENANT/rollback"
    is "$CRM" "$(cat "$T/spec.json")"
}

@test "restoring the stream into a tenant of another name restores what is declared" {
    declare_spec '{"nouns":{}}'
    declare_spec "$CRM"
    created contact_1 '{"name":"Ali"}'
    local other=$MOUNT/other$BATS_TEST_NUMBER
    mkdir "$other"
    cat "$T/stream" > "$other/import"
    same "$T/spec.json" "$other/spec.json"
    T=$other refused EINVAL data.name '{"type":"Contact.Created","target":"contact_2"}'
}

@test "a spec is in force after a restart" {
    declare_spec "$CRM"
    daemon_restart
    is "$CRM" "$(cat "$T/spec.json")"
    refused EINVAL data.name '{"type":"Contact.Created","target":"contact_1"}'
}

@test "a spec accepted earlier counts for what follows it in the same write" {
    declare_spec '{"nouns":{"Contact":{}}}'
    local spec='{"spec.json":"{\"nouns\":{\"Deal\":{}}}"}'
    local changed="{\"type\":\"Spec.Updated\",\"target\":\"spec_$TENANT\",\"data\":$spec}"
    refused EINVAL contact "{\"type\":\"Contact.Created\",\"target\":\"contact_1\"}$changed{\"type\":\"Contact.Created\",\"target\":\"contact_2\"}"
    is '{"nouns":{"Contact":{}}}' "$(cat "$T/spec.json")"
    record "{\"type\":\"Contact.Created\",\"target\":\"contact_1\"}$changed{\"type\":\"Deal.Created\",\"target\":\"deal_1\"}"
    is '{"nouns":{"Deal":{}}}' "$(cat "$T/spec.json")"
}
