#include "hooks/lake/cursor.h"

#include <errno.h>
#include <stdlib.h>

// The end of a file that is read first. Small files fit.
#define TAIL_BYTES (64u << 10)

struct parquet_reader {
    const struct lake_column *columns;
    size_t count;
    struct cursor_file file;
    struct bytes footer_bytes; // when it is longer than the tail
    struct footer footer;
    struct footer_group group;
    uint64_t group_left;    // rows
    struct cursor *cursors; // by the places of the columns
};

int parquet_reader_open(struct parquet_reader **opened, const struct lake_column *columns, size_t count)
{
    if (!count || count > LAKE_COLUMNS_MAX)
        return -EINVAL;
    struct parquet_reader *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->columns = columns;
    r->file.zstd = ZSTD_createDCtx();
    r->cursors = calloc(count, sizeof *r->cursors);
    if (!r->file.zstd || !r->cursors) {
        parquet_reader_free(r);
        return -ENOMEM;
    }
    for (; r->count < count; r->count++)
        r->cursors[r->count].column = &columns[r->count];
    *opened = r;
    return 0;
}

void parquet_reader_free(struct parquet_reader *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++)
        cursor_close(&r->cursors[i]);
    free(r->cursors);
    ZSTD_freeDCtx(r->file.zstd);
    bytes_free(&r->file.tail);
    bytes_free(&r->footer_bytes);
    free(r);
}

static int read_into(struct parquet_reader *r, struct bytes *bytes, uint64_t from, size_t size, struct reason *why)
{
    bytes_clear(bytes);
    char *to = bytes_reserve(bytes, size);
    if (!to)
        return -ENOMEM;
    int error = r->file.source.read(r->file.source.context, from, to, size);
    if (error)
        return reason_set(why, error, "at byte %llu: it cannot be read", (unsigned long long)from);
    bytes->size = size;
    return 0;
}

int parquet_read(struct parquet_reader *r, struct parquet_source source, struct reason *why)
{
    r->file.source = source;
    r->group_left = 0;
    r->footer = (struct footer){0};
    r->file.held = 0;
    for (size_t i = 0; i < r->count; i++)
        cursor_trim(&r->cursors[i], &r->file);
    uint64_t size = source.size_bytes;
    if (size < PARQUET_MAGIC_SIZE + PARQUET_TAIL_SIZE)
        return reason_set(why, -EIO, "a file of %llu bytes is no Parquet", (unsigned long long)size);
    size_t tail = size < TAIL_BYTES ? (size_t)size : TAIL_BYTES;
    r->file.tail_at = size - tail;
    int error = read_into(r, &r->file.tail, r->file.tail_at, tail, why);
    if (error)
        return error;
    const char *end = r->file.tail.at + tail;
    if (memcmp(end - PARQUET_MAGIC_SIZE, PARQUET_MAGIC, PARQUET_MAGIC_SIZE) != 0)
        return reason_set(
            why, -EIO, "at byte %llu: a Parquet file ends otherwise", (unsigned long long)(size - PARQUET_MAGIC_SIZE));
    size_t footer = parquet_get32(end - PARQUET_TAIL_SIZE);
    if (footer > size - PARQUET_MAGIC_SIZE - PARQUET_TAIL_SIZE)
        return reason_set(
            why, -EIO, "at byte %llu: the footer's size is damaged", (unsigned long long)(size - PARQUET_TAIL_SIZE));
    if (footer > PARQUET_FOOTER_MAX)
        return reason_set(why, -ENOTSUP, "a footer of %zu bytes", footer);
    uint64_t begins_at = size - PARQUET_TAIL_SIZE - footer;
    struct slice text = {.at = end - PARQUET_TAIL_SIZE - footer, .size = footer};
    if (begins_at < r->file.tail_at) {
        error = read_into(r, &r->footer_bytes, begins_at, footer, why);
        if (error)
            return error;
        text = bytes_slice(&r->footer_bytes);
    }
    return footer_read(&r->footer, text, begins_at, r->columns, r->count, why);
}

uint64_t parquet_rows(const struct parquet_reader *r)
{
    return r->footer.rows;
}

const char *parquet_foreign(const struct parquet_reader *r)
{
    return r->footer.foreign[0] ? r->footer.foreign : NULL;
}

// Goes on to the next row group that has rows: 1, 0 behind the last, or -errno.
static int next_group(struct parquet_reader *r, struct reason *why)
{
    int found;
    while ((found = footer_next(&r->footer, &r->group, why)) > 0 && !r->group.rows)
        ;
    if (found <= 0)
        return found;
    r->group_left = r->group.rows;
    for (size_t i = 0; i < r->count; i++)
        if (r->footer.columns[i].is_there)
            cursor_begin(&r->cursors[i], &r->group.chunks[i], r->footer.columns[i].is_optional);
    return 1;
}

int parquet_next(struct parquet_reader *r, struct lake_value *row, struct reason *why)
{
    if (!r->group_left) {
        int found = next_group(r, why);
        if (found <= 0)
            return found;
    }
    for (size_t i = 0; i < r->count; i++) {
        if (!r->footer.columns[i].is_there) {
            row[i] = (struct lake_value){.is_null = true};
            continue;
        }
        int error = cursor_next(&r->cursors[i], &r->file, &row[i], why);
        if (error)
            return error;
        if (row[i].is_null && r->columns[i].required)
            return reason_set(why, -EIO, "column %s has a null", r->columns[i].name);
    }
    r->group_left--;
    return 1;
}
