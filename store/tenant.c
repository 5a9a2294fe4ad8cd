#include "store/tenant.h"

#include "store/history.h"
#include "store/writer.h"

#include <errno.h>
#include <stdlib.h>

// `rejected` keeps about this much over a mount.
#define REJECTED_BYTES (uint64_t)(8 << 20)
// Directories that mkdir made and no event has followed.
#define RESERVED_MAX 4096u

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
        uint64_t number = row.number;
        uint64_t offset = row.offset;
        if (!error)
            error = engine_begin(engine);
        if (!error)
            error = engine_drop_rejected(engine, number);
        if (!error)
            error = engine_commit(engine);
        row.offset = offset;
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
    t->number = options->number;
    t->sqids = options->sqids;
    t->answered_past_us = INT64_MIN;
    t->frontier_us = INT64_MAX;
    snprintf(t->name, sizeof t->name, "%s", options->name);
    snprintf(t->path, sizeof t->path, "%s", options->path);
    pthread_mutex_init(&t->lock, NULL);

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
    entities_free(&t->entities);
    types_free(&t->types);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

void tenant_submit(struct tenant *t, struct submission *s)
{
    writer_submit(t->writer, s);
}

struct log_end tenant_end(struct tenant *t)
{
    pthread_mutex_lock(&t->lock);
    struct log_end end = t->end;
    pthread_mutex_unlock(&t->lock);
    return end;
}

size_t tenant_memory(struct tenant *t)
{
    pthread_mutex_lock(&t->lock);
    size_t bytes = t->entities.bytes;
    pthread_mutex_unlock(&t->lock);
    return bytes;
}

int tenant_reserve(struct tenant *t, struct slice name, uint64_t *id)
{
    int error = 0;
    pthread_mutex_lock(&t->lock);
    struct entity *e = entities_find(&t->entities, name);
    if (e && (e->head.version || e->reserved)) {
        error = -EEXIST;
    } else if (t->reserved_count == RESERVED_MAX) {
        error = -ENOSPC;
    } else {
        if (!e)
            e = entities_add(&t->entities, name, &(struct head){.id = t->next_entity++});
        if (e) {
            e->reserved = true;
            t->reserved_count++;
        } else {
            error = -ENOMEM;
        }
    }
    if (e)
        *id = e->head.id;
    pthread_mutex_unlock(&t->lock);
    return error;
}

int tenant_unreserve(struct tenant *t, uint64_t entity)
{
    int error = 0;
    pthread_mutex_lock(&t->lock);
    struct entity *e = entities_find_id(&t->entities, entity);
    if (!e || (!e->reserved && !e->head.version)) {
        error = -ENOENT;
    } else if (e->head.version || e->touched) {
        error = -ENOTEMPTY;
    } else {
        t->reserved_count--;
        entities_remove(&t->entities, e);
    }
    pthread_mutex_unlock(&t->lock);
    return error;
}

int tenant_reserved_from(
    struct tenant *t, uint64_t from, uint64_t *entity, char name[static NAME_ENTITY_MAX], size_t *size)
{
    struct entity *found = NULL;
    pthread_mutex_lock(&t->lock);
    if (t->reserved_count)
        for (struct entity *e = t->entities.newest; e; e = e->older)
            if (e->reserved && !e->head.version && e->head.id >= from && (!found || e->head.id < found->head.id))
                found = e;
    if (found) {
        *entity = found->head.id;
        memcpy(name, found->name, *size = found->name_size);
    }
    pthread_mutex_unlock(&t->lock);
    return found ? 0 : -ENOENT;
}

bool tenant_is_past(struct tenant *t, int64_t at_us)
{
    int64_t now_us = when_now_us();
    pthread_mutex_lock(&t->lock);
    if (now_us < t->end.at_us)
        now_us = t->end.at_us;
    bool past = at_us < now_us && at_us < t->frontier_us;
    if (past && at_us > t->answered_past_us)
        t->answered_past_us = at_us;
    pthread_mutex_unlock(&t->lock);
    return past;
}
