// Extended regular expressions (POSIX) whose time is bounded: text is read once, and each character costs at most the
// size of the expression. So no expression, however it was meant, takes long, as it may with those that try one way
// after the other. Characters are those of UTF-8.
//
//     a . [a-z] [^"] [[:digit:]] (…) x|y x* x+ x? x{2} x{2,} x{2,5} ^ $ \.
//
// Unanchored, case-sensitive. `\` makes a special character an ordinary one and stands before nothing else: there are
// no back references, which take any time, and no \d. Classes are those of ASCII.
//
// A pattern is used by one thread at a time.
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

// Counts in braces; and characters, sets and branches in all, with those of repetitions counted as often.
#define PATTERN_REPEAT_MAX 255
#define PATTERN_STEPS_MAX  500

struct pattern;

// 0, -EINVAL with the reason, -ENOMEM.
int pattern_compile(struct pattern **pattern, struct slice text, struct reason *why);
void pattern_free(struct pattern *pattern);
// 1 or 0; -EINTR when `stops`, which is asked now and then in a long text, says so.
int pattern_matches(struct pattern *pattern, struct slice text, bool (*stops)(void));
