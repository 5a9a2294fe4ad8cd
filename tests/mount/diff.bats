# factfs diff and factfs blame: the history of one entity, by its files on the mount.
load helpers

diff_of() {
    ends "$1" "$FACTFS" diff "${@:2}"
}

# The version, type, actor and field of each line; the time is another matter.
blame_of() {
    ends 0 "$FACTFS" blame "$@"
    output=$(sed -E 's/^(v[0-9]+) +[^ ]+  +/\1 /; s/  +/ /g' <<< "$output")
}

# ---- diff

@test "diff shows what changed, what went and what came between two versions" {
    created contact_1 '{"stage":"Lead","name":"Ada","n":1}'
    happened Contact.Qualified '{"stage":"Qualified","n":{"before":1},"plan":"pro"}'
    diff_of 1 "$E" v1 v2
    is 'stage: Lead → Qualified
n: 1 → ∅
plan: ∅ → pro' "$output"
    diff_of 1 "$E" v2 v1
    is 'stage: Qualified → Lead
plan: pro → ∅
n: ∅ → 1' "$output"
}

@test "diff of equal states prints nothing and exits with 0" {
    created contact_1 '{"n":1}'
    happened Contact.Noted
    diff_of 0 "$E" v1 v2
    is '' "$output"
    happened Contact.Updated '{"n":1.0}'
    diff_of 0 "$E" v1 v3
}

@test "diff against now is the default, and now may be written" {
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":2}'
    diff_of 1 "$E" v1
    is 'n: 1 → 2' "$output"
    happened Contact.Updated '{"n":3}'
    diff_of 1 "$E" now v2
    is 'n: 3 → 2' "$output"
}

@test "diff takes every WHEN that asof takes" {
    created contact_1 '{"n":1}'
    local id when
    id=$(member id "$(last "$E")")
    when=$(member timestamp "$(last "$E")")
    happened Contact.Updated '{"n":2}'
    diff_of 1 "$E" "$id"
    is 'n: 1 → 2' "$output"
    diff_of 1 "$E" "$when" v2
    is 'n: 1 → 2' "$output"
}

@test "diff goes into objects, by path; arrays and empty objects are one value" {
    created contact_1 '{"owner":{"name":"Ali","tags":[1,2],"home":{"city":"Rome"}},"e":{},"a.b":{"c d":1}}'
    happened Contact.Updated '{"owner":{"name":"Ali","tags":[1,3],"home":{"city":"Oslo","zip":7}},"e":{"f":null},"a.b":{"c d":2}}'
    diff_of 1 "$E" v1
    is 'owner.tags: [1,2] → [1,3]
owner.home.city: Rome → Oslo
e: {} → ∅
"a.b"."c d": 1 → 2
owner.home.zip: ∅ → 7
e.f: ∅ → null' "$(sed -n p <<< "$output")"
}

