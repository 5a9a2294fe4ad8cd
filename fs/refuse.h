// What is refused although nobody wrote: a name that should be a filter and is none.
#pragma once

#include "fs/visit.h"

// Leaves a line in `rejected`, with the path of the name in a directory of the tenant, and answers what the lookup
// should: -ENOENT. Without memory only that.
int refuse_filter(struct visit *visit, const char *directory, struct slice name, const struct reason *why);
