#include "fs/reply.h"

#include "fs/notify.h"

void reply_result(fuse_req_t req, int error)
{
    fuse_reply_err(req, -error);
}

void reply_part(fuse_req_t req, struct slice text, size_t size, uint64_t offset)
{
    size_t left = offset < text.size ? text.size - (size_t)offset : 0;
    fuse_reply_buf(req, left ? text.at + offset : NULL, left < size ? left : size);
}

char *reply_room(const struct visit *v, size_t size)
{
    bytes_clear(&v->desk->answer);
    return bytes_reserve(&v->desk->answer, size);
}

void reply_read(fuse_req_t req, const struct visit *v, int error, size_t got)
{
    if (error)
        fuse_reply_err(req, -error);
    else
        fuse_reply_buf(req, v->desk->answer.at, got);
}

void reply_poll_error(fuse_req_t req, struct fuse_pollhandle *handle, int error)
{
    if (handle)
        fuse_pollhandle_destroy(handle);
    fuse_reply_err(req, -error);
}

void reply_know(struct mount *mount, uint64_t id, bool asked)
{
    known_add(mount->known, id, asked);
    views_know(mount->views, id);
}

void reply_forget(struct mount *mount, uint64_t id, uint64_t count)
{
    known_forget(mount->known, id, count);
    views_forget(mount->views, id, count);
}

void reply_entry(fuse_req_t req, struct visit *v, uint64_t id, double entry_timeout_s)
{
    struct fuse_entry_param entry = {.ino = id, .entry_timeout = entry_timeout_s};
    struct visit child = visit_child(v, id);
    VISIT of_tenant = {0};
    int error = 0;
    if (v->node.kind == NODE_ROOT) {
        error = visit_tenant(&of_tenant, v->mount, child.node.tenant);
        child.tenant = of_tenant.tenant;
        child.reader = of_tenant.reader;
        child.info = of_tenant.info;
    }
    if (!error)
        error = attr_get(&child, &entry.attr, &entry.attr_timeout);
    if (error) {
        fuse_reply_err(req, -error);
        return;
    }
    bool asked = !notifier_is_caller(v->mount->notifier, req);
    // What only the herald knows is not kept: the first who asks for it must be seen to ask.
    if (!asked)
        entry.entry_timeout = entry.attr_timeout = 0;
    reply_know(v->mount, id, asked);
    if (fuse_reply_entry(req, &entry))
        reply_forget(v->mount, id, 1);
}
