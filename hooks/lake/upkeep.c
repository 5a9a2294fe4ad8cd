#include "hooks/lake/upkeep.h"

#include <inttypes.h>

void upkeep_flushed(struct upkeep *u, int64_t now_us)
{
    if (u->due_us > now_us + UPKEEP_BEHIND_FLUSH_US)
        u->due_us = now_us + UPKEEP_BEHIND_FLUSH_US;
}

static void say_left(void *context, struct slice path, const char *why)
{
    struct upkeep *u = context;
    char text[600];
    snprintf(text, sizeof text, "%.*s is not merged with others: %s", SLICE_ARG(path), why);
    u->say(u->context, text);
}

static void add_up(struct compact_result *sum, const struct compact_result *part)
{
    sum->partitions += part->partitions;
    sum->rows += part->rows;
    sum->files_before += part->files_before;
    sum->files_after += part->files_after;
    sum->bytes_before += part->bytes_before;
    sum->bytes_after += part->bytes_after;
    sum->left += part->left;
}

static int expire_if_due(struct upkeep *u, struct committer *c, int64_t now_us, struct reason *why)
{
    const struct expire_policy policy = expire_policy_usual();
    struct expired done;
    if (now_us < u->expire_due_us)
        return 0;
    int error = expire(c, &policy, &done, why);
    u->expire_due_us = now_us + (error ? UPKEEP_BEHIND_FLUSH_US : UPKEEP_SELDOM_US);
    return error;
}

int upkeep_step(struct upkeep *u, struct committer *c, int64_t now_us, struct compact_result *sum, struct reason *why)
{
    *sum = (struct compact_result){.on_left = say_left, .context = u};
    int error = compact_run(&u->compactor, c, now_us, sum, why);
    if (!error && !sum->more)
        error = expire_if_due(u, c, now_us, why);
    u->due_us = error ? now_us + UPKEEP_BEHIND_FLUSH_US : sum->more ? 0 : now_us + UPKEEP_SELDOM_US;
    return error;
}

int upkeep_run(struct upkeep *u, struct committer *c, int64_t now_us, struct compact_result *sum, struct reason *why)
{
    int error = 0;
    struct compact_result part = {.more = true};
    *sum = (struct compact_result){0};
    while (!error && part.more) {
        error = upkeep_step(u, c, now_us, &part, why);
        add_up(sum, &part);
    }
    return error;
}

void upkeep_print(struct bytes *out, const struct compact_result *sum)
{
    bytes_printf(out,
        "%" PRIu64 " files of %" PRIu64 " days became %" PRIu64 ", %" PRIu64 " bytes became %" PRIu64 "\n",
        sum->files_before, sum->partitions, sum->files_after, sum->bytes_before, sum->bytes_after);
}

int upkeep_expire(struct committer *c, struct expired *done, struct reason *why)
{
    const struct expire_policy policy = expire_policy_usual();
    *done = (struct expired){0};
    int error = committer_load(c, false, why);
    if (!error)
        error = committer_settle(c, why);
    return error ? error : expire(c, &policy, done, why);
}

void upkeep_print_expired(struct bytes *out, const struct expired *done)
{
    bytes_printf(out, "%" PRIu64 " snapshots expired, %" PRIu64 " files removed, %" PRIu64 " may go in %d minutes\n",
        done->snapshots, done->removed, done->noted, (int)(EXPIRE_GRACE_US / 60000000));
}
