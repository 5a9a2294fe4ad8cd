// A store whose tenant reacts to its events (hooks/hooks.h), for tests of what hooks do without a mount.
#pragma once

#include "hooks/hooks.h"
#include "hooks/metrics/metrics.h"
#include "hooks/metrics/watch_list.h"
#include "tests/store/store_fixture.h"

static inline struct metrics *metrics_of_fixture(struct fixture *f)
{
    return ((struct reaction *)f->tenant->reaction)->metrics;
}

// Changes a hook as the mount does; 0 or -errno with f->why.
static inline int change_hook(struct fixture *f, enum hook_act act, const struct hook_kind *kind, const char *name,
    const char *new_name, const char *text)
{
    struct submission *s = submission_new(SUBMIT_HOOK);
    struct hook_order *order = arena_get(&s->arena, sizeof *order);
    REQUIRE(!order);
    *order = (struct hook_order){.act = act,
        .kind = kind,
        .name = arena_copy(&s->arena, slice_of(name)),
        .new_name = arena_copy(&s->arena, slice_of(new_name)),
        .text = arena_copy(&s->arena, slice_of(json_of(text))),
        .actor = SLICE("user_test")};
    s->hook = order;
    s->path = SLICE("hooks");
    return fixture_submit(f, s);
}

static inline int save_hook(struct fixture *f, const struct hook_kind *kind, const char *name, const char *text)
{
    return change_hook(f, HOOK_SAVE, kind, name, "", text);
}

static inline int remove_hook(struct fixture *f, const struct hook_kind *kind, const char *name)
{
    return change_hook(f, HOOK_REMOVE, kind, name, "", "");
}

// A metric's value as JSON, or the name of an error.
static inline struct slice value_of(struct fixture *f, const char *name)
{
    struct bytes *text = next_text(f);
    int error = metrics_show_value(metrics_of_fixture(f), slice_of(name), text);
    return error ? error_text(error) : bytes_slice(text);
}

// Waits until all metrics have counted what there is.
static inline void wait_for_metrics(struct fixture *f)
{
    struct bytes *text = next_text(f);
    for (int tries = 0; tries < 5000; tries++) {
        bytes_clear(text);
        metrics_show(metrics_of_fixture(f), text);
        if (!text_has(bytes_slice(text), "rebuilding"))
            return;
        usleep(2000);
    }
    printf("Bail out! metrics stay behind: %.*s\n", SLICE_ARG(bytes_slice(text)));
    exit(EXIT_FAILURE);
}
