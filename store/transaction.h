// The writer's transaction: what a commit adds to a tenant, from the first event judged to the moment it is published.
// Nothing of it is seen by readers before transaction_commit; all of it can be undone, submission by submission or as a
// whole. Belongs to the writer's thread.
#pragma once

#include "store/history.h"
#include "store/identity.h"

struct addition {
    struct entity *entity;
    size_t line_at, line_size; // in `lines`
    uint64_t offset;           // in the tenant's stream
    struct event_place place;
    uint32_t version;
    unsigned char hash[CHAIN_SIZE];
    struct slice given;     // the id, if it was given to append; lives in the submission
    struct state *snapshot; // the state behind it, when one is due
    bool declares;          // a spec
};

struct undo {
    struct entity *entity;
    struct head next;
    struct state *next_state;
};

// A spec and where it was declared.
struct declaration {
    uint64_t position; // 0: there is none
    struct spec *spec; // NULL: not read yet
};

// Where a transaction stands, to come back to.
struct transaction_mark {
    size_t count, undo_count, lines_size;
    uint32_t types;
    uint64_t declared; // position of the spec in force
    struct log_end end;
};

struct transaction {
    struct tenant *tenant;
    struct reader reader; // on the writing connection
    struct chain chain;

    bool bounded; // (rehearsal.h) what was recorded behind this position is as if it were not there:
    uint64_t horizon;

    // the log's end, with what was added
    struct log_end end;
    int64_t at_us;                       // the timestamp of the submission being judged
    struct identities identities;        // what is known of ids
    uint64_t rejected_number;            // of the last refusal
    struct declaration declaration;      // in force for the next event
    struct declaration declaration_kept; // … before the submission being judged
    struct reason misfit;                // what of the last event did not fit the state, as its spec says
    uint32_t types_stored;               // types up to here are on disk

    struct addition *additions;
    size_t count, room;
    struct bytes lines;
    struct transaction_mark start; // of the submission being judged
    struct undo *undos;            // of the same
    size_t undo_count, undo_room;
    struct entity **touched;
    size_t touched_count, touched_room;
    struct committed *changes; // made by transaction_commit
    size_t change_room;
    bool rejected; // a refusal was written

    // the end as it was published, to go back to
    struct log_end published;
    uint32_t published_types;
    uint64_t published_rejected_number;
    struct declaration published_declaration;
};

// Takes over the connection; reads where the log ends. The entities were counted before (sweep_open).
int transaction_open(struct transaction *tx, struct tenant *tenant, struct engine *engine, struct reason *why);
void transaction_close(struct transaction *tx);

int transaction_begin(struct transaction *tx);
// The same for one that is only tried (rehearsal.h): transaction_abort goes back to here.
void transaction_ready(struct transaction *tx);
// Begins a submission: its events share one timestamp, later than every earlier one's and than any moment told to be
// past.
void transaction_submission(struct transaction *tx);
// Takes back what was added since transaction_submission.
void transaction_undo(struct transaction *tx);
// The same from any point of the submission being judged on.
struct transaction_mark transaction_mark(const struct transaction *tx);
void transaction_undo_to(struct transaction *tx, const struct transaction_mark *mark);
// Gives what was added since transaction_submission to the engine. After an error only transaction_abort may follow.
int transaction_write(struct transaction *tx);
int transaction_write_rejected(struct transaction *tx, struct slice line);

// The entity of a name as the transaction has it (`next`), made if there is none (version 0).
int transaction_entity(struct transaction *tx, struct slice name, struct entity **entity);
// Its state, NULL before its first event; borrowed.
int transaction_state(struct transaction *tx, struct entity *entity, struct state **state);
// An entity as the transaction has it, only looked at: nothing is kept in memory for it. The caller drops the state;
// *state is NULL before the first event. By its name (id 0) or its id. -ENOENT when there is none.
int transaction_peek(struct transaction *tx, struct slice name, uint64_t id, struct head *head, struct state **state);
// Adds an event: gives it version, position, timestamp and, if `event->id` is empty, an id; folds it. The slices of the
// event must live until the submission was written; those of `*event` that it fills point into `lines` and live until
// the next addition.
int transaction_add(struct transaction *tx, struct entity *entity, struct event *event, uint64_t *position);
// The slice of `event` that transaction_add filled in, again, after other events were added.
void transaction_renew(const struct transaction *tx, uint64_t position, struct event *event);
// The state of its entity before the last event was added; NULL before its first. Borrowed.
struct state *transaction_state_before(const struct transaction *tx);
// Where its history ended before.
struct head transaction_head_before(const struct transaction *tx);
// The state that an event would lead to; the caller drops it. 0 or -ENOMEM.
int transaction_preview(struct transaction *tx, struct entity *entity, const struct event *event, struct state **state);
// The event at a position, be it of this transaction or recorded.
int transaction_event(struct transaction *tx, uint64_t position, struct event_row *row);
// The spec in force for the next event, borrowed; NULL when there is none. 0, or why it cannot be read.
int transaction_spec(struct transaction *tx, struct spec **spec);
// The last event declares a spec, which is held from now on.
void transaction_declare(struct transaction *tx, struct spec *spec);
// The type in the spelling of the tenant's first event of it; itself when it is new.
struct slice transaction_spelling(struct transaction *tx, struct slice type);

// Commits and publishes; *changes lists what was added to each entity. On error everything is undone.
int transaction_commit(struct transaction *tx, size_t *change_count);
void transaction_abort(struct transaction *tx);
