// Metrics as hooks of the store: how their files are named, checked and recorded, and what a change of one changes.
#include "hooks/hooks.h"
#include "hooks/metrics/metrics.h"
#include "hooks/metrics/watch_list.h"
#include "store/json.h"

#include <errno.h>

#define METRICS_MAX 1000u

static struct metrics *metrics_of(void *self)
{
    return ((struct reaction *)self)->metrics;
}

static int names(struct slice name, struct reason *why)
{
    struct slice stem;
    return hook_stem(&metric_kind, name, &stem) && expression_is_name(stem)
               ? 0
               : reason_set(why, -EACCES,
                     "a metric's name begins with a letter and has letters, digits and _, up to %u", METRIC_NAME_MAX);
}

// Is there what an expression uses, and does none of that use the metric in turn?
static int check_names(struct metrics *all, const struct metric *fresh, struct reason *why)
{
    const struct expression *e = &fresh->definition.expression;
    const struct metric *now = metrics_find(all, slice_of(fresh->name));
    for (size_t i = 0; i < e->name_count; i++) {
        struct metric *used = metrics_find(all, e->names[i]);
        bool itself = slice_is(e->names[i], fresh->name);
        if (itself || (now && used && (used == now || metric_uses(all, used, now))))
            return reason_set(
                why, -EINVAL, "expression: %.*s is computed of %s itself", SLICE_ARG(e->names[i]), fresh->name);
        if (!used)
            return reason_set(why, -EINVAL, "expression: there is no metric %.*s", SLICE_ARG(e->names[i]));
    }
    return 0;
}

static int check(
    void *self, enum hook_change change, struct slice name, struct slice text, struct bytes *data, struct reason *why)
{
    struct metrics *all = metrics_of(self);
    struct reason wrong = {0};
    struct slice stem;
    metric_drop(all->checked);
    all->checked = NULL;
    if (!hook_stem(&metric_kind, name, &stem))
        return -EINVAL;
    if (change == HOOK_MADE && all->count >= METRICS_MAX + BUILT_INS)
        return reason_set(why, -ENOSPC, "a tenant has at most %u metrics", METRICS_MAX);
    int error = metric_make(all, stem, text, &all->checked, &wrong);
    if (!error)
        error = check_names(all, all->checked, &wrong);
    if (error)
        return error == -EINVAL ? reason_set(why, error, "%.*s: %s", SLICE_ARG(name), wrong.text) : error;
    json_minify(data, text);
    return data->failed ? -ENOMEM : 0;
}

static int take(void *self, enum hook_change change, const struct hook_row *row)
{
    struct metrics *all = metrics_of(self);
    struct metric *fresh = all->checked;
    if (change == HOOK_CONFIRMED)
        return 0;
    all->taken = true;
    for (size_t i = 0; i < all->count; i++)
        if (all->all[i]->number == row->number)
            all->all[i]->retired = true;
    metrics_list_changed(all);
    if (change == HOOK_REMOVED)
        return 0;
    if (!fresh)
        return -EINVAL;
    fresh->number = row->number;
    fresh->position = row->position;
    fresh->snapshot_us = row->at_us;
    fresh->fresh = true;
    pthread_mutex_lock(&all->lock);
    int error = metrics_insert(all, fresh);
    pthread_mutex_unlock(&all->lock);
    if (!error)
        all->checked = NULL;
    return error;
}

static int leave(void *self, struct slice name, struct reason *why)
{
    struct metrics *all = metrics_of(self);
    struct slice stem;
    const struct metric *m = hook_stem(&metric_kind, name, &stem) ? metrics_find(all, stem) : NULL;
    // What is built in comes back in its place.
    for (unsigned i = 0; m && i < BUILT_INS; i++)
        if (!strcmp(m->name, revenue_names[i]))
            return 0;
    for (size_t i = 0; m && i < all->count; i++)
        if (!all->all[i]->retired && metric_uses(all, all->all[i], m))
            return reason_set(why, -EBUSY, "%s is used by %s.json", m->name, all->all[i]->name);
    const struct watch_in_force *watch = m ? watch_list_at(((struct reaction *)self)->watches, m) : NULL;
    return watch ? reason_set(why, -EBUSY, "%s is watched by %s.json", m->name, watch->name) : 0;
}

const struct hook_kind metric_kind = {
    .folder = "metrics",
    .extension = ".json",
    .files = metric_files,
    .noun = "Metric",
    .mode = 0644,
    .text_max = (size_t)64 << 10,
    .built_in = revenue_names,
    .find_built_in = metric_find_built_in,
    .names = names,
    .check = check,
    .take = take,
    .leave = leave,
};
