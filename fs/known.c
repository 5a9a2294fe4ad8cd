#include "fs/known.h"

#include "fs/node.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct entry {
    uint64_t id; // 0: free
    uint32_t count;
    bool asked; // by somebody else than the daemon
};

// Open addressing, linear probing, three quarters full at most.
struct known {
    pthread_mutex_t lock;
    struct entry *entries;
    size_t room, used;
    atomic_size_t queries; // entries of them
    bool full;             // an entry could not be added: everything counts as known from then on
};

struct known *known_open(void)
{
    struct known *known = calloc(1, sizeof *known);
    if (known)
        pthread_mutex_init(&known->lock, NULL);
    return known;
}

void known_close(struct known *known)
{
    if (!known)
        return;
    pthread_mutex_destroy(&known->lock);
    free(known->entries);
    free(known);
}

// Those of one open file each are not told of anything.
static bool is_told(uint64_t id)
{
    enum node_kind kind = node_of(id).kind;
    return !node_is_fresh(kind) && kind != NODE_STATUS;
}

static bool is_query(uint64_t id)
{
    enum node_kind kind = node_of(id).kind;
    return kind == NODE_QUERY || kind == NODE_QUERY_STREAM;
}

static size_t home(const struct known *known, uint64_t id)
{
    return (size_t)(id * 0x9e3779b97f4a7c15u >> 24) & (known->room - 1);
}

static struct entry *find(const struct known *known, uint64_t id)
{
    size_t at = home(known, id);
    while (known->entries[at].id && known->entries[at].id != id)
        at = (at + 1) & (known->room - 1);
    return &known->entries[at];
}

static bool resize(struct known *known, size_t room)
{
    struct known larger = {.entries = calloc(room, sizeof *larger.entries), .room = room};
    if (!larger.entries)
        return false;
    for (size_t i = 0; i < known->room; i++)
        if (known->entries[i].id)
            *find(&larger, known->entries[i].id) = known->entries[i];
    free(known->entries);
    known->entries = larger.entries;
    known->room = room;
    return true;
}

void known_add(struct known *known, uint64_t id, bool asked)
{
    if (!is_told(id))
        return;
    pthread_mutex_lock(&known->lock);
    if (known->used * 4 >= known->room * 3 && !resize(known, known->room ? known->room * 2 : 1024)) {
        known->full = true;
    } else {
        struct entry *entry = find(known, id);
        if (!entry->id) {
            known->used++;
            atomic_fetch_add(&known->queries, is_query(id));
        }
        entry->id = id;
        entry->count++;
        entry->asked |= asked;
    }
    pthread_mutex_unlock(&known->lock);
}

// Moves those that were pushed on by the removed entry back to where they are looked for.
static void close_gap(struct known *known, size_t gap)
{
    atomic_fetch_sub(&known->queries, is_query(known->entries[gap].id));
    known->entries[gap] = (struct entry){0};
    known->used--;
    for (size_t at = (gap + 1) & (known->room - 1); known->entries[at].id; at = (at + 1) & (known->room - 1)) {
        struct entry moved = known->entries[at];
        known->entries[at] = (struct entry){0};
        *find(known, moved.id) = moved;
    }
}

void known_forget(struct known *known, uint64_t id, uint64_t count)
{
    if (!is_told(id))
        return;
    pthread_mutex_lock(&known->lock);
    struct entry *entry = known->room ? find(known, id) : NULL;
    if (entry && entry->id) {
        entry->count -= count < entry->count ? (uint32_t)count : entry->count;
        if (!entry->count)
            close_gap(known, (size_t)(entry - known->entries));
        if (known->room > 4096 && known->used * 16 < known->room)
            resize(known, known->room / 4);
    }
    pthread_mutex_unlock(&known->lock);
}

size_t known_queries(struct known *known)
{
    return atomic_load_explicit(&known->queries, memory_order_relaxed);
}

bool known_has(struct known *known, uint64_t id)
{
    pthread_mutex_lock(&known->lock);
    bool has = known->full || (known->room && find(known, id)->asked);
    pthread_mutex_unlock(&known->lock);
    return has;
}

void known_each(struct known *known, void (*call)(void *context, uint64_t id), void *context)
{
    pthread_mutex_lock(&known->lock);
    uint64_t *ids = calloc(known->used + 1, sizeof *ids);
    size_t count = 0;
    for (size_t i = 0; ids && i < known->room; i++)
        if (known->entries[i].asked)
            ids[count++] = known->entries[i].id;
    pthread_mutex_unlock(&known->lock);
    for (size_t i = 0; i < count; i++)
        call(context, ids[i]);
    free(ids);
}
