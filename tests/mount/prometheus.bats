# -o metrics=: what Prometheus is told, and that no client harms the daemon.
load helpers
load receivers

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

setup_file() {
    receiver_start
    export PORT
    PORT=$(free_port)
    export OPTIONS="hooks_allow=127.0.0.1,metrics=127.0.0.1:$PORT,lake=$BATS_FILE_TMPDIR/lake,lake_flush_seconds=1"
    mount_start -o "$OPTIONS"
}

teardown_file() {
    mount_stop
    receiver_stop
}

setup() {
    needs jq
    needs curl
    tenant_start
    P=$TENANT
}

# What it says of this test's tenant, as the strict parser reads it.
samples() {
    python3 "$BATS_TEST_DIRNAME/exposition.py" "http://127.0.0.1:$PORT/metrics" "$@" > "$BATS_TEST_TMPDIR/samples" || return
    grep -F "tenant=\"$TENANT\"" "$BATS_TEST_TMPDIR/samples"
}

# sample LINE: a condition for wait_for.
sample() {
    samples | grep -qxF -- "$1"
}

status_of() {
    curl -s -o /dev/null -w '%{http_code}' "$@"
}

@test "the lag of a hook, the age of its oldest event, and attempts by their outcome" {
    sends "first/2/$P" '"retry":{"backoff":[0.1,0.1,0.1]}'
    webhook off "{\"trigger\":\"Deal.*\",\"url\":\"$RECEIVER/ok/$P\",\"disabled\":true}"
    created deal_1
    created deal_2
    wait_for sample "factfs_webhook_attempts_total{kind=\"webhooks\",name=\"w\",outcome=\"delivered\",tenant=\"$TENANT\"} 2"
    sample "factfs_webhook_attempts_total{kind=\"webhooks\",name=\"w\",outcome=\"failed\",tenant=\"$TENANT\"} 4"
    wait_for sample "factfs_hook_lag_events{kind=\"webhooks\",name=\"w\",tenant=\"$TENANT\"} 0"
    wait_for sample "factfs_hook_lag_events{kind=\"webhooks\",name=\"off\",tenant=\"$TENANT\"} 2"
    samples | grep -E 'factfs_hook_oldest_age_seconds.*"off".* [0-9]' | grep -v ' 0$'
}

@test "metrics that have a value, built in and own; those that have none are left out" {
    save "$T/hooks/metrics/worth.json" '{"aggregate":"sum","type":"Deal","field":"value"}'
    save "$T/hooks/metrics/least.json" '{"aggregate":"min","type":"Deal","field":"value"}'
    save "$T/hooks/metrics/huge.json" '{"aggregate":"max","type":"Whale","field":"value"}'
    wait_for sample "factfs_metric{name=\"mrr\",tenant=\"$TENANT\"} 0"
    ! samples | grep -E 'factfs_metric.*"(least|huge|churnRate)"'
    created deal_1 '{"value":0.1}'
    created deal_2 '{"value":0.2}'
    created whale_1 '{"value":-1e400}'
    wait_for sample "factfs_metric{name=\"worth\",tenant=\"$TENANT\"} 0.3"
    sample "factfs_metric{name=\"least\",tenant=\"$TENANT\"} 0.1"
    sample "factfs_metric{name=\"huge\",tenant=\"$TENANT\"} -inf"
}

@test "the lake is a hook of its own kind" {
    created deal_1
    wait_for sample "factfs_hook_lag_events{kind=\"lake\",name=\"lake\",tenant=\"$TENANT\"} 0"
    "$FACTFS" status "$T" | grep -E '^  lake +active +lag 0'
}

@test "the parser of the published prometheus_client reads the same" {
    local library=$BUILD/python
    [[ -d $library/prometheus_client ]] ||
        timeout 60 python3 -m pip install --quiet --no-deps --target "$library" prometheus_client > /dev/null 2>&1 ||
        skip "pip cannot install prometheus_client"
    sends "ok/$P"
    created deal_1
    PYTHONPATH=$library samples --published
}

@test "a tenant that was closed meanwhile says what it said last" {
    sends "ok/$P"
    created deal_1
    wait_for sample "factfs_webhook_attempts_total{kind=\"webhooks\",name=\"w\",outcome=\"delivered\",tenant=\"$TENANT\"} 1"
    # Others take its place.
    for i in {1..12}; do
        mkdir "$MOUNT/other$i"
        echo '{"type":"A.Created","target":"a_1"}' > "$MOUNT/other$i/append"
    done
    sample "factfs_webhook_attempts_total{kind=\"webhooks\",name=\"w\",outcome=\"delivered\",tenant=\"$TENANT\"} 1"
    # One that is gone says nothing.
    mkdir "$MOUNT/brief"
    samples > /dev/null || true
    rmdir "$MOUNT/brief"
    samples > /dev/null || true
    ! grep -F 'tenant="brief"' "$BATS_TEST_TMPDIR/samples"
}

