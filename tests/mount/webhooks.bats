# Webhooks: what is sent, to whom, and what becomes of it.
load helpers
load receivers

# ---- what is sent

@test "the seed's webhook gets the event with the state that it led to, signed and with its own headers" {
    webhook deals "{\"trigger\":\"Deal.Closed\",\"action\":\"webhook\",\"url\":\"$RECEIVER/ok/$P\",
        \"headers\":{\"X-Secret\":\"whsec_kR7nMpTx\"},\"retry\":{\"maxAttempts\":3,\"backoff\":\"exponential\"}}"
    created deal_1 '{"name":"Series A","value":1.10,"big":12345678901234567890}'
    happened Deal.Closed '{"stage":"Closed"}'
    wait_for has_come "ok/$P" 1
    local line id at
    line=$(last "$E")
    id=$(member id "$line")
    at=$(member timestamp "$line")
    is "{\"id\":\"$id\",\"type\":\"Deal.Closed\",\"target\":\"deal_1\",\"actor\":\"$ME\",\"timestamp\":\"$at\",\"data\":{\"name\":\"Series A\",\"value\":1.10,\"big\":12345678901234567890,\"stage\":\"Closed\"},\"tenant\":\"$TENANT\",\"version\":2}" "$(bodies "ok/$P")"
    local request
    request=$(came "ok/$P")
    is "$id" "$(jq -r '.headers["webhook-id"]' <<< "$request")"
    is whsec_kR7nMpTx "$(jq -r '.headers["x-secret"]' <<< "$request")"
    is application/json "$(jq -r '.headers["content-type"]' <<< "$request")"
    holds factfs/ "$(jq -r '.headers["user-agent"]' <<< "$request")"
    is null "$(jq -r '.headers.expect' <<< "$request")"
    [[ $(jq -r '.headers["webhook-signature"]' <<< "$request") == v1,* ]]
    local now
    now=$(date +%s)
    (($(jq -r '.headers["webhook-timestamp"]' <<< "$request") >= now - 10))
}

@test "the REST form: an array of patterns, case aside" {
    webhook w "{\"events\":[\"Contact.created\",\"deal.CLOSED\"],\"url\":\"$RECEIVER/ok/$P\"}"
    created contact_1
    happened Contact.Called
    created deal_1
    happened Deal.Closed
    wait_for has_come "ok/$P" 2
    wait_for all_done
    is $'Contact.Created\nDeal.Closed' "$(bodies "ok/$P" | jq -r .type)"
}

@test "previous has the old values of what changed; a deleted entity is sent as it was last" {
    sends "ok/$P"
    created deal_1 '{"a":1,"b":"x","c":[1,2]}'
    happened Deal.Updated '{"a":1.50,"d":true}'
    happened Deal.Updated '{"b":{"before":"x"},"a":"1.50 "}'
    happened Deal.Deleted
    wait_for has_come "ok/$P" 4
    is '{"a":1,"b":"x","c":[1,2]}|null
{"a":1.5,"b":"x","c":[1,2],"d":true}|{"a":1}
{"a":"1.50 ","c":[1,2],"d":true}|{"b":"x","a":1.5}
{"a":"1.50 ","c":[1,2],"d":true}|null' "$(bodies "ok/$P" | jq -r '"\(.data|tojson)|\(.previous|tojson)"')"
    holds '"data":{"a":1.50,"b":"x"' "$(bodies "ok/$P" | sed -n 2p)"
    holds '"previous":{"b":"x","a":1.50}' "$(bodies "ok/$P" | sed -n 3p)"
}

