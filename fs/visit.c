#include "fs/visit.h"

#include "fs/found.h"

#include <errno.h>

static _Thread_local struct desk *own_desk;

void desk_use(struct desk *desk)
{
    own_desk = desk;
}

void desk_clear(struct desk *desk)
{
    bytes_free(&desk->answer);
    bytes_free(&desk->shown.text);
    found_text_free(desk->found);
}

static int enter_tenant(struct visit *v)
{
    int error = store_info(v->mount->store, v->node.tenant, &v->info);
    if (!error)
        error = store_get(v->mount->store, v->node.tenant, &v->tenant);
    if (!error)
        error = history_reader(v->tenant, v->desk->reader, &v->reader);
    // The kernel may ask about a tenant that was removed.
    return error == -ENOENT ? -ESTALE : error;
}

static struct visit visit_of(struct mount *mount, struct node node)
{
    return (struct visit){.mount = mount, .desk = own_desk ? own_desk : &mount->desk, .node = node};
}

int visit_tenant(struct visit *v, struct mount *mount, uint32_t tenant)
{
    *v = visit_of(mount, (struct node){.tenant = tenant});
    return enter_tenant(v);
}

int visit_node(struct visit *v, struct mount *mount, struct node node)
{
    *v = visit_of(mount, node);
    if (node_is_view(node.kind)) {
        v->view = view_hold(mount->views, node.slot);
        if (!v->view)
            return -ESTALE;
        v->node.tenant = v->view->tenant;
    }
    return node.kind == NODE_ROOT ? 0 : enter_tenant(v);
}

int visit_begin(struct visit *v, fuse_req_t req, fuse_ino_t id)
{
    int error = visit_node(v, mount_of(req), node_of(id));
    v->req = req;
    return error;
}

struct visit visit_child(const struct visit *v, uint64_t id)
{
    struct visit child = *v;
    child.node = node_of(id);
    if (node_is_view(child.node.kind)) {
        child.node.tenant = v->node.tenant;
        child.view = v->found && v->found->slot == child.node.slot ? v->found : v->view;
    }
    return child;
}

void visit_end(struct visit *v)
{
    if (!v->mount)
        return;
    view_drop(v->mount->views, v->view);
    view_drop(v->mount->views, v->found);
    submission_free(v->refusal);
    v->refusal = NULL;
    if (v->tenant)
        store_put(v->mount->store, v->tenant);
    v->view = v->found = NULL;
    v->tenant = NULL;
}
