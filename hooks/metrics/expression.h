// A metric that is computed of others: numbers, names, + - * / ( ) and a minus before a value, as in
// `mrr / activeSubscriptions`.
//
// Read once. Never changes, and points into the arena it was read with: any thread may compute it.
#pragma once

#include "hooks/metrics/fraction.h"
#include "store/arena.h"
#include "store/reason.h"

#define EXPRESSION_NAME_MAX  63u
#define EXPRESSION_NAMES_MAX 64u
#define EXPRESSION_DEPTH_MAX 64u

struct expression_step;

struct expression {
    const struct slice *names; // that it uses, each once, as spelled
    size_t name_count;
    const struct expression_step *steps; // operands before their operators
    size_t step_count;
};

// Is it a metric's name: [A-Za-z][A-Za-z0-9_]{0,62}?
bool expression_is_name(struct slice name);

// 0, -EINVAL with the reason (`column 7: …`, counted in bytes from 1), or -ENOMEM.
int expression_read(struct expression *e, struct slice text, struct arena *arena, struct reason *why);

// `values` has one for each of the names, in their order. Null when one that is used is, or something is divided by 0.
// 0 or -ENOMEM.
int expression_compute(const struct expression *e, const struct fraction *const *values, struct fraction *result);
