// Exact decimal comparison of JSON numbers as text, without a double: `1` = `1.0` = `10e-1`, and 1e400 is a number.
#pragma once

#include "store/bytes.h"

// -1, 0, 1 as a is less than, equal to or greater than b; both are JSON numbers. Exponents of more than 17 digits count
// as 10^17, with the sign kept (no text of 1 MiB can make up for such a difference).
int number_compare(struct slice a, struct slice b);