@test "a snake_case event is sent with its own data, metadata behind it" {
    webhook w "{\"trigger\":\"order.was_placed\",\"url\":\"$RECEIVER/ok/$P\"}"
    record '{"type":"was_placed","target":"order_7","data":{"total":9.90},"metadata":{"by":"web"}}'
    record '{"type":"was_placed","target":"cart_7","data":{}}'
    record '{"type":"was_placed","target":"order_7","data":{"total":1}}'
    wait_for has_come "ok/$P" 2
    wait_for all_done
    is '{"total":9.90}' "$(bodies "ok/$P" | sed -n 's/.*"data":\({[^}]*}\).*/\1/p' | head -n 1)"
    holds '"data":{"total":1},"tenant"' "$(bodies "ok/$P" | tail -n 1)"
    holds ",\"metadata\":{\"by\":\"web\"},\"tenant\":\"$TENANT\",\"version\":1}" "$(bodies "ok/$P" | head -n 1)"
    is 2 "$(count_came "ok/$P")"
}

@test "\"payload\":\"event\" sends the line of the log, byte for byte" {
    sends "ok/$P" '"payload":"event"'
    created deal_1 '{"n":1.10,"s":"\u00e9"}'
    happened Deal.Updated '{"n":1e400}'
    wait_for has_come "ok/$P" 2
    is "$(cat "$E/stream")" "$(bodies "ok/$P")"
}

@test "a filter chooses events by what they say, as an object of operators or as a FILTER" {
    webhook object "{\"trigger\":\"Deal.*\",\"url\":\"$RECEIVER/ok/object/$P\",
        \"filter\":{\"data.value\":{\"\$gte\":1000},\"actor\":{\"\$regex\":\"^agent_\"}}}"
    webhook text "{\"trigger\":\"Deal.*\",\"url\":\"$RECEIVER/ok/text/$P\",\"filter\":\"data.value>=1000,actor~^agent_\"}"
    local value
    for value in 999 1000 12345678901234567890 '"2000"'; do
        record "{\"type\":\"Deal.Created\",\"target\":\"deal_$((++n))\",\"actor\":\"agent_a\",\"data\":{\"value\":$value}}"
    done
    created deal_mine '{"value":5000}'
    # Of a change the new value counts.
    record '{"type":"Deal.Updated","target":"deal_1","actor":"agent_a","data":{"value":1001}}'
    record '{"type":"Deal.Updated","target":"deal_2","actor":"agent_a","data":{"value":1}}'
    local name
    for name in object text; do
        W=$T/hooks/webhooks/$name
        wait_for has_come "ok/$name/$P" 3
        wait_for all_done
        is 'deal_1 2|deal_2 1|deal_3 1' "$(bodies "ok/$name/$P" | jq -r '"\(.target) \(.version)"' | sort | paste -sd'|')"
    done
}

@test "only what happens after the save is sent; another url keeps the place, a new file begins anew" {
    created deal_1
    sends "503/$P" '"retry":{"backoff":[0.3,0.3,0.3,0.3,0.3,0.3,0.3,0.3]}'
    created deal_2
    wait_for has_come "503/$P" 1
    sends "ok/$P"
    wait_for has_come "ok/$P" 1
    is deal_2 "$(bodies "ok/$P" | jq -r .target)"
    rm "$T/hooks/webhooks/w.json"
    wait_for_not exists "$W"
    created deal_3
    sends "ok/again/$P"
    created deal_4
    wait_for has_come "ok/again/$P" 1
    wait_for all_done
    is deal_4 "$(bodies "ok/again/$P" | jq -r .target)"
    is 1 "$(count_came "ok/$P")"
}

@test "a webhook that is renamed keeps its place and its dead letters" {
    echo 500 > "$RECEIVED/$P"
    sends "control/$P" '"retry":{"maxAttempts":1}'
    created deal_1
    wait_for has_dead 1
    mv "$T/hooks/webhooks/w.json" "$T/hooks/webhooks/v.json"
    W=$T/hooks/webhooks/v
    is 1 "$(dead_count)"
    echo 200 > "$RECEIVED/$P"
    created deal_2
    wait_for status_is '.delivered == 1'
    is $'deal_1\ndeal_2' "$(bodies "control/$P" | jq -r .target)"
}

# ---- signatures

