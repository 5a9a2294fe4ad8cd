// Changes the table, one snapshot at a time, so that each change comes in exactly once, whatever dies in between. Used
// by all that writes to it: flush, compaction, expiry.
//
//     load ─▶ settle ─▶ files are written, each noted before in the journal ─▶ commit ─▶ settle
//
//     commit: list of manifests ─▶ "commit" in the journal ─▶ catalog ─▶ DONE
//                 ▲                                             │ CONFLICT: load, does it still hold?
//                 └─────────────────────────────────────────────┘ UNKNOWN: load until it can be seen; the same
//
// What a lost answer may still bring about is decided by the parent snapshot: each attempt asserts one, so it can never
// come in once the table has moved on from that. Until then nothing that it names is removed.
//
// One thread; one committer a store, by the store's lock.
#pragma once

#include "hooks/lake/catalog.h"
#include "hooks/lake/journal.h"
#include "hooks/lake/layout.h"
#include "hooks/lake/manifest.h"
#include "hooks/lake/options.h"

#include <stdatomic.h>

struct committer {
    const struct lake_options *options;
    struct lake_catalog *catalog;
    struct lake_table table; // as it was loaded last; not before committer_load
    struct layout layout;    // the table's
    struct journal journal;
    char store[UUID_TEXT]; // whose events these are: `factfs.store` in the table's properties
    const atomic_bool *stop;
};

static inline struct slice committer_metadata(const struct committer *committer)
{
    return bytes_slice(&committer->table.metadata);
}

// `store` is the directory (NULL: nothing will be changed), `alphabet` that of its ids, by which it is known again;
// `stop` may be set by another thread, and is looked at wherever something waits. 0 or -errno with the reason.
int committer_open(struct committer *committer, const struct lake_options *options, const char *store,
    const char *alphabet, const atomic_bool *stop, struct reason *why);
void committer_close(struct committer *committer);

// Loads the table; makes it when there is none (`create`). 0; -ENOENT: there is none; -EXDEV with the reason: this is
// the table of another store, or another table than before, and nothing may be written to it; -ENOTSUP: it is one that
// this program does not write to; others: trying again may help.
int committer_load(struct committer *committer, bool create, struct reason *why);

// What the journal names is either in the table or removed, and the journal is empty. 0 also when that cannot be known
// yet: then all stays as it is. Others: trying again may help.
int committer_settle(struct committer *committer, struct reason *why);

// Gives the table what it lacks of the columns that are asked for. 0 or -errno as committer_commit.
int committer_evolve(struct committer *committer, struct reason *why);

// The properties that say how far a tenant's log is in the table: its last position, and the hash of that event.
#define POSITION_PROPERTY "factfs.position."
#define HASH_PROPERTY     "factfs.hash."
#define PROPERTY_MAX      96
// 0 when nothing of the tenant is in the table. -EIO when the table says nonsense.
int committer_position(const struct committer *committer, const char *tenant, uint64_t *position, struct reason *why);

struct commit_counts {
    int64_t files, rows, bytes;
};

// One change. Made by commit_begin, before its first file is written, then filled in.
struct commit {
    int64_t snapshot; // its id, of which the files may be named
    char id[UUID_TEXT];
    const char *operation; // append, replace, delete
    struct commit_counts added, removed;
    uint32_t partitions;     // that are changed; 0: not said
    struct bytes properties; // members to set, `"name":"text"`, joined by commas; may be empty, as the next
    struct bytes summary;    // members besides the usual

    // Called before each attempt, with the table as it is now. 0: the change may still be made; 1: it has been made;
    // -ESTALE: it must be made anew from its start; others end it.
    int (*holds)(void *context, struct committer *committer, struct reason *why);
    // Makes from the rows of the parent's list those of the new one, in the arena. Rows that are new have the
    // snapshot's id, and -1 for what only the attempt knows (sequence, min_sequence).
    int (*list)(void *context, const struct manifest *old, size_t old_count, struct arena *arena,
        struct manifest **rows, size_t *count, struct reason *why);
    void *context;
};

int commit_begin(struct committer *committer, struct commit *commit, const char *operation, struct reason *why);
void commit_clear(struct commit *commit);
#define COMMIT_AUTO __attribute__((cleanup(commit_clear))) struct commit

// 0: it is in the table, which is loaded as it is now. -ESTALE: `holds` said so. -EINPROGRESS: it could not be seen
// what became of it. -EBUSY: others were faster again and again. -ECANCELED: told to stop. Others: it is not in the
// table. In all these cases committer_settle decides, when the table has been loaded, on what was written.
int committer_commit(struct committer *committer, struct commit *commit, struct reason *why);

// A manifest of the change, of files by the table's layout as it was loaded last. 0 or -errno.
int committer_begin_manifest(const struct committer *committer, struct manifest_writer *writer);
// Ends and puts it, the `number`th of the change; the writer is cleared in any case. *row is what the new list says of
// it, in the arena. 0 or -errno with the reason.
int committer_end_manifest(struct committer *committer, const struct commit *commit, size_t number,
    struct manifest_writer *writer, struct arena *arena, struct manifest *row, struct reason *why);

// Puts a small file, noted in the journal before.
int committer_put(struct committer *committer, const char *key, struct slice content, struct reason *why);
// Changes the table without a new snapshot. 0: it is in force, and loaded. -EAGAIN: somebody else was first, or it
// cannot be seen: once loaded, the table says. Others: it is not in force.
int committer_change(struct committer *committer, struct slice requirements, struct slice updates, struct reason *why);

// The rows of a list of manifests by its full name.
int committer_list(struct committer *committer, struct slice list, struct arena *arena, struct manifest **rows,
    size_t *count, struct reason *why);
// The rows of the current snapshot's list of manifests; none when there is no snapshot.
int committer_manifests(
    struct committer *committer, struct arena *arena, struct manifest **rows, size_t *count, struct reason *why);
// Reads a manifest of the table.
int committer_manifest(
    struct committer *committer, const struct manifest *row, manifest_visit *visit, void *context, struct reason *why);

// ---- private to committer*.c
// The table was loaded, or has changed: is it ours, and what are its columns? As committer_load.
int committer_recognise(struct committer *committer, struct reason *why);
