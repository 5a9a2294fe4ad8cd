# Metrics (HOOKS.md D): numbers over states and events that are kept up to date event by event.
load helpers

setup() {
    needs jq
    tenant_start
    H=$T/hooks/metrics
}

# metric NAME DEFINITION: saved as NAME.json.
metric() {
    local answer
    answer=$(save "$H/$1.json" "$2")
    [[ $answer == ok ]] || { printf 'refused with %s: %s\n' "$answer" "$(tail -n 1 "$T/rejected")"; return 1; }
}

# Its value, as it stands in status.json.
value() {
    jq -c ".metrics.$1" "$T/status.json"
}

# condition for wait_for
has_value() {
    [[ $(value "$1") == "$2" ]]
}

# deal N DATA: an event more of a deal.
deal() {
    record "{\"type\":\"$1\",\"target\":\"deal_$2\",\"data\":$3}"
}

@test "D1 a metric counts, adds up and compares the living entities of a type" {
    deal Deal.Created 1 '{"value":10,"stage":"Lead"}'
    metric deals '{"aggregate":"count","type":"Deal"}'
    metric total '{"aggregate":"sum","type":"Deal","field":"value"}'
    metric mean '{"aggregate":"avg","type":"Deal","field":"value"}'
    metric least '{"aggregate":"min","type":"Deal","field":"value"}'
    metric most '{"aggregate":"max","type":"Deal","field":"value"}'
    deal Deal.Created 2 '{"value":4,"stage":"Won"}'
    deal Deal.Created 3 '{"value":1,"stage":"Won"}'
    is '[3,15,5,1,10]' "$(jq -c '.metrics | [.deals, .total, .mean, .least, .most]' "$T/status.json")"
    deal Deal.Updated 1 '{"value":2}'
    deal Deal.Deleted 3 '{}'
    is '[2,6,3,2,4]' "$(jq -c '.metrics | [.deals, .total, .mean, .least, .most]' "$T/status.json")"
}

@test "D1 a filter is an object of operators or a FILTER, and may reach into objects" {
    metric leads '{"aggregate":"count","type":"Deal","filter":{"stage":"Lead","value":{"$gte":5}}}'
    metric big '{"aggregate":"sum","type":"Deal","field":"value","filter":"stage=Lead,value>=5"}'
    metric eu '{"aggregate":"max","type":"Deal","field":"terms.days","filter":"owner.region=EU"}'
    deal Deal.Created 1 '{"value":5,"stage":"Lead","owner":{"region":"EU"},"terms":{"days":30}}'
    deal Deal.Created 2 '{"value":4,"stage":"Lead","owner":{"region":"US"},"terms":{"days":60}}'
    is 1 "$(value leads)"
    is 5 "$(value big)"
    is 30 "$(value eu)"
    deal Deal.Advanced 1 '{"stage":"Won"}'
    is 0 "$(value leads)"
    is 0 "$(value big)"
}

@test "D1 over events a metric reads the event's own line, and what came after of a change" {
    metric closed '{"aggregate":"count","events":"Deal.Closed"}'
    metric revenue '{"aggregate":"sum","events":["Deal.closed","Deal.Won"],"field":"data.value","filter":{"actor":"agent_a"}}'
    deal Deal.Created 1 '{"value":1}'
    record '{"type":"Deal.Closed","target":"deal_1","data":{"value":7},"actor":"agent_a"}'
    record '{"type":"Deal.Closed","target":"deal_1","data":{"value":9},"actor":"agent_b"}'
    is 2 "$(value closed)"
    is 7 "$(value revenue)"
}

@test "D2 only numbers of JSON are added up, and where there is none the value is 0 or null" {
    metric total '{"aggregate":"sum","type":"Deal","field":"value"}'
    metric mean '{"aggregate":"avg","type":"Deal","field":"value"}'
    metric least '{"aggregate":"min","type":"Deal","field":"value"}'
    metric given '{"aggregate":"count","type":"Deal","field":"value"}'
    is '[0,null,null,0]' "$(jq -c '.metrics | [.total, .mean, .least, .given]' "$T/status.json")"
    deal Deal.Created 1 '{"value":"12"}'
    deal Deal.Created 2 '{"value":null}'
    deal Deal.Created 3 '{}'
    is '[0,null,null,1]' "$(jq -c '.metrics | [.total, .mean, .least, .given]' "$T/status.json")"
}

