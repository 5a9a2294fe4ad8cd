# Parquet files of the lake, read by programs that nobody here wrote. What needs no such program is in parquet_test.c.
bats_require_minimum_version 1.5.0

setup_file() {
    ROWS=$(realpath "${BUILD:-$BATS_TEST_DIRNAME/../../build}")/tests/lake/parquet_rows
    export ROWS LC_ALL=C.UTF-8
    READERS=$("$BATS_TEST_DIRNAME/readers" 2> "$BATS_FILE_TMPDIR/why") || READERS=
    export READERS
    local count
    for count in 0 1 20 20000; do
        "$ROWS" write "$BATS_FILE_TMPDIR/$count.parquet" --rows "$count" --json "$BATS_FILE_TMPDIR/$count.json" \
            > "$BATS_FILE_TMPDIR/$count.facts"
    done
}

# says CHECK COUNT…: what parquet.py finds wrong with the files of so many rows.
says() {
    [[ -n $READERS ]] || skip "$(< "$BATS_FILE_TMPDIR/why")"
    cd "$BATS_FILE_TMPDIR"
    run "$READERS" "$BATS_TEST_DIRNAME/parquet.py" "$1" "$ROWS" "${@:2}"
    [[ $status == 0 && -z $output ]] || { echo "$output"; return 1; }
}

@test "DuckDB and PyArrow read the rows that were written" {
    says rows 0 1 20 20000
}

@test "the columns have their field ids and types, and the encodings that all readers know" {
    says schema 0 20 20000
}

@test "the statistics are those of the rows, and readers that go by them find what is there" {
    says statistics 1 20000
}

@test "what a manifest is told is what PyIceberg finds in the footer" {
    says facts 1 20000
}

@test "files of DuckDB and PyArrow with the same columns are read" {
    says others 20 20000
}

@test "a file of several row groups is written and read within 64 MiB" {
    [[ -z ${SANITIZER:-} ]] || skip "a sanitizer's memory is another"
    local file=$BATS_TEST_TMPDIR/large.parquet
    "$ROWS" write "$file" --rows 400000 > "$BATS_TEST_TMPDIR/wrote"
    "$ROWS" read "$file" --count > "$BATS_TEST_TMPDIR/read"
    cat "$BATS_TEST_TMPDIR/read"
    head -c 200 "$BATS_TEST_TMPDIR/wrote"
    jq -e '.rows == 400000 and (.splits | length) > 1 and .peak_kib <= 65536' "$BATS_TEST_TMPDIR/wrote" > /dev/null
    jq -e '.rows == 400000 and .peak_kib <= 65536' "$BATS_TEST_TMPDIR/read" > /dev/null
}
