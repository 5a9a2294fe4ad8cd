# What the tests of webhooks share, loaded after helpers: a receiver (receiver.py) and looks at what came. Each file has one
# receiver beside its mount, each test a path of it, $P; a file that wants it otherwise has functions of its own.
#
# receiver_start sets $RECEIVED (its directory) and $RECEIVER (http://127.0.0.1:PORT).

setup_file() {
    receiver_start
    mount_start -o hooks_allow=127.0.0.1
}

teardown_file() {
    mount_stop
    receiver_stop
}

setup() {
    needs jq
    tenant_start
    P=$TENANT
}

# receiver_start [DIRECTORY [CERTIFICATE KEY]]
receiver_start() {
    export RECEIVED=${1:-$BATS_FILE_TMPDIR/received}
    mkdir -p "$RECEIVED"
    : > "$RECEIVED/requests"
    python3 "$BATS_TEST_DIRNAME/receiver.py" "$RECEIVED" "${@:2}" > "$RECEIVED/said" 2>&1 3>&- 4>&- &
    echo $! > "$RECEIVED/pid"
    disown $!
    wait_for exists "$RECEIVED/port"
    export RECEIVER
    RECEIVER=http://127.0.0.1:$(< "$RECEIVED/port")
}

receiver_stop() {
    kill "$(< "$RECEIVED/pid")"
}

# webhook NAME JSON: saves hooks/webhooks/NAME.json and sees to it that it is taken.
webhook() {
    local answer
    answer=$(save "$T/hooks/webhooks/$1.json" "$2")
    is ok "$answer" || { tail -n 1 "$T/rejected"; return 1; }
    W=$T/hooks/webhooks/$1
}

# integration NAME JSON: the same of hooks/integrations/NAME.json.
integration() {
    local answer
    answer=$(save "$T/hooks/integrations/$1.json" "$2")
    is ok "$answer" || { tail -n 1 "$T/rejected"; return 1; }
    W=$T/hooks/integrations/$1
}

# forwards PROVIDER PATH [MEMBER…]: an integration `i` whose requests come to this path of the receiver.
forwards() {
    local config more=
    case $1 in
    google-analytics) config="{\"measurementId\":\"G-1\",\"apiSecret\":\"$2\",\"host\":\"$RECEIVER\"}" ;;
    posthog) config="{\"apiKey\":\"$2\",\"host\":\"$RECEIVER\"}" ;;
    sentry) config="{\"dsn\":\"${RECEIVER/\/\//\/\/key@}/$2/42\"}" ;;
    esac
    (($# == 2)) || more=$(printf ',%s' "${@:3}")
    integration i "{\"provider\":\"$1\",\"config\":$config$more}"
}

# sends PATH [MEMBER…]: a webhook `w` for every Deal event, to this path of the receiver; members are more of its JSON.
sends() {
    local path=$1 more=
    shift
    (($# == 0)) || more=$(printf ',%s' "$@")
    webhook w "{\"trigger\":\"Deal.*\",\"url\":\"$RECEIVER/$path\"$more}"
}

# Each test has paths of its own: what came to them.
came() {
    jq -c --arg path "/$1" 'select(.path == $path)' "$RECEIVED/requests"
}

count_came() {
    came "$1" | wc -l
}

has_come() {
    (($(count_came "$1") >= $2))
}

# bodies PATH: the bodies that came there, a line each, in the order of their coming.
bodies() {
    came "$1" | jq -r .body
}

status_is() {
    jq -e "$1" "$W/status.json" > /dev/null
}

all_done() {
    status_is '.lag == 0'
}

dead_count() {
    wc -l < "$W/dead"
}

has_dead() {
    (($(dead_count) == $1))
}
