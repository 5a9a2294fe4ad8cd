# Handlers (HOOKS.md B): JavaScript that runs within the transaction of an event.
load helpers

# In a zone that handlers must not see.
setup_file() {
    TZ=EST5EDT4,M3.2.0,M11.1.0 mount_start
}

setup() {
    tenant_start
    H=$T/hooks/handlers
}

# handler NAME TEXT: saved as NAME.js.
handler() {
    local answer
    answer=$(save "$H/$1.js" "$2")
    [[ $answer == ok ]] || { printf 'refused with %s: %s\n' "$answer" "$(tail -n 1 "$T/rejected")"; return 1; }
}

# The types of the events from line N on.
types_from() {
    tail -n +"$1" "$T/stream" | jq -r .type | tr '\n' ' ' | sed 's/ $//'
}

# happens TYPE ENTITY [DATA]: one more event of any entity; the events that came with it, without the hooks' own.
happens() {
    BEFORE=$(count "$T")
    BEFORE=${BEFORE:-0}
    record "{\"type\":\"$1\",\"target\":\"$2\",\"data\":${3:-{\}}}"
}

# What came since `happens`, a line each: type, target and data of the events that handlers wrote.
wrote() {
    tail -n +$((BEFORE + 2)) "$T/stream" | jq -c '[.type, .target, .data]'
}

