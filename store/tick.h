// A tick: how an event of an aggregate changes its state, as the spec says under `handler`. The language is j17's,
// which calls it so: operations, one after the other.
//
//     {"set":{"target":"status","value":"active"}}             a value for the target; "" is the whole state
//     {"merge":{"target":"","value":"$.data"}}                 the members of an object into the target's
//     {"append":{"target":"items","value":"$.data.item"}}      at the end of an array
//     {"append_unique":{"target":"tags","value":"$.data.tag"}} … unless an equal element is there
//     {"remove":{"target":"entries","where":{"id":"$.data.id"}}}   the elements whose members are equal to these
//     {"remove":{"target":"tags","value":"x"}}                 the elements that are equal to this
//     {"remove":{"target":"draft"}}                            the target itself
//     {"increment":{"target":"count"}}                         by 1, or by "value"; exact decimals; likewise decrement
//
// A target is a dotted path; what is missing on the way is made: objects, arrays, 0. A value is taken as it is, or is
// one of
//     $.data  $.data.x.y  $.metadata.actor.id  $.metadata.timestamp (whole seconds since 1970)  $.key (order:abc)
//     $.type
//     @.field   of the state as the operations before have left it
// also within an object or an array, and as {"$":"$.data.x"}. A path with ? at its end that leads nowhere leaves its
// operation out, or its member or element of a value.
//
// What does not fit (a path that leads nowhere, append to a text) leaves its operation out; an event that is appended
// is refused for it. So is what would make the state larger than TICK_STATE_MAX or deeper than TICK_DEPTH_MAX.
// The same event and state give the same new state, always.
//
// A tick points into the arena it was read with and never changes: any thread may run it.
#pragma once

#include "store/value.h"

#define TICK_STATE_MAX VALUE_BYTES_MAX
#define TICK_DEPTH_MAX 900

struct tick;

// Reads an operation or an array of them out of valid JSON without duplicate keys. 0, -EINVAL with the reason, which
// begins with the path, or -ENOMEM.
int tick_read(
    const struct tick **tick, struct slice value, const struct where *at, struct arena *arena, struct reason *why);

// Appends the fields, an object, behind an event. `fields`: those before it, `{}` for none. The first thing that did
// not fit is told in `misfit`, if that is not NULL. 0 or -ENOMEM.
int tick_run(
    const struct tick *tick, struct slice fields, const struct event *event, struct bytes *out, struct reason *misfit);
