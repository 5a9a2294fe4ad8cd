#include "hooks/lake/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

// What is read of a column at a time, at least.
#define WINDOW_BYTES (256u << 10)
// Of a dictionary; what is written here has fewer (dictionary.h).
#define ENTRIES_MAX (1u << 18)
// A page's header is no longer.
#define HEADER_MAX (64u << 10)

void cursor_trim(struct cursor *c, struct cursor_file *file)
{
    struct bytes *const buffers[] = {&c->window, &c->dictionary, &c->page};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        bytes_trim(buffers[i], CURSOR_KEPT);
        file->held += buffers[i]->room;
    }
}

void cursor_begin(struct cursor *c, const struct footer_chunk *chunk, bool is_optional)
{
    c->is_optional = is_optional;
    c->codec = chunk->codec;
    c->at = chunk->offset;
    c->end = chunk->offset + chunk->size_bytes;
    c->left = chunk->values;
    c->entry_count = 0;
    c->page_left = c->batch_count = c->batch_at = 0;
    c->plain = c->plain_end = NULL;
    bytes_clear(&c->window);
}

void cursor_close(struct cursor *c)
{
    bytes_free(&c->window);
    bytes_free(&c->dictionary);
    bytes_free(&c->page);
    free(c->texts);
    c->texts = NULL;
}

static int wrong(const struct cursor *c, int error, const char *what, struct reason *why)
{
    return reason_set(why, error, "column %s, at byte %llu: %s", c->column->name, (unsigned long long)c->at, what);
}

// ---- bytes of the file

// Clears a buffer and makes room in it. 0, -ENOMEM, or -ENOTSUP when all columns would hold too much.
static int make_room(struct cursor_file *file, struct bytes *buffer, size_t size)
{
    bytes_clear(buffer);
    if (size > buffer->room && file->held - buffer->room + size > CURSOR_MEMORY)
        return -ENOTSUP;
    file->held -= buffer->room;
    bool made = bytes_reserve(buffer, size);
    file->held += buffer->room;
    return made ? 0 : -ENOMEM;
}

static bool holds(const struct bytes *bytes, uint64_t begins_at, uint64_t at, size_t size)
{
    return at >= begins_at && at - begins_at <= bytes->size && size <= bytes->size - (at - begins_at);
}

// The bytes at `at`, `size` of them, which must lie in the chunk. They live until the next call.
static int fetch(struct cursor *c, struct cursor_file *file, uint64_t at, size_t size, struct slice *got)
{
    const struct bytes *in = &file->tail;
    uint64_t begins_at = file->tail_at;
    if (!holds(in, begins_at, at, size)) {
        in = &c->window;
        begins_at = c->window_at;
    }
    if (!holds(in, begins_at, at, size)) {
        size_t wanted = size > WINDOW_BYTES ? size : WINDOW_BYTES;
        if (wanted > c->end - at)
            wanted = (size_t)(c->end - at);
        int error = make_room(file, &c->window, wanted);
        if (!error)
            error = file->source.read(file->source.context, at, c->window.at, wanted);
        if (error)
            return error;
        c->window.size = wanted;
        c->window_at = begins_at = at;
    }
    *got = (struct slice){.at = in->at + (at - begins_at), .size = size};
    return 0;
}

// ---- pages

static int read_header(
    struct cursor *c, struct cursor_file *file, struct parquet_page *page, size_t *used, struct reason *why)
{
    int error = -EAGAIN;
    for (size_t size = 256; error == -EAGAIN; size *= 16) {
        struct slice bytes;
        bool is_all = size >= c->end - c->at;
        if (is_all)
            size = (size_t)(c->end - c->at);
        error = fetch(c, file, c->at, size, &bytes);
        if (error)
            return wrong(c, error, "the page cannot be read", why);
        error = parquet_page_get(bytes, page, used);
        if (error == -EAGAIN && (is_all || size > HEADER_MAX))
            error = -EIO;
    }
    if (error == -ENOTSUP)
        return wrong(c, error, "a page of a kind that is not read here", why);
    return error ? wrong(c, error, "the header of a page is damaged", why) : 0;
}

static int unpack(struct cursor *c, struct cursor_file *file, const struct parquet_page *page, struct slice packed,
    struct bytes *body, struct reason *why)
{
    if (page->has_crc && (uint32_t)crc32_z(0, (const unsigned char *)packed.at, packed.size) != page->crc)
        return wrong(c, -EIO, "the page's checksum does not hold", why);
    int error = make_room(file, body, page->size + 1u);
    if (error)
        return wrong(c, error, "the pages are too large to be read here", why);
    size_t size = packed.size;
    if (c->codec == PARQUET_ZSTD)
        size = ZSTD_decompressDCtx(file->zstd, body->at, page->size, packed.at, packed.size);
    else if (packed.size == page->size && packed.size)
        memcpy(body->at, packed.at, packed.size);
    if (size != page->size)
        return wrong(c, -EIO, "the page cannot be decompressed", why);
    body->size = size;
    return 0;
}

// Takes a PLAIN value from the front.
static bool take_plain(const char **at, const char *end, enum lake_type type, struct slice *value)
{
    size_t left = (size_t)(end - *at);
    size_t head = type == LAKE_STRING ? 4 : 0;
    if (left < head)
        return false;
    size_t size = head ? parquet_get32(*at) : 8;
    if (size > left - head)
        return false;
    *value = (struct slice){.at = *at + head, .size = size};
    *at += head + size;
    return true;
}

