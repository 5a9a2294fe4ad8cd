# The files beside a metric (HOOKS.md D6, D7, D12): its value, for scripts, and a plot of its history.
load helpers

setup() {
    needs jq
    tenant_start
    H=$T/hooks/metrics
}

metric() {
    local answer
    answer=$(save "$H/$1.json" "$2")
    [[ $answer == ok ]] || { printf 'refused with %s: %s\n' "$answer" "$(tail -n 1 "$T/rejected")"; return 1; }
}

# deal N VALUE: the entity deal_N has this value from now on.
deal() {
    record "{\"type\":\"Deal.Changed\",\"target\":\"deal_$1\",\"data\":{\"value\":$2}}"
}

# xml FILE: prints its title; fails when it is no XML.
xml() {
    ! command -v xmllint > /dev/null || xmllint --noout "$1" || return 1
    python3 -c '
import sys, xml.etree.ElementTree
svg = "{http://www.w3.org/2000/svg}"
root = xml.etree.ElementTree.parse(sys.argv[1]).getroot()
assert root.tag == svg + "svg", root.tag
print(root.find(svg + "title").text)' "$1"
}

# The numbers that the axis of values has, from the lowest on.
ticks() {
    grep -o 'text-anchor="end">[^<]*' "$1" | cut -d'>' -f2 | paste -sd' ' -
}

@test "D7 value is the JSON number and a newline, null when there is none" {
    metric total '{"aggregate":"sum","type":"Deal","field":"value"}'
    metric mean '{"aggregate":"avg","type":"Deal","field":"value"}'
    is 0 "$(cat "$H/total/value")"
    is null "$(cat "$H/mean/value")"
    deal 1 0.1
    deal 2 0.2
    is "0.3 0.15" "$(cat "$H/total/value") $(cat "$H/mean/value")"
    is 4 "$(wc -c < "$H/total/value")"
}

@test "a value has its true size, also for whoever has it open while it changes" {
    metric total '{"aggregate":"sum","type":"Deal","field":"value"}'
    deal 1 5
    is 2 "$(stat -c %s "$H/total/value")"
    # The open file stays as it was, to fstat and to read, whatever the name answers.
    is "2 7 2 5" "$(python3 -c '
import os, sys
value, append = sys.argv[1:]
file = os.open(value, os.O_RDONLY)
saw = [os.fstat(file).st_size]
with open(append, "w") as deal:
    deal.write("{\"type\":\"Deal.Changed\",\"target\":\"deal_1\",\"data\":{\"value\":123456}}")
saw += [os.stat(value).st_size, os.fstat(file).st_size]
print(*saw, os.read(file, 100).decode().strip())' "$H/total/value" "$T/append")"
    is 123456 "$(cat "$H/total/value")"
    cp "$H/total/value" "$BATS_TEST_TMPDIR/copy"
    is 123456 "$(cat "$BATS_TEST_TMPDIR/copy")"
}

@test "D6 what is built in has its files without a document, by any of its names" {
    is "activeSubscriptions churnRate mrr nrr" "$(ls "$H" | paste -sd' ' -)"
    is "history.svg value" "$(ls "$H/mrr" | paste -sd' ' -)"
    is "0 0" "$(cat "$H/mrr/value") $(cat "$H/activeSubscriptions/value")"
    is null "$(cat "$H/churnRate/value")"
    is null "$(cat "$H/churn_rate/value")"
    record '{"type":"Subscription.Created","target":"subscription_1","data":{"amount":120,"interval":"Yearly"}}'
    is "10 1" "$(cat "$H/mrr/value") $(cat "$H/active_subscriptions/value")"
    ! exists "$H/nothing"
    ! exists "$H/mrr/nothing"
}

