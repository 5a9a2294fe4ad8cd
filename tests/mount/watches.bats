# Watches (HOOKS.md E): a metric that comes beyond a threshold raises an alert, which is an event, and runs a script.
load helpers
load receivers

setup_file() {
    receiver_start "$BATS_FILE_TMPDIR/received"
    mount_start -o hooks_allow=127.0.0.1
}

teardown_file() {
    mount_stop
    receiver_stop
}

setup() {
    needs jq
    tenant_start
    H=$T/hooks/watches
    is ok "$(save "$T/hooks/metrics/total.json" '{"aggregate":"sum","type":"Deal","field":"value"}')"
}

# watch NAME MEMBERS…: saved as NAME.json; the metric is total and the threshold 100.0, unless they say otherwise.
watch() {
    local name=$1 answer
    shift
    answer=$(save "$H/$name.json" "$(jq -cn --args '{metric: "total", threshold: 100} + ($ARGS.positional | map("{\(.)}") | map(fromjson) | add)' "$@")")
    [[ $answer == ok ]] || { printf 'refused with %s: %s\n' "$answer" "$(tail -n 1 "$T/rejected")"; return 1; }
}

script() {
    local answer
    answer=$(save "$H/$1.js" "$2")
    [[ $answer == ok ]] || { printf 'refused with %s: %s\n' "$answer" "$(tail -n 1 "$T/rejected")"; return 1; }
}

# total N: one more event, after which the metric is N.
total() {
    record "{\"type\":\"Deal.Changed\",\"target\":\"deal_1\",\"data\":{\"value\":$1}}"
}

# The alerts that came so far: verb and value, such as `Raised 200`.
told() {
    jq -r 'select(.type | startswith("Alert.")) | "\(.type[6:]) \(.data.value)"' "$T/stream" | paste -sd, -
}

alerts() {
    jq -c .alerts "$T/status.json"
}

@test "E7 an alert is an event on alert_NAME with the seed's seven members, by watch_NAME, each time whole" {
    is ok "$(save "$H/churn_spike.json" '{"metric":"total","threshold":3.0,"direction":"above","action":"retain"}')"
    total 4.2
    local line
    line=$(event "$T/alert_churn_spike" 1)
    local at
    at=$(member timestamp "$line")
    is Alert.Raised "$(member type "$line")"
    is watch_churn_spike "$(member actor "$line")"
    is "{\"type\":\"churn_spike\",\"severity\":\"high\",\"metric\":\"total\",\"value\":4.2,\"threshold\":3.0,\"action\":\"retain\",\"since\":\"$at\"}" \
        "$(data_of "$line")"
    # In the transaction of the event that crossed: behind it, at the same moment.
    is "$at" "$(member timestamp "$(last "$T/deal_1")")"
    total 3
    line=$(event "$T/alert_churn_spike" 2)
    is Alert.Resolved "$(member type "$line")"
    is "$at" "$(jq -r .data.since <<< "$line")"
    total 5
    is '{"type":"churn_spike","severity":"high","metric":"total","value":5,"threshold":3.0,"action":"retain"}' \
        "$(event "$T/alert_churn_spike" 3 | jq -c '.data | del(.since)' | sed 's/"threshold":3,/"threshold":3.0,/')"
}

@test "E6 status.json shows what is raised, with the value that the metric has now, since the crossing" {
    is ok "$(save "$H/churn_spike.json" '{"metric":"total","threshold":3.0,"direction":"above","action":"retain"}')"
    is '[]' "$(alerts)"
    total 4
    local at
    at=$(member timestamp "$(last "$T/deal_1")")
    total 4.2
    is "{\"type\":\"churn_spike\",\"severity\":\"high\",\"metric\":\"total\",\"value\":4.2,\"threshold\":3.0,\"action\":\"retain\",\"since\":\"$at\"}" \
        "$(sed -n '/"alerts"/,/^  \]/p' "$T/status.json" | tr -d '\n' | sed 's/^.*\[ *{ */{/; s/ *} *\].*$/}/; s/": */":/g; s/, *"/,"/g')"
    total 2
    is '[]' "$(alerts)"
}

