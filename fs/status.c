#include "fs/status.h"

#include "fs/file.h"

#include "store/follower.h"
#include "store/hook.h"
#include "store/json.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// Who waits for events: each `stream` and `follow` that is open for reading, be it the tenant's, one of its
// entities' or a query's. (For writing the herald opens them.)
static unsigned count_subscribers(const struct visit *v)
{
    unsigned count = 0;
    pthread_mutex_lock(&v->mount->files_lock);
    for (const struct open_file *file = v->mount->files; file; file = file->next)
        count += file->node.tenant == v->node.tenant && file->node.kind != NODE_REJECTED &&
                 (file->flags & O_ACCMODE) == O_RDONLY && file->kind->subscribes;
    pthread_mutex_unlock(&v->mount->files_lock);
    return count;
}

static void add_log(struct bytes *out, const struct log_end *end)
{
    char head[CHAIN_TEXT];
    chain_print(head, end->hash);
    bytes_printf(out, "  \"position\": %llu,\n", (unsigned long long)end->position);
    bytes_printf(out, "  \"entities\": %llu,\n", (unsigned long long)end->entities);
    bytes_printf(out, "  \"bytes\": %llu,\n", (unsigned long long)end->size_bytes);
    bytes_printf(out, "  \"head\": \"%s\",\n", head);
    bytes_add_text(out, "  \"lastEventAt\": ");
    if (end->position)
        when_quote(out, end->at_us);
    else
        bytes_add_text(out, "null");
    bytes_printf(out, ",\n  \"rejectedBytes\": %llu,\n", (unsigned long long)end->rejected_bytes);
}

// ---- what reacts; pieces without white space

// Alerts and metrics.
static void show_values(const struct tenant *tenant, struct bytes *out)
{
    if (tenant->reactor)
        tenant->reactor->show_tenant(tenant->reaction, out);
    else
        bytes_add_text(out, "\"alerts\":[],\"metrics\":{}");
}

static void show_reacting_hooks(const struct tenant *tenant, struct bytes *out)
{
    if (tenant->reactor)
        tenant->reactor->show(tenant->reaction, out);
}

// What followers append, each behind a comma if anything stands before it.
static void show_of_followers(const struct mount *mount, uint32_t tenant, bool beside, struct bytes *out)
{
    for (const struct following *f = mount->following; f->follower; f++) {
        void (*show)(void *, uint32_t, struct bytes *) = beside ? f->follower->show_beside : f->follower->show;
        size_t before = out->size;
        bytes_add_text(out, before && out->at[before - 1] != '{' ? "," : "");
        size_t begun = out->size;
        if (show)
            show(f->self, tenant, out);
        if (out->size == begun)
            out->size = before;
    }
}

void status_show_reacting(void *mount, const struct tenant *tenant, struct bytes *out)
{
    (void)mount;
    bytes_add_char(out, '{');
    show_values(tenant, out);
    bytes_add_text(out, ",\"hooks\":{");
    show_reacting_hooks(tenant, out);
    bytes_add_text(out, "}}");
}

void status_show_following(void *mount, uint32_t tenant, struct bytes *out)
{
    bytes_add_text(out, "{\"hooks\":{");
    show_of_followers(mount, tenant, false, out);
    bytes_add_char(out, '}');
    show_of_followers(mount, tenant, true, out);
    bytes_add_char(out, '}');
}

// The kinds in one order, whoever tells of them.
static void show_hooks(const struct mount *mount, const struct tenant *tenant, struct bytes *out)
{
    BYTES_AUTO hooks = {0};
    bytes_add_char(&hooks, '{');
    show_reacting_hooks(tenant, &hooks);
    show_of_followers(mount, tenant->number, false, &hooks);
    bytes_add_char(&hooks, '}');
    out->failed |= hooks.failed;
    const struct hook_kind *const *kind = tenant->reactor && !hooks.failed ? tenant->reactor->kinds : NULL;
    const char *before = "{";
    for (struct slice shown; kind && *kind; kind++) {
        if (!json_member(bytes_slice(&hooks), (*kind)->folder, &shown))
            continue;
        bytes_printf(out, "%s\"%s\":", before, (*kind)->folder);
        bytes_add_slice(out, shown);
        before = ",";
    }
    bytes_add_text(out, *before == '{' ? "{}" : "}");
}

// All of it, laid out.
static void add_reactions(struct bytes *out, const struct mount *mount, struct tenant *tenant)
{
    BYTES_AUTO shown = {0};
    bytes_add_char(&shown, '{');
    show_values(tenant, &shown);
    bytes_add_text(&shown, ",\"hooks\":");
    show_hooks(mount, tenant, &shown);
    bytes_add_text(&shown, ",\"refused\":");
    refused_hooks_show(tenant, &shown);
    show_of_followers(mount, tenant->number, true, &shown);
    bytes_add_char(&shown, '}');
    out->failed |= shown.failed;
    struct json_cursor c = json_enter(shown.failed ? SLICE("{}") : bytes_slice(&shown));
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        bytes_printf(out, "  %.*s: ", SLICE_ARG(key));
        json_pretty(out, value, 1);
        bytes_add_text(out, ",\n");
    }
}

// ---- the whole

int status_show(struct visit *v, struct slice *text, int64_t *changed_at_us)
{
    struct bytes *out = &v->mount->status;
    struct log_end end = tenant_end(v->tenant);
    bytes_clear(out);
    bytes_add_text(out, "{\n");
    add_reactions(out, v->mount, v->tenant);
    bytes_printf(out, "  \"tenant\": \"%s\",\n", v->tenant->name);
    add_log(out, &end);
    bytes_printf(out, "  \"subscribers\": %u,\n  \"daemon\": {\n", count_subscribers(v));
    bytes_printf(out, "    \"version\": \"%s\",\n    \"pid\": %d,\n    \"since\": ", FACTFS_VERSION, (int)getpid());
    when_quote(out, v->mount->since_us);
    bytes_add_text(out, "\n  }\n}\n");

    *text = bytes_slice(out);
    *changed_at_us = v->mount->since_us;
    if (end.changed_at_us > *changed_at_us)
        *changed_at_us = end.changed_at_us;
    if (end.rejected_at_us > *changed_at_us)
        *changed_at_us = end.rejected_at_us;
    return out->failed ? -ENOMEM : 0;
}
