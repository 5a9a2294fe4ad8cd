#include "fs/webhook.h"

#include "fs/attr.h"
#include "fs/hook.h"

#include <errno.h>

static mode_t mode_of(enum node_kind kind)
{
    switch (kind) {
    case NODE_WEBHOOK:
        return S_IFDIR | 0755;
    case NODE_WEBHOOK_REPLAY:
        return S_IFREG | 0200;
    case NODE_WEBHOOK_SECRET:
        return S_IFREG | 0400;
    default:
        return S_IFREG | 0444;
    }
}

int webhook_attr(struct visit *v, struct stat *attr)
{
    struct hook_row row;
    uint64_t id = node_id(v->node.kind, v->node.tenant, v->node.number);
    int error = hook_row(v, &row);
    if (error)
        return error == -ENOENT ? -ESTALE : error;
    bool directory = v->node.kind == NODE_WEBHOOK;
    attr_common(v, id, mode_of(v->node.kind), directory ? 4096 : 0, row.at_us, attr);
    return 0;
}

void webhook_path(struct visit *v, struct bytes *out)
{
    static const char *const names[] = {
        [NODE_WEBHOOK_DELIVERIES - NODE_WEBHOOK] = "/deliveries",
        [NODE_WEBHOOK_DEAD - NODE_WEBHOOK] = "/dead",
        [NODE_WEBHOOK_STATUS - NODE_WEBHOOK] = "/status.json",
        [NODE_WEBHOOK_REPLAY - NODE_WEBHOOK] = "/replay",
        [NODE_WEBHOOK_SECRET - NODE_WEBHOOK] = "/secret",
    };
    struct hook_row row;
    struct slice stem;
    bytes_add_text(out, "hooks/webhooks/");
    if (hook_row(v, &row) == 0 && hook_stem(hook_kind_of(store_reactor(v->mount->store), row.folder), row.name, &stem))
        bytes_add_slice(out, stem);
    if (v->node.kind != NODE_WEBHOOK)
        bytes_add_text(out, names[v->node.kind - NODE_WEBHOOK]);
}
