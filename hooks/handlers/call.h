// One call of a handler: what set it off, and what it may do.
#pragma once

#include "hooks/handlers/convert.h"
#include "hooks/handlers/handler.h"
#include "store/transaction.h"

#define CALL_LOG_BYTES (size_t)(64 << 10)

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
