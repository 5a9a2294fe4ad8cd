// Reads the rows of Parquet files (parquet.h), one after the other, through ranges of their bytes. Of a file no more is
// in memory than its footer, and of each column a page and its dictionary; pages that are too large for that are
// refused. Columns are found by their field ids. Each page is checked by its CRC, each size before it is used: a
// damaged file is an error that names the place, and all rows that were answered before are right.
//
// Also reads what DuckDB and others write with the same encodings, zstd or no compression.
// A reader belongs to one thread.
#pragma once

#include "hooks/lake/columns.h"
#include "store/reason.h"

// Where a file's bytes come from: `size` bytes from `offset` on, all of them. 0 or -errno.
struct parquet_source {
    int (*read)(void *context, uint64_t offset, char *to, size_t size);
    void *context;
    uint64_t size_bytes;
};

struct parquet_reader;

// The columns that are wanted; they must outlive the reader. 0; -EINVAL for more of them than LAKE_COLUMNS_MAX;
// -ENOMEM.
int parquet_reader_open(struct parquet_reader **reader, const struct lake_column *columns, size_t count);
void parquet_reader_free(struct parquet_reader *reader);

// Begins a file; that before is forgotten. 0; -EIO when it is damaged; -ENOTSUP when it has what this does not read, or
// a required column is missing; an error of the source; each with the reason.
int parquet_read(struct parquet_reader *reader, struct parquet_source source, struct reason *why);
uint64_t parquet_rows(const struct parquet_reader *reader);
// The name of a column of the file that is not wanted; NULL when there is none.
const char *parquet_foreign(const struct parquet_reader *reader);
// The next row: a value for each wanted column, null where the file has none. The texts live until the next call. 1, 0
// behind the last row, or an error as above.
int parquet_next(struct parquet_reader *reader, struct lake_value *row, struct reason *why);
