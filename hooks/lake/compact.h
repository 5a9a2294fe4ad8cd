// Compaction: many small files of a tenant and a day become few, in one commit that changes no row, and a table's many
// manifests become few.
//
//     plan (plan.h) ─▶ merge each tenant and day (merge.h) ─▶ manifests that say so ─▶ commit (committer.h)
//
// Before each attempt to commit, the manifests that name the files must still be those of the table, and it must have
// no deletes: else the files that were written go, and the next compaction begins anew. The old files stay for those
// who read them; expiry removes them. One thread, that of the flush.
#pragma once

#include "hooks/lake/committer.h"

// So many manifests are made few. (DuckDB takes about 1 ms for each, whatever is in it.)
#define COMPACT_MANIFESTS 100u
// Those that are smaller are, too, when files are merged anyway.
#define COMPACT_MANIFEST_SMALL ((size_t)1 << 20)
// A manifest ends when it is so large, and one that is larger is left when manifests are made few.
#define COMPACT_MANIFEST_BYTES ((size_t)8 << 20)
// Files that cannot be merged are remembered, so many at most.
#define COMPACT_LEFT_MAX 1024u

// What is kept from one compaction to the next; {0} at first.
struct compactor {
    uint64_t left[COMPACT_LEFT_MAX]; // hashes of paths
    size_t left_count;
};

struct compact_result {
    uint64_t partitions, rows;
    uint64_t files_before, files_after;
    uint64_t bytes_before, bytes_after;
    uint64_t manifests_before, manifests_after; // of the table
    uint64_t left;                              // files that could not be merged
    bool more;                                  // there is more to do
    // Called for each of those that were found now, with its full name and what is wrong with it; may be NULL.
    void (*on_left)(void *context, struct slice path, const char *why);
    void *context;
};

// Merges what is worth it, up to 100 tenants and days. The table is loaded and the journal settled before and after. 0,
// also when there is nothing to do; -EXDEV and -ENOTSUP as committer_load; -ESTALE: others have changed the files
// meanwhile; -ECANCELED when told to stop; others: trying again may help.
int compact_run(struct compactor *compactor, struct committer *committer, int64_t now_us, struct compact_result *result,
    struct reason *why);
