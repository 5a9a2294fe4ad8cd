// The different values of a column, in the order in which they came, and which of them each is. A value is given as
// Parquet writes it PLAIN, so the dictionary page is what stands here. Owned by the caller; one thread.
#pragma once

#include "store/bytes.h"

#define DICTIONARY_BYTES_MAX   (512u << 10)
#define DICTIONARY_ENTRIES_MAX (1u << 16)

struct dictionary {
    struct bytes plain; // the entries, one behind the other
    uint32_t *ends;     // of each, in `plain`
    uint32_t count, room;
    uint32_t *slots; // hash table of entries + 1; 0 is free
    uint32_t slot_count;
    uint32_t last; // the entry that was found last
};

// The entry of a value, which is added when it is new. False, and nothing has changed, when it is full or there is no
// memory.
bool dictionary_find(struct dictionary *dictionary, struct slice value, uint32_t *entry);
// Forgets the values, keeps the room.
void dictionary_clear(struct dictionary *dictionary);
void dictionary_free(struct dictionary *dictionary);
