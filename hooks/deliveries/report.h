// What people see of a receiver: its attempts, its dead letters, its status. Lines of JSON; nothing secret is in them.
#pragma once

#include "hooks/deliveries/queue.h"

// What is said of an event.
struct report_event {
    struct slice id, type, target;
};

// {"time","id","type","target","attempt","status","durationMs","error","next"}
void report_attempt(struct bytes *out, const struct report_event *event, unsigned attempt,
    const struct transfer_outcome *outcome, int64_t now_us, int64_t next_us);
// {"time","id","status","error"}
void report_error(struct bytes *out, struct slice id, const struct transfer_outcome *outcome, int64_t now_us);
// {"time","id","type","target","attempts","status","error","event"}; `line` is the event's own.
void report_dead(struct bytes *out, const struct outbox_dead *row, struct slice line);
// {"state","cursor","lag","oldestAge","pending","dead","delivered","attempts"[,"dropped"],"lastSuccess","lastError"
//  [,"until"]}
// `oldest_us` is the timestamp of the first event that is not done, 0 for none; `lag` events match and are not done.
void report_status(struct bytes *out, const struct queue *q, uint64_t lag, int64_t oldest_us, int64_t now_us);
