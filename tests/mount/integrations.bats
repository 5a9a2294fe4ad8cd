# Integrations: events forwarded to services in their own wire formats, by the queue of the webhooks. What the bodies say
# in every corner is tested in tests/hooks/integration_test.c.
load helpers
load receivers

# The events of all batches that came to a path, a line each, in the order of their coming.
batched() {
    bodies "$1" | jq -c '.batch[]'
}

# many COUNT NUMBER…: so many events by one write(2), each of an entity with these numbers in turn.
many() {
    local events='' i count=$1
    shift
    for ((i = 1; i <= count; i++)); do
        events+="{\"type\":\"Deal.Noted\",\"target\":\"deal_${!#}\",\"data\":{\"n\":$i}}"
        set -- "${@: -1}" "${@:1:$#-1}"
    done
    record "$events"
}

# ---- PostHog

@test "PostHog: events are gathered until the batch is full, and are one request" {
    forwards posthog "ok/$P" '"batchSize":3' '"flushInterval":3600000' '"type":"analytics"'
    created contact_1 '{"stage":"Lead"}'
    happened Contact.Qualified '{"stage":"Qualified","score":1.10}'
    # Nothing is sent of a batch that is not full: the third event finds both in it.
    is 0 "$(count_came "ok/$P")"
    record '{"type":"was_placed","target":"order_7","actor":"agent_x","data":{"total":9.90}}'
    wait_for has_come "ok/$P" 1
    wait_for status_is '.delivered == 3 and .attempts == 1'
    is /batch/ "$(came "ok/$P" | jq -r .url)"
    is application/json "$(came "ok/$P" | jq -r '.headers["content-type"]')"
    holds factfs/ "$(came "ok/$P" | jq -r '.headers["user-agent"]')"
    is '["Contact.Created","Contact.Qualified","was_placed"]' "$(bodies "ok/$P" | jq -c '[.batch[].event]')"
    local line id expected
    line=$(event "$E" 2)
    id=$(member id "$line")
    expected=$(python3 -c 'import sys, uuid; print(uuid.uuid5(uuid.NAMESPACE_URL, sys.argv[1]))' "$id")
    expected="{\"uuid\":\"$expected\",\"event\":\"Contact.Qualified\",\"distinct_id\":\"$ME\",\"properties\":{\"distinct_id\":\"$ME\",\"stage\":\"Qualified\",\"score\":1.10,\"target\":\"contact_1\",\"version\":2,\"tenant\":\"$TENANT\",\"\$insert_id\":\"$id\"},\"timestamp\":\"$(member timestamp "$line")\"}"
    holds "$expected" "$(bodies "ok/$P")"
}

@test "PostHog: a batch that is not full goes when its oldest event has waited for flushInterval" {
    forwards posthog "ok/$P" '"flushInterval":1500'
    local begun
    begun=$(date +%s.%N)
    created deal_1
    created deal_2
    wait_for has_come "ok/$P" 1
    wait_for status_is '.delivered == 2'
    is 1 "$(count_came "ok/$P")"
    jq -e --argjson begun "$begun" '.at - $begun > 1.4' <<< "$(came "ok/$P")"
}

@test "PostHog: many events of one entity share a request" {
    forwards posthog "ok/$P" '"batchSize":50'
    many 100 1
    wait_for status_is '.delivered == 100'
    is $'50\n50' "$(bodies "ok/$P" | jq '.batch | length')"
    is "$(seq -s " " 100)" "$(batched "ok/$P" | jq .properties.n | sort -n | xargs)"
}

# ---- Google Analytics

