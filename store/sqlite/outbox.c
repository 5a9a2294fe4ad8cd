#include "store/outbox.h"

#include "store/checksum.h"
#include "store/sqlite/rows.h"

// Binds the third number of a statement.
static sqlite3_stmt *and_third(sqlite3_stmt *s, uint64_t number)
{
    if (s)
        bind_number(s, 3, number);
    return s;
}

// ---- a webhook

static uint32_t row_checksum(const struct outbox_row *row)
{
    uint32_t sum = checksum_number(checksum_number(0, row->hook), row->cursor);
    sum = checksum_number(checksum_number(sum, row->disabled_at), row->last_attempt);
    sum = checksum_add(checksum_number(sum, row->lanes.size), row->lanes);
    return checksum_add(sum, row->secret);
}

int outbox_put(struct engine *e, const struct outbox_row *row)
{
    sqlite3_stmt *s = statement_of(e, PUT_OUTBOX, row->hook, row->cursor);
    if (s) {
        bind_blob(s, 3, row->lanes);
        bind_text(s, 4, row->secret);
        bind_number(s, 5, row->disabled_at);
        bind_number(s, 6, (uint64_t)row->held_until_us);
        bind_number(s, 7, row->attempts);
        bind_number(s, 8, row->delivered);
        bind_number(s, 9, row->dead);
        bind_number(s, 10, row->last_attempt);
        bind_number(s, 11, (uint64_t)row->last_success_us);
        bind_text(s, 12, row->last_error);
        bind_number(s, 13, row->failing);
        bind_number(s, 14, row_checksum(row));
    }
    return run(e, s);
}

int outbox_from(struct engine *e, uint64_t from, struct outbox_row *row)
{
    sqlite3_stmt *s = statement_of(e, OUTBOX_FROM, from, 0);
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    *row = (struct outbox_row){
        .hook = column_number(s, 0),
        .cursor = column_number(s, 1),
        .lanes = column_slice(s, 2),
        .secret = column_slice(s, 3),
        .disabled_at = column_number(s, 4),
        .held_until_us = (int64_t)column_number(s, 5),
        .attempts = column_number(s, 6),
        .delivered = column_number(s, 7),
        .dead = column_number(s, 8),
        .last_attempt = column_number(s, 9),
        .last_success_us = (int64_t)column_number(s, 10),
        .last_error = column_slice(s, 11),
        .failing = column_number(s, 12) != 0,
    };
    bool sound = row_checksum(row) == (uint32_t)column_number(s, 13);
    error = keep(e, s, &row->lanes, &row->secret, &row->last_error);
    return sound ? error : damaged(e, "the cursor of webhook", row->hook);
}

int outbox_get(struct engine *e, uint64_t hook, struct outbox_row *row)
{
    int error = outbox_from(e, hook, row);
    return error ? error : row->hook == hook ? 0 : -ENOENT;
}

int outbox_forget(struct engine *e, uint64_t hook)
{
    static const unsigned all[] = {DROP_OUTBOX, DROP_ALL_WAITING, DROP_ALL_DEAD, DROP_ALL_ATTEMPTS};
    int error = 0;
    for (size_t i = 0; !error && i < sizeof all / sizeof *all; i++)
        error = run(e, statement_of(e, all[i], hook, 0));
    return error;
}

// ---- what waits

int outbox_put_waiting(struct engine *e, const struct outbox_waiting *row)
{
    sqlite3_stmt *s = and_third(statement_of(e, PUT_WAITING, row->hook, row->single), row->entity);
    if (s) {
        bind_number(s, 4, row->position);
        bind_number(s, 5, row->events);
        bind_number(s, 6, row->attempts);
        bind_number(s, 7, (uint64_t)row->due_us);
    }
    return run(e, s);
}

int outbox_drop_waiting(struct engine *e, uint64_t hook, bool single, uint64_t entity, uint64_t position)
{
    sqlite3_stmt *s = and_third(statement_of(e, DROP_WAITING, hook, single), entity);
    if (s)
        bind_number(s, 4, position);
    return run(e, s);
}

int outbox_drop_waiting_from(struct engine *e, uint64_t hook, uint64_t position)
{
    return run(e, statement_of(e, DROP_WAITING_FROM, hook, position));
}

int outbox_waiting_from(struct engine *e, uint64_t hook, bool single, uint64_t from, struct outbox_waiting *row)
{
    sqlite3_stmt *s = and_third(statement_of(e, WAITING_FROM, hook, single), from);
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    *row = (struct outbox_waiting){
        .hook = hook,
        .single = single,
        .entity = column_number(s, 0),
        .position = column_number(s, 1),
        .events = column_number(s, 2),
        .attempts = (unsigned)column_number(s, 3),
        .due_us = (int64_t)column_number(s, 4),
    };
    sqlite3_reset(s);
    return 0;
}

// ---- what is dead

int outbox_put_dead(struct engine *e, const struct outbox_dead *row)
{
    sqlite3_stmt *s = and_third(statement_of(e, PUT_DEAD, row->hook, row->position), row->entity);
    if (s) {
        bind_number(s, 4, (uint64_t)row->at_us);
        bind_number(s, 5, row->attempts);
        bind_number(s, 6, row->status);
        bind_text(s, 7, row->error);
    }
    return run(e, s);
}

int outbox_drop_dead(struct engine *e, uint64_t hook, uint64_t position)
{
    return run(e, statement_of(e, DROP_DEAD, hook, position));
}

int outbox_revive(struct engine *e, uint64_t hook)
{
    return run(e, statement_of(e, REVIVE, hook, 0));
}

int outbox_dead_from(struct engine *e, uint64_t hook, uint64_t from, struct outbox_dead *row)
{
    sqlite3_stmt *s = statement_of(e, DEAD_FROM, hook, from);
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    *row = (struct outbox_dead){
        .hook = hook,
        .position = column_number(s, 0),
        .entity = column_number(s, 1),
        .at_us = (int64_t)column_number(s, 2),
        .attempts = (unsigned)column_number(s, 3),
        .status = (unsigned)column_number(s, 4),
        .error = column_slice(s, 5),
    };
    return keep(e, s, &row->error, NULL, NULL);
}

// ---- what was tried

int outbox_put_attempts(struct engine *e, const struct outbox_attempts *row)
{
    sqlite3_stmt *s = and_third(statement_of(e, PUT_ATTEMPTS, row->hook, row->number), row->count);
    if (s)
        bind_text(s, 4, row->lines);
    return run(e, s);
}

int outbox_drop_attempts(struct engine *e, uint64_t hook, uint64_t number)
{
    return run(e, statement_of(e, DROP_ATTEMPTS, hook, number));
}

int outbox_attempts_from(struct engine *e, uint64_t hook, uint64_t from, struct outbox_attempts *row)
{
    sqlite3_stmt *s = statement_of(e, ATTEMPTS_FROM, hook, from);
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    *row = (struct outbox_attempts){
        .hook = hook,
        .number = column_number(s, 0),
        .count = (unsigned)column_number(s, 1),
        .lines = column_slice(s, 2),
    };
    return keep(e, s, &row->lines, NULL, NULL);
}
