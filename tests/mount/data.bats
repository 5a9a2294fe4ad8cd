# A real log, appended at once.
load helpers
load real_log

setup_file() {
    mount_start
    export LOG=$BATS_FILE_TMPDIR/log TENANT=travel T=$MOUNT/travel
    # The clock of a store is its own: an event that is appended brings no time.
    real_log | sed -E 's/,"timestamp":"[^"]*"//' > "$LOG"
    mkdir "$T"
    put_file "$T/append" "$LOG" > "$BATS_FILE_TMPDIR/answer"
}

setup() {
    :
}

@test "a real log is taken whole by one writer" {
    is ok "$(cat "$BATS_FILE_TMPDIR/answer")"
    is "$(wc -l < "$LOG") 0" "$(count "$T") $(refusals)"
}

@test "the stream of a real log is what an independent model makes of it, in its order" {
    same <(python3 "$BATS_TEST_DIRNAME/model.py" record "$LOG" travel nobody) <(masked < "$T/stream")
}

@test "every entity of a real log has the folded state, the count and the order of events of an independent computation" {
    ends 0 python3 - "$LOG" "$T" <<'END'
import collections, json, os, sys
log, tenant = sys.argv[1:]
# Plain dictionaries, and numbers as text: not the code of model.py.
states, events = collections.defaultdict(dict), collections.defaultdict(list)
for line in open(log):
    event = json.loads(line, parse_float=str, parse_int=str)
    states[event["target"]].update(event["data"])
    events[event["target"]].append(event)
wrong = []
for target, own in events.items():
    with open(f"{tenant}/{target}/state.json") as file:
        state = json.load(file, parse_float=str, parse_int=str)
    fields = {k: v for k, v in state.items() if not k.startswith("$")}
    with open(f"{tenant}/{target}/stream") as file:
        stream = [json.loads(line) for line in file]
    files = sorted(os.listdir(f"{tenant}/{target}/events"))
    expected = [(i + 1, e["type"], e["actor"]) for i, e in enumerate(own)]
    if (list(fields.items()) != list(states[target].items()) or int(state["$version"]) != len(own) or state["$createdBy"] != own[0]["actor"]
            or [(e["version"], e["type"], e["actor"]) for e in stream] != expected or files != [f"{v:08}.{t}.json" for v, t, _ in expected]):
        wrong.append(target)
if sorted(states) != sorted(name for name in os.listdir(tenant) if "_" in name):
    wrong.append("the list of entities")
print(f"{len(states)} entities, {sum(map(len, events.values()))} events, {len(wrong)} differ: {wrong[:5]}")
sys.exit(bool(wrong))
END
    echo "# $output" >&3
}

@test "the past of the longest declarations is the folding of their events at every version" {
    local target
    mkdir -p "$BATS_TEST_TMPDIR/states"
    for target in $(jq -r .target "$LOG" | sort | uniq -c | sort -rn | head -n 5 | awk '{print $2}'); do
        python3 - "$T/$target" "$LOG" <<'END'
import json, sys
entity, log = sys.argv[1:]
target, state, version = entity.rsplit("/", 1)[1], {}, 0
for line in open(log):
    event = json.loads(line, parse_float=str)
    if event["target"] == target:
        state.update(event["data"])
        version += 1
        with open(f"{entity}/asof/v{version}/state.json") as file:
            saw = {k: v for k, v in json.load(file, parse_float=str).items() if not k.startswith("$")}
        assert list(saw.items()) == list(state.items()), (target, version, saw, state)
END
    done
}

@test "a real log is the same after a remount" {
    local before
    before=$(md5sum < "$T/stream")
    daemon_restart
    is "$before" "$(md5sum < "$T/stream")"
}
