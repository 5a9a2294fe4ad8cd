// All rows of a table, in the order of their keys.
#include "store/sqlite/rows.h"

static const unsigned walks[] = {
    [TABLE_ENTITIES] = WALK_ENTITIES,
    [TABLE_NAMES] = WALK_NAMES,
    [TABLE_GIVEN] = WALK_GIVEN,
    [TABLE_IMPORTED] = WALK_IMPORTED,
    [TABLE_CLAIMED] = WALK_CLAIMED,
    [TABLE_REJECTED] = WALK_REJECTED,
    [TABLE_CHUNKS] = WALK_CHUNKS,
    [TABLE_SNAPSHOTS] = WALK_SNAPSHOTS,
    [TABLE_POSTINGS] = WALK_POSTINGS,
};

static bool by_text(unsigned number)
{
    return number == WALK_NAMES || number == WALK_GIVEN;
}

// Binds the statement behind the last row.
static sqlite3_stmt *bind(struct engine *e)
{
    sqlite3_stmt *s = statement(e, e->walked);
    if (s && by_text(e->walked))
        bind_text(s, 1, bytes_slice(&e->walked_text));
    else if (s)
        bind_number(s, 1, (uint64_t)e->walked_key);
    e->walk_paused = false;
    return s;
}

int engine_walk_start(struct engine *e, enum engine_table table)
{
    e->walked = walks[table];
    e->walked_key = INT64_MIN;
    bytes_clear(&e->walked_text);
    return bind(e) ? 0 : run(e, NULL);
}

void engine_walk_pause(struct engine *e)
{
    sqlite3_reset(e->connection.statements[e->walked]);
    e->walk_paused = true;
}

static void take_chunk(sqlite3_stmt *s, struct walked_row *row)
{
    row->chunk.entity = chunk_key_entity(row->key);
    row->chunk.first = chunk_key_version(row->key);
    row->chunk.offset = column_number(s, 1);
    row->sound = chunk_decode(&row->chunk, column_slice(s, 2)) == 0;
    if (!row->sound)
        row->chunk.count = 0;
}

static void take_posting(sqlite3_stmt *s, struct walked_row *row)
{
    row->posting.term = posting_key_term(row->key);
    row->posting.segment = posting_key_segment(row->key);
    row->sound = posting_decode(&row->posting, column_slice(s, 1)) == 0;
    if (!row->sound)
        row->posting.events = (struct slice){0};
}

static void take(struct engine *e, sqlite3_stmt *s, struct walked_row *row)
{
    struct snapshot_row snapshot;
    *row = (struct walked_row){.sound = true, .key = (int64_t)column_number(s, 0)};
    switch (e->walked) {
    case WALK_ENTITIES:
    case WALK_NAMES:
        row->number = (uint64_t)row->key;
        row->text = column_slice(s, 1);
        row->sound = name_checksum(row->number, row->text) == (uint32_t)column_number(s, 2);
        break;
    case WALK_GIVEN:
        row->number = (uint64_t)row->key;
        row->text = column_slice(s, 1);
        break;
    case WALK_IMPORTED:
        row->number = column_number(s, 1);
        break;
    case WALK_REJECTED:
        row->number = column_number(s, 1);
        row->text = column_slice(s, 2);
        break;
    case WALK_CHUNKS:
        take_chunk(s, row);
        break;
    case WALK_SNAPSHOTS:
        row->sound = take_snapshot(s, &row->key, &snapshot);
        break;
    case WALK_POSTINGS:
        take_posting(s, row);
        break;
    }
}

int engine_walk_next(struct engine *e, struct walked_row *row)
{
    sqlite3_stmt *s = e->walk_paused ? bind(e) : e->connection.statements[e->walked];
    int found = connection_step(&e->connection, s);
    if (found != 1)
        return found;
    take(e, s, row);
    e->walked_key = row->key;
    if (by_text(e->walked)) {
        bytes_clear(&e->walked_text);
        bytes_add_slice(&e->walked_text, row->text);
    }
    return e->walked_text.failed ? -ENOMEM : 1;
}

int engine_check_pages(struct engine *e)
{
    sqlite3_stmt *s = statement(e, CHECK_PAGES);
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    struct slice said = column_slice(s, 0);
    if (!slice_is(said, "ok")) {
        snprintf(e->connection.error, sizeof e->connection.error, "%.*s", SLICE_ARG(said));
        error = -EIO;
    }
    sqlite3_reset(s);
    return error;
}
