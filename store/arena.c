#include "store/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define BLOCK_BYTES 4096

struct arena_block {
    struct arena_block *next;
    size_t used, room;
    alignas(max_align_t) char bytes[];
};

void *arena_get(struct arena *arena, size_t size)
{
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_block *block = arena->blocks;
    if (!block || block->room - block->used < size) {
        // Blocks double, so that a large request takes few of them.
        size_t room = block ? block->room * 2 : BLOCK_BYTES;
        if (room > 1 << 20)
            room = 1 << 20;
        if (room < size)
            room = size;
        struct arena_block *fresh = malloc(sizeof *fresh + room);
        if (!fresh)
            return NULL;
        *fresh = (struct arena_block){.next = block, .room = room};
        arena->blocks = block = fresh;
    }
    void *at = block->bytes + block->used;
    block->used += size;
    return at;
}

struct slice arena_copy(struct arena *arena, struct slice s)
{
    char *at = arena_get(arena, s.size ? s.size : 1);
    if (at && s.size)
        memcpy(at, s.at, s.size);
    return (struct slice){.at = at, .size = s.size};
}

void arena_free(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
}
