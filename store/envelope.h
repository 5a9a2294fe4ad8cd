// An event as it is recorded: one line of JSON, no white space outside of strings, keys in this order:
//     {"id":…,"type":…,"target":…,"actor":…,"timestamp":…,"data":{…},"tenant":…,"version":N[,"metadata":{…}]}
#pragma once

#include "store/bytes.h"

struct event {
    struct slice id;     // plain text, as all of these; none of them but the actor needs an escape
    struct slice type;   // in its stored spelling
    struct slice target; // the entity
    struct slice actor;
    int64_t at_us;
    struct slice data;     // an object, without white space
    struct slice metadata; // the same, or empty
    uint32_t version;
};

// Appends the line, without a newline.
void envelope_print(struct bytes *out, const struct event *event, struct slice tenant);
// Reads a line that envelope_print made; the slices point into it, but for an actor with escapes, which is decoded
// into `actor`. 0 or -EIO.
int envelope_read(struct slice line, struct event *event, struct bytes *actor);
