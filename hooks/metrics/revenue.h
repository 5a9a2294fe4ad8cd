// What the built-in metrics are computed of: sums over all subscriptions, as they are now and as they were 30 days ago.
//
//     events    1 ─────────────────────── lag ─────────────────────── end
//     states                    of then ──┘                of now ──┘
//
// Each subscription contributes by its state of now and its state just after the event `lag`, the last one that is 30
// days old. An event takes off what it contributed and adds what it does from now on; so does an event that becomes 30
// days old. A price that changes does so for all that have it; which those may be is remembered, up to a bound. Beyond
// it a price that changes lets all subscriptions be counted anew.
//
// Belongs to the metrics (metrics.h), whose journal takes back what is undone, and to the writer's thread.
#pragma once

#include "hooks/metrics/accumulator.h"
#include "hooks/metrics/revenue_links.h"
#include "store/transaction.h"

struct metrics;

enum revenue_sum {
    REVENUE_ACTIVE,       // active subscriptions
    REVENUE_MONTHLY,      // what they pay a month, in SUBSCRIPTION_PARTS
    REVENUE_ACTIVE_THEN,  // the same as of then
    REVENUE_MONTHLY_THEN, //
    REVENUE_CHURNED,      // those active then that are canceled or deleted now
    REVENUE_KEPT,         // what those active then pay a month now
    REVENUE_SUMS,
};

enum built_in { BUILT_IN_MRR, BUILT_IN_ACTIVE, BUILT_IN_CHURN, BUILT_IN_NRR, BUILT_INS };

struct revenue {
    struct accumulator sums[REVENUE_SUMS];
    uint64_t cursor; // the last entity that is counted, or METRIC_ALL
    uint64_t lag;
    int64_t lag_us; // when the event behind it was; INT64_MAX: there is none, INT64_MIN: not known
    bool behind;    // events have become old and are still to be looked at
    bool seen;      // there was a subscription; until then nothing has to be looked at
    struct revenue_links links;
};

extern const char *const revenue_names[BUILT_INS + 1]; // ends with NULL

// Do entities of this noun, in lower case, matter?
bool revenue_is_about(struct slice noun);

void revenue_open(struct revenue *revenue);
void revenue_close(struct revenue *revenue);
// Everything is counted, and nothing is lost.
bool revenue_is_whole(const struct revenue *revenue);
// Some of it is not known any more.
bool revenue_is_lost(const struct revenue *revenue);
// Begins to count from nothing.
void revenue_restart(struct metrics *metrics);
// 0 or -ENOMEM.
int revenue_value(const struct revenue *revenue, enum built_in which, struct fraction *value);

// An event was added to an entity of this noun, in lower case. 0 or -errno.
int revenue_added(
    struct metrics *metrics, struct transaction *tx, struct entity *entity, struct slice noun, uint64_t position);
// Counts what is not counted yet, and looks at what has become old; for some time. 0 or -errno.
int revenue_pass(struct metrics *metrics, struct transaction *tx, int64_t until_ns);
// When an event becomes old; INT64_MIN: something is to be done at once, INT64_MAX: nothing.
int64_t revenue_due_us(const struct revenue *revenue);

// ---- as text, to go on from

void revenue_print(const struct revenue *revenue, struct bytes *out);
// 0, -EINVAL or -ENOMEM.
int revenue_read(struct revenue *revenue, struct slice text);
// An entity of this noun has changed from one state to the other since then. 0 or -errno.
int revenue_changed(struct metrics *metrics, struct reader *reader, uint64_t entity, struct slice noun,
    struct slice name, const struct state *before, const struct state *after);
