// Which files snapshots reach: their lists of manifests, the manifests, the data files. Names are kept as hashes of
// eight bytes, so a set may say that it has what it has not; whoever removes what is in none keeps a file too many
// then, and never loses one.
#pragma once

#include "hooks/lake/committer.h"

struct reach {
    uint64_t *slots; // 0: free
    size_t count, room;
    bool failed; // there was no memory: it may lack anything
};

void reach_clear(struct reach *reach);
#define REACH_AUTO __attribute__((cleanup(reach_clear))) struct reach

bool reach_has(const struct reach *reach, struct slice name);
// True when it was not in it.
bool reach_add(struct reach *reach, struct slice name);

// Called for each full name; anything but 0 ends the walk.
typedef int reach_visit(void *context, struct slice name);

struct reach_walk {
    struct reach *seen;         // what is in it is passed over; all else comes into it
    const struct reach *except; // passed over too, with all that hangs on it; NULL: nothing
    bool also_deleted;          // files that a manifest says are deleted, too
    reach_visit *visit;         // NULL: nothing but `seen` is wanted
    void *context;
};

// Walks through what a snapshot (as it stands in the metadata) reaches. 0 or -errno with the reason.
int reach_walk(struct committer *committer, struct slice snapshot, const struct reach_walk *walk, struct reason *why);

// Where readers go by a hint: sees to it that it names the table as it is loaded, which comes before anything is
// removed. 0 or -errno with the reason.
int reach_hint(struct committer *committer, struct reason *why);
// All that the table as it is loaded reaches. 0; -ECANCELED: told to stop; -errno with the
// reason.
int reach_table(struct committer *committer, struct reach *reach, struct reason *why);
// Removes a file that is not in `live`. *stays: it is. 0 or -errno with the reason.
int reach_remove(
    struct committer *committer, const struct reach *live, struct slice key, bool *stays, struct reason *why);
