// What the threads of an open tenant share in memory: where its log ends, its entities, its types, its clock. Guarded
// by `lock`, which is held for moments only and never while anything waits.
#pragma once

#include "store/declared.h"
#include "store/engine.h"
#include "store/entity.h"
#include "store/ids.h"
#include "store/index.h"
#include "store/refused.h"
#include "store/sqid.h"
#include "store/submission.h"
#include "store/types.h"

#include <pthread.h>
#include <stdatomic.h>

struct writer;
struct reader;
struct reactor;
struct tenant;

// Threads that read tenants, each with a connection of its own.
enum tenant_reader {
    TENANT_READER_REQUESTS,
    TENANT_READER_NOTIFIER,
    TENANT_READER_SEARCH,
    TENANT_READER_FIND,
    TENANT_READER_DELIVERIES,
    TENANT_READER_LAKE,
    TENANT_READERS
};

// Where a log ends, as committed.
struct log_end {
    uint64_t position;
    uint64_t size_bytes;
    int64_t at_us;                  // of the last event
    unsigned char hash[CHAIN_SIZE]; // of the last event
    uint64_t entities;              // that have an event, deleted ones included
    int64_t changed_at_us;          // by the clock, when it was committed; of what was found at opening, at_us
    int64_t entities_at_us;         // when the latest entity appeared
    uint64_t rejected_bytes;        // size of `rejected`
    int64_t rejected_at_us;
};

// What a commit added to one entity.
struct committed {
    uint64_t entity;
    uint32_t first_version, last_version;
};

// Directories that mkdir made and no event has followed, at most.
#define TENANT_RESERVED_MAX 4096u

// So long after the last work a writer brings the index up to the log and gives memory back.
#define TENANT_REST_NS INT64_C(2000000000)

struct tenant {
    uint32_t number;
    char name[64];
    char path[512];
    const struct sqids *sqids;

    pthread_mutex_t lock;
    struct log_end end;           // (lock)
    struct entities entities;     // (lock), see entity.h
    struct ids ids;               // (lock); of the running transaction too
    struct types types;           // (lock); published up to what any published event names
    struct index index;           // (lock), see index.h
    struct declared declared;     // (lock), see declared.h
    uint64_t rejected_base;       // `rejected` begins at this offset since the mount; constant
    uint64_t next_entity;         // (lock) the next free entity id
    unsigned reserved_count;      // (lock)
    int64_t answered_past_us;     // (lock) the latest moment that somebody was told is past
    struct refused_hooks refused; // (lock), see refused.h
    int64_t frontier_us;          // (lock) timestamps of the commit under way begin here; INT64_MAX: there is none

    _Atomic uid_t owner;     // of the tenant: who declares its spec
    _Atomic int64_t rest_ns; // without work for so long, the writer rests (TENANT_REST_NS, but for tests)

    atomic_bool awaits;            // only time is needed for something to happen: it stays open although nobody uses it
    bool rehearses;                // opened to try something (rehearsal.h)
    const struct reactor *reactor; // (hook.h); NULL: nothing reacts
    void *reaction;                // its `self`

    struct writer *writer;
    struct reader *readers[TENANT_READERS]; // (history_reader) each belongs to its thread
};

// Nothing of a log is read here: that is for whoever opens the tenant (open.h).
void tenant_init(struct tenant *tenant, uint32_t number, const char *name, const char *path, const struct sqids *sqids);
void tenant_clear(struct tenant *tenant);

struct log_end tenant_end(struct tenant *tenant);
// About what its entities and ids occupy in memory, in bytes.
size_t tenant_memory(struct tenant *tenant);
static inline struct slice tenant_name(const struct tenant *tenant)
{
    return slice_of(tenant->name);
}

// Shows an entity's directory before its first event. It looks in memory alone: whoever calls has heard -ENOENT of
// history_head, and no other error, or the entity would begin a second history. 0, -EEXIST, -ENOSPC when there are too
// many, -ENOMEM.
int tenant_reserve(struct tenant *tenant, struct slice entity, uint64_t *id);
// Takes a reservation back. 0, -ENOENT, or -ENOTEMPTY when it has events.
int tenant_unreserve(struct tenant *tenant, uint64_t entity);
// The reserved entity with the smallest id of at least `from`. 0 or -ENOENT.
int tenant_reserved_from(
    struct tenant *tenant, uint64_t from, uint64_t *entity, char name[static NAME_ENTITY_MAX], size_t *size);

// The clock of a tenant: never behind its last event, and a moment that was told to be past stays so (E2).
// True when the moment is past: every event up to it is committed.
bool tenant_is_past(struct tenant *tenant, int64_t at_us);
