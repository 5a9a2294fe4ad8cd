#include "hooks/hooks.h"

#include "hooks/handler.h"

#include <errno.h>
#include <stdlib.h>

static const struct hook_kind *const kinds[] = {&handler_kind, &webhook_kind, &integration_kind, NULL};

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

static struct handlers *handlers_of(void *self)
{
    return ((struct reaction *)self)->handlers;
}

static int before(void *self, struct transaction *tx, struct entity *entity, const struct event *event,
    struct bytes *data, struct reason *why)
{
    return handlers_before(handlers_of(self), tx, entity, event, data, why);
}

static int after(void *self, struct transaction *tx, struct entity *entity, uint64_t position)
{
    return handlers_after(handlers_of(self), tx, entity, position);
}

static int write_rows(void *self, struct engine *engine)
{
    return handlers_write(handlers_of(self), engine);
}

static void show(void *self, struct bytes *out)
{
    bytes_add_text(out, "\"handlers\":");
    handlers_show(handlers_of(self), out);
}

static void settle(void *self, struct engine *engine, bool committed)
{
    struct reaction *reaction = self;
    handlers_settle(reaction->handlers, engine, committed);
}

const struct reactor hooks_reactor = {
    .kinds = kinds,
    .open = open_reaction,
    .close = close_reaction,
    .before = before,
    .after = after,
    .write = write_rows,
    .show = show,
    .settle = settle,
};
