// The table's schema: how its columns (columns.h) are said in Iceberg's JSON, and which of them a table has.
//
// The columns of columns.h have their ids in every table. `hash` is optional: a table that was made without it gets it
// when it is asked for, with the next id that is free; files from before stay as they are, and have no value there.
#pragma once

#include "hooks/lake/columns.h"
#include "store/arena.h"
#include "store/reason.h"

#define LAYOUT_HASH "hash" // of the chain, in hexadecimal (store/chain.h)

struct layout {
    struct lake_column columns[LAKE_COLUMNS_MAX]; // in the order of the schema; names in the arena
    size_t count;
    int64_t id;
    struct slice text; // as it stands in the metadata
    bool others;       // it has columns that this program does not write
    struct arena arena;
};

// Reads the current schema of a table (metadata.h); `text` must outlive it. 0; -ENOTSUP with the reason when one of our
// own columns is missing or has another type, or another one must have a value; -ENOMEM. Cleared in any case.
int layout_read(struct layout *layout, struct slice metadata, struct reason *why);
void layout_clear(struct layout *layout);
#define LAYOUT_AUTO __attribute__((cleanup(layout_clear))) struct layout

// The column of a name; NULL when the table has none such.
const struct lake_column *layout_column(const struct layout *layout, const char *name);

// Appends the schema of a new table, with hashes or without.
void layout_print(struct bytes *out, bool hash);
// Appends the schema with the column of hashes behind the others; its id is the one after `last_column`.
void layout_print_with_hash(struct bytes *out, const struct layout *layout, int64_t last_column);
// How files are put into partitions: the spec, and its fields alone.
#define LAYOUT_PARTITION_FIELDS                                                                                        \
    "[{\"name\":\"tenant\",\"transform\":\"identity\",\"source-id\":7,\"field-id\":1000},"                             \
    "{\"name\":\"timestamp_day\",\"transform\":\"day\",\"source-id\":5,\"field-id\":1001}]"
#define LAYOUT_PARTITION_SPEC "{\"spec-id\":0,\"fields\":" LAYOUT_PARTITION_FIELDS "}"
