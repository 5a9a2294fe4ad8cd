// What is done to the table besides flushes, by the same thread: small files are merged (compact.h), and behind that,
// once an hour, what is old goes (expire.h). When, and what is said of it.
//
// Some minutes after a flush that brought something; and now and then without one, as days end by themselves.
#pragma once

#include "hooks/lake/compact.h"
#include "hooks/lake/expire.h"

#define UPKEEP_BEHIND_FLUSH_US (5 * 60 * INT64_C(1000000))
#define UPKEEP_SELDOM_US       (3600 * INT64_C(1000000))

struct upkeep {
    struct compactor compactor;
    int64_t due_us;        // when it is to run next; 0: at once
    int64_t expire_due_us; // … and, behind the next run, expiry
    // Says what somebody should know, a line without its newline.
    void (*say)(void *context, const char *text);
    void *context;
};

// The table has more files than before.
void upkeep_flushed(struct upkeep *upkeep, int64_t now_us);
// Does what there is to do: 0, or as compact_run; *sum is what was done until then.
typedef int upkeep_some(
    struct upkeep *upkeep, struct committer *committer, int64_t now_us, struct compact_result *sum, struct reason *why);
// A part of it; when that is not all, it is due again at once, so that a flush can come first.
upkeep_some upkeep_step;
// All of it.
upkeep_some upkeep_run;
// Appends what was done, a line for people.
void upkeep_print(struct bytes *out, const struct compact_result *sum);

// What is old goes at once, by the usual policy. 0; -ENOENT: there is no table; others as expire.
int upkeep_expire(struct committer *committer, struct expired *done, struct reason *why);
void upkeep_print_expired(struct bytes *out, const struct expired *done);