# Verifies what came to a path with the published library; prints the number of those that hold.
verified() {
    came "$1" | NODE_PATH=$BUILD/node/node_modules node -e '
        const { Webhook } = require("standardwebhooks");
        const webhook = new Webhook(process.argv[1]);
        let good = 0;
        for (const line of require("fs").readFileSync(0, "utf8").trim().split("\n")) {
            const request = JSON.parse(line);
            try { webhook.verify(request.body, request.headers); good++; } catch (error) { console.error(error.message); }
        }
        console.log(good);' "$2" 2> /dev/null
}

needs_library() {
    needs npm
    needs node
    [[ -d $BUILD/node/node_modules/standardwebhooks ]] ||
        timeout 60 npm install --silent --no-audit --no-fund --prefix "$BUILD/node" standardwebhooks@1 > /dev/null 2>&1 ||
        skip "npm cannot install standardwebhooks"
}

@test "the published library of Standard Webhooks verifies what is sent, by the old and the new secret" {
    needs_library
    local new=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw old=whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD
    sends "ok/$P" "\"secret\":\"$old\""
    created deal_1 '{"name":"Zoë \"quoted\" \\ 𝄞"}'
    wait_for has_come "ok/$P" 1
    sends "ok/$P" "\"secret\":[\"$new\",\"$old\"]"
    created deal_2
    wait_for has_come "ok/$P" 2
    sends "ok/$P" "\"secret\":\"$new\""
    created deal_3
    wait_for has_come "ok/$P" 3
    is 2 "$(verified "ok/$P" "$old")"
    is 2 "$(verified "ok/$P" "$new")"
    is 0 "$(verified "ok/$P" whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA)"
}

@test "without a secret one is made, which its owner can read, and which stays" {
    needs_library
    sends "ok/$P"
    local key
    key=$(< "$W/secret")
    [[ $key == whsec_* ]]
    is 400 "$(stat -c %a "$W/secret")"
    created deal_1
    wait_for has_come "ok/$P" 1
    is 1 "$(verified "ok/$P" "$key")"
    daemon_restart -o hooks_allow=127.0.0.1
    is "$key" "$(< "$W/secret")"
}

# ---- what fails

@test "what fails is tried again, with the same id and a fresh timestamp, and each attempt is a line" {
    sends "first/2/$P" '"retry":{"maxAttempts":5,"backoff":[0.7,0.7,0.7]}'
    created deal_1
    wait_for status_is '.delivered == 1'
    is 3 "$(count_came "first/2/$P")"
    is 1 "$(came "first/2/$P" | jq -r '.headers["webhook-id"]' | sort -u | wc -l)"
    (($(came "first/2/$P" | jq -r '.headers["webhook-timestamp"]' | sort -u | wc -l) > 1))
    wait_for grep -q '"status":200' "$W/deliveries"
    is '1 503 status 503
2 503 status 503
3 200 null' "$(jq -r '"\(.attempt) \(.status) \(.error)"' "$W/deliveries")"
    is "$(member id "$(last "$T")")" "$(tail -n 1 "$W/deliveries" | jq -r .id)"
    is 'true true false' "$(jq -r '.next != null' "$W/deliveries" | xargs)"
    is '["time","id","type","target","attempt","status","durationMs","error","next"]' "$(head -n 1 "$W/deliveries" | jq -c keys_unsorted)"
}

@test "what status.json has counted as dead is in dead and in deliveries for whoever looks then" {
    echo 500 > "$RECEIVED/$P"
    sends "control/$P" '"retry":{"maxAttempts":1}'
    local i
    for i in 1 2 3 4 5; do
        created "deal_$i"
        until status_is ".dead == $i"; do :; done
        is "$i $i" "$(wc -l < "$W/dead") $(wc -l < "$W/deliveries")"
    done
}

