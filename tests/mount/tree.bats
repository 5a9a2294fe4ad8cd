# The tree: names and their one spelling, what is listed, numbers and times that a remount keeps, extended attributes;
# and that nothing recorded can be changed by any wrong means.
load helpers

# Every file below a directory with its bytes, to see that nothing changed.
fingerprint() {
    find "$1" -type f ! -name rejected ! -name status.json -exec md5sum {} + | sort -k 2
}

# ---- names

@test "mkdir makes a tenant, whose name is lower case, digits and dashes, up to 63" {
    local name long
    long=$(head -c 63 /dev/zero | tr '\0' a)
    for name in "a-$TENANT" 9 "$long"; do
        is "ok $name" "$(calls -q mkdir "$MOUNT/$name") $name"
        [[ -d $MOUNT/$name ]]
        rmdir "$MOUNT/$name"
    done
    for name in Acme -a a_b a.b 'a b' ä "a$long"; do
        is "EACCES $name" "$(calls -q mkdir "$MOUNT/$name") $name"
        [[ ! -e $MOUNT/$name ]]
    done
}

@test "mkdir reserves an entity's directory, any well-formed name" {
    local name
    for name in contact_1 Order9_0.a_b:c-d order_550e8400-e29b-41d4-a716-446655440000 "x_$(head -c 198 /dev/zero | tr '\0' y)"; do
        is "ok $name" "$(calls -q mkdir "$T/$name") $name"
        [[ -d $T/$name ]]
    done
    for name in contact contact_ _1 1c_1 contact_-1 contact_.1 'contact_a b' contact_ä "x_$(head -c 199 /dev/zero | tr '\0' y)"; do
        is "EACCES $name" "$(calls -q mkdir "$T/$name") $name"
        [[ ! -e $T/$name ]]
    done
}

@test "mkdir of what is there fails with EEXIST" {
    created contact_1
    local path
    for path in "$T" "$E" "$E/events" "$E/asof" "$E/asof/v1" "$T/stream"; do
        is "EEXIST $path" "$(calls -q mkdir "$path") $path"
    done
}

@test "what is not there is ENOENT" {
    created contact_1
    local path
    for path in "$MOUNT/nobody" "$T/contact_2" "$T/contact" "$T/x" "$E/x" "$E/events/00000002.Contact.Created.json" "$E/asof/v2" "$E/events/x"; do
        is "ENOENT $path" "$(calls -q truncate "$path" 0) $path"
    done
}

@test "an event's file has one name" {
    created contact_1
    happened Contact.Qualified
    happened was_called
    is "00000001.Contact.Created.json 00000002.Contact.Qualified.json 00000003.was_called.json" "$(ls "$E/events" | xargs)"
    local name
    for name in 2.Contact.Qualified.json 0000002.Contact.Qualified.json 000000002.Contact.Qualified.json 00000002.contact.qualified.json 00000002.Contact.Created.json \
        00000002.Qualified.json 00000002.json 00000002.Contact.Qualified 00000003.contact.was_called.json 00000003.Was_called.json 00000000.Contact.Created.json; do
        [[ ! -e $E/events/$name ]] || is "not there" "$name"
    done
}

@test "an entity has one name, letter case counts" {
    created contact_1
    [[ ! -e $T/Contact_1 && ! -e $T/CONTACT_1 ]]
}

@test "an event's file is its line of the stream" {
    created contact_1 '{"n":1.10}'
    happened Contact.Qualified
    same <(event "$E" 1) "$E/events/00000001.Contact.Created.json"
    same <(event "$E" 2) "$E/events/00000002.Contact.Qualified.json"
    is "$(stat -c %s "$E/events/00000002.Contact.Qualified.json")" "$(event "$E" 2 | wc -c)"
}

# ---- listing

@test "the mount lists its tenants" {
    ls "$MOUNT" | grep -qx "$TENANT"
}

