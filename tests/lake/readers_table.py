#!/usr/bin/env python3
"""Which readers agree with the log, wherever the lake is: make lake-readers, or tests/lake/readers_table.py BUILD_DIR
[--only LETTER] [--events N] [--keep]. Writes docs/lake.md.

A store with the real log of travel declarations (or the beginning of it, N events) and a tenant of odd texts is mounted
with a lake in a directory, in buckets of versitygw and s3proxy, and in the REST catalogs of Iceberg's fixture and of
Nessie; each gets several commits, a column half way, and a merge of small files. Then DuckDB, PyIceberg, Spark and Trino
each read every column of every row, count by tenant and day, filter a day, and go back to the snapshot behind the first
flush; what they say is compared with the log, which is read here as text. What cannot be had is named in the table. The
exit status is 1 when any of them disagrees.
"""
import argparse
import contextlib
import datetime
import gzip
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests" / "torture"), str(HERE)]
import buckets  # noqa: E402
from checks import harness  # noqa: E402

REAL = pathlib.Path(os.environ.get("TRAVEL_DECLARATIONS", ROOT.parent / "shared" / "data" / "travel-declarations.ndjson.gz"))
TENANTS = ["odd", "travel"]
ENGINES = ["DuckDB", "PyIceberg", "Spark", "Trino"]
# What has nothing to do with the table: Trino cannot "validate the external location" of any table in s3proxy.
REFUSALS = {("Trino", "p")}
KEY, SECRET = "factfsAK", "factfsSK12345678"
ODD = [
    {"type": "Contact.Created", "target": "contact_ada", "actor": "user \"q\" é\\", "data": {"n": 12345678901234567890}},
    {"type": "was_placed", "target": "order_1", "data": {"t": "a\u2028b\ud83d\ude00", "e": ""}, "metadata": {"c": [1, None]}},
    {"type": "Contact.Qualified", "target": "contact_ada", "data": {"stage": "Lead"}},
]


def found(name):
    """Where a server or a reader is, or why it is not there."""
    done = subprocess.run([HERE / "servers", name], capture_output=True, text=True)
    return (done.stdout.strip(), None) if done.returncode == 0 else (None, done.stderr.strip().splitlines()[-1])


def java(least):
    """A Java of that version or newer; None."""
    for path in ["java", *map(str, pathlib.Path("/usr/lib/jvm").glob("*/bin/java"))]:
        with contextlib.suppress(OSError, ValueError, IndexError):
            said = subprocess.run([path, "-version"], capture_output=True, text=True).stderr
            if int(said.split('"')[1].split(".")[0]) >= least:
                return path
    return None


class Servers:
    """What was started, all stopped at the end by their pids."""

    def __init__(self, directory):
        self.directory, self.processes = directory, []

    def start(self, name, command, environment=None, cwd=None):
        with open(self.directory / f"{name}.said", "wb") as said:
            self.processes.append(subprocess.Popen([str(c) for c in command], stdout=said, stderr=said, cwd=cwd,
                                                   env={**os.environ, **(environment or {})}))

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def answers(url):
    with contextlib.suppress(OSError):
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read() or b" "
    return False


# ---- places

def bucket_access(port):
    return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}


def start_versitygw(servers):
    path, why = found("versitygw")
    if not path:
        return None, why
    port, root = buckets.free_port(), servers.directory / "versitygw"
    root.mkdir()
    servers.start("versitygw", [path, "--port", f"127.0.0.1:{port}", "--region", "us-east-1", "--quiet", "posix", root],
                  {"ROOT_ACCESS_KEY_ID": KEY, "ROOT_SECRET_ACCESS_KEY": SECRET})
    return start_bucket(port, root)


def start_s3proxy(servers):
    path, why = found("s3proxy")
    if not path:
        return None, why
    port, root = buckets.free_port(), servers.directory / "s3proxy"
    root.mkdir()
    (servers.directory / "s3proxy.conf").write_text(
        f"s3proxy.endpoint=http://127.0.0.1:{port}\ns3proxy.authorization=aws-v2-or-v4\ns3proxy.identity={KEY}\n"
        f"s3proxy.credential={SECRET}\njclouds.provider=filesystem-nio2\njclouds.filesystem.basedir={root}\n"
        "jclouds.identity=x\njclouds.credential=x\n")
    servers.start("s3proxy", ["java", "-Xmx256m", "-jar", path, "--properties", servers.directory / "s3proxy.conf"])
    return start_bucket(port, root)


