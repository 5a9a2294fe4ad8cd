"""What DuckDB, PyArrow and PyIceberg say of Parquet files of the lake: parquet.py CHECK TOOL NAME…

NAME.parquet was written by TOOL (tests/lake/parquet_rows), NAME.json are the same rows as it made them, NAME.facts what it
said of the file. Says what is wrong, one line each, and fails.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import duckdb
import pyarrow
import pyarrow.parquet

# Name, type in DuckDB, required; the field ids are the places from 1 on. By hand, from hooks/lake/columns.h.
COLUMNS = [("id", "VARCHAR", True), ("type", "VARCHAR", True), ("target", "VARCHAR", True), ("actor", "VARCHAR", True),
           ("timestamp", "TIMESTAMP WITH TIME ZONE", True), ("data", "VARCHAR", True), ("tenant", "VARCHAR", True),
           ("version", "BIGINT", True), ("metadata", "VARCHAR", False), ("position", "BIGINT", True)]
NAMES = [name for name, _, _ in COLUMNS]
UNBOUNDED = {"data", "metadata"}
MOMENT = NAMES.index("timestamp")

wrong = []


def same(what, seen, expected):
    if seen != expected:
        wrong.append(f"{what} is {seen!r}, not {expected!r}"[:400])


class Case:
    def __init__(self, tool, name):
        self.tool, self.file, self.rows = tool, f"{name}.parquet", f"{name}.json"
        self.facts = json.loads(pathlib.Path(f"{name}.facts").read_text())
        self.duck = duckdb.connect()
        self.duck.execute("set threads = 1; set timezone = 'UTC'")
        types = ", ".join(f"{name}: '{'BIGINT' if 'TIME' in kind or kind == 'BIGINT' else 'VARCHAR'}'" for name, kind, _ in COLUMNS)
        self.duck.execute(f"create view expected as select * from read_json('{self.rows}', format='newline_delimited', "
                          f"maximum_object_size=20000000, columns={{{types}}})")

    def columns(self):
        """The expected rows, column by column."""
        lines = [json.loads(line) for line in open(self.rows, encoding="utf-8")]
        return {name: [line[name] for line in lines] for name in NAMES}


def rows(case):
    """Every value of every row, both ways, and the types."""
    described = case.duck.execute(f"describe select * from '{case.file}'").fetchall()
    same("types", [(d[0], d[1]) for d in described], [(name, kind) for name, kind, _ in COLUMNS])
    seen = ", ".join('epoch_us("timestamp") as "timestamp"' if name == "timestamp" else f'"{name}"' for name in NAMES)
    case.duck.execute(f"create view seen as select {seen} from '{case.file}'")
    for one, other in (("seen", "expected"), ("expected", "seen")):
        same(f"{one} except {other}",
             case.duck.execute(f"select count(*) from (select * from {one} except all select * from {other})").fetchone()[0], 0)
    same("count", case.duck.execute("select count(*) from seen").fetchone(), case.duck.execute("select count(*) from expected").fetchone())
    same("order", case.duck.execute("select count(*) from (select position, lag(position) over () as before from seen) "
                                    "where position <= before").fetchone()[0], 0)
    table = pyarrow.parquet.read_table(case.file, page_checksum_verification=True)
    expected = case.columns()
    for name in NAMES:
        column = table.column(name)
        values = (column.cast(pyarrow.int64()) if name == "timestamp" else column).to_pylist()
        if values != expected[name]:
            wrong.append(f"PyArrow reads another {name}")


def schema(case):
    """Field ids, what is required, types, encodings, codecs, the key-value of Iceberg, who wrote it."""
    from pyiceberg.schema import Schema
    seen = case.duck.execute(f"select name, type, repetition_type, converted_type, field_id from parquet_schema('{case.file}')").fetchall()
    converted = {"VARCHAR": "UTF8", "BIGINT": None, "TIMESTAMP WITH TIME ZONE": "TIMESTAMP_MICROS"}
    same("schema", seen[1:], [(name, "BYTE_ARRAY" if kind == "VARCHAR" else "INT64", "REQUIRED" if required else "OPTIONAL",
                               converted[kind], i + 1) for i, (name, kind, required) in enumerate(COLUMNS)])
    same("compressed by", case.duck.execute(f"select distinct compression from parquet_metadata('{case.file}')").fetchall(),
         [("ZSTD",)] if case.facts["rows"] else [])
    encodings = {e.strip() for row in case.duck.execute(f"select distinct encodings from parquet_metadata('{case.file}')").fetchall()
                 for e in row[0].split(",")}
    if not encodings <= {"PLAIN", "RLE", "PLAIN_DICTIONARY"}:
        wrong.append(f"encodings {encodings}")
    same("created by", case.duck.execute(f"select created_by from parquet_file_metadata('{case.file}')").fetchone()[0].split()[:2],
         ["factfs", "version"])
    kept = pyarrow.parquet.read_metadata(case.file).metadata
    fields = Schema.model_validate_json(kept[b"iceberg.schema"]).fields
    same("iceberg.schema", [(f.field_id, f.name, f.required) for f in fields],
         [(i + 1, name, required) for i, (name, _, required) in enumerate(COLUMNS)])
    same("timestamp", str(pyarrow.parquet.read_schema(case.file).field("timestamp").type), "timestamp[us, tz=UTC]")


def statistics(case):
    """Least and greatest values and nulls, by row group, against the rows themselves."""
    from pyiceberg.utils.truncate import truncate_upper_bound_text_string
    expected, metadata, at = case.columns(), pyarrow.parquet.read_metadata(case.file), 0
    for group in range(metadata.num_row_groups):
        size = metadata.row_group(group).num_rows
        for place, name in enumerate(NAMES):
            values = expected[name][at:at + size]
            known = [v for v in values if v is not None]
            chunk = metadata.row_group(group).column(place)
            where = f"row group {group}, {name}: "
            same(where + "values", chunk.num_values, size)
            same(where + "nulls", chunk.statistics.null_count, size - len(known))
            same(where + "bounds are there", chunk.statistics.has_min_max, name not in UNBOUNDED)
            if name in UNBOUNDED:
                continue
            raw = chunk.statistics.min_raw, chunk.statistics.max_raw
            if COLUMNS[place][1] == "VARCHAR":
                raw = tuple(r.decode() if isinstance(r, bytes) else r for r in raw)
                low, high = min(known, key=str.encode), max(known, key=str.encode)
                same(where + "least", raw[0], low[:16])
                same(where + "greatest", raw[1], truncate_upper_bound_text_string(high, 16) if len(high) > 16 else high)
            else:
                same(where + "least", raw[0], min(known))
                same(where + "greatest", raw[1], max(known))
        at += size
    same("rows", at, case.facts["rows"])
    # DuckDB goes by the statistics: what is there must be found, and what is not must not.
    for name in ("target", "position"):
        for value in (expected[name][0], expected[name][-1], max(expected[name]), min(expected[name])):
            same(f"rows with {name} {value}",
                 case.duck.execute(f"select count(*) from '{case.file}' where \"{name}\" = ?", [value]).fetchone()[0],
                 expected[name].count(value))


def facts(case):
    """What the manifest is told, against what PyIceberg makes of the file's footer."""
    from pyiceberg.io.pyarrow import (compute_statistics_plan, data_file_statistics_from_parquet_metadata,
                                      parquet_path_to_id_mapping)
    from pyiceberg.schema import Schema
    metadata = pyarrow.parquet.read_metadata(case.file)
    schema = Schema.model_validate_json(metadata.metadata[b"iceberg.schema"])
    found = data_file_statistics_from_parquet_metadata(
        metadata, compute_statistics_plan(schema, {}), parquet_path_to_id_mapping(schema)).to_serialized_dict()
    told = {c["id"]: c for c in case.facts["columns"]}
    same("rows", case.facts["rows"], found["record_count"])
    same("size", case.facts["size"], os.path.getsize(case.file))
    same("splits", case.facts["splits"], found["split_offsets"])
    for key, name in (("size", "column_sizes"), ("values", "value_counts"), ("nulls", "null_value_counts")):
        same(name, {i: c[key] for i, c in told.items()}, found[name])
    for key, name in (("lower", "lower_bounds"), ("upper", "upper_bounds")):
        same(name, {i: c[key] for i, c in told.items() if c[key] is not None},
             {i: b.hex() for i, b in found[name].items()})