@test "Google Analytics: a request is of one actor, at most 25 events" {
    forwards google-analytics "ok/$P" '"flushInterval":200'
    local events='' i
    for i in {1..30}; do
        events+="{\"type\":\"Contact.Qualified\",\"target\":\"contact_$i\",\"actor\":\"agent_a\",\"data\":{\"stage\":\"Lead\",\"deep\":{\"n\":$i}}}"
        ((i % 10)) || events+="{\"type\":\"was_placed\",\"target\":\"order_$i\",\"actor\":\"agent_b\",\"data\":{}}"
    done
    record "$events"
    wait_for status_is '.delivered == 33'
    is "/mp/collect?measurement_id=G-1&api_secret=ok%2F$P" "$(came "ok/$P" | jq -r .url | sort -u)"
    is '["agent_a","agent_a",25]
["agent_a","agent_a",5]
["agent_b","agent_b",3]' "$(bodies "ok/$P" | jq -c '[.client_id, .user_id, (.events | length)]' | sort)"
    local line micros
    line=$(head -n 1 "$T/contact_1/stream")
    micros=$(python3 -c 'import datetime, sys; print(round(datetime.datetime.fromisoformat(sys.argv[1].replace("Z", "+00:00")).timestamp() * 10**6))' "$(member timestamp "$line")")
    is "{\"name\":\"contact_qualified\",\"timestamp_micros\":$micros,\"params\":{\"stage\":\"Lead\",\"deep_n\":1,\"event_id\":\"$(member id "$line")\",\"target\":\"contact_1\"}}" \
        "$(bodies "ok/$P" | jq -c '.events[] | select(.params.target == "contact_1")')"
}

@test "Google Analytics: what is older than 72 hours is dropped without a request, and counted" {
    put "$T/import" '{"id":"h:1","type":"Deal.Created","target":"deal_1","timestamp":"2020-01-01","data":{}}
{"id":"h:2","type":"Deal.Closed","target":"deal_1","timestamp":"2020-01-02","data":{}}'
    forwards google-analytics "ok/$P" '"batchSize":1'
    echo 2020-01-01 > "$W/replay"
    # The file's own event is of today.
    wait_for status_is '.dropped == 2 and .delivered == 1 and .lag == 0 and .attempts == 1'
    is integration_connected "$(bodies "ok/$P" | jq -r '.events[].name')"
    is 'h:1 null null
h:2 null null' "$(jq -r 'select(.error != null) | "\(.id) \(.status) \(.next)"' "$W/deliveries")"
    holds "too old" "$(jq -r .error "$W/deliveries")"
    daemon_restart -o hooks_allow=127.0.0.1
    wait_for status_is '.dropped == 2 and .delivered == 1 and .lag == 0'
}

# ---- Sentry

@test "Sentry: what failed comes as an envelope at once, all else does not" {
    forwards sentry "ok/$P" '"type":"errors"'
    created payment_1 '{"amount":5}'
    happened Payment.Failed '{"reason":"card declined"}'
    happened Payment.Succeeded
    record '{"type":"payment_failed","target":"order_7","data":{"message":"no funds"}}'
    wait_for status_is '.delivered == 2 and .lag == 0'
    is 2 "$(count_came "ok/$P")"
    is "/ok/$P/api/42/envelope/" "$(came "ok/$P" | jq -r .url | sort -u)"
    is application/x-sentry-envelope "$(came "ok/$P" | jq -r '.headers["content-type"]' | sort -u)"
    holds "Sentry sentry_version=7, sentry_client=factfs/" "$(came "ok/$P" | head -n 1 | jq -r '.headers["x-sentry-auth"]')"
    holds ", sentry_key=key" "$(came "ok/$P" | head -n 1 | jq -r '.headers["x-sentry-auth"]')"
    local line payload
    line=$(event "$E" 2)
    came "ok/$P" | jq -r 'select(.body | contains("Payment.Failed")) | .body' > "$BATS_TEST_TMPDIR/envelope"
    is 3 "$(grep -c . "$BATS_TEST_TMPDIR/envelope")"
    payload=$(sed -n 3p "$BATS_TEST_TMPDIR/envelope")
    is "$(printf %s "$(member id "$line")" | sha256sum | cut -c 1-32)" "$(jq -r .event_id <<< "$payload")"
    is "$(jq -r .event_id <<< "$payload")" "$(sed -n 1p "$BATS_TEST_TMPDIR/envelope" | jq -r .event_id)"
    is "{\"type\":\"event\",\"length\":${#payload},\"content_type\":\"application/json\"}" "$(sed -n 2p "$BATS_TEST_TMPDIR/envelope")"
    is '["other","error","Payment.Failed: card declined"]' "$(jq -c '[.platform, .level, .message]' <<< "$payload")"
    is "{\"type\":\"Payment.Failed\",\"target\":\"payment_1\",\"tenant\":\"$TENANT\"}" "$(jq -c .tags <<< "$payload")"
    is "$(jq -c '[.timestamp, .actor, .data]' <<< "$line")" "$(jq -c '[.timestamp, .user.id, .extra]' <<< "$payload")"
}

