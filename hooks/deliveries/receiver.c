#include "hooks/deliveries/receiver.h"

#include "hooks/deliveries/integration.h"
#include "hooks/deliveries/webhook.h"
#include "hooks/hooks.h"

#include <errno.h>
#include <stdlib.h>

static const struct {
    const struct hook_kind *hook;
    int (*read)(struct receiver **receiver, struct slice text, struct reason *why);
} folders[] = {
    {&webhook_kind, webhook_read},
    {&integration_kind, integration_read},
};
#define FOLDERS (sizeof folders / sizeof *folders)

const struct hook_kind *receiver_hook_at(size_t index)
{
    return index < FOLDERS ? folders[index].hook : NULL;
}

const struct hook_kind *receiver_hook(struct slice folder)
{
    for (size_t i = 0; i < FOLDERS; i++)
        if (slice_is(folder, folders[i].hook->folder))
            return folders[i].hook;
    return NULL;
}

int receiver_read(struct receiver **r, const struct hook_kind *hook, struct slice text, struct reason *why)
{
    size_t i = 0;
    while (folders[i].hook != hook)
        i++;
    return folders[i].read(r, text, why);
}

void receiver_free(struct receiver *r)
{
    if (!r)
        return;
    if (r->kind->free)
        r->kind->free(r);
    event_filter_free(&r->filter);
    free(r->url);
    arena_free(&r->arena);
    free(r);
}

int receiver_names(struct slice name, struct reason *why)
{
    struct slice stem;
    bool plain = hook_stem(&webhook_kind, name, &stem);
    for (size_t i = 0; plain && i < stem.size; i++)
        plain = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", stem.at[i]) != NULL;
    return plain && stem.at[0] != '_' && stem.at[0] != '-'
               ? 0
               : reason_set(why, -EACCES, "the name has letters, digits, - and _, and begins with neither of these");
}

int receiver_check(const struct hook_kind *hook, struct slice name, struct slice text, struct reason *why)
{
    struct receiver *receiver;
    struct reason wrong = {0};
    int error = receiver_read(&receiver, hook, text, &wrong);
    if (error == -EINVAL)
        return reason_set(why, error, "%.*s: %s", SLICE_ARG(name), wrong.text);
    if (!error)
        receiver_free(receiver);
    return error;
}

int receiver_take(void *self, enum hook_change change, const struct hook_row *row)
{
    struct receiver_news *news = &((struct reaction *)self)->receivers;
    news->changed = true;
    if (change == HOOK_CONFIRMED && news->confirmed_count < RECEIVER_NEWS_MAX)
        news->confirmed[news->confirmed_count++] = row->number;
    return 0;
}
