// A type of aggregates as the spec declares it, in the form of j17: the events that can happen to it, what their data
// must look like, and how they change the state.
//
//     "aggregate_types":{"order":{"events":{"was_placed":{
//         "schema":  {"type":"object","required":["total"]},          JSON Schema (schema.h); left out: any data
//         "handler": [{"set":{"target":"","value":"$.data"}}]}}}}     operations (tick.h); left out: a shallow merge
//
// Everything points into the arena it was read with.
#pragma once

#include "store/schema.h"
#include "store/tick.h"

struct aggregate_event {
    struct slice name;           // was_placed
    const struct schema *schema; // NULL: any data
    const struct tick *tick;     // NULL: a shallow merge
};

struct aggregate {
    struct slice name;
    struct slice folded;                  // in lower case
    const struct aggregate_event *events; // sorted by name
    uint32_t event_count;
};

// Reads the declaration of a type. `key` and `value` are valid JSON without duplicate keys. 0, -EINVAL with the reason,
// which begins with the path, or -ENOMEM.
int aggregate_read(struct aggregate *aggregate, struct slice key, struct slice value, const struct where *above,
    struct schema_reader *reader, struct reason *why);
// NULL when it is not declared.
const struct aggregate_event *aggregate_event(const struct aggregate *aggregate, struct slice type);
