# What time alone changes of metrics (HOOKS.md D4, D11, D12), under a clock that each test sets.
load helpers
load clock

# value NAME: as it stands in status.json.
value() {
    jq -c ".metrics.$1" "$T/status.json"
}

# condition for wait_for
has_value() {
    [[ $(value "$1") == "$2" ]]
}

snapshots() {
    [[ $(grep -c '"type":"Metric.Snapshotted"' "$T/stream") == "$1" ]]
}

@test "D4 an event leaves its window when the clock says so, and not before" {
    needs jq
    is ok "$(save "$T/hooks/metrics/month.json" '{"aggregate":"count","events":"Page.*","window":"30d"}')"
    record '{"type":"Page.Viewed","target":"page_1"}'
    now "$Y-01-15"
    record '{"type":"Page.Viewed","target":"page_1"}'
    now "$Y-01-30T23:59:59Z"
    is 2 "$(value month)"
    now "$Y-01-31T00:00:01Z"
    wait_for has_value month 1
    now "$Y-02-15"
    wait_for has_value month 0
}

@test "D11 churnRate and nrr follow the clock: what was canceled counts for 30 days" {
    needs jq
    record '{"type":"Subscription.Created","target":"subscription_1","data":{"amount":10}}' \
        '{"type":"Subscription.Created","target":"subscription_2","data":{"amount":30}}'
    is '[40,2,null,null]' "$(jq -c '[.metrics[]]' "$T/status.json")"
    now "$Y-01-20"
    record '{"type":"Subscription.Canceled","target":"subscription_1","data":{"status":"Canceled"}}'
    is '[30,1,null,null]' "$(jq -c '[.metrics[]]' "$T/status.json")"
    now "$Y-02-01"
    wait_for has_value churnRate 50
    is '[30,1,50,0.75]' "$(jq -c '[.metrics[]]' "$T/status.json")"
    now "$Y-02-20"
    wait_for has_value churnRate 0
    is '[30,1,0,1]' "$(jq -c '[.metrics[]]' "$T/status.json")"
}

@test "D12 a value is recorded by its interval, an hour when none is given, and asof answers for it" {
    needs jq
    is ok "$(save "$T/hooks/metrics/deals.json" '{"aggregate":"count","type":"Deal"}')"
    now "$Y-01-01T00:59:00Z"
    record '{"type":"Deal.Created","target":"deal_1"}'
    now "$Y-01-01T01:00:10Z"
    wait_for snapshots 1
    now "$Y-01-01T01:30:00Z"
    record '{"type":"Deal.Created","target":"deal_2"}'
    now "$Y-01-01T02:00:20Z"
    wait_for snapshots 2
    now "$Y-01-01T05:00:00Z"
    record '{"type":"Deal.Created","target":"deal_3"}'
    wait_for snapshots 3
    is 1 "$(jq .value "$T/metric_deals/asof/$Y-01-01T01:59:00Z/state.json")"
    is 2 "$(jq .value "$T/metric_deals/asof/$Y-01-01T03:00:00Z/state.json")"
    is 3 "$(jq .value "$T/metric_deals/state.json")"
}