@test "a tenant lists append, import, rejected, stream and its entities" {
    created contact_1
    record '{"type":"was_placed","target":"order_1"}'
    is "append contact_1 import order_1 rejected stream" "$(ls "$T" | grep -xE 'append|import|rejected|stream|follow|.*_.*' | xargs)"
}

@test "an entity lists append, asof, events, rollback, state.json and stream" {
    created contact_1
    is "append asof events rollback state.json stream" "$(ls -A "$E" | xargs)"
}

@test "the tree is finite: find and grep -r come to an end and meet no error" {
    created contact_1 '{"needle":1}'
    happened Contact.Updated
    ends 0 timeout 20 find "$T"
    ends 0 timeout 20 grep -rl needle "$T"
    is "$E/events/00000001.Contact.Created.json
$E/state.json
$E/stream
$T/log/$(date -u +%F).ndjson
$T/stream" "$(sort <<< "$output")"
    ends 0 timeout 20 du -a "$T"
}

@test "the kind of an entry in a listing is its kind by stat" {
    created contact_1
    is "$(find "$T" -printf '%y %p\n' | sort)" "$(find "$T" -exec stat -c '%F %n' {} + | sed -E 's/^directory /d /; s/^regular (empty )?file /f /' | sort)"
}

@test "the number of an entry in a listing is its number by stat, and no two share one" {
    created contact_1
    created contact_2
    happened Contact.Updated
    is "$(cd "$T" && ls -i | sed 's/^ *//' | sort)" "$(cd "$T" && stat -c '%i %n' * | sort)"
    is "$(cd "$E/events" && ls -i | sed 's/^ *//' | sort)" "$(cd "$E/events" && stat -c '%i %n' * | sort)"
    is "" "$(find "$MOUNT" -printf '%i\n' | sort | uniq -d)"
}

@test "what a listing tells of a file is what stat tells who asks for its name alone" {
    created contact_1 '{"name":"Søren"}'
    happened Contact.Updated '{"n":1}'
    happened was_called
    local names listed alone
    daemon_restart
    ls -l "$E/events" > /dev/null
    names=$(ls "$E/events")
    listed=$(cd "$E/events" && xargs stat -c '%n %i %s %a %.9Y' <<< "$names")
    daemon_restart
    alone=$(cd "$E/events" && xargs stat -c '%n %i %s %a %.9Y' <<< "$names")
    is "$listed" "$alone"
    is "$(cut -d' ' -f3 <<< "$listed")" "$(cd "$E/events" && for name in $names; do wc -c < "$name"; done)"
}

# ---- over a remount

@test "names, numbers, times, modes and bytes are the same after a remount" {
    created contact_1 '{"n":1.10}'
    happened Contact.Updated '{"n":2}'
    record '{"type":"was_placed","target":"order_1"}'
    mkdir "$MOUNT/$TENANT-empty"
    look() {
        (cd "$MOUNT" && find "$TENANT" "$TENANT-empty" "$TENANT/contact_1/asof/v1" ! -name status.json -printf '%p %i %m %U %G %n %s %T@ %C@\n' | sort && fingerprint "$TENANT")
    }
    look > "$BATS_TEST_TMPDIR/before"
    daemon_restart
    look > "$BATS_TEST_TMPDIR/after"
    same "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "a reserved entity is gone after a remount" {
    mkdir "$T/contact_1"
    daemon_restart
    [[ ! -e $T/contact_1 && -d $T ]]
}

@test "the times of an event's file never move" {
    created contact_1
    local file=$E/events/00000001.Contact.Created.json before
    before=$(stat -c '%.9Y %.9Z' "$file")
    happened Contact.Updated
    cat "$file" > /dev/null
    is "$before" "$(stat -c '%.9Y %.9Z' "$file")"
}

@test "the times of streams and of events move with every event" {
    created contact_1
    local before
    before=$(stat -c '%.9Y' "$E/stream" "$T/stream" "$E/events")
    happened Contact.Updated
    is "" "$(comm -12 <(sort <<< "$before") <(stat -c '%.9Y' "$E/stream" "$T/stream" "$E/events" | sort))"
}

