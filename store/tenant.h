// An open tenant: its log, its index, its writer. Opened and closed by the store (store.h), which counts its users.
//
//     submit → queue → writer thread: judge, fold, commit → publish (under the lock) → observer → answers
//
// The writer thread owns the writing connection. Readers have connections of their own (history.h). What both need is
// in memory under `lock`, which is held for moments only and never while anything waits.
#pragma once

#include "store/engine.h"
#include "store/entity.h"
#include "store/sqid.h"
#include "store/submission.h"
#include "store/types.h"

#include <pthread.h>

struct writer;
struct reader;
struct tenant;

// Threads that read tenants, each with a connection of its own.
enum tenant_reader { TENANT_READER_REQUESTS, TENANT_READER_NOTIFIER, TENANT_READERS };

// Where a log ends, as committed.
struct log_end {
    uint64_t position;
    uint64_t size_bytes;
    int64_t at_us;           // of the last event
    int64_t entities_at_us;  // when the latest entity appeared
    uint64_t rejected_bytes; // size of `rejected`
    int64_t rejected_at_us;
};

// What a commit added to one entity.
struct committed {
    uint64_t entity;
    uint32_t first_version, last_version;
};

// Called from the writer's thread after a commit was published and before it is answered. Must not block.
typedef void tenant_observer(
    void *context, struct tenant *tenant, const struct committed *changes, size_t count, bool rejected);

struct tenant_options {
    uint32_t number;
    const char *name;
    const char *path; // of its file
    bool create;
    const struct sqids *sqids;
    tenant_observer *observer;
    void *observer_context;
};

struct tenant {
    uint32_t number;
    char name[64];
    char path[512];
    const struct sqids *sqids;

    pthread_mutex_t lock;
    struct log_end end;       // (lock)
    struct entities entities; // (lock), see entity.h
    struct types types;       // (lock); published up to what any published event names
    uint64_t rejected_base;   // `rejected` begins at this offset since the mount; constant
    uint64_t next_entity;     // (lock) the next free entity id
    unsigned reserved_count;  // (lock)
    int64_t answered_past_us; // (lock) the latest moment that somebody was told is past
    int64_t frontier_us;      // (lock) timestamps of the commit under way begin here; INT64_MAX: there is none

    struct writer *writer;
    struct reader *readers[TENANT_READERS]; // (history_reader) each belongs to its thread
};

int tenant_open(struct tenant **tenant, const struct tenant_options *options, struct reason *why);
// Commits and answers what was submitted, brings the index on disk up to the log, and stops the writer.
void tenant_close(struct tenant *tenant);

// Hands a submission to the writer, which owns it from now on and answers it. Any thread.
void tenant_submit(struct tenant *tenant, struct submission *submission);

struct log_end tenant_end(struct tenant *tenant);
// About what its entities occupy in memory, in bytes.
size_t tenant_memory(struct tenant *tenant);
static inline struct slice tenant_name(const struct tenant *tenant)
{
    return slice_of(tenant->name);
}

// Shows an entity's directory before its first event. 0, -EEXIST, -ENOSPC when there are too many, -ENOMEM.
int tenant_reserve(struct tenant *tenant, struct slice entity, uint64_t *id);
// Takes a reservation back. 0, -ENOENT, or -ENOTEMPTY when it has events.
int tenant_unreserve(struct tenant *tenant, uint64_t entity);
// The reserved entity with the smallest id of at least `from`. 0 or -ENOENT.
int tenant_reserved_from(
    struct tenant *tenant, uint64_t from, uint64_t *entity, char name[static NAME_ENTITY_MAX], size_t *size);

// The clock of a tenant: never behind its last event, and a moment that was told to be past stays so (E2).
// True when the moment is past: every event up to it is committed.
bool tenant_is_past(struct tenant *tenant, int64_t at_us);
