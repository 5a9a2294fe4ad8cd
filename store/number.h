// Exact decimal comparison of JSON numbers as text, without a double: `1` = `1.0` = `10e-1`, and 1e400 is a number.
#pragma once

#include "store/bytes.h"

// -1, 0, 1 as a is less than, equal to or greater than b; both are JSON numbers. Exponents of more than 17 digits count
// as 10^17, with the sign kept (no text of 1 MiB can make up for such a difference).
int number_compare(struct slice a, struct slice b);

// Is it a whole number, however it is written (1.0, 10e-1)?
bool number_is_whole(struct slice number);
// A whole number that is not negative; those beyond UINT64_MAX count as it. False when it is another number.
bool number_count(struct slice number, uint64_t *count);

// The most digits that a sum may have.
#define NUMBER_SUM_DIGITS 1000

// Appends a + b, or a - b, exact, with as many decimals as the operand that has more of them (1.10 + 2 = 3.10) and
// without an exponent. False when it would have more than NUMBER_SUM_DIGITS digits, or there is no memory.
bool number_add(struct bytes *out, struct slice a, struct slice b, bool subtract);
