#include "store/types.h"

#include "store/name.h"

#include <stdlib.h>

void types_free(struct types *types)
{
    types_truncate(types, 0);
    free(types->spellings);
    free(types->slots);
    *types = (struct types){0};
}

static uint32_t hash_of(struct slice type)
{
    char folded[NAME_TYPE_MAX];
    return (uint32_t)slice_hash((struct slice){.at = folded, .size = name_fold_case(folded, type)});
}

static bool same(struct slice a, struct slice b)
{
    return a.size == b.size && !strncasecmp(a.at, b.at, a.size);
}

uint32_t types_find(const struct types *types, struct slice type)
{
    if (!types->slot_count)
        return 0;
    uint32_t slot = hash_of(type) & (types->slot_count - 1);
    for (; types->slots[slot]; slot = (slot + 1) & (types->slot_count - 1))
        if (same(types->spellings[types->slots[slot] - 1], type))
            return types->slots[slot];
    return 0;
}

static void put_slot(struct types *types, uint32_t number)
{
    uint32_t slot = hash_of(types->spellings[number - 1]) & (types->slot_count - 1);
    while (types->slots[slot])
        slot = (slot + 1) & (types->slot_count - 1);
    types->slots[slot] = number;
}

static void put_all(struct types *types)
{
    memset(types->slots, 0, types->slot_count * sizeof *types->slots);
    for (uint32_t number = 1; number <= types->count; number++)
        put_slot(types, number);
}

static bool grow(struct types *types)
{
    uint32_t room = types->room ? types->room * 2 : 16;
    uint32_t *slots = calloc(room * 2, sizeof *slots);
    struct slice *spellings = realloc(types->spellings, room * sizeof *spellings);
    if (spellings)
        types->spellings = spellings;
    if (!slots || !spellings) {
        free(slots);
        return false;
    }
    free(types->slots);
    types->slots = slots;
    types->slot_count = room * 2;
    types->room = room;
    put_all(types);
    return true;
}

uint32_t types_add(struct types *types, struct slice spelling)
{
    if (types->count == TYPES_MAX || (types->count == types->room && !grow(types)))
        return 0;
    char *copy = malloc(spelling.size + 1);
    if (!copy)
        return 0;
    memcpy(copy, spelling.at, spelling.size);
    types->spellings[types->count++] = (struct slice){.at = copy, .size = spelling.size};
    put_slot(types, types->count);
    return types->count;
}

void types_truncate(struct types *types, uint32_t count)
{
    if (count >= types->count)
        return;
    while (types->count > count) {
        char *copy;
        memcpy(&copy, &types->spellings[--types->count].at, sizeof copy);
        free(copy);
    }
    put_all(types);
}