@test "E1 severity, action and type may be given, and the alerts stand in the order of their names" {
    watch b '"direction":"above"' '"severity":"low"' '"type":"big"'
    watch a '"direction":"above"' '"action":"call"'
    total 200
    is '[["a","high","call"],["big","low",null]]' "$(alerts | jq -c 'map([.type, .severity, .action])')"
}

@test "E2 above and below are strict and re-arm, and equal is no crossing" {
    total 60
    watch up '"direction":"above"'
    watch down '"direction":"below"' '"threshold":50'
    total 100
    is "" "$(told)"
    total 101
    total 200
    total 100
    total 150
    total 50
    total 49
    is "Raised 101,Resolved 100,Raised 150,Resolved 50,Raised 49" "$(told)"
    is "up up up up down" "$(jq -r 'select(.type | startswith("Alert.")) | .target[6:]' "$T/stream" | paste -sd' ' -)"
}

@test "E2 E8 cross is raised either way, and stands while the value is not where it was" {
    total 0
    watch side '"direction":"cross"'
    is '[]' "$(alerts)"
    total 100
    is "" "$(told)"
    total 200
    is 1 "$(alerts | jq length)"
    total 100
    is 1 "$(alerts | jq length)"
    total 99
    is '[]' "$(alerts)"
    is "Raised 200,Raised 99" "$(told)"
}

@test "E3 what is beyond already is raised when the watch is saved, once" {
    total 200
    watch up '"direction":"above"'
    watch side '"direction":"cross"'
    is "Raised 200" "$(told)"
    is "$(member timestamp "$(event "$T/watch_up" 1)")" "$(alerts | jq -r '.[0].since')"
    save "$H/up.json" "$(cat "$H/up.json")"
    total 300
    is "Raised 200" "$(told)"
    daemon_restart -o hooks_allow=127.0.0.1
    total 400
    is "Raised 200" "$(told)"
    is 400 "$(alerts | jq -c '.[0].value')"
    total 0
    is "Raised 200,Raised 0,Resolved 0" "$(told)"
}

@test "E3 a watch that is changed tells anew what it watches now" {
    total 200
    watch up '"direction":"above"'
    watch up '"direction":"above"' '"description":"other words"'
    is "Raised 200" "$(told)"
    watch up '"direction":"above"' '"threshold":150'
    watch up '"direction":"above"' '"threshold":500'
    is "Raised 200,Raised 200,Resolved 200" "$(told)"
    is '[]' "$(alerts)"
}

@test "what is raised is resolved when the watch goes, and follows it to another name" {
    total 200
    watch up '"direction":"above"'
    mv "$H/up.json" "$H/high.json"
    is "alert_up Alert.Raised alert_up Alert.Resolved alert_high Alert.Raised" \
        "$(jq -r 'select(.type | startswith("Alert.")) | "\(.target) \(.type)"' "$T/stream" | paste -sd' ' -)"
    is high "$(alerts | jq -r '.[0].type')"
    rm "$H/high.json"
    is "Alert.Resolved" "$(member type "$(last "$T/alert_high")")"
    is '[]' "$(alerts)"
}

@test "E3 a watch on a metric that still counts what there is tells when that is done, once" {
    jq -cn 'range(4000) | {type: "Task.Created", target: "task_\(.)", data: {hours: 1}}' > "$T/append"
    is ok "$(save "$T/hooks/metrics/hours.json" '{"aggregate":"sum","type":"Task","field":"hours"}')"
    watch busy '"direction":"above"' '"metric":"hours"'
    wait_for eval '[[ $(told) == "Raised 4000" ]]'
    # Anew, where the definition is another one: meanwhile there is no value.
    is ok "$(save "$T/hooks/metrics/hours.json" '{"aggregate":"count","type":"Task"}')"
    wait_for eval '[[ $(told) == *"Raised 4000" && $(alerts | jq -c "map(.value)") == "[4000]" ]]'
    holds "$(told)" "Raised 4000,Resolved null,Raised 4000 Raised 4000"
}