# Prints what Sentry's published library reads of an envelope.
parsed() {
    NODE_PATH=$BUILD/node/node_modules node -e '
        const { parseEnvelope } = require("@sentry/core");
        const [headers, items] = parseEnvelope(require("fs").readFileSync(0, "utf8"));
        const event = JSON.parse(Buffer.from(items[0][1]).toString());
        console.log(JSON.stringify([headers.event_id, items.length, items[0][0].type, event.event_id, event.message]));'
}

@test "Sentry: its published library reads the envelopes" {
    needs npm
    needs node
    [[ -d $BUILD/node/node_modules/@sentry/core ]] ||
        timeout 60 npm install --silent --no-audit --no-fund --prefix "$BUILD/node" @sentry/core@9 > /dev/null 2>&1 ||
        skip "npm cannot install @sentry/core"
    forwards sentry "ok/$P"
    record '{"type":"Job.Crashed","target":"job_1","data":{"error":"Zoë \"quoted\" \\ 𝄞\n2nd line"}}'
    wait_for has_come "ok/$P" 1
    local id
    id=$(printf %s "$(member id "$(head -n 1 "$T/job_1/stream")")" | sha256sum | cut -c 1-32)
    is "[\"$id\",1,\"event\",\"$id\",\"Job.Crashed: Zoë \\\"quoted\\\" \\\\ 𝄞\\n2nd line\"]" "$(came "ok/$P" | jq -j .body | parsed)"
}

@test "a filter chooses events, for Sentry too whatever they are called" {
    forwards sentry "ok/$P" '"filter":{"type":"Deal.Lost","data.value":{"$gte":1000}}'
    created deal_1 '{"value":5000}'
    happened Deal.Lost '{"value":999}'
    happened Deal.Lost '{"value":1000}'
    happened Deal.Failed '{"value":5000}'
    wait_for status_is '.delivered == 1 and .lag == 0'
    is "$(member id "$(event "$E" 3)")" "$(tail -n 1 "$W/deliveries" | jq -r .id)"
}

# ---- what fails

@test "what fails is tried again, the same events with the same ids" {
    forwards posthog "first/1/$P" '"batchSize":3'
    many 3 1 2 3
    wait_for status_is '.delivered == 3 and .dropped == 0'
    is 2 "$(count_came "first/1/$P")"
    is 3 "$(batched "first/1/$P" | jq -r .uuid | sort | uniq -c | awk '$1 == 2' | wc -l)"
    is '1 503 3
2 200 3' "$(jq -r '"\(.attempt) \(.status)"' "$W/deliveries" | sort | uniq -c | awk '{ print $2, $3, $1 }')"
}

@test "what the service calls wrong is dropped, counted, and told; later events go on" {
    echo 400 > "$RECEIVED/$P"
    forwards posthog "control/$P" '"batchSize":2'
    many 2 1 2
    wait_for status_is '.dropped == 2 and .lag == 0 and .state == "failing"'
    is 1 "$(count_came "control/$P")"
    is 'status 400' "$(jq -r .lastError.error "$W/status.json")"
    is '400 null' "$(jq -r '"\(.status) \(.next)"' "$W/deliveries" | sort -u)"
    is 0 "$(dead_count)"
    echo 200 > "$RECEIVED/$P"
    many 2 3 4
    wait_for status_is '.dropped == 2 and .delivered == 2 and .state == "active"'
    daemon_restart -o hooks_allow=127.0.0.1
    wait_for status_is '.dropped == 2 and .delivered == 2'
}

