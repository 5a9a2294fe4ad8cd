// The queue of one receiver: which events are sent next, which wait, which are under way. The log itself is the queue;
// in memory is a window of it. Of each lane one event at a time is sent, and its later ones wait for it: a job stands
// for all events of a lane that are not done, by the first of them. A lane is an entity; where the receiver does not
// want an entity's events in order, each event is a lane of its own (by its position), and a request takes many.
//
//     log ──scan──▶ READY ──slot──▶ SENDING ──┬─ done with ────────▶ READY for the lane's next event, or away
//                     ▲                       │                      (a single: DONE until that is on disk)
//                     └──due── WAITING ◀──────┴─ to be tried again
//
// An event is done with when it is delivered, given up (dead), or dropped, as the receiver never wants it.
//
// What is on disk (outbox.h) tells at any moment what is not done: events behind the cursor, the jobs that were begun
// and never failed (a few, within the hook's own row), and the rows that wait. Each outcome goes into the ledger
// that is open, and its request holds its slot until that is on disk: a crash repeats at most as many requests as there
// are slots.
//
// Singles are events to be sent anew, whatever the cursor says: those that somebody asked for by name, and those that
// were given up and are replayed. Each is a row of `waiting` until it is done; some of them are jobs in memory, one a
// lane at a time.
//
// All functions run on the thread of the deliveries. A `ledger` is the open one of the tenant.
#pragma once

#include "hooks/deliveries/ledger.h"
#include "hooks/deliveries/receiver.h"
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
    uint64_t lane;
    uint64_t group; // with which it may share a request (receiver.h); 0: not known yet
    struct job_place place;
    struct job_place next; // the lane's next event, once it is known
    uint64_t events;       // of the lane that are not done, this one counted; of a single 1
    bool single;
    bool stored;       // it has a row in `waiting`
    bool dirty;        // the row is to say something else
    bool rewound;      // under way when the log was rewound to before it: it is not one of `events`
    bool collected;    // DONE, and the ledger under way says so
    unsigned attempts; // that failed
    int64_t due_us;    // of WAITING
    int64_t read_us;   // when the log brought it; 0: before the daemon was started

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
    const struct hook_kind *hook;
    char name[NAME_ENTITY_MAX];    // of the hook
    struct receiver *receiver;     // NULL: its definition could not be read
    struct signature_key made_key; // when the receiver wants one
    uint64_t defined_at;           // position of the definition's last change
    uint64_t dropped;              // events; kept with the lanes, as the next
    uint64_t recalled;             // what an import brought is sent up to here, by a replay; behind it, never
    bool changed;                  // the row on disk says something else
    bool key_is_unsaved;           // nothing is sent before it is on disk,
    bool key_is_saving;            // where the ledger under way brings it
    uint64_t saved_cursor;

    uint64_t scanned;                 // every event up to here is done, or is a job
    uint64_t counted, counted_events; // up to here the log was looked through: so many match behind `scanned`
    int64_t rescan_us;                // the log could not be read: again then; 0: it could

    struct job **slots; // hash table by lane
    size_t slot_count, job_count;
    size_t unstored, singles;     // jobs without a row; jobs that are singles
    uint64_t events;              // of all jobs
    struct job_list fresh, again; // READY: never tried, and tried before
    struct job_list sending, done;
    struct job **heap; // WAITING, the earliest first
    size_t waiting, heap_room;
    struct job **dirty; // jobs whose rows are to be written
    size_t dirty_count, dirty_room;

    unsigned requests;        // under way
    unsigned unsaved, saving; // ended, in the open ledger, and in the one under way: they hold their slots
    uint64_t gathered;        // positions up to here are sent, however few they are
    bool singles_left;        // rows of singles may not be in memory
    uint64_t singles_from;    // lanes before this were looked at
    bool revives, reviving;   // what was given up is sent anew, by the open ledger, or by the one under way

    int64_t request_us;    // what one takes: a running mean
    uint32_t spread;       // of the request that ended last: its events are tried again together
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

