// A filter over events, as a webhook may have it: the object of MongoDB's operators (operators.h), or a FILTER as the
// names below find/ (store/filter.h). Its paths begin at the event's own line, data.value or actor, and a value that is
// recorded as {"before","after"} is read as its `after`. Expressions are those of store/pattern.h in both.
#pragma once

#include "store/arena.h"
#include "store/filter.h"
#include "store/match.h"

struct event_filter {
    struct slice object; // one of them, or neither: everything passes
    struct filter find;
    bool has_find;
};

// Reads a valid JSON value; what it points to is copied into the arena. 0, -EINVAL with the reason, or -ENOMEM.
int event_filter_read(struct event_filter *filter, struct slice value, struct arena *arena, struct reason *why);
void event_filter_free(struct event_filter *filter);
static inline bool event_filter_is_open(const struct event_filter *filter)
{
    return !filter->object.size && !filter->has_find;
}
// 1 or 0, or -errno. The line must not lie in the reader's own memory.
int event_filter_holds(const struct event_filter *filter, struct reader *reader, struct slice line);

// ---- for whoever asks several filters about one event, or asks about a state

// Appends the event's line as filters see it. 0 or -ENOMEM.
int event_filter_plain(struct slice line, struct bytes *plain);
// Makes ready what is asked often: of a FILTER its expressions, else NULL. Close it by match_close, before the filter.
// 0 or -errno.
int event_filter_open(const struct event_filter *filter, struct match **match);
// Does what is shown so match, be it an event or a state? `object` is all of it. It follows no ids of other entities.
int event_filter_matches(
    const struct event_filter *filter, struct match *match, const struct shown_state *shown, struct slice object);
