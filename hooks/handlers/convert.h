// JSON that is recorded, and the values that JavaScript makes of it.
//
// Numbers of JavaScript are doubles. One that is read and does not fit into a double (12345678901234567890, 1e400) is
// remembered during the call: where the same double is written again, the text is written as it was read. If two
// different texts were read that are the same double, the double is written as JavaScript prints it. A BigInt is
// written as its digits.
#pragma once

#include "store/bytes.h"

#include <quickjs/quickjs.h>

#define CONVERT_NUMBERS   256
#define CONVERT_BYTES_MAX (size_t)(1 << 20)

struct convert_number {
    double number;
    struct bytes text;
    bool ambiguous;
};

// What was read in one call; {0} at first.
struct convert_numbers {
    struct convert_number *all; // up to CONVERT_NUMBERS
    unsigned count;
};

void convert_forget(struct convert_numbers *numbers);
// An exception of JavaScript when there is no memory.
JSValue convert_read(JSContext *context, struct convert_numbers *numbers, struct slice json);
// Are these the same to JavaScript: equal, or different only in numbers that are the same double?
bool convert_same(struct slice a, struct slice b);
// Appends the value as JSON, as JSON.stringify would, but that a number which JSON cannot hold is an error, as is what
// is longer than CONVERT_BYTES_MAX. What has no JSON (undefined, a function) appends nothing. With `patterns` a RegExp
// becomes {"$regex":…,"$flags":…}. 0, or -1 with an exception thrown.
int convert_write(
    JSContext *context, const struct convert_numbers *numbers, JSValueConst value, bool patterns, struct bytes *out);
