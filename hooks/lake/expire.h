// What the table no longer needs goes: old snapshots, the files that only they reached, old documents of metadata.
//
//     choose snapshots ─▶ note their files (removals.h) ─▶ commit remove-snapshots ─▶ … grace … ─▶ remove the files
//
// A file goes only when no snapshot of the table that is in force reaches it, and, where readers go by a hint, when the
// hint names that table. So a kill at any step costs files that stay a while longer, never one that is needed.
// One thread, that of the committer.
#pragma once

#include "hooks/lake/committer.h"

struct expire_policy {
    int64_t age_us;        // snapshots that are younger stay
    size_t snapshots_kept; // the last ones stay, however old
    size_t documents_kept; // of metadata, where the catalog leaves that to its clients
    int64_t grace_us;      // between the moment that a file is needed no more and its removal
};

#define EXPIRE_AGE_US   (INT64_C(24) * 3600 * 1000000)
#define EXPIRE_KEPT     100u
#define EXPIRE_GRACE_US (INT64_C(15) * 60 * 1000000)

static inline struct expire_policy expire_policy_usual(void)
{
    return (struct expire_policy){EXPIRE_AGE_US, EXPIRE_KEPT, EXPIRE_KEPT, EXPIRE_GRACE_US};
}

struct expired {
    uint64_t snapshots; // that are gone from the table
    uint64_t noted;     // files that may go after the grace
    uint64_t removed;   // files that went
};

// Carries the policy out, after committer_load and committer_settle; does nothing while the journal holds a change. 0;
// -ECANCELED: told to stop; other -errno with the reason: trying again may help. What was done is counted either way.
int expire(
    struct committer *committer, const struct expire_policy *policy, struct expired *expired, struct reason *why);