@test "after the last attempt an event is dead, later ones go on, and it can be sent again" {
    echo 500 > "$RECEIVED/$P"
    sends "control/$P" '"retry":{"maxAttempts":3,"backoff":[0.1]}'
    created deal_1 '{"n":1}'
    wait_for has_dead 1
    is 3 "$(count_came "control/$P")"
    is '["time","id","type","target","attempts","status","error","event"]' "$(jq -c keys_unsorted "$W/dead")"
    is '3 500 deal_1' "$(jq -r '"\(.attempts) \(.status) \(.target)"' "$W/dead")"
    is "$(event "$T" 2)" "$(sed 's/.*"event"://; s/}$//' "$W/dead")"
    echo 200 > "$RECEIVED/$P"
    happened Deal.Updated '{"n":2}'
    wait_for status_is '.delivered == 1'
    is 1 "$(dead_count)"
    daemon_restart -o hooks_allow=127.0.0.1
    is 1 "$(dead_count)"
    is ok "$(put "$W/replay" $'dead\n')"
    wait_for has_dead 0
    wait_for status_is '.delivered == 2 and .dead == 0'
    is 'Deal.Created Deal.Created Deal.Created Deal.Updated Deal.Created' "$(bodies "control/$P" | jq -r .type | xargs)"
}

@test "while an event is tried again the later ones of its entity wait, those of others do not" {
    sends "first/1/$P" '"retry":{"backoff":[1,1,1]}'
    created deal_a
    happened Deal.Updated '{"n":1}'
    happened Deal.Updated '{"n":2}'
    created deal_b
    wait_for status_is '.delivered == 4'
    local order
    order=$(bodies "first/1/$P" | jq -r 'select(.target == "deal_a") | .version' | uniq | xargs)
    is '1 2 3' "$order"
    is deal_b "$(bodies "first/1/$P" | jq -r .target | sed -n 2p)"
}

@test "no redirect is followed; what is no answer is a failure; the body of an answer does not matter" {
    local retry='"retry":{"maxAttempts":1}'
    for path in move garbage cuthead; do
        sends "$path/$P" "$retry"
        created "deal_$path"
        wait_for grep -q "deal_$path" "$W/dead"
    done
    is 0 "$(count_came ok/moved)"
    holds redirect "$(grep deal_move "$W/dead" | jq -r .error)"
    is '302 null null' "$(jq -r .status "$W/dead" | xargs)"
    for path in cut big endless; do
        sends "$path/$P" "$retry"
        created "deal_$path"
        wait_for grep -q "deal_$path.*\"status\":200.*\"next\":null" "$W/deliveries"
    done
    is 3 "$(dead_count)"
}

@test "a receiver that refuses connections, and a name that is none, are failures that say so" {
    local closed
    closed=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    webhook w "{\"trigger\":\"Deal.*\",\"url\":\"http://127.0.0.1:$closed/\",\"retry\":{\"maxAttempts\":1}}"
    created deal_1
    wait_for has_dead 1
    webhook w '{"trigger":"Deal.*","url":"http://nowhere.invalid/","retry":{"maxAttempts":1}}'
    created deal_2
    wait_for has_dead 2
    is 'null null' "$(jq -r .status "$W/dead" | xargs)"
    holds connect "$(head -n 1 "$W/dead" | jq -r .error)"
    holds nowhere.invalid "$(tail -n 1 "$W/dead" | jq -r .error)"
}

@test "a receiver that hangs holds nobody but itself, and is a failure after 15 s" {
    webhook hanging "{\"trigger\":\"Deal.*\",\"url\":\"$RECEIVER/hang/$P\",\"retry\":{\"maxAttempts\":1}}"
    sends "ok/$P"
    for i in {1..20}; do
        created "deal_$i"
    done
    wait_for has_come "ok/$P" 20
    WAIT_SECONDS=5 wait_for status_is '.delivered == 20'
    W=$T/hooks/webhooks/hanging
    WAIT_SECONDS=25 wait_for grep -q 'timed out' "$W/deliveries"
    local took
    took=$(head -n 1 "$W/deliveries" | jq .durationMs)
    ((took >= 14900 && took < 25000)) || { echo "it took $took ms"; return 1; }
}

