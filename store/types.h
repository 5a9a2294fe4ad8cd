// The types of events that a tenant has seen, numbered from 1 in their order, each in the spelling of its first event
// (A13). Kept in memory as a whole: at most TYPES_MAX of them. One thread adds; others may read a number once it was
// published, under the tenant's lock.
#pragma once

#include "store/bytes.h"

#define TYPES_MAX 65536u

struct types {
    struct slice *spellings; // [number - 1]
    uint32_t count, room;
    uint32_t *slots; // hash table of numbers; 0 is free
    uint32_t slot_count;
};

void types_free(struct types *types);
// The number of a type, letter case aside; 0 when it is new.
uint32_t types_find(const struct types *types, struct slice type);
// Adds a type. Its number, or 0 when there is no memory or the tenant has TYPES_MAX.
uint32_t types_add(struct types *types, struct slice spelling);
// Forgets all numbers above `count`.
void types_truncate(struct types *types, uint32_t count);
static inline struct slice types_spelling(const struct types *types, uint32_t number)
{
    return number && number <= types->count ? types->spellings[number - 1] : (struct slice){.at = "", .size = 0};
}
