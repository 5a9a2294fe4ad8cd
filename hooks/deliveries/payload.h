// What a webhook sends about an event: the event, with the state that it led to as its data.
//     {"id","type","target","actor","timestamp","data":STATE[,"previous":OLD VALUES][,"metadata"],"tenant","version"}
// Of a deleted entity the state is its last one. `previous` has the old values of what the event changed. A snake_case
// event keeps its own data, and has no `previous`. Numbers and strings stay as they were written.
#pragma once

#include "store/history.h"

// Appends the body for the event with this line, which must not lie in the reader's own memory. 0 or -errno.
int payload_add(struct bytes *out, struct reader *reader, uint64_t entity, struct slice line);
