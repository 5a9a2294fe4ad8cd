# What every file of tests/mount shares: a daemon on a fresh store, a fresh tenant for each test, ways to write and to
# look, and checks that print what they saw.
#
# FACTFS is the binary, BUILD the directory it was built in; without them, what `make tests` leaves behind.
# A file of tests has one mount: setup_file calls mount_start, teardown_file mount_stop; setup makes the tenant
# $T = $MOUNT/$TENANT and teardown looks at what the daemon said meanwhile.
bats_require_minimum_version 1.5.0

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
export BUILD=${BUILD:-$ROOT/build}
export FACTFS=${FACTFS:-$BUILD/factfs}
export LC_ALL=C.UTF-8
TOOLS=$BUILD/tests/mount
ME=user_$(id -un)

# ---- the daemon

# A store, a mount and what belongs to them, below a directory.
place() {
    export STORE=$1/store MOUNT=$1/mount DAEMON_OUT=$1/daemon.out DAEMON_PID_FILE=$1/daemon.pid
    mkdir -p "$STORE" "$MOUNT"
    : > "$DAEMON_OUT"
}

daemon_pid() {
    cat "$DAEMON_PID_FILE"
}

process_gone() {
    [[ ! -e /proc/$1 || $(cut -d')' -f2 "/proc/$1/stat" 2> /dev/null) == " Z"* ]]
}

mount_serves() {
    process_gone "$(daemon_pid)" || { mountpoint -q "$MOUNT" && ls "$MOUNT" > /dev/null; }
}

# daemon_start [OPTION…]: in the foreground of a background job; what it says goes to $DAEMON_OUT.
daemon_start() {
    "$FACTFS" "$@" -f "$STORE" "$MOUNT" >> "$DAEMON_OUT" 2>&1 3>&- 4>&- &
    echo $! > "$DAEMON_PID_FILE"
    disown $!
    wait_for mount_serves
    ! process_gone "$(daemon_pid)" || { echo "the daemon ended:"; cat "$DAEMON_OUT"; return 1; }
}

# By SIGTERM, as a service manager does; one that does not end is killed and is a failure.
daemon_stop() {
    local pid
    [[ -e $DAEMON_PID_FILE ]] || return 0
    pid=$(daemon_pid)
    kill -TERM "$pid" 2> /dev/null || true
    wait_for process_gone "$pid" && return
    echo "the daemon did not end by SIGTERM"
    kill -KILL "$pid"
    mount_abort
    return 1
}

daemon_restart() {
    daemon_stop
    daemon_start "$@"
}

# Threads of a process that was killed may outlive its first one, and hold the store's lock.
process_ended() {
    [[ $(ls "/proc/$1/task" 2> /dev/null | wc -l) -le 1 ]]
}

# For a daemon that is stuck or was killed: no request waits any longer, and the mount is gone.
mount_abort() {
    umount -f "$MOUNT" 2> /dev/null || true
    fusermount3 -uz "$MOUNT" 2> /dev/null || true
    [[ ! -e $DAEMON_PID_FILE ]] || ! process_gone "$(daemon_pid)" || wait_for process_ended "$(daemon_pid)"
}

# Fails when the daemon said anything that looks like an error, and shows it; what was seen is forgotten.
daemon_is_content() {
    local said
    said=$(grep -iE 'error|warning|assert|sanitizer' "$DAEMON_OUT") || return 0
    printf 'the daemon said:\n%s\n' "$(cat "$DAEMON_OUT")"
    : > "$DAEMON_OUT"
    return 1
}

mount_start() {
    place "$BATS_FILE_TMPDIR"
    daemon_start "$@"
}

# The same where a user who owns nothing can come as far as the mount, and make tenants.
mount_start_for_all() {
    chmod a+x "$BATS_RUN_TMPDIR"
    place "$BATS_FILE_TMPDIR"
    chmod 1777 "$STORE"
    daemon_start
}

mount_stop() {
    local status=0
    daemon_stop || status=1
    mount_abort
    daemon_is_content || status=1
    # Whatever the tests did, the store is whole.
    "$FACTFS" verify -q "$STORE" || status=1
    return $status
}

