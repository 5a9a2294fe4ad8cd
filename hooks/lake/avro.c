#include "hooks/lake/avro.h"

#include "store/varint.h"

#include <errno.h>
#include <sys/random.h>

// A reader takes a block at a time into memory.
#define BLOCK_BYTES 65536u

static void put_number(struct bytes *out, int64_t n)
{
    char text[VARINT_MAX];
    bytes_add(out, text, (size_t)(varint_put(text, varint_zigzag(n)) - text));
}

static void put_text(struct bytes *out, struct slice text)
{
    put_number(out, (int64_t)text.size);
    bytes_add_slice(out, text);
}

int avro_begin(
    struct avro_writer *w, struct bytes *out, struct slice schema, const struct avro_pair *pairs, size_t pair_count)
{
    *w = (struct avro_writer){.out = out};
    if (getrandom(w->sync, sizeof w->sync, 0) != sizeof w->sync)
        return -EIO;
    bytes_add(out, "Obj\1", 4);
    put_number(out, (int64_t)pair_count + 2);
    put_text(out, SLICE("avro.schema"));
    put_text(out, schema);
    put_text(out, SLICE("avro.codec"));
    put_text(out, SLICE("null"));
    for (size_t i = 0; i < pair_count; i++) {
        put_text(out, slice_of(pairs[i].key));
        put_text(out, pairs[i].value);
    }
    put_number(out, 0);
    bytes_add(out, w->sync, sizeof w->sync);
    return out->failed ? -ENOMEM : 0;
}

void avro_number(struct avro_writer *w, int64_t n)
{
    put_number(&w->block, n);
}

void avro_text(struct avro_writer *w, struct slice text)
{
    put_text(&w->block, text);
}

void avro_bool(struct avro_writer *w, bool value)
{
    bytes_add_char(&w->block, value);
}

static void end_block(struct avro_writer *w)
{
    if (!w->records)
        return;
    put_number(w->out, (int64_t)w->records);
    put_text(w->out, bytes_slice(&w->block));
    bytes_add(w->out, w->sync, sizeof w->sync);
    w->records = 0;
    w->out->failed = w->out->failed || w->block.failed;
    bytes_clear(&w->block);
}

void avro_record(struct avro_writer *w)
{
    w->records++;
    if (w->block.size >= BLOCK_BYTES)
        end_block(w);
}

int avro_end(struct avro_writer *w)
{
    end_block(w);
    bytes_free(&w->block);
    return w->out->failed ? -ENOMEM : 0;
}
