// What is refused although nobody wrote: a name that should be a filter and is none.
#pragma once

#include "fs/visit.h"

// Says why a name in a directory of the tenant is no filter, and answers -ENOENT for the lookup to end with. Programs
// look one name up several times, and shells look up what nobody meant: the same path is said once in ten seconds, and
// no more than 64 of them in that time. The thread of the requests.
int refuse_filter(struct visit *visit, const char *directory, struct slice name, const struct reason *why);
// Answers a lookup that ended with an error: what refuse_filter said becomes a line of `rejected` first.
void refuse_lookup(struct visit *visit, int error);
