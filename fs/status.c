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

static void add_hash(struct bytes *out, const unsigned char hash[static CHAIN_SIZE])
{
    bytes_add_char(out, '"');
    for (size_t i = 0; i < CHAIN_SIZE; i++)
        bytes_printf(out, "%02x", hash[i]);
    bytes_add_char(out, '"');
}

static void add_log(struct bytes *out, const struct log_end *end)
{
    bytes_printf(out, "  \"position\": %llu,\n", (unsigned long long)end->position);
    bytes_printf(out, "  \"entities\": %llu,\n", (unsigned long long)end->entities);
    bytes_printf(out, "  \"bytes\": %llu,\n", (unsigned long long)end->size_bytes);
    bytes_add_text(out, "  \"head\": ");
    add_hash(out, end->hash);
    bytes_add_text(out, ",\n  \"lastEventAt\": ");
    if (end->position)
        when_quote(out, end->at_us);
    else
        bytes_add_text(out, "null");
    bytes_printf(out, ",\n  \"rejectedBytes\": %llu,\n", (unsigned long long)end->rejected_bytes);
}

static void add_member(struct bytes *out, struct slice key, struct slice value)
{
    bytes_add_text(out, "  ");
    bytes_add_slice(out, key);
    bytes_add_text(out, ": ");
    json_pretty(out, value, 1);
    bytes_add_text(out, ",\n");
}

void status_show_hooks(void *context, struct tenant *tenant, struct bytes *out)
{
    struct mount *mount = context;
    bytes_add_char(out, '{');
    if (tenant->reactor)
        tenant->reactor->show_tenant(tenant->reaction, out);
    else
        bytes_add_text(out, "\"alerts\":[],\"metrics\":{}");
    bytes_add_text(out, ",\"hooks\":{");
    size_t before = out->size;
    if (tenant->reactor)
        tenant->reactor->show(tenant->reaction, out);
    for (const struct following *f = mount->following; f->follower; f++)
        if (f->follower->show) {
            bytes_add_text(out, out->size > before ? "," : "");
            f->follower->show(f->self, tenant->number, out);
        }
    bytes_add_text(out, "}}");
}

// Its members, laid out.
static void add_hooks(struct bytes *out, struct mount *mount, struct tenant *tenant)
{
    BYTES_AUTO shown = {0};
    status_show_hooks(mount, tenant, &shown);
    out->failed |= shown.failed;
    struct json_cursor c = json_enter(shown.failed ? SLICE("{}") : bytes_slice(&shown));
    for (struct slice key, value; json_next_member(&c, &key, &value);)
        add_member(out, key, value);
}

// What followers show beside the hooks.
static void add_beside(struct bytes *out, struct mount *mount, struct tenant *tenant)
{
    for (const struct following *f = mount->following; f->follower; f++) {
        BYTES_AUTO members = {0};
        bytes_add_char(&members, '{');
        if (f->follower->show_beside)
            f->follower->show_beside(f->self, tenant->number, &members);
        bytes_add_char(&members, '}');
        out->failed = out->failed || members.failed;
        struct json_cursor c = json_enter(members.failed ? SLICE("{}") : bytes_slice(&members));
        for (struct slice key, value; json_next_member(&c, &key, &value);)
            add_member(out, key, value);
    }
}

int status_show(struct visit *v, struct slice *text, int64_t *changed_at_us)
{
    struct bytes *out = &v->mount->status;
    struct log_end end = tenant_end(v->tenant);
    bytes_clear(out);
    bytes_add_text(out, "{\n");
    add_hooks(out, v->mount, v->tenant);
    add_beside(out, v->mount, v->tenant);
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
