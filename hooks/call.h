// One call of a handler: what set it off, and what it may do.
#pragma once

#include "hooks/convert.h"
#include "hooks/handler.h"
#include "store/transaction.h"

// What an event from outside may set off: events, and their bytes.
#define CALL_EVENTS_MAX 1000u
#define CALL_BYTES_MAX  (size_t)(16 << 20)
#define CALL_LEVELS     8u
#define CALL_LOG_BYTES  (size_t)(64 << 10)

struct call {
    struct handler *handler;
    struct transaction *tx;
    struct slice event;    // the event as JSON, for $.event
    struct slice event_id; // empty: it is not added yet
    struct slice actor;
    int64_t at_us;
    bool writes; // BEFORE only reads
    struct convert_numbers numbers;
    size_t log_bytes;
    // The expression that was compiled last, of $regex.
    struct bytes pattern;
    JSValue regex;
    JSValue event_value; // $.event, once it was asked for
};

// `$`, in the context of the call.
JSValue dollar_new(JSContext *context);
// Appends the state as a handler sees it: `$id` and the other members of the store's own, then the fields.
void dollar_print_state(
    const struct state *state, struct slice entity, uint32_t version, int64_t updated_at_us, struct bytes *out);
// What is kept of a context between calls is made here; once, before the first.
int dollar_prepare(JSContext *context);

// ---- of the tenant, across calls
// The level of the event that is being reacted to: 0 for one from outside.
unsigned handlers_level(const struct handlers *handlers);
// A handler begins to write an event: its level, and the count of those that one event from outside may set off.
// 0, or -EDQUOT with the reason. Then handlers_wrote must follow.
int handlers_writes(struct handlers *handlers, size_t bytes, struct reason *why);
void handlers_wrote(struct handlers *handlers);
