// Brings what the logs have and the table has not into the table: a Parquet file for each tenant and day, and one
// commit that also says how far each of these logs is in the table now.
//
// Events of a tenant are in order of time, so each day is a stretch of its log; the files are written one after the
// other, and the log is read in pieces, between which nothing of it is held. A flush that has much to do makes several
// commits.
#pragma once

#include "hooks/lake/committer.h"
#include "store/store.h"

// A file ends when it is so large, and a commit when it has so many.
#define FLUSH_FILE_BYTES ((uint64_t)128 << 20)
#define FLUSH_FILES_MAX  512u

// How far a tenant is in the table, as a flush has found or left it.
struct flush_tenant {
    uint32_t number;
    uint64_t position;
    uint64_t size_bytes; // of its log up to there
};

struct flush_result {
    uint64_t files, rows, bytes;
    // Called for each tenant that was looked at, when it is known what of it is in the table; may be NULL.
    void (*tenant)(void *context, const struct flush_tenant *tenant);
    void *context;
};

// Appends what was done, a line for people.
void flush_print(struct bytes *out, const struct flush_result *result);

// Flushes these tenants, as far as they are by now. The table is loaded and the journal settled before and after. 0; an
// error of one tenant's log (-EIO, named) does not keep the others from being flushed; -EXDEV and -ENOTSUP as
// committer_load; -ENXIO with the reason: the table is ahead of a tenant's log, or of another log: nothing more may be
// written; -ECANCELED when told to stop.
int flush_run(struct committer *committer, struct store *store, const uint32_t *tenants, size_t count,
    struct flush_result *result, struct reason *why);
