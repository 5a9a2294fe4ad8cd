// Patterns of events, as hooks name what they want: Deal.Closed, Deal.*, *.created, A|B, order.was_placed, the id of an
// entity, or * for all; letter case aside. Any thread.
#pragma once

#include "store/filter.h"

// One alternative. `was_placed` may be an entity or a type of any noun: both are meant.
struct event_pattern {
    struct slice entity;  // this entity, or nothing
    struct filter filter; // these types, when has_filter
    bool has_filter;
};

struct event_patterns {
    bool is_for_all;
    struct event_pattern *all;
    size_t count;
};

// Adds the alternatives of a text. 0, -EINVAL with the reason, or -ENOMEM; what was added before stays.
int event_patterns_add(struct event_patterns *patterns, struct slice text, struct arena *arena, struct reason *why);
void event_patterns_free(struct event_patterns *patterns);
static inline bool event_patterns_none(const struct event_patterns *patterns)
{
    return !patterns->is_for_all && !patterns->count;
}

// Do they want an event of this type on this entity? `type` as stored.
bool event_patterns_want(const struct event_patterns *patterns, struct slice type, struct slice entity);
// The same, but `*` for a noun stands for none: does one that wants the event name its noun, or its entity?
bool event_patterns_name(const struct event_patterns *patterns, struct slice type, struct slice entity);
