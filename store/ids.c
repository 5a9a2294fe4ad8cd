#include "store/ids.h"

#include <errno.h>
#include <stdlib.h>

#define LIST_ROOM_MIN 256u

static void free_list(struct id_list *list)
{
    free(list->all);
    free(list->slots);
    *list = (struct id_list){0};
}

void ids_free(struct ids *ids)
{
    free_list(&ids->fresh);
    free_list(&ids->swept);
}

// The first free slot for a hash. What is added later lies behind what was added earlier, so the latest can be taken
// out by freeing its slot.
static uint32_t free_slot(const struct id_list *list, uint64_t hash)
{
    uint32_t slot = (uint32_t)hash & (list->slot_count - 1);
    while (list->slots[slot])
        slot = (slot + 1) & (list->slot_count - 1);
    return slot;
}

static int grow(struct id_list *list)
{
    struct id_list larger = *list;
    larger.room = list->room ? list->room * 2 : LIST_ROOM_MIN;
    larger.slot_count = larger.room * 2;
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    larger.all = larger.slots ? realloc(list->all, larger.room * sizeof *larger.all) : NULL;
    if (!larger.all) {
        free(larger.slots);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < larger.count; i++)
        larger.slots[free_slot(&larger, larger.all[i].hash)] = i + 1;
    free(list->slots);
    *list = larger;
    return 0;
}

static int add(struct id_list *list, uint64_t hash, uint64_t position)
{
    int error = list->count == list->room ? grow(list) : 0;
    if (error)
        return error;
    list->slots[free_slot(list, hash)] = list->count + 1;
    list->all[list->count++] = (struct id_place){.hash = hash, .position = position};
    return 0;
}

int ids_add(struct ids *ids, uint64_t hash, uint64_t position)
{
    return add(&ids->fresh, hash, position);
}

static void truncate_list(struct id_list *list, uint64_t position)
{
    while (list->count && list->all[list->count - 1].position > position) {
        uint32_t slot = (uint32_t)list->all[list->count - 1].hash & (list->slot_count - 1);
        while (list->slots[slot] != list->count)
            slot = (slot + 1) & (list->slot_count - 1);
        list->slots[slot] = 0;
        list->count--;
    }
}

void ids_truncate(struct ids *ids, uint64_t position)
{
    truncate_list(&ids->fresh, position);
}

static uint64_t find(const struct id_list *list, uint64_t hash, uint64_t below)
{
    uint64_t found = 0;
    if (!list->count)
        return 0;
    uint32_t slot = (uint32_t)hash & (list->slot_count - 1);
    for (; list->slots[slot]; slot = (slot + 1) & (list->slot_count - 1)) {
        const struct id_place *place = &list->all[list->slots[slot] - 1];
        if (place->hash == hash && place->position < below && place->position > found)
            found = place->position;
    }
    return found;
}

uint64_t ids_find(const struct ids *ids, uint64_t hash, uint64_t below)
{
    uint64_t found = find(&ids->fresh, hash, below);
    return found ? found : find(&ids->swept, hash, below);
}

static size_t list_bytes(const struct id_list *list)
{
    return list->room * sizeof *list->all + list->slot_count * sizeof *list->slots;
}

size_t ids_bytes(const struct ids *ids)
{
    return list_bytes(&ids->fresh) + list_bytes(&ids->swept);
}

// ---- sweeping

static int by_hash(const void *a, const void *b)
{
    // As the index orders them, whose integers have a sign.
    int64_t x = (int64_t)((const struct id_place *)a)->hash, y = (int64_t)((const struct id_place *)b)->hash;
    return (x > y) - (x < y);
}

int ids_sweep(struct ids *ids, uint64_t position, struct id_place **copy, size_t *count)
{
    struct id_list *list = &ids->fresh, later = {0};
    uint32_t kept = list->count;
    while (kept && list->all[kept - 1].position > position)
        kept--;
    *count = kept;
    *copy = malloc((kept + 1) * sizeof **copy);
    int error = *copy ? 0 : -ENOMEM;
    for (uint32_t i = kept; !error && i < list->count; i++)
        error = add(&later, list->all[i].hash, list->all[i].position);
    if (error) {
        free_list(&later);
        free(*copy);
        *copy = NULL;
        return error;
    }
    truncate_list(list, position);
    if (kept)
        memcpy(*copy, list->all, kept * sizeof **copy);
    ids->swept = *list;
    ids->fresh = later;
    return 0;
}

void ids_sort(struct id_place *places, size_t count)
{
    qsort(places, count, sizeof *places, by_hash);
}

void ids_drop_swept(struct ids *ids)
{
    free_list(&ids->swept);
}
