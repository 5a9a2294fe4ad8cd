"""engines.py spark|trino: reads tables of the lake with Spark or Trino, as anyone would who knows nothing of factfs.

On standard input a JSON object: {"tables": [{"name", "kind": "files"|"rest", "uri", "metadata", "snapshot", "s3":
{"endpoint", "key", "secret"} or null}, …], "tenants": […], "day": ["TENANT", "YYYY-MM-DD"], "directory", "jars", "port"}.
Prints a line of JSON for each table: {"name", "digest", "days", "one_day", "first", "seconds"}, or {"name", "error"}:
    digest   SHA-256 of all lines that the rows make, tenant by tenant
    days     rows by tenant and day, by the engine's own grouping
    one_day  rows of one tenant on one day, by a filter
    first    rows in the snapshot of that id
Run by readers_table.py with the Python of `tests/lake/servers spark`.
"""
import datetime
import hashlib
import json
import sys
import time

import table

COLUMNS = ["id", "type", "target", "actor", "timestamp", "data", "tenant", "version", "metadata", "position"]


def microseconds(text):
    """Of `2017-01-09 08:49:50.123456 UTC`."""
    at = datetime.datetime.fromisoformat(text.removesuffix(" UTC")) - datetime.datetime(1970, 1, 1)
    return at // datetime.timedelta(microseconds=1)


def digest(rows):
    hash = hashlib.sha256()
    for line in table.lines(rows):
        hash.update(line.encode() + b"\n")
    return hash.digest()


def answers(given, ask, name, first):
    """`ask` runs SQL and gives rows; timestamps come as text; `name` is the table's, `first` that of the snapshot."""
    columns = ", ".join('cast("timestamp" as varchar)' if c == "timestamp" else f'"{c}"' for c in COLUMNS)
    digests = hashlib.sha256()
    for tenant in given["tenants"]:
        rows = ask(f"select {columns} from {name} where tenant = '{tenant}' order by position")
        digests.update(digest([tuple(row[:4]) + (microseconds(row[4]),) + tuple(row[5:]) for row in rows]))
    days = ask(f'select tenant, cast(cast("timestamp" as date) as varchar), count(*) from {name} group by 1, 2')
    tenant, day = given["day"]
    end = datetime.date.fromisoformat(day) + datetime.timedelta(days=1)
    one = ask(f"select count(*) from {name} where tenant = '{tenant}' and \"timestamp\" >= timestamp '{day} 00:00:00 UTC' "
              f"and \"timestamp\" < timestamp '{end} 00:00:00 UTC'")
    return {"digest": digests.hexdigest(), "days": sorted([t, d, n] for t, d, n in days), "one_day": one[0][0],
            "first": ask(f"select count(*) from {first}")[0][0]}


def spark(given):
    from pyspark.sql import SparkSession
    builder = SparkSession.builder.master("local[2]").config("spark.jars", given["jars"])
    settings = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false",
                "spark.driver.memory": "2g", "spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "2",
                "spark.sql.ansi.doubleQuotedIdentifiers": "true", "spark.sql.ansi.enabled": "true",
                "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"}
    for t in given["tables"]:
        catalog = f"spark.sql.catalog.{t['name']}"
        settings[catalog] = "org.apache.iceberg.spark.SparkCatalog"
        if t["kind"] == "rest":
            # Nothing is delegated: what Nessie would sign itself, this client asks for by another name.
            settings.update({f"{catalog}.type": "rest", f"{catalog}.uri": t["uri"],
                             f"{catalog}.header.X-Iceberg-Access-Delegation": "none"})
        else:
            settings.update({f"{catalog}.type": "jdbc", f"{catalog}.uri": f"jdbc:sqlite:{given['directory']}/{t['name']}.db",
                             f"{catalog}.warehouse": f"{given['directory']}/{t['name']}"})
        io = "aws.s3.S3FileIO" if t["s3"] else "hadoop.HadoopFileIO"
        settings[f"{catalog}.io-impl"] = f"org.apache.iceberg.{io}"
        if t["s3"]:
            settings.update({f"{catalog}.s3.endpoint": t["s3"]["endpoint"], f"{catalog}.s3.path-style-access": "true",
                             f"{catalog}.client.region": "us-east-1", f"{catalog}.s3.access-key-id": t["s3"]["key"],
                             f"{catalog}.s3.secret-access-key": t["s3"]["secret"]})
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")

    def ask(query):
        return [tuple(row) for row in session.sql(query.replace("as varchar", "as string")).collect()]

    def answer(t):
        name = f"{t['name']}.factfs.events"
        if t["kind"] == "files":
            session.sql(f"create namespace {t['name']}.factfs")
            session.sql(f"call {t['name']}.system.register_table(table => 'factfs.events', metadata_file => '{t['metadata']}')")
        return answers(given, ask, name, f"{name} version as of {t['snapshot']}")
    return answer


def trino(given):
    import trino.dbapi
    connection = trino.dbapi.connect(host="127.0.0.1", port=given["port"], user="test")

    def ask(query):
        cursor = connection.cursor()
        cursor.execute(query)
        return [tuple(row) for row in cursor.fetchall()]

    # It answers before it has a node to run anything on.
    while not ask("select node_id from system.runtime.nodes where state = 'active'"):
        time.sleep(0.5)

    def answer(t):
        name = f"{t['name']}.factfs.events"
        if t["kind"] == "files":
            ask(f"create schema {t['name']}.factfs")
            location, file = t["metadata"].split("/metadata/")
            ask(f"call {t['name']}.system.register_table('factfs', 'events', '{location}', '{file}')")
        return answers(given, ask, name, f"{name} for version as of {t['snapshot']}")
    return answer


def main():
    given = json.load(sys.stdin)
    answer = {"spark": spark, "trino": trino}[sys.argv[1]](given)
    for t in given["tables"]:
        began = time.monotonic()
        try:
            said = answer(t)
        except Exception as error:  # whatever the engine throws is what the table shows
            said = {"error": f"{type(error).__name__}: {error}"[:600]}
        print(json.dumps({"name": t["name"], "seconds": round(time.monotonic() - began, 1), **said}), flush=True)


main()
