// Rows of hooks, and of what they have said.
#include "store/checksum.h"
#include "store/sqlite/rows.h"

static uint32_t hook_checksum(const struct hook_row *row)
{
    uint32_t sum = checksum_number(checksum_number(0, row->number), row->position);
    sum = checksum_add(checksum_number(sum, (uint64_t)row->at_us), row->folder);
    sum = checksum_add(checksum_number(sum, row->name.size), row->name);
    return checksum_add(sum, row->text);
}

int engine_put_hook(struct engine *e, const struct hook_row *row)
{
    sqlite3_stmt *s = statement_of(e, PUT_HOOK, row->number, row->position);
    if (s) {
        bind_number(s, 3, (uint64_t)row->at_us);
        bind_text(s, 4, row->folder);
        bind_text(s, 5, row->name);
        bind_blob(s, 6, row->text);
        bind_number(s, 7, hook_checksum(row));
    }
    return run(e, s);
}

int engine_drop_hook(struct engine *e, uint64_t number)
{
    int error = engine_drop_hook_log(e, number, INT64_MAX);
    if (!error)
        error = run(e, statement_of(e, DROP_KEPT, number, 0));
    return error ? error : run(e, statement_of(e, DROP_HOOK, number, 0));
}

static uint32_t kept_checksum(uint64_t hook, struct slice text)
{
    return checksum_add(checksum_number(0, hook), text);
}

int engine_put_kept(struct engine *e, uint64_t hook, struct slice text)
{
    sqlite3_stmt *s = statement_of(e, PUT_KEPT, hook, 0);
    if (s) {
        bind_blob(s, 2, text);
        bind_number(s, 3, kept_checksum(hook, text));
    }
    return run(e, s);
}

int engine_kept(struct engine *e, uint64_t hook, struct slice *text)
{
    sqlite3_stmt *s = statement_of(e, KEPT, hook, 0);
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    *text = column_slice(s, 0);
    bool sound = kept_checksum(hook, *text) == (uint32_t)column_number(s, 1);
    error = keep(e, s, text, NULL, NULL);
    return sound ? error : damaged(e, "what was kept of hook", hook);
}

int engine_put_hook_log(struct engine *e, uint64_t hook, uint64_t number, struct slice text)
{
    sqlite3_stmt *s = statement_of(e, PUT_HOOK_LOG, hook, number);
    if (s)
        bind_blob(s, 3, text);
    return run(e, s);
}

int engine_drop_hook_log(struct engine *e, uint64_t hook, uint64_t below_number)
{
    return run(e, statement_of(e, DROP_HOOK_LOG, hook, below_number));
}

int engine_hook_log_from(struct engine *e, uint64_t hook, uint64_t *number, struct slice *text)
{
    sqlite3_stmt *s = statement_of(e, HOOK_LOG_FROM, hook, *number);
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    *number = column_number(s, 0);
    *text = column_slice(s, 1);
    return keep(e, s, text, NULL, NULL);
}

int engine_hook_log_end(struct engine *e, uint64_t hook, uint64_t *size_bytes, uint64_t *number)
{
    sqlite3_stmt *s = statement_of(e, HOOK_LOG_END, hook, 0);
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    *size_bytes = column_number(s, 0);
    *number = column_number(s, 1);
    sqlite3_reset(s);
    return 0;
}

static int take_hook(struct engine *e, sqlite3_stmt *s, struct hook_row *row)
{
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    row->number = column_number(s, 0);
    row->position = column_number(s, 1);
    row->at_us = (int64_t)column_number(s, 2);
    row->folder = column_slice(s, 3);
    row->name = column_slice(s, 4);
    row->text = column_slice(s, 5);
    bool sound = hook_checksum(row) == (uint32_t)column_number(s, 6);
    error = keep(e, s, &row->folder, &row->name, &row->text);
    return sound ? error : damaged(e, "hook", row->number);
}

int engine_hook(struct engine *e, struct slice folder, struct slice name, struct hook_row *row)
{
    sqlite3_stmt *s = statement(e, HOOK);
    if (s) {
        bind_text(s, 1, folder);
        bind_text(s, 2, name);
    }
    return take_hook(e, s, row);
}

int engine_hook_from(struct engine *e, uint64_t from, struct hook_row *row)
{
    return take_hook(e, statement_of(e, HOOK_FROM, from, 0), row);
}
