#include "store/sweep.h"

#include "store/identity.h"

#include <errno.h>
#include <stdlib.h>

// A sweep starts when so many events, or entities of so many bytes, wait in memory.
#define SWEEP_EVENTS 262144
#define SWEEP_BYTES  (size_t)(24 << 20)

// ---- opening

static int load_entity(struct reader *reader, uint64_t id, struct entity **entity)
{
    struct tenant *t = reader->tenant;
    *entity = entities_find_id(&t->entities, id);
    if (*entity)
        return 0;
    struct head head;
    int error = history_head_of(reader, id, &head);
    if (error == -ENOENT)
        head = (struct head){.id = id};
    else if (error)
        return error;
    char name[NAME_ENTITY_MAX];
    size_t size;
    error = history_name(reader, id, name, &size);
    if (error)
        return error;
    *entity = entities_add(&t->entities, (struct slice){.at = name, .size = size}, &head);
    if (!*entity)
        return -ENOMEM;
    uint64_t named;
    error = engine_entity_of_name(reader->engine, entity_name(*entity), &named);
    (*entity)->named = !error;
    return error == -ENOENT ? 0 : error;
}

// An id that no index tells of may have been imported: one that was given to append has its row already.
static int replay_id(struct reader *reader, const struct event_row *row)
{
    struct tenant *t = reader->tenant;
    struct event event;
    BYTES_AUTO actor = {0};
    uint64_t position;
    int error = envelope_read(row->line, &event, &actor);
    if (error || identity_own(t->sqids, t->number, event.id) == row->position)
        return error;
    error = engine_given(reader->engine, event.id, &position, NULL);
    return error == -ENOENT ? ids_add(&t->ids, identity_hash(event.id), row->position) : error;
}

static int replay(struct reader *reader, const struct event_row *row, struct reason *why)
{
    struct entity *e;
    int error = replay_id(reader, row);
    if (!error)
        error = load_entity(reader, row->entity, &e);
    // A chunk of a half-done sweep has it already.
    if (error || row->version <= e->head.version)
        return error;
    if (row->version != e->head.version + 1)
        return reason_set(why, -EIO, "tenant %s: damaged: the index of entity %llu ends before version %u",
            reader->tenant->name, (unsigned long long)row->entity, row->version - 1);
    error = entity_reserve_pending(e, 1);
    if (error)
        return error;
    uint32_t size_bytes = (uint32_t)row->line.size + 1;
    e->head.version = row->version;
    e->head.size_bytes += size_bytes;
    e->head.last_position = row->position;
    e->head.last_at_us = row->at_us;
    struct event_place place = {
        .position = row->position, .at_us = row->at_us, .size_bytes = size_bytes, .type = row->type};
    entity_add_pending(e, &place);
    entities_use(&reader->tenant->entities, e);
    return 0;
}

// All of them need counting once in a file where the mark has not moved since that is kept.
static int count_entities(struct sweep *sweep, struct tenant *tenant, struct engine *engine, uint64_t begun)
{
    int error = engine_entities(engine, &sweep->entities);
    if (error == -ENOENT) {
        error = engine_count_entities(engine, &sweep->entities);
        sweep->entities -= error ? 0 : begun;
    }
    tenant->end.entities = sweep->entities + begun;
    return error;
}

int sweep_open(struct sweep *sweep, struct tenant *tenant, struct engine *engine, struct reason *why)
{
    *sweep = (struct sweep){0};
    struct reader reader = {.tenant = tenant, .engine = engine};
    uint64_t begun = 0; // entities, behind the mark
    int error = engine_mark(engine, &sweep->mark);
    if (!error)
        error = engine_events_start(engine, sweep->mark + 1);
    struct event_row row;
    int found = 0;
    while (!error && (found = engine_events_next(engine, &row)) == 1) {
        begun += row.version == 1;
        error = replay(&reader, &row, why);
    }
    error = error ? error : found;
    if (error)
        reason_set(why, error, "tenant %s: %s", tenant->name, engine_error(engine));
    engine_events_end(engine);
    return error ? error : count_entities(sweep, tenant, engine, begun);
}

void sweep_close(struct sweep *sweep)
{
    free(sweep->names);
    free(sweep->chunks);
    free(sweep->ids);
    *sweep = (struct sweep){.mark = sweep->mark, .entities = sweep->entities};
}

// ---- starting

static int by_name(const void *a, const void *b)
{
    return slice_compare(
        entity_name(((const struct swept *)a)->entity), entity_name(((const struct swept *)b)->entity));
}

static int by_id(const void *a, const void *b)
{
    const struct entity *x = ((const struct swept *)a)->entity, *y = ((const struct swept *)b)->entity;
    return (x->head.id > y->head.id) - (x->head.id < y->head.id);
}