static int read_dictionary(struct cursor *c, const struct parquet_page *page, struct reason *why)
{
    const char *at = c->dictionary.at, *end = at + c->dictionary.size;
    size_t least = c->column->type == LAKE_STRING ? 4 : 8;
    if (page->encoding == PARQUET_RLE_DICTIONARY || page->values > c->dictionary.size / least)
        return wrong(c, -EIO, "the dictionary is damaged", why);
    if (page->values > ENTRIES_MAX)
        return wrong(c, -ENOTSUP, "the dictionary is too large to be read here", why);
    if (page->values > c->text_room) {
        struct slice *texts = reallocarray(c->texts, page->values, sizeof *texts);
        if (!texts)
            return -ENOMEM;
        c->texts = texts;
        c->text_room = page->values;
    }
    for (uint32_t i = 0; i < page->values; i++)
        if (!take_plain(&at, end, c->column->type, &c->texts[i]))
            return wrong(c, -EIO, "the dictionary is damaged", why);
    c->entry_count = page->values;
    return at == end ? 0 : wrong(c, -EIO, "the dictionary is damaged", why);
}

// Finds levels and values in the body of a page.
static int open_body(struct cursor *c, const struct parquet_page *page, struct reason *why)
{
    const char *at = c->page.at, *end = at + c->page.size;
    if (c->is_optional) {
        if (c->page.size < 4 || parquet_get32(at) > c->page.size - 4)
            return wrong(c, -EIO, "the levels of a page are damaged", why);
        size_t size = parquet_get32(at);
        runs_begin(&c->levels_left, (struct slice){.at = at + 4, .size = size}, 1);
        at += 4 + size;
    }
    c->by_entries = page->encoding != PARQUET_PLAIN;
    c->plain = at;
    c->plain_end = end;
    c->page_left = page->values;
    c->batch_count = c->batch_at = 0;
    if (!c->by_entries)
        return 0;
    c->plain = c->plain_end;
    // A page of nulls may have no width.
    struct slice entries = {.at = at + (at < end), .size = (size_t)(end - at) - (at < end)};
    return runs_begin(&c->entries_left, entries, at < end ? (unsigned char)*at : 0)
               ? 0
               : wrong(c, -EIO, "the entries of a page are damaged", why);
}

static int next_page(struct cursor *c, struct cursor_file *file, struct reason *why)
{
    for (;;) {
        struct parquet_page page;
        struct slice packed;
        size_t header;
        if (c->at == c->end)
            return wrong(c, -EIO, "pages are missing", why);
        int error = read_header(c, file, &page, &header, why);
        if (error)
            return error;
        if (page.packed_size > c->end - c->at - header)
            return wrong(c, -EIO, "a page goes on behind its column", why);
        error = fetch(c, file, c->at + header, page.packed_size, &packed);
        if (error)
            return wrong(c, error, "the page cannot be read", why);
        bool is_dictionary = page.type == PARQUET_DICTIONARY_PAGE;
        error = unpack(c, file, &page, packed, is_dictionary ? &c->dictionary : &c->page, why);
        if (!error)
            error = is_dictionary ? read_dictionary(c, &page, why) : open_body(c, &page, why);
        if (error)
            return error;
        c->at += header + page.packed_size;
        if (page.type == PARQUET_DATA_PAGE && page.values)
            return page.values <= c->left ? 0 : wrong(c, -EIO, "a page has too many values", why);
    }
}

// ---- values

static int next_batch(struct cursor *c, struct cursor_file *file, struct reason *why)
{
    if (!c->page_left) {
        if (c->plain != c->plain_end)
            return wrong(c, -EIO, "the page before has more values than it says", why);
        int error = next_page(c, file, why);
        if (error)
            return error;
    }
    uint32_t count = c->page_left < CURSOR_BATCH ? c->page_left : CURSOR_BATCH;
    uint32_t values = count;
    if (c->is_optional) {
        if (!runs_get(&c->levels_left, c->levels, count))
            return wrong(c, -EIO, "the levels of the page before are damaged", why);
        values = 0;
        for (uint32_t i = 0; i < count; i++)
            values += c->levels[i] != 0;
    }
    if (c->by_entries && !runs_get(&c->entries_left, c->entries, values))
        return wrong(c, -EIO, "the entries of the page before are damaged", why);
    c->batch_count = count;
    c->batch_at = c->entry_at = 0;
    c->page_left -= count;
    c->left -= count;
    return 0;
}

int cursor_next(struct cursor *c, struct cursor_file *file, struct lake_value *value, struct reason *why)
{
    if (c->batch_at == c->batch_count) {
        int error = next_batch(c, file, why);
        if (error)
            return error;
    }
    *value = (struct lake_value){.is_null = c->is_optional && !c->levels[c->batch_at]};
    c->batch_at++;
    if (value->is_null)
        return 0;
    struct slice plain;
    if (c->by_entries) {
        uint32_t entry = c->entries[c->entry_at++];
        if (entry >= c->entry_count)
            return wrong(c, -EIO, "the page before names no entry of its dictionary", why);
        plain = c->texts[entry];
    } else if (!take_plain(&c->plain, c->plain_end, c->column->type, &plain))
        return wrong(c, -EIO, "the page before ends within a value", why);
    if (c->column->type == LAKE_STRING)
        value->text = plain;
    else
        value->number = (int64_t)parquet_get64(plain.at);
    return 0;
}
