// What a log adds up to, for people: events a day, by type, by actor. Its days are those of UTC.
#pragma once

#include "cli/tally.h"

struct day {
    uint32_t number; // as in store/day.h
    uint64_t events;
};

struct figures {
    uint64_t events, entities, bytes;
    int64_t first_at_us, last_at_us; // of the earliest and the latest event
    struct day *days;                // in their order, only those that have events
    size_t day_count, day_room;
    struct tally types, actors;
    struct bytes actor; // scratch
};

void figures_free(struct figures *figures);
// Counts an event by its line, without the newline. 0, -EBADMSG when it is none, -ENOMEM.
int figures_take(struct figures *figures, struct slice line);
// Before they are shown: brings types and actors into their order.
void figures_end(struct figures *figures);

struct figures_look {
    bool utc, colour, utf8;
    unsigned columns;
    unsigned days; // at most so many of the latest are shown, one a line
};
// Appends them for people.
void figures_show(const struct figures *figures, const char *name, const struct figures_look *look, struct bytes *out);
// Appends them as one line of JSON.
void figures_print(const struct figures *figures, const char *name, struct bytes *out);
