// The footer of a Parquet file, read: which of the columns that are wanted it has, and where their chunks stand. The
// bytes are kept, and a row group is read from them when its turn comes. Nothing in it is trusted.
#pragma once

#include "hooks/lake/parquet.h"
#include "store/reason.h"

// A wanted column, as the file has it.
struct footer_column {
    bool is_there;
    bool is_optional; // its pages have levels
};

struct footer_chunk {
    uint64_t offset, size_bytes;
    uint64_t values; // nulls counted
    enum parquet_codec codec;
};

struct footer_group {
    uint64_t rows;
    struct footer_chunk chunks[LAKE_COLUMNS_MAX]; // of the wanted columns that are there
};

struct footer {
    const struct lake_column *wanted;
    size_t wanted_count;
    struct footer_column columns[LAKE_COLUMNS_MAX]; // by the places of `wanted`
    int places[LAKE_COLUMNS_MAX];                   // of each column of the file among `wanted`, or -1
    size_t column_count;                            // of the file
    char foreign[64]; // the first of its columns that is not wanted; "" when there is none
    uint64_t rows;
    uint64_t end;            // where the footer begins, and chunks end
    struct thrift_in groups; // those that footer_next has not read
    size_t groups_left;
};

// Reads the bytes of the footer, which must outlive it. 0; -EIO when it is damaged, -ENOTSUP when the file has more
// than the lake's files may have, each with the reason.
int footer_read(struct footer *footer, struct slice text, uint64_t begins_at, const struct lake_column *wanted,
    size_t count, struct reason *why);
// The next row group: 1, 0 behind the last, or as above.
int footer_next(struct footer *footer, struct footer_group *group, struct reason *why);
