# For tests of time, loaded after helpers: the daemon runs under a clock that each test sets (clock.c), and every test lives
# in a year of its own, $Y.

setup_file() {
    place "$BATS_FILE_TMPDIR"
    export CLOCK_FILE=$BATS_FILE_TMPDIR/clock CLOCK_LIBRARY=$BATS_FILE_TMPDIR/clock.so
    "${CC:-cc}" -shared -fPIC -O2 -D_GNU_SOURCE -o "$CLOCK_LIBRARY" "$BATS_TEST_DIRNAME/clock.c" || return 0
    date -u -d 2000-01-01T00:00:00Z +%s%6N > "$CLOCK_FILE"
    # A sanitizer wants to be the first library, and may be told that it is not.
    export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
    is "$(cat "$CLOCK_FILE")" "$(LD_PRELOAD=$CLOCK_LIBRARY "$TOOLS/clock")"
    LD_PRELOAD=$CLOCK_LIBRARY daemon_start
}

setup() {
    exists "$CLOCK_LIBRARY" || skip "the clock cannot be built: no compiler"
    Y=$((2000 + BATS_TEST_NUMBER))
    now "$Y-01-01"
    tenant_start
}

# now MOMENT: what the daemon's clock says from here on.
now() {
    date -u -d "$1" +%s%6N > "$CLOCK_FILE.new"
    mv "$CLOCK_FILE.new" "$CLOCK_FILE"
}
