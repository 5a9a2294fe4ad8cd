# The scripts that a newcomer meets first, and the pages and the unit that are installed.
bats_require_minimum_version 1.5.0
load ../mount/helpers

setup_file() {
    :
}

teardown_file() {
    :
}

setup() {
    cd "$ROOT"
}

teardown() {
    [[ -z ${OPEN_TO_ALL:-} ]] || rm -rf "$OPEN_TO_ALL"
    # What a test that failed has left.
    local mount=$BATS_TEST_TMPDIR/mount
    while grep -q " $mount " /proc/self/mounts; do
        fusermount3 -uz "$mount" || umount -l "$mount" || break
    done
}

needs_mounting() {
    [[ -z ${FACTFS_NO_MOUNT:-} ]] || skip "$FACTFS_NO_MOUNT"
}

# A directory of commands of our own, to stand first in PATH: NAME and the text of its script.
fake() {
    mkdir -p "$BATS_TEST_TMPDIR/bin"
    printf '#!/bin/bash\n%s\n' "$2" > "$BATS_TEST_TMPDIR/bin/$1"
    chmod +x "$BATS_TEST_TMPDIR/bin/$1"
}

# ---- scripts/dependencies

@test "scripts/dependencies says and does nothing when all is there" {
    fake apt-get 'echo "apt-get $*"; exit 1'
    PATH=$BATS_TEST_TMPDIR/bin:$PATH run scripts/dependencies
    is 0 "$status"
    is "" "$output"
}

@test "scripts/dependencies installs what is missing, by its name in Debian, without asking" {
    needs_root
    fake pkg-config '[[ $2 != sqlite3 && $2 != libcrypto ]]'
    fake apt-get 'echo "$DEBIAN_FRONTEND $*" >> "$SEEN"'
    SEEN=$BATS_TEST_TMPDIR/seen PATH=$BATS_TEST_TMPDIR/bin:$PATH run scripts/dependencies
    is 0 "$status"
    is "scripts/dependencies: installing libsqlite3-dev libssl-dev" "$output"
    holds "noninteractive" "$(tail -n 1 "$BATS_TEST_TMPDIR/seen")"
    holds "install --no-install-recommends libsqlite3-dev libssl-dev" "$(tail -n 1 "$BATS_TEST_TMPDIR/seen")"
}

@test "scripts/dependencies fuzz names the runtime that belongs to a clang which cannot link a fuzzer" {
    needs_root
    fake clang '[[ $1 == -dumpversion ]] && echo 19.1.7'
    fake apt-get 'true'
    PATH=$BATS_TEST_TMPDIR/bin:$PATH run scripts/dependencies fuzz
    is 0 "$status"
    is "scripts/dependencies: installing libclang-rt-19-dev" "$output"
}

@test "scripts/dependencies shows what apt-get said, and fails, when that fails" {
    needs_root
    fake pkg-config '[[ $2 != sqlite3 ]]'
    fake apt-get 'echo "E: no such package"; exit 100'
    PATH=$BATS_TEST_TMPDIR/bin:$PATH run scripts/dependencies
    is 1 "$status"
    holds "E: no such package" "$output"
}

@test "scripts/dependencies tells a user who may install nothing what to ask for" {
    needs_root
    local tool
    OPEN_TO_ALL=$(mktemp -d)
    chmod 755 "$OPEN_TO_ALL"
    for tool in bash env gcc make fusermount3; do
        ln -s "$(command -v "$tool")" "$OPEN_TO_ALL/$tool"
    done
    cp scripts/dependencies "$OPEN_TO_ALL"
    printf '#!/bin/bash\n[[ $2 != sqlite3 ]]\n' > "$OPEN_TO_ALL/pkg-config"
    printf '#!/bin/bash\nexit 1\n' > "$OPEN_TO_ALL/apt-get"
    chmod 755 "$OPEN_TO_ALL"/{pkg-config,apt-get}
    run setpriv --reuid=65534 --regid=65534 --clear-groups env PATH="$OPEN_TO_ALL" dependencies
    is 1 "$status"
    is "scripts/dependencies: as root: apt-get install libsqlite3-dev" "$output"
}

# ---- scripts/tally

tally_of() {
    printf '%s\n' "$@" | scripts/tally
}

@test "scripts/tally counts what passed, failed and was skipped" {
    run tally_of "1..4" "ok 1 a" "not ok 2 b" "# ok 9 no" "ok 3 c # skip why" "ok 4 d" "ok x in words" "  ok no"
    is "3 passed, 1 failed, 1 skipped" "$output"
    is 1 "$status"
}

@test "scripts/tally succeeds when all passed" {
    run tally_of "ok 1 a"
    is "1 passed, 0 failed" "$output"
    is 0 "$status"
}

@test "scripts/tally fails when nothing ran" {
    run tally_of "1..0" "ok 1 a # skip why"
    is "0 passed, 0 failed, 1 skipped" "$output"
    is 1 "$status"
}

