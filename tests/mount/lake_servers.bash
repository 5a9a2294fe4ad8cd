# Servers for the tests of a lake that is not in a directory: S3 (versitygw) and a REST catalog (Iceberg's fixture), as
# tests/lake/servers brings them. Each is stopped by the pid that it was started with.
#
# gateway_start sets $AWS_ENDPOINT_URL and $KEY_ID and $SECRET, and makes the bucket `lake`; catalog_start sets $CATALOG.

# server_at NAME: where it is, in $SERVER; false, and why in $NO_SERVER, when it cannot be had.
server_at() {
    SERVER=$("$ROOT/tests/lake/servers" "$1" 2> "$BATS_FILE_TMPDIR/why") && return
    NO_SERVER=$(tail -n 1 "$BATS_FILE_TMPDIR/why")
    echo "# SKIPPED: $NO_SERVER" >&3
    return 1
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

answers() {
    curl -s -o "$BATS_FILE_TMPDIR/answer" "$1"
}

# server_start NAME COMMAND…: notes its pid.
server_start() {
    local name=$1
    shift
    "$@" > "$BATS_FILE_TMPDIR/$name.said" 2>&1 3>&- 4>&- &
    echo $! > "$BATS_FILE_TMPDIR/$name.pid"
    disown $!
}

servers_stop() {
    local file
    for file in "$BATS_FILE_TMPDIR"/{versitygw,catalog}.pid; do
        [[ ! -e $file ]] || kill "$(< "$file")" 2> /dev/null || true
    done
}

gateway_start() {
    local port
    port=$(free_port)
    export KEY_ID=factfsAK SECRET=factfsSK12345678 AWS_REGION=us-east-1
    export AWS_ENDPOINT_URL=http://127.0.0.1:$port
    mkdir -p "$BATS_FILE_TMPDIR/s3"
    server_start versitygw env ROOT_ACCESS_KEY_ID=$KEY_ID ROOT_SECRET_ACCESS_KEY=$SECRET \
        "$SERVER" --port "127.0.0.1:$port" --region us-east-1 --health /health --quiet posix "$BATS_FILE_TMPDIR/s3"
    wait_for answers "$AWS_ENDPOINT_URL/health"
    curl -sf --aws-sigv4 aws:amz:us-east-1:s3 --user "$KEY_ID:$SECRET" -X PUT \
        -H "x-amz-content-sha256: $(sha256sum < /dev/null | cut -d' ' -f1)" "$AWS_ENDPOINT_URL/lake"
}

# catalog_start: over the gateway.
catalog_start() {
    local port
    port=$(free_port)
    export CATALOG=http://127.0.0.1:$port
    server_start catalog env CATALOG_REST_PORT="$port" CATALOG_URI="jdbc:sqlite:$BATS_FILE_TMPDIR/catalog.db" \
        CATALOG_WAREHOUSE=s3://lake/warehouse CATALOG_IO__IMPL=org.apache.iceberg.aws.s3.S3FileIO \
        CATALOG_S3_ENDPOINT="$AWS_ENDPOINT_URL" CATALOG_S3_PATH__STYLE__ACCESS=true CATALOG_CLIENT_REGION=us-east-1 \
        CATALOG_S3_ACCESS__KEY__ID="$KEY_ID" CATALOG_S3_SECRET__ACCESS__KEY="$SECRET" \
        CATALOG_INCLUDE__CREDENTIALS=true java -Xmx256m -cp "$SERVER/*" org.apache.iceberg.rest.RESTCatalogServer
    wait_for answers "$CATALOG/v1/config"
}

# ---- a lake behind them

# The daemon is killed between flushes, time and again, and each event is in the table once.
survives_kills() {
    local i
    for i in 1 2 3; do
        record '{"type":"was_seen","target":"thing_1"}' '{"type":"was_seen","target":"thing_2"}'
        kill -KILL "$(daemon_pid)"
        wait_for process_gone "$(daemon_pid)"
        mount_abort
        daemon_start -o "$WITH_LAKE"
    done
    wait_for flushed
    is "6 6 1 6" "$(table duckdb sql "select count(*), count(distinct position), min(position), max(position)
        from events where tenant = '$TENANT'")"
    ends 0 "$FACTFS" lake check "$STORE"
}

server_setup() {
    [[ -z $NO_SERVER ]] || skip "$NO_SERVER"
    tenant_start
}

server_teardown() {
    [[ -n $NO_SERVER ]] || tenant_end
}

server_teardown_file() {
    local status=0
    [[ -n $NO_SERVER ]] || mount_stop || status=1
    servers_stop
    return $status
}
