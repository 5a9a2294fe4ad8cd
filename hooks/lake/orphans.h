// Files below the table's place that nothing names: what others left there, or what was lost sight of. The journal sees
// to what this program's own kills leave (committer.h); this looks at all there is, on demand.
//
// A file is one when no snapshot reaches it, no change under way has noted it, it lies in data/ or metadata/ and is no
// document of metadata, and nobody has changed it for some time: others may be about to commit it. The committer's
// thread.
#pragma once

#include "hooks/lake/committer.h"

#define ORPHANS_GRACE_US (INT64_C(3) * 24 * 3600 * 1000000)

// Visits each, after committer_load; `remove` takes it away then. `visit` may be NULL; anything but 0 from it ends the
// search with that. 0; -ECANCELED: told to stop; -errno with the reason.
int orphans_find(struct committer *committer, int64_t grace_us, bool remove, objects_visit *visit, void *context,
    struct reason *why);

// The same, as lines for people: each file with its size, and how many there are.
int orphans_print(struct committer *committer, bool remove, struct bytes *out, struct reason *why);
