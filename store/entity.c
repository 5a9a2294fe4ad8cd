#include "store/entity.h"

#include <errno.h>
#include <stdlib.h>

static size_t hash_id(uint64_t id)
{
    return (size_t)(id * 0x9e3779b97f4a7c15u >> 20);
}

static void link_entity(struct entities *set, struct entity *e)
{
    struct entity **slot = &set->by_name[slice_hash(entity_name(e)) & (set->slot_count - 1)];
    e->next_by_name = *slot;
    *slot = e;
    slot = &set->by_id[hash_id(e->head.id) & (set->slot_count - 1)];
    e->next_by_id = *slot;
    *slot = e;
}

static bool grow(struct entities *set)
{
    struct entities larger = *set;
    larger.slot_count = set->slot_count ? set->slot_count * 2 : 64;
    larger.by_name = calloc(larger.slot_count, sizeof *larger.by_name);
    larger.by_id = calloc(larger.slot_count, sizeof *larger.by_id);
    if (!larger.by_name || !larger.by_id) {
        free(larger.by_name);
        free(larger.by_id);
        return false;
    }
    for (struct entity *e = set->newest; e; e = e->older)
        link_entity(&larger, e);
    free(set->by_name);
    free(set->by_id);
    *set = larger;
    return true;
}

static void free_entity(struct entity *e)
{
    state_drop(e->state);
    state_drop(e->next_state);
    free(e->pending);
    free(e);
}

void entities_free(struct entities *set)
{
    for (struct entity *e = set->newest, *older; e; e = older) {
        older = e->older;
        free_entity(e);
    }
    free(set->by_name);
    free(set->by_id);
    *set = (struct entities){0};
}

struct entity *entities_find(const struct entities *set, struct slice name)
{
    if (!set->slot_count)
        return NULL;
    struct entity *e = set->by_name[slice_hash(name) & (set->slot_count - 1)];
    while (e && !slice_equal(entity_name(e), name))
        e = e->next_by_name;
    return e;
}

struct entity *entities_find_id(const struct entities *set, uint64_t id)
{
    if (!set->slot_count)
        return NULL;
    struct entity *e = set->by_id[hash_id(id) & (set->slot_count - 1)];
    while (e && e->head.id != id)
        e = e->next_by_id;
    return e;
}

static void push_newest(struct entities *set, struct entity *e)
{
    e->newer = NULL;
    e->older = set->newest;
    if (set->newest)
        set->newest->newer = e;
    else
        set->oldest = e;
    set->newest = e;
}

static void unlink_use(struct entities *set, struct entity *e)
{
    *(e->newer ? &e->newer->older : &set->newest) = e->older;
    *(e->older ? &e->older->newer : &set->oldest) = e->newer;
}

struct entity *entities_add(struct entities *set, struct slice name, const struct head *head)
{
    if (set->count >= set->slot_count && !grow(set))
        return NULL;
    struct entity *e = calloc(1, sizeof *e + name.size);
    if (!e)
        return NULL;
    e->head = *head;
    e->name_size = (uint8_t)name.size;
    memcpy(e->name, name.at, name.size);
    link_entity(set, e);
    push_newest(set, e);
    e->counted_bytes = sizeof *e + name.size;
    set->bytes += e->counted_bytes;
    set->count++;
    return e;
}

void entities_remove(struct entities *set, struct entity *e)
{
    struct entity **link = &set->by_name[slice_hash(entity_name(e)) & (set->slot_count - 1)];
    while (*link != e)
        link = &(*link)->next_by_name;
    *link = e->next_by_name;
    link = &set->by_id[hash_id(e->head.id) & (set->slot_count - 1)];
    while (*link != e)
        link = &(*link)->next_by_id;
    *link = e->next_by_id;
    unlink_use(set, e);
    set->bytes -= e->counted_bytes;
    set->count--;
    free_entity(e);
}

void entities_use(struct entities *set, struct entity *e)
{
    if (set->newest != e) {
        unlink_use(set, e);
        push_newest(set, e);
    }
    size_t bytes =
        sizeof *e + e->name_size + state_bytes(e->state) + e->pending_room * sizeof *e->pending + 2 * sizeof(void *);
    set->bytes += bytes - e->counted_bytes;
    e->counted_bytes = bytes;
}

int entity_reserve_pending(struct entity *e, uint32_t more)
{
    uint32_t room = e->pending_room ? e->pending_room : 4;
    while (room < e->pending_count + more)
        room *= 2;
    if (room == e->pending_room)
        return 0;
    struct event_place *pending = realloc(e->pending, room * sizeof *pending);
    if (!pending)
        return -ENOMEM;
    e->pending = pending;
    e->pending_room = room;
    return 0;
}

void entity_add_pending(struct entity *e, const struct event_place *place)
{
    e->pending[e->pending_count++] = *place;
}

void entity_drop_pending(struct entity *e, uint32_t count)
{
    e->pending_count -= count;
    if (e->pending_count) {
        memmove(e->pending, e->pending + count, e->pending_count * sizeof *e->pending);
        struct event_place *smaller = realloc(e->pending, e->pending_count * sizeof *e->pending);
        if (smaller) {
            e->pending = smaller;
            e->pending_room = e->pending_count;
        }
        return;
    }
    free(e->pending);
    e->pending = NULL;
    e->pending_room = 0;
}