def others(case):
    """Files of DuckDB and PyArrow with the same rows, read by our reader."""
    ids = ", ".join(f'"{name}": {i + 1}' for i, name in enumerate(NAMES))
    columns = ", ".join('make_timestamptz("timestamp") as "timestamp"' if name == "timestamp" else f'"{name}"' for name in NAMES)
    expected = [json.loads(line) for line in open(case.rows, encoding="utf-8")]
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "file")
        for codec in ("zstd", "uncompressed"):
            case.duck.execute(f"copy (select {columns} from expected) to '{path}' (format parquet, codec '{codec}', "
                              f"row_group_size 5000, field_ids {{{ids}}})")
            same(f"rows of DuckDB's file, {codec}", read(case, path), expected)
        table = case.duck.execute(f"select {columns} from expected").to_arrow_table()
        table = table.cast(pyarrow.schema([
            pyarrow.field(f.name, pyarrow.timestamp("us", "UTC") if f.name == "timestamp" else f.type,
                          metadata={"PARQUET:field_id": str(i + 1)}) for i, f in enumerate(table.schema)]))
        for dictionary in (True, False):
            pyarrow.parquet.write_table(table, path, compression="zstd", use_dictionary=dictionary, row_group_size=7000,
                                        data_page_size=50000, write_page_checksum=dictionary)
            same(f"rows of PyArrow's file, dictionary {dictionary}", read(case, path), expected)


def read(case, path):
    done = subprocess.run([case.tool, "read", path], capture_output=True, text=True)
    if done.returncode:
        wrong.append(done.stderr.strip())
        return None
    return [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    check = {f.__name__: f for f in (rows, schema, statistics, facts, others)}[sys.argv[1]]
    for name in sys.argv[3:]:
        check(Case(sys.argv[2], name))
    print("\n".join(wrong), end="")
    sys.exit(1 if wrong else 0)
