// Kills a lake: lake [--rounds N] [--seed X] [--place PLACE]. Prints where the table is, which is left there: PLACE, or
// a directory beside the store. Each round appends some events, flushes, merges and lets go of old snapshots, and is
// ended by SIGKILL at a step of that, sometimes again in what puts it right; then the next one goes on. Every event
// must be in the table once, byte for byte, and nothing must lie about that no snapshot names.
#include "tests/bench/bench.h"
#include "tests/lake/rounds.h"

#define STEPS_MAX 90u
// Rounds after which the whole table is looked at.
#define CHECK_EVERY 10u

static const struct expire_policy policy = {.snapshots_kept = 5, .documents_kept = 10};

int main(int argc, char **argv)
{
    struct rounds r = {.compacts = true, .expires = &policy};
    const char *place = option_text(argc, argv, "--place");
    uint64_t rounds = option_number(argc, argv, "--rounds", 500);
    unsigned killed = 0;
    chance_state ^= option_number(argc, argv, "--seed", 1);
    check_ok = true;
    rounds_open(&r);
    if (place)
        snprintf(r.options.place, sizeof r.options.place, "%s", place);
    for (uint64_t i = 1; i <= rounds && check_ok; i++) {
        killed += rounds_run(&r, 1 + (unsigned)chance(40), 1 + (unsigned)chance(STEPS_MAX));
        if (i % 3 == 0)
            killed += rounds_run(&r, (unsigned)chance(3), 1 + (unsigned)chance(12));
        if (i % CHECK_EVERY && i != rounds)
            continue;
        CHECK(!rounds_run(&r, 1, 0));
        rounds_check(&r, true);
    }
    printf("{\"rounds\": %llu, \"killed\": %u, \"events\": %u, \"store\": \"%s\", \"table\": \"%s\"}\n",
        (unsigned long long)rounds, killed, r.appended, r.f.path, r.options.place);
    return check_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
