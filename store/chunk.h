// A chunk is one row of the index of events by entity: up to 16 versions of one entity, where each stands in the log.
// Chunks are aligned: versions 1–16, 17–32 …, so the chunk of a version is computed, not searched. The last chunk of an
// entity is also its head: version, size of its stream and time of its last event follow from it.
//
// The row's blob, all numbers as LEB128 varints:
//     count | position | at_us | type | size      of its first event (at_us zig-zag)
//           | Δposition | Δat_us | type | size    of each further one
//     | 1                                         when a row with the entity's next versions follows
//     … and 4 bytes CRC-32C over all of it and the row's key and offset, little endian
// `size` counts the newline; `type` numbers the types of a tenant. That a row follows is said so that one which damage
// hides is missed: nothing else would tell that the last row that is found is not the last one. (Full rows of older
// files do not say it.)
#pragma once

#include "store/bytes.h"

#define CHUNK_EVENTS       16u
#define CHUNK_VERSION_BITS 27

struct event_place {
    uint64_t position;
    int64_t at_us;
    uint32_t size_bytes; // of its line, newline included
    uint32_t type;
};

struct chunk {
    uint64_t entity;
    uint32_t first; // version of events[0]
    uint32_t count;
    uint64_t offset; // of the first event in the entity's stream
    bool goes_on;    // there is a row behind it
    struct event_place events[CHUNK_EVENTS];
};

// The first version of the chunk that holds a version.
static inline uint32_t chunk_first(uint32_t version)
{
    return (version - 1) / CHUNK_EVENTS * CHUNK_EVENTS + 1;
}

// Row key of a chunk or a snapshot: entities in order, versions in order within.
static inline int64_t chunk_key(uint64_t entity, uint32_t version)
{
    return (int64_t)(entity << CHUNK_VERSION_BITS | version);
}

static inline uint64_t chunk_key_entity(int64_t key)
{
    return (uint64_t)key >> CHUNK_VERSION_BITS;
}

static inline uint32_t chunk_key_version(int64_t key)
{
    return (uint32_t)((uint64_t)key & ((1u << CHUNK_VERSION_BITS) - 1));
}

void chunk_encode(const struct chunk *chunk, struct bytes *out);
// Reads the blob into count, events and goes_on; entity, first and offset must be set by the caller. 0, or -EIO when it
// is damaged.
int chunk_decode(struct chunk *chunk, struct slice blob);

// The offset behind the chunk's last event in the entity's stream.
uint64_t chunk_end_offset(const struct chunk *chunk);
