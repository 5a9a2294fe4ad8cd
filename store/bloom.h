// A set of hashes that answers "certainly not" for nearly all that are not in it, from one line of the cache: it spares
// a search on disk. It has one size, fit for some millions of hashes; with more of them it says "perhaps" more often,
// and is never wrong. Used by one thread.
#pragma once

#include "store/bytes.h"

#define BLOOM_BYTES (size_t)(4 << 20)

struct bloom {
    uint64_t *words; // NULL: not made
};

// 0 or -ENOMEM.
int bloom_make(struct bloom *bloom);
void bloom_free(struct bloom *bloom);
void bloom_add(struct bloom *bloom, uint64_t hash);
bool bloom_may_have(const struct bloom *bloom, uint64_t hash);