@test "diff shows text that would be taken for something else in quotes, and makes it harmless" {
    created contact_1 '{"a":"1","b":"x","c":"x"}'
    happened Contact.Updated '{"a":{"after":1},"b":"null","c":{"after":"\u001b[31mred"}}'
    diff_of 1 "$E" v1
    is 'a: "1" → 1
b: x → "null"
c: x → \u001b[31mred' "$output"
}

@test "diff of a deleted entity: every field goes, and comes again with the next Created" {
    created contact_1 '{"n":1,"m":2}'
    happened Contact.Deleted
    diff_of 1 "$E" v1
    is 'n: 1 → ∅
m: 2 → ∅' "$output"
    happened Contact.Created '{"n":5}'
    diff_of 1 "$E" v2 v3
    is 'n: ∅ → 5' "$output"
    diff_of 0 "$E" v2 v2
}

@test "diff of numbers as long as they are written" {
    created contact_1 '{"n":12345678901234567890}'
    happened Contact.Updated '{"n":12345678901234567891}'
    diff_of 1 "$E" v1
    is 'n: 12345678901234567890 → 12345678901234567891' "$output"
}

@test "diff takes a past of the entity, and the entity in a past of its tenant" {
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":2}'
    local when
    when=$(member timestamp "$(last "$E")")
    happened Contact.Updated '{"n":3}'
    diff_of 1 "$E/asof/v2" v1
    is 'n: 1 → 2' "$output"
    diff_of 1 "$T/asof/$when/contact_1" v1
    is 'n: 1 → 2' "$output"
    diff_of 1 "$E/state.json" v2
    is 'n: 2 → 3' "$output"
    cd "$E"
    diff_of 1 . v2
    diff_of 1 state.json v2
    is 'n: 2 → 3' "$output"
}

@test "diff exits with 2 and says why when a moment or an entity is none" {
    created contact_1 '{"n":1}'
    diff_of 2 "$E" v9
    holds v9 "$output"
    diff_of 2 "$E" 2001-01-01
    diff_of 2 "$E" ../v1
    diff_of 2 "$T" v1
    holds 'no entity' "$output"
    diff_of 2 "$T/contact_none" v1
    diff_of 2 "$E"
    holds usage "$output"
    diff_of 2 --nothing "$E" v1
    diff_of 0 --help
}

@test "diff is coloured on demand, and not into a pipe" {
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":2}'
    diff_of 1 --color=always "$E" v1
    is $'\e[34mn\e[0m: \e[31m1\e[0m → \e[32m2\e[0m' "$output"
    diff_of 1 --color=auto "$E" v1
    is 'n: 1 → 2' "$output"
}

# ---- blame

@test "blame names the event that each field is from" {
    created contact_1 '{"name":"Ada","stage":"Lead","n":1}'
    record "{\"type\":\"Contact.Qualified\",\"target\":\"contact_1\",\"actor\":\"agent_x\",\"data\":{\"stage\":\"Qualified\"}}"
    happened Contact.Updated '{"plan":"pro"}'
    blame_of "$E"
    is "v1 Contact.Created $ME name: Ada
v2 Contact.Qualified agent_x stage: Qualified
v1 Contact.Created $ME n: 1
v3 Contact.Updated $ME plan: pro" "$output"
}

@test "blame tells the moment of the event" {
    created contact_1 '{"n":1}'
    ends 0 "$FACTFS" blame --utc "$E"
    holds "$(member timestamp "$(last "$E")" | cut -c -19)Z  Contact.Created" "$output"
}

@test "blame of a field that went and came back is the event that brought it back, even with the same value" {
    created contact_1 '{"a":1,"b":1}'
    happened Contact.Updated '{"a":{"before":1}}'
    happened Contact.Updated '{"a":1}'
    blame_of "$E"
    is "v1 Contact.Created $ME b: 1
v3 Contact.Updated $ME a: 1" "$output"
}

@test "blame of a field that was changed there and back is the event that changed it back" {
    created contact_1 '{"a":1,"b":1}'
    happened Contact.Updated '{"a":2}'
    happened Contact.Updated '{"a":1}'
    happened Contact.Updated '{"b":1}'
    blame_of "$E"
    is "v3 Contact.Updated $ME a: 1
v1 Contact.Created $ME b: 1" "$output"
}

@test "blame of a rolled back field is the event of the rollback" {
    created contact_1 '{"a":1,"b":1}'
    happened Contact.Updated '{"a":2}'
    happened Contact.Updated '{"c":3}'
    is ok "$(put "$E/rollback" $'v1\n')"
    blame_of "$E"
    is "v4 Contact.Updated $ME a: 1
v1 Contact.Created $ME b: 1" "$output"
}

@test "blame of what was deleted and created again begins with that" {
    created contact_1 '{"a":1,"b":1}'
    happened Contact.Deleted
    ends 1 "$FACTFS" blame "$E"
    holds deleted "$output"
    happened Contact.Created '{"a":1}'
    blame_of "$E"
    is "v3 Contact.Created $ME a: 1" "$output"
}

@test "blame of snake_case events: what each merged in" {
    E=$T/order_1
    record '{"type":"was_placed","target":"order_1","data":{"total":10,"item":"x"}}'
    happened was_paid '{"paid":true,"item":"x"}'
    happened was_changed '{"total":11}'
    blame_of "$E"
    is "v3 was_changed $ME total: 11
v1 was_placed $ME item: x
v2 was_paid $ME paid: true" "$output"
}

@test "blame goes into objects: each field within has an event of its own" {
    created contact_1 '{"owner":{"name":"Ali","age":1}}'
    happened Contact.Updated '{"owner":{"name":"Ali","age":2}}'
    blame_of "$E"
    is "v1 Contact.Created $ME owner.name: Ali
v2 Contact.Updated $ME owner.age: 2" "$output"
}

@test "blame under asof is that of then" {
    created contact_1 '{"a":1}'
    happened Contact.Updated '{"a":2}'
    local when
    when=$(member timestamp "$(last "$E")")
    happened Contact.Updated '{"a":3}'
    blame_of "$E/asof/v2"
    is "v2 Contact.Updated $ME a: 2" "$output"
    blame_of "$T/asof/$when/contact_1"
    is "v2 Contact.Updated $ME a: 2" "$output"
    blame_of "$E/asof/v1/state.json"
    is "v1 Contact.Created $ME a: 1" "$output"
}

@test "blame agrees with going through all states by hand" {
    created contact_1 '{"f0":0}'
    RANDOM=7
    local i
    for i in {2..80}; do
        if ((i % 19 == 0)); then
            put "$E/rollback" "v$((RANDOM % (i - 1) + 1))"$'\n' > /dev/null
        else
            happened Contact.Updated "{\"f$((RANDOM % 6))\":$((RANDOM % 3))}"
        fi
    done
    blame_of "$E"
    local expected
    expected=$(python3 - "$E" << 'END'
import json, os, sys
events = sorted(os.listdir(sys.argv[1] + "/events"))
from_event, state = {}, {}
for version, name in enumerate(events, 1):
    with open(f"{sys.argv[1]}/asof/v{version}/state.json") as file:
        now = {k: v for k, v in json.load(file).items() if k[0] != "$"}
    from_event = {k: from_event[k] if k in state and state[k] == v else version for k, v in now.items()}
    state = now
print("\n".join(f"v{from_event[k]} {k}: {v}" for k, v in state.items()))
END
)
    is "$expected" "$(awk '{print $1, $(NF-1), $NF}' <<< "$output")"
}

@test "blame exits with 1 and says why when it is asked of no entity, with 2 for a wrong command line" {
    ends 1 "$FACTFS" blame "$T"
    holds 'no entity' "$output"
    mkdir "$T/contact_reserved"
    ends 1 "$FACTFS" blame "$T/contact_reserved"
    holds 'no event' "$output"
    ends 2 "$FACTFS" blame
    ends 2 "$FACTFS" blame --nothing "$T"
    ends 0 "$FACTFS" blame --help
}
