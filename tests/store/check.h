// What every C test shares: checks that go on and print what they saw, and a count at the end.
// A test program holds functions `static void name(void)`, and main() that calls TEST("behaviour in words", name).
#pragma once

#include "store/bytes.h"

#include <stdio.h>
#include <stdlib.h>

static int check_passed, check_failed;
static bool check_ok;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            check_ok = false;                                                                                          \
            printf("#   %s:%d: %s\n", __FILE__, __LINE__, #condition);                                                 \
        }                                                                                                              \
    } while (0)

#define CHECK_INT(actual, expected)                                                                                    \
    do {                                                                                                               \
        long long a_ = (long long)(actual), e_ = (long long)(expected);                                                \
        if (a_ != e_) {                                                                                                \
            check_ok = false;                                                                                          \
            printf("#   %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #actual, a_, e_);                          \
        }                                                                                                              \
    } while (0)

#define CHECK_TEXT(actual, expected)                                                                                   \
    do {                                                                                                               \
        struct slice a_ = (actual), e_ = slice_of(expected);                                                           \
        if (!slice_equal(a_, e_)) {                                                                                    \
            check_ok = false;                                                                                          \
            printf("#   %s:%d: %s is\n#     %.*s\n#   not\n#     %.*s\n", __FILE__, __LINE__, #actual, SLICE_ARG(a_),  \
                SLICE_ARG(e_));                                                                                        \
        }                                                                                                              \
    } while (0)

#define TEST(name, function)                                                                                           \
    do {                                                                                                               \
        check_ok = true;                                                                                               \
        function();                                                                                                    \
        printf("%s %s\n", check_ok ? "ok" : "not ok", name);                                                           \
        if (check_ok)                                                                                                  \
            check_passed++;                                                                                            \
        else                                                                                                           \
            check_failed++;                                                                                            \
        fflush(stdout);                                                                                                \
    } while (0)

static inline int check_end(const char *what)
{
    printf("# %s: %d passed, %d failed\n", what, check_passed, check_failed);
    return check_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
