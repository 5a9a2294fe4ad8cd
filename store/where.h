// Where in a document something stands, for people: `data.items[0].sku`. Whoever walks a document keeps the steps on
// the stack, each of which knows the one above it.
#pragma once

#include "store/arena.h"
#include "store/reason.h"

struct where {
    const struct where *above; // NULL: the document itself
    struct slice name;         // of the member, without quotes; .at NULL: an element
    size_t index;              // of the element
};

// Refuses what stands there: -EINVAL with the reason `path: words`, the beginning of the path left out where it would
// be too long.
__attribute__((format(printf, 3, 4))) int where_refuse(
    struct reason *why, const struct where *path, const char *format, ...);

// The text of a quoted string, kept in the arena. 0 or -ENOMEM.
int where_text(struct slice quoted, struct arena *arena, struct slice *text);
// A quoted key as a step's name: as it is written.
static inline struct slice where_name(struct slice key)
{
    return (struct slice){.at = key.at + 1, .size = key.size - 2};
}
