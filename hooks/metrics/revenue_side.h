// One subscription at one time, as the built-in metrics look at it: by its state and that of its price.
#pragma once

#include "hooks/metrics/decimal.h"
#include "hooks/metrics/revenue_links.h"
#include "store/transaction.h"

struct side {
    bool active;
    bool ended; // canceled or deleted
    struct decimal monthly;
};

void side_free(struct side *side);
#define SIDE_AUTO __attribute__((cleanup(side_free))) struct side

// Where states of prices are found: in a transaction, as they are by now; else as of a position. One of them may have
// another state instead.
struct prices_of {
    struct transaction *tx;
    struct reader *reader;
    uint64_t position;
    struct slice name; // of that one; empty: there is none
    struct state *instead;
};

// The state of an entity as of a position, which the caller drops; NULL: there was none. 0 or -errno.
int side_state(struct reader *reader, uint64_t entity, uint64_t position, struct state **state);
// What a state (NULL: there is none) says of the subscription; that it has a price is added to the links. 0 or -errno.
int side_read(struct revenue_links *links, uint64_t entity, const struct state *state, const struct prices_of *of,
    struct side *side);
