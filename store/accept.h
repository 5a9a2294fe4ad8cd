// How an event comes into a transaction once nothing speaks against it.
#pragma once

#include "store/transaction.h"

// Adds an event (transaction_add), with words for what can still be wrong: -EMSGSIZE when the entity or the tenant is
// full.
int accept_event(struct transaction *tx, struct entity *e, struct event *event, uint64_t *position, struct reason *why);

// What reacts to events (hook.h), before one is added: it may refuse it (-EPERM with the reason), or put `data` in
// place of event->data.
int accept_before(
    struct transaction *tx, struct entity *e, struct event *event, struct bytes *data, struct reason *why);
// The same after it was added at a position. 0 or -errno.
int accept_after(struct transaction *tx, struct entity *e, struct event *event, uint64_t position);

// `Contact.Updated`, in the spelling of the tenant's first event of it; `out` has room for NAME_TYPE_MAX bytes. 0, or
// -EMSGSIZE when it would be too long.
int accept_type(struct transaction *tx, struct slice noun, const char *verb, char *out, struct slice *type);
