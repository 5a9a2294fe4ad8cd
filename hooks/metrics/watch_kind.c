// Watches as hooks of the store: how their files, and the scripts beside them, are named, checked and recorded, and
// what a change of one changes.
#include "hooks/handlers/handler.h"
#include "hooks/hooks.h"
#include "hooks/metrics/metrics.h"
#include "hooks/metrics/watch_list.h"
#include "store/json.h"

#include <errno.h>

#define WATCHES_MAX     1000u
#define DEFINITION_MAX  ((size_t)64 << 10)
#define SCRIPT_TEXT_MAX ((size_t)256 << 10)

static struct watch_list *list_of(void *self)
{
    return ((struct reaction *)self)->watches;
}

static struct handlers *handlers_of_self(void *self)
{
    return ((struct reaction *)self)->handlers;
}

// NAME, be it of NAME.json or of NAME.js.
static bool watch_name(struct slice name, struct slice *stem)
{
    if (!hook_stem(&watch_kind, name, stem))
        return false;
    if (hook_is_script(&watch_kind, name))
        stem->size -= strlen(watch_kind.script);
    return true;
}

static int names(struct slice name, struct reason *why)
{
    struct slice stem;
    bool plain = watch_name(name, &stem) && stem.size <= WATCH_NAME_MAX;
    for (size_t i = 0; plain && i < stem.size; i++)
        plain = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", stem.at[i]) && stem.at[i];
    return plain && stem.at[0] != '_' && stem.at[0] != '-'
               ? 0
               : reason_set(why, -EACCES,
                     "a watch's name has up to %u letters, digits, - and _, and begins with neither of these",
                     WATCH_NAME_MAX);
}

static int check(
    void *self, enum hook_change change, struct slice name, struct slice text, struct bytes *data, struct reason *why)
{
    struct watch_list *all = list_of(self);
    struct reason wrong = {0};
    struct slice stem;
    if (hook_is_script(&watch_kind, name))
        return handlers_check_script(handlers_of_self(self), change, name, text, data, why);
    watch_drop(all->checked);
    all->checked = NULL;
    if (!hook_stem(&watch_kind, name, &stem))
        return -EINVAL;
    if (change == HOOK_MADE && all->count >= WATCHES_MAX)
        return reason_set(why, -ENOSPC, "a tenant has at most %u watches", WATCHES_MAX);
    if (text.size > DEFINITION_MAX)
        return reason_set(why, -EINVAL, "the file has more than %zu bytes", DEFINITION_MAX);
    int error = watch_make(stem, text, &all->checked, &wrong);
    if (!error && !metrics_find(all->metrics, all->checked->watch.metric))
        error = reason_set(&wrong, -EINVAL, "there is no metric %.*s", SLICE_ARG(all->checked->watch.metric));
    if (error)
        return error == -EINVAL ? reason_set(why, error, "%.*s: %s", SLICE_ARG(name), wrong.text) : error;
    json_minify(data, text);
    return data->failed ? -ENOMEM : 0;
}

static int take(void *self, enum hook_change change, const struct hook_row *row)
{
    struct watch_list *all = list_of(self);
    struct watch_in_force *fresh = all->checked;
    if (hook_is_script(&watch_kind, row->name))
        return handlers_take(handlers_of_self(self), change, row);
    if (change == HOOK_CONFIRMED)
        return 0;
    all->taken = true;
    all->was = all->now = NULL;
    for (size_t i = 0; i < all->count; i++)
        if (all->all[i]->number == row->number && !all->all[i]->retired) {
            all->was = all->all[i];
            all->was->retired = true;
        }
    if (change == HOOK_REMOVED)
        return 0;
    if (!fresh)
        return -EINVAL;
    fresh->number = row->number;
    fresh->fresh = true;
    pthread_mutex_lock(&all->lock);
    int error = watch_list_insert(all, fresh);
    pthread_mutex_unlock(&all->lock);
    if (error)
        return error;
    all->checked = NULL;
    all->now = fresh;
    return 0;
}

static int follow(void *self, struct transaction *tx, enum hook_change change, const struct hook_row *row)
{
    struct watch_list *all = list_of(self);
    if (change == HOOK_CONFIRMED || hook_is_script(&watch_kind, row->name))
        return 0;
    return watch_list_replace(all, tx, all->was, all->now);
}

const struct hook_kind watch_kind = {
    .folder = "watches",
    .extension = ".json",
    .script = ".js",
    .log = ".log",
    .noun = "Watch",
    .mode = 0644,
    .text_max = SCRIPT_TEXT_MAX,
    .names = names,
    .check = check,
    .take = take,
    .follow = follow,
};
