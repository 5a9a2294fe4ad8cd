# A handful of real programs on a mount. Each runs as people run it and must say nothing wrong.
load helpers

setup() {
    tenant_start
    OUT=$BATS_TEST_TMPDIR/out
    created contact_1 '{"name":"Søren","stage":"Lead","n":1}'
    happened Contact.Qualified '{"stage":"Qualified"}'
    record '{"type":"was_placed","target":"order_1","data":{"total":12.50}}'
}

@test "rsync -a copies a tenant, and a second run has nothing to do" {
    needs rsync
    ends 0 rsync -a "$T/" "$OUT/"
    is "" "$output"
    ends 0 diff -r "$T" "$OUT"
    ends 0 rsync -ai "$T/" "$OUT/"
    is "" "$output"
}

@test "rsync -a after new events copies only what grew" {
    needs rsync
    rsync -a "$T/" "$OUT/"
    # Of another size: rsync looks at whole seconds. (What tells how things stand is as young as the last event.)
    happened Contact.Updated '{"n":22}'
    ends 0 rsync -ai --exclude=status.json --exclude='hooks/metrics/*/' "$T/" "$OUT/"
    is "contact_1/events/00000003.Contact.Updated.json contact_1/state.json contact_1/stream log/DAY.ndjson stream" \
        "$(awk '/^>f/ {print $2}' <<< "$output" | sed 's/[0-9]*-[0-9]*-[0-9]*\.nd/DAY.nd/' | sort -u | xargs)"
    ends 0 diff -r -x status.json "$T" "$OUT"
}

@test "cp -a and tar copy a tenant" {
    ends 0 cp -a "$T" "$OUT"
    ends 0 diff -r "$T" "$OUT"
    ends 0 tar -C "$MOUNT" -cf "$OUT.tar" "$TENANT"
    is "" "$output"
    mkdir "$OUT.x"
    tar -C "$OUT.x" -xf "$OUT.tar"
    ends 0 diff -r "$T" "$OUT.x/$TENANT"
}

@test "tail -F feeds a pipeline" {
    # So that the job to end is tail.
    tail -n +1 -s 0.01 -F "$T/stream" > >(jq --unbuffered -r .type > "$OUT") 3>&- &
    wait_for in_file "$OUT" was_placed
    record '{"type":"was_paid","target":"order_1"}'
    wait_for in_file "$OUT" was_paid
    is "Contact.Created Contact.Qualified was_placed was_paid" "$(xargs < "$OUT")"
}

@test "inotifywait runs a command for each event of a loop" {
    needs inotifywait
    inotifywait -m -e close_write --format %f "$E/events" > "$OUT" 2> "$OUT.err" 3>&- &
    wait_for in_file "$OUT.err" "Watches established"
    happened Contact.Updated '{"n":2}'
    happened Contact.Updated '{"n":3}'
    wait_for in_file "$OUT" 00000004.Contact.Updated.json
    is "00000003.Contact.Updated.json 00000004.Contact.Updated.json" "$(sort -u "$OUT" | xargs)"
}

@test "sed -i edits a state" {
    sed -i 's/"n": 1/"n": 2/' "$E/state.json"
    is '{"n":{"before":1,"after":2}}' "$(last_data)"
}

@test "jq through sponge edits a state" {
    needs sponge
    jq '.n = 2' "$E/state.json" | sponge "$E/state.json"
    is '{"n":{"before":1,"after":2}}' "$(last_data)"
}

@test "vim edits a state, with a swap file and a backup, and leaves nothing behind" {
    needs vim
    local options
    for options in "" "backup backupcopy=no" "nobackup writebackup backupcopy=no" "backupcopy=yes"; do
        vim -u NONE -N -es -c "set $options swapfile" -c '%s/"n": \(\d\)/\="\"n\": " . (submatch(1) + 1)/' -c wq "$E/state.json" < /dev/null 3>&-
    done
    is '{"name":"Søren","stage":"Qualified","n":5}' "$(state)"
    is 6 "$(count "$E")"
    rm -f "$E/state.json~"
    is "append asof events rollback state.json stream" "$(ls -A "$E" | xargs)"
}

@test "jq reads states and streams" {
    is "Qualified" "$(jq -r .stage "$E/state.json")"
    is 3 "$(jq -s length "$T/stream")"
}

@test "grep -r, wc, sort and find work as on any tree" {
    is 1 "$(grep -rl '12.50' "$T/order_1/events" | wc -l)"
    is "$(cat "$E"/events/*.json | wc -c)" "$(wc -c < "$E/stream")"
    is "$E/events/00000002.Contact.Qualified.json" "$(find "$T" -name '*.Qualified.json')"
}

@test "git can keep a copy of a tenant and sees only what is new" {
    needs git
    needs rsync
    rsync -a --exclude=status.json "$T/" "$OUT/"
    git -C "$OUT" init -q
    git -C "$OUT" add -A
    git -C "$OUT" -c user.name=a -c user.email=a@example.org commit -qm first
    rsync -a --exclude=status.json --ignore-times "$T/" "$OUT/"
    is "" "$(git -C "$OUT" status --porcelain)"
    happened Contact.Updated '{"n":22}'
    rsync -a --exclude=status.json "$T/" "$OUT/"
    is " M contact_1/state.json
 M contact_1/stream
 M log/DAY.ndjson
 M stream
?? contact_1/events/00000003.Contact.Updated.json" \
        "$(git -C "$OUT" status --porcelain -u | sed 's/[0-9]*-[0-9]*-[0-9]*\.nd/DAY.nd/; s/^?? log/ M log/' | sort -u)"
}

@test "python reads, writes and is told of a refusal" {
    ends 0 python3 - "$E" <<'END'
import errno, json, pathlib, sys
entity = pathlib.Path(sys.argv[1])
assert json.loads((entity / "state.json").read_text())["n"] == 1
with open(entity / "append", "w") as append:
    append.write('{"type":"Contact.Updated","data":{"n":2}}\n')
try:
    with open(entity / "append", "w") as append:
        append.write('{"type":"Contact.Updated","version":2}\n')
    raise SystemExit("not refused")
except OSError as error:
    assert error.errno == errno.ESTALE, error
assert len((entity / "stream").read_text().splitlines()) == 3
assert sorted(p.name for p in (entity / "events").iterdir())[2] == "00000003.Contact.Updated.json"
END
}