@test "410 switches a webhook off, which is recorded; saved again it goes on from there" {
    sends "gone/$P"
    created deal_1
    wait_for status_is '.state == "disabled"'
    wait_for grep -q Webhook.Disabled "$T/stream"
    is webhook_w "$(member target "$(grep Webhook.Disabled "$T/stream")")"
    created deal_2
    is 1 "$(count_came "gone/$P")"
    daemon_restart -o hooks_allow=127.0.0.1
    wait_for status_is '.state == "disabled" and .lag == 2'
    is 1 "$(count_came "gone/$P")"
    # The same text: no event, but it is on again.
    local events
    events=$(count "$T")
    sends "gone/$P"
    wait_for has_come "gone/$P" 2
    sends "ok/$P"
    wait_for status_is '.delivered == 2 and .state == "active"'
    is 'deal_1 deal_2' "$(bodies "ok/$P" | jq -r .target | sort | xargs)"
    is 1 "$(grep -c Webhook.Updated "$T/stream")"
}

@test "A10 that a webhook was switched off is recorded whatever spec.json and handlers say" {
    local order=order_550e8400-e29b-41d4-a716-446655440000
    echo '{"spec":{"aggregate_types":{"order":{"events":{"was_placed":{"schema":{},"handler":[]}}}},"agent_types":["user"],"target_types":[]}}' > "$T/spec.json"
    is ok "$(save "$T/hooks/handlers/Webhook.disabling.js" '() => { throw new Error("no") }')"
    webhook w "{\"trigger\":\"order.*\",\"url\":\"$RECEIVER/gone/$P\"}"
    is ok "$(put "$T/append" "{\"type\":\"was_placed\",\"target\":\"$order\",\"metadata\":{\"actor\":{\"type\":\"user\",\"id\":\"${order#order_}\"}}}")"
    wait_for grep -q '"type":"Webhook.Disabled","target":"webhook_w"' "$T/stream"
}

@test "Retry-After holds the whole receiver" {
    sends "later/2/$P" '"retry":{"backoff":[0]}' '"concurrency":1'
    created deal_1
    wait_for has_come "later/2/$P" 1
    created deal_2
    wait_for status_is '.delivered == 2'
    is 3 "$(count_came "later/2/$P")"
    came "later/2/$P" | jq -s -e '(.[1].at - .[0].at) >= 1.9 and (.[2].at - .[0].at) >= 1.9'
}

@test "ten failures in a row open the breaker: what was not sent yet waits" {
    sends "500/$P" '"retry":{"maxAttempts":1}' '"concurrency":1'
    for i in {1..14}; do
        created "deal_$i"
    done
    wait_for has_dead 10
    wait_for status_is '.state == "paused" and .until != null and .lag == 4'
    is 10 "$(count_came "500/$P")"
    is 10 "$(jq .attempts "$W/status.json")"
}

@test "\"disabled\":true pauses; lag and age tell how far behind it is" {
    sends "ok/$P" '"disabled":true'
    created deal_1
    created deal_2
    created contact_1
    wait_for status_is '.state == "disabled" and .lag == 2 and .oldestAge > 0 and .delivered == 0'
    sends "ok/$P"
    wait_for has_come "ok/$P" 2
    wait_for status_is '.state == "active" and .lag == 0 and .oldestAge == 0'
}

@test "status.json of the tenant shows each webhook" {
    sends "ok/$P"
    webhook off "{\"trigger\":\"Deal.*\",\"url\":\"$RECEIVER/ok/$P\",\"disabled\":true}"
    created deal_1
    shows() {
        [[ $(jq -c '.hooks.webhooks | [.w.state, .w.delivered, .off.state, .off.lag]' "$T/status.json") == '["active",1,"disabled",1]' ]]
    }
    wait_for shows
    rm "$T/hooks/webhooks/"{w,off}.json
    gone() {
        [[ $(jq -c .hooks.webhooks "$T/status.json") == '{}' ]]
    }
    wait_for gone
}

# ---- many

