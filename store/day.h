// The log of a tenant by days of UTC: each day that has events is a part of the stream.
//
// A day is a number, of days since the first of January of the year 1; its name is `2026-01-15.ndjson`. Events are in
// order of time, so a part ends when an event of a later day is there; until then it grows, be the day over or not: an
// import may still add to the last day that there is.
//
// As history.h: the reader's thread; 0 or -errno.
#pragma once

#include "store/history.h"

#define DAY_NAME_SIZE 17
// The last of the year 9999, behind which no timestamp lies.
#define DAY_MAX 3652058u

uint32_t day_of(int64_t at_us);
void day_name(char out[static DAY_NAME_SIZE], uint32_t day);
// The reverse; one spelling only. 0 or -EINVAL.
int day_read_name(struct slice name, uint32_t *day);

struct day_part {
    uint64_t first_position, last_position;
    uint64_t offset; // in the tenant's stream
    uint64_t size_bytes;
    int64_t first_at_us, last_at_us;
    bool closed; // it never changes again
};
// -ENOENT when the day has no event.
int day_find(struct reader *reader, uint32_t day, struct day_part *part);
// The first day that has an event, of those from a day on. -ENOENT behind the last.
int day_from(struct reader *reader, uint64_t from, uint32_t *day);