@test "D3 sums are exact, whatever is added and taken away" {
    metric total '{"aggregate":"sum","type":"Deal","field":"value"}'
    deal Deal.Created 1 '{"value":0.1}'
    deal Deal.Created 2 '{"value":0.2}'
    grep -q '"total": 0.3,\?$' "$T/status.json"
    deal Deal.Created 3 '{"value":1e15}'
    deal Deal.Created 4 '{"value":12345678901234567890.5}'
    grep -q '"total": 12346678901234567890.8,\?$' "$T/status.json"
    deal Deal.Deleted 3 '{}'
    deal Deal.Deleted 4 '{}'
    grep -q '"total": 0.3,\?$' "$T/status.json"
}

@test "D3 a refused write changes no metric" {
    metric total '{"aggregate":"sum","type":"Deal","field":"value"}'
    is ENOENT "$(put "$T/append" '[{"type":"Deal.Created","target":"deal_1","data":{"value":5}},{"type":"Deal.Updated","target":"deal_2","data":{}}]')"
    is 0 "$(value total)"
}

@test "D3 what a handler that fails has written changes no metric" {
    metric seen '{"aggregate":"count","type":"Seen"}'
    is ok "$(save "$T/hooks/handlers/Deal.created.js" '(d, $) => { $.Seen.create({}); if (d.fails) throw new Error("no") }')"
    deal Deal.Created 1 '{"fails":true}'
    deal Deal.Created 2 '{"fails":false}'
    is 1 "$(value seen)"
}

@test "D3 a daemon that is killed amid writes, again and again, leaves no drift" {
    metric total '{"aggregate":"sum","type":"Deal","field":"value"}'
    metric least '{"aggregate":"min","type":"Deal","field":"value"}'
    metric events '{"aggregate":"count","events":"Deal.*"}'
    local round writer
    # Two writers; what they cannot append while there is no daemon is lost.
    write() {
        local n=0
        while true; do
            n=$((n + 1))
            echo "{\"type\":\"Deal.Opened\",\"target\":\"deal_$1_$((n % 7))\",\"data\":{\"value\":$((n * 13 % 101)).$((n % 10))}}" > "$T/append"
        done 2> "$BATS_TEST_TMPDIR/writer"
    }
    for round in 1 2 3 4; do
        write a & writer=$!
        write b & writer="$writer $!"
        sleep 0.5
        kill -KILL "$(daemon_pid)"
        wait_for process_gone "$(daemon_pid)"
        kill $writer 2> /dev/null || true
        wait $writer 2> /dev/null || true
        mount_abort
        daemon_start
        states() { jq -s "[.[].value] | $1" "$T/find/type=Deal/entities.ndjson"; }
        wait_for has_value events "$(grep -c '"type":"Deal\.' "$T/stream")"
        is "$(states 'add * 10 | round')" "$(jq '.metrics.total * 10 | round' "$T/status.json")"
        is "$(states min)" "$(value least)"
    done
    [[ $(value events) -gt 50 ]]
}

@test "D4 what leaves the window counts no more, without an event" {
    metric recent '{"aggregate":"sum","events":"Deal.*","field":"data.value","window":"5s"}'
    deal Deal.Created 1 '{"value":3}'
    is 3 "$(value recent)"
    sleep 1.2
    deal Deal.Created 2 '{"value":4}'
    is 7 "$(value recent)"
    wait_for has_value recent 4
    wait_for has_value recent 0
}

@test "D5 an expression is computed of other metrics, and is null where it cannot be" {
    metric total '{"aggregate":"sum","type":"Deal","field":"value"}'
    metric deals '{"aggregate":"count","type":"Deal"}'
    metric mean '{"expression":"total / deals"}'
    metric twice '{"expression":"-(mean * 2) + 1"}'
    is null "$(value mean)"
    deal Deal.Created 1 '{"value":3}'
    deal Deal.Created 2 '{"value":4}'
    is 3.5 "$(value mean)"
    is -6 "$(value twice)"
}

@test "D5 an unknown name or a circle is refused, and what is used stays" {
    metric a '{"aggregate":"count","type":"Deal"}'
    metric b '{"expression":"a + 1"}'
    metric c '{"expression":"b + 1"}'
    is EINVAL "$(save "$H/x.json" '{"expression":"missing + 1"}')"
    is EINVAL "$(save "$H/b.json" '{"expression":"c + 1"}')"
    is EINVAL "$(save "$H/x.json" '{"expression":"x"}')"
    is EBUSY "$(calls -q unlink "$H/a.json")"
    is EBUSY "$(calls -q rename "$H/b.json" "$H/d.json")"
    rm "$H/c.json" "$H/b.json" "$H/a.json"
    is '{}' "$(jq -c .hooks.metrics "$T/status.json")"
}

@test "A2 a member that is not known is refused by name" {
    is EINVAL "$(save "$H/x.json" '{"aggregate":"count","type":"Deal","feild":"value"}')"
    tail -n 1 "$T/rejected" | grep -q feild
}

