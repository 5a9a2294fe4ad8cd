#include "fs/visit.h"

#include <errno.h>

int visit_tenant(struct visit *v, struct mount *mount, uint32_t tenant)
{
    *v = (struct visit){.mount = mount, .node = {.tenant = tenant}};
    int error = store_info(mount->store, tenant, &v->info);
    if (!error)
        error = store_get(mount->store, tenant, &v->tenant);
    if (!error)
        error = history_reader(v->tenant, TENANT_READER_REQUESTS, &v->reader);
    // The kernel may ask about a tenant that was removed.
    return error == -ENOENT ? -ESTALE : error;
}

int visit_begin(struct visit *v, fuse_req_t req, fuse_ino_t id)
{
    struct mount *mount = mount_of(req);
    struct node node = node_of(id);
    *v = (struct visit){.mount = mount, .node = node};
    if (node.kind == NODE_ROOT)
        return 0;
    int error = visit_tenant(v, mount, node.tenant);
    v->node = node;
    return error;
}

void visit_end(struct visit *v)
{
    if (v->tenant)
        store_put(v->mount->store, v->tenant);
    v->tenant = NULL;
}
