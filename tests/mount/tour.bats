# The tour of README.md, command by command, on a fresh mount. Each part is a test; tour.bash runs them in one shell.
load helpers

PARTS=(append "append to an entity" state history "diff and blame" "time travel" rollback subscribe "expected version" "expected value"
    "all or none" receipts rejected query "subscribe to a query" "edit the state" find "the whole tenant then" "a day" status stats verify "backup and restore"
    declare "declared verb" "declare handlers"
    "a handler before" "a handler after" metrics watches
    webhook deliveries forward "look at hooks" restore import lake)

setup_file() {
    mount_start -o "hooks_allow=127.0.0.1,lake=$BATS_FILE_TMPDIR/lake"
    export RESULTS=$BATS_FILE_TMPDIR/results
    local checkout=$BATS_FILE_TMPDIR/checkout
    mkdir -p "$RESULTS" "$checkout/build"
    mkdir "$checkout/demo-store"
    ln -s "$STORE" "$checkout/demo-store/store"
    ln -s "$MOUNT" "$checkout/mnt"
    ln -s "$BATS_FILE_TMPDIR/lake" "$checkout/demo-store/lake"
    ln -s "$FACTFS" "$checkout/build/factfs"
    (cd "$checkout" && timeout 120 bash "$ROOT/tests/mount/tour.bash" "$ROOT/README.md" "$RESULTS" 3>&-)
}

setup() {
    needs jq
}

teardown() {
    daemon_is_content
}

part() {
    [[ -s $RESULTS/$1 ]] || { echo "the page has no part \"$1\", or it did not end"; return 1; }
    ! grep -q '^DIFFERS' "$RESULTS/$1" || { cat "$RESULTS/$1"; return 1; }
}

@test "every command of the page is part of the tour, and every part is tested" {
    is "$(printf '%s\n' "${PARTS[@]}" | sort)" "$(ls -1 "$RESULTS")"
}

@test "README, append: the commands print what the page says" {
    part "append"
}

@test "README, append to an entity: the commands print what the page says" {
    part "append to an entity"
}

@test "README, state: the commands print what the page says" {
    part "state"
}

@test "README, history: the commands print what the page says" {
    part "history"
}

@test "README, diff and blame: the commands print what the page says" {
    part "diff and blame"
}

@test "README, time travel: the commands print what the page says" {
    part "time travel"
}

@test "README, rollback: the commands print what the page says" {
    part "rollback"
}

@test "README, subscribe: the commands print what the page says" {
    part "subscribe"
}

@test "README, expected version: the commands print what the page says" {
    part "expected version"
}

@test "README, expected value: the commands print what the page says" {
    part "expected value"
}

@test "README, all or none: the commands print what the page says" {
    part "all or none"
}

@test "README, receipts: the commands print what the page says" {
    part "receipts"
}

@test "README, rejected: the commands print what the page says" {
    part "rejected"
}

@test "README, query: the commands print what the page says" {
    part "query"
}

@test "README, subscribe to a query: the commands print what the page says" {
    part "subscribe to a query"
}

@test "README, edit the state: the commands print what the page says" {
    part "edit the state"
}

@test "README, status: the commands print what the page says" {
    part "status"
}

@test "README, stats: the commands print what the page says" {
    part "stats"
}

@test "README, verify: the commands print what the page says" {
    part "verify"
}

@test "README, backup and restore: the commands print what the page says" {
    part "backup and restore"
}

@test "README, find: the commands print what the page says" {
    part "find"
}

@test "README, the whole tenant then: the commands print what the page says" {
    part "the whole tenant then"
}

@test "README, a day: the commands print what the page says" {
    part "a day"
}

@test "README, restore: the commands print what the page says" {
    part "restore"
}

@test "README, import: the commands print what the page says" {
    part "import"
}

@test "README, declare: the commands print what the page says" {
    part "declare"
}

@test "README, declared verb: the commands print what the page says" {
    part "declared verb"
}

@test "README, declare handlers: the commands print what the page says" {
    part "declare handlers"
}

@test "README, a handler before: the commands print what the page says" {
    part "a handler before"
}

@test "README, a handler after: the commands print what the page says" {
    part "a handler after"
}

@test "README, metrics: the commands print what the page says" {
    part "metrics"
}

@test "README, watches: the commands print what the page says" {
    part "watches"
}

@test "README, webhook: the commands print what the page says" {
    part "webhook"
}

@test "README, deliveries: the commands print what the page says" {
    part "deliveries"
}

@test "README, forward: the commands print what the page says" {
    part "forward"
}

@test "README, look at hooks: the commands print what the page says" {
    part "look at hooks"
}

@test "README, lake: the commands print what the page says" {
    part "lake"
}