@test "16 requests at a time, \"concurrency\" says otherwise, connections are kept" {
    sends "slow/20/$P"
    local events='' i
    for i in {1..200}; do
        events+="{\"type\":\"Deal.Created\",\"target\":\"deal_$i\"}"
    done
    record "$events"
    wait_for status_is '.delivered == 200'
    is 16 "$(came "slow/20/$P" | jq -s 'map(.busy) | max')"
    (($(came "slow/20/$P" | jq -s 'map(.connection) | unique | length') <= 20))
    sends "slow/21/$P" '"concurrency":3'
    record "${events//deal_/deal_x}"
    wait_for status_is '.delivered == 400'
    is 3 "$(came "slow/21/$P" | jq -s 'map(.busy) | max')"
    is 400 "$(came "slow/20/$P" | cat - <(came "slow/21/$P") | jq -r '.headers["webhook-id"]' | sort -u | wc -l)"
}

@test "each entity's events come in order, once, however many fail" {
    sends "first/1/$P" '"retry":{"backoff":[0.05]}' '"concurrency":8'
    local events='' i n
    for n in {1..10}; do
        for i in {1..6}; do
            events+="{\"type\":\"Deal.$([[ $n == 1 ]] && echo Created || echo Updated)\",\"target\":\"deal_$i\",\"data\":{\"n\":$n}}"
        done
    done
    record "$events"
    WAIT_SECONDS=60 wait_for status_is '.delivered == 60 and .dead == 0'
    for i in {1..6}; do
        is '1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 8 9 9 10 10' "$(bodies "first/1/$P" | jq -r "select(.target == \"deal_$i\") | .version" | xargs)"
    done
}

# ---- replay

@test "replay sends one event again by its id, or all since a moment, in order" {
    sends "ok/$P"
    created deal_1
    happened Deal.Updated '{"n":1}'
    local moment id
    happened Deal.Updated '{"n":2}'
    moment=$(member timestamp "$(event "$E" 2)")
    id=$(member id "$(event "$E" 1)")
    wait_for status_is '.delivered == 3'
    echo "$id" > "$W/replay"
    wait_for status_is '.delivered == 4'
    is "$id" "$(came "ok/$P" | tail -n 1 | jq -r '.headers["webhook-id"]')"
    echo "$moment" > "$W/replay"
    wait_for status_is '.delivered == 6'
    is '1 2 3 1 2 3' "$(bodies "ok/$P" | jq -r .version | xargs)"
    happened Deal.Updated '{"n":3}'
    wait_for status_is '.delivered == 7'
    is 4 "$(bodies "ok/$P" | jq -r .version | tail -n 1)"
}

@test "what is imported is not sent, but by a replay" {
    created deal_1
    sends "ok/$P"
    # From now on; in the order of their time, as import wants them.
    put "$T/import" '{"id":"h:1","type":"Deal.Updated","target":"deal_1","timestamp":"2990-01-01","data":{"n":1}}
{"id":"h:2","type":"Deal.Created","target":"deal_2","timestamp":"2990-01-02","data":{"n":2}}'
    put "$T/import" '{"id":"h:3","type":"Deal.Updated","target":"deal_1","timestamp":"2990-01-03","data":{"n":3}}'
    happened Deal.Closed '{"n":4}'
    wait_for has_come "ok/$P" 1
    put "$T/import" '{"id":"h:4","type":"Deal.Updated","target":"deal_1","timestamp":"2991-01-01","data":{"n":5}}'
    happened Deal.Reopened '{"n":6}'
    wait_for status_is '.delivered == 2 and .lag == 0'
    is 'Deal.Closed Deal.Reopened' "$(bodies "ok/$P" | jq -r .type | xargs)"
    # An event by its id, and all since a moment, of which a restart forgets nothing.
    echo h:2 > "$W/replay"
    wait_for status_is '.delivered == 3'
    sends "503/$P" '"retry":{"backoff":[60]}'
    echo 2990-01-01T12:00 > "$W/replay"
    wait_for has_come "503/$P" 2
    daemon_restart -o hooks_allow=127.0.0.1
    wait_for status_is '.lag == 5'
    sends "ok/again/$P"
    wait_for status_is '.delivered == 8 and .lag == 0'
    is 'deal_1 3 4 5 6 deal_2 1' "$(bodies "ok/again/$P" | jq -r '"\(.target) \(.version)"' | sort | awk '{ if ($1 != last) print $1; print $2; last = $1 }' | xargs)"
    put "$T/import" '{"id":"h:5","type":"Deal.Updated","target":"deal_1","timestamp":"2992-01-01","data":{"n":7}}'
    happened Deal.Lost
    wait_for status_is '.delivered == 9 and .lag == 0'
}