@test "scripts/tally adds up its own sums" {
    run tally_of "3 passed, 0 failed" "4 passed, 1 failed, 2 skipped"
    is "7 passed, 1 failed, 2 skipped" "$output"
    is 1 "$status"
}

# ---- scripts/run, scripts/stop

@test "scripts/run mounts a store, shows its way around, and can be run again; scripts/stop ends it" {
    needs_mounting
    local place=$BATS_TEST_TMPDIR
    run scripts/run "$place/demo" "$place/mount" 3>&-
    echo "$output"
    is 0 "$status"
    holds '"stage": "Qualified"' "$output"
    holds '"stage": "Lead"' "$output"
    holds '00000002.Contact.Qualified.json' "$output"
    holds 'stage: Lead → Qualified' "$output"
    holds '"type":"Deal.Closed","target":"deal_k7TmPvQx","actor":"agent_mR4nVkTw"' "$output"
    is 3 "$(wc -l < "$place/mount/acme/stream")"

    run scripts/run "$place/demo" "$place/mount" 3>&-
    echo "$output"
    is 0 "$status"
    is 3 "$(wc -l < "$place/mount/acme/stream")"

    run scripts/stop "$place/demo" "$place/mount"
    echo "$output"
    is 0 "$status"
    run ! mountpoint -q "$place/mount"
    run scripts/stop "$place/demo" "$place/mount"
    is 0 "$status"
    is "Nothing is mounted at $place/mount." "$output"

    run scripts/run "$place/demo" "$place/mount" 3>&-
    is 0 "$status"
    is 3 "$(wc -l < "$place/mount/acme/stream")"
    run scripts/stop "$place/demo" "$place/mount"
    is 0 "$status"
}

@test "scripts/run takes the place of a daemon that was killed" {
    needs_mounting
    local place=$BATS_TEST_TMPDIR
    scripts/run "$place/demo" "$place/mount" > /dev/null 3>&-
    kill -KILL "$(cat "$place/demo/pid")"
    wait_for process_gone "$(cat "$place/demo/pid")"
    run scripts/run "$place/demo" "$place/mount" 3>&-
    echo "$output"
    is 0 "$status"
    is 3 "$(wc -l < "$place/mount/acme/stream")"
    scripts/stop "$place/demo" "$place/mount"
}

@test "scripts/stop says so when the mount is in use" {
    needs_mounting
    local place=$BATS_TEST_TMPDIR
    scripts/run "$place/demo" "$place/mount" > /dev/null 3>&-
    exec {held}< "$place/mount/acme/stream"
    run scripts/stop "$place/demo" "$place/mount"
    is 1 "$status"
    holds "Close what reads $place/mount" "$output"
    exec {held}<&-
    scripts/stop "$place/demo" "$place/mount"
}

# ---- what is installed

@test "the manual pages are well-formed" {
    needs man
    needs groff
    local page section tree=$BATS_TEST_TMPDIR/man
    for page in packaging/*.[0-9]; do
        section=man${page##*.}
        mkdir -p "$tree/$section"
        cp "$page" "$tree/$section"
    done
    # From where a page that stands for another one finds it.
    cd "$tree"
    for page in man*/*; do
        is "$page: " "$page: $(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$page" 2>&1 > /dev/null)"
    done
}

@test "factfs(8) has every option that --help shows" {
    needs man
    needs groff
    local page options option
    page=$(LC_ALL=C.UTF-8 man -l packaging/factfs.8)
    options=$("$FACTFS" --help | grep -E '^ +-' | grep -oE '(^| )--?[A-Za-z]+')
    holds --version "$options"
    for option in $options; do
        grep -qE -- "^ +(-., )?$option( |,|\$)" <<< "$page" || { echo "$option is missing"; return 1; }
    done
}

@test "the unit is one that systemd understands, and hides the mount from nobody" {
    needs systemd-analyze
    sed "s|^ExecStart=factfs|ExecStart=$FACTFS|; s|^Documentation=.*||" packaging/factfs@.service \
        > "$BATS_TEST_TMPDIR/factfs@.service"
    run systemd-analyze verify "$BATS_TEST_TMPDIR/factfs@.service"
    is "" "$output"
    is 0 "$status"
    run ! grep -E '^(PrivateTmp|ProtectSystem|ProtectHome|PrivateMounts|DynamicUser|NoNewPrivileges)=' packaging/factfs@.service
}

@test "make install puts everything where it belongs" {
    make -s install BUILD="${BUILD#"$ROOT/"}" DESTDIR="$BATS_TEST_TMPDIR/root" PREFIX=/usr
    local root=$BATS_TEST_TMPDIR/root
    same packaging/factfs.8 "$root/usr/share/man/man8/factfs.8"
    same packaging/factfs-log.1 "$root/usr/share/man/man1/factfs-log.1"
    same packaging/factfs@.service "$root/usr/lib/systemd/system/factfs@.service"
    is "$("$FACTFS" --version)" "$("$root/usr/bin/factfs" --version)"
    [[ -L $root/sbin/mount.fuse.factfs || -L $root/usr/sbin/mount.fuse.factfs ]]
}
