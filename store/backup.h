// A copy of a whole store: each tenant as it was at one moment after the backup began, while writers write.
//
// The copy is a store like any other: it can be mounted, verified, or restored from. It is put in the place of an
// earlier one at once (stage.h). Copied are files; nothing is checked but that each can be opened and its last event
// read.
#pragma once

#include "store/reason.h"
#include "store/survey.h"

struct backup_progress {
    // What is copied, and how much of all, in bytes. May be NULL.
    void (*show)(void *context, const char *tenant, uint64_t done, uint64_t total);
    void *context;
};

struct backup_made {
    uint32_t tenants;
    uint64_t bytes;
    bool finished; // nothing was copied: an earlier restore had been cut off at its very end
};

// Of the store, mounted or not, into a directory that is empty, not there, or holds an earlier backup, which stays as
// it is until the new one is whole.
int backup_make(const char *store, const char *directory, const struct backup_progress *progress,
    struct backup_made *made, struct reason *why);
// The other way: into a directory that is empty or not there.
int backup_restore(const char *directory, const char *store, const struct backup_progress *progress,
    struct backup_made *made, struct reason *why);