# result EXPRESSION: what it is in a handler, as JSON.
result() {
    handler Probe.tested "(probe, \$) => { \$.Result.create({ value: $1 }) }"
    happens Probe.Tested "probe_$RANDOM$RANDOM" "${2:-{\}}"
    local line data
    line=$(last "$T")
    data=$(data_of "${line%%,\"metadata\":*}")
    data=${data%,\"tenant\":*}
    data=${data#'{"value":'}
    printf '%s\n' "${data%\}}"
}

# how MEMBER HANDLER: of its health in status.json.
how() {
    jq -c ".hooks.handlers[\"$2\"]$1" "$T/status.json"
}

@test "the seed's handler runs unchanged, in the transaction of its event" {
    created contact_1 '{"name":"Alice Chen","stage":"Lead"}'
    cat > "$H/Deal.closed.js" << 'END'
(deal, $) => {
$.Subscription.create({ plan: 'pro', contact: deal.contact })
$.Contact.update(deal.contact, { stage: 'Customer' })
}
END
    created deal_1 '{"contact":"contact_1"}'
    happens Deal.Closed deal_1 '{"stage":"Closed"}'
    is "Deal.Closed Subscription.Created Contact.Updated" "$(types_from $((BEFORE + 1)))"
    is '["Contact.Updated","contact_1",{"stage":{"before":"Lead","after":"Customer"}}]' "$(wrote | tail -n 1)"
    is '{"name":"Alice Chen","stage":"Customer"}' "$(state "$T/contact_1/state.json")"
    is 1 "$(tail -n 3 "$T/stream" | jq -r .timestamp | sort -u | wc -l)"
}

@test "B3 names match letter case aside, and gerunds and pasts by the verb's own forms" {
    handler deal.closed '(d, $) => { $.Seen.create({ by: "deal.closed" }) }'
    handler 'Deal.*' '(d, $) => { $.Seen.create({ by: "Deal.*" }) }'
    handler '*.Lost' '(d, $) => { $.Seen.create({ by: "*.Lost" }) }'
    handler Deal.canceled '(d, $) => { $.Seen.create({ by: "Deal.canceled" }) }'
    handler FeatureFlag.rolledOut '(d, $) => { $.Seen.create({ by: "rolledOut" }) }'
    happens Deal.CLOSED deal_1
    is '["Deal.*"] ["deal.closed"]' "$(tail -n 2 "$T/stream" | jq -c '[.data.by]' | tr '\n' ' ' | sed 's/ $//')"
    happens Deal.Lost deal_1
    is '["*.Lost"] ["Deal.*"]' "$(tail -n 2 "$T/stream" | jq -c '[.data.by]' | tr '\n' ' ' | sed 's/ $//')"
    happens Deal.Cancelled deal_1
    is 2 "$(wrote | wc -l)"
    happens FeatureFlag.RolledOut featureflag_1
    is 1 "$(wrote | wc -l)"
    # A gerund is BEFORE.
    handler Deal.losing '() => { throw new Error("never lost") }'
    handler Invoice.paying '() => { throw new Error("never paid") }'
    handler Order.cancelling '() => { throw new Error("never canceled") }'
    E=$T/deal_1
    is EPERM "$(try Deal.Lost)"
    E=$T/invoice_1
    is EPERM "$(try Invoice.Paid)"
    E=$T/order_1
    is EPERM "$(try Order.Canceled)"
    is ok "$(try Order.Closed)"
}

@test "B3 a snake_case event has AFTER" {
    handler order.was_placed '(o, $) => { $.Seen.create({ data: $.event.data, total: o.total }) }'
    happens was_placed order_550e8400-e29b-41d4-a716-446655440000 '{"total":3}'
    is '{"data":{"total":3},"total":3}' "$(wrote | jq -c '.[2]')"
}

@test "B4 all BEFORE, then the event, then all AFTER, in the byte order of the names" {
    local name
    for name in Deal.closed.b Deal.closed.a '*.closed' deal.closed; do
        handler "$name" "(d, \$) => { \$.Seen.create({ by: '$name', n: d.n }) }"
    done
    handler Deal.closing.2 '(d) => ({ n: d.n + "2" })'
    handler Deal.closing.1 '(d) => ({ n: d.n + "1" })'
    happens Deal.Closed deal_1 '{"n":"0"}'
    is '{"n":"012"}' "$(data_of "$(event "$T/deal_1" 1)")"
    is '*.closed Deal.closed.a Deal.closed.b deal.closed' "$(wrote | jq -r '.[2].by' | tr '\n' ' ' | sed 's/ $//')"
    is '"012"' "$(wrote | jq -c '.[2].n' | sort -u)"
}

@test "B5 the first argument is the state after the event, and \$.event the event" {
    created contact_1 '{"a":1}'
    handler Contact.qualified '(c, $) => { $.Seen.create({ c, e: $.event }) }'
    happens Contact.Qualified contact_1 '{"a":2,"b":3}'
    local seen
    seen=$(wrote | jq -c '.[2]')
    is '["contact_1","Contact",2,2,3]' "$(jq -c '[.c["$id"], .c["$type"], .c["$version"], .c.a, .c.b]' <<< "$seen")"
    is "$(event "$T/contact_1" 2)" "$(jq -c .e <<< "$seen")"
    # Deleted: the last state.
    handler Contact.deleted '(c, $) => { $.Seen.create({ a: c.a, version: c.$version }) }'
    happens Contact.Deleted contact_1
    is '{"a":2,"version":3}' "$(wrote | jq -c '.[2]')"
    # BEFORE: the state as it would be, the event without id and version, its data in pairs.
    handler Contact.scoring '(c, $) => ({ seen: [c.a, c.score, c.$version, $.event.id, $.event.version, $.event.data] })'
    created contact_2 '{"a":1}'
    happens Contact.Scored contact_2 '{"score":5}'
    is '[1,5,2,null,null,{"score":{"after":5}}]' "$(jq -c .seen "$T/contact_2/state.json")"
}

@test "B6 what BEFORE returns is merged over the new values; the rest keeps its bytes" {
    handler Deal.closing '(d) => ({ note: "a -> b", value: 2, same: d.big })'
    created deal_1 '{"value":1,"note":"x"}'
    happens Deal.Closed deal_1 '{"big":12345678901234567890,"price":1.10}'
    is '{"big":{"after":12345678901234567890},"price":{"after":1.10},"note":{"before":"x","after":"a -> b"},"value":{"before":1,"after":2},"same":{"after":12345678901234567890}}' \
        "$(last_data)"
    handler Deal.closing '(d) => ({ ...d, score: 1 })'
    happens Deal.Closed deal_1 '{"big":12345678901234567891}'
    is '{"big":{"before":12345678901234567890,"after":12345678901234567891},"score":{"after":1}}' "$(last_data)"
    handler Deal.closing '() => null'
    is ok "$(try Deal.Closed)"
    local answer
    for answer in false 7 '"text"' '[1]' '() => 1' 'Promise.resolve(3)' 'NaN'; do
        handler Deal.closing "() => ($answer)"
        is EPERM "$(try Deal.Closed)" || { echo "of: $answer"; return 1; }
    done
}

@test "B7 a BEFORE that breaks fails closed" {
    created deal_1
    local body
    for body in 'nowhere()' 'for (;;);' 'let a = []; for (;;) a.push("x".repeat(1e5))' 'throw new Error("no")' 'throw "no"' \
        'throw null' '$.X.create({})' 'new Promise(() => {})' 'let f = () => f(); f()'; do
        handler Deal.closing "async (d, \$) => { $body; return $([[ $body == new* ]] && echo "await $body" || echo null) }"
        is EPERM "$(try Deal.Closed)" || { echo "of: $body"; return 1; }
    done
    is 1 "$(count "$E")"
}

@test "B8 a BEFORE only reads through \$" {
    handler Deal.closing '(d, $) => { try { $.X.create({}) } catch (e) { return { said: e.message, there: $.Deal.count() } } }'
    created deal_1
    happens Deal.Closed deal_1
    is '["a handler that runs before its event only reads",1]' "$(jq -c '[.said, .there]' "$E/state.json")"
    is 0 "$(ls "$T" | grep -c '^x_')"
}

@test "B9 a refusal inside a batch refuses the whole write, with the handler's name and words" {
    handler Contact.qualifying '(c) => { console.log("looked at", c.$id); if (!c.email) throw new Error("no email") }'
    created contact_1 '{"email":"a"}'
    created contact_2
    local before
    before=$(count "$T")
    is EPERM "$(put "$T/append" '[{"type":"Contact.Qualified","target":"contact_1"},{"type":"Contact.Qualified","target":"contact_2"}]')"
    is "$before" "$(count "$T")"
    is "Contact.qualifying.js: no email" "$(member reason "$(tail -n 1 "$T/rejected")")"
    is 2 "$(member line "$(tail -n 1 "$T/rejected")")"
    holds "log looked at contact_2" "$(cat "$H/Contact.qualifying.log")"
    run calls open "$T/append" + write '{"type":"Contact.Qualified","target":"contact_2"}' read 4096 close
    holds "Contact.qualifying.js: no email" "$output"
}

@test "B10 what a handler writes has the actor, the moment and the cause of its event" {
    handler Deal.closed '(d, $) => { $.A.create({}) }'
    handler A.created '(a, $) => { $.B.create({}) }'
    record '{"type":"Deal.Closed","target":"deal_1","actor":"agent_mR4nVkTw"}'
    is "Deal.Closed A.Created B.Created" "$(types_from 3)"
    local id_deal id_a
    id_deal=$(member id "$(event "$T" 3)")
    id_a=$(member id "$(event "$T" 4)")
    is "[\"agent_mR4nVkTw\",{\"cause\":\"$id_deal\",\"handler\":\"Deal.closed\"}]" "$(event "$T" 4 | jq -c '[.actor, .metadata]')"
    is "[\"agent_mR4nVkTw\",{\"cause\":\"$id_a\",\"handler\":\"A.created\"}]" "$(event "$T" 5 | jq -c '[.actor, .metadata]')"
    is 1 "$(tail -n 3 "$T/stream" | jq -r .timestamp | sort -u | wc -l)"
}

@test "B10 they follow their event at once, depth first; receipts list the caller's own events only" {
    handler Deal.closed '(d, $) => { $.A.create({ n: 1 }); $.A.create({ n: 2 }) }'
    handler A.created '(a, $) => { $.B.create({ n: a.n }) }'
    run calls open "$T/append" + write '[{"type":"Deal.Closed","target":"deal_1"},{"type":"Deal.Closed","target":"deal_2"}]' read 4096 close
    is 2 "$(grep -o 'position' <<< "$output" | wc -l)"
    is "Deal.Closed A.Created B.Created A.Created B.Created Deal.Closed A.Created B.Created A.Created B.Created" "$(types_from 3)"
    # The receipt is that of its event.
    holds '"target":"deal_2","version":1,"position":8}' "$(tr -d '\\' <<< "$output")"
}

@test "B11 eight levels: the write that would make the ninth throws, and only that handler is undone" {
    handler Loop.created '(l, $) => { $.Loop.create({ n: (l.n ?? 0) + 1 }) }'
    happens Loop.Created loop_1
    is 8 "$(wrote | wc -l)"
    is 9 "$(how .runs Loop.created)"
    is 1 "$(how .failures Loop.created)"
    # The one that met the limit loses what it wrote before.
    handler Loop.created '(l, $) => { $.Mark.create({ n: l.n ?? 0 }); $.Loop.create({ n: (l.n ?? 0) + 1 }) }'
    happens Loop.Created loop_2
    is "0 1 2 3 4 5 6 7" "$(wrote | jq -r 'select(.[0] == "Mark.Created") | .[2].n' | tr '\n' ' ' | sed 's/ $//')"
}

@test "B12 a thousand events for one from outside; the next throws, and the handler that does not catch it loses all" {
    handler Deal.closed '(d, $) => { for (let i = 0; i < 1000; i++) $.A.create({ i }) }'
    happens Deal.Closed deal_1
    is 1000 "$(wrote | wc -l)"
    handler Deal.closed '(d, $) => { for (let i = 0; i < 1001; i++) $.A.create({ i }) }'
    happens Deal.Closed deal_1
    is 0 "$(wrote | wc -l)"
    holds "more than 1000 others" "$(how .lastError.error Deal.closed)"
    handler Deal.closed '(d, $) => { try { for (;;) $.A.create({}) } catch (e) {} }'
    happens Deal.Closed deal_1
    is 1000 "$(wrote | wc -l)"
}

@test "B13 time and memory cannot be caught; a stack overflow is an ordinary RangeError" {
    handler Deal.closed '(d, $) => { $.A.create({}); try { for (;;); } catch (e) {} finally { $.B.create({}) } }'
    happens Deal.Closed deal_1
    is 0 "$(wrote | wc -l)"
    holds "50 ms" "$(how .lastError.error Deal.closed)"
    handler Deal.closed '(d, $) => { $.A.create({}); const a = []; try { for (;;) a.push("x".repeat(1e5) + a.length) } catch (e) {} }'
    happens Deal.Closed deal_1
    is 0 "$(wrote | wc -l)"
    holds "32 MiB" "$(how .lastError.error Deal.closed)"
    handler Deal.closed '(d, $) => { const f = () => f() + 1; try { f() } catch (e) { $.A.create({ is: e instanceof RangeError, name: e.name }) } }'
    happens Deal.Closed deal_1
    is '{"is":true,"name":"RangeError"}' "$(wrote | jq -c '.[2]')"
}

@test "B14 the clock is the event's, random numbers are its position's, the zone is UTC" {
    handler Deal.closed '(d, $) => { $.A.create({ now: Date.now(), is: new Date().toISOString() === new Date($.event.timestamp).toISOString(), zone: new Date().getTimezoneOffset(), local: new Date(2026, 0, 1).toISOString(), r: [Math.random(), Math.random()], string: Date() === String(new Date()) }) }'
    handler deal.closed.again '(d, $) => { $.A.create({ r: [Math.random(), Math.random()] }) }'
    happens Deal.Closed deal_1
    is '[true,0,"2026-01-01T00:00:00.000Z",true]' "$(wrote | head -n 1 | jq -c '.[2] | [.is, .zone, .local, .string]')"
    is 1 "$(wrote | jq -c '.[2].r' | sort -u | wc -l)"
    is true "$(wrote | head -n 1 | jq '.[2].r | .[0] != .[1] and .[0] >= 0 and .[0] < 1')"
}

@test "B14 there is no fetch, require, import, timer, file, and nothing else from outside" {
    is '"undefined undefined undefined undefined undefined undefined undefined undefined undefined"' \
        "$(result '[typeof fetch, typeof require, typeof setTimeout, typeof setInterval, typeof std, typeof os, typeof performance, typeof process, typeof eval].join(" ")')"
    handler Probe.tested 'async (p, $) => { try { await import("std") } catch (e) { $.Result.create({ e: "refused" }) } }'
    happens Probe.Tested probe_1
    is '{"e":"refused"}' "$(wrote | jq -c '.[2]')"
}

@test "B14 nothing that a call puts on globalThis, a prototype or itself is there in the next" {
    local body
    for body in 'globalThis.kept = (globalThis.kept ?? 0) + 1; return globalThis.kept' \
        'Object.prototype.kept = 1; return Object.prototype.kept ?? 1' \
        'try { Array.prototype.push = () => 7 } catch (e) {} return [].push(1)' \
        'self.kept = (self.kept ?? 0) + 1; return self.kept' \
        'JSON.kept = 1; Math.kept = 1; return 1' \
        'Object.getPrototypeOf(function* () {}).kept = 1; return Object.getPrototypeOf(function* () {}).kept ?? 1' \
        'Object.getPrototypeOf($.Deal).kept = 1; return 1' \
        'Date.prototype.getTime = () => 1; return new Date(1).getTime()'; do
        handler Probe.tested "function self(p, \$) { const f = () => { try { $body } catch (e) { return 1 } }; \$.Result.create({ n: f() }) }"
        happens Probe.Tested "probe_$RANDOM$RANDOM"
        happens Probe.Tested "probe_$RANDOM$RANDOM"
        is '{"n":1}' "$(wrote | jq -c '.[2]')" || { echo "of: $body"; return 1; }
    done
    # What programs do to objects of their own works.
    is '["own","x","custom"]' "$(result '[(() => { const o = {}; o.toString = () => "own"; return String(o) })(), (() => { const o = Object.create({}); o.constructor = "x"; return o.constructor })(), (() => { class E extends Error { constructor(m) { super(m); this.name = "custom" } } return new E("m").name })()]')"
}

@test "B15 await is harmless, and a promise is awaited; one that stays pending is an error" {
    handler Deal.closed 'async (d, $) => { const a = await $.A.create({ n: 1 }); await null; $.B.create({ n: a.n + 1 }); await Promise.all([1, 2].map(async (n) => $.C.create({ n }))) }'
    happens Deal.Closed deal_1
    is '{"n":1} {"n":2} {"n":1} {"n":2}' "$(wrote | jq -c '.[2]' | tr '\n' ' ' | sed 's/ $//')"
    handler Deal.closed 'async (d, $) => { $.A.create({}); await new Promise(() => {}) }'
    happens Deal.Closed deal_1
    is 0 "$(wrote | wc -l)"
    holds "pending" "$(how .lastError.error Deal.closed)"
    handler Deal.closed 'async (d, $) => { $.A.create({}); await null; throw new Error("late") }'
    happens Deal.Closed deal_1
    is 0 "$(wrote | wc -l)"
    is '"late"' "$(how .lastError.error Deal.closed)"
}

@test "B16 create gives an id and returns the state; an id of the noun names the entity, another is a field" {
    handler Deal.closed '(d, $) => { const s = $.Subscription.create({ plan: "pro", id: "X-7", $version: 9 }); $.Seen.create({ s }) ; $.Goal.create({ id: "goal_nT5xKpRm", name: "n" }); $.Goal.create({ $id: "goal_2", id: "deal_1" }) }'
    happens Deal.Closed deal_1
    local first
    first=$(wrote | head -n 1)
    holds '["Subscription.Created","subscription_' "$first"
    is '{"plan":"pro","id":"X-7"}' "$(jq -c '.[2]' <<< "$first")"
    is "$(jq -r '.[1]' <<< "$first") 1 pro" "$(wrote | sed -n 2p | jq -r '.[2].s | .["$id"] + " " + (.["$version"] | tostring) + " " + .plan')"
    is '["Goal.Created","goal_nT5xKpRm",{"name":"n"}] ["Goal.Created","goal_2",{"id":"deal_1"}]' "$(wrote | tail -n 2 | tr '\n' ' ' | sed 's/ $//')"
    # Creating what exists is a mistake, here too.
    handler Deal.closed '(d, $) => { $.Goal.create({ $id: "goal_2" }) }'
    happens Deal.Closed deal_1
    is 0 "$(wrote | wc -l)"
    holds "exists already" "$(how .lastError.error Deal.closed)"
}

@test "B17 get, update, delete and verbs of what is there, and of what is not" {
    created contact_1 '{"a":1,"b":{"c":[1]}}'
    is null "$(result '$.Contact.get("contact_2")')"
    is null "$(result '$.Contact.get("deal_1")')"
    is 1 "$(result '$.Contact.get("contact_1").a')"
    is '"Contact not found: contact_2"' "$(result '(() => { try { $.Contact.update("contact_2", {}) } catch (e) { return e.message } })()')"
    is false "$(result '$.Contact.delete("contact_2")')"
    # Without a difference there is no event; a verb is always one.
    handler Deal.closed '(d, $) => { $.Contact.update("contact_1", { a: 1, b: { c: [1.0] } }); $.Contact.update({ id: "contact_1", a: 2 }); $.Contact.update({ $id: "contact_1", a: null }); $.Contact.qualify("contact_1"); $.Contact.qualify({ id: "contact_1", s: "x" }); $.Contact.delete("contact_1"); $.Contact.delete("contact_1") }'
    happens Deal.Closed deal_1
    is '["Contact.Updated","contact_1",{"a":{"before":1,"after":2}}]
["Contact.Updated","contact_1",{"a":{"before":2,"after":null}}]
["Contact.Qualified","contact_1",{}]
["Contact.Qualified","contact_1",{"s":{"after":"x"}}]
["Contact.Deleted","contact_1",{}]' "$(wrote)"
    is null "$(result '$.Contact.get("contact_1")')"
    is 1 "$(result '$.Contact.get("contact_1", { asOf: "v1" }).a')"
}

@test "B17 rollback to a version or a moment" {
    created contact_1 '{"a":1}'
    local then
    then=$(member timestamp "$(last "$T")")
    happened Contact.Updated '{"a":2,"b":3}'
    handler Deal.closed '(d, $) => { $.Contact.rollback("contact_1", 1) }'
    happens Deal.Closed deal_1
    is '["Contact.Updated","contact_1",{"a":{"after":1,"before":2},"b":{"before":3}}]' "$(wrote | jq -cS .)"
    is v1 "$(tail -n 1 "$T/stream" | jq -r .metadata.rollbackTo)"
    happened Contact.Updated '{"a":4}'
    handler Deal.closed "(d, \$) => { \$.Contact.rollback('contact_1', { asOf: '$then' }) }"
    happens Deal.Closed deal_1
    is '["Contact.Updated","contact_1",{"a":{"before":4,"after":1}}]' "$(wrote)"
}

@test "B18 find lists in the order of creation, without a limit, by options; findOne and count" {
    local i
    for i in 3 1 2; do
        created "contact_$i" "{\"n\":$i,\"stage\":\"Lead\",\"o\":{\"p\":\"x$i\"}}"
    done
    created lead_9 '{"n":9}'
    is '[3,1,2]' "$(result '$.Contact.find({ stage: "Lead" }).map((c) => c.n)')"
    is '[1,2,3]' "$(result '$.Contact.find({}, { sort: "n" }).map((c) => c.n)')"
    is '[3,2]' "$(result '$.Contact.find({}, { sort: { n: -1 }, limit: 2 }).map((c) => c.n)')"
    is '[1]' "$(result '$.Contact.find(undefined, { offset: 1, limit: 1 }).map((c) => c.n)')"
    is '[3,2,1]' "$(result '$.Contact.find({}, { sort: "-o.p" }).map((c) => c.n)')"
    is '[1,null,3]' "$(result '[$.Contact.findOne({ n: 1 }).n, $.Contact.findOne({ n: 7 }), $.Contact.count()]')"
    is '3 4' "$(result '$.Contact.count() + " " + ($.Contact.create({}) && $.Contact.count())' | tr -d '"')"
    is '[2]' "$(result '$.Contact.find({ n: { $gt: 1 } }, { asOf: new Date(Date.now() - 1) , sort: "n", limit: 1}).map((c) => c.n)')"
}

@test "B19 events.list tells the log: by type, entity, actor and time, this transaction's too" {
    created contact_1 '{"a":1}'
    record '{"type":"Contact.Qualified","target":"contact_1","actor":"agent_a","data":{"a":2}}'
    created contact_2
    is '["Contact.Created","Contact.Qualified"]' "$(result '$.events.list({ entity: "contact_1" }).map((e) => e.type)')"
    is '[{"a":{"before":1,"after":2}}]' "$(result '$.events.list({ actor: "agent_a" }).map((e) => e.data)')"
    is '["contact_2","contact_1"]' "$(result '$.events.list({ type: "Contact.Created", order: "desc" }).map((e) => e.target)')"
    is '["Contact.Created"]' "$(result '$.events.list({ type: "Contact.*", limit: 1 }).map((e) => e.type)')"
    local at
    at=$(member timestamp "$(event "$T" 2)")
    is '["Contact.Qualified"]' "$(result "\$.events.list({ target: 'contact_1', after: '$at' }).map((e) => e.type)")"
    is '["Contact.Created"]' "$(result "\$.events.list({ target: 'contact_1', before: '$at' }).map((e) => e.type)")"
    handler Deal.closed '(d, $) => { $.A.create({}); $.Seen.create({ n: $.events.list({ after: $.event.timestamp }).map((e) => e.type) }) }'
    happens Deal.Closed deal_1
    is '{"n":["Deal.Closed","A.Created"]}' "$(wrote | tail -n 1 | jq -c '.[2]')"
}

@test "B20 every verb is conjugated by rule where no spec declares the noun" {
    handler Deal.closed '(d, $) => { for (const v of ["cancel", "qualify", "publish", "close", "deploy", "lose", "pay", "stop", "submit", "rollout", "tag", "log", "send", "achieve", "reopen"]) $.Thing[v]({ id: "thing_1" }) }'
    happens Deal.Closed deal_1
    is "Canceled Qualified Published Closed Deployed Lost Paid Stopped Submitted RolledOut Tagged Logged Sent Achieved Reopened" \
        "$(wrote | jq -r '.[0][6:]' | tr '\n' ' ' | sed 's/ $//')"
}

@test "B20 with the noun declared, only its verbs" {
    printf '{"nouns":{"Deal":{"close":"Closed"},"Seen":{},"Contact":{"name":"string","stage":"Lead | Qualified","qualify":"Qualified","bless":"Blessed"}}}' > "$T/spec.json"
    handler Deal.closed '(d, $) => { $.Contact.create({ $id: "contact_1" }); $.Contact.qualify("contact_1"); try { $.Contact.close("contact_1") } catch (e) { $.Seen.create({ e: e.message }) } }'
    handler Deal.closed.2 '(d, $) => { $.Contact.create({ stage: "Nowhere" }) }'
    happens Deal.Closed deal_1
    is '["Contact.Qualified","contact_1",{"stage":{"after":"Qualified"}}]
["Seen.Created",{"e":"Unknown verb '"'close'"' on Contact"}]' "$(wrote | tail -n +2 | sed -E 's/"seen_[A-Za-z0-9]+",//')"
    is 1 "$(how .failures Deal.closed.2)"
}

@test "B23 a handler's log is a file beside it: console.log, and errors with their place" {
    handler Deal.closed $'(d, $) => {\n  console.log("is", 1, { a: [d.$id] });\n  console.error("two\\nlines");\n  nowhere();\n}'
    is 0 "$(stat -c %s "$H/Deal.closed.log")"
    happens Deal.Closed deal_1
    local id at
    id=$(member id "$(event "$T" 2)")
    at=$(member timestamp "$(event "$T" 2)")
    is "$at $id log is 1 {\"a\":[\"deal_1\"]}
$at $id error two
$at $id error lines
$at $id error ReferenceError: 'nowhere' is not defined
$at $id error     at <anonymous> (Deal.closed.js:4:3)" "$(cat "$H/Deal.closed.log")"
    is "{\"state\":\"failing\",\"runs\":1,\"failures\":1,\"lastError\":{\"time\":\"$at\",\"id\":\"$id\",\"error\":\"ReferenceError: 'nowhere' is not defined\"}}" "$(how "" Deal.closed)"
    is Deal.closed.js "$(ls "$H" | grep js)"
    daemon_restart
    is 5 "$(wc -l < "$H/Deal.closed.log")"
    handler Deal.closed '() => {}'
    happens Deal.Closed deal_1
    is '"active"' "$(how .state Deal.closed)"
    # It is nobody's to write, and goes with its handler.
    is EPERM "$(calls -q open "$H/Deal.closed.log" w write x close)"
    rm "$H/Deal.closed.js"
    [[ ! -e $H/Deal.closed.log ]]
}

@test "B23 a log keeps its newest MiB" {
    handler Deal.closed '(d) => { for (let i = 0; i < 60; i++) console.log(d.n, "x".repeat(1000)) }'
    local i
    for i in $(seq 1 30); do
        happens Deal.Closed deal_1 "{\"n\":$i}"
    done
    local size
    size=$(stat -c %s "$H/Deal.closed.log")
    ((size > 900000 && size < 1100000)) || { echo "size: $size"; return 1; }
    holds " log 30 xxx" "$(tail -n 1 "$H/Deal.closed.log" | cut -c -100)"
    is 0 "$(grep -c ' log 1 xxx' "$H/Deal.closed.log")"
}

@test "B24 import runs no handlers" {
    handler '*.*' '(d, $) => { $.Seen.create({}) }'
    handler '*.closing' '() => { throw new Error("no") }'
    local before
    before=$(count "$T")
    put "$T/import" '{"id":"evt_i1","type":"Deal.Closed","target":"deal_1","timestamp":"2099-01-01T00:00:00Z","actor":"a"}'
    is $((before + 1)) "$(count "$T")"
}

@test "B25 the values of one write see each other's handlers" {
    handler Deal.closed '(d, $) => { $.Seen.create({ seen: $.Seen.count() }) }'
    happens Deal.Closed deal_0
    BEFORE=$(count "$T")
    record '[{"type":"Deal.Closed","target":"deal_1"},{"type":"Deal.Closed","target":"deal_2"}]'
    is "Deal.Closed Seen.Created Deal.Closed Seen.Created" "$(types_from $((BEFORE + 1)))"
    is "0 1 2" "$(jq -r 'select(.type == "Seen.Created") | .data.seen' "$T/stream" | tr '\n' ' ' | sed 's/ $//')"
}

@test "B27 writes do not use up the time, what they set off has its own" {
    handler A.created '() => { let n = 0; for (let i = 0; i < 2e5; i++) n += i }'
    handler Deal.closed '(d, $) => { for (let i = 0; i < 100; i++) $.A.create({}) }'
    happens Deal.Closed deal_1
    is 100 "$(wrote | wc -l)"
}

@test "fail open: what a failing AFTER wrote is gone, and what it set off; the event and the others stand" {
    created contact_1 '{"n":1}'
    handler A.created '(a, $) => { $.B.create({}) ; $.Contact.update("contact_1", { n: 3 }) }'
    handler Deal.closed.1 '(d, $) => { $.Contact.update("contact_1", { n: 2 }) }'
    handler Deal.closed.2 '(d, $) => { $.A.create({}); $.New.created({}); $.Contact.delete("contact_1"); throw new Error("oops") }'
    handler Deal.closed.3 '(d, $) => { $.Seen.create({ n: $.Contact.get("contact_1").n, a: $.A.count(), b: $.B.count(), e: $.events.list({ type: "A.*" }).length }) }'
    happens Deal.Closed deal_1
    is "Deal.Closed Contact.Updated Seen.Created" "$(types_from $((BEFORE + 1)))"
    is '{"n":2,"a":0,"b":0,"e":0}' "$(wrote | tail -n 1 | jq -c '.[2]')"
    is '{"n":2}' "$(state "$T/contact_1/state.json")"
    daemon_restart
    is '{"n":2}' "$(state "$T/contact_1/state.json")"
    is "$(cat "$T/stream")" "$(for f in $(jq -r '.target + "/events/" + ("00000000" + (.version | tostring))[-8:] + "." + .type + ".json"' "$T/stream"); do cat "$T/$f"; done)"
}

@test "an error of a write in a handler can be caught, and leaves nothing" {
    created contact_1
    handler Deal.closed '(d, $) => { try { $.Contact.create({ $id: "contact_1" }) } catch (e) { $.Seen.create({ code: e.code }) } }'
    happens Deal.Closed deal_1
    is '{"code":"EEXIST"}' "$(wrote | jq -c '.[2]')"
    # A BEFORE refuses a handler's write like any other.
    handler Contact.creating '() => { throw new Error("closed shop") }'
    handler Deal.closed '(d, $) => { try { $.Contact.create({}) } catch (e) { $.Seen.create({ e: e.message, code: e.code }) } }'
    happens Deal.Closed deal_1
    is '{"e":"Contact.creating.js: closed shop","code":"EPERM"}' "$(wrote | jq -c '.[2]')"
}

@test "numbers that do not fit into a double pass through a handler as they are" {
    handler Deal.closed '(d, $) => { $.A.create({ big: d.big, tiny: d.tiny, price: d.price, sum: d.one + 1, list: [d.big], n: 12345678901234567890n }) }'
    happens Deal.Closed deal_1 '{"big":12345678901234567890,"tiny":1e-400,"price":1.10,"one":1}'
    local line
    line=$(last "$T")
    holds '"data":{"big":12345678901234567890,"tiny":1e-400,"price":1.1,"sum":2,"list":[12345678901234567890],"n":12345678901234567890}' "$line"
    is '"a: NaN is no number that JSON can hold"' "$(result '(() => { try { $.A.create({ a: NaN }) } catch (e) { return "a: " + e.message } })()')"
}

@test "E10 \$.status() tells alerts and metrics, and nothing else, as this transaction has brought them about" {
    is ok "$(save "$T/hooks/metrics/worth.json" '{"aggregate":"sum","type":"Deal","field":"value"}')"
    created deal_1 '{"value":0.1}'
    counted() {
        [[ $(jq .metrics.worth "$T/status.json") == 0.1 ]]
    }
    wait_for counted
    handler Deal.closed '(d, $) => {
        const before = $.status().metrics.worth
        $.Deal.create({ value: 0.2 })
        const status = $.status()
        $.Result.create({ of: Object.keys(status), alerts: status.alerts, mrr: status.metrics.mrr, before, after: status.metrics.worth })
    }'
    happens Deal.Closed deal_1 '{"value":1}'
    is '{"of":["alerts","metrics"],"alerts":[],"mrr":0,"before":1,"after":1.2}' "$(wrote | tail -n 1 | jq -c '.[2]')"
    # What is undone has not been.
    handler Deal.lost '(d, $) => { $.Deal.create({ value: 100 }); throw 1 }'
    handler Deal.lost.then '(d, $) => { $.Result.create({ worth: $.status().metrics.worth }) }'
    happens Deal.Lost deal_1
    is '{"worth":1.2}' "$(wrote | tail -n 1 | jq -c '.[2]')"
    # In a rehearsal nothing counts.
    "$FACTFS" replay "$STORE" "$TENANT" Deal.lost.then --dry-run | grep -qF '"data":{}'
}

@test "A11 a handler is in force for what is committed after it was closed, and not after it was removed" {
    happens Deal.Closed deal_1
    handler Deal.closed '(d, $) => { $.Seen.create({}) }'
    is 0 "$(ls "$T" | grep -c '^seen_')"
    happens Deal.Closed deal_1
    is 1 "$(wrote | wc -l)"
    mv "$H/Deal.closed.js" "$H/Deal.won.js"
    happens Deal.Closed deal_1
    is 0 "$(wrote | wc -l)"
    happens Deal.Won deal_1
    is 1 "$(wrote | wc -l)"
    rm "$H/Deal.won.js"
    happens Deal.Won deal_1
    is 0 "$(wrote | wc -l)"
    handler Deal.closed '(d, $) => { $.Seen.create({}) }'
    daemon_restart
    happens Deal.Closed deal_1
    is 1 "$(wrote | wc -l)"
}

@test "the events of hooks are events like any other, but nothing refuses them" {
    handler handler.created '(h, $) => { $.Seen.create({ name: h.name }) }'
    handler '*.creating' '() => { throw new Error("no") }'
    handler '*.updating' '() => { throw new Error("no") }'
    handler '*.deleting' '() => { throw new Error("no") }'
    # That of the first came before the handler that would refuse it.
    is 1 "$(ls "$T" | grep -c '^seen_')"
    rm "$H/"*.creating.js
    BEFORE=$(($(count "$T") - 1))
    handler Deal.closed '() => 1'
    is '{"name":"Deal.closed"}' "$(wrote | tail -n 1 | jq -c '.[2]')"
    rm "$H"/*.js
    is "" "$(ls "$H")"
}

@test "state.json and rollback run handlers, too" {
    created contact_1 '{"a":1}'
    handler Contact.updated '(c, $) => { $.Seen.create({ a: c.a }) }'
    handler Contact.updating '(c) => { if (c.a === 13) throw new Error("unlucky") }'
    is ok "$(save "$E/state.json" '{"a":2}')"
    is '{"a":2}' "$(last "$T" | jq -c .data)"
    is EPERM "$(save "$E/state.json" '{"a":13}')"
    echo v1 > "$E/rollback"
    is '{"a":1}' "$(last "$T" | jq -c .data)"
}

@test "kill -9 in the midst of cascades leaves each whole or not at all" {
    handler Deal.closed '(d, $) => { for (let i = 0; i < 20; i++) $.A.create({ deal: d.$id }) }'
    local i pid
    (for i in $(seq 1 2000); do echo "{\"type\":\"Deal.Closed\",\"target\":\"deal_$i\"}" > "$T/append" || break; done) 2> /dev/null 3>&- &
    pid=$!
    wait_for eval "(( \$(count '$T') > 300 ))"
    kill -KILL "$(daemon_pid)"
    wait_for process_gone "$(daemon_pid)"
    # A thread of it may still wait for the disk.
    wait_for flock -n "$STORE/lock" true
    mount_abort
    wait "$pid" || true
    daemon_start
    is 20 "$(jq -r 'select(.type == "A.Created") | .data.deal' "$T/stream" | sort | uniq -c | awk '{ print $1 }' | sort -u)"
    is "$(jq -r 'select(.type == "Deal.Closed") | .target' "$T/stream" | wc -l)" "$(jq -r 'select(.type == "A.Created") | .data.deal' "$T/stream" | sort -u | wc -l)"
}

# Each of these fails, or does not, within a second or two; the event stands, and the next one is served.
@test "hostile handlers harm nobody but themselves" {
    local body
    while IFS= read -r body; do
        handler Deal.closed "(d, \$) => { \$.A.create({}); $body }"
        local start=$SECONDS
        happens Deal.Closed deal_1 || { echo "of: $body"; return 1; }
        ((SECONDS - start < 5)) || { echo "took $((SECONDS - start)) s: $body"; return 1; }
    done << 'END'
for (;;) {}
for (;;) try { for (;;) {} } catch (e) {} finally { continue }
const loop = async () => { for (;;) await null }; loop(); return loop()
let p = Promise.resolve(); const f = () => p.then(f); return f()
const a = []; for (;;) a.push(a.slice())
let s = 'x'; for (;;) s += s
new ArrayBuffer(1e10)
new Array(4294967295).fill(0)
[].indexOf.call({ length: 9007199254740991 }, 1)
[].forEach.call({ length: 9007199254740991 }, () => {})
Array.prototype.includes.apply({ length: 1e15 }, [1])
const a = []; a.length = 4294967295; a.join()
'a'.repeat(3e6).indexOf('a'.repeat(1e6) + 'b')
/^(a+)+$/.test('a'.repeat(50) + 'b')
/(.*)*x/.exec('y'.repeat(1e6))
const f = () => f(); f()
const a = []; a[0] = a; JSON.stringify(a)
let a = []; for (let i = 0; i < 1e5; i++) a = [a]; $.A.create({ a })
let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; return o
JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))
$.A.create({ x: 'x'.repeat(2e6) })
$.A.find({ x: { $regex: '(a+)+$' } })
for (let i = 0; i < 1e6; i++) console.log('x'.repeat(1000))
throw { toString() { throw 1 } }
throw new Proxy({}, { get() { for (;;) {} } })
return new Proxy({}, { get() { throw 1 }, ownKeys() { throw 2 } })
$.A.create(new Proxy({}, { ownKeys() { for (;;) {} } }))
$.A.create({ toJSON() { return { toJSON: this.toJSON } } })
$.A.create({ get x() { throw new Error('x') } })
$.A.create(null); $.A.create([]); $.A.create(1)
$.A.update(); $.A.delete(); $.A.get(); $.A.rollback(); $.A.close()
$['a b'].create({})
$['x'.repeat(300)]?.create({})
$.A['close ; drop']({})
$.A.create({ $id: '../../x' }); $.A.create({ id: 'a_' + 'x'.repeat(300) })
$.A.close('a_' + 'x'.repeat(300))
$.events.list({ type: '*,limit=1', entity: 'a,b', after: 'never' })
$.events.list({ limit: -1 })
Object.prototype.x = 1; Array.prototype[0] = 1; Object.freeze(globalThis)
Object.defineProperty(globalThis, 'stay', { value: 1 })
globalThis.console = null; globalThis.JSON = null; delete globalThis.Math
Symbol.prototype.x = 1; Object.setPrototypeOf(Object.prototype, {})
Function('return this')().x = 1
new (Object.getPrototypeOf(async function* () {}).constructor)('for (;;) {}')().next()
class A { static { for (;;) {} } }
let n = 2n; for (;;) n *= n
return { then(f) { for (;;) {} } }
return { then(f) { f(this) } }
new WeakMap().set({}, 1); label: { break label }
with (Math) { random() }
'use strict'; undeclared = 1
debugger
END
    is '"undefined"' "$(result 'typeof stay')"
    happens Deal.Won deal_1
}

@test "an event that is nested to the limit meets a handler" {
    local deep
    deep=$(printf '[%.0s' $(seq 1 990))$(printf ']%.0s' $(seq 1 990))
    handler Deal.closed '(d, $) => { $.A.create({ seen: Object.keys(d).includes("deep") }) }'
    happens Deal.Closed deal_1 "{\"deep\":$deep}"
    happens Deal.Won deal_1
}

@test "a large state meets a handler" {
    handler Deal.closed '(d, $) => { $.A.create({ size: d.text.length }) }'
    python3 -c "import json; print(json.dumps({'type':'Deal.Closed','target':'deal_1','data':{'text':'x'*1000000}}))" > "$BATS_TEST_TMPDIR/large"
    is ok "$(put_file "$T/append" "$BATS_TEST_TMPDIR/large")"
    is '{"size":1000000}' "$(last "$T" | jq -c .data)"
}
