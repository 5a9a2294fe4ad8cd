#include "store/day.h"

#include <errno.h>

#define US_PER_DAY (86400 * WHEN_US_PER_SECOND)
// From the first of January of the year 1 to that of 1970.
#define DAYS_BEFORE 719162

uint32_t day_of(int64_t at_us)
{
    int64_t day = at_us / US_PER_DAY - (at_us % US_PER_DAY < 0);
    return (uint32_t)(day + DAYS_BEFORE);
}

static int64_t day_start_us(uint32_t day)
{
    return ((int64_t)day - DAYS_BEFORE) * US_PER_DAY;
}

void day_name(char out[static DAY_NAME_SIZE], uint32_t day)
{
    char when[WHEN_TEXT_MAX];
    when_print(when, day_start_us(day));
    memcpy(out, when, 10);
    memcpy(out + 10, ".ndjson", 7);
}

int day_read_name(struct slice name, uint32_t *day)
{
    int64_t at_us;
    char spelled[DAY_NAME_SIZE];
    if (name.size != DAY_NAME_SIZE || when_parse_moment((struct slice){.at = name.at, .size = 10}, &at_us))
        return -EINVAL;
    *day = day_of(at_us);
    day_name(spelled, *day);
    return memcmp(spelled, name.at, DAY_NAME_SIZE) ? -EINVAL : 0;
}

int day_find(struct reader *reader, uint32_t day, struct day_part *part)
{
    struct event_row row;
    uint64_t before, last;
    struct log_end end = tenant_end(reader->tenant);
    int error = history_position_at(reader, day_start_us(day) - 1, &before);
    if (!error)
        error = history_position_at(reader, day_start_us(day + 1) - 1, &last);
    // What came in meanwhile is told next time.
    if (!error && last > end.position)
        last = end.position;
    if (error || last <= before)
        return error ? error : -ENOENT;
    error = history_event(reader, before + 1, &row);
    if (error)
        return error;
    *part = (struct day_part){
        .first_position = before + 1, .last_position = last, .offset = row.offset, .first_at_us = row.at_us};
    error = history_event(reader, last, &row);
    if (error)
        return error;
    part->size_bytes = row.offset + row.line.size + 1 - part->offset;
    part->last_at_us = row.at_us;
    part->closed = day_of(end.at_us) > day;
    return 0;
}

int day_from(struct reader *reader, uint64_t from, uint32_t *day)
{
    struct event_row row;
    uint64_t before;
    if (from > DAY_MAX)
        return -ENOENT;
    uint64_t end = tenant_end(reader->tenant).position;
    int error = history_position_at(reader, day_start_us((uint32_t)from) - 1, &before);
    if (error)
        return error;
    if (before >= end)
        return -ENOENT;
    error = history_event(reader, before + 1, &row);
    if (!error)
        *day = day_of(row.at_us);
    return error;
}