@test "Retry-After holds all that is sent to the service" {
    forwards posthog "later/2/$P" '"batchSize":1'
    created deal_1
    wait_for has_come "later/2/$P" 1
    created deal_2
    wait_for status_is '.delivered == 2'
    came "later/2/$P" | jq -s -e '(.[1].at - .[0].at) >= 1.9'
}

@test "Sentry: its limits hold what falls under them, with any answer" {
    forwards sentry "limit/200/2:default;error:organization/$P"
    created job_1
    happened Job.Failed
    wait_for has_come "limit/200/2:default;error:organization/$P" 1
    happened Job.Failed
    wait_for status_is '.delivered == 2 and .attempts == 2'
    came "limit/200/2:default;error:organization/$P" | jq -s -e '(.[1].at - .[0].at) >= 1.9'
    forwards sentry "limit/200/3600:transaction:key/$P"
    happened Job.Failed
    wait_for has_come "limit/200/3600:transaction:key/$P" 1
    happened Job.Failed
    wait_for status_is '.delivered == 4'
}

@test "what may not be dialled is a failure that says so" {
    daemon_restart
    forwards posthog "ok/$P" '"batchSize":1'
    created deal_1
    wait_for grep -q hooks_allow "$W/deliveries"
    is 0 "$(count_came "ok/$P")"
    daemon_restart -o hooks_allow=127.0.0.1
    WAIT_SECONDS=30 wait_for status_is '.delivered == 1'
}

# ---- beside the file

@test "replay sends again, to be known by the service as the same event" {
    forwards posthog "ok/$P" '"batchSize":1'
    created deal_1
    happened Deal.Closed
    wait_for status_is '.delivered == 2'
    member id "$(event "$E" 2)" > "$W/replay"
    wait_for status_is '.delivered == 3'
    echo 1h-ago > "$W/replay"
    # The change of the file itself is an event of that hour, too.
    wait_for status_is '.delivered == 6'
    is '3 Deal.Closed 2 Deal.Created' "$(batched "ok/$P" | jq -r .event | grep Deal | sort | uniq -c | xargs)"
    is 2 "$(batched "ok/$P" | jq -r 'select(.event | startswith("Deal")).uuid' | sort -u | wc -l)"
}

@test "status.json of the tenant shows each integration beside the webhooks" {
    forwards posthog "ok/$P" '"batchSize":1'
    webhook w "{\"trigger\":\"Deal.*\",\"url\":\"$RECEIVER/ok/w/$P\"}"
    created deal_1
    shows() {
        [[ $(jq -c '.hooks | [.webhooks.w.delivered, .integrations.i.delivered, .integrations.i.dropped, .integrations.i.state]' "$T/status.json") == '[1,2,0,"active"]' ]]
    }
    wait_for shows
    is '["state","cursor","lag","oldestAge","pending","dead","delivered","attempts","dropped","lastSuccess","lastError"]' \
        "$(jq -c '.hooks.integrations.i | keys_unsorted' "$T/status.json")"
    rm "$T/hooks/integrations/i.json"
    gone() {
        [[ $(jq -c .hooks.integrations "$T/status.json") == '{}' ]]
    }
    wait_for gone
}

@test "\"disabled\":true pauses, and nothing is lost meanwhile" {
    forwards posthog "ok/$P" '"batchSize":1' '"disabled":true'
    created deal_1
    wait_for status_is '.state == "disabled" and .lag == 1'
    forwards posthog "ok/$P" '"batchSize":1'
    wait_for status_is '.state == "active" and .lag == 0'
    is 'Deal.Created Integration.Updated' "$(batched "ok/$P" | jq -r .event | sort | xargs)"
}

