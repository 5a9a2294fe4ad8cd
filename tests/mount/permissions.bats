# Who may do what: the owner and the mode of a tenant decide. Most of it needs root, who can be two users.
load helpers

setup_file() {
    mount_start_for_all
}

# What nobody may do, as the words that bash gives.
nobody_reads() {
    as_nobody cat "$1" > /dev/null 2>&1 && echo yes || echo no
}

nobody_puts() {
    as_nobody "$TOOLS/calls" -q open "$1" w write "$2" close
}

@test "a tenant belongs to who made it, with the mode that mkdir asked for" {
    is "$(id -u) $(id -g)" "$(stat -c '%u %g' "$T")"
    (umask 027 && mkdir "$MOUNT/$TENANT-b")
    is 750 "$(stat -c %a "$MOUNT/$TENANT-b")"
    mkdir -m 700 "$MOUNT/$TENANT-c"
    is 700 "$(stat -c %a "$MOUNT/$TENANT-c")"
}

@test "what is in a tenant belongs to the tenant's owner" {
    created contact_1
    is "$(id -u) $(id -g)" "$(find "$T" -printf '%U %G\n' | sort -u)"
}

@test "recorded files are shown without write bits, writable ones with the owner's" {
    created contact_1
    is "" "$(find "$T" -type f \( -name stream -o -name rejected -o -path '*/events/*' \) -perm /222)"
    is "$T/append
$E/append
$E/rollback
$E/state.json
$T/import
$T/spec.json" "$(find "$T" -type f -perm -200 | sort)"
}

@test "the owner may chmod a tenant, and that is kept over a remount" {
    chmod 750 "$T"
    is 750 "$(stat -c %a "$T")"
    daemon_restart
    is 750 "$(stat -c %a "$T")"
}

@test "rejected and receipts know the uid of the writer" {
    put "$T/append" '{"type":""}'
    is "$(id -u)" "$(member uid "$(cat "$T/rejected")")"
}

@test "by default others may read a tenant and not write to it" {
    needs_root
    chmod 755 "$T"
    created contact_1
    local file
    for file in "$T/stream" "$T/rejected" "$E/stream" "$E/state.json" "$E/events/00000001.Contact.Created.json" "$E/asof/v1/state.json"; do
        is "yes $file" "$(nobody_reads "$file") $file"
    done
    is EACCES "$(nobody_puts "$T/append" '{"type":"was_a","target":"order_1"}')"
    is EACCES "$(nobody_puts "$E/append" '{"type":"Contact.Called"}')"
    is EACCES "$(nobody_puts "$E/state.json" '{}')"
    is EACCES "$(nobody_puts "$E/rollback" v1)"
    is EACCES "$(as_nobody "$TOOLS/calls" -q open "$E/x" wcx)"
    is EACCES "$(as_nobody "$TOOLS/calls" -q mkdir "$T/contact_2")"
    is 1 "$(count "$T")"
}

@test "a tenant that others may write takes their events, with their login as the actor" {
    needs_root
    chmod 777 "$T"
    created contact_1 '{"n":1}'
    is ok "$(nobody_puts "$T/append" '{"type":"was_placed","target":"order_1"}')"
    is ok "$(nobody_puts "$E/append" '{"type":"Contact.Called"}')"
    is ok "$(as_nobody "$TOOLS/calls" -q open "$E/state.json" wt write '{"n":2}' close)"
    is "$ME user_nobody user_nobody user_nobody" "$(jq -r .actor "$T/stream" | xargs)"
}

@test "a private tenant can be neither read nor listed nor written by others" {
    needs_root
    created contact_1
    chmod 700 "$T"
    is no "$(nobody_reads "$T/stream")"
    is no "$(nobody_reads "$E/state.json")"
    is no "$(nobody_reads "$E/asof/v1/state.json")"
    is EACCES "$(nobody_puts "$T/append" '{"type":"was_a","target":"order_1"}')"
    run ! as_nobody ls "$T"
}

@test "a mode that is narrowed holds at once, also for files that were read before" {
    needs_root
    created contact_1
    chmod 755 "$T"
    is yes "$(nobody_reads "$E/events/00000001.Contact.Created.json")"
    chmod 700 "$T"
    is no "$(nobody_reads "$E/events/00000001.Contact.Created.json")"
    chmod 755 "$T"
    is yes "$(nobody_reads "$E/events/00000001.Contact.Created.json")"
}