# ---- extended attributes

@test "an event's file carries the hash of the chain" {
    created contact_1
    created contact_2
    happened Contact.Updated '{"n":1}'
    local expected
    expected=$(python3 - "$T/stream" <<'END'
import hashlib, sys
hash = bytes(32)
for line in open(sys.argv[1], "rb"):
    hash = hashlib.sha256(hash + line.rstrip(b"\n")).digest()
    print(hash.hex())
END
    )
    is "$expected" "$(calls getxattr "$T/contact_1/events/00000001.Contact.Created.json" user.factfs.hash getxattr "$T/contact_2/events/00000001.Contact.Created.json" user.factfs.hash getxattr "$T/contact_2/events/00000002.Contact.Updated.json" user.factfs.hash | grep -v getxattr)"
}

@test "attributes outside of user are EOPNOTSUPP, unknown ones within it ENODATA" {
    created contact_1
    local file=$E/events/00000001.Contact.Created.json
    is "EOPNOTSUPP ENODATA" "$(calls -q getxattr "$file" security.factfs) $(calls -q getxattr "$file" user.other)"
    needs_root
    is EOPNOTSUPP "$(calls -q getxattr "$file" trusted.x)"
    is EOPNOTSUPP "$(calls -q setxattr "$file" trusted.x 1)"
}

@test "the hash cannot be set or removed" {
    created contact_1
    local file=$E/events/00000001.Contact.Created.json before
    before=$(calls getxattr "$file" user.factfs.hash)
    forbidden set "$(calls -q setxattr "$file" user.factfs.hash x)"
    forbidden remove "$(calls -q removexattr "$file" user.factfs.hash)"
    forbidden other "$(calls -q setxattr "$file" user.other x)"
    is "$before" "$(calls getxattr "$file" user.factfs.hash)"
}

# ---- nothing recorded can be changed

# A history, a scratch file x beside it, and the lists of what is recorded.
recorded() {
    created contact_1 '{"n":1}'
    happened Contact.Updated '{"n":2}'
    put "$T/append" x > /dev/null
    echo text > "$E/x"
    EVENT=$E/events/00000001.Contact.Created.json
    FILES=("$T/stream" "$T/follow" "$T/rejected" "$E/stream" "$E/follow" "$EVENT" "$E/asof/v1/state.json" "$E/asof/v1/events/00000001.Contact.Created.json")
    WRITABLE=("$T/append" "$E/append" "$E/rollback" "$E/state.json")
    DIRECTORIES=("$T" "$E" "$E/events" "$E/asof" "$E/asof/v1" "$E/asof/v1/events")
    BEFORE=$(fingerprint "$T")
}

nothing_changed() {
    is "$BEFORE" "$(fingerprint "$T")"
}

@test "opening anything recorded for writing fails with EPERM" {
    recorded
    local file how
    for file in "${FILES[@]}"; do
        for how in w + wa wt wc; do
            forbidden "$how $file" "$(calls -q open "$file" $how)"
        done
    done
    nothing_changed
}

@test "truncating anything recorded fails with EPERM" {
    recorded
    local file
    for file in "${FILES[@]}"; do
        forbidden "$file" "$(calls -q truncate "$file" 0)"
    done
    nothing_changed
}

@test "unlinking a file of the store fails with EPERM" {
    recorded
    local file
    for file in "${FILES[@]}" "${WRITABLE[@]}"; do
        forbidden "$file" "$(calls -q unlink "$file")"
        [[ -e $file ]]
    done
    nothing_changed
}

@test "renaming anything recorded fails with EPERM" {
    recorded
    local file to
    for file in "${FILES[@]}" "$T/append" "$E/append" "$E/rollback"; do
        for to in "${file%/*}/y" "$E/y" "$T/contact_9" "$E/state.json"; do
            forbidden "$file $to" "$(calls -q rename "$file" "$to")"
        done
    done
    nothing_changed
}

