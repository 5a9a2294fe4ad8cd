// Where a reader stands in one column of a Parquet file: the page, its values, and the dictionary of the row group.
// Owned by the reader; one thread.
#pragma once

#include "hooks/lake/parquet_footer.h"
#include "hooks/lake/parquet_read.h"
#include "hooks/lake/runs.h"

#include <zstd.h>

// How many values are unpacked at a time.
#define CURSOR_BATCH 1024u

// What the buffers of all columns may hold. A file of this program has pages of little more than 1 MiB.
#define CURSOR_MEMORY (40u << 20)
// What each of them keeps from one file to the next.
#define CURSOR_KEPT (1u << 20)

// What all columns of a file read from.
struct cursor_file {
    struct parquet_source source;
    struct bytes tail; // the last bytes of the file, footer included: small files are here as a whole
    uint64_t tail_at;
    ZSTD_DCtx *zstd;
    size_t held; // by the buffers of all columns
};

struct cursor {
    const struct lake_column *column;
    bool is_optional;
    enum parquet_codec codec;

    uint64_t at, end; // of the chunk, in the file: the next page
    uint64_t left;    // values of the chunk that were not answered

    struct bytes window; // bytes of the file around `at`
    uint64_t window_at;

    struct bytes dictionary; // the page, and its entries
    struct slice *texts;
    size_t text_room;
    uint32_t entry_count;

    struct bytes page;  // the body
    uint32_t page_left; // values of it that are not in the batch
    bool by_entries;
    struct runs levels_left, entries_left;
    const char *plain, *plain_end; // PLAIN values that were not answered

    uint32_t batch_count, batch_at, entry_at; // `levels` and `entries` that are known, and those that were answered
    uint32_t levels[CURSOR_BATCH], entries[CURSOR_BATCH];
};

// Begins a file: gives back what an earlier one needed beyond the usual.
void cursor_trim(struct cursor *cursor, struct cursor_file *file);
// Begins the column's part of a row group.
void cursor_begin(struct cursor *cursor, const struct footer_chunk *chunk, bool is_optional);
// The next value of the row group. 0 or -errno with the reason, as parquet_next.
int cursor_next(struct cursor *cursor, struct cursor_file *file, struct lake_value *value, struct reason *why);
void cursor_close(struct cursor *cursor);