@test "A6 a change of a metric is an event on metric_NAME, with its definition" {
    metric deals '{ "aggregate": "count", "type": "Deal" }'
    is 'Metric.Created metric_deals {"aggregate":"count","type":"Deal"}' \
        "$(last "$T" | jq -r '.type + " " + .target + " " + (.data | tostring)')"
    rm "$H/deals.json"
    is Metric.Deleted "$(last "$T" | jq -r .type)"
}

@test "D8 a new definition counts what is there, and its value is right after a restart" {
    for i in 1 2 3; do deal Deal.Created $i "{\"value\":$i}"; done
    metric total '{"aggregate":"sum","type":"Deal","field":"value"}'
    wait_for has_value total 6
    is '{"state":"active"}' "$(jq -c .hooks.metrics.total "$T/status.json")"
    kill -KILL "$(daemon_pid)"
    wait_for process_gone "$(daemon_pid)"
    mount_abort
    daemon_start
    wait_for has_value total 6
    deal Deal.Created 4 '{"value":4}'
    is 10 "$(value total)"
}

@test "D9 D10 mrr and activeSubscriptions are kept of the subscriptions, whose price may be another entity's" {
    record '{"type":"Price.Created","target":"price_pro","data":{"amount":300,"interval":"Quarterly"}}'
    record '{"type":"Subscription.Created","target":"subscription_1","data":{"price":"price_pro","quantity":2}}' \
        '{"type":"Subscription.Created","target":"subscription_2","data":{"amount":120,"interval":"Yearly","status":"Active"}}' \
        '{"type":"Subscription.Created","target":"subscription_3","data":{"amount":50,"status":"Trialing"}}'
    is '[210,2]' "$(jq -c '.metrics | [.mrr, .activeSubscriptions]' "$T/status.json")"
    record '{"type":"Price.Updated","target":"price_pro","data":{"amount":30}}'
    record '{"type":"Subscription.Canceled","target":"subscription_2","data":{"status":"Canceled"}}'
    is '[20,1]' "$(jq -c '.metrics | [.mrr, .activeSubscriptions]' "$T/status.json")"
}

@test "D11 churnRate and nrr compare with what was 30 days ago" {
    when() { date -u -d "$1 days ago" +%Y-%m-%dT%H:%M:%SZ; }
    local i
    for i in 1 2 3 4; do
        printf '{"type":"Subscription.Created","target":"subscription_%s","actor":"a","timestamp":"%s","data":{"amount":100}}\n' $i "$(when 40)"
    done > "$T/import"
    record '{"type":"Subscription.Deleted","target":"subscription_1"}' \
        '{"type":"Subscription.Upgraded","target":"subscription_2","data":{"amount":150,"status":"Upgraded"}}' \
        '{"type":"Subscription.Created","target":"subscription_5","data":{"amount":1000}}'
    wait_for has_value churnRate 25
    is '[1350,25,0.875]' "$(jq -c '.metrics | [.mrr, .churnRate, .nrr]' "$T/status.json")"
}

@test "D6 a file named as what is built in replaces it, and rm brings it back" {
    record '{"type":"Subscription.Created","target":"subscription_1","data":{"amount":100}}'
    metric mrr '{"aggregate":"count","type":"Subscription"}'
    is 1 "$(value mrr)"
    metric share '{"expression":"active_subscriptions * 2"}'
    is 2 "$(value share)"
    rm "$H/mrr.json"
    is 100 "$(value mrr)"
}

@test "D12 a changed value is recorded once an interval has passed, and only then" {
    metric total '{"aggregate":"sum","type":"Deal","field":"value","interval":"1s"}'
    deal Deal.Created 1 '{"value":3}'
    snapshots() { [[ $(grep -c '"type":"Metric.Snapshotted"' "$T/stream") == "$1" ]]; }
    wait_for snapshots 1
    is '{"value":3}' "$(data_of "$(last "$T")")"
    is 3 "$(jq .value "$T/metric_total/state.json")"
    deal Deal.Created 2 '{"value":4}'
    wait_for snapshots 2
    is '{"value":7}' "$(data_of "$(last "$T")")"
    sleep 1.5
    snapshots 2
}

@test "D12 what is recorded of hooks counts only where it is named" {
    metric all '{"aggregate":"count","events":"*"}'
    metric own '{"aggregate":"count","events":"Metric.*"}'
    deal Deal.Created 1 '{}'
    is 1 "$(value all)"
    is 2 "$(value own)"
}

@test "B24 metrics count what is imported" {
    metric total '{"aggregate":"sum","type":"Deal","field":"value"}'
    echo '{"id":"evt_x1","type":"Deal.Created","target":"deal_1","timestamp":"2036-01-01T00:00:00Z","data":{"value":5}}' > "$T/import"
    is 5 "$(value total)"
}
