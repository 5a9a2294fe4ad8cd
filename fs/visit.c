// What every request begins and ends with.
#include "fs/mount.h"
#include "fs/scratch.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

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
    scratch_bury(mount->scratch);
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

void reply_result(fuse_req_t req, int error)
{
    fuse_reply_err(req, -error);
}

void reply_entry(fuse_req_t req, struct visit *v, uint64_t id, double entry_timeout_s)
{
    struct fuse_entry_param entry = {.ino = id, .entry_timeout = entry_timeout_s};
    struct visit child = *v;
    VISIT of_tenant = {0};
    int error = 0;
    child.node = node_of(id);
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
    known_add(v->mount->known, id);
    if (fuse_reply_entry(req, &entry))
        known_forget(v->mount->known, id, 1);
}

// ---- who calls

#define CALLERS 64

struct caller {
    bool known;
    uid_t uid;
    size_t size;
    char actor[NAME_ACTOR_MAX];
};

static void name_caller(struct caller *caller, uid_t uid)
{
    char buffer[4096];
    struct passwd entry, *found = NULL;
    *caller = (struct caller){.known = true, .uid = uid};
    if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found) {
        int size = snprintf(caller->actor, sizeof caller->actor, "user_%s", found->pw_name);
        caller->size = (size_t)size < sizeof caller->actor ? (size_t)size : sizeof caller->actor - 1;
    }
    if (!caller->size || !name_is_actor((struct slice){.at = caller->actor, .size = caller->size}))
        caller->size = (size_t)snprintf(caller->actor, sizeof caller->actor, "user_%u", uid);
}

struct slice caller_actor(uid_t uid)
{
    // Only the thread of the requests asks.
    static struct caller callers[CALLERS];
    struct caller *caller = &callers[uid % CALLERS];
    if (!caller->known || caller->uid != uid)
        name_caller(caller, uid);
    return (struct slice){.at = caller->actor, .size = caller->size};
}
