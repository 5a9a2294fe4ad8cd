#include "hooks/hooks.h"

#include "hooks/handlers/handler.h"
#include "hooks/metrics/metrics.h"
#include "hooks/metrics/watch_list.h"
#include "store/tenant.h"

#include <errno.h>
#include <stdlib.h>

static const struct hook_kind *const kinds[] = {
    &handler_kind, &webhook_kind, &metric_kind, &watch_kind, &integration_kind, NULL};

static void close_reaction(void *self)
{
    struct reaction *reaction = self;
    watch_list_close(reaction->watches);
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
    if (!error && !tenant->rehearses)
        error = watch_list_open(&reaction->watches, tenant, reaction->metrics, reaction->handlers, engine, why);
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

static struct watch_list *watch_list_of(void *self)
{
    return ((struct reaction *)self)->watches;
}

static int before(void *self, struct transaction *tx, struct entity *entity, const struct event *event,
    struct bytes *data, struct reason *why)
{
    struct watch_list *watches = watch_list_of(self);
    int error = watches ? watch_list_look_silently(watches, tx) : 0;
    return error ? error : handlers_before(handlers_of(self), tx, entity, event, data, why);
}

static int after(void *self, struct transaction *tx, struct entity *entity, uint64_t position)
{
    struct watch_list *watches = watch_list_of(self);
    // Alerts stand right behind the event, whatever handlers do then.
    int error = watches ? watch_list_look(watches, tx) : 0;
    return error ? error : handlers_after(handlers_of(self), tx, entity, position);
}

static int added(
    void *self, struct transaction *tx, struct entity *entity, const struct event *event, uint64_t position)
{
    struct metrics *metrics = metrics_of(self);
    if (!metrics)
        return 0;
    watch_list_added(watch_list_of(self));
    return metrics_added(metrics, tx, entity, event, position);
}

static void undone(void *self, uint64_t position)
{
    if (!metrics_of(self))
        return;
    metrics_undone(metrics_of(self), position);
    watch_list_undone(watch_list_of(self), position);
}

static int write_rows(void *self, struct transaction *tx, bool idle)
{
    int error = watch_list_look_silently(watch_list_of(self), tx);
    if (!error)
        error = watch_list_write(watch_list_of(self), tx->reader.engine);
    if (!error)
        error = handlers_write(handlers_of(self), tx->reader.engine);
    return error ? error : metrics_write(metrics_of(self), tx, idle);
}

static bool pass(void *self, struct transaction *tx, int64_t budget_ns)
{
    bool wanted = metrics_pass(metrics_of(self), tx, budget_ns);
    return watch_list_want(watch_list_of(self)) || wanted;
}

static int tick(void *self, struct transaction *tx)
{
    int error = watch_list_look(watch_list_of(self), tx);
    return error ? error : metrics_tick(metrics_of(self), tx);
}

static int64_t due_us(void *self)
{
    int64_t metrics_us = metrics_due_us(metrics_of(self)), watches_us = watch_list_due_us(watch_list_of(self));
    return metrics_us < watches_us ? metrics_us : watches_us;
}

// A watch must see what leaves a window.
static bool awaits(void *self)
{
    return watch_list_of(self)->count && metrics_due_us(metrics_of(self)) != INT64_MAX;
}

static void show(void *self, struct bytes *out)
{
    bytes_add_text(out, "\"handlers\":");
    handlers_show(handlers_of(self), out);
    bytes_add_text(out, ",\"metrics\":");
    metrics_show(metrics_of(self), out);
    bytes_add_text(out, ",\"watches\":");
    watch_list_show(watch_list_of(self), out);
}

static void show_tenant(void *self, struct bytes *out)
{
    bytes_add_text(out, "\"alerts\":");
    watch_list_show_alerts(watch_list_of(self), out);
    bytes_add_text(out, ",\"metrics\":");
    metrics_show_values(metrics_of(self), out);
}

void hooks_show_running(const struct tenant *tenant, struct bytes *out)
{
    const struct metrics *metrics = metrics_of(tenant->reaction);
    struct watch_list *watches = watch_list_of(tenant->reaction);
    bytes_add_text(out, "{\"alerts\":");
    if (watches)
        watch_list_show_running(watches, out);
    bytes_add_text(out, watches ? ",\"metrics\":" : "[],\"metrics\":");
    if (metrics)
        metrics_show_running(metrics, out);
    bytes_add_text(out, metrics ? "}" : "{}}");
}

static void settle(void *self, struct transaction *tx, bool committed)
{
    struct reaction *reaction = self;
    handlers_settle(reaction->handlers, tx->reader.engine, committed);
    metrics_settle(reaction->metrics, tx, committed);
    watch_list_settle(reaction->watches, committed);
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
    .awaits = awaits,
    .show = show,
    .show_tenant = show_tenant,
};