@test "replay refuses what is no event, or one that the webhook does not want, and says why" {
    sends "ok/$P"
    created contact_1
    is ENOENT "$(put "$W/replay" $'evt_nothing\n')"
    is EINVAL "$(put "$W/replay" "$(member id "$(last "$T")")"$'\n')"
    is EINVAL "$(put "$W/replay" $'what is this\n')"
    is hooks/webhooks/w/replay "$(tail -n 1 "$T/rejected" | jq -r .path)"
    is EACCES "$(as_nobody "$TOOLS/calls" -q open "$W/replay" w 2>&1 | tail -n 1)" || ((EUID != 0))
}

# ---- definitions and secrets

@test "a definition that is wrong is refused with its reason, and the one before stays" {
    sends "ok/$P"
    local before
    before=$(< "$T/hooks/webhooks/w.json")
    is EINVAL "$(save "$T/hooks/webhooks/w.json" "{\"trigger\":\"Deal.*\",\"treshold\":1,\"url\":\"$RECEIVER/ok/$P\"}")"
    holds treshold "$(tail -n 1 "$T/rejected" | jq -r .reason)"
    is "$before" "$(< "$T/hooks/webhooks/w.json")"
    is EINVAL "$(save "$T/hooks/webhooks/new.json" '{"trigger":"Deal.*","url":"ftp://example.com/"}')"
    [[ ! -e $T/hooks/webhooks/new.json ]]
    is EINVAL "$(save "$T/hooks/webhooks/new.json" '{"trigger":"Deal.*","url":"https://example.com/","secret":"geheimnis"}')"
    created deal_1
    wait_for has_come "ok/$P" 1
}

@test "no secret leaves the webhook's own file" {
    local closed=1 secret=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
    webhook w "{\"trigger\":\"Deal.*\",\"url\":\"http://127.0.0.1:$closed/services/GEHEIM1?token=GEHEIM2\",
        \"headers\":{\"Authorization\":\"Bearer GEHEIM3\"},\"secret\":\"$secret\",\"retry\":{\"maxAttempts\":1}}"
    created deal_1
    wait_for has_dead 1
    is EINVAL "$(save "$T/hooks/webhooks/w.json" "{\"trigger\":\"Deal.*\",\"url\":\"http://u:GEHEIM4@127.0.0.1/\"}")"
    is EINVAL "$(save "$T/hooks/webhooks/w.json" "{\"trigger\":\"?\",\"url\":\"http://127.0.0.1/GEHEIM5\",\"secret\":\"$secret\"}")"
    local where
    for where in "$T/stream" "$W/deliveries" "$W/dead" "$W/status.json" "$DAEMON_OUT" "$T/status.json"; do
        ! grep -E 'GEHEIM|MfKQ9r8' "$where" || { echo "in $where"; return 1; }
    done
    is "" "$(jq -r '.reason' "$T/rejected" | grep -E 'GEHEIM|MfKQ9r8')"
    is "" "$(grep -E 'GEHEIM|MfKQ9r8' "$T/rejected")"
    is '"http://127.0.0.1:1/***" {"Authorization":"***"} "***"' "$(grep Webhook.Created "$T/stream" | jq -c '.data | .url, .headers, .secret' | xargs -d '\n')"
    holds GEHEIM1 "$(< "$T/hooks/webhooks/w.json")"
    is 600 "$(stat -c %a "$T/hooks/webhooks/w.json")"
}

# ---- what may be dialled

