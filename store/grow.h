// Arrays that grow as they are filled.
#pragma once

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline void *grow_room(void *all, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return all;
    size_t more = *room ? *room * 2 : 16;
    all = reallocarray(all, more, size);
    if (all)
        *room = more;
    return all;
}

static inline void *grow_room_to(void *all, size_t index, size_t *room, size_t size)
{
    size_t more = *room ? *room : 16;
    while (more <= index)
        more *= 2;
    if (more == *room)
        return all;
    all = reallocarray(all, more, size);
    if (all) {
        memset((char *)all + *room * size, 0, (more - *room) * size);
        *room = more;
    }
    return all;
}

#define GROW_BY(grow, all, at, room)                                                                                   \
    __extension__({                                                                                                    \
        size_t room_ = (room);                                                                                         \
        void *grown_ = grow((all), (at), &room_, sizeof *(all));                                                       \
        if (grown_) {                                                                                                  \
            (all) = grown_;                                                                                            \
            (room) = (__typeof__(room))room_;                                                                          \
        }                                                                                                              \
        grown_ != NULL;                                                                                                \
    })

// Makes room for one more element of an array; twice as much as there was, when it is full. False, and nothing has
// changed, when there is no memory.
#define GROW(all, count, room) GROW_BY(grow_room, all, count, room)
// The same for the element at an index; what is new is zero.
#define GROW_TO(all, index, room) GROW_BY(grow_room_to, all, index, room)
