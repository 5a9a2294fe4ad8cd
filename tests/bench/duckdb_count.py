"""How long DuckDB takes to count a day's events of a tenant on a table of the lake, and on one file that it made of all rows
of the table, by tenant and time: duckdb_count.py TABLE TENANT FILE. Prints a line of JSON."""

import importlib.util
import json
import os
import statistics
import sys
import time

import duckdb

table, tenant, file = sys.argv[1:]
connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
for name in ("avro", "httpfs", "iceberg"):
    place = os.path.dirname(importlib.util.find_spec("duckdb_extension_" + name).origin)
    connection.execute(f"load '{place}/extensions/v{duckdb.__version__}/{name}.duckdb_extension'")
connection.execute("set threads = 1; set timezone = 'UTC'")
rows = connection.execute(f"copy (select * from iceberg_scan('{table}') order by tenant, timestamp) to '{file}' "
                          "(format parquet, codec zstd, compression_level 3)").fetchone()[0]
day = connection.execute(f"select max(timestamp)::date from '{file}' where tenant = '{tenant}'").fetchone()[0]
where = f"where tenant = '{tenant}' and timestamp >= '{day}' and timestamp < '{day}'::timestamptz + interval 1 day"
queries = [f"select count(*) from {source} {where}" for source in (f"iceberg_scan('{table}')", f"'{file}'")]


def seconds(query):
    began = time.perf_counter()
    connection.execute(query).fetchall()
    return time.perf_counter() - began


if len({connection.execute(query).fetchone()[0] for query in queries}) != 1:
    sys.exit("the counts differ")
took = [[seconds(query) for query in queries] for _ in range(30)]
print(json.dumps({"rows": rows, "table": statistics.median(t[0] for t in took), "file": statistics.median(t[1] for t in took)}))