static int start(struct sweep *sweep, const struct transaction *tx)
{
    struct tenant *t = tx->tenant;
    sweep_close(sweep);
    pthread_mutex_lock(&t->lock);
    const struct entities *set = &t->entities;
    sweep->names = calloc(set->count + 1, sizeof *sweep->names);
    sweep->chunks = calloc(set->count + 1, sizeof *sweep->chunks);
    bool room = sweep->names && sweep->chunks;
    for (struct entity *e = room ? set->newest : NULL; e; e = e->older) {
        if (e->head.version && !e->named)
            sweep->names[sweep->name_count++].entity = e;
        if (e->pending_count)
            sweep->chunks[sweep->chunk_count++].entity = e;
    }
    int error = room ? ids_sweep(&t->ids, tx->published.position, &sweep->ids, &sweep->id_count) : -ENOMEM;
    pthread_mutex_unlock(&t->lock);
    if (error) {
        sweep_close(sweep);
        return error;
    }
    qsort(sweep->names, sweep->name_count, sizeof *sweep->names, by_name);
    ids_sort(sweep->ids, sweep->id_count);
    qsort(sweep->chunks, sweep->chunk_count, sizeof *sweep->chunks, by_id);
    sweep->until = tx->published.position;
    sweep->until_entities = tx->published.entities;
    sweep->running = true;
    return 0;
}

// ---- rows

// A full row that is on disk is followed by another one. Damage in it must not keep that from being written.
static int follow(struct engine *engine, uint64_t entity, uint32_t version)
{
    struct chunk chunk;
    int error = engine_chunk(engine, entity, version - 1, &chunk);
    if (error)
        return error == -ENOENT || (error == -EIO && engine_in_transaction(engine)) ? 0 : error;
    chunk.goes_on = true;
    return engine_put_chunk(engine, &chunk);
}

static int write_chunks(struct engine *engine, struct swept *item, size_t *rows)
{
    const struct entity *e = item->entity;
    struct chunk chunk = {.entity = e->head.id};
    uint32_t version = entity_pending_first(e);
    uint64_t offset = e->head.size_bytes;
    for (uint32_t i = 0; i < e->pending_count; i++)
        offset -= e->pending[i].size_bytes;

    chunk.first = chunk_first(version);
    chunk.offset = offset;
    if (version != chunk.first) {
        // The row begins with events that are indexed already.
        int error = engine_chunk(engine, e->head.id, version - 1, &chunk);
        if (error)
            return error;
        chunk.count = version - chunk.first;
    } else if (version > 1) {
        int error = follow(engine, e->head.id, version);
        if (error)
            return error;
    }
    for (uint32_t i = 0; i < e->pending_count; i++) {
        chunk.events[chunk.count++] = e->pending[i];
        if (chunk.count < CHUNK_EVENTS && i + 1 < e->pending_count)
            continue;
        chunk.goes_on = i + 1 < e->pending_count;
        int error = engine_put_chunk(engine, &chunk);
        if (error)
            return error;
        ++*rows;
        chunk.offset = chunk_end_offset(&chunk);
        chunk.first += chunk.count;
        chunk.count = 0;
    }
    item->taken = e->pending_count;
    return 0;
}

int sweep_step(struct sweep *sweep, struct transaction *tx, size_t rows, bool force)
{
    struct engine *engine = tx->reader.engine;
    int error = 0;
    if (!sweep->running) {
        uint64_t waiting = tx->published.position - sweep->mark;
        if (!waiting || (!force && waiting < SWEEP_EVENTS && tenant_memory(tx->tenant) < SWEEP_BYTES))
            return 0;
        error = start(sweep, tx);
    }
    size_t written = 0;
    for (; !error && written < rows && sweep->next_name < sweep->name_count; sweep->next_name++, written++) {
        const struct entity *e = sweep->names[sweep->next_name].entity;
        error = engine_put_name(engine, entity_name(e), e->head.id);
    }
    for (; !error && written < rows && sweep->next_chunk < sweep->chunk_count; sweep->next_chunk++)
        error = write_chunks(engine, &sweep->chunks[sweep->next_chunk], &written);
    for (; !error && written < rows && sweep->next_id < sweep->id_count; sweep->next_id++, written++)
        error = engine_put_imported(engine, sweep->ids[sweep->next_id].hash, sweep->ids[sweep->next_id].position);
    if (!error && sweep->running && sweep->next_name == sweep->name_count && sweep->next_chunk == sweep->chunk_count &&
        sweep->next_id == sweep->id_count) {
        error = engine_put_mark(engine, sweep->until);
        if (!error)
            error = engine_put_entities(engine, sweep->until_entities);
        sweep->finished = !error;
    }
    return error;
}

void sweep_settle(struct sweep *sweep, struct tenant *tenant, bool committed)
{
    if (!sweep->running)
        return;
    if (!committed) {
        sweep->next_name = sweep->committed_names;
        sweep->next_chunk = sweep->committed_chunks;
        sweep->next_id = sweep->committed_ids;
        sweep->finished = false;
        return;
    }
    pthread_mutex_lock(&tenant->lock);
    for (; sweep->committed_names < sweep->next_name; sweep->committed_names++)
        sweep->names[sweep->committed_names].entity->named = true;
    for (; sweep->committed_chunks < sweep->next_chunk; sweep->committed_chunks++) {
        struct swept *item = &sweep->chunks[sweep->committed_chunks];
        entity_drop_pending(item->entity, item->taken);
        entities_use(&tenant->entities, item->entity);
    }
    sweep->committed_ids = sweep->next_id;
    if (sweep->finished)
        ids_drop_swept(&tenant->ids);
    pthread_mutex_unlock(&tenant->lock);
    if (!sweep->finished)
        return;
    sweep->mark = sweep->until;
    sweep->entities = sweep->until_entities;
    sweep_close(sweep);
}
