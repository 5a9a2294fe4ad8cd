// What is refused although nobody wrote: a name that should be a filter and is none.
#pragma once

#include "fs/visit.h"

// Says why a name in a directory of the tenant is no filter, and answers -ENOENT for the lookup to end with.
int refuse_filter(struct visit *visit, const char *directory, struct slice name, const struct reason *why);
// Answers a lookup that ended with an error: what refuse_filter said becomes a line of `rejected` first.
void refuse_lookup(struct visit *visit, int error);
