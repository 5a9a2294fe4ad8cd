// Memory that is given back all at once: what one request needs until it is answered. Nothing moves while it lives.
#pragma once

#include "store/bytes.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
};

// Aligned for any object; NULL when there is no memory.
void *arena_get(struct arena *arena, size_t size);
// A copy of the bytes; .at is NULL when there is no memory.
struct slice arena_copy(struct arena *arena, struct slice s);
void arena_free(struct arena *arena);
#define ARENA_AUTO __attribute__((cleanup(arena_free))) struct arena
