"""DuckDB reads the Parquet files below a directory and writes their rows as one: duckdb_compact.py FROM TO. Prints a line of
JSON. It neither asks which files there are nor sees to it that anybody hears of the new one."""

import json
import os
import pathlib
import resource
import sys
import time

import duckdb

files = sorted(map(str, pathlib.Path(sys.argv[1]).rglob("*.parquet")))
connection = duckdb.connect()
connection.execute("set threads = 1")
began = time.perf_counter()
connection.execute(f"copy (select * from read_parquet({files})) to '{sys.argv[2]}' (format parquet, codec zstd, compression_level 3)")
seconds = time.perf_counter() - began
print(json.dumps({"files": len(files), "seconds": seconds, "size": os.path.getsize(sys.argv[2]),
                  "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
