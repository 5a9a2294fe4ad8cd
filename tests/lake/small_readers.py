"""small_readers.py: reads a table of the lake with DuckDB or PyIceberg. On standard input {"engine", "table", "tenants",
"day", "snapshot"}; prints what engines.py does for one table."""
import hashlib
import json
import sys

import table


def digest_of(rows_of, given):
    digests = hashlib.sha256()
    for tenant in given["tenants"]:
        hash = hashlib.sha256()
        for line in table.lines(rows_of(given["table"], tenant)):
            hash.update(line.encode() + b"\n")
        digests.update(hash.digest())
    return digests.hexdigest()


def duckdb(given):
    connection = table.duckdb_connect(given["table"])
    tenant, day = given["day"]
    days = connection.execute("select tenant, cast(timestamp::date as varchar), count(*) from events group by 1, 2").fetchall()
    one = connection.execute("select count(*) from events where tenant = ? and timestamp >= cast(? || ' 00:00:00+00' as "
                             "timestamptz) and timestamp < cast(? || ' 00:00:00+00' as timestamptz) + interval 1 day",
                             [tenant, day, day]).fetchall()
    id = given["snapshot"]
    past = f"lake.factfs.events at (version => {id})" if given["table"].startswith("http") else \
        f"iceberg_scan('{given['table']}', snapshot_from_id => {id})"
    return {"digest": digest_of(table.duckdb_rows, given), "days": days, "one_day": one[0][0],
            "first": connection.execute(f"select count(*) from {past}").fetchall()[0][0]}


def pyiceberg(given):
    from collections import Counter
    opened = table.pyiceberg_table(given["table"])
    tenant, day = given["day"]
    rows = opened.scan(selected_fields=("tenant", "timestamp")).to_arrow().to_pylist()
    days = Counter((row["tenant"], row["timestamp"].date().isoformat()) for row in rows)
    one = opened.scan(row_filter=f"tenant = '{tenant}' and timestamp >= '{day}T00:00:00+00:00' and "
                                 f"timestamp <= '{day}T23:59:59.999999+00:00'", selected_fields=("tenant",)).to_arrow()
    past = opened.scan(snapshot_id=given["snapshot"], selected_fields=("tenant",))
    return {"digest": digest_of(table.pyiceberg_rows, given), "days": [(t, d, n) for (t, d), n in days.items()],
            "one_day": len(one), "first": len(past.to_arrow())}


def main():
    given = json.load(sys.stdin)
    said = {"duckdb": duckdb, "pyiceberg": pyiceberg}[given["engine"]](given)
    said["days"] = sorted([list(day) for day in said["days"]])
    print(json.dumps(said))


main()
