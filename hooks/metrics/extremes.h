// The least, or the greatest, of numbers that come and go: of the values next to the extreme so many are kept, with how
// often each is there. When those are all gone, although others were there, the extreme is not known, and the numbers
// must be gone through anew. So memory is bounded, and numbers that come and go at random hardly ever lead to that.
#pragma once

#include "hooks/metrics/decimal.h"

#include <stddef.h>

#define EXTREMES_MAX 1024u

struct extreme {
    struct decimal number;
    uint64_t count;
};

struct extremes {
    bool greatest;       // else the least
    bool truncated;      // numbers further from the extreme than the first one kept are not known
    struct extreme *all; // towards the extreme, which is the last
    size_t count, room;
};

void extremes_free(struct extremes *e);
// 0 or -ENOMEM: then nothing has changed.
int extremes_add(struct extremes *e, const struct decimal *number);
// Takes away a number that was added.
void extremes_remove(struct extremes *e, const struct decimal *number);
// There were numbers, and which is the extreme is not known.
static inline bool extremes_lost(const struct extremes *e)
{
    return e->truncated && !e->count;
}
// The extreme; NULL when there is none, or it is not known.
static inline const struct decimal *extremes_first(const struct extremes *e)
{
    return e->count ? &e->all[e->count - 1].number : NULL;
}
