# For tests that have a store and a mount of their own each, loaded after helpers: $T is the tenant acme, which the test makes.

setup_file() {
    :
}

teardown_file() {
    :
}

setup() {
    place_own
}

teardown() {
    end_own
}

place_own() {
    place "$BATS_TEST_TMPDIR"
    TENANT=acme
    T=$MOUNT/acme
}

end_own() {
    local status=0
    tenant_end || status=1
    daemon_stop || status=1
    mount_abort
    not mountpoint -q "$STORE" || umount "$STORE" || status=1
    daemon_is_content || status=1
    return $status
}