# listens ADDRESS OPTION: a daemon with it listens there, and nowhere else.
listens() {
    local store=$BATS_TEST_TMPDIR/store mount=$BATS_TEST_TMPDIR/mount
    mkdir -p "$mount"
    "$FACTFS" -o "pidfile=$BATS_TEST_TMPDIR/pid,metrics=$2" "$store" "$mount"
    local pid seen
    pid=$(< "$BATS_TEST_TMPDIR/pid")
    seen=$(python3 - "$pid" << 'END'
import glob, ipaddress, os, sys
inodes = set()
for path in glob.glob(f"/proc/{sys.argv[1]}/fd/*"):
    target = os.readlink(path)
    if target.startswith("socket:["):
        inodes.add(target[8:-1])
for file in ("/proc/net/tcp", "/proc/net/tcp6"):
    for line in open(file).readlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in inodes:
            address, port = fields[1].split(":")
            words = [bytes.fromhex(address[i:i + 8])[::-1] for i in range(0, len(address), 8)]
            print(f"{ipaddress.ip_address(b''.join(words))} {int(port, 16)}")
END
)
    kill "$pid"
    wait_for process_gone "$pid"
    is "$1" "$seen"
}

@test "it listens on this machine alone, or on the address that is given, and nowhere else" {
    local port
    port=$(free_port)
    listens "127.0.0.1 $port" "$port"
    listens "127.0.0.1 $port" "127.0.0.1:$port"
    listens "127.0.0.2 $port" "127.0.0.2:$port"
    listens "0.0.0.0 $port" "0.0.0.0:$port"
    [[ ! -e /proc/net/if_inet6 ]] || ! ip -6 address show lo 2> /dev/null | grep -q ::1 || listens "::1 $port" "[::1]:$port"
}

@test "only GET and HEAD of /metrics are answered" {
    local url=http://127.0.0.1:$PORT
    is 200 "$(status_of "$url/metrics")"
    is 200 "$(status_of --head "$url/metrics")"
    is 404 "$(status_of "$url/")"
    is 404 "$(status_of "$url/metrics/x")"
    is 404 "$(status_of --path-as-is "$url/../../etc/passwd")"
    is 405 "$(status_of --data x "$url/metrics")"
    is 405 "$(status_of -X DELETE "$url/metrics")"
    # Two on one connection.
    is 200200 "$(status_of "$url/metrics" -o /dev/null "$url/metrics")"
}

@test "clients that talk no HTTP, too much, or nothing, and those that do not read, harm nobody" {
    python3 - "$PORT" << 'END'
import os, random, socket, sys
port = int(sys.argv[1])
chance = random.Random(7)

def send(data, read=True):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
        try:
            s.sendall(data)
            if read:
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
        except OSError:
            pass

for i in range(200):
    send(chance.randbytes(chance.randrange(1, 3000)), read=i % 2 == 0)
send(b"GET /metrics HTTP/1.1\r\n" + b"X: " + b"y" * 1_000_000 + b"\r\n\r\n")
send(b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n\r\n")
send(b"GET /metrics HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
     b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(100))
send(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n" + b"x" * 100000)
send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 500, read=False)
send(b"GET /%00%ff%2e%2e/ HTTP/1.1\r\nHost: x\r\n\r\n")
# Some stay, and say nothing or do not read.
stay = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(20)]
for s in stay[:10]:
    s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
END
    is 200 "$(status_of --max-time 20 "http://127.0.0.1:$PORT/metrics")"
    created deal_1
}

@test "it ends while more clients are there than it answers at a time, and answers again" {
    listen "$BATS_TEST_TMPDIR/holder" python3 -c '
import socket, sys, time
held = [socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5) for _ in range(100)]
print("held", flush=True)
time.sleep(60)' "$PORT"
    local holder=$! before
    wait_for in_file "$BATS_TEST_TMPDIR/holder" held
    before=$(date +%s)
    daemon_restart -o "$OPTIONS"
    (($(date +%s) - before < 10))
    kill "$holder"
    wait_for answers
}

answers() {
    [[ $(status_of "http://127.0.0.1:$PORT/metrics") == 200 ]]
}

@test "an address in use, and what is none, are refused in words at the start" {
    local store=$BATS_TEST_TMPDIR/store mount=$BATS_TEST_TMPDIR/mount
    mkdir "$mount"
    ends 1 "$FACTFS" -o "metrics=$PORT" "$store" "$mount"
    holds "cannot listen on port $PORT of 127.0.0.1: Address already in use" "$output"
    ends 1 "$FACTFS" -o metrics=192.0.2.1:9464 "$store" "$mount"
    holds "192.0.2.1" "$output"
    local wrong
    for wrong in localhost:1 :9464 127.0.0.1:0 127.0.0.1:65536 127.0.0.1:x 0 '[::1' '[::1]9464' x 1.2.3:80 ''; do
        ends 2 "$FACTFS" -o "metrics=$wrong" "$store" "$mount"
        holds 'metrics=' "$output"
    done
    ! mountpoint -q "$mount"
}