// A queue for the hook with this number. NULL when there is no memory.
struct queue *queue_new(const struct hook_kind *hook, uint64_t number);
void queue_free(struct queue *q);
// Takes the definition; the cursor stays, and after a change what waits is tried at once. 0 or -errno with the reason:
// it goes on with the one before.
int queue_define(struct queue *q, struct slice name, struct slice text, uint64_t defined_at, struct reason *why);
// Reads what is on disk of it; a hook without a row begins behind its own making. 0 or -errno.
int queue_restore(struct queue *q, struct reader *reader);
// The file was saved again: what was switched off goes on.
void queue_enable(struct queue *q);

// ---- the log

// Reads on in the log up to `end`, as far as there is room, but not too much at a time. True when there is more to be
// read at once.
bool queue_scan(struct queue *q, struct reader *reader, uint64_t end, int64_t now_us);
// Makes jobs of rows of singles, as far as there is room.
void queue_fetch_singles(struct queue *q, struct reader *reader);
// Does the receiver want this event?
bool queue_wants(const struct queue *q, struct reader *reader, const struct event_row *row);
// Which lane is it in?
uint64_t queue_lane(const struct queue *q, const struct event_row *row);
// When the first event was that is not done, by its timestamp; 0: there is none, or it cannot be read.
int64_t queue_oldest_us(const struct queue *q, struct reader *reader);

// ---- sending

// Begins a request: its first job, SENDING from then on; NULL when none may be sent now.
struct job *queue_take(struct queue *q, int64_t now_us);
// Another job that may go into a request with the first one: the one behind `after`, which is READY (NULL: the oldest).
// NULL: no more. It goes by queue_join, after which it is no `after` any more.
struct job *queue_candidate(const struct queue *q, const struct job *first, const struct job *after);
void queue_join(struct queue *q, struct job *job);
// It could not be sent: it is READY again.
void queue_put_back(struct queue *q, struct job *job);
// The request that was begun is none: all its jobs are put back, or concluded.
void queue_abandon(struct queue *q);
// How the request ended that had this first job; each of its jobs is concluded next.
void queue_end_request(struct queue *q, const struct job *first, const struct receiver_answer *answer,
    const struct transfer_outcome *outcome, int64_t now_us);
// How it ended for one of its jobs, which may be gone afterwards. *next_us: when it is tried again; 0: never.
void queue_conclude(struct queue *q, struct job *job, const struct receiver_answer *answer,
    const struct transfer_outcome *outcome, struct reader *reader, struct ledger *ledger, int64_t now_us,
    int64_t *next_us);
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

// Sends everything again from a position on, also what an import brought up to the log's end. What is under way ends
// first.
void queue_rewind(struct queue *q, struct ledger *ledger, uint64_t from, uint64_t end);
// Everything that was given up is sent anew.
void queue_revive(struct queue *q, struct ledger *ledger);
// This event is sent anew.
void queue_put_single(struct queue *q, struct ledger *ledger, const struct outbox_waiting *row);

// ---- private to the files of the queue
struct job *queue_job(const struct queue *q, uint64_t lane, bool single);
struct job *queue_add_job(struct queue *q, const struct job *made);
struct job *queue_add_waiting(struct queue *q, const struct outbox_waiting *row);
void queue_remove_job(struct queue *q, struct job *job);
void queue_set_state(struct queue *q, struct job *job, enum job_state state);
// Its row is to be written anew; false when there is no memory. The reverse: it needs not.
bool queue_make_dirty(struct queue *q, struct job *job);
void queue_make_clean(struct queue *q, struct job *job);
// The lane's next event behind a job's that is wanted and was scanned. -ENOENT when there is none.
int queue_find_next(struct queue *q, struct reader *reader, const struct job *job, struct job_place *next);
