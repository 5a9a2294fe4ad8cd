// What the events of an entity add up to: the fold. A state never changes; it is shared by counting its holders, across
// threads.
//
//     Deleted                  the entity is gone
//     first event, Created     the data is the state
//     other PascalCase         a member of data that is {"before","after"} is set to `after`, or gone without one; so
//                              append records all of them. What an import brought is read by A9: "A -> B" on a string
//                              sets B, everything else is the new value
//     snake_case               what the spec in force says (tick.h), else a shallow merge
// Members that begin with `$`, which only an import brings, count for nothing.
#pragma once

#include "store/spec.h"

#include <stdatomic.h>

struct state {
    atomic_uint holders;
    bool alive;
    int64_t created_at_us; // of the latest Created, else of the first event
    struct slice created_by;
    struct slice noun;   // `Contact`; for snake_case the entity's own (`order`)
    struct slice fields; // an object without white space; empty when the entity is gone
    char text[];         // what the slices point into
};

// Makes a state of its parts, which are copied. NULL when there is no memory.
struct state *state_make(
    bool alive, int64_t created_at_us, struct slice created_by, struct slice noun, struct slice fields);
struct state *state_hold(struct state *state);
// NULL is no state.
void state_drop(struct state *state);
static inline void state_drop_at(struct state **state)
{
    state_drop(*state);
}
#define STATE_AUTO __attribute__((cleanup(state_drop_at))) struct state *
size_t state_bytes(const struct state *state);

// The state after an event; `before` is NULL for the first one, `spec` for a tenant that declares nothing. The event's
// data is as recorded. What does not fit changes nothing; the first of it is told in `misfit`, if that is not NULL.
// 0 or -ENOMEM.
int state_fold(const struct spec *spec, const struct state *before, const struct event *event, struct state **after,
    struct reason *misfit);

// What a member of an event's data says of its field. A9: an object whose only members are before and after is always
// a change; {} is a plain value.
struct state_change {
    bool is_pair;
    struct slice before, after; // .at is NULL: it is not among them
};
struct state_change state_read_change(struct slice value);

// Makes what is recorded of what was written: each member of `data`, a change of a living entity, becomes
// {"before","after"} (A8), be it a plain value, "A -> B" or the object itself (A9). Appends the object to `out`. 0,
// -ESTALE when a `before` does not hold, or -ENOMEM.
int state_record_change(const struct state *before, struct slice data, struct bytes *out, struct reason *why);

// Appends, as the data of an Updated event, what leads from the fields of a state to those of a document (members
// that begin with `$` aside). *changes counts its members. 0 or -ENOMEM.
int state_difference(const struct state *from, struct slice document, struct bytes *out, unsigned *changes);

// Appends the document's object without the members that begin with `$`.
void state_without_meta(struct slice document, struct bytes *out);

// Appends the state as one object without white space, the members of the document as they stand: a line of
// entities.ndjson, and what a handler sees.
void state_line(
    const struct state *state, struct slice entity, uint32_t version, int64_t updated_at_us, struct bytes *out);
// Appends the state as a document for people (D1), final newline included.
void state_show(
    const struct state *state, struct slice entity, uint32_t version, int64_t updated_at_us, struct bytes *out);
