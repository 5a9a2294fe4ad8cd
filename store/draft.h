// A draft is an event as somebody wrote it, its form checked, not yet accepted. What it must agree with (versions,
// states, known ids) the writer judges later.
//
// What may be given: type; target, where the path does not say it; data; actor; metadata; id; version; and tenant, when
// it is the own. Anything else is a mistake (A1).
//
// An event that is imported has happened already: it must bring its timestamp, and may bring an id of any system, any
// tenant's name, which counts for nothing, and members of data that begin with `$`; its metadata guards nothing.
#pragma once

#include "store/arena.h"
#include "store/name.h"
#include "store/reason.h"

struct draft {
    struct name_type type; // text as it would be stored, if the tenant has not spelled it otherwise before
    struct slice target;
    struct slice actor;       // plain text
    struct slice data;        // an object without white space
    struct slice metadata;    // the same, or empty
    struct slice id;          // plain; empty when the store makes one
    int64_t at_us;            // when it happened, if it is imported
    uint32_t version;         // the version that this event must get; 0: any
    bool guards_length;       // metadata.previous_length was given:
    uint32_t previous_length; // the number of events that must stand before it
    unsigned line;            // counts from 1 within the write
};

// What the path and the calling process say of every event of a write.
struct draft_origin {
    struct slice tenant;
    struct slice entity; // empty at the tenant's append
    struct slice actor;  // who it is when the event does not say
    bool imports;        // events that happened elsewhere
};

// Reads one valid JSON value as an event. Everything the draft points to is copied into the arena.
// 0, -EINVAL with the reason, or -ENOMEM. `line` must be set by the caller.
int draft_read(struct draft *draft, struct slice value, const struct draft_origin *origin, struct arena *arena,
    struct reason *why);
