#include "store/engine.h"

#include "store/checksum.h"
#include "store/sqlite/rows.h"

#include <stdlib.h>

// A little and a lot, in pages of the write-ahead log (8 KiB): 1 and 16 MiB.
#define CHECKPOINT_IDLE_PAGES   128
#define CHECKPOINT_FORCED_PAGES 2048

int keep(struct engine *e, sqlite3_stmt *s, struct slice *a, struct slice *b, struct slice *c)
{
    struct slice *const all[] = {a, b, c};
    size_t size = 0;
    for (int i = 0; i < 3; i++)
        size += all[i] ? all[i]->size : 0;
    bytes_trim(&e->kept, 1 << 20);
    char *to = bytes_reserve(&e->kept, size + 1);
    for (int i = 0; to && i < 3; i++) {
        if (!all[i])
            continue;
        memcpy(to, all[i]->at, all[i]->size);
        all[i]->at = to;
        to += all[i]->size;
    }
    sqlite3_reset(s);
    return to ? 0 : -ENOMEM;
}

int engine_open(struct engine **engine, const char *path, enum engine_mode mode, struct reason *why)
{
    struct engine *e = calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    static const struct connection_schema schema = {.schema = engine_schema,
        .upgrade = engine_upgrade,
        .additions = engine_additions,
        .application = ENGINE_APPLICATION,
        .format = ENGINE_FORMAT};
    int error = connection_open(&e->connection, path, mode, &schema, engine_statements, STATEMENTS, why);
    if (error) {
        engine_close(e);
        return error;
    }
    *engine = e;
    return 0;
}

void engine_close(struct engine *e)
{
    if (!e)
        return;
    connection_close(&e->connection);
    bytes_free(&e->kept);
    bytes_free(&e->walked_text);
    free(e);
}

int engine_format(const struct engine *e)
{
    return e->connection.format;
}

const char *engine_error(const struct engine *e)
{
    return e->connection.error;
}

int engine_begin(struct engine *e)
{
    return run(e, statement(e, BEGIN));
}

int engine_read_begin(struct engine *e)
{
    return run(e, statement(e, BEGIN_READ));
}

void engine_read_end(struct engine *e)
{
    engine_rollback(e);
}

int engine_commit(struct engine *e)
{
    return run(e, statement(e, COMMIT));
}

void engine_rollback(struct engine *e)
{
    // SQLite may have rolled back by itself, as it does when the disk is full.
    if (engine_in_transaction(e))
        run(e, statement(e, ROLLBACK));
}

bool engine_in_transaction(const struct engine *e)
{
    return !sqlite3_get_autocommit(e->connection.db);
}

