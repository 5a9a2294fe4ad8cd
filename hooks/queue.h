// The queue of one webhook: which events are sent next, which wait, which are under way. The log itself is the queue;
// in memory is a window of it. Of each entity one event at a time is sent, and its later ones wait for it: a job stands
// for all events of an entity that are not done, by the first of them.
//
//     log ──scan──▶ READY ──slot──▶ SENDING ──┬─ delivered, or given up ─▶ READY for the entity's next event, or away
//                     ▲                       │                            (a single: DONE until that is on disk)
//                     └──due── WAITING ◀──────┴─ to be tried again
//
// What is on disk (outbox.h) tells at any moment what is not done: events behind the cursor, the jobs that were begun
// and never failed (a few, within the webhook's own row), and the rows that wait. Each outcome goes into the ledger
// that is open, and holds its slot until that is on disk: a crash repeats at most as many events as there are slots.
//
// Singles are events to be sent anew, whatever the cursor says: those that somebody asked for by name, and those that
// were given up and are replayed. Each is a row of `waiting` until it is done; some of them are jobs in memory, one an
// entity at a time.
//
// All functions run on the thread of the deliveries. A `ledger` is the open one of the tenant.
#pragma once

#include "hooks/ledger.h"
#include "hooks/transfer.h"
#include "hooks/webhook.h"
#include "store/history.h"

#define QUEUE_ATTEMPTS_KEPT 10000u

enum job_state { JOB_READY, JOB_SENDING, JOB_WAITING, JOB_DONE, JOB_STATES };

struct job_place {
    uint64_t position; // 0: none is known
    uint32_t version;  // 0: not known yet
    int64_t at_us;     // timestamp of the event; 0: not known yet
};

struct job {
    enum job_state state;
    uint64_t entity;
    struct job_place place;
    struct job_place next; // the entity's next event, once it is known
    uint64_t events;       // of the entity that are not done, this one counted; of a single 1
    bool single;
    bool stored;       // it has a row in `waiting`
    bool dirty;        // the row is to say something else
    bool rewound;      // under way when the log was rewound to before it: it is not one of `events`
    bool collected;    // DONE, and the ledger under way says so
    unsigned attempts; // that failed
    int64_t due_us;    // of WAITING

    struct job *newer, *older; // in the list that it is in
    struct job *same_slot;
    size_t heap_at;
};

struct job_list {
    struct job *oldest, *newest;
    size_t count;
};

struct queue {
    struct outbox_row row; // as it is to be on disk; its slices are the three buffers
    struct bytes lanes, secret, error;
    char name[NAME_ENTITY_MAX]; // of the webhook
    struct webhook webhook;
    struct signature_key made_key; // when the webhook has no key of its own
    uint64_t defined_at;           // position of the definition's last change
    bool changed;                  // the row on disk says something else
    bool key_is_unsaved;           // nothing is sent before it is on disk,
    bool key_is_saving;            // where the ledger under way brings it
    uint64_t saved_cursor;

    uint64_t scanned;                 // every event up to here is done, or is a job
    uint64_t counted, counted_events; // up to here the log was looked through: so many match behind `scanned`
    int64_t rescan_us;                // the log could not be read: again then; 0: it could

    struct job **slots; // hash table by entity
    size_t slot_count, job_count;
    size_t unstored, singles;     // jobs without a row; jobs that are singles
    uint64_t events;              // of all jobs
    struct job_list fresh, again; // READY: never tried, and tried before
    struct job_list sending, done;
    struct job **heap; // WAITING, the earliest first
    size_t waiting, heap_room;
    struct job **dirty; // jobs whose rows are to be written
    size_t dirty_count, dirty_room;

    unsigned unsaved, saving; // outcomes in the open ledger, and in the one under way: they hold their slots
    bool singles_left;        // rows of singles may not be in memory
    uint64_t singles_from;    // entities before this were looked at
    bool revives, reviving;   // what was given up is sent anew, by the open ledger, or by the one under way

    int64_t request_us;    // what one takes: a running mean
    unsigned failures;     // in a row
    int64_t open_until_us; // 0: the breaker is closed
    bool probing;

    struct bytes lines; // of attempts, for the next ledger
    unsigned line_count;
    bool waits_its_turn; // (outlet_serve)
    bool is_there;       // its file is
    bool collected;      // it has something in the ledger under way
    struct queue *next;
};

// ---- beginning and ending

// A queue for the webhook with this hook's number. NULL when there is no memory.
struct queue *queue_new(uint64_t hook);
void queue_free(struct queue *q);
// Takes the definition; the cursor stays, and after a change what waits is tried at once. 0 or -errno with the reason:
// it goes on with the one before.
int queue_define(struct queue *q, struct slice name, struct slice text, uint64_t defined_at, struct reason *why);
// Reads what is on disk of it; a webhook without a row begins behind its own making. 0 or -errno.
int queue_restore(struct queue *q, struct reader *reader);
// The file was saved again: what was switched off goes on.
void queue_enable(struct queue *q);

// ---- the log

// Reads on in the log up to `end`, as far as there is room, but not too much at a time. True when there is more to be
// read at once.
bool queue_scan(struct queue *q, struct reader *reader, uint64_t end, int64_t now_us);
// Makes jobs of rows of singles, as far as there is room.
void queue_fetch_singles(struct queue *q, struct reader *reader);
// Does the webhook want this event?
bool queue_wants(const struct queue *q, struct reader *reader, const struct event_row *row);

// ---- sending

// The next job to send, which is SENDING from then on; NULL when none may be sent now.
struct job *queue_take(struct queue *q, int64_t now_us);
// It could not be sent for want of memory: it is READY again.
void queue_put_back(struct queue *q, struct job *job);
// How a job's attempt ended. The job may be gone afterwards. *next_us: when it is tried again; 0: never.
void queue_conclude(struct queue *q, struct job *job, const struct transfer_outcome *outcome, struct reader *reader,
    struct ledger *ledger, int64_t now_us, int64_t *next_us);
// When something can be sent that cannot now; INT64_MAX: only an event or an answer changes anything.
int64_t queue_due_us(const struct queue *q, int64_t now_us);
// What waits and is due becomes READY.
void queue_promote(struct queue *q, int64_t now_us);

// ---- the disk

// Should the open ledger go to disk now, for the queue to go on? A commit takes about so long.
bool queue_is_held(const struct queue *q, int64_t commit_us);
// Is there anything that should be on disk some time?
bool queue_has_news(const struct queue *q);
// Adds to the ledger how everything stands; it is then under way until queue_saved.
void queue_collect(struct queue *q, struct ledger *ledger);
void queue_saved(struct queue *q);

// ---- again

// Sends everything again from a position on. What is under way ends first.
void queue_rewind(struct queue *q, struct ledger *ledger, uint64_t from);
// Everything that was given up is sent anew.
void queue_revive(struct queue *q, struct ledger *ledger);
// This event is sent anew.
void queue_put_single(struct queue *q, struct ledger *ledger, const struct outbox_waiting *row);

// ---- private to the files of the queue
struct job *queue_job(const struct queue *q, uint64_t entity, bool single);
struct job *queue_add_job(struct queue *q, const struct job *made);
struct job *queue_add_waiting(struct queue *q, const struct outbox_waiting *row);
void queue_remove_job(struct queue *q, struct job *job);
bool queue_make_dirty(struct queue *q, struct job *job);
// The entity's next event behind a job's that is wanted and was scanned. -ENOENT when there is none.
int queue_find_next(struct queue *q, struct reader *reader, const struct job *job, struct job_place *next);
