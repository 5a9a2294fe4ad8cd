# Reads a table of the lake with DuckDB or PyIceberg, as anyone would who knows nothing of factfs.
#   table.py READER TABLE lines TENANT     its events in the order of their positions, each as a line of the log
#   table.py READER TABLE sql QUERY        what DuckDB answers, a row a line; the table is `events`
#   table.py pyiceberg TABLE counts        rows by tenant and day, by PyIceberg alone
#   table.py pyiceberg TABLE column NAME   how many rows have a value there, and how many have none
# TABLE is a directory, s3://BUCKET/PREFIX, or the address of a REST catalog that has it as factfs.events. S3 is at
# AWS_ENDPOINT_URL, with the keys of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
import datetime
import importlib.util
import json
import os
import sys

COLUMNS = "id type target actor timestamp data tenant version metadata position".split()


def duckdb_connect(table):
    import duckdb
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    for name in ("avro", "httpfs", "iceberg"):
        place = os.path.dirname(importlib.util.find_spec("duckdb_extension_" + name).origin)
        connection.execute(f"load '{place}/extensions/v{duckdb.__version__}/{name}.duckdb_extension'")
    connection.execute("set timezone = 'UTC'")
    if "AWS_ENDPOINT_URL" in os.environ:
        connection.execute("create secret (type s3, key_id '{}', secret '{}', region 'us-east-1', endpoint '{}', "
                           "url_style 'path', use_ssl false)".format(*s3_keys(), s3_endpoint().split("//")[1]))
    if table.startswith("http"):
        connection.execute(f"attach '' as lake (type iceberg, endpoint '{table}', authorization_type 'none', "
                           "access_delegation_mode 'none')")
    source = "lake.factfs.events" if table.startswith("http") else f"iceberg_scan('{table}')"
    connection.execute(f"create view events as select * from {source}")
    return connection


def s3_keys():
    return os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]


def s3_endpoint():
    return os.environ["AWS_ENDPOINT_URL"]


def pyiceberg_table(table):
    from pyiceberg.catalog import load_catalog
    from pyiceberg.table import StaticTable
    properties = {}
    if "AWS_ENDPOINT_URL" in os.environ:
        key, secret = s3_keys()
        properties = {"s3.endpoint": s3_endpoint(), "s3.access-key-id": key, "s3.secret-access-key": secret,
                      "s3.region": "us-east-1", "s3.path-style-access": "true"}
    if table.startswith("http"):
        return load_catalog("lake", type="rest", uri=table, **properties).load_table("factfs.events")
    return StaticTable.from_metadata(table, properties)


def duckdb_rows(table, tenant):
    query = ("select id, type, target, actor, epoch_us(timestamp), data, tenant, version, metadata, position from events "
             "where tenant = ? order by position")
    return duckdb_connect(table).execute(query, [tenant]).fetchall()


def pyiceberg_rows(table, tenant):
    rows = pyiceberg_table(table).scan(row_filter=f"tenant = '{tenant}'").to_arrow().sort_by("position")
    import pyarrow
    rows = rows.set_column(4, "timestamp", rows["timestamp"].cast(pyarrow.int64()))
    return [tuple(row[name] for name in COLUMNS) for row in rows.to_pylist()]


def moment(at_us):
    second, us = divmod(at_us, 1000000)
    text = (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=second)).isoformat()
    return text + (f".{us:06}" if us % 1000 else f".{us // 1000:03}" if us else "") + "Z"


def lines(rows):
    for n, (id, type, target, actor, at_us, data, tenant, version, metadata, position) in enumerate(rows):
        assert position == n + 1, f"position {position} stands where {n + 1} is expected"
        text = json.dumps(actor, ensure_ascii=False)
        line = (f'{{"id":"{id}","type":"{type}","target":"{target}","actor":{text},"timestamp":"{moment(at_us)}",'
                f'"data":{data},"tenant":"{tenant}","version":{version}')
        yield line + (f',"metadata":{metadata}}}' if metadata is not None else "}")


def counts(table):
    rows = pyiceberg_table(table).scan(selected_fields=("tenant", "timestamp")).to_arrow()
    days = {}
    for row in rows.to_pylist():
        key = row["tenant"], row["timestamp"].date().isoformat()
        days[key] = days.get(key, 0) + 1
    for (tenant, day), count in sorted(days.items()):
        print(tenant, day, count)


def column(table, name):
    values = pyiceberg_table(table).scan(selected_fields=(name,)).to_arrow()[name]
    print(len(values) - values.null_count, values.null_count)


def main():
    reader, table, what, *rest = sys.argv[1:]
    if what == "lines":
        for line in lines((duckdb_rows if reader == "duckdb" else pyiceberg_rows)(table, *rest)):
            print(line)
    elif what == "sql":
        for row in duckdb_connect(table).execute(*rest).fetchall():
            print(*row)
    elif what == "counts":
        counts(table)
    elif what == "column":
        column(table, *rest)


if __name__ == "__main__":
    main()