# ---- definitions and secrets

@test "each change is an event of integration_NAME: Connected, Updated, Disconnected, and Connected again" {
    forwards posthog "ok/$P"
    forwards posthog "ok/$P" '"batchSize":7'
    mv "$T/hooks/integrations/i.json" "$T/hooks/integrations/j.json"
    rm "$T/hooks/integrations/j.json"
    forwards posthog "ok/$P"
    is "Integration.Connected integration_i
Integration.Updated integration_i
Integration.Disconnected integration_i
Integration.Connected integration_j
Integration.Disconnected integration_j
Integration.Connected integration_i" "$(jq -r '"\(.type) \(.target)"' "$T/stream")"
    is "{\"provider\":\"posthog\",\"config\":{\"apiKey\":\"***\",\"host\":\"$RECEIVER\"}}" "$(data_of "$(event "$T" 1)")"
    is '{"batchSize":{"after":7}}' "$(data_of "$(event "$T" 2)")"
    is 600 "$(stat -c %a "$T/hooks/integrations/i.json")"
}

@test "a definition that is wrong is refused with its reason" {
    local file=$T/hooks/integrations/x.json
    is EINVAL "$(save "$file" '{"provider":"posthog","config":{"apiKey":"k"},"flushIntervall":1}')"
    holds flushIntervall "$(tail -n 1 "$T/rejected" | jq -r .reason)"
    is EINVAL "$(save "$file" '{"provider":"segment","config":{}}')"
    is EINVAL "$(save "$file" '{"provider":"google-analytics","config":{"measurementId":"G-1"}}')"
    [[ ! -e $file ]]
    is EACCES "$(save "$T/hooks/integrations/x y.json" '{}')"
}

@test "no secret leaves the integration's own file" {
    integration g "{\"provider\":\"google-analytics\",\"config\":{\"measurementId\":\"G-1\",\"apiSecret\":\"GEHEIM1\",\"host\":\"http://127.0.0.1:1\"},\"batchSize\":1}"
    integration p "{\"provider\":\"posthog\",\"config\":{\"apiKey\":\"GEHEIM2\",\"host\":\"http://127.0.0.1:1\"},\"batchSize\":1}"
    integration s "{\"provider\":\"sentry\",\"config\":{\"dsn\":\"http://GEHEIM3:GEHEIM4@127.0.0.1:1/7\"}}"
    created job_1
    happened Job.Failed
    local name where
    for name in g p s; do
        W=$T/hooks/integrations/$name
        wait_for status_is '.attempts > 0 and .state == "failing"'
        is EINVAL "$(save "$W.json" "$(sed 's/"config"/"config2":1,"config"/' "$W.json")")"
    done
    for where in "$T/stream" "$T"/hooks/integrations/?/{deliveries,dead,status.json} "$T/status.json" "$T/rejected" "$DAEMON_OUT"; do
        ! grep GEHEIM "$where" || { echo "in $where"; return 1; }
    done
    is http://***@127.0.0.1:1/7 "$(grep integration_s "$T/stream" | jq -r .data.config.dsn)"
}

# ---- kill

@test "a daemon that is killed loses nothing: every event comes, and few of them twice" {
    forwards posthog "slow/20/$P" '"batchSize":5' '"flushInterval":50'
    local round
    for round in {1..4}; do
        many 200 {1..20}
        wait_for has_come "slow/20/$P" $((round * 15))
        kill -KILL "$(daemon_pid)"
        wait_for process_gone "$(daemon_pid)"
        daemon_start -o hooks_allow=127.0.0.1
    done
    WAIT_SECONDS=60 wait_for status_is '.lag == 0 and .dead == 0 and .dropped == 0'
    is 800 "$(batched "slow/20/$P" | jq -r .uuid | sort -u | wc -l)"
    # At most what was under way at each kill: 16 requests of 5.
    (($(batched "slow/20/$P" | wc -l) <= 800 + 4 * 16 * 5))
}
