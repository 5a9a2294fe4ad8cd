# What is kept of a payload, to the byte; what a PascalCase event makes of it; how events add up to a state.
load helpers

# ---- exactness

# Numbers and strings that a double or a printer of JSON would change.
EXACT='{"big":12345678901234567890,"cents":1.10,"huge":1e400,"tiny":-1E-400,"zero":-0,"exp":0.10e+5,"long":0.1000000000000000055511151231257827,"esc":"\u00e9\/\"\\\b","raw":"é/","nul":"\u0000","alone":"\ud800","pair":"\ud83d\ude00","z":[1.0,{"b":2.00,"a":[]}],"a":{}}'

@test "numbers, strings and the order of members come back exactly as they were written" {
    created contact_1 "$EXACT"
    is "$EXACT" "$(last_data)"
}

@test "white space between tokens goes, within strings it stays" {
    mkdir "$T/contact_1"
    printf ' {\n\t"type" : "Contact.Created" ,\r\n "data" : { "a b" : " c  d " , "l" : [ 1 , 2 ] } }' > "$T/contact_1/append"
    is '{"a b":" c  d ","l":[1,2]}' "$(data_of "$(last "$T")")"
}

@test "keys keep their escapes" {
    created contact_1 '{"\u0061b":1,"c\/d":2}'
    is '{"\u0061b":1,"c\/d":2}' "$(last_data)"
}

@test "a snake_case event keeps its data as it is" {
    record '{"type":"was_placed","target":"order_1","data":{"n":1}}' '{"type":"was_changed","target":"order_1","data":{"n":"1 -> 2","m":{"before":1,"after":2},"x":1.10}}'
    E=$T/order_1
    is '{"n":"1 -> 2","m":{"before":1,"after":2},"x":1.10}' "$(last_data)"
}

@test "metadata keeps numbers and strings as written" {
    record '{"type":"was_placed","target":"order_1","metadata":{"n":1.10,"s":"\u00e9","big":12345678901234567890}}'
    holds '"metadata":{"n":1.10,"s":"\u00e9","big":12345678901234567890}}' "$(last "$T")"
}

@test "pairs made from plain values keep both sides exactly" {
    created contact_1 '{"cents":1.10,"big":12345678901234567890,"s":"\u00e9","l":[1.0]}'
    happened Contact.Updated '{"cents":1.20,"big":12345678901234567891,"s":"\u00ea","l":[2.00,{"x":1e400}]}'
    is '{"cents":{"before":1.10,"after":1.20},"big":{"before":12345678901234567890,"after":12345678901234567891},"s":{"before":"\u00e9","after":"\u00ea"},"l":{"before":[1.0],"after":[2.00,{"x":1e400}]}}' "$(last_data)"
}

@test "a state shows numbers and strings as they were written" {
    created contact_1 "$EXACT"
    is '"big": 12345678901234567890,
  "cents": 1.10,
  "huge": 1e400,
  "tiny": -1E-400,
  "zero": -0,
  "exp": 0.10e+5,
  "long": 0.1000000000000000055511151231257827,
  "esc": "\u00e9\/\"\\\b",
  "raw": "é/",
  "nul": "\u0000",
  "alone": "\ud800",
  "pair": "\ud83d\ude00",' "$(sed -n '/"big"/,/"pair"/p' "$E/state.json" | sed '1s/^  //')"
}

# ---- types

@test "a PascalCase type is stored with its first letters raised" {
    record '{"type":"contact.created","target":"contact_1"}' '{"type":"CONTACT.qualified","target":"contact_1"}'
    is Contact.Created "$(member type "$(event "$T" 1)")"
    is Qualified "$(member type "$(event "$T" 2)" | cut -d. -f2)"
}

@test "a type spelt once is stored so from then on in its tenant" {
    record '{"type":"Plan.RolledOut","target":"plan_1"}' '{"type":"plan.rolledout","target":"plan_1"}' '{"type":"PLAN.ROLLEDOUT","target":"plan_2"}' '{"type":"deal.signedoff","target":"deal_1"}' '{"type":"Deal.SignedOff","target":"deal_1"}'
    is "Plan.RolledOut Plan.RolledOut Plan.RolledOut Deal.Signedoff Deal.Signedoff" "$(jq -r .type "$T/stream" | xargs)"
}

@test "snake_case types are stored without their noun" {
    record '{"type":"was_placed","target":"order_1"}' '{"type":"order.was_paid","target":"order_1"}' '{"type":"shipped","target":"order_1"}' '{"type":"placed_order","target":"order_1"}'
    is "was_placed was_paid shipped placed_order" "$(jq -r .type "$T/stream" | xargs)"
}

