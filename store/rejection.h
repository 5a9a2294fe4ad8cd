// A line of `rejected`: which write was refused, whose it was, and why.
//     {"time":…,"uid":N,"pid":N,"path":…,"errno":"ESTALE","reason":…[,"line":N][,"input":…]}
#pragma once

#include "store/submission.h"

#define REJECTION_INPUT_MAX 4096

// What is kept of an input to be shown.
static inline struct slice rejection_input(struct slice input)
{
    if (input.size > REJECTION_INPUT_MAX)
        input.size = REJECTION_INPUT_MAX;
    return input;
}

// Appends the line of a refused submission, without its newline.
void rejection_print(struct bytes *out, const struct submission *s);
// The receipt of a refused one: {"error":"ESTALE","reason":…[,"line":N]} and a newline.
void rejection_print_receipt(struct bytes *out, const struct submission *s);
// The name of an error, `ESTALE` for -ESTALE.
const char *rejection_error_name(int error);
