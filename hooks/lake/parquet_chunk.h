// A column's part of the row group that is being written: the page that fills, and those that are full, compressed.
//
//     value ─▶ PLAIN bytes of the page, and its entry in the dictionary ─▶ page is full ─▶ the smaller of the two,
//     compressed ─▶ row group is full ─▶ [dictionary page] pages
//
// A column whose first page is not smaller by its dictionary does without for the rest of the file; a dictionary that
// is full, for the rest of the row group. Owned by the writer; one thread.
#pragma once

#include "hooks/lake/bounds.h"
#include "hooks/lake/dictionary.h"
#include "hooks/lake/parquet.h"

#include <zstd.h>

// What all columns of a writer compress with.
struct press {
    ZSTD_CCtx *zstd;
    int level;     // the highest of zstd's that is used
    bool is_fixed; // no column uses a lower one
    struct bytes body, packed;
};

enum parquet_dictionary {
    DICTIONARY_TRIED,   // the first page tells
    DICTIONARY_USED,    // it is worth it
    DICTIONARY_FULL,    // no more of it in this row group
    DICTIONARY_USELESS, // none in this file
};

struct parquet_chunk {
    const struct lake_column *column;
    int level; // of zstd, once it is chosen; else 0

    // ---- the page that fills
    struct bytes plain;
    uint32_t *levels;  // of each row: 1, or 0 where it is null; NULL when the column is required
    uint32_t *entries; // of each value
    uint32_t page_rows, page_values;

    // ---- the row group
    enum parquet_dictionary with_dictionary;
    struct dictionary dictionary;
    struct bytes dictionary_page; // made by parquet_chunk_end; empty when there is none
    struct bytes pages;
    uint32_t plain_pages, entry_pages;
    uint64_t rows, nulls;
    uint64_t plain_size; // of all pages, as if their bodies were not compressed
    struct bounds bounds;
};

// 0 or -ENOMEM.
int parquet_chunk_open(struct parquet_chunk *chunk, const struct lake_column *column);
void parquet_chunk_close(struct parquet_chunk *chunk);
// Forgets what was written; a new file or row group begins.
void parquet_chunk_begin_file(struct parquet_chunk *chunk);
void parquet_chunk_begin_group(struct parquet_chunk *chunk);
// Adds a row's value, which must be one that the column can have. 0 or -ENOMEM.
int parquet_chunk_add(struct parquet_chunk *chunk, const struct lake_value *value, struct press *press);
// No more rows: what is to be written is `dictionary_page`, then `pages`. 0 or -ENOMEM.
int parquet_chunk_end(struct parquet_chunk *chunk, struct press *press);

// What it holds in memory that grows with the rows.
static inline size_t parquet_chunk_size(const struct parquet_chunk *chunk)
{
    return chunk->plain.size + chunk->dictionary.plain.size + chunk->pages.size;
}
