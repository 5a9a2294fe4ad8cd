// An entity and its state at a version, with all that is shown of it.
#pragma once

#include "store/history.h"

struct shown_state {
    uint64_t entity;
    struct slice name;
    uint32_t version;
    int64_t updated_at_us; // of that version's event
    const struct state *state;
};

// The state of an entity just after a position (0: now), which the caller drops; all but the name is set. `head` is
// where its history ends. 0, -ENOENT while it has no state, or -errno.
int shown_load(
    struct reader *reader, const struct head *head, uint64_t position, struct shown_state *shown, struct state **state);
