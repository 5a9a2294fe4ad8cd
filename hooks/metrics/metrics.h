// The metrics of a tenant: numbers that are kept up to date event by event, within the transaction of the event.
//
// What an event changes is noted in a journal, from which it is taken back when the event is undone, alone or with its
// transaction. What others read is published when the transaction has been committed.
//
// A new definition counts what there is already in small steps between the transactions (metric_rebuild.c), by the
// entities in the order of their ids or the events in the order of their positions. `cursor` says how far that is;
// events that change what lies beyond it are left alone, it will be counted as it is by then. Until the end the value
// is null.
//
//     defined ──▶ rebuilding ── everything counted ──▶ active ── its extreme is lost ──▶ rebuilding
//
// Belongs to the writer's thread, but for what is said to be any thread's.
#pragma once

#include "hooks/metrics/accumulator.h"
#include "hooks/metrics/contribution.h"
#include "hooks/metrics/revenue.h"
#include "store/hook.h"
#include "store/transaction.h"

#include <pthread.h>

#define METRIC_ALL UINT64_MAX // everything has been counted
// Above the numbers of hooks: one for each that is built in, and one for what all of those are computed of.
#define METRIC_BUILT_IN_FIRST (UINT64_C(1) << 62)
#define METRIC_REVENUE        (METRIC_BUILT_IN_FIRST + BUILT_INS)

struct metric {
    uint64_t number;   // the hook's; METRIC_BUILT_IN_FIRST and more: it is built in
    uint64_t position; // of the event that defined it
    char name[METRIC_NAME_MAX + 1];
    struct metric_definition definition;
    struct accumulator accumulator;
    uint64_t cursor;       // the last entity, or position, that is counted; METRIC_ALL
    uint64_t tail;         // of a window: the first position that is in it
    int64_t tail_us;       // when that event was; INT64_MAX: there is none, INT64_MIN: not known
    bool behind;           // events that have left the window are still to be taken away
    struct fraction value; // as it was at `value_stamp`
    uint64_t value_stamp;
    uint64_t shown_stamp;
    uint64_t walked;       // by the latest walk that came by
    struct bytes snapshot; // the value that was recorded last, as JSON; nothing: none was
    int64_t snapshot_us;   // when; 0: there is nothing yet to begin with
    struct bytes recorded; // the same, by the running transaction
    int64_t recorded_us;
    bool differs;        // the value is another one than that
    bool fresh, retired; // it came, or went, in the running transaction, until whose end it stays

    // (lock)
    struct bytes shown; // its value as JSON, as committed
    bool active;        // no rebuilding
    double progress;    // of rebuilding, 0 to 1
};

// What a transaction has changed, in order. There may be many: they are small.
enum metric_change_kind { METRIC_ADDED, METRIC_TAKEN, METRIC_SLID };
struct metric_change {
    uint64_t position; // of the event that set it off
    enum metric_change_kind kind;
    bool behind; // METRIC_SLID: as it was before, as is the tail
    union {
        struct accumulator *accumulator; // METRIC_ADDED, METRIC_TAKEN: with this number
        struct metric *window;           // METRIC_SLID
    };
    union {
        struct decimal number;
        uint64_t tail;
    };
};

struct metric_routes;

// A plot, as it was drawn last: whoever reads one asks for it by name, by its attributes, and as he opens it.
struct metric_plot {
    uint64_t entity;
    uint32_t version; // of the entity, up to which it goes; 0: there is none
    struct bytes svg;
};

struct metrics {
    struct tenant *tenant;
    pthread_mutex_t lock; // of the list and what is marked with it, against other threads
    struct metric **all;  // (lock to change) those that are built in, the others in the order of their names
    size_t count, room;
    uint64_t generation;     // another one whenever the list is another one
    struct metric_plot plot; // (lock)
    uint64_t walk;
    uint64_t stamp; // another one whenever a value may be another one
    struct revenue revenue;
    struct metric_change *journal;
    size_t journal_count, journal_room;
    struct metric_routes *routes; // which of them an event concerns
    struct metric *checked;       // what was read last, not in force
    bool taken;                   // something since the last settling
    uint64_t mark;                // what is kept on disk is as it was behind this position
    uint64_t written_mark;        // the same, by the running transaction; 0: it has not written
    bool unsaved;                 // the rows cannot be written
    int64_t snapshots_us;         // none is recorded before
    int64_t passed_us;            // when a piece of what waits was done last
    int64_t retry_us;             // what could not be read is not read again before; INT64_MIN: at once
};

// Room that the journal keeps between transactions, in changes.
#define METRIC_JOURNAL_KEPT 4096u
// So many events may lie behind what is kept on disk.
#define METRIC_SAVE_EVENTS 16384u
// If more do, everything is counted anew, in the background.
#define METRIC_BEHIND_MAX 262144u
// When something was defined, so long is counted before the change is answered.
#define METRIC_FIRST_NS INT64_C(2000000)
// What leaves a window is taken away at most so often.
#define METRIC_PASS_US INT64_C(20000)

extern const struct hook_file metric_files[];

int metrics_open(struct metrics **metrics, struct tenant *tenant, struct engine *engine, struct reason *why);
void metrics_close(struct metrics *metrics);

// ---- what happens (struct reactor)

int metrics_added(struct metrics *metrics, struct transaction *tx, struct entity *entity, const struct event *event,
    uint64_t position);