@test "D6 what is built in is watched by any of its names, and shown as it is spelled" {
    watch subs '"direction":"above"' '"metric":"active_subscriptions"' '"threshold":1'
    record '{"type":"Subscription.Created","target":"subscription_1","data":{"amount":10}}'
    is '[]' "$(alerts)"
    record '{"type":"Subscription.Created","target":"subscription_2","data":{"amount":10}}'
    is '[["active_subscriptions",2]]' "$(alerts | jq -c 'map([.metric, .value])')"
    record '{"type":"Subscription.Canceled","target":"subscription_1","data":{"status":"Canceled"}}'
    is "Raised 2,Resolved 1" "$(told)"
}

@test "D5 an expression is watched as what it is computed of changes" {
    is ok "$(save "$T/hooks/metrics/half.json" '{"expression":"total / 2"}')"
    watch up '"direction":"above"' '"metric":"half"'
    total 200
    is "" "$(told)"
    total 201
    is "Raised 100.5" "$(told)"
}

@test "A10 alerts are recorded where the spec declares nothing of them" {
    is ok "$(save "$T/spec.json" '{"nouns":{"Deal":{"value":"number"}}}')"
    watch up '"direction":"above"'
    record '{"type":"Deal.Created","target":"deal_1","data":{"value":200}}'
    is "Raised 200" "$(told)"
}

@test "E4 each event of a batch is looked at: what comes and goes within it raises and clears" {
    watch up '"direction":"above"'
    total 0
    record '[{"type":"Deal.Changed","target":"deal_1","data":{"value":200}},{"type":"Deal.Changed","target":"deal_1","data":{"value":0}}]'
    is "Raised 200,Resolved 0" "$(told)"
    is "Deal.Changed Alert.Raised Deal.Changed Alert.Resolved" "$(tail -n 4 "$T/stream" | jq -r .type | paste -sd' ' -)"
}

@test "E5 null is on no side: an alert clears" {
    is ok "$(save "$T/hooks/metrics/mean.json" '{"aggregate":"avg","type":"Deal","field":"value"}')"
    watch up '"direction":"above"' '"metric":"mean"'
    total 200
    record '{"type":"Deal.Deleted","target":"deal_1"}'
    is "Raised 200,Resolved null" "$(told)"
}

@test "D4 a window falls without events: the alert clears within a second" {
    is ok "$(save "$T/hooks/metrics/lately.json" '{"aggregate":"count","events":"Deal.*","window":"2s"}')"
    watch busy '"direction":"above"' '"metric":"lately"' '"threshold":1'
    total 1
    total 2
    is "Raised 2" "$(told)"
    wait_for eval '[[ $(told) == "Raised 2,Resolved "* ]]'
    local fell came
    fell=$(date -d "$(jq -r 'select(.type == "Deal.Changed") | .timestamp' "$T/stream" | head -n 1)" +%s%3N)
    came=$(date -d "$(member timestamp "$(last "$T/alert_busy")")" +%s%3N)
    ((came - fell >= 2000 && came - fell < 3000)) || { echo "it cleared after $((came - fell)) ms"; return 1; }
    is '[]' "$(alerts)"
}

@test "what is refused, and what a handler that fails has written, raises nothing" {
    watch up '"direction":"above"'
    is EINVAL "$(put "$T/append" '[{"type":"Deal.Changed","target":"deal_1","data":{"value":200}},{"type":"Other.Created","target":"deal_1"}]')"
    is ok "$(save "$T/hooks/handlers/Lead.created.js" '(lead, $) => { $.Deal.create({ $id: "deal_9", value: 900 }); throw new Error("no") }')"
    record '{"type":"Lead.Created","target":"lead_1"}'
    is "" "$(told)"
    is '[]' "$(alerts)"
    # What it brought about is gone, too: the next crossing is the first.
    total 101
    is "Raised 101" "$(told)"
}

