// The entities that a tenant has in memory: those written lately, with their states, and all that the index on disk
// does not know yet. Everything else is read from disk when it is needed.
//
// An entity object belongs to its set. The set and all members marked (lock) are guarded by the tenant's lock; members
// marked (writer) belong to the writer thread, and only the writer removes objects.
#pragma once

#include "store/chunk.h"
#include "store/name.h"
#include "store/state.h"

// Where the history of an entity ends.
struct head {
    uint64_t id;         // a number of the entity within its tenant, given once
    uint32_t version;    // 0: it has no event
    uint64_t size_bytes; // of its stream
    uint64_t last_position;
    int64_t last_at_us;
    uint32_t snapshot_version; // of its latest snapshot, known when the state is; 0: none
    uint64_t since_bytes;      // what its stream has grown since that snapshot
};

struct entity {
    struct head head;    // (lock) as published
    struct state *state; // (lock) at head.version; NULL: not in memory

    struct head next;         // (writer) with the events of the running transaction
    struct state *next_state; // (writer)
    bool touched;             // (lock) next and next_state hold; it must stay

    struct event_place *pending; // (lock) places of the last pending_count versions, which the index on disk lacks
    uint32_t pending_count, pending_room;
    bool named;    // (lock) its name is in the index on disk
    bool reserved; // (lock) made by mkdir: it is shown although it has no event

    struct entity *next_by_name, *next_by_id; // (lock) chains of the hash tables
    struct entity *newer, *older;             // (lock) by last use
    size_t counted_bytes;                     // (lock) what `bytes` of the set counts for it
    uint8_t name_size;
    char name[];
};

struct entities {
    struct entity **by_name, **by_id; // (lock)
    size_t slot_count, count;         // (lock)
    struct entity *newest, *oldest;   // (lock)
    size_t bytes;                     // (lock) about what all of them occupy
};

static inline struct slice entity_name(const struct entity *e)
{
    return (struct slice){.at = e->name, .size = e->name_size};
}

// Must stay in memory: the index on disk does not have all of it, somebody reserved it, or the running transaction
// needs it.
static inline bool entity_pinned(const struct entity *e)
{
    return e->pending_count || e->reserved || e->touched || (e->head.version && !e->named);
}

void entities_free(struct entities *set);
struct entity *entities_find(const struct entities *set, struct slice name);
struct entity *entities_find_id(const struct entities *set, uint64_t id);
// Adds an entity that is not there. NULL when there is no memory.
struct entity *entities_add(struct entities *set, struct slice name, const struct head *head);
void entities_remove(struct entities *set, struct entity *e);
// Makes it the newest and counts its memory anew.
void entities_use(struct entities *set, struct entity *e);
// Makes room for `more` pending places. 0 or -ENOMEM.
int entity_reserve_pending(struct entity *e, uint32_t more);
// Adds the place of the next version; there must be room.
void entity_add_pending(struct entity *e, const struct event_place *place);
// Forgets the first `count` pending places: the index has them.
void entity_drop_pending(struct entity *e, uint32_t count);
// The version of pending[0].
static inline uint32_t entity_pending_first(const struct entity *e)
{
    return e->head.version - e->pending_count + 1;
}
