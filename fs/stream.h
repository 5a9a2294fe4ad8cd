// A log that grows, by the inode that shows it: the tenant's, an entity's, or the refused writes. `follow` is the same
// log as the `stream` beside it.
#pragma once

#include "fs/visit.h"
#include "store/stream.h"

// Its size in bytes. 0 or -errno.
int stream_end(struct reader *reader, const struct node *node, uint64_t *end);
// What stands from an offset on; *got is less than `size` only at the end (history.h).
int stream_read(struct reader *reader, const struct node *node, struct stream_place *place, uint64_t offset, char *to,
    size_t size, size_t *got);
