// Webhooks as hooks of the store, and as receivers of the deliveries: the two tables.
#include "hooks/deliveries/webhook.h"
#include "hooks/hooks.h"

static int check(
    void *self, enum hook_change change, struct slice name, struct slice text, struct bytes *data, struct reason *why)
{
    (void)self, (void)change;
    int error = receiver_check(&webhook_kind, name, text, why);
    return error ? error : webhook_mask(text, data);
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
    .text_max = RECEIVER_TEXT_MAX,
    .names = receiver_names,
    .check = check,
    .take = receiver_take,
};

static struct receiver_answer judge(const struct transfer_outcome *o)
{
    if (transfer_is_delivered(o))
        return (struct receiver_answer){.verdict = RECEIVER_TOOK};
    return (struct receiver_answer){
        .verdict = o->status == 410 ? RECEIVER_LEFT : RECEIVER_FAILED, .hold_s = o->retry_after_s};
}

const struct receiver_kind webhook_receiver = {
    .in_order = true,
    .events_max = 1,
    .content_type = "application/json",
    .free = webhook_free,
    .wants = webhook_wants,
    .add = webhook_add,
    .judge = judge,
};
