// What one event from outside sets off: handlers write events, which set off handlers. It is bounded in depth and in
// all.
#pragma once

#include "store/reason.h"

#include <stddef.h>

#define CASCADE_LEVELS     8u
#define CASCADE_EVENTS_MAX 1000u
#define CASCADE_BYTES_MAX  (size_t)(16 << 20)

struct cascade {
    unsigned level;      // of the event that is being reacted to: 0 for the one from outside
    unsigned events;     // that handlers wrote, also those that were undone
    size_t events_bytes; // their data
};

// A handler begins to write an event with so much data. 0, or -EDQUOT with the reason; then nothing is to be left.
int cascade_enter(struct cascade *cascade, size_t bytes, struct reason *why);
// It has written it, and all that followed from it.
void cascade_leave(struct cascade *cascade);