@test "D6 a document of a built-in name takes its place, and gives it back" {
    metric mrr '{"aggregate":"count","type":"Deal"}'
    deal 1 7
    is 1 "$(cat "$H/mrr/value")"
    is "activeSubscriptions churnRate mrr mrr.json nrr" "$(ls "$H" | paste -sd' ' -)"
    rm "$H/mrr.json"
    is 0 "$(cat "$H/mrr/value")"
    is "activeSubscriptions churnRate mrr nrr" "$(ls "$H" | paste -sd' ' -)"
}

@test "the files go and come with their metric, and nothing can be written there" {
    metric total '{"aggregate":"sum","type":"Deal","field":"value"}'
    mv "$H/total.json" "$H/sum.json"
    ! exists "$H/total"
    is 0 "$(cat "$H/sum/value")"
    forbidden write "$(put "$H/sum/value" 7)"
    not touch "$H/sum/other"
    not rm "$H/sum/value"
    not rmdir "$H/sum"
    rm "$H/sum.json"
    ! exists "$H/sum"
}

@test "history.svg is a plot of what was recorded, in XML" {
    metric total '{"aggregate":"sum","type":"Deal","field":"value","interval":"1s"}'
    is total "$(xml "$H/total/history.svg")"
    holds "no snapshot yet" "$(cat "$H/total/history.svg")"
    deal 1 10
    wait_for in_file "$T/metric_total/stream" '"value":10'
    deal 1 40
    wait_for in_file "$T/metric_total/stream" '"value":40'
    is total "$(xml "$H/total/history.svg")"
    # The first value was 0, when the metric was defined, or 10.
    ticks "$H/total/history.svg" > "$BATS_TEST_TMPDIR/ticks"
    is 40 "$(tr ' ' '\n' < "$BATS_TEST_TMPDIR/ticks" | tail -n 1)"
    holds "$(jq -r 'select(.type == "Metric.Snapshotted") | .timestamp' "$T/metric_total/stream" | tail -n 1) (UTC)" "$(cat "$H/total/history.svg")"
    is "$(stat -c %s "$H/total/history.svg")" "$(wc -c < "$H/total/history.svg")"
}

@test "a long history makes no larger plot" {
    jq -cn 'range(3000) | {type: "Metric.Snapshotted", target: "metric_mrr", actor: "metric_mrr",
        timestamp: (1768435200 + 3600 * . | todate), data: {value: (. % 100)}}' > "$BATS_TEST_TMPDIR/history"
    cat "$BATS_TEST_TMPDIR/history" > "$T/import"
    is 3000 "$(count "$T/metric_mrr")"
    is mrr "$(xml "$H/mrr/history.svg")"
    (($(wc -c < "$H/mrr/history.svg") < 40000))
    holds "2026-01-15T00:00:00Z to 2026-05-19T23:00:00Z (UTC), 620 points" "$(cat "$H/mrr/history.svg")"
}

@test "a plot is that of its own metric and goes up to the last value, however often it was looked at" {
    jq -cn 'range(3) as $i | "mrr", "nrr" | {type: "Metric.Snapshotted", target: "metric_\(.)", actor: "metric_\(.)",
        timestamp: (1768435200 + 3600 * $i | todate), data: {value: $i}}' > "$BATS_TEST_TMPDIR/history"
    cat "$BATS_TEST_TMPDIR/history" > "$T/import"
    is "mrr nrr mrr" "$(xml "$H/mrr/history.svg") $(xml "$H/nrr/history.svg") $(xml "$H/mrr/history.svg")"
    holds "to 2026-01-15T02:00:00Z (UTC), 3 points" "$(cat "$H/mrr/history.svg")"
    echo '{"type":"Metric.Snapshotted","target":"metric_mrr","actor":"metric_mrr","timestamp":"2026-01-15T03:00:00Z","data":{"value":7}}' > "$T/import"
    holds "to 2026-01-15T03:00:00Z (UTC), 4 points" "$(cat "$H/mrr/history.svg")"
    holds "to 2026-01-15T02:00:00Z (UTC), 3 points" "$(cat "$H/nrr/history.svg")"
    is "$(stat -c %s "$H/mrr/history.svg")" "$(wc -c < "$H/mrr/history.svg")"
}
