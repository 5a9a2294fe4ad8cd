// A ledger gathers what the queues of one tenant want on disk (outbox.h) and brings it there by one submission, in a
// commit that it may share with appends. Filled by the thread of the deliveries; written and answered by the writer's.
#pragma once

#include "store/outbox.h"
#include "store/submission.h"

struct delivery;
struct tenant;
struct ledger_change;

struct ledger {
    struct submission *submission; // holds the memory of all changes
    struct ledger_change *first, **last;
    bool failed; // there was no memory: it must not be submitted
    uint32_t tenant;
    struct delivery *delivery; // whom the writer answers (delivery_answered)
    int error;                 // what became of it
    struct ledger *next;       // for whoever it is given back to
};

// NULL when there is no memory.
struct ledger *ledger_new(uint32_t tenant, struct delivery *delivery);
void ledger_free(struct ledger *ledger);
// Hands it to the writer; it is the writer's until it is answered. One that failed may be handed in again.
void ledger_submit(struct ledger *ledger, struct tenant *tenant);

// Each copies what it is given.
void ledger_put(struct ledger *ledger, const struct outbox_row *row);
void ledger_put_waiting(struct ledger *ledger, const struct outbox_waiting *row);
void ledger_drop_waiting(struct ledger *ledger, uint64_t hook, bool single, uint64_t entity, uint64_t position);
void ledger_drop_waiting_from(struct ledger *ledger, uint64_t hook, uint64_t position);
void ledger_put_dead(struct ledger *ledger, const struct outbox_dead *row);
void ledger_drop_dead(struct ledger *ledger, uint64_t hook, uint64_t position);
void ledger_revive(struct ledger *ledger, uint64_t hook);
void ledger_put_attempts(struct ledger *ledger, const struct outbox_attempts *row);
void ledger_drop_attempts(struct ledger *ledger, uint64_t hook, uint64_t number);
void ledger_forget(struct ledger *ledger, uint64_t hook);

static inline bool ledger_is_empty(const struct ledger *ledger)
{
    return !ledger->first;
}