@test "a new mode is seen of all that was seen before, also of what never changes and is in use" {
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":2}'
    local when files
    when=$(member timestamp "$(event "$E" 1)")
    # Which of them may be written differs, so the bits of others alone are compared.
    files=("$E" "$E/events" "$E/events/00000001.Contact.Created.json" "$E/asof" "$E/asof/v1" "$E/asof/v1/state.json"
        "$E/asof/v1/events" "$T/asof" "$T/asof/$when" "$T/asof/$when/contact_1" "$T/asof/$when/contact_1/state.json")
    chmod 755 "$T"
    sees_others() {
        local mode
        for mode in $(stat -Lc %a "${files[@]}" /proc/self/fd/5); do
            ((${mode: -1} & 4)) || return 1
        done
    }
    sees_nothing() {
        [[ $(stat -Lc %a "${files[@]}" /proc/self/fd/5 | grep -c '0$') == $((${#files[@]} + 1)) ]]
    }
    exec 5< "$E/events/00000002.Contact.Updated.json"
    cd "$E/events"
    sees_others
    chmod 700 "$T"
    wait_for sees_nothing
    chmod 755 "$T"
    wait_for sees_others
    # Who stands in one of the directories still does.
    is "$E/events" "$(/bin/pwd -P)"
    exec 5<&-
}

@test "the group of a tenant reads and appends by the group's bits" {
    needs_root
    created contact_1
    chmod 750 "$T"
    chgrp 65534 "$T"
    is "yes EACCES" "$(nobody_reads "$E/stream") $(nobody_puts "$E/append" '{"type":"Contact.Called"}')"
    chmod 770 "$T"
    is ok "$(nobody_puts "$E/append" '{"type":"Contact.Called"}')"
}

@test "others may not chmod or chown a tenant" {
    needs_root
    chmod 777 "$T"
    is "EPERM EPERM" "$(as_nobody "$TOOLS/calls" -q chmod "$T" 700) $(as_nobody "$TOOLS/calls" -q chown "$T" 65534 65534)"
    is "777 0" "$(stat -c '%a %u' "$T")"
}

@test "a tenant given to another user is that user's" {
    needs_root
    chmod 700 "$T"
    chown 65534:65534 "$T"
    is ok "$(nobody_puts "$T/append" '{"type":"was_placed","target":"order_1"}')"
    is "65534 yes" "$(stat -c %u "$T/order_1/stream") $(nobody_reads "$T/order_1/stream")"
    is ok "$(as_nobody "$TOOLS/calls" -q chmod "$T" 750)"
    is 750 "$(stat -c %a "$T")"
}

@test "who may write the store's directory may make a tenant, and owns it" {
    needs_root
    is ok "$(as_nobody "$TOOLS/calls" -q mkdir "$MOUNT/$TENANT-nobody")"
    is 65534 "$(stat -c %u "$MOUNT/$TENANT-nobody")"
    is ok "$(nobody_puts "$MOUNT/$TENANT-nobody/append" '{"type":"was_placed","target":"order_1"}')"
}

@test "others may not remove an empty tenant" {
    needs_root
    is_one_of "EACCES EPERM" "$(as_nobody "$TOOLS/calls" -q rmdir "$T")"
    [[ -d $T ]]
}

@test "others may not change anything recorded" {
    needs_root
    chmod 777 "$T"
    created contact_1
    local file
    for file in "$T/stream" "$E/stream" "$E/events/00000001.Contact.Created.json"; do
        is_one_of "EACCES EPERM" "$(as_nobody "$TOOLS/calls" -q open "$file" w)"
        is_one_of "EACCES EPERM" "$(as_nobody "$TOOLS/calls" -q truncate "$file" 0)"
        is_one_of "EACCES EPERM" "$(as_nobody "$TOOLS/calls" -q unlink "$file")"
        is_one_of "EACCES EPERM" "$(as_nobody "$TOOLS/calls" -q chmod "$file" 777)"
    done
    is 1 "$(count "$T")"
}

@test "who may not write the store's directory may not make a tenant" {
    needs_root
    place "$BATS_TEST_TMPDIR"
    chmod 755 "$STORE"
    daemon_start
    is EACCES "$(as_nobody "$TOOLS/calls" -q mkdir "$MOUNT/b")"
    daemon_stop
}

# The modes of a store and of all in it.
store_modes() {
    echo "$(stat -c %a "$1") $(find "$1" -type f -printf '%m\n' | sort -u | xargs)"
}

@test "a store is its owner's alone, since secrets stand in it, while the mount is open to all" {
    needs_root
    place "$BATS_TEST_TMPDIR"
    rmdir "$STORE"
    (umask 0; daemon_start)
    mkdir "$MOUNT/a"
    put "$MOUNT/a/append" '{"type":"Deal.Created","target":"deal_1"}'
    is "700 600" "$(store_modes "$STORE")"
    is "1 EACCES" "$(as_nobody wc -l < "$MOUNT/a/stream") $(as_nobody "$TOOLS/calls" -q mkdir "$MOUNT/b")"
    not as_nobody ls "$STORE"
    "$FACTFS" backup "$STORE" "$BATS_TEST_TMPDIR/copy"
    is "700 600" "$(store_modes "$BATS_TEST_TMPDIR/copy")"
    daemon_stop
}

@test "the files of a store that others could read become private when it is opened" {
    place "$BATS_TEST_TMPDIR"
    daemon_start
    mkdir "$MOUNT/a"
    put "$MOUNT/a/append" '{"type":"Deal.Created","target":"deal_1"}'
    kill -KILL "$(daemon_pid)"
    wait_for process_gone "$(daemon_pid)"
    mount_abort
    chmod 644 "$STORE"/a.db* "$STORE"/catalog*
    daemon_start
    is 1 "$(wc -l < "$MOUNT/a/stream")"
    is 600 "$(find "$STORE" -type f -printf '%m\n' | sort -u | xargs)"
    daemon_stop
}

@test "a mount started by an ordinary user is that user's alone" {
    needs_root
    needs fusermount3
    [[ $(stat -c %a /dev/fuse) == 666 && -u $(command -v fusermount3) ]] || skip "ordinary users cannot mount here"
    place "$BATS_TEST_TMPDIR"
    chown -R 65534:65534 "$BATS_TEST_TMPDIR"
    chmod a+rx "$BATS_TEST_TMPDIR"
    as_nobody "$FACTFS" "$STORE" "$MOUNT" 3>&- 4>&-
    is "ok EACCES" "$(as_nobody "$TOOLS/calls" -q mkdir "$MOUNT/acme") $(calls -q mkdir "$MOUNT/b")"
    as_nobody fusermount3 -u "$MOUNT"
}
