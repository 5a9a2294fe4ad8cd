#include "hooks/lake/stop.h"

#include "store/when.h"

#define NS_PER_MS INT64_C(1000000)
#define STEP_NS   (50 * NS_PER_MS)

bool stop_wait(const atomic_bool *stop, int64_t ms)
{
    int64_t until_ns = when_steady_ns() + ms * NS_PER_MS;
    for (int64_t left_ns; !stop_is_set(stop) && (left_ns = until_ns - when_steady_ns()) > 0;)
        nanosleep(&(struct timespec){.tv_nsec = left_ns < STEP_NS ? left_ns : STEP_NS}, NULL);
    return !stop_is_set(stop);
}
