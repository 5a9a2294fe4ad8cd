// How an event comes into a transaction once nothing speaks against it.
#pragma once

#include "store/transaction.h"

// Adds an event (transaction_add), with words for what can still be wrong: -EMSGSIZE when the entity or the tenant is
// full.
int accept_event(struct transaction *tx, struct entity *e, struct event *event, uint64_t *position, struct reason *why);

// `Contact.Updated`, in the spelling of the tenant's first event of it; `out` has room for NAME_TYPE_MAX bytes. 0, or
// -EMSGSIZE when it would be too long.
int accept_type(struct transaction *tx, struct slice noun, const char *verb, char *out, struct slice *type);
