// The tenant at a past moment: asof/WHEN/, whose directories are a view's (view.h). Its files are those of each
// entity's own asof.
#pragma once

#include "fs/tree.h"

// The inode of a WHEN in the tenant's asof/, and of an entity's directory then; as tree_lookup.
int moment_lookup(struct visit *visit, struct slice name, uint64_t *id, double *entry_timeout_s);
int moment_lookup_entity(struct visit *visit, struct slice name, uint64_t *id, double *entry_timeout_s);
// The next entity of then with an id of at least `offset`; as tree_next.
int moment_next(struct visit *visit, uint64_t offset, struct tree_entry *entry);
// The position of the last event that the visited entity had then.
int moment_last(struct visit *visit, uint64_t *position);
