# The identities that hold at every moment, byte for byte, on random logs of both conventions: an entity's events add up
# to its stream, and the folding of its events up to a moment is the state of that moment. The folding is that of
# model.py, which shares nothing with factfs.
load helpers

model() {
    python3 "$BATS_TEST_DIRNAME/model.py" "$@"
}

# mixed SEED COUNT: a random log in $LOG.
mixed() {
    LOG=$BATS_TEST_TMPDIR/log
    model mixed "$1" "$2" > "$LOG"
}

# What the tenant holds is what the model makes of the log, and all identities hold.
holds_what_the_log_says() {
    same <(model record "$LOG" "$TENANT" "$(id -un)") <(masked < "$T/stream")
    ends 0 model check "$T"
    holds "$(wc -l < "$LOG") events" "$output"
    holds " 0 differ" "$output"
}

@test "a random log written as a whole is kept and folded as the model does it" {
    mixed 1 400
    is ok "$(put_file "$T/append" "$LOG")"
    holds_what_the_log_says
}

@test "a random log written a line at a time is kept and folded as the model does it" {
    mixed 2 300
    local line
    while read -r line; do
        echo "$line"
    done < "$LOG" > "$T/append"
    holds_what_the_log_says
}

@test "a random log written in pieces that cut its lines is kept and folded as the model does it" {
    mixed 3 300
    is ok "$(calls -q open "$T/append" w write-pieces "$LOG" 97 close)"
    holds_what_the_log_says
}

@test "a random log written as one array is kept and folded as the model does it" {
    mixed 4 300
    { echo '['; sed '$!s/$/,/' "$LOG"; echo ']'; } > "$BATS_TEST_TMPDIR/array"
    is ok "$(put_file "$T/append" "$BATS_TEST_TMPDIR/array")"
    holds_what_the_log_says
}

@test "the identities hold after documents were written, rolled back and deleted" {
    mixed 5 100
    is ok "$(put_file "$T/append" "$LOG")"
    E=$T/thing_1
    is ok "$(put "$T/append" '{"type":"Thing.Created","target":"thing_1","data":{"a":1.10,"b":"\u00e9","c":[1,{"d":null}]}}')"
    is ok "$(save "$E/state.json" '{"c":[],"a":1.10,"d":"x -> y"}')"
    is ok "$(put "$E/rollback" v1)"
    happened Thing.Deleted '{"reason":"old"}'
    is ok "$(put "$E/rollback" v2)"
    happened was_moved '{"a":{"before":1,"after":2}}'
    ends 0 model check "$T"
    holds " 0 differ" "$output"
}

@test "the identities hold after a remount" {
    mixed 6 200
    is ok "$(put_file "$T/append" "$LOG")"
    daemon_restart
    holds_what_the_log_says
}
