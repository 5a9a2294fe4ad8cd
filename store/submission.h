// A submission is one request to a tenant's writer: it is committed as a whole or not at all, and answered exactly
// once.
#pragma once

#include "store/arena.h"
#include "store/draft.h"
#include "store/reason.h"
#include "store/rerun.h"
#include "store/when.h"

#include <sys/types.h>

struct engine;

enum submission_kind {
    SUBMIT_EVENTS,   // drafts; with `error` set: what came behind them was refused, so they are only judged
    SUBMIT_DOCUMENT, // a whole state: the difference becomes one Updated event (of what is gone: Created)
    SUBMIT_SPEC,     // a text of spec.json: becomes one Spec.Updated event
    SUBMIT_ROLLBACK, // a moment: the difference to the state of then becomes one event
    SUBMIT_HOOK,     // a change of a hook
    SUBMIT_ROWS,     // rows that are no events (outbox.h): `write` puts them
    SUBMIT_TICK,     // the writer's own: time has passed for what reacts (hook.h)
    SUBMIT_REFUSAL,  // `error` and `why` are known already; only to be written to `rejected`
};

struct hook_order;

struct submission {
    // ---- set by whoever submits; what slices point to lives in the arena
    enum submission_kind kind;
    struct arena arena;

    struct draft *drafts; // SUBMIT_EVENTS
    struct slice *inputs; // what was written for each draft, for `rejected`
    unsigned draft_count;
    struct rerun *rerun; // they are imported through this file; NULL: appended
    bool wants_receipts;
    bool own; // of SUBMIT_EVENTS: factfs itself says so, and neither a spec nor a handler has a say in it

    struct slice entity;    // SUBMIT_DOCUMENT, SUBMIT_ROLLBACK
    struct slice actor;     // the same, and SUBMIT_SPEC
    struct slice document;  // SUBMIT_DOCUMENT: a valid object without duplicate keys, laid out as it likes
                            // SUBMIT_SPEC: the text, not looked at
    uint64_t base_spec;     // SUBMIT_SPEC: the position of the spec that it was made of; -ESTALE if there is another
    uint32_t base_version;  // SUBMIT_DOCUMENT: -ESTALE if the entity has another version now
    struct slice when_text; // SUBMIT_ROLLBACK: `when` as it was written
    struct when when;

    const struct hook_order *hook; // SUBMIT_HOOK; in the arena
    // SUBMIT_ROWS: called on the writer's thread within the transaction. 0 or -errno, which undoes all of it.
    int (*write)(struct submission *, struct engine *);

    // who, for `rejected`
    uid_t uid;
    pid_t pid;
    struct slice path;  // relative to the tenant
    struct slice input; // of a refusal; empty: not shown

    // Called once, from the writer's thread, when the outcome is on stable storage. Owns the submission from then on.
    void (*answer)(struct submission *);
    void *context;

    // ---- the outcome
    int error; // 0 or -errno
    struct reason why;
    unsigned line;         // which value was refused, from 1; 0: none in particular
    uint32_t version;      // the entity's version after SUBMIT_DOCUMENT
    uint64_t spec;         // where the spec in force stands after SUBMIT_SPEC
    struct bytes receipts; // a line for each event, or one that tells the error
    struct rerun before;   // as it was when the submission was judged

    struct submission *next; // the writer's queue
};

struct submission *submission_new(enum submission_kind kind);
void submission_free(struct submission *s);
