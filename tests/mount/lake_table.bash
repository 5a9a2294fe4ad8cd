# The lake's table, as status.json tells of it and as DuckDB and PyIceberg read it; loaded after helpers. $LAKE is what they call it.

# lake_start PLACE [SECONDS]: in setup_file, mounts with a lake there that is flushed so often; a daemon that is started anew
# is told of it by -o "$WITH_LAKE".
lake_start() {
    readers_find
    export WITH_LAKE=lake=$1,lake_flush_seconds=${2:-1}
    mount_start -o "$WITH_LAKE"
}

# Sets $READERS, the Python that has them; nothing when they cannot be had.
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

# Of a table in a directory, as its metadata has it.
current_snapshot() {
    jq -r '."current-snapshot-id"' "$LAKE/metadata/v$(< "$LAKE/metadata/version-hint.text").metadata.json"
}

# How many files the table has of this tenant.
files() {
    table duckdb sql "select count(distinct file_path) from iceberg_metadata('$LAKE') where status <> 'DELETED' and file_path like '%tenant=$TENANT/%'"
}

lake() {
    jq -r ".lake.$1" "$T/status.json"
}

flushed() {
    [[ $(lake lag) == 0 && $(lake position) == "$(count "$T")" ]]
}
