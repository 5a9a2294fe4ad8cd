// What a tenant's file keeps of deliveries: how far each webhook is, what is out of order, what is dead, what was
// tried. The queue itself is the log: rows are only for what differs from "everything up to the cursor is done".
//
//     outbox(hook, cursor, lanes, …, sum)          a webhook's cursor: every event up to it is done, or is a lane, or
//     waits waiting(hook, single, position, …)           an event that failed and is tried again; of an entity's later
//     ones
//                                                  it is the first (single 0), or stands alone, sent anew (single 1)
//     dead(hook, position, …)                      an event that was given up
//     attempt(hook, number, count, lines)          the latest attempts, some lines a row; `number` is that of the last
//
// `hook` is the number of the hook (hook.h). Written by the tenant's writer alone, within its transactions
// (SUBMIT_ROWS); read on any connection. Slices that are answered live until the next call. 0, -ENOENT, or -errno.
#pragma once

#include "store/engine.h"

struct outbox_row {
    uint64_t hook;
    uint64_t cursor;
    struct slice lanes;    // begun and not done, up to the cursor: the queue's own bytes
    struct slice secret;   // the key that was made for a webhook without one; or empty
    uint64_t disabled_at;  // position of the hook's change that the receiver switched off (410); 0: it is on
    int64_t held_until_us; // nothing is sent before
    uint64_t attempts, delivered, dead;
    uint64_t last_attempt;   // number of the latest line in `attempt`
    int64_t last_success_us; // 0: never
    struct slice last_error; // an object, or empty
    bool failing;            // the last attempt failed
};

struct outbox_waiting {
    uint64_t hook;
    bool single;
    uint64_t position, entity;
    uint64_t events; // of its entity that are not done, itself counted; of a single 1
    unsigned attempts;
    int64_t due_us;
};

struct outbox_dead {
    uint64_t hook;
    uint64_t position, entity;
    int64_t at_us;
    unsigned attempts;
    unsigned status;    // 0: no answer came
    struct slice error; // plain text; may be empty
};

struct outbox_attempts {
    uint64_t hook;
    uint64_t number; // of its last line
    unsigned count;
    struct slice lines;
};

// ---- within the writer's transaction; a row of the same key is replaced
int outbox_put(struct engine *engine, const struct outbox_row *row);
int outbox_put_waiting(struct engine *engine, const struct outbox_waiting *row);
int outbox_drop_waiting(struct engine *engine, uint64_t hook, bool single, uint64_t entity, uint64_t position);
// Forgets what waits of entities' events from a position on (not what is sent anew).
int outbox_drop_waiting_from(struct engine *engine, uint64_t hook, uint64_t position);
int outbox_put_dead(struct engine *engine, const struct outbox_dead *row);
int outbox_drop_dead(struct engine *engine, uint64_t hook, uint64_t position);
// Everything dead waits to be sent anew, at once.
int outbox_revive(struct engine *engine, uint64_t hook);
int outbox_put_attempts(struct engine *engine, const struct outbox_attempts *row);
// Forgets rows whose last line has this number or a smaller one.
int outbox_drop_attempts(struct engine *engine, uint64_t hook, uint64_t number);
// Forgets a webhook altogether.
int outbox_forget(struct engine *engine, uint64_t hook);

// ---- reading
int outbox_get(struct engine *engine, uint64_t hook, struct outbox_row *row);
// The first row of at least such a hook.
int outbox_from(struct engine *engine, uint64_t from, struct outbox_row *row);
// The first of the first entity of at least `from`.
int outbox_waiting_from(struct engine *engine, uint64_t hook, bool single, uint64_t from, struct outbox_waiting *row);
// The first with a position of at least `from`.
int outbox_dead_from(struct engine *engine, uint64_t hook, uint64_t from, struct outbox_dead *row);
// The first whose last line has at least this number.
int outbox_attempts_from(struct engine *engine, uint64_t hook, uint64_t from, struct outbox_attempts *row);
