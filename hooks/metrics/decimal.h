// A decimal number, exact: what metrics add up. 0.1 + 0.2 is 0.3, and what is added and taken away again leaves
// nothing.
//
//     ±Σ limb[i] · 10^(9·(low + i)), each limb below 10^9; the first and the last one are not 0, and 0 has none
//
// A number is taken if no digit of it stands further than DECIMAL_PLACES places from the point, on either side; all
// that a double can be fits in there, to its last digit. So a sum of any such numbers, in any order, has a bounded
// size, and whether it can be made never depends on what it holds meanwhile. Only products can become too large
// (DECIMAL_LIMBS_MAX).
//
// A plain struct that the caller holds: {0} is 0, and decimal_free gives the memory of long ones back. Any thread.
#pragma once

#include "store/bytes.h"

#define DECIMAL_PLACES    1100
#define DECIMAL_LIMBS_MAX 1200u
#define DECIMAL_FEW       4u

struct decimal {
    bool negative;
    int32_t low;
    uint32_t count;
    uint32_t room;             // of `many`
    uint32_t few[DECIMAL_FEW]; // the limbs, the least one first, while `many` is NULL
    uint32_t *many;
};

void decimal_free(struct decimal *d);
#define DECIMAL_AUTO __attribute__((cleanup(decimal_free))) struct decimal

// All results: 0; -ENOMEM, or -ERANGE where said: then nothing has changed. What is changed must be none of the others.

// Becomes a JSON number; -ERANGE when that has digits too far from the point.
int decimal_read(struct decimal *d, struct slice number);
int decimal_set(struct decimal *d, uint64_t number); // always 0
int decimal_copy(struct decimal *d, const struct decimal *from);

int decimal_add(struct decimal *sum, const struct decimal *more);
int decimal_subtract(struct decimal *sum, const struct decimal *less);
// -ERANGE
int decimal_multiply(struct decimal *product, const struct decimal *a, const struct decimal *b);
// Divides by a small number that is not 0; what is left behind so many places is dropped.
int decimal_divide(struct decimal *d, uint32_t by, unsigned places);

static inline bool decimal_is_zero(const struct decimal *d)
{
    return d->count == 0;
}
// -1, 0, 1
int decimal_compare(const struct decimal *a, const struct decimal *b);

// Appends it as a JSON number, every digit of it: 48500, 0.3, 12345678901234567890, 1e400.
void decimal_print(struct bytes *out, const struct decimal *d);

// Appends over / under, which is not 0: exact if it has at most DECIMAL_QUOTIENT_DIGITS digits, else what a double next
// to it is printed as (1.6666666666666667). 0 or -ENOMEM.
int decimal_print_quotient(struct bytes *out, const struct decimal *over, const struct decimal *under);
#define DECIMAL_QUOTIENT_DIGITS 40