@test "E9 the script is run behind the alert, in its transaction, with the metric and \$" {
    script up '(metric, $) => { $.Task.create({ $id: "task_1", ...metric, event: $.event.type }) }'
    is ok "$(save "$H/up.json" '{"metric":"total","threshold":100.0,"direction":"above"}')"
    total 40
    total 200.50
    is 'Deal.Changed,Alert.Raised,Task.Created' "$(tail -n 3 "$T/stream" | jq -r .type | paste -sd, -)"
    local line
    line=$(last "$T")
    holds '"data":{"name":"total","value":200.5,"previous":40,"threshold":100' "$line"
    holds '"event":"Alert.Raised"' "$line"
    is "watch_up" "$(member actor "$line")"
    is "$(event "$T/alert_up" 1 | jq -r .id) up" "$(jq -r '"\(.metadata.cause) \(.metadata.handler)"' <<< "$line")"
    # Not when it is resolved.
    total 1
    is 1 "$(count "$T/task_1")"
    is '{"state":"active","runs":1,"failures":0,"lastError":null}' "$(jq -c .hooks.watches.up "$T/status.json")"
}

@test "E9 a script that fails is undone alone, and says so in its log" {
    watch up '"direction":"above"'
    script up '(metric, $) => {
        console.log("at", metric.value)
        $.Task.create({ $id: "task_1" })
        nothing()
    }'
    total 200
    is "Raised 200" "$(told)"
    ! exists "$T/task_1"
    is "log at 200" "$(cut -d' ' -f3- "$H/up.log" | head -n 1)"
    holds "error ReferenceError: " "$(sed -n 2p "$H/up.log")"
    holds "up.js:4:" "$(cat "$H/up.log")"
    is '["failing",1,1]' "$(jq -c '.hooks.watches.up | [.state, .runs, .failures]' "$T/status.json")"
    holds 'ReferenceError' "$(jq -r .hooks.watches.up.lastError.error "$T/status.json")"
}

@test "E9 a script that brings its own metric back and forth comes to an end" {
    total 0
    watch up '"direction":"above"'
    script up '(metric, $) => { $.Deal.change("deal_1", { value: 0 }); $.Deal.change("deal_1", { value: 300 }) }'
    total 200
    is Raised "$(told | cut -d' ' -f1)"
    jq -e '.hooks.watches.up.failures > 0' "$T/status.json" > /dev/null
    # Alert and metric agree in the end.
    is "$(jq '.metrics.total > 100' "$T/status.json")" "$(alerts | jq 'length == 1')"
}

@test "a syntax error in a script is refused with its place, and the script is listed with its log" {
    is EINVAL "$(save "$H/up.js" '(metric, $) => {
  )')"
    holds "up.js:2:3: SyntaxError" "$(tail -n 1 "$T/rejected" | jq -r .reason)"
    script up '() => {}'
    watch up '"direction":"above"'
    is "up.js up.json up.log" "$(ls "$H" | paste -sd' ' -)"
    is "" "$(cat "$H/up.log")"
    rm "$H/up.js"
    is "up.json" "$(ls "$H")"
}

@test "A6 watches and scripts are recorded, each on an entity of its own" {
    watch up '"direction":"above"'
    script up '() => {}'
    is '{"metric":"total","threshold":100,"direction":"above"}' "$(data_of "$(event "$T/watch_up" 1)")"
    is Watch.Created "$(member type "$(event "$T/watch_up" 1)")"
    is '{"name":"up","source":"() => {}"}' "$(data_of "$(event "$T/watch_up.js" 1)")"
    rm "$H/up.js" "$H/up.json"
    is "Watch.Deleted Watch.Deleted" "$(member type "$(last "$T/watch_up")") $(member type "$(last "$T/watch_up.js")")"
}

@test "A2 a definition is strict, and its metric must be there" {
    is EINVAL "$(save "$H/up.json" '{"metric":"total","treshold":1,"direction":"above"}')"
    holds 'up.json: unknown member "treshold"' "$(tail -n 1 "$T/rejected" | jq -r .reason)"
    is EINVAL "$(save "$H/up.json" '{"metric":"nothing","threshold":1,"direction":"above"}')"
    holds 'there is no metric nothing' "$(tail -n 1 "$T/rejected" | jq -r .reason)"
    ! exists "$H/up.json"
    is EACCES "$(save "$H/a.b.json" '{}')"
    is EACCES "$(save "$H/_a.js" '() => {}')"
}