@test "a noun agrees with the entity's type whatever the letter case" {
    record '{"type":"Contact.Created","target":"CONTACT_1"}' '{"type":"contact.created","target":"Contact_2"}'
    is 2 "$(count "$T")"
}

@test "both conventions go into one entity" {
    created contact_1 '{"stage":"Lead"}'
    happened was_called '{"calls":1}'
    happened Contact.Qualified '{"stage":"Qualified"}'
    is '{"stage":"Qualified","calls":1}' "$(state)"
}

# ---- before and after

@test "the first event's data is kept as it is" {
    created contact_1 '{"stage":"Lead","note":"a -> b","n":{"x":1}}'
    is '{"stage":"Lead","note":"a -> b","n":{"x":1}}' "$(last_data)"
    is '{"stage":"Lead","note":"a -> b","n":{"x":1}}' "$(jq -c 'del(.[keys[]|select(startswith("$"))])' "$E/state.json")"
}

@test "a plain new value is stored with the value before it" {
    created contact_1 '{"stage":"Lead","n":1}'
    happened Contact.Qualified '{"stage":"Qualified"}'
    is '{"stage":{"before":"Lead","after":"Qualified"}}' "$(last_data)"
}

@test "a field that was not there has only an after" {
    created contact_1
    happened Contact.Updated '{"owner":"anna"}'
    is '{"owner":{"after":"anna"}}' "$(last_data)"
}

@test "an equal value is stored as a pair too" {
    created contact_1 '{"stage":"Lead"}'
    happened Contact.Updated '{"stage":"Lead"}'
    is '{"stage":{"before":"Lead","after":"Lead"}}' "$(last_data)"
}

@test "an object of before and after is a change whose before must hold" {
    created contact_1 '{"stage":"Lead"}'
    happened Contact.Qualified '{"stage":{"before":"Lead","after":"Qualified"}}'
    is '{"stage":{"before":"Lead","after":"Qualified"}}' "$(last_data)"
    is ESTALE "$(try Contact.Qualified '{"stage":{"before":"Lead","after":"Customer"}}')"
    is '{"stage":"Qualified"}' "$(state)"
}

@test "an object of after alone sets the field whatever it was" {
    created contact_1 '{"stage":"Lead"}'
    happened Contact.Updated '{"stage":{"after":"Qualified"}}'
    is '{"stage":{"before":"Lead","after":"Qualified"}}' "$(last_data)"
}

@test "an object of before alone removes the field" {
    created contact_1 '{"stage":"Lead","n":1}'
    happened Contact.Updated '{"stage":{"before":"Lead"}}'
    is '{"stage":{"before":"Lead"}}' "$(last_data)"
    is '{"n":1}' "$(state)"
}

@test "a before of null holds for a missing field, another one does not" {
    created contact_1 '{"n":null}'
    happened Contact.Updated '{"owner":{"before":null,"after":"anna"}}'
    happened Contact.Updated '{"n":{"before":null,"after":1}}'
    is ESTALE "$(try Contact.Updated '{"missing":{"before":0,"after":1}}')"
    is '{"n":1,"owner":"anna"}' "$(state)"
}

@test "an object with other members beside before and after is a plain value" {
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":{"before":7,"after":8,"why":9}}'
    is '{"n":{"before":1,"after":{"before":7,"after":8,"why":9}}}' "$(last_data)"
}

@test "an empty object is a plain value" {
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":{}}'
    is '{"n":{"before":1,"after":{}}}' "$(last_data)"
}

@test "null is a value, not a removal" {
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":null}'
    is '{"n":{"before":1,"after":null}} {"n":null}' "$(last_data) $(state)"
}

# ---- arrows

@test "an arrow on a string field is a change whose first half must hold" {
    created contact_1 '{"stage":"Lead"}'
    happened Contact.Qualified '{"stage":"Lead -> Qualified"}'
    is '{"stage":{"before":"Lead","after":"Qualified"}}' "$(last_data)"
    happened Contact.Won '{"stage":"Qualified → Customer"}'
    is '{"stage":{"before":"Qualified","after":"Customer"}}' "$(last_data)"
    is ESTALE "$(try Contact.Lost '{"stage":"Lead -> Lost"}')"
}

@test "an arrow on a field that is missing or no string is text" {
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":"1 -> 2","missing":"a -> b"}'
    is '{"n":{"before":1,"after":"1 -> 2"},"missing":{"after":"a -> b"}}' "$(last_data)"
}

@test "two arrows, or one without a space on both sides, are text" {
    created contact_1 '{"a":"x","b":"x","c":"x","d":"x","e":"x"}'
    happened Contact.Updated '{"a":"x -> y -> z","b":"x->y","c":"x ->y","d":"x → y -> z","e":"x-> y"}'
    is '{"a":"x -> y -> z","b":"x->y","c":"x ->y","d":"x → y -> z","e":"x-> y"}' "$(state)"
}

