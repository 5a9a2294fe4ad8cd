// What one state, or one event, contributes to a metric: whether it counts, and with which number. It depends on the
// metric's definition and on what is looked at alone, so what was added can be taken away again.
#pragma once

#include "hooks/metrics/decimal.h"
#include "hooks/metrics/metric.h"
#include "store/fields.h"
#include "store/shown.h"

struct contribution {
    bool counts;
    struct slice text;            // of the number, as it stands in what was looked at; .at NULL: the metric only counts
    const struct decimal *number; // the same, as long as no other number of the subject is looked at; or NULL
};

// A state, or an event, as metrics look at it: made at most once, for all metrics that do. Whoever holds it fills in
// one of the two first members, sets the rest to zero, and calls subject_free.
struct subject {
    struct shown_state shown; // a state
    struct slice line;        // an event
    struct slice target;      // of the event
    struct bytes made;
    struct state *as_state; // the event as one
    struct fields fields;   // the state's, when has_fields
    bool has_fields;
    struct slice text; // the number that was read last
    struct decimal number;
    int fits; // 1, or 0: it has too many digits to be one
};

void subject_free(struct subject *subject);
#define SUBJECT_AUTO __attribute__((cleanup(subject_free))) struct subject

// No state at all (shown.state NULL), and one that is gone, contribute nothing. 0 or -ENOMEM.
int contribution_of_state(const struct metric_definition *d, struct subject *state, struct contribution *contribution);
// Of an event that the metric's patterns want.
int contribution_of_event(const struct metric_definition *d, struct subject *event, struct contribution *contribution);

static inline bool contribution_same(const struct contribution *a, const struct contribution *b)
{
    return a->counts == b->counts && slice_equal(a->text, b->text);
}
