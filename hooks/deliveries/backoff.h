// When a delivery that failed is tried again.
//     exponential   1 s, 2 s, 4 s … at most 1 h
//     fixed         5 s
//     a list        its seconds; the last one again and again, if more attempts are wanted
//     nothing       Standard Webhooks' schedule: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h
// Each is spread by a fifth either way, so that what failed together does not come back together.
#pragma once

#include <stdint.h>

#define BACKOFF_LIST_MAX     32u
#define BACKOFF_ATTEMPTS_MAX 100u
#define BACKOFF_DELAY_MAX_S  (7 * 86400)

enum backoff_kind { BACKOFF_STANDARD, BACKOFF_EXPONENTIAL, BACKOFF_FIXED, BACKOFF_LIST };

struct backoff {
    enum backoff_kind kind;
    unsigned max_attempts; // the first one counted
    unsigned count;        // of the list
    uint32_t list_ms[BACKOFF_LIST_MAX];
};

// As many attempts as a kind makes when nobody says.
unsigned backoff_attempts(enum backoff_kind kind, unsigned list_count);
// How long to wait after so many attempts, the last of which failed: milliseconds, or -1 when it was the last one.
// `random` is any number, evenly spread.
int64_t backoff_delay_ms(const struct backoff *backoff, unsigned attempts, uint32_t random);