def start_bucket(port, root):
    harness.wait_until(lambda: buckets.listens(port), 60, "S3")
    access = bucket_access(port)
    buckets.make_bucket(access)
    return {"access": access, "root": root}, None


def start_fixture(servers, bucket):
    path, why = found("rest-fixture")
    if not path or not bucket:
        return None, why or "needs versitygw"
    port = buckets.free_port()
    servers.start("fixture", ["java", "-Xmx384m", "-cp", f"{path}/*", "org.apache.iceberg.rest.RESTCatalogServer"], {
        "CATALOG_REST_PORT": str(port), "CATALOG_URI": f"jdbc:sqlite:{servers.directory}/fixture.db",
        "CATALOG_WAREHOUSE": "s3://lake/fixture", "CATALOG_IO__IMPL": "org.apache.iceberg.aws.s3.S3FileIO",
        "CATALOG_S3_ENDPOINT": bucket["access"]["AWS_ENDPOINT_URL"], "CATALOG_S3_PATH__STYLE__ACCESS": "true",
        "CATALOG_CLIENT_REGION": "us-east-1", "AWS_REGION": "us-east-1", "CATALOG_S3_ACCESS__KEY__ID": KEY,
        "CATALOG_S3_SECRET__ACCESS__KEY": SECRET, "CATALOG_INCLUDE__CREDENTIALS": "true"})
    uri = f"http://127.0.0.1:{port}"
    harness.wait_until(lambda: answers(f"{uri}/v1/config"), 120, "the fixture")
    return uri, None


def start_nessie(servers, bucket):
    path, why = found("nessie")
    runs = java(21)
    if not path or not bucket or not runs:
        return None, why or ("needs Java 21" if not runs else "needs versitygw")
    port, other = buckets.free_port(), buckets.free_port()
    s3 = "nessie.catalog.service.s3.default-options"
    servers.start("nessie", [
        runs, "-Xmx400m", "-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={port}",
        "-Dquarkus.management.host=127.0.0.1", f"-Dquarkus.management.port={other}", "-Dnessie.version.store.type=IN_MEMORY",
        "-Dnessie.catalog.default-warehouse=w", "-Dnessie.catalog.warehouses.w.location=s3://lake/nessie",
        f"-D{s3}.endpoint={bucket['access']['AWS_ENDPOINT_URL']}", f"-D{s3}.path-style-access=true", f"-D{s3}.region=us-east-1",
        f"-D{s3}.access-key=urn:nessie-secret:quarkus:k", f"-Dk.name={KEY}", f"-Dk.secret={SECRET}", "-jar", path])
    harness.wait_until(lambda: answers(f"http://127.0.0.1:{port}/iceberg/v1/config"), 240, "Nessie")
    return f"http://127.0.0.1:{port}/iceberg", None


def places_of(servers):
    """(name in the table, name in SQL, what factfs is told, environment, how readers reach it, None), or why it is not there."""
    gateway, no_gateway = start_versitygw(servers)
    proxy, no_proxy = start_s3proxy(servers)
    fixture, no_fixture = start_fixture(servers, gateway)
    nessie, no_nessie = start_nessie(servers, gateway)
    directory = servers.directory / "lake"

    def bucket(name, sql, at, why):
        return dict(name=name, sql=sql, lake=f"s3://lake/{sql}", access=at and at["access"], address=f"s3://lake/{sql}",
                    kind="files", root=at and at["root"] / "lake" / sql, missing=why)

    def rest(name, sql, uri, why):
        return dict(name=name, sql=sql, lake=f"rest+{uri}", access=gateway and gateway["access"], address=uri, kind="rest",
                    missing=why)
    return [
        dict(name="a directory", sql="d", lake=str(directory), access=None, address=str(directory), kind="files",
             root=directory, missing=None),
        bucket("S3: versitygw 1.8.0", "v", gateway, no_gateway), bucket("S3: s3proxy 4.1.0", "p", proxy, no_proxy),
        rest("REST: Iceberg's fixture 1.11.0, over versitygw", "f", fixture, no_fixture),
        rest("REST: Nessie 0.99.0, over versitygw", "n", nessie, no_nessie)]


# ---- writing

def append(tenant, events):
    with open(tenant / "append", "wb", buffering=0) as file:
        file.write("".join(json.dumps(e) + "\n" for e in events).encode())


