"""DuckDB writes the rows of a Parquet file, from memory, as another one: duckdb_copy.py FROM TO. Prints a line of JSON."""

import json
import os
import resource
import sys
import time

import duckdb

connection = duckdb.connect()
connection.execute("set threads = 1")
connection.execute(f"create table rows as select * from '{sys.argv[1]}'")
loaded_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.perf_counter()
count = connection.execute(f"copy rows to '{sys.argv[2]}' (format parquet, codec zstd, compression_level 3)").fetchone()[0]
seconds = time.perf_counter() - began
print(json.dumps({"rows": count, "seconds": seconds, "size": os.path.getsize(sys.argv[2]), "loaded_kib": loaded_kib,
                  "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
