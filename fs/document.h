// Documents as they are shown: the state of an entity at a version.
#pragma once

#include "fs/visit.h"

// The document of an entity at a version; lives until the next call. 0, -ENOENT when it has no state then, or -errno.
int document_show(struct visit *visit, uint64_t entity, uint32_t version, int64_t updated_at_us, struct slice *text);
// The same for the last version.
int document_show_now(struct visit *visit, uint64_t entity, uint32_t *version, struct slice *text);
// The same for the event at a position.
int document_show_at(struct visit *visit, uint64_t position, struct slice *text);
