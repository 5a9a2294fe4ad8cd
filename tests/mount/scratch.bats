# Scratch files: what programs need beside a document while they save it. Private memory, gone at unmount.
load helpers

# fill SIZE: so many zero bytes.
fill() {
    head -c "$1" /dev/zero
}

@test "names that programs make up can be created beside a document, in an entity and in the tenant" {
    created contact_1
    local directory name
    for directory in "$E" "$T"; do
        for name in sedAbCd 4913 .state.json.Xy12 state.json~ tmpab_c1 '.#x' state.json.lock 'a b' ü; do
            echo "$name" > "$directory/$name"
            is "$name" "$(cat "$directory/$name")"
        done
    done
}

@test "scratch files are listed" {
    created contact_1
    touch "$E/.a~" "$E/b"
    is "./.a~ ./b" "$(cd "$E" && find . -maxdepth 1 \( -name '.a~' -o -name b \) | sort | xargs)"
}

@test "scratch files are no events and no refusals" {
    created contact_1
    echo text > "$E/x"
    mv "$E/x" "$E/y"
    rm "$E/y"
    is "1 0" "$(count "$T") $(refusals)"
}

@test "a scratch file takes writes anywhere, appends, truncation and reads like a regular file" {
    created contact_1
    is $'open ok\npwrite ok\nseek 4\nabc\nftruncate ok\nseek ok\nwrite ok\nwrite ok\nsize 4\nclose ok' "$(calls open "$E/x" +cx pwrite 4 $'abc\n' seek 4 read 10 ftruncate 0 seek 0 write ab write cd size close)"
    echo more >> "$E/x"
    is abcdmore "$(cat "$E/x")"
    truncate -s 2 "$E/x"
    is ab "$(cat "$E/x")"
    : > "$E/x"
    is 0 "$(stat -c %s "$E/x")"
}

@test "a hole in a scratch file reads as zeros" {
    created contact_1
    is ok "$(calls -q open "$E/x" wcx pwrite 100000 end close)"
    same <(fill 100000; printf end) "$E/x"
}

@test "a large scratch file keeps its bytes" {
    created contact_1
    head -c 5000000 /dev/urandom > "$BATS_TEST_TMPDIR/bytes"
    cp "$BATS_TEST_TMPDIR/bytes" "$E/x"
    same "$BATS_TEST_TMPDIR/bytes" "$E/x"
}

@test "a scratch file takes chmod, chown, utimensat and fsync" {
    created contact_1
    touch "$E/x"
    is ok "$(calls -q chmod "$E/x" 600 chown "$E/x" "$(id -u)" "$(id -g)" touch "$E/x" open "$E/x" w fsync close)"
    is "600 1" "$(stat -c '%a %Y' "$E/x")"
}

@test "a scratch file can be linked, and each name goes by itself" {
    created contact_1
    echo text > "$E/x"
    ln "$E/x" "$E/y"
    rm "$E/x"
    is text "$(cat "$E/y")"
    [[ ! -e $E/x ]]
}

@test "a scratch file can be renamed, also onto another" {
    created contact_1
    echo new > "$E/x"
    echo old > "$E/y"
    mv -f "$E/x" "$E/y"
    is new "$(cat "$E/y")"
    [[ ! -e $E/x ]]
}

@test "an unlinked scratch file can be read by who has it open" {
    created contact_1
    is $'open ok\nwrite ok\nunlink ok\nseek ok\ntext' "$(calls open "$E/x" +cx write text unlink "$E/x" seek 0 read 10)"
    [[ ! -e $E/x ]]
}

@test "O_EXCL on a scratch file that exists fails with EEXIST" {
    created contact_1
    is "ok EEXIST" "$(calls -q open "$E/x" wcx close) $(calls -q open "$E/x" wcx)"
}

@test "a scratch file can be mapped" {
    created contact_1
    echo text > "$E/x"
    is $'open ok\ntext\nmap-shared ok' "$(calls open "$E/x" r map-shared)"
    is $'open ok\ntext\nmap-private ok' "$(calls open "$E/x" r map-private)"
}

@test "two entities have scratch files of one name side by side" {
    created contact_1
    created contact_2
    echo 1 > "$T/contact_1/x"
    echo 2 > "$T/contact_2/x"
    is "1 2" "$(cat "$T/contact_1/x" "$T/contact_2/x" | xargs)"
}

# ---- limits