@test "what is not opened may not be dialled: loopback, other spellings of it, names that lead there" {
    local retry='"retry":{"maxAttempts":1}' port=${RECEIVER##*:} url n=0
    daemon_restart
    for url in "http://127.0.0.1:$port" "http://localhost:$port" "http://2130706433:$port" "http://[::1]:$port" \
        "http://[::ffff:127.0.0.1]:$port" "http://169.254.169.254" "http://[64:ff9b::7f00:1]:$port" "http://10.0.0.1"; do
        webhook w "{\"trigger\":\"Deal.*\",\"url\":\"$url/ok/$P\",$retry}"
        created "deal_$((++n))"
        wait_for has_dead "$n"
        holds hooks_allow "$(tail -n 1 "$W/dead" | jq -r .error)"
    done
    holds 127.0.0.1 "$(head -n 1 "$W/dead" | jq -r .error)"
    holds 169.254.169.254 "$(jq -r .error "$W/dead")"
    is 0 "$(count_came "ok/$P")"
    http_proxy=$RECEIVER https_proxy=$RECEIVER ALL_PROXY=$RECEIVER daemon_restart -o hooks_allow=127.0.0.0/8
    webhook w "{\"trigger\":\"Deal.*\",\"url\":\"http://10.0.0.1/ok/$P\",$retry}"
    created deal_proxied
    wait_for has_dead $((n + 1))
    # A name's blocked addresses are passed over.
    webhook w "{\"trigger\":\"Deal.*\",\"url\":\"http://localhost:$port/ok/$P\",$retry}"
    created deal_named
    wait_for has_come "ok/$P" 1
    is deal_named "$(bodies "ok/$P" | jq -r .target)"
    daemon_restart -o hooks_allow=127.0.0.1
}

@test "certificates are verified; hooks_ca adds one" {
    needs openssl
    local here=$BATS_TEST_TMPDIR http=$RECEIVER http_received=$RECEIVED
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$here/key" -out "$here/certificate" -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2> /dev/null
    receiver_start "$here/received" "$here/certificate" "$here/key"
    local url=https://127.0.0.1:${RECEIVER##*:}/ok/$P
    webhook w "{\"trigger\":\"Deal.*\",\"url\":\"$url\",\"retry\":{\"maxAttempts\":1}}"
    created deal_1
    wait_for has_dead 1
    holds certificate "$(jq -r .error "$W/dead")"
    is 0 "$(count_came "ok/$P")"
    daemon_restart -o "hooks_allow=127.0.0.1,hooks_ca=$here/certificate"
    echo dead > "$W/replay"
    wait_for has_come "ok/$P" 1
    wait_for has_dead 0
    receiver_stop
    export RECEIVER=$http RECEIVED=$http_received
    daemon_restart -o hooks_allow=127.0.0.1
}

# ---- kill

@test "a daemon that is killed loses nothing: every event comes, in order, and few of them twice" {
    sends "slow/5/$P" '"retry":{"backoff":[0.1]}'
    local events='' i n round
    for n in {1..20}; do
        for i in {1..20}; do
            events+="{\"type\":\"Deal.$([[ $n == 1 ]] && echo Created || echo Updated)\",\"target\":\"deal_$i\",\"data\":{\"n\":$n}}"
        done
    done
    record "$events"
    for round in {1..5}; do
        wait_for has_come "slow/5/$P" $((round * 60))
        kill -KILL "$(daemon_pid)"
        wait_for process_gone "$(daemon_pid)"
        daemon_start -o hooks_allow=127.0.0.1
    done
    WAIT_SECONDS=60 wait_for status_is '.lag == 0 and .dead == 0'
    is 400 "$(came "slow/5/$P" | jq -r '.headers["webhook-id"]' | sort -u | wc -l)"
    # At most what was under way at each kill.
    (($(count_came "slow/5/$P") <= 400 + 5 * 16))
    for i in {1..20}; do
        # Whatever comes again comes before what follows it.
        bodies "slow/5/$P" | jq -r "select(.target == \"deal_$i\") | .version" |
            awk '$1 > most + 1 { exit 1 } $1 > most { most = $1 } END { if (most != 20) exit 1 }'
    done
}
