// Rows of ids that do not tell their events: given to append, brought by import, given away.
#include "store/sqlite/rows.h"

// ---- given to append

int engine_put_given(struct engine *e, struct slice id, uint64_t position, struct slice content)
{
    sqlite3_stmt *s = statement(e, PUT_GIVEN);
    if (s) {
        bind_text(s, 1, id);
        bind_number(s, 2, position);
        bind_blob(s, 3, content);
    }
    return run(e, s);
}

int engine_drop_given(struct engine *e, struct slice id)
{
    sqlite3_stmt *s = statement(e, DROP_GIVEN);
    if (s)
        bind_text(s, 1, id);
    return run(e, s);
}

int engine_given(struct engine *e, struct slice id, uint64_t *position, struct slice *content)
{
    sqlite3_stmt *s = statement(e, GIVEN);
    if (s)
        bind_text(s, 1, id);
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    *position = column_number(s, 0);
    struct slice found = column_slice(s, 1);
    error = keep(e, s, &found, NULL, NULL);
    if (content)
        *content = found;
    return error;
}

int engine_any_given(struct engine *e, bool *any)
{
    uint64_t number = 0;
    int error = number_of(e, statement(e, ANY_GIVEN), &number);
    *any = number != 0;
    return error;
}

// ---- brought by import

int engine_put_imported(struct engine *e, uint64_t hash, uint64_t position)
{
    return run(e, statement_of(e, PUT_IMPORTED, hash, position));
}

int engine_imported(struct engine *e, uint64_t hash, uint64_t below, uint64_t *position)
{
    return number_of(e, statement_of(e, IMPORTED, hash, below < INT64_MAX ? below : INT64_MAX), position);
}

int engine_imported_start(struct engine *e, int64_t hash)
{
    return statement_of(e, IMPORTED_BEHIND, (uint64_t)hash, 0) ? 0 : run(e, NULL);
}

int engine_imported_next(struct engine *e, int64_t *hash)
{
    sqlite3_stmt *s = e->connection.statements[IMPORTED_BEHIND];
    int found = connection_step(&e->connection, s);
    if (found == 1)
        *hash = sqlite3_column_int64(s, 0);
    return found;
}

void engine_imported_end(struct engine *e)
{
    sqlite3_reset(e->connection.statements[IMPORTED_BEHIND]);
}

// ---- given away before their positions

int engine_put_claimed(struct engine *e, uint64_t position)
{
    return run(e, statement_of(e, PUT_CLAIMED, position, 0));
}

int engine_claimed(struct engine *e, uint64_t position)
{
    return number_of(e, statement_of(e, CLAIMED, position, 0), &position);
}

int engine_last_claimed(struct engine *e, uint64_t *position)
{
    return number_or_zero(e, statement(e, LAST_CLAIMED), position);
}
