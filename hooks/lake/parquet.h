// Parquet, as far as the lake's files need it: flat columns, each REQUIRED or OPTIONAL, of 64-bit numbers and UTF-8.
//
//     "PAR1" | row group | row group | … | footer | footer's size, 4 bytes little endian | "PAR1"
//     row group:    a chunk for each column, one behind the other
//     chunk:        [dictionary page] | data page | data page | …
//     page:         header (Thrift) | body, compressed by zstd
//     body of data: [size of the levels, 4 bytes | levels] | values      levels: of OPTIONAL columns alone, 0 is null
//     values:       PLAIN: 8 bytes little endian, or 4 bytes of size and the text; nulls have none
//                   PLAIN_DICTIONARY: width, 1 byte | which entry of the dictionary page each is
//     dictionary:   its entries, PLAIN
//     footer:       columns, row groups (where chunks begin, least and greatest values), key-values (Thrift)
//
// Levels and entries are runs.h. Pages are data pages of version 1, each with its CRC-32. These encodings and no
// others, as Iceberg's readers before 1.11 know no more; what was to be gained is some 3 % of the size. The names and
// numbers here are those of parquet.thrift in apache/parquet-format.
#pragma once

#include "hooks/lake/columns.h"
#include "hooks/lake/thrift.h"

#define PARQUET_MAGIC      "PAR1"
#define PARQUET_MAGIC_SIZE 4u
// What stands behind the footer.
#define PARQUET_TAIL_SIZE (4u + PARQUET_MAGIC_SIZE)

// A page is full with this much of values, or this many rows, and then holds at least one value.
#define PARQUET_PAGE_BYTES (1u << 20)
#define PARQUET_PAGE_ROWS  (1u << 16)
// No value is larger.
#define PARQUET_VALUE_MAX (8u << 20)
// No page is read that is larger, and no footer.
#define PARQUET_PAGE_MAX   (16u << 20)
#define PARQUET_FOOTER_MAX (16u << 20)

enum parquet_physical { PARQUET_INT64 = 2, PARQUET_BYTE_ARRAY = 6 };
enum parquet_repetition { PARQUET_REQUIRED = 0, PARQUET_OPTIONAL = 1 };
enum parquet_converted { PARQUET_UTF8 = 0, PARQUET_TIMESTAMP_MICROS = 10 };
enum parquet_encoding {
    PARQUET_PLAIN = 0,
    PARQUET_PLAIN_DICTIONARY = 2,
    PARQUET_RLE = 3,
    PARQUET_RLE_DICTIONARY = 8, // of data pages, by other writers: the same as PLAIN_DICTIONARY
};
enum parquet_codec { PARQUET_UNCOMPRESSED = 0, PARQUET_ZSTD = 6 };
enum parquet_page_type { PARQUET_DATA_PAGE = 0, PARQUET_DICTIONARY_PAGE = 2 };

struct parquet_page {
    enum parquet_page_type type;
    enum parquet_encoding encoding;
    uint32_t values; // nulls counted
    uint32_t size, packed_size;
    bool has_crc;
    uint32_t crc; // of the body as it is stored
};

static inline enum parquet_physical parquet_physical(enum lake_type type)
{
    return type == LAKE_STRING ? PARQUET_BYTE_ARRAY : PARQUET_INT64;
}

// ---- little endian, as all numbers stand

static inline void parquet_put32(char *to, uint32_t n)
{
    for (unsigned i = 0; i < sizeof n; i++)
        to[i] = (char)(n >> 8 * i);
}

static inline uint32_t parquet_get32(const char *at)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < sizeof n; i++)
        n |= (uint32_t)(unsigned char)at[i] << 8 * i;
    return n;
}

static inline uint64_t parquet_get64(const char *at)
{
    return parquet_get32(at) | (uint64_t)parquet_get32(at + 4) << 32;
}

static inline void parquet_put64(char *to, uint64_t n)
{
    parquet_put32(to, (uint32_t)n);
    parquet_put32(to + 4, (uint32_t)(n >> 32));
}

// ---- the header of a page

void parquet_page_put(struct bytes *out, const struct parquet_page *page);
// Reads it; *used is its size. 0; -EAGAIN when the bytes end within it; -ENOTSUP for a page that is none of these;
// -EIO when it is damaged.
int parquet_page_get(struct slice bytes, struct parquet_page *page, size_t *used);