setup_file() {
    mount_start
}

teardown_file() {
    mount_stop
}

tenant_start() {
    export TENANT=t$BATS_TEST_NUMBER
    export T=$MOUNT/$TENANT
    mkdir "$T"
}

setup() {
    tenant_start
}

tenant_end() {
    local job
    for job in $(jobs -p); do
        disown "$job"
        kill -KILL "$job" 2> /dev/null || true
    done
    if [[ -z ${BATS_TEST_COMPLETED:-} ]]; then
        echo "the last refusals: $(tail -n 3 "$T/rejected" 2>&1 | cut -c -500)"
        echo "the last events: $(tail -n 3 "$T/stream" 2>&1 | cut -c -500)"
    fi
    daemon_is_content
}

teardown() {
    tenant_end
}

# ---- waiting and comparing

WAIT_SECONDS=15

# wait_for CONDITION…: until the command succeeds.
wait_for() {
    local end=$((SECONDS + WAIT_SECONDS))
    until "$@"; do
        ((SECONDS < end)) || { echo "not within $WAIT_SECONDS s: $*"; return 1; }
        sleep 0.02
    done
}

# wait_for_not CONDITION…: until the command fails.
wait_for_not() {
    wait_for not "$@"
}

not() {
    ! "$@"
}

# is EXPECTED SAW
is() {
    [[ $2 == "$1" ]] || { printf 'expected: %s\n     saw: %s\n' "$1" "$2"; return 1; }
}

# is_one_of "EPERM EACCES" SAW
is_one_of() {
    [[ " $1 " == *" $2 "* ]] || { printf 'expected one of: %s\n            saw: %s\n' "$1" "$2"; return 1; }
}

# forbidden WHAT SAW: EPERM, as the table of errnos has it; who is not root may meet the kernel's EACCES before it.
forbidden() {
    if ((EUID == 0)); then
        is "EPERM $1" "$2 $1"
    else
        is_one_of "EPERM EACCES" "$2"
    fi
}

# ends STATUS COMMAND…: runs it; what it printed is in $output, and shown when the status is another one.
ends() {
    local expected=$1
    shift
    run "$@"
    ((status == expected)) || { printf 'expected status %d, saw %d: %s\n%s\n' "$expected" "$status" "$*" "$output"; return 1; }
}

# holds PART TEXT
holds() {
    [[ $2 == *"$1"* ]] || { printf 'expected to hold: %s\n             saw: %s\n' "$1" "$2"; return 1; }
}

# same FILE FILE: byte for byte.
same() {
    cmp "$1" "$2" && return
    diff <(head -c 20000 "$1") <(head -c 20000 "$2") | head -n 20
    return 1
}

# in_file FILE TEXT: a condition for wait_for.
in_file() {
    grep -qF -- "$2" "$1" 2> /dev/null
}

exists() {
    [[ -e $1 ]]
}

needs() {
    command -v "$1" > /dev/null || skip "$1 is not installed"
}

needs_root() {
    ((EUID == 0)) || skip "only root can do this"
}

