#include "store/bloom.h"

#include <errno.h>
#include <stdlib.h>

// A hash sets PROBES bits of one block.
#define BLOCK_WORDS 8u
#define BLOCK_BITS  9u
#define BLOCKS      (BLOOM_BYTES / (BLOCK_WORDS * sizeof(uint64_t)))
#define PROBES      6u

int bloom_make(struct bloom *bloom)
{
    bloom->words = calloc(BLOCKS * BLOCK_WORDS, sizeof *bloom->words);
    return bloom->words ? 0 : -ENOMEM;
}

void bloom_free(struct bloom *bloom)
{
    free(bloom->words);
    bloom->words = NULL;
}

static uint64_t *block_of(const struct bloom *bloom, uint64_t hash)
{
    return bloom->words + hash % BLOCKS * BLOCK_WORDS;
}

// The bits within the block, BLOCK_BITS each, are independent of which block it is.
static uint64_t bits_of(uint64_t hash)
{
    return (hash ^ hash >> 29) * 0x9e3779b97f4a7c15u;
}

void bloom_add(struct bloom *bloom, uint64_t hash)
{
    uint64_t *block = block_of(bloom, hash), bits = bits_of(hash);
    for (unsigned i = 0; i < PROBES; i++, bits >>= BLOCK_BITS)
        block[bits >> 6 & (BLOCK_WORDS - 1)] |= UINT64_C(1) << (bits & 63);
}

bool bloom_may_have(const struct bloom *bloom, uint64_t hash)
{
    const uint64_t *block = block_of(bloom, hash);
    uint64_t bits = bits_of(hash);
    for (unsigned i = 0; i < PROBES; i++, bits >>= BLOCK_BITS)
        if (!(block[bits >> 6 & (BLOCK_WORDS - 1)] >> (bits & 63) & 1))
            return false;
    return true;
}
