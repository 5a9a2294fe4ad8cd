#include "store/refused.h"

#include "store/hook.h"
#include "store/json.h"
#include "store/submission.h"
#include "store/tenant.h"
#include "store/when.h"

#include <stdlib.h>

struct refused_hook {
    int64_t at_us;
    struct reason why;
    size_t path_size;
    char path[];
};

static struct slice path_of(const struct refused_hook *hook)
{
    return (struct slice){.at = hook->path, .size = hook->path_size};
}

static void drop(struct refused_hooks *refused, unsigned i)
{
    free(refused->all[i]);
    memmove(refused->all + i, refused->all + i + 1, (--refused->count - i) * sizeof *refused->all);
}

static void forget(struct refused_hooks *refused, struct slice path)
{
    for (unsigned i = 0; i < refused->count; i++)
        if (slice_equal(path_of(refused->all[i]), path)) {
            drop(refused, i);
            return;
        }
}

static void add(struct refused_hooks *refused, const struct submission *s)
{
    struct refused_hook *hook = malloc(sizeof *hook + s->path.size);
    if (!hook)
        return;
    *hook = (struct refused_hook){.at_us = when_now_us(), .why = s->why, .path_size = s->path.size};
    memcpy(hook->path, s->path.at, s->path.size);
    forget(refused, s->path);
    if (refused->count == REFUSED_HOOKS_MAX)
        drop(refused, 0);
    refused->all[refused->count++] = hook;
}

void refused_hooks_free(struct refused_hooks *refused)
{
    while (refused->count)
        drop(refused, refused->count - 1);
}

// Is it hooks/FOLDER/NAME?
static bool is_hook(struct slice path)
{
    unsigned slashes = 0;
    for (size_t i = 0; i < path.size; i++)
        slashes += path.at[i] == '/';
    return slashes == 2 && path.size > 6 && !memcmp(path.at, "hooks/", 6);
}

static void forget_name(struct refused_hooks *refused, const struct hook_order *order, struct slice name)
{
    BYTES_AUTO path = {0};
    bytes_printf(&path, "hooks/%s/%.*s", order->kind->folder, SLICE_ARG(name));
    forget(refused, bytes_slice(&path));
}

void refused_hooks_note(struct tenant *tenant, const struct submission *s)
{
    const struct hook_order *order = s->kind == SUBMIT_HOOK ? s->hook : NULL;
    if (!order && (s->kind != SUBMIT_REFUSAL || !is_hook(s->path)))
        return;
    // Of a rename or a removal whoever asked for it has heard.
    if (order && s->error && order->act != HOOK_SAVE)
        return;
    pthread_mutex_lock(&tenant->lock);
    if (s->error) {
        add(&tenant->refused, s);
    } else {
        forget_name(&tenant->refused, order, order->name);
        forget_name(&tenant->refused, order, order->new_name);
    }
    pthread_mutex_unlock(&tenant->lock);
}

void refused_hooks_show(struct tenant *tenant, struct bytes *out)
{
    bytes_add_char(out, '[');
    pthread_mutex_lock(&tenant->lock);
    for (unsigned i = 0; i < tenant->refused.count; i++) {
        const struct refused_hook *hook = tenant->refused.all[i];
        bytes_add_text(out, i ? ",{\"time\":" : "{\"time\":");
        when_quote(out, hook->at_us);
        bytes_add_text(out, ",\"path\":");
        json_quote(out, path_of(hook));
        bytes_add_text(out, ",\"reason\":");
        json_quote(out, slice_of(hook->why.text));
        bytes_add_char(out, '}');
    }
    pthread_mutex_unlock(&tenant->lock);
    bytes_add_char(out, ']');
}
