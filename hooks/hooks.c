#include "hooks/hooks.h"

#include "hooks/handler.h"
#include "hooks/metrics.h"
#include "store/tenant.h"

#include <errno.h>
#include <stdlib.h>

static const struct hook_kind *const kinds[] = {
    &handler_kind, &webhook_kind, &metric_kind, &integration_kind, NULL};

static void close_reaction(void *self)
{
    struct reaction *reaction = self;
    handlers_close(reaction->handlers);
    metrics_close(reaction->metrics);
    free(reaction);
}

static int open_reaction(void **self, struct tenant *tenant, struct engine *engine, struct reason *why)
{
    struct reaction *reaction = calloc(1, sizeof *reaction);
    if (!reaction)
        return -ENOMEM;
    int error = handlers_open(&reaction->handlers, tenant, engine, why);
    if (!error && !tenant->rehearses)
        error = metrics_open(&reaction->metrics, tenant, engine, why);
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

static struct metrics *metrics_of(void *self)
{
    return ((struct reaction *)self)->metrics;
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

static int added(
    void *self, struct transaction *tx, struct entity *entity, const struct event *event, uint64_t position)
{
    struct metrics *metrics = metrics_of(self);
    return metrics ? metrics_added(metrics, tx, entity, event, position) : 0;
}

static void undone(void *self, uint64_t position)
{
    if (metrics_of(self))
        metrics_undone(metrics_of(self), position);
}

static int write_rows(void *self, struct transaction *tx, bool idle)
{
    int error = handlers_write(handlers_of(self), tx->reader.engine);
    return error ? error : metrics_write(metrics_of(self), tx, idle);
}

static bool pass(void *self, struct transaction *tx, int64_t budget_ns)
{
    return metrics_pass(metrics_of(self), tx, budget_ns);
}

static int tick(void *self, struct transaction *tx)
{
    return metrics_tick(metrics_of(self), tx);
}

static int64_t due_us(void *self)
{
    return metrics_due_us(metrics_of(self));
}

static void show(void *self, struct bytes *out)
{
    bytes_add_text(out, "\"handlers\":");
    handlers_show(handlers_of(self), out);
    bytes_add_text(out, ",\"metrics\":");
    metrics_show(metrics_of(self), out);
}

static void show_tenant(void *self, struct bytes *out)
{
    bytes_add_text(out, "\"alerts\":[],\"metrics\":");
    metrics_show_values(metrics_of(self), out);
}

static void settle(void *self, struct transaction *tx, bool committed)
{
    struct reaction *reaction = self;
    handlers_settle(reaction->handlers, tx->reader.engine, committed);
    metrics_settle(reaction->metrics, tx, committed);
}

const struct reactor hooks_reactor = {
    .kinds = kinds,
    .open = open_reaction,
    .close = close_reaction,
    .before = before,
    .after = after,
    .added = added,
    .undone = undone,
    .write = write_rows,
    .settle = settle,
    .pass = pass,
    .tick = tick,
    .due_us = due_us,
    .show = show,
    .show_tenant = show_tenant,
};
