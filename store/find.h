// The entities whose state matches a filter of find/, in the order of their ids, now or as things stood just after a
// position. Nothing is kept between two of them, so memory does not grow with their number; each is read at most once.
//
// Deleted entities have no state and match nothing. As history.h: one thread's; what is answered lives until the next
// call on the same find or its reader.
#pragma once

#include "store/match.h"

struct find;

// As match_open.
int find_open(struct find **find, struct reader *reader, const struct filter *filter, uint64_t position,
    bool (*stops)(void), struct reason *why);
void find_close(struct find *find);
static inline void find_close_at(struct find **find)
{
    find_close(*find);
}
#define FIND_AUTO __attribute__((cleanup(find_close_at))) struct find *

// The next one with an id of at least `from`: 1, 0 behind the last, -EINTR, or -errno.
int find_next(struct find *find, uint64_t from, struct shown_state *found);
// Is it this one? 1 or 0, or as above.
int find_is(struct find *find, uint64_t entity, struct shown_state *found);
