// Documents as they are shown: the state of an entity at a version, and what a tenant declares.
#pragma once

#include "fs/visit.h"

// The document of an entity at a version; lives until the next call. 0, -ENOENT when it has no state then, or -errno.
int document_show(struct visit *visit, uint64_t entity, uint32_t version, int64_t updated_at_us, struct slice *text);
// state.json or spec.json as it is now.
struct document {
    struct slice text; // lives until the next call
    uint64_t
        base; // what a new text is made of: the entity's version, or the position of the spec; set also with -ENOENT
    int64_t at_us; // of the last change; 0: there was none
};
// 0, -ENOENT when the entity has no state, or -errno.
int document_now(struct visit *visit, const struct node *node, struct document *document);
// The same for the event at a position.
int document_show_at(struct visit *visit, uint64_t position, struct slice *text);
