// Moments: microseconds since 1970-01-01T00:00:00Z, and how people write them.
#pragma once

#include "store/bytes.h"

#include <time.h>

#define WHEN_TEXT_MAX      32
#define WHEN_US_PER_SECOND INT64_C(1000000)

// The second that a moment lies in, since 1970.
static inline int64_t when_second(int64_t at_us)
{
    return at_us / WHEN_US_PER_SECOND - (at_us % WHEN_US_PER_SECOND < 0);
}

// Of the Gregorian calendar, also before it was invented. `month`: 1 to 12.
unsigned when_days_in_month(unsigned year, unsigned month);

// The clock, UTC.
int64_t when_now_us(void);

// The steady clock (CLOCK_MONOTONIC), for how long things take and when to look again, in nanoseconds; and a moment of
// it as calls want it.
int64_t when_steady_ns(void);
struct timespec when_steady(int64_t at_ns);

// Prints `2026-01-16T09:30:00Z` with 0, 3 or 6 decimals, the fewest that hold the moment. Returns the length; no zero
// is written behind it. Years 0001 to 9999; others are cut to that range. Fast for moments of one day (the day is kept
// per thread).
size_t when_print(char out[static WHEN_TEXT_MAX], int64_t at_us);
// Appends it as a string of JSON.
void when_quote(struct bytes *out, int64_t at_us);

// Reads a moment: `YYYY-MM-DD`, `YYYY-MM-DDTHH:MM`, `…:SS`, `….f` (1 to 6 digits), each with `Z`, an offset (`+01:00`)
// or nothing (UTC). Nothing else: no lower case, no 24:00, no :60, no 30 February, years 0001 to 9999. 0 or -EINVAL.
int when_parse_moment(struct slice text, int64_t *at_us);
// Reads the timestamp of an event from elsewhere: a moment as above, with as many digits behind the point as its clock
// gave, of which six are kept. Not the last day of the year 9999: the clock must be able to go on. 0 or -EINVAL.
int when_parse_timestamp(struct slice text, int64_t *at_us);

// The name below asof/, or what is written to rollback.
enum when_kind {
    WHEN_MOMENT,  // at_us
    WHEN_AGO,     // ago_us: `90m-ago`, `2h-ago`, `7d-ago`; one spelling only (no leading zeros, not 0)
    WHEN_VERSION, // version: `v3`; one spelling only, 1 to 99999999
    WHEN_EVENT,   // id: `evt_…`, or any other id of 1 to 128 of [A-Za-z0-9._:-] that has none of the forms above
};
struct when {
    enum when_kind kind;
    int64_t at_us;
    int64_t ago_us;
    uint32_t version;
    struct slice id; // points into the text
};
// 0 or -EINVAL.
int when_parse(struct slice text, struct when *when);
