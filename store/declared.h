// Which spec is in force where: each one from the event behind its Spec.Updated to the next Spec.Updated. So the past
// never changes: its events are folded as they were when they came.
//
// A tenant keeps where its specs begin and end, and those that were asked for lately, under its lock.
#pragma once

#include "store/spec.h"

struct reader;
struct tenant;
struct event_row;

#define DECLARED_KEPT 4

struct declared {
    uint64_t first, last; // positions of the first and the last one; 0: there is none
    struct {
        uint64_t position;
        struct spec *spec;
    } kept[DECLARED_KEPT];
    unsigned next; // to be overwritten
};

// ---- under the lock
// A spec was declared at a position. NULL: it will be read when it is asked for.
void declared_add(struct declared *declared, uint64_t position, struct spec *spec);
void declared_clear(struct declared *declared);

// ---- any reader
// A spec and the events it is in force for: those behind `from` up to `until`. {0} at first.
struct declared_span {
    struct spec *spec; // NULL: none
    uint64_t from, until;
};
void declared_span_end(struct declared_span *span);
#define DECLARED_SPAN __attribute__((cleanup(declared_span_end))) struct declared_span

// Moves a span to where it holds an event's position. 0, or -EIO when the spec's own event is damaged, or -errno.
int declared_at(struct reader *reader, uint64_t position, struct declared_span *span);
// The spec that an event declared; the caller drops it. 0, -EIO, which was logged, or -ENOMEM.
int declared_read(const struct tenant *tenant, const struct event_row *row, struct spec **spec);
// … the one at a position.
int declared_spec(struct reader *reader, uint64_t position, struct spec **spec);
// Where the spec in force for the next event was declared, as published; 0: there is none.
uint64_t declared_last(struct tenant *tenant);
