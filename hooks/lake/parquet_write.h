// Writes rows as Parquet files (parquet.h), one after the other, into whatever takes their bytes. Memory stays below
// PARQUET_WRITE_MEMORY however many rows a file has: a row group ends when its compressed pages reach a size. Nothing
// is read back, and no byte that was given away changes.
//
//     open ─▶ begin ─▶ add … ─▶ end ─▶ (begin …) ─▶ free
//
// A writer belongs to one thread.
#pragma once

#include "hooks/lake/bounds.h"
#include "store/reason.h"

#define PARQUET_WRITE_MEMORY (64u << 20)

// Takes the bytes of a file in their order. 0 or -errno, which ends the file.
struct parquet_sink {
    int (*write)(void *context, struct slice bytes);
    void *context;
};

// What Iceberg's manifest says of a file.
struct parquet_column_facts {
    int32_t id;
    uint64_t size_bytes; // as it is stored
    uint64_t values;     // nulls counted
    uint64_t nulls;
    struct bound lower, upper;
};

struct parquet_facts {
    uint64_t rows, size_bytes;
    size_t column_count;
    struct parquet_column_facts columns[LAKE_COLUMNS_MAX];
    uint64_t *splits; // where row groups begin
    size_t split_count, split_room;
};

void parquet_facts_free(struct parquet_facts *facts);
#define PARQUET_FACTS_AUTO __attribute__((cleanup(parquet_facts_free))) struct parquet_facts

struct parquet_options {
    struct slice schema; // Iceberg's schema as JSON, which is kept with the file; may be empty
    int level;           // of zstd; 0: 3, or lower for columns that gain nothing by it
};

struct parquet_writer;

// The columns, and what the options name, must outlive the writer. 0; -EINVAL for more columns than LAKE_COLUMNS_MAX,
// or none; -ENOMEM.
int parquet_writer_open(struct parquet_writer **writer, const struct lake_column *columns, size_t count,
    const struct parquet_options *options);
void parquet_writer_free(struct parquet_writer *writer);

// Begins a file; one that was not ended is forgotten. 0 or -errno, as of the sink.
int parquet_begin(struct parquet_writer *writer, struct parquet_sink sink);
// Adds a row: a value for each column, in their order. 0; -EINVAL when a required one is null, -EILSEQ when a text is
// not UTF-8, -EFBIG when it is larger than PARQUET_VALUE_MAX: the row is then not added, `why` names the column, and
// the file goes on. Other errors, the sink's or -ENOMEM, end the file.
int parquet_add(struct parquet_writer *writer, const struct lake_value *row, struct reason *why);
// How large the file is by now, give or take what is not compressed yet.
uint64_t parquet_size(const struct parquet_writer *writer);
// Ends the file. *facts is the caller's, and {0} or freed before. 0 or -errno, as of the sink.
int parquet_end(struct parquet_writer *writer, struct parquet_facts *facts);
