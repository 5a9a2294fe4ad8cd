// The directory log/ and its files, a day each (store/day.h).
#pragma once

#include "fs/tree.h"

// The inode of a day; as tree_lookup.
int day_lookup(struct visit *visit, struct slice name, uint64_t *id, double *entry_timeout_s);
// The next day of at least `offset`; as tree_next.
int day_next(struct visit *visit, uint64_t offset, struct tree_entry *entry);
// Attributes of the visited directory or day.
int day_attr(struct visit *visit, struct stat *attr, double *timeout_s);