// What was added behind a position is undone.
void metrics_undone(struct metrics *metrics, uint64_t position);
// Records what is due (metric_snapshot.c). 0 or -errno.
int metrics_tick(struct metrics *metrics, struct transaction *tx);
// Keeps on disk what they hold, if enough has happened since they were, or `idle`: nobody waits. 0 or -errno.
int metrics_write(struct metrics *metrics, struct transaction *tx, bool idle);
void metrics_settle(struct metrics *metrics, struct transaction *tx, bool committed);
// Does a piece of what waits, for about so long. True when metrics_tick is wanted.
bool metrics_pass(struct metrics *metrics, struct transaction *tx, int64_t budget_ns);
// When that wants to be called again; INT64_MIN: at once, INT64_MAX: not by itself.
int64_t metrics_due_us(const struct metrics *metrics);

// ---- for whoever uses them, within a transaction: the values are those that it has brought about so far

// By its name, or one of the other names of those that are built in (churn_rate). NULL: there is none. It stays valid
// while `generation` does.
struct metric *metrics_find(const struct metrics *metrics, struct slice name);
// Is a metric, or one that it is computed of, computed of another one?
bool metric_uses(struct metrics *metrics, struct metric *metric, const struct metric *other);
// Its value, which lives until the next change of any; NULL when there is no memory.
const struct fraction *metric_value(const struct metrics *metrics, struct metric *metric);
// Appends all values, or that of one, as metrics_show_values and metrics_show_value do.
void metrics_show_running(const struct metrics *metrics, struct bytes *out);
int metrics_show_running_value(const struct metrics *metrics, struct slice name, struct bytes *out);

// ---- between their own files

// A metric that is not in force yet. 0, -EINVAL with the reason, or -ENOMEM.
int metric_make(
    struct metrics *metrics, struct slice name, struct slice text, struct metric **made, struct reason *why);
// NULL is none.
void metric_drop(struct metric *metric);
// 0, and then it belongs to the list; or -ENOMEM.
int metrics_insert(struct metrics *metrics, struct metric *metric);
void metrics_list_changed(struct metrics *metrics);
// Is everything counted that it is about?
bool metric_is_active(const struct metric *metric);
static inline bool metric_is_built_in(const struct metric *m)
{
    return m->definition.source == METRIC_BUILT_IN;
}
// Does it count states or events itself?
static inline bool metric_counts(const struct metric *m)
{
    return m->definition.source == METRIC_STATES || m->definition.source == METRIC_EVENTS;
}
// The one of a name that others see; under the lock.
const struct metric *metric_shown(const struct metrics *metrics, struct slice name);
// How much of what there was has been counted, by it or by those it is computed of: 1 is everything.
double metric_progress(struct metrics *metrics, struct metric *metric);
// Begins to count from nothing.
void metric_restart(struct metrics *metrics, struct metric *metric);
// The same with all of which something is not known any more; between transactions.
void metrics_restart_lost(struct metrics *metrics);
// Adds what counts, or takes it away; noted in the journal if `position` is not 0. The number is copied; NULL: it is
// only counted. 0 or -ENOMEM.
int metric_change(struct metrics *metrics, struct accumulator *accumulator, uint64_t position, bool add,
    const struct decimal *number);
// What one entity contributes to a metric has changed from one state to the other. 0 or -ENOMEM.
int metric_exchange(
    struct metrics *metrics, struct metric *metric, uint64_t position, struct subject *before, struct subject *after);
// Does it count the state of this entity, of a noun in lower case, already?
bool metric_counts_state(const struct metric *metric, uint64_t entity, struct slice noun);
// Adds a recorded event to all that have counted those before. 0 or -errno.
int metrics_count_event(struct metrics *metrics, const struct event_row *row);
// When its value is to be recorded; INT64_MAX: it is.
int64_t metric_snapshot_due_us(const struct metric *metric);
// What is shown of it is another value, maybe.
void metric_compare_snapshot(struct metric *metric);
void metrics_settle_snapshots(struct metrics *metrics, bool committed);
// A recorded event may be a value that was recorded; `at_us` is when. 0 or -ENOMEM.
int metrics_take_snapshot(struct metrics *metrics, const struct event *event);
// Goes on from what is kept on disk. 0 or -errno.
int metrics_restore(struct metrics *metrics, struct reader *reader);
// The transaction has ended: nothing is taken back any more.
void metrics_forget_changes(struct metrics *metrics);
// Takes away what has left the window by now, up to so many events; noted in the journal if `position` is not 0. 0 or
// -errno.
int metric_slide(
    struct metrics *metrics, struct metric *metric, struct transaction *tx, uint64_t position, unsigned most);
// When the next event leaves it; INT64_MAX: none.
int64_t metric_leaves_us(const struct metric *metric);
// Are such events its own?
bool metric_wants(const struct metric *metric, struct slice type, struct slice entity);
// Makes the values known to other threads, as they are.
void metrics_publish(struct metrics *metrics);

// ---- any thread, of what is committed

// Appends `{"mrr":48500,…}`: those that are built in first.
void metrics_show_values(struct metrics *metrics, struct bytes *out);
// Appends `{NAME:{"state":"active"},…}` of those that are defined by files.
void metrics_show(struct metrics *metrics, struct bytes *out);
// Appends the value of one. 0, -ENOENT when there is none of that name, or -ENOMEM.
int metrics_show_value(struct metrics *metrics, struct slice name, struct bytes *out);
// Which of those that are built in has this name, or other name? Its number (revenue_names), or -1.
int metric_find_built_in(struct slice name);
