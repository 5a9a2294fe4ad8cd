// The watches of a tenant: after each event each of them looks at its metric, within the transaction of the event. What
// one has to tell becomes an event, Alert.Raised or Alert.Resolved on `alert_NAME`, and then its script is run.
//
// On which side of its threshold a watch has seen its metric last is kept on disk (engine_put_kept), written in the
// same transaction, so nothing is raised twice. What is undone is taken back from a journal. What an import changes is
// taken note of without a word.
//
// Belongs to the writer's thread, but for what is said to be any thread's.
#pragma once

#include "hooks/metrics/watch.h"
#include "store/hook.h"

#include <pthread.h>

#define WATCH_NAME_MAX 64u

struct metrics;
struct metric;
struct handlers;

struct watch_in_force {
    uint64_t number; // the hook's
    char name[WATCH_NAME_MAX + 1];
    struct watch watch;
    struct watch_standing standing;
    bool unsaved;          // `standing` is not what the disk has
    bool fresh, retired;   // it came, or went, in the running transaction, until whose end it stays
    struct metric *metric; // as of `generation` of the metrics
    uint64_t generation;
    struct fraction seen; // the value that it looked at last

    bool raised;      // (lock) as committed, as the next
    int64_t since_us; // (lock)
};

// What a transaction has changed, in order.
struct watch_change {
    uint64_t position; // of the event behind which it was
    struct watch_in_force *watch;
    struct watch_standing before;
};

struct watch_list {
    struct tenant *tenant;
    struct metrics *metrics;
    struct handlers *handlers;
    pthread_mutex_t lock;        // of the list and what is marked with it, against other threads
    struct watch_in_force **all; // (lock to change) in the order of their names
    size_t count, room;
    uint64_t stamp;   // of the metrics, when all have looked at them
    bool unlooked;    // an event was added behind which they have not looked
    int64_t retry_us; // what could not be recorded is not tried again before
    struct watch_change *journal;
    size_t journal_count, journal_room;
    struct watch_in_force *checked;   // what was read last, not in force
    struct watch_in_force *was, *now; // of the change that was taken last; NULL: none
    bool taken;                       // something since the last settling
    bool changed;                     // what others see is to be made anew
};

// The metrics and handlers outlive them.
int watch_list_open(struct watch_list **list, struct tenant *tenant, struct metrics *metrics, struct handlers *handlers,
    struct engine *engine, struct reason *why);
void watch_list_close(struct watch_list *list);

// ---- what happens (struct reactor)

// An event was added.
void watch_list_added(struct watch_list *list);
// Metrics may have other values, by the event that was added last or by time that has passed. 0 or -errno.
int watch_list_look(struct watch_list *list, struct transaction *tx);
// The same, when nothing is to be said. Does nothing where they have looked.
int watch_list_look_silently(struct watch_list *list, struct transaction *tx);
// What was added behind a position is undone.
void watch_list_undone(struct watch_list *list, uint64_t position);
int watch_list_write(struct watch_list *list, struct engine *engine);
void watch_list_settle(struct watch_list *list, bool committed);
// Between transactions: is there something to tell of what time, or a metric's own work, has changed?
bool watch_list_want(struct watch_list *list);
// When that is to be asked; INT64_MAX: not by itself.
int64_t watch_list_due_us(const struct watch_list *list);

// The watch that looks at a metric; NULL: none does.
const struct watch_in_force *watch_list_at(struct watch_list *list, const struct metric *metric);

// Appends `[ALERT,…]`, as the running transaction has brought them about so far.
void watch_list_show_running(struct watch_list *list, struct bytes *out);

// ---- any thread, of what is committed

// Appends `[ALERT,…]`: what is raised, with the values that the metrics have now.
void watch_list_show_alerts(struct watch_list *list, struct bytes *out);
// Appends `{NAME:{"state",…},…}`: how their scripts fare.
void watch_list_show(struct watch_list *list, struct bytes *out);

// ---- between their own files

// A watch that is not in force yet. 0, -EINVAL with the reason, or -ENOMEM.
int watch_make(struct slice name, struct slice text, struct watch_in_force **made, struct reason *why);
// NULL is none.
void watch_drop(struct watch_in_force *w);
// 0, and then it belongs to the list; or -ENOMEM.
int watch_list_insert(struct watch_list *list, struct watch_in_force *w);
// The watch came in the running transaction in the place of another one, or of none (NULL), or went (`now` is NULL):
// what that raises or clears. 0 or -errno.
int watch_list_replace(
    struct watch_list *list, struct transaction *tx, struct watch_in_force *was, struct watch_in_force *now);
