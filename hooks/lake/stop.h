// Being told to stop: a flag that another thread sets, and that whatever takes long looks at. NULL: nobody sets it.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static inline bool stop_is_set(const atomic_bool *stop)
{
    return stop && atomic_load(stop);
}

// Waits so long; false when it is told to stop meanwhile.
bool stop_wait(const atomic_bool *stop, int64_t ms);