def factfs_lake(daemon, word, environment):
    done = subprocess.run([daemon.factfs, "lake", word, daemon.store], env={**os.environ, **environment},
                          capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise harness.Failure(f"factfs lake {word}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def streams(daemon):
    return {tenant: (daemon.mount / tenant / "stream").read_bytes() for tenant in TENANTS}


def fill(daemon, events):
    opened = gzip.open(REAL, "rb") if REAL.exists() else contextlib.nullcontext([])
    with opened as lines, open(daemon.tenant("travel") / "import", "wb") as file:
        for n, line in enumerate(lines):
            if n == events:
                break
            file.write(line)
    append(daemon.tenant("odd"), ODD)


@contextlib.contextmanager
def mounted(build, directory, lake, environment, *more):
    # Daemon inherits the environment of this process.
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    options = ("-o", ",".join([f"lake={lake}", "lake_flush_seconds=3600", "lake_maintenance=external", *more])) if lake else ()
    daemon = harness.Daemon(build, directory, options=options)
    try:
        yield daemon.start()
        daemon.stop()
    finally:
        if daemon.process:
            daemon.end()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def current_snapshot(place):
    if place["kind"] == "files":
        number = (place["root"] / "metadata" / "version-hint.text").read_text()
        metadata = json.loads((place["root"] / "metadata" / f"v{number}.metadata.json").read_text())
    else:
        prefix = "main/" if place["sql"] == "n" else ""
        metadata = json.loads(answers(f"{place['address']}/v1/{prefix}namespaces/factfs/tables/events"))["metadata"]
    return metadata["current-snapshot-id"]


def write(build, directory, place):
    """The table in a place: what the log says it must hold, and how many events there were behind the first flush."""
    environment = dict(place["access"] or {})
    with mounted(build, directory, place["lake"], environment) as daemon:
        factfs_lake(daemon, "flush", environment)
        first = sum(stream.count(b"\n") for stream in streams(daemon).values())
        place["snapshot"] = current_snapshot(place)
        append(daemon.tenant("odd"), [{"type": "was_seen", "target": "order_1", "data": {"at": place["name"]}}])
        factfs_lake(daemon, "flush", environment)
    with mounted(build, directory, place["lake"], environment, "lake_hash") as daemon:
        append(daemon.tenant("odd"), [{"type": "was_seen", "target": "order_1", "data": {"again": True}}])
        factfs_lake(daemon, "flush", environment)
        merged = factfs_lake(daemon, "compact", environment)
        factfs_lake(daemon, "check", environment)
        if place["sql"] == "n":
            place["snapshot"] = current_snapshot(place)
        return streams(daemon), first, merged


def expected_of(place, logs, first):
    """What each reader must say, from the log as text. Nessie shows a table's current snapshot alone."""
    digests, days = hashlib.sha256(), {}
    for tenant in TENANTS:
        digests.update(hashlib.sha256(logs[tenant]).digest())
        for line in logs[tenant].splitlines():
            key = tenant, json.loads(line)["timestamp"][:10]
            days[key] = days.get(key, 0) + 1
    return {"digest": digests.hexdigest(), "days": sorted([t, d, n] for (t, d), n in days.items()),
            "first": sum(days.values()) if place["sql"] == "n" else first}


# ---- reading

def metadata_of(place):
    if place["kind"] != "files":
        return None
    number = (place["root"] / "metadata" / "version-hint.text").read_text()
    address = place["address"] if place["access"] else f"file://{place['address']}"
    return f"{address}/metadata/v{number}.metadata.json"


def last_words(done):
    return " ".join((done.stderr.strip() or "it said nothing").splitlines()[-6:])[-400:]


def read_small(engine, python, place, day):
    """DuckDB and PyIceberg, each in a process of its own."""
    given = {"engine": engine.lower(), "table": place["address"], "tenants": TENANTS, "day": day,
             "snapshot": place["snapshot"]}
    done = subprocess.run([python, HERE / "small_readers.py"], input=json.dumps(given), capture_output=True, text=True,
                          env={**os.environ, **(place["access"] or {})}, timeout=900)
    return json.loads(done.stdout) if done.returncode == 0 else {"error": last_words(done)}


def engine_tables(places):
    tables = []
    for place in places:
        access = place["access"]
        tables.append({"name": place["sql"], "kind": place["kind"], "uri": place["address"], "metadata": metadata_of(place),
                       "snapshot": place["snapshot"],
                       "s3": access and {"endpoint": access["AWS_ENDPOINT_URL"], "key": KEY, "secret": SECRET}})
    return tables


def read_large(engine, python, given):
    """Spark and Trino, all places in one process."""
    done = subprocess.run([python, HERE / "engines.py", engine.lower()], input=json.dumps(given), capture_output=True,
                          text=True, timeout=1800, env={**os.environ, "AWS_REGION": "us-east-1"})
    said = {}
    for line in done.stdout.splitlines():
        with contextlib.suppress(ValueError):
            answer = json.loads(line)
            said[answer["name"]] = answer
    for table in given["tables"]:
        said.setdefault(table["name"], {"error": last_words(done)})
    return said


def start_trino(servers, tables):
    path, why = found("trino")
    runs = java(24)
    if not path or not runs:
        return None, why or "needs Java 24"
    port, root = buckets.free_port(), servers.directory / "trino"
    (root / "etc" / "catalog").mkdir(parents=True)
    (root / "plugins").mkdir()
    (root / "plugins" / "iceberg").symlink_to(pathlib.Path(path) / "plugin" / "iceberg")
    write = lambda name, *lines: (root / "etc" / name).write_text("\n".join(lines) + "\n")  # noqa: E731
    write("node.properties", "node.environment=test", "node.id=x", f"node.data-dir={root}/data", "node.bind-ip=127.0.0.1",
          "node.internal-address=127.0.0.1")
    write("jvm.config", "-server", "-Xmx1500M", "-XX:+UseG1GC", "-Djdk.attach.allowAttachSelf=true",
          "--enable-native-access=ALL-UNNAMED", "--add-modules=jdk.incubator.vector")
    write("config.properties", "coordinator=true", "node-scheduler.include-coordinator=true", f"http-server.http.port={port}",
          f"discovery.uri=http://127.0.0.1:{port}", "query.max-memory=600MB", "query.max-memory-per-node=600MB",
          "memory.heap-headroom-per-node=300MB", f"plugin.dir={root}/plugins")
    for table in tables:
        lines = ["connector.name=iceberg"]
        if table["kind"] == "rest":
            lines += ["iceberg.catalog.type=rest", f"iceberg.rest-catalog.uri={table['uri']}"]
        else:
            (root / f"metastore-{table['name']}").mkdir()
            lines += ["iceberg.catalog.type=TESTING_FILE_METASTORE",
                      f"hive.metastore.catalog.dir=local://{root}/metastore-{table['name']}",
                      "iceberg.register-table-procedure.enabled=true", "fs.native-local.enabled=true", "local.location=/"]
        if table["s3"]:
            lines += ["fs.native-s3.enabled=true", f"s3.endpoint={table['s3']['endpoint']}", "s3.region=us-east-1",
                      "s3.path-style-access=true", f"s3.aws-access-key={KEY}", f"s3.aws-secret-key={SECRET}"]
        write(f"catalog/{table['name']}.properties", *lines)
    home = str(pathlib.Path(shutil.which(runs)).resolve().parents[1])
    servers.start("trino", [f"{path}/bin/launcher", "run", "--etc-dir", root / "etc", "--data-dir", root / "data"],
                  {"JAVA_HOME": home, "PATH": f"{home}/bin:{os.environ['PATH']}"})
    harness.wait_until(lambda: b'"starting":false' in (answers(f"http://127.0.0.1:{port}/v1/info") or b""), 240, "Trino")
    return port, None


def read_all(servers, written, day):
    """{engine: {place: what it said}}; an engine that cannot be had says so for each."""
    said = {}
    python = subprocess.run([HERE / "readers"], capture_output=True, text=True)
    for engine in ENGINES[:2]:
        for place in written:
            began = time.monotonic()
            answer = read_small(engine, python.stdout.strip(), place, day) if python.returncode == 0 else \
                {"missing": python.stderr.strip()}
            said.setdefault(engine, {})[place["sql"]] = {"seconds": round(time.monotonic() - began, 1), **answer}
            print(f"# {engine}, {place['name']}: {answer.get('error', 'read')}", flush=True)
    path, why = found("spark")
    tables = engine_tables(written)
    given = {"tables": tables, "tenants": TENANTS, "day": day, "directory": str(servers.directory)}
    missing = {t["name"]: {"missing": why} for t in tables}
    if path:
        given["jars"] = ",".join(map(str, pathlib.Path(path, "jars").glob("*.jar")))
    said["Spark"] = read_large("Spark", f"{path}/bin/python", given) if path else missing
    port, no_trino = start_trino(servers, tables) if path else (None, why)
    given["port"] = port
    said["Trino"] = read_large("Trino", f"{path}/bin/python", given) if port else \
        {t["name"]: {"missing": no_trino} for t in tables}
    return said


# ---- the document

def verdict(engine, place, answer, expected):
    """(is it right, what the table shows)"""
    if "missing" in answer:
        return True, "not here"
    if "error" in answer and (engine, place["sql"]) in REFUSALS:
        return True, "refuses"
    if "error" in answer:
        return False, "fails"
    wrong = [name for name in expected if answer.get(name) != expected[name]]
    return not wrong, f"agrees, {answer['seconds']:.0f} s" if not wrong else f"**differs**: {', '.join(wrong)}"


def document(places, rows, notes, facts):
    lines = ["# Who reads the lake", "",
             "Written by `make lake-readers` (`tests/lake/readers_table.py`); a new run replaces this page.", "",
             "| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in facts), "",
             "Each reader read every column of every row of all tenants, counted by tenant and day, filtered a day, and went back",
             "to the snapshot behind the first flush; `agrees` means that all of it is what the log says, read as text. The",
             "seconds are those of all that together.", "",
             "| where the table is | " + " | ".join(ENGINES) + " |", "| --- |" + " --- |" * len(ENGINES)]
    for place in places:
        cells = rows.get(place["sql"]) or [place["missing"]] + [""] * (len(ENGINES) - 1)
        lines.append(f"| {place['name']} | " + " | ".join(cells) + " |")
    lines += ["", "DuckDB 1.5.5 with its Iceberg extension, PyIceberg 0.12.0, Spark 4.1.4 with Iceberg 1.12.0, Trino 476."]
    lines += ["", *(f"- {note}" for note in notes),
              "- Nessie shows a table's current snapshot alone, so there the readers went back to that one."]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Which readers agree with the log, wherever the lake is.")
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--events", type=int, default=sys.maxsize, help="of the real log; fewer write no document")
    parser.add_argument("--only", action="append", help="a place, by its letter (d, v, p, f, n); writes no document")
    parser.add_argument("--keep", action="store_true", help="leave the directory for a look")
    options = parser.parse_args()
    directory = harness.scratch_directory(options.build, "factfs-lake-readers-")
    servers = Servers(directory)
    good, notes, rows = True, [], {}
    try:
        (directory / "daemon").mkdir()
        with mounted(options.build, directory / "daemon", None, {}) as daemon:
            fill(daemon, options.events)
        places = places_of(servers)
        written = []
        for place in places:
            if place["missing"] or (options.only and place["sql"] not in options.only):
                continue
            began = time.monotonic()
            logs, first, merged = write(options.build, directory / "daemon", place)
            place["expected"] = expected_of(place, logs, first)
            written.append(place)
            events = sum(stream.count(b"\n") for stream in logs.values())
            print(f"# {place['name']}: {events:,} events written, {merged} [{time.monotonic() - began:.0f} s]", flush=True)
        # The last day of the real log, which no later commit adds to.
        day = tuple(written[0]["expected"]["days"][-1][:2])
        for place in written:
            place["expected"]["one_day"] = next(n for t, d, n in place["expected"]["days"] if (t, d) == day)
        said = read_all(servers, written, list(day))
        for place in written:
            cells = []
            for engine in ENGINES:
                answer = said[engine][place["sql"]]
                right, text = verdict(engine, place, answer, place["expected"])
                good = good and right
                cells.append(text)
                if "error" in answer or "missing" in answer:
                    notes.append(f"{engine}, {place['name']}: {answer.get('error') or answer['missing']}")
                print(f"{'ok' if right else 'not ok'} {engine}, {place['name']}: {text}", flush=True)
                if "error" in answer:
                    print(f"#   {answer['error']}")
            rows[place["sql"]] = cells
    finally:
        servers.stop()
        if options.keep:
            print(f"# kept: {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    if options.events == sys.maxsize and not options.only and REAL.exists():
        facts = [*harness.machine(), ("Date", datetime.date.today().isoformat()), ("Events", f"{events:,}")]
        (ROOT / "docs" / "lake.md").write_text(document(places, rows, notes, facts))
    return 0 if good else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that servers and mounts are taken away
    sys.exit(main())
