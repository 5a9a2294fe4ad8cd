// A value in the language of ticks: one that stands there, or one that an event and the state say (tick.h).
// Read once, made anew for each event.
//
// A value points into the arena it was read with and never changes: any thread may make it.
#pragma once

#include "store/arena.h"
#include "store/envelope.h"
#include "store/where.h"

// A dotted path: the names of members, from the outside.
struct steps {
    const char **names; // terminated by zeros
    uint32_t count;
};

enum root { ROOT_DATA, ROOT_METADATA, ROOT_KEY, ROOT_TYPE, ROOT_STATE };

enum value_kind { VALUE_LITERAL, VALUE_PATH, VALUE_OBJECT, VALUE_ARRAY };

// A value in the making.
struct value {
    enum value_kind kind;
    struct slice text; // VALUE_LITERAL: without white space; VALUE_PATH: as it is written
    enum root root;    // VALUE_PATH
    struct steps steps;
    bool optional;
    struct slice key;          // of the member that it is, quoted
    const struct value *parts; // VALUE_OBJECT, VALUE_ARRAY
    uint32_t part_count;
};

// ---- reading; 0, -EINVAL with the reason, which begins with the path, or -ENOMEM

// `a.b.c`; an empty text is no step.
int steps_read(struct steps *steps, struct slice text, const struct where *at, struct arena *arena, struct reason *why);
int value_read(struct value *value, struct slice json, const struct where *at, struct arena *arena, struct reason *why);

// ---- making

struct making {
    const struct event *event;
    struct slice state;    // as it is now
    struct slice target;   // what the value is for, as people call it
    struct reason *misfit; // the first thing that did not fit; may be NULL
    struct bytes made;     // what of the event stands nowhere as JSON; the caller frees it
};

// Besides -ENOMEM:
enum { MAKING_LEFT_OUT, MAKING_FITS };

// Says why something does not fit, and answers MAKING_LEFT_OUT.
__attribute__((format(printf, 2, 3))) int making_misfits(struct making *making, const char *format, ...);

// Appends the value. MAKING_LEFT_OUT when a path leads nowhere or it would be larger than VALUE_BYTES_MAX: the start of
// it may have been appended then.
int value_make(const struct value *value, struct making *making, struct bytes *out);
#define VALUE_BYTES_MAX (size_t)(16 << 20)

// Where the steps lead to from a value, beginning with the one at `from`; false when nothing is there.
bool steps_follow(const struct steps *steps, struct slice json, uint32_t from, struct slice *found);
