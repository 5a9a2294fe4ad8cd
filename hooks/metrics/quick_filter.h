// Filters as most are: plain conditions on members of a state. They are told apart when a metric is defined, and looked
// up in a state that was taken apart once for all metrics, instead of going through its text for each of them. They say
// what the filter itself (event_filter.h) would, or that it must be asked. Any thread.
#pragma once

#include "hooks/event_filter.h"
#include "store/fields.h"

struct quick_condition;

struct quick_filter {
    const struct quick_condition *all;
    size_t count;
    bool is_whole; // the conditions are all of the filter; else nothing can be said
};

// Reads what of the filter is plain into the arena. 0 or -ENOMEM.
int quick_filter_read(struct quick_filter *quick, const struct event_filter *filter, struct arena *arena);

#define QUICK_UNKNOWN (-1)
// 1 or 0, or QUICK_UNKNOWN.
int quick_filter_holds(const struct quick_filter *quick, const struct fields *fields);