@test "D5 a metric that is watched cannot be removed" {
    watch up '"direction":"above"'
    run rm "$T/hooks/metrics/total.json"
    ((status != 0))
    holds "busy" "$output"
    run mv "$T/hooks/metrics/total.json" "$T/hooks/metrics/sum.json"
    ((status != 0))
    holds "up.json" "$(tail -n 1 "$T/rejected" | jq -r .reason)"
    rm "$H/up.json"
    rm "$T/hooks/metrics/total.json"
}

@test "E7 a webhook may have alerts as its trigger" {
    webhook w "{\"trigger\":\"Alert.*\",\"url\":\"$RECEIVER/$TENANT\"}"
    watch up '"direction":"above"'
    total 200
    total 0
    wait_for has_come "$TENANT" 2
    is "Alert.Raised Alert.Resolved" "$(bodies "$TENANT" | jq -r .type | paste -sd' ' -)"
    is '["up",200,100]' "$(bodies "$TENANT" | head -n 1 | jq -c '[.data.type, .data.value, .data.threshold]')"
}

@test "B24 what is imported raises no alert, and what comes next tells only what is new" {
    watch up '"direction":"above"'
    put "$T/import" '{"type":"Deal.Created","target":"deal_7","data":{"value":500},"actor":"user_a","timestamp":"2036-01-01T00:00:00Z"}'
    is 500 "$(jq .metrics.total "$T/status.json")"
    is "" "$(told)"
    # Status tells the truth.
    is 500 "$(alerts | jq '.[0].value')"
    total 1
    is "" "$(told)"
    record '{"type":"Deal.Changed","target":"deal_7","data":{"value":1}}'
    is "Resolved 2" "$(told)"
}

@test "what a kill leaves of an alert and of its side agree" {
    watch up '"direction":"above"'
    total 200
    kill -KILL "$(daemon_pid)"
    wait_for process_gone "$(daemon_pid)"
    mount_abort
    daemon_start -o hooks_allow=127.0.0.1
    total 300
    is "Raised 200" "$(told)"
    total 1
    is "Raised 200,Resolved 1" "$(told)"
}

@test "what a handler of one alert brings back clears all that were raised, in order" {
    watch a '"direction":"above"'
    watch b '"direction":"above"'
    is ok "$(save "$T/hooks/handlers/Alert.raised.js" '(alert, $) => { if (alert.$id == "alert_a") $.Deal.change("deal_1", { value: 0 }) }')"
    total 1
    total 200
    is "Raised a,Raised b,Resolved a,Resolved b" \
        "$(jq -r 'select(.type | startswith("Alert.")) | "\(.type[6:]) \(.target[6:])"' "$T/stream" | paste -sd, -)"
    is '[]' "$(alerts)"
}

@test "E10 a script sees its own alert in \$.status(), with the value that raised it" {
    watch high '"type":"too_much"' '"severity":"low"' '"direction":"above"'
    script high '(metric, $) => { $.Result.create({ alerts: $.status().alerts, total: $.status().metrics.total }) }'
    total 200
    local at
    at=$(member timestamp "$(event "$T/alert_high" 1)")
    is "{\"alerts\":[{\"type\":\"too_much\",\"severity\":\"low\",\"metric\":\"total\",\"value\":200,\"threshold\":100,\"action\":null,\"since\":\"$at\"}],\"total\":200}" \
        "$(grep '"type":"Result.Created"' "$T/stream" | jq -c .data)"
    is "[{\"type\":\"too_much\",\"severity\":\"low\",\"metric\":\"total\",\"value\":200,\"threshold\":100,\"action\":null,\"since\":\"$at\"}]" "$(alerts)"
    ends 3 "$FACTFS" status --utc "$T"
    holds "  low  too_much: total is 200, threshold 100, since ${at%%.*}Z" "$output"
}

@test "a watch whose side is damaged on disk begins anew" {
    watch up '"direction":"above"'
    total 200
    daemon_stop
    forge "UPDATE kept SET text = 'x'"
    daemon_start -o hooks_allow=127.0.0.1
    exists "$T/stream"
    wait_for eval '[[ $(told) == "Raised 200,Raised 200" ]]'
    total 300
    is "Raised 200,Raised 200" "$(told)"
    holds "what watch up has seen is damaged" "$(cat "$DAEMON_OUT")"
    : > "$DAEMON_OUT"
}
