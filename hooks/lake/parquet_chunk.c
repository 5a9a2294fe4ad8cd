#include "hooks/lake/parquet_chunk.h"

#include "hooks/lake/runs.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

// Levels of zstd that are tried on a column's first page of some size.
#define LEVELS_TRIED 3
#define LEVEL_BYTES  (128u << 10)

int parquet_chunk_open(struct parquet_chunk *c, const struct lake_column *column)
{
    *c = (struct parquet_chunk){.column = column};
    c->entries = calloc(PARQUET_PAGE_ROWS, sizeof *c->entries);
    if (!column->required)
        c->levels = calloc(PARQUET_PAGE_ROWS, sizeof *c->levels);
    if (c->entries && (c->levels || column->required))
        return 0;
    parquet_chunk_close(c);
    return -ENOMEM;
}

void parquet_chunk_close(struct parquet_chunk *c)
{
    bytes_free(&c->plain);
    free(c->levels);
    free(c->entries);
    dictionary_free(&c->dictionary);
    bytes_free(&c->dictionary_page);
    bytes_free(&c->pages);
    bounds_free(&c->bounds);
    *c = (struct parquet_chunk){0};
}

void parquet_chunk_begin_file(struct parquet_chunk *c)
{
    parquet_chunk_begin_group(c);
    c->with_dictionary = DICTIONARY_TRIED;
}

static void begin_page(struct parquet_chunk *c)
{
    bytes_clear(&c->plain);
    c->page_rows = c->page_values = 0;
}

void parquet_chunk_begin_group(struct parquet_chunk *c)
{
    begin_page(c);
    if (c->with_dictionary == DICTIONARY_FULL)
        c->with_dictionary = DICTIONARY_USED;
    dictionary_clear(&c->dictionary);
    bytes_clear(&c->dictionary_page);
    bytes_clear(&c->pages);
    c->plain_pages = c->entry_pages = 0;
    c->rows = c->nulls = c->plain_size = 0;
    bounds_clear(&c->bounds);
}

// ---- pages

// The size when compressed at a level, or 0 when there is no memory (no other error can be with so much room).
static size_t pack(struct press *press, int level, struct slice body)
{
    size_t room = ZSTD_compressBound(body.size);
    bytes_clear(&press->packed);
    char *packed = bytes_reserve(&press->packed, room);
    ZSTD_CCtx_setParameter(press->zstd, ZSTD_c_compressionLevel, level);
    size_t size = packed ? ZSTD_compress2(press->zstd, packed, room, body.at, body.size) : 0;
    return ZSTD_isError(size) ? 0 : size;
}

// What a column gains by a higher level depends on what is in it, and is often nothing: the lowest that makes the page
// not much larger than the best one does is as good, and much faster.
static int choose_level(struct press *press, struct slice body)
{
    size_t sizes[LEVELS_TRIED] = {0}, least = SIZE_MAX;
    int lowest = press->level > LEVELS_TRIED ? press->level - LEVELS_TRIED + 1 : 1;
    for (int level = lowest; level <= press->level; level++) {
        size_t size = sizes[level - lowest] = pack(press, level, body);
        least = size && size < least ? size : least;
    }
    int level = lowest;
    while (level < press->level && sizes[level - lowest] > least + least / 128)
        level++;
    return level;
}

static int level_of(struct parquet_chunk *c, struct press *press, struct slice body)
{
    if (!c->level && !press->is_fixed && body.size >= LEVEL_BYTES)
        c->level = choose_level(press, body);
    return c->level ? c->level : press->level;
}

// Compresses the body and puts the page behind those that `to` has.
static int put_page(
    struct parquet_chunk *c, struct bytes *to, struct parquet_page page, struct slice body, struct press *press)
{
    size_t size = pack(press, level_of(c, press, body), body);
    const char *packed = press->packed.at;
    if (!size)
        return -ENOMEM;
    page.size = (uint32_t)body.size;
    page.packed_size = (uint32_t)size;
    page.has_crc = true;
    page.crc = (uint32_t)crc32_z(0, (const unsigned char *)packed, size);
    size_t before = to->size;
    parquet_page_put(to, &page);
    c->plain_size += to->size - before + body.size;
    bytes_add(to, packed, size);
    return to->failed ? -ENOMEM : 0;
}

static bool is_dictionary_worth_it(const struct parquet_chunk *c)
{
    size_t entries = ((size_t)c->page_values * runs_width(c->dictionary.count) + 7) / 8;
    return (c->dictionary.plain.size + entries) * 4 <= c->plain.size * 3;
}