@test "a scratch file has at most 16 MiB, beyond it EFBIG" {
    created contact_1
    is ok "$(calls -q open "$E/x" wcx pwrite 16777215 x close)"
    is EFBIG "$(calls -q open "$E/x" w pwrite 16777216 x close)"
    is EFBIG "$(calls -q truncate "$E/x" 16777217)"
    is 16777216 "$(stat -c %s "$E/x")"
}

@test "of more than 64 closed scratch files the oldest makes room" {
    created contact_1
    local i
    for i in {1..65}; do
        echo "$i" > "$E/scratch$i"
    done
    [[ ! -e $E/scratch1 ]]
    is "2 65" "$(cat "$E/scratch2" "$E/scratch65" | xargs)"
}

@test "with 64 open scratch files another one fails with ENOSPC" {
    created contact_1
    local i fd fds=()
    for i in {1..64}; do
        exec {fd}> "$E/scratch$i"
        fds+=("$fd")
    done
    is ENOSPC "$(calls -q open "$E/scratch65" wcx)"
    fd=${fds[7]}
    exec {fd}>&-
    is ok "$(calls -q open "$E/scratch65" wcx)"
    for fd in "${fds[@]}"; do
        exec {fd}>&-
    done
}

@test "the scratch files of one tenant take no room from another" {
    created contact_1
    mkdir "$MOUNT/$TENANT-b"
    echo keep > "$MOUNT/$TENANT-b/x"
    local i
    for i in {1..70}; do
        : > "$E/scratch$i"
    done
    is keep "$(cat "$MOUNT/$TENANT-b/x")"
}

@test "the mode of a scratch file is as asked but never wider than the tenant's" {
    created contact_1
    chmod 700 "$T"
    (
        umask 0
        : > "$E/x"
    )
    is 600 "$(stat -c %a "$E/x")"
    chmod 644 "$E/x"
    is 600 "$(stat -c %a "$E/x")"
    chmod 400 "$E/x"
    is 400 "$(stat -c %a "$E/x")"
}

# ---- what they are not

@test "an entity's directory wins over a scratch file of its name" {
    echo text > "$T/tmpab_c1"
    record '{"type":"was_made","target":"tmpab_c1"}'
    wait_for test -d "$T/tmpab_c1"
    is 1 "$(count "$T/tmpab_c1")"
}

@test "mkdir of a name that is no entity fails with EACCES" {
    created contact_1
    local path
    for path in "$T/temporary" "$T/.git" "$T/contact_" "$T/_1" "$T/a b_1" "$E/contact_2" "$E/x" "$E/events/x" "$E/asof/x"; do
        is "EACCES $path" "$(calls -q mkdir "$path") $path"
    done
}

@test "symbolic links and special files fail with EACCES" {
    created contact_1
    local directory
    for directory in "$MOUNT" "$T" "$E" "$E/events" "$E/asof/v1"; do
        is "EACCES $directory" "$(calls -q symlink x "$directory/x") $directory"
        is "EACCES $directory" "$(calls -q fifo "$directory/x") $directory"
    done
}

@test "no regular file can be created where no document is" {
    created contact_1
    local directory
    for directory in "$MOUNT" "$E/events" "$E/asof" "$E/asof/v1" "$E/asof/v1/events"; do
        is_one_of "EACCES EPERM" "$(calls -q open "$directory/x" wcx)"
    done
}

@test "a reserved name is never a scratch file" {
    created contact_1
    local path
    for path in "$T"/{append,import,stream,rejected,status.json,spec.json,log,query,find,asof,hooks,follow} "$E"/{append,rollback,stream,events,asof,follow}; do
        is_one_of "EACCES EPERM EEXIST EISDIR" "$(calls -q open "$path" wcx)"
    done
}

@test "a scratch file cannot replace anything but a document" {
    created contact_1
    echo text > "$E/x"
    local path
    for path in "$E/append" "$E/rollback" "$E/stream" "$E/events/00000001.Contact.Created.json" "$T/stream" "$T/append"; do
        forbidden "$path" "$(calls -q rename "$E/x" "$path")"
    done
    is text "$(cat "$E/x")"
}

@test "scratch files are gone after the next mount" {
    created contact_1
    echo text > "$E/x"
    echo text > "$T/y"
    daemon_restart
    [[ ! -e $E/x && ! -e $T/y ]]
    is "append asof events rollback state.json stream" "$(ls -A "$E" | xargs)"
}
