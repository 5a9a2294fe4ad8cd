// The value of a metric: a fraction of two decimals, or null. Sums are over 1, averages over a count, and what is
// computed of other metrics stays exact until it is printed. Whatever is done with a null, or divided by 0, is null.
//
// A plain struct that the caller holds: {0} is null, and fraction_free gives its memory back. Any thread.
#pragma once

#include "hooks/metrics/decimal.h"

struct fraction {
    struct decimal over, under; // under is more than 0; null: both are 0
};

void fraction_free(struct fraction *f);
#define FRACTION_AUTO __attribute__((cleanup(fraction_free))) struct fraction

static inline bool fraction_is_null(const struct fraction *f)
{
    return decimal_is_zero(&f->under);
}

// All results: 0 or -ENOMEM, and what is to be set is undefined after an error. What is set must be none of the others.
// A result that would have too many digits (decimal.h) is null.

void fraction_clear(struct fraction *f); // becomes null
int fraction_copy(struct fraction *f, const struct fraction *from);
// A decimal number, as in JSON; null when its digits are too far from the point.
int fraction_read(struct fraction *f, struct slice number);
// over / under
int fraction_set(struct fraction *f, const struct decimal *over, const struct decimal *under);
int fraction_set_number(struct fraction *f, const struct decimal *number);

enum fraction_operation { FRACTION_ADD = '+', FRACTION_SUBTRACT = '-', FRACTION_MULTIPLY = '*', FRACTION_DIVIDE = '/' };
int fraction_compute(
    struct fraction *f, const struct fraction *a, enum fraction_operation operation, const struct fraction *b);
void fraction_negate(struct fraction *f);

// *order is -1, 0, 1 as a is less than, equal to or more than b; neither is null.
int fraction_compare(const struct fraction *a, const struct fraction *b, int *order);
// Are they the same value, or both null? 1, 0, or -ENOMEM.
int fraction_same(const struct fraction *a, const struct fraction *b);

// Appends it as a JSON number, or `null`: a number over 1 with all its digits, else as decimal_print_quotient does.
int fraction_print(struct bytes *out, const struct fraction *f);
