# The lake's table, as status.json tells of it and as DuckDB and PyIceberg read it; loaded after helpers. $LAKE is what they call it.

# In setup_file: sets $READERS, the Python that has them; nothing when they cannot be had.
readers_find() {
    READERS=$("$ROOT/tests/lake/readers" 2> "$BATS_FILE_TMPDIR/no-readers") || {
        READERS=
        echo "# SKIPPED: $(< "$BATS_FILE_TMPDIR/no-readers")" >&3
    }
    export READERS
}

# First in each test that asks them.
needs_readers() {
    [[ -n $READERS ]] || skip "$(< "$BATS_FILE_TMPDIR/no-readers")"
}

# table READER WHAT…: what tests/lake/table.py says of the table.
table() {
    env ${KEY_ID:+"AWS_ACCESS_KEY_ID=$KEY_ID" "AWS_SECRET_ACCESS_KEY=$SECRET"} \
        "$READERS" "$ROOT/tests/lake/table.py" "$1" "$LAKE" "${@:2}"
}

lake() {
    jq -r ".lake.$1" "$T/status.json"
}

flushed() {
    [[ $(lake lag) == 0 && $(lake position) == "$(count "$T")" ]]
}
