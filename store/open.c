#include "store/open.h"

#include "store/history.h"
#include "store/writer.h"

#include <errno.h>
#include <stdlib.h>

// `rejected` keeps about this much over a mount.
#define REJECTED_BYTES (uint64_t)(8 << 20)

// Forgets the oldest refusals past the limit; the file begins with the first that is left.
static int trim_rejected(struct tenant *t, struct engine *engine)
{
    struct rejected_row row;
    int error = engine_last_rejected(engine, &row);
    if (error)
        return error == -ENOENT ? 0 : error;
    uint64_t end = row.offset + row.line.size + 1;
    error = engine_first_rejected(engine, &row);
    if (!error && end - row.offset > REJECTED_BYTES) {
        error = engine_rejected_at(engine, end - REJECTED_BYTES, &row);
        if (!error)
            error = engine_begin(engine);
        if (!error)
            error = engine_drop_rejected(engine, row.number);
        if (!error)
            error = engine_commit(engine);
    }
    if (!error)
        t->rejected_base = row.offset;
    return error;
}

int tenant_open(struct tenant **tenant, const struct tenant_options *options, struct reason *why)
{
    struct tenant *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    tenant_init(t, options->number, options->name, options->path, options->sqids);
    t->reactor = options->reactor;
    atomic_store(&t->owner, options->owner);

    struct engine *engine = NULL;
    int error = engine_open(&engine, t->path, options->create ? ENGINE_CREATE : ENGINE_WRITE, why);
    if (!error && trim_rejected(t, engine))
        // A full disk must not keep a tenant from being read.
        engine_rollback(engine);
    if (!error)
        error = writer_open(&t->writer, t, engine, options->observer, options->observer_context, why);
    if (error) {
        tenant_close(t);
        return error;
    }
    *tenant = t;
    return 0;
}

void tenant_close(struct tenant *t)
{
    // Readers before the writer: the last connection to close moves what is left in the write-ahead log.
    for (int i = 0; i < TENANT_READERS; i++)
        if (t->readers[i]) {
            reader_close(t->readers[i]);
            free(t->readers[i]);
        }
    if (t->writer)
        writer_close(t->writer);
    tenant_clear(t);
    free(t);
}

void tenant_submit(struct tenant *t, struct submission *s)
{
    writer_submit(t->writer, s);
}
