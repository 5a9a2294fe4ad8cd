# The short forms of `make torture`: seconds each. What each of them requires stands in tests/torture/run.

torture() {
    "$BATS_TEST_DIRNAME/../torture/run" "$BUILD" --quick --only "$1"
}

@test "kill -9 of the daemon loses no acknowledged event and leaves no half one" {
    torture kill
}

@test "kill -9 in the midst of an import leaves the beginning of its file, and running it again adds the rest" {
    torture import
}

@test "a power cut loses no acknowledged event and leaves the chain of hashes whole" {
    torture power
}

@test "a full disk refuses appends with ENOSPC, loses nothing and goes on when there is room" {
    run torture full
    echo "$output"
    [ "$status" -eq 0 ]
    if [[ $output == *skipped:* ]]; then
        skip "$output"
    fi
}

@test "a flipped byte in a tenant's file is found and named, and the other tenants go on" {
    torture flip
}

@test "a flipped byte in the write-ahead log that a kill left is told before acknowledged events are gone" {
    torture tail
}

@test "deliveries survive kill -9, a long queue and a full disk, which leaves cascades whole" {
    torture hook
}

@test "hostile names, offsets, sizes and documents leave the daemon alive and the identities whole" {
    torture hostile
}

@test "readers beside writers see no half line, and no size ahead of the bytes that can be read" {
    torture race
}