int engine_checkpoint(struct engine *e, bool idle)
{
    struct connection *c = &e->connection;
    if (c->wal_pages < (idle ? CHECKPOINT_IDLE_PAGES : CHECKPOINT_FORCED_PAGES))
        return 0;
    c->wal_pages = 0;
    return connection_result(c, sqlite3_wal_checkpoint_v2(c->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
}

void engine_forget(struct engine *e)
{
    sqlite3_db_release_memory(e->connection.db);
}

static uint32_t event_checksum(const struct event_row *row)
{
    uint32_t sum = checksum_number(0, row->position);
    sum = checksum_number(sum, row->entity << 32 | row->version);
    sum = checksum_number(sum, row->offset);
    sum = checksum_number(sum, (uint64_t)row->at_us ^ (uint64_t)row->type << 32);
    sum = checksum_add(sum, (struct slice){.at = (const char *)row->hash, .size = CHAIN_SIZE});
    return checksum_add(sum, row->line);
}

int engine_put_event(struct engine *e, const struct event_row *row)
{
    sqlite3_stmt *s = statement_of(e, PUT_EVENT, row->position, row->entity);
    if (s) {
        bind_number(s, 3, row->version);
        bind_number(s, 4, row->offset);
        bind_number(s, 5, (uint64_t)row->at_us);
        bind_number(s, 6, row->type);
        bind_blob(s, 7, (struct slice){.at = (const char *)row->hash, .size = CHAIN_SIZE});
        bind_number(s, 8, event_checksum(row));
        bind_text(s, 9, row->line);
    }
    return run(e, s);
}

uint32_t name_checksum(uint64_t entity, struct slice name)
{
    return checksum_add(checksum_number(0, entity), name);
}

int engine_put_entity(struct engine *e, uint64_t entity, struct slice name)
{
    sqlite3_stmt *s = statement(e, PUT_ENTITY);
    if (s) {
        bind_number(s, 1, entity);
        bind_text(s, 2, name);
        bind_number(s, 3, name_checksum(entity, name));
    }
    return run(e, s);
}

int engine_put_type(struct engine *e, uint32_t type, struct slice folded, struct slice spelling)
{
    sqlite3_stmt *s = statement_of(e, PUT_TYPE, type, 0);
    if (s) {
        bind_text(s, 2, folded);
        bind_text(s, 3, spelling);
    }
    return run(e, s);
}

int engine_put_rejected(struct engine *e, uint64_t number, uint64_t offset, struct slice line)
{
    sqlite3_stmt *s = statement_of(e, PUT_REJECTED, number, offset);
    if (s)
        bind_text(s, 3, line);
    return run(e, s);
}

int engine_drop_rejected(struct engine *e, uint64_t below_number)
{
    return run(e, statement_of(e, DROP_REJECTED, below_number, 0));
}

int engine_put_chunk(struct engine *e, const struct chunk *chunk)
{
    BYTES_AUTO events = {0};
    chunk_encode(chunk, &events);
    if (events.failed)
        return -ENOMEM;
    sqlite3_stmt *s = statement_of(e, PUT_CHUNK, (uint64_t)chunk_key(chunk->entity, chunk->first), chunk->offset);
    if (s)
        bind_blob(s, 3, bytes_slice(&events));
    return run(e, s);
}

static uint32_t snapshot_checksum(int64_t key, const struct snapshot_row *row)
{
    uint32_t sum = checksum_number(0, (uint64_t)key);
    sum = checksum_number(sum, (uint64_t)row->created_at_us ^ row->alive);
    sum = checksum_number(sum, (uint64_t)row->created_by.size << 32 | row->noun.size);
    return checksum_add(checksum_add(checksum_add(sum, row->created_by), row->noun), row->fields);
}

int engine_put_snapshot(struct engine *e, uint64_t entity, const struct snapshot_row *row)
{
    int64_t key = chunk_key(entity, row->version);
    sqlite3_stmt *s = statement_of(e, PUT_SNAPSHOT, (uint64_t)key, (uint64_t)row->created_at_us);
    if (s) {
        bind_text(s, 3, row->created_by);
        bind_text(s, 4, row->noun);
        bind_number(s, 5, row->alive);
        bind_text(s, 6, row->fields);
        bind_number(s, 7, snapshot_checksum(key, row));
    }
    return run(e, s);
}

int engine_put_name(struct engine *e, struct slice name, uint64_t entity)
{
    sqlite3_stmt *s = statement(e, PUT_NAME);
    if (s) {
        bind_text(s, 1, name);
        bind_number(s, 2, entity);
        bind_number(s, 3, name_checksum(entity, name));
    }
    return run(e, s);
}

int engine_put_spec(struct engine *e, uint64_t position)
{
    return run(e, statement_of(e, PUT_SPEC, position, 0));
}

static uint32_t brought_checksum(uint64_t first, uint64_t last)
{
    return checksum_number(checksum_number(0, first), last);
}

int engine_brought(struct engine *e, uint64_t position, uint64_t *first, uint64_t *last)
{
    sqlite3_stmt *s = statement_of(e, BROUGHT, position, 0);
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    *last = column_number(s, 0);
    *first = column_number(s, 1);
    bool sound = brought_checksum(*first, *last) == (uint32_t)column_number(s, 2);
    sqlite3_reset(s);
    return sound ? 0 : damaged(e, "the import that ended at event", *last);
}

int engine_put_brought(struct engine *e, uint64_t first, uint64_t last)
{
    uint64_t before_first, before_last;
    int error = engine_brought(e, first - 1, &before_first, &before_last);
    bool touches = !error && before_last == first - 1;
    if (error == -ENOENT)
        error = 0;
    if (!error && touches)
        error = run(e, statement_of(e, DROP_BROUGHT, before_last, 0));
    if (error)
        return error;
    first = touches ? before_first : first;
    sqlite3_stmt *s = statement_of(e, PUT_BROUGHT, last, first);
    if (s)
        bind_number(s, 3, brought_checksum(first, last));
    return run(e, s);
}

int engine_put_mark(struct engine *e, uint64_t position)
{
    return run(e, statement_of(e, PUT_MARK, position, 0));
}

static int take_event(struct engine *e, sqlite3_stmt *s, struct event_row *row)
{
    row->position = column_number(s, 0);
    row->entity = column_number(s, 1);
    row->version = (uint32_t)column_number(s, 2);
    row->offset = column_number(s, 3);
    row->at_us = (int64_t)column_number(s, 4);
    row->type = (uint32_t)column_number(s, 5);
    struct slice hash = column_slice(s, 6);
    row->line = column_slice(s, 8);
    if (hash.size != CHAIN_SIZE)
        return damaged(e, "event", row->position);
    memcpy(row->hash, hash.at, CHAIN_SIZE);
    if (event_checksum(row) != (uint32_t)column_number(s, 7))
        return damaged(e, "event", row->position);
    return 0;
}

static int take_only_event(struct engine *e, sqlite3_stmt *s, struct event_row *row)
{
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    error = take_event(e, s, row);
    int kept = keep(e, s, &row->line, NULL, NULL);
    return error ? error : kept;
}

int engine_event(struct engine *e, uint64_t position, struct event_row *row)
{
    return take_only_event(e, statement_of(e, EVENT, position, 0), row);
}

int engine_events_start(struct engine *e, uint64_t position)
{
    e->next_event = position ? position : 1;
    return statement_of(e, EVENTS, position, 0) ? 0 : run(e, NULL);
}

int engine_events_next(struct engine *e, struct event_row *row)
{
    sqlite3_stmt *s = e->connection.statements[EVENTS];
    int found = connection_step(&e->connection, s);
    if (found != 1)
        return found;
    int error = take_event(e, s, row);
    if (!error && row->position != e->next_event)
        return damaged(e, "event", e->next_event);
    e->next_event++;
    return error ? error : 1;
}

void engine_events_end(struct engine *e)
{
    sqlite3_reset(e->connection.statements[EVENTS]);
}

int engine_last_event(struct engine *e, struct event_row *row)
{
    return take_only_event(e, statement(e, LAST_EVENT), row);
}

int engine_event_place(struct engine *e, uint64_t position, uint64_t *offset, int64_t *at_us)
{
    sqlite3_stmt *s = statement_of(e, EVENT_PLACE, position, 0);
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    *offset = column_number(s, 0);
    *at_us = (int64_t)column_number(s, 1);
    sqlite3_reset(s);
    return 0;
}

// The row that a search has found, which is the entity's if it fits its checksum.
static int take_chunk(struct engine *e, sqlite3_stmt *s, uint64_t entity, struct chunk *chunk)
{
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    int64_t key = (int64_t)column_number(s, 0);
    chunk->entity = entity;
    chunk->first = chunk_key_version(key);
    chunk->offset = column_number(s, 1);
    return chunk_decode(chunk, column_slice(s, 2)) ? damaged(e, "index row", (uint64_t)key) : 0;
}

int engine_chunk(struct engine *e, uint64_t entity, uint32_t version, struct chunk *chunk)
{
    sqlite3_stmt *s = statement_of(e, CHUNK, (uint64_t)chunk_key(entity, chunk_first(version)), 0);
    int error = take_chunk(e, s, entity, chunk);
    sqlite3_reset(s);
    return error ? error : version < chunk->first + chunk->count ? 0 : -ENOENT;
}

int engine_last_chunk(struct engine *e, uint64_t entity, struct chunk *chunk)
{
    uint64_t low = (uint64_t)chunk_key(entity, 0), high = (uint64_t)chunk_key(entity + 1, 0) - 1;
    sqlite3_stmt *s = statement_of(e, LAST_CHUNK, low, high);
    int error = take_chunk(e, s, entity, chunk);
    uint64_t behind = error ? 0 : column_number(s, 3);
    sqlite3_reset(s);
    if (!error && chunk->goes_on)
        return damaged(e, "the index row behind", (uint64_t)chunk_key(entity, chunk->first));
    // A row of an older file does not say it. If a damaged key in a page above has led to it, the next row is met all
    // the same, going on from there.
    return behind && behind <= high ? damaged(e, "an index row before", behind) : error;
}

bool take_snapshot(sqlite3_stmt *s, int64_t *key, struct snapshot_row *row)
{
    *key = (int64_t)column_number(s, 0);
    row->version = chunk_key_version(*key);
    row->created_at_us = (int64_t)column_number(s, 1);
    row->created_by = column_slice(s, 2);
    row->noun = column_slice(s, 3);
    row->alive = column_number(s, 4) != 0;
    row->fields = column_slice(s, 5);
    return snapshot_checksum(*key, row) == (uint32_t)column_number(s, 6);
}

int engine_snapshot(struct engine *e, uint64_t entity, uint32_t version, struct snapshot_row *row)
{
    sqlite3_stmt *s = statement_of(e, SNAPSHOT, (uint64_t)chunk_key(entity, 0), (uint64_t)chunk_key(entity, version));
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    int64_t key;
    bool sound = take_snapshot(s, &key, row);
    // A damaged key in a page above the rows may have led to one that was not asked for.
    sound = sound && chunk_key_entity(key) == entity && row->version <= version;
    error = keep(e, s, &row->created_by, &row->noun, &row->fields);
    return sound ? error : damaged(e, "snapshot", (uint64_t)key);
}

static int take_name(struct engine *e, sqlite3_stmt *s, uint64_t *entity, struct slice *name)
{
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    *entity = column_number(s, 0);
    *name = column_slice(s, 1);
    bool sound = name_checksum(*entity, *name) == (uint32_t)column_number(s, 2);
    error = keep(e, s, name, NULL, NULL);
    return sound ? error : damaged(e, "the name of entity", *entity);
}

static int take_named(struct engine *e, unsigned number, struct slice name, uint64_t *entity)
{
    struct slice found;
    sqlite3_stmt *s = statement(e, number);
    if (s)
        bind_text(s, 1, name);
    return take_name(e, s, entity, &found);
}

int engine_entity_of_name(struct engine *e, struct slice name, uint64_t *entity)
{
    uint64_t beside;
    int error = take_named(e, ENTITY_OF_NAME, name, entity);
    if (error != -ENOENT)
        return error;
    // A name that was damaged is not found, but met beside the place where it should be.
    error = take_named(e, NAME_BEFORE, name, &beside);
    if (!error || error == -ENOENT)
        error = take_named(e, NAME_BEHIND, name, &beside);
    return error ? error : -ENOENT;
}

int engine_name_of_entity(struct engine *e, uint64_t entity, struct slice *name)
{
    return take_name(e, statement_of(e, NAME_OF_ENTITY, entity, 0), &entity, name);
}

int engine_entity_from(struct engine *e, uint64_t from, uint64_t *entity, struct slice *name)
{
    *entity = 0;
    return take_name(e, statement_of(e, ENTITY_FROM, from, 0), entity, name);
}

int engine_last_entity(struct engine *e, uint64_t *entity)
{
    return number_or_zero(e, statement(e, LAST_ENTITY), entity);
}

int engine_type_from(struct engine *e, uint32_t from, uint32_t *type, struct slice *folded, struct slice *spelling)
{
    sqlite3_stmt *s = statement_of(e, TYPE_FROM, from, 0);
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    *type = (uint32_t)column_number(s, 0);
    *folded = column_slice(s, 1);
    *spelling = column_slice(s, 2);
    return keep(e, s, folded, spelling, NULL);
}

int engine_spec_before(struct engine *e, uint64_t before, uint64_t *position)
{
    return number_of(e, statement_of(e, SPEC_BEFORE, before, 0), position);
}

int engine_spec_from(struct engine *e, uint64_t from, uint64_t *position)
{
    return number_of(e, statement_of(e, SPEC_FROM, from, 0), position);
}

int engine_mark(struct engine *e, uint64_t *position)
{
    return number_of(e, statement(e, MARK), position);
}

int engine_put_entities(struct engine *e, uint64_t count)
{
    return run(e, statement_of(e, PUT_ENTITIES, count, 0));
}

int engine_entities(struct engine *e, uint64_t *count)
{
    return number_of(e, statement(e, ENTITIES), count);
}

int engine_count_entities(struct engine *e, uint64_t *count)
{
    return number_of(e, statement(e, COUNT_ENTITIES), count);
}

static int rejected_row(struct engine *e, sqlite3_stmt *s, struct rejected_row *row)
{
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    row->number = column_number(s, 0);
    row->offset = column_number(s, 1);
    row->line = column_slice(s, 2);
    return keep(e, s, &row->line, NULL, NULL);
}

int engine_last_rejected(struct engine *e, struct rejected_row *row)
{
    return rejected_row(e, statement(e, LAST_REJECTED), row);
}

int engine_first_rejected(struct engine *e, struct rejected_row *row)
{
    return rejected_row(e, statement(e, FIRST_REJECTED), row);
}

int engine_rejected_at(struct engine *e, uint64_t offset, struct rejected_row *row)
{
    return rejected_row(e, statement_of(e, REJECTED_AT, offset, 0), row);
}

int engine_rejected(struct engine *e, uint64_t number, struct rejected_row *row)
{
    return rejected_row(e, statement_of(e, REJECTED, number, 0), row);
}
