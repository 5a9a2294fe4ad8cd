#include "hooks/hooks.h"

#include "hooks/handler.h"

#include <errno.h>
#include <stdlib.h>

static const struct hook_kind *const kinds[] = {&handler_kind, &webhook_kind, NULL};

static void close_reaction(void *self)
{
    struct reaction *reaction = self;
    handlers_close(reaction->handlers);
    free(reaction);
}

static int open_reaction(void **self, struct tenant *tenant, struct engine *engine, struct reason *why)
{
    struct reaction *reaction = calloc(1, sizeof *reaction);
    if (!reaction)
        return -ENOMEM;
    int error = handlers_open(&reaction->handlers, tenant, engine, why);
    if (error) {
        close_reaction(reaction);
        return error;
    }
    *self = reaction;
    return 0;
}

static void settle(void *self, struct engine *engine, bool committed, size_t events)
{
    struct reaction *reaction = self;
    (void)events;
    handlers_settle(reaction->handlers, engine, committed);
}

const struct reactor hooks_reactor = {
    .kinds = kinds,
    .open = open_reaction,
    .close = close_reaction,
    .settle = settle,
};