# Runs a command as a user who owns nothing.
as_nobody() {
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# ---- listening

# listen FILE PROGRAM…: in the background, its output in the file; for programs that wait. $! is its process.
listen() {
    local out=$1
    shift
    "$@" > "$out" 2> "$out.err" 3>&- &
}

# watch FILE PATH [OPTION…]: an inotifywait on the path that is in force when this returns.
watch() {
    needs inotifywait
    local out=$1 path=$2
    shift 2
    listen "$out" inotifywait -m --format '%e %f' "$@" "$path"
    wait_for in_file "$out.err" "Watches established"
}

lines_in() {
    [[ -e $1 && $(wc -l < "$1") -ge $2 ]]
}

# ---- writing

calls() {
    "$TOOLS/calls" "$@"
}

# put FILE TEXT…: each text by one write(2), then close(2); prints `ok` or the first errno.
put() {
    local file=$1 steps=() text
    shift
    for text in "$@"; do
        steps+=(write "$text")
    done
    calls -q open "$file" w "${steps[@]}" close
}

# put_file FILE FROM: the bytes of a file, by as many write(2) as the kernel takes; prints `ok` or the first errno.
put_file() {
    calls -q open "$1" w write-all "$2" close
}

# record EVENT…: to the tenant, each by one write(2); a refusal fails the test.
record() {
    local answer
    answer=$(put "$T/append" "$@")
    [[ $answer == ok ]] || { printf 'refused with %s: %s\n' "$answer" "$*"; return 1; }
}

# created ENTITY [DATA]: records its first event; the entity's directory is $E from then on.
created() {
    local noun=${1%%_*}
    E=$T/$1
    record "{\"type\":\"${noun^}.Created\",\"target\":\"$1\",\"data\":${2:-{\}}}"
}

# happened TYPE [DATA]: one more event of the entity $E.
happened() {
    record "{\"type\":\"$1\",\"target\":\"${E##*/}\",\"data\":${2:-{\}}}"
}

# try TYPE [DATA]: the same, and prints `ok` or the errno.
try() {
    put "$T/append" "{\"type\":\"$1\",\"target\":\"${E##*/}\",\"data\":${2:-{\}}}"
}

# save FILE TEXT: replaces the whole text as editors do in place; prints `ok` or the first errno.
save() {
    calls -q open "$1" wtc write "$2" close
}

# forge SQL: changes the tenant's file; the daemon is stopped.
forge() {
    python3 -c '
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute(sys.argv[2])
db.commit()' "$STORE/$TENANT.db" "$1"
}

# ---- looking

# How many events a tenant or an entity has.
count() {
    [[ ! -e $1/stream ]] || wc -l < "$1/stream"
}

# The N-th line of a stream.
event() {
    sed -n "$2p" "$1/stream"
}

last() {
    tail -n 1 "$1/stream"
}

# What no test can foresee is masked: the id and the timestamp of an event.
masked() {
    sed -E 's/^\{"id":"evt_[A-Za-z0-9]+"/{"id":"ID"/; s/"timestamp":"[0-9]{4}-[0-9T:.-]+Z"/"timestamp":"WHEN"/'
}

# The data of an event as its bytes stand in the line.
data_of() {
    local data=${1#*,\"data\":}
    printf '%s\n' "${data%,\"tenant\":\"$TENANT\",\"version\":*}"
}

# member NAME LINE: the text of a string member, as JSON tools see it.
member() {
    jq -r ".$1" <<< "$2"
}

# The data of $E's last event.
last_data() {
    data_of "$(last "$E")"
}

# The fields of a state (of $E, or of the file given) on one line, without the $ members, every value as its bytes stand.
state() {
    sed -E '/^  "\$/d; s/^ *//; s/^("([^"\\]|\\.)*":) /\1/' "${1:-$E/state.json}" | tr -d '\n'
    echo
}

# chain STREAM: the hash of its last event, computed from its lines: over the hash before and the line without its newline.
chain() {
    python3 -c '
import hashlib, sys
hash = bytes(32)
for line in open(sys.argv[1], "rb"):
    hash = hashlib.sha256(hash + line[:-1]).digest()
print(hash.hex())' "$1"
}

# refusals: how many lines `rejected` has.
refusals() {
    wc -l < "$T/rejected"
}

# refused ERRNO WORD EVENT…: each event by one write(2) to the tenant: the first error is this one, nothing is added,
# and the one new line of `rejected` says so with this word in its reason.
refused() {
    local errno=$1 word=$2 events before
    shift 2
    events=$(count "$T")
    before=$(refusals)
    is "$errno" "$(put "$T/append" "$@")"
    is "$events" "$(count "$T")"
    is $((before + 1)) "$(refusals)"
    local line
    line=$(tail -n 1 "$T/rejected")
    is "$errno" "$(member errno "$line")"
    holds "${word,,}" "$(member reason "$line" | tr '[:upper:]' '[:lower:]')"
}