@test "renaming onto anything recorded fails with EPERM" {
    recorded
    local file
    for file in "${FILES[@]}" "$T/append" "$E/append" "$E/rollback"; do
        forbidden "$file" "$(calls -q rename "$E/x" "$file")"
    done
    is text "$(cat "$E/x")"
    nothing_changed
}

@test "linking anything recorded fails with EPERM" {
    recorded
    local file
    for file in "${FILES[@]}" "$T/append" "$E/append" "$E/rollback"; do
        forbidden "$file" "$(calls -q link "$file" "$E/y")"
    done
    nothing_changed
}

@test "linking onto what is there fails with EEXIST" {
    recorded
    local file
    for file in "${FILES[@]}" "${WRITABLE[@]}"; do
        is "EEXIST $file" "$(calls -q link "$E/x" "$file") $file"
    done
    nothing_changed
}

@test "exchanging anything recorded is refused" {
    recorded
    local file
    for file in "${FILES[@]}" "${WRITABLE[@]}"; do
        is_one_of "EPERM EACCES EINVAL" "$(calls -q exchange "$E/x" "$file")"
    done
    nothing_changed
}

@test "chmod and chown of anything recorded fail with EPERM" {
    recorded
    local file
    for file in "${FILES[@]}"; do
        forbidden "$file" "$(calls -q chmod "$file" 777)"
        forbidden "$file" "$(calls -q chown "$file" 12345 12345)"
    done
    nothing_changed
}

@test "touch of anything recorded does not move its times" {
    recorded
    local file before
    for file in "${FILES[@]}" "${WRITABLE[@]}" "${DIRECTORIES[@]}"; do
        before=$(stat -c '%.9Y %.9Z' "$file")
        is_one_of "ok EPERM EACCES" "$(calls -q touch "$file")"
        is "$file $before" "$file $(stat -c '%.9Y %.9Z' "$file")"
    done
}

@test "directories with a history cannot be removed or renamed" {
    recorded
    local directory
    for directory in "${DIRECTORIES[@]}"; do
        is_one_of "EPERM EACCES ENOTEMPTY" "$(calls -q rmdir "$directory")"
        forbidden "$directory" "$(calls -q rename "$directory" "${directory%/*}/contact_9")"
        is_one_of "EISDIR EPERM EACCES" "$(calls -q unlink "$directory")"
    done
    nothing_changed
}

@test "rm -rf of an entity and of a tenant harms nothing and comes to an end" {
    recorded
    rm -f "$E/x"
    BEFORE=$(fingerprint "$T")
    run ! timeout 20 rm -rf "$E"
    run ! timeout 20 rm -rf "$T"
    nothing_changed
}

@test "creating what exists fails with EEXIST" {
    recorded
    local file
    for file in "${FILES[@]}" "${WRITABLE[@]}"; do
        is "EEXIST $file" "$(calls -q open "$file" wcx) $file"
    done
    nothing_changed
}

@test "rmdir of a tenant or an entity works while nothing was recorded in it" {
    mkdir "$T/contact_1" "$MOUNT/$TENANT-b"
    rmdir "$T/contact_1" "$MOUNT/$TENANT-b"
    [[ ! -e $T/contact_1 && ! -e $MOUNT/$TENANT-b ]]
    mkdir "$T/contact_1"
    echo '{"type":"Contact.Created"}' > "$T/contact_1/append"
    is_one_of "EPERM ENOTEMPTY" "$(calls -q rmdir "$T/contact_1")"
    is_one_of "EPERM ENOTEMPTY" "$(calls -q rmdir "$T")"
}

@test "a tenant made anew after its rmdir is empty and works" {
    rmdir "$T"
    mkdir "$T"
    created contact_1
    is "1 1" "$(count "$T") $(member version "$(last "$T")")"
}
