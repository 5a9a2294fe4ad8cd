// The steps of whatever changes the table, by name, so that tests can end the process at each of them.
#pragma once

// Called at each step; NULL, but in tests.
extern void (*lake_at_step)(const char *step);

static inline void lake_step(const char *step)
{
    if (lake_at_step)
        lake_at_step(step);
}
