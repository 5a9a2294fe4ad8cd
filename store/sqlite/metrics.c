#include "store/checksum.h"
#include "store/metric_row.h"
#include "store/sqlite/rows.h"

static uint32_t row_checksum(const struct metric_row *row)
{
    uint32_t sum = checksum_number(checksum_number(0, row->hook), row->defined);
    sum = checksum_number(checksum_number(sum, row->cursor), row->tail);
    sum = checksum_number(checksum_number(sum, (uint64_t)row->snapshot_at_us), row->snapshot.size);
    return checksum_add(checksum_add(sum, row->snapshot), row->numbers);
}

int metric_row_put(struct engine *e, const struct metric_row *row)
{
    sqlite3_stmt *s = statement_of(e, PUT_METRIC, row->hook, row->defined);
    if (s) {
        bind_number(s, 3, row->cursor);
        bind_number(s, 4, row->tail);
        bind_number(s, 5, (uint64_t)row->snapshot_at_us);
        bind_text(s, 6, row->snapshot);
        bind_blob(s, 7, row->numbers);
        bind_number(s, 8, row_checksum(row));
    }
    return run(e, s);
}

int metric_row_drop(struct engine *e, uint64_t hook)
{
    return run(e, statement_of(e, DROP_METRIC, hook, 0));
}

int metric_row_put_mark(struct engine *e, uint64_t position)
{
    return run(e, statement_of(e, PUT_METRIC_MARK, position, 0));
}

int metric_row_get(struct engine *e, uint64_t hook, struct metric_row *row)
{
    sqlite3_stmt *s = statement_of(e, METRIC, hook, 0);
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    *row = (struct metric_row){
        .hook = hook,
        .defined = column_number(s, 0),
        .cursor = column_number(s, 1),
        .tail = column_number(s, 2),
        .snapshot_at_us = (int64_t)column_number(s, 3),
        .snapshot = column_slice(s, 4),
        .numbers = column_slice(s, 5),
    };
    bool sound = row_checksum(row) == (uint32_t)column_number(s, 6);
    error = keep(e, s, &row->snapshot, &row->numbers, NULL);
    return sound ? error : damaged(e, "what is kept of metric", hook);
}

int metric_row_mark(struct engine *e, uint64_t *position)
{
    return number_of(e, statement(e, METRIC_MARK), position);
}
