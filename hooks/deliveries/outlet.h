// An outlet holds the receivers of one tenant: it lets their queues send, and keeps a ledger of what became of it.
//
//     outcomes ─▶ open ledger ──flush──▶ ledger under way ──on disk──▶ slots are free, whoever waits is answered
//
// One ledger is under way at a time; one that the disk did not take is handed in again. The tenant is in use (store.h)
// while there is something to do. All functions run on the thread of the deliveries.
#pragma once

#include "hooks/deliveries/delivery.h"
#include "hooks/deliveries/queue.h"
#include "store/follower.h"

struct outlet {
    struct store *store;
    struct transfers *transfers;
    struct delivery *delivery;
    uint32_t number;       // of the tenant
    struct tenant *tenant; // NULL: not in use
    struct reader *reader;
    struct queue *queues;
    struct request *requests; // under way

    struct ledger *open;      // NULL: nothing has happened
    struct ledger *under_way; // with the writer, or waiting for the disk
    bool refused;             // the disk did not take it:
    int64_t again_us;         // it is handed in again then
    int64_t handed_in_ns;     // when it was, by the steady clock
    int64_t commit_us;        // what that takes: a running mean
    int64_t flush_us;         // the open ledger must go by then; 0: there is no hurry

    struct follower_ask *asks;    // to be answered when the open ledger is on disk
    struct follower_ask *waiting; // when the one under way is
    bool rereads;                 // the definitions have changed
    bool dirty;                   // the tenant has committed
    int64_t due_us;               // when it must be served, if nothing happens before
    int64_t shown_us;             // when it was published what they look like
    int64_t rest_us;              // there is nothing to do: the tenant is given back then
    struct outlet *next;
};

struct outlet *outlet_new(struct delivery *delivery, struct store *store, struct transfers *transfers, uint32_t number);
// Gives everything up that is not on disk.
void outlet_free(struct outlet *o);
// The definitions are to be read again. 0 or -errno; -ENOENT: there are no receivers any more, and nothing to do.
int outlet_reread(struct outlet *o);
// Everything that can be done now; sets due_us. True when there is more to be done at once.
bool outlet_serve(struct outlet *o, int64_t now_us);
// A transfer of one of its requests has ended.
void outlet_conclude(struct transfer *transfer, int64_t now_us);
// The writer has answered the ledger under way.
void outlet_settle(struct outlet *o, int64_t now_us);
// Answers, or keeps it until the disk has what it asks for.
void outlet_ask(struct outlet *o, struct follower_ask *ask, int64_t now_us);
// Hands in what is not on disk, whatever the hour. True when nothing is left.
bool outlet_flush(struct outlet *o, int64_t now_us);
void outlet_enable(struct outlet *o, uint64_t hook);
// The outlet that a transfer belongs to.
struct outlet *outlet_of(const struct transfer *transfer);

// ---- private to the files of the outlet
// The open ledger; NULL when there is no memory for it.
struct ledger *outlet_ledger(struct outlet *o);
struct queue *outlet_queue(const struct outlet *o, uint64_t hook);
// Is something noted that will soon be on disk?
bool outlet_is_ahead(const struct outlet *o);
// Answers who reads `deliveries` or `dead` with the rows on disk.
void outlet_read_rows(struct outlet *o, struct follower_ask *ask);
// Sends what may be sent now. False when there is no memory.
bool outlet_send(struct outlet *o, struct queue *q, int64_t now_us);
// Ends requests under way, without an outcome: of a queue, or all (NULL).
void outlet_break_off(struct outlet *o, const struct queue *queue);
// Appends a receiver's status.
void outlet_show(const struct outlet *o, const struct queue *q, struct bytes *out, int64_t now_us);
