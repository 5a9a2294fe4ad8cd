// Handlers: hooks/handlers/NOUN.VERB[.LABEL].js, a function in JavaScript that runs within the transaction of the
// events it is named after.
//
//     Deal.closing.js      BEFORE Deal.Closed: may refuse it or add to it
//     Deal.closed.js       AFTER it
//     order.was_placed.js  AFTER a snake_case event
//     *.created.audit.js   AFTER the Created of anything; `audit` is free text
//
// Belongs to the writer's thread of a tenant.
#pragma once

#include "hooks/script.h"
#include "store/hook.h"

struct handlers;

enum handler_time { HANDLER_BEFORE, HANDLER_AFTER };

struct handler {
    struct handlers *handlers;
    uint64_t number;
    struct bytes name;      // with its extension
    struct slice noun;      // as in the name; `*`: any
    struct slice verb;      // the same
    enum handler_time time; // a gerund is BEFORE
    struct script *script;
};

extern const struct hook_kind handler_kind;

int handlers_open(struct handlers **handlers, struct tenant *tenant, struct engine *engine, struct reason *why);
void handlers_close(struct handlers *handlers);
// The transaction has ended; undone: what was taken in it is forgotten.
void handlers_settle(struct handlers *handlers, struct engine *engine, bool committed);

// The parts of a handler's name. 0, or -EACCES with the reason.
int handler_read_name(
    struct slice name, struct slice *noun, struct slice *verb, enum handler_time *time, struct reason *why);
