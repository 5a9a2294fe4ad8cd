// Arrays that grow as they are filled.
#pragma once

#include <stdbool.h>
#include <stdlib.h>

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

// Makes room for one more element of an array; twice as much as there was, when it is full. False, and nothing has
// changed, when there is no memory.
#define GROW(all, count, room)                                                                                         \
    __extension__({                                                                                                    \
        size_t room_ = (room);                                                                                         \
        void *grown_ = grow_room((all), (count), &room_, sizeof *(all));                                               \
        if (grown_) {                                                                                                  \
            (all) = grown_;                                                                                            \
            (room) = (__typeof__(room))room_;                                                                          \
        }                                                                                                              \
        grown_ != NULL;                                                                                                \
    })
