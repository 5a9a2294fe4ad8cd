// Why something was refused, in words for people. It travels beside a -errno, from where the mistake is seen to the
// `rejected` file, the receipt or the terminal. A plain struct that the caller holds; only the first reason is kept.
#pragma once

#include <stdarg.h>
#include <stdio.h>

struct reason {
    char text[320];
};

// Sets the reason, if none is set yet, and returns `error` (a -errno), so that a refusal is one line:
//     return reason_set(why, -EINVAL, "unknown member \"%s\"", name);
// `why` may be NULL.
__attribute__((format(printf, 3, 4))) static inline int reason_set(
    struct reason *why, int error, const char *format, ...)
{
    if (why && !why->text[0]) {
        va_list args;
        va_start(args, format);
        vsnprintf(why->text, sizeof why->text, format, args);
        va_end(args);
    }
    return error;
}
