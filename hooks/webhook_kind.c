// Webhooks as hooks of the store: how their files are named, checked and recorded, and who hears of a change.
#include "hooks/hooks.h"
#include "hooks/webhook.h"

#include <errno.h>

#define TEXT_MAX ((size_t)64 << 10)

static int names(struct slice name, struct reason *why)
{
    struct slice stem;
    bool plain = hook_stem(&webhook_kind, name, &stem);
    for (size_t i = 0; plain && i < stem.size; i++)
        plain = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", stem.at[i]) != NULL;
    return plain && stem.at[0] != '_' && stem.at[0] != '-'
               ? 0
               : reason_set(
                     why, -EACCES, "a webhook's name has letters, digits, - and _, and begins with neither of these");
}

static int check(void *self, struct slice name, struct slice text, struct bytes *data, struct reason *why)
{
    struct webhook w;
    (void)self;
    struct reason wrong = {0};
    int error = webhook_read(&w, text, &wrong);
    if (error == -EINVAL)
        return reason_set(why, error, "%.*s: %s", SLICE_ARG(name), wrong.text);
    if (error)
        return error;
    webhook_free(&w);
    return webhook_mask(text, data);
}

static int take(void *self, enum hook_change change, const struct hook_row *row)
{
    struct webhook_news *news = &((struct reaction *)self)->webhooks;
    news->changed = true;
    if (change == HOOK_CONFIRMED && news->confirmed_count < WEBHOOK_NEWS_MAX)
        news->confirmed[news->confirmed_count++] = row->number;
    return 0;
}

static const struct hook_file files[] = {
    {.name = "deliveries", .mode = 0444, .question = FOLLOWER_ATTEMPTS},
    {.name = "dead", .mode = 0444, .question = FOLLOWER_DEAD},
    {.name = "status.json", .mode = 0444, .question = FOLLOWER_STATUS},
    {.name = "replay", .mode = 0200, .question = FOLLOWER_REPLAY},
    {.name = "secret", .mode = 0400, .question = FOLLOWER_SECRET},
    {0},
};

const struct hook_kind webhook_kind = {
    .folder = "webhooks",
    .extension = ".json",
    .files = files,
    .noun = "Webhook",
    .mode = 0600,
    .text_max = TEXT_MAX,
    .names = names,
    .check = check,
    .take = take,
};
