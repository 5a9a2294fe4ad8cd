// What a tenant's file keeps of its metrics, so that opening it does not count everything anew: their numbers as they
// were at one position of the log, the mark. What lies behind it is counted again.
//
//     metric(hook, defined, cursor, tail, snapshot_at, snapshot, numbers, sum)
//                                  what a metric had counted at the mark; of one that is missing here, nothing is known
//     mark(4, position)            the mark
//
// Written by the tenant's writer alone, within its transactions; read on any connection. Slices that are answered live
// until the next call. 0, -ENOENT, or -errno.
#pragma once

#include "store/engine.h"

struct metric_row {
    uint64_t hook;    // the number of its definition, or one of those that are built in
    uint64_t defined; // position of the definition that it is of
    uint64_t cursor, tail;
    int64_t snapshot_at_us;
    struct slice snapshot; // the value that was recorded last; may be empty
    struct slice numbers;  // the metrics' own bytes
};

// Replaces the row of the same hook.
int metric_row_put(struct engine *engine, const struct metric_row *row);
int metric_row_drop(struct engine *engine, uint64_t hook);
int metric_row_put_mark(struct engine *engine, uint64_t position);

int metric_row_get(struct engine *engine, uint64_t hook, struct metric_row *row);
// -ENOENT when there was none yet.
int metric_row_mark(struct engine *engine, uint64_t *position);
