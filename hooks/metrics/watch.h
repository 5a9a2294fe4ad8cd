// A watch as its file defines it, and on which side of its threshold the metric is.
//
//     {"metric", "threshold", "direction": "above" or "below" or "cross", "severity", "action", "type"}
//     and for people: name, description
//
//     above    raised while the value is more than the threshold
//     below    raised while it is less
//     cross    raised anew each time that the value comes to the other side; stands while that is not the side on
//              which it was when the watch was saved
// Equal is neither side: an alert clears there, while `cross` keeps the side. So does null.
#pragma once

#include "hooks/metrics/fraction.h"
#include "store/arena.h"
#include "store/reason.h"

enum watch_direction { WATCH_ABOVE, WATCH_BELOW, WATCH_CROSS };

struct watch {
    struct slice type;     // of the alert; empty: the name of the file
    struct slice severity; // `high` when the file says nothing
    struct slice action;   // .at NULL: none
    struct slice metric;   // as spelled, as is the threshold
    struct slice threshold;
    struct fraction limit; // the threshold
    enum watch_direction direction;
    struct arena arena;
};

// Reads a definition. 0, -EINVAL with the reason, or -ENOMEM; then there is nothing to free.
int watch_read(struct watch *watch, struct slice text, struct reason *why);
void watch_free(struct watch *watch);
// Would both raise the same alert, and when?
bool watch_same(const struct watch *a, const struct watch *b);

// ---- how it stands

// {0}: nothing was seen yet.
struct watch_standing {
    int side;         // where the value was: -1 below the threshold, 1 above, 0 neither, or where there is no alert
    int home;         // of `cross`: the side that was seen first; 0: none yet
    int64_t since_us; // when it was raised last
};

enum watch_news { WATCH_QUIET, WATCH_RAISED, WATCH_RESOLVED };

bool watch_is_raised(const struct watch *watch, const struct watch_standing *standing);
// The metric has this value at a moment. 0 or -ENOMEM.
int watch_step(const struct watch *watch, struct watch_standing *standing, const struct fraction *value, int64_t at_us,
    enum watch_news *news);

// ---- the alert

// Appends {"type","severity","metric","value","threshold","action","since"}; the value is JSON.
void watch_print_alert(
    struct bytes *out, const struct watch *watch, struct slice name, struct slice value, int64_t since_us);