@test "an after with arrows is text" {
    created contact_1 '{"s":"x"}'
    happened Contact.Updated '{"s":{"after":"x -> y"}}'
    is '{"s":"x -> y"}' "$(state)"
}

@test "an arrow's halves may hold spaces and escapes" {
    created contact_1 '{"s":"in pr\u00f6gress"}'
    happened Contact.Updated '{"s":"in prögress -> d\u00f6ne at last"}'
    is "döne at last" "$(jq -r .s "$E/state.json")"
}

# ---- by value

@test "before holds by value: decimals, escapes and the order of members aside" {
    created contact_1 '{"n":1,"s":"\u00e9","o":{"a":1,"b":[2.50]},"h":1e400}'
    happened Contact.Updated '{"n":{"before":1.0,"after":2}}'
    happened Contact.Updated '{"s":{"before":"é","after":"e"}}'
    happened Contact.Updated '{"o":{"before":{"b":[25e-1],"a":1.00},"after":0}}'
    happened Contact.Updated '{"h":{"before":10e399,"after":0}}'
    is '{"n":2,"s":"e","o":0,"h":0}' "$(state)"
}

@test "numbers that are one double but two decimals do not hold" {
    created contact_1 '{"big":12345678901234567890,"f":0.1,"h":1e400}'
    is ESTALE "$(try Contact.Updated '{"big":{"before":12345678901234567891,"after":0}}')"
    is ESTALE "$(try Contact.Updated '{"f":{"before":0.1000000000000000055511151231257827,"after":0}}')"
    is ESTALE "$(try Contact.Updated '{"h":{"before":1e401,"after":0}}')"
    is ESTALE "$(try Contact.Updated '{"f":{"before":"0.1","after":0}}')"
    is 1 "$(count "$E")"
}

@test "arrays hold only in their order and length" {
    created contact_1 '{"l":[1,2]}'
    is ESTALE "$(try Contact.Updated '{"l":{"before":[2,1],"after":0}}')"
    is ESTALE "$(try Contact.Updated '{"l":{"before":[1,2,3],"after":0}}')"
    is ok "$(try Contact.Updated '{"l":{"before":[1,2.0],"after":0}}')"
}

# ---- folding

@test "a PascalCase event sets each field and leaves the others" {
    created contact_1 '{"a":1,"b":{"x":1,"y":2},"c":3}'
    happened Contact.Updated '{"b":{"x":9},"d":4}'
    is '{"a":1,"b":{"x":9},"c":3,"d":4}' "$(state)"
}

@test "a snake_case event is a shallow merge" {
    record '{"type":"was_placed","target":"order_1","data":{"a":1,"b":{"x":1,"y":2}}}' '{"type":"was_paid","target":"order_1","data":{"b":{"x":9},"c":"1 -> 2"}}'
    E=$T/order_1
    is '{"a":1,"b":{"x":9},"c":"1 -> 2"}' "$(state)"
}

@test "fields stand in the order of their appearance, one that comes back stands last" {
    created contact_1 '{"z":1,"a":2,"m":3}'
    happened Contact.Updated '{"m":4,"b":5,"z":6}'
    is '{"z":6,"a":2,"m":4,"b":5}' "$(state)"
    happened Contact.Updated '{"a":{"before":2}}'
    happened Contact.Updated '{"a":7}'
    is '{"z":6,"m":4,"b":5,"a":7}' "$(state)"
}

@test "a deleted entity has no state, but its directory, events and stream stay" {
    created contact_1 '{"a":1}'
    happened Contact.Deleted
    [[ ! -e $E/state.json ]]
    is "2 2" "$(ls "$E/events" | wc -l) $(count "$E")"
    is '{"a":1}' "$(state "$E/asof/v1/state.json")"
}

@test "the data of Deleted, a reason, is kept as given" {
    created contact_1 '{"a":1}'
    happened Contact.Deleted '{"reason":"a -> b","a":5}'
    is '{"reason":"a -> b","a":5}' "$(last_data)"
}

@test "Created after Deleted begins a new state; the version goes on and createdAt is the new one" {
    created contact_1 '{"a":1}'
    happened Contact.Deleted
    record '{"type":"Contact.Created","target":"contact_1","actor":"user_second","data":{"b":"x -> y"}}'
    is '{"b":"x -> y"}' "$(state)"
    is '{"b":"x -> y"}' "$(last_data)"
    is "3 user_second $(member timestamp "$(last "$E")")" "$(jq -r '"\(."$version") \(."$createdBy") \(."$createdAt")"' "$E/state.json")"
}

@test "Deleted is known in any letter case" {
    created contact_1
    happened contact.deleted
    [[ ! -e $E/state.json ]]
}