static bool takes_entries(struct parquet_chunk *c)
{
    if (!c->page_values)
        return false;
    if (c->with_dictionary == DICTIONARY_TRIED)
        c->with_dictionary = is_dictionary_worth_it(c) ? DICTIONARY_USED : DICTIONARY_USELESS;
    return c->with_dictionary == DICTIONARY_USED;
}

static void put_levels(const struct parquet_chunk *c, struct bytes *body)
{
    size_t begin = body->size;
    bytes_add(body, (char[4]){0}, 4);
    runs_put(body, c->levels, c->page_rows, 1);
    if (!body->failed)
        parquet_put32(body->at + begin, (uint32_t)(body->size - begin - 4));
}

static int end_page(struct parquet_chunk *c, struct press *press)
{
    if (!c->page_rows)
        return 0;
    struct bytes *body = &press->body;
    bool by_entries = takes_entries(c);
    bytes_clear(body);
    if (c->levels)
        put_levels(c, body);
    if (by_entries) {
        unsigned width = runs_width(c->dictionary.count);
        bytes_add_char(body, (char)width);
        runs_put(body, c->entries, c->page_values, width);
        c->entry_pages++;
    } else {
        if (c->levels)
            bytes_add_slice(body, bytes_slice(&c->plain));
        c->plain_pages++;
    }
    if (body->failed || c->plain.failed)
        return -ENOMEM;
    struct parquet_page page = {
        .type = PARQUET_DATA_PAGE,
        .encoding = by_entries ? PARQUET_PLAIN_DICTIONARY : PARQUET_PLAIN,
        .values = c->page_rows,
    };
    int error = put_page(c, &c->pages, page, bytes_slice(by_entries || c->levels ? body : &c->plain), press);
    begin_page(c);
    return error;
}

int parquet_chunk_end(struct parquet_chunk *c, struct press *press)
{
    int error = end_page(c, press);
    if (error || !c->entry_pages)
        return error;
    struct parquet_page page = {
        .type = PARQUET_DICTIONARY_PAGE, .encoding = PARQUET_PLAIN_DICTIONARY, .values = c->dictionary.count};
    return put_page(c, &c->dictionary_page, page, bytes_slice(&c->dictionary.plain), press);
}

// ---- values

static size_t value_size(const struct parquet_chunk *c, const struct lake_value *value)
{
    if (value->is_null)
        return 0;
    return c->column->type == LAKE_STRING ? 4 + value->text.size : 8;
}

static void put_plain(struct parquet_chunk *c, const struct lake_value *value, size_t size)
{
    char *to = bytes_reserve(&c->plain, size);
    if (!to)
        return;
    c->plain.size += size;
    if (c->column->type != LAKE_STRING) {
        parquet_put64(to, (uint64_t)value->number);
        return;
    }
    parquet_put32(to, (uint32_t)value->text.size);
    if (value->text.size)
        memcpy(to + 4, value->text.at, value->text.size);
}

// Which entry of the dictionary the value is that was put last, of `size` bytes. False when it may be a new value.
static bool find_entry(struct parquet_chunk *c, size_t size)
{
    if (c->with_dictionary != DICTIONARY_TRIED && c->with_dictionary != DICTIONARY_USED)
        return false;
    uint32_t known = c->dictionary.count;
    struct slice value = {.at = c->plain.at + c->plain.size - size, .size = size};
    if (!dictionary_find(&c->dictionary, value, &c->entries[c->page_values]))
        c->with_dictionary = c->with_dictionary == DICTIONARY_TRIED ? DICTIONARY_USELESS : DICTIONARY_FULL;
    return c->dictionary.count == known && c->with_dictionary <= DICTIONARY_USED;
}

int parquet_chunk_add(struct parquet_chunk *c, const struct lake_value *value, struct press *press)
{
    size_t size = value_size(c, value);
    if (c->page_rows == PARQUET_PAGE_ROWS || (c->page_rows && c->plain.size + size > PARQUET_PAGE_BYTES)) {
        int error = end_page(c, press);
        if (error)
            return error;
    }
    if (c->levels)
        c->levels[c->page_rows] = !value->is_null;
    c->page_rows++;
    c->rows++;
    if (value->is_null) {
        c->nulls++;
        return 0;
    }
    put_plain(c, value, size);
    if (c->plain.failed)
        return -ENOMEM;
    bool is_known = find_entry(c, size);
    c->page_values++;
    if (c->column->bounded && !is_known)
        bounds_add(&c->bounds, c->column, value);
    return 0;
}
