// What a metric keeps of the numbers that count for it: enough to say their count, sum, average, least or greatest
// after any of them has gone again. Sums are exact, so nothing drifts.
#pragma once

#include "hooks/metrics/extremes.h"
#include "hooks/metrics/fraction.h"
#include "hooks/metrics/metric.h"

struct accumulator {
    enum metric_aggregate aggregate;
    bool lost; // what it holds cannot be told any more: what counts must be gone through anew
    uint64_t count;
    struct decimal sum;       // METRIC_SUM, METRIC_AVG
    struct extremes extremes; // METRIC_MIN, METRIC_MAX
};

// Empties it.
void accumulator_clear(struct accumulator *a, enum metric_aggregate aggregate);
// `number` is not looked at when they are only counted. 0 or -ENOMEM: then nothing has changed.
int accumulator_add(struct accumulator *a, const struct decimal *number);
int accumulator_remove(struct accumulator *a, const struct decimal *number);
// The same as `lost`, or its extreme is not known any more.
bool accumulator_is_lost(const struct accumulator *a);
// 0 or -ENOMEM.
int accumulator_value(const struct accumulator *a, struct fraction *value);

// Appends what it holds as text.
void accumulator_print(const struct accumulator *a, struct bytes *out);
// Takes what accumulator_print made; the rest of the text stays. 0, -EINVAL when it is none, or -ENOMEM.
int accumulator_read(struct accumulator *a, struct slice *text);
