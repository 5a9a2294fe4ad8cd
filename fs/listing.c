#include "fs/listing.h"

#include "fs/hook.h"
#include "fs/hook_directory.h"
#include "fs/reply.h"
#include "fs/scratch.h"
#include "fs/search.h"
#include "fs/tree.h"

#include <errno.h>

void listing_opendir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct node node = node_of(id);
    enum node_kind kind = node.kind;
    struct mount *mount = mount_of(req);
    struct view *view = kind == NODE_FOUND ? view_hold(mount->views, node.slot) : NULL;
    // The kernel keeps listings of events: their directory's mtime moves with each.
    fi->cache_readdir = fi->keep_cache = kind == NODE_EVENTS || kind == NODE_PAST_EVENTS || kind == NODE_MOMENT ||
                                         kind == NODE_MOMENT_EVENTS || (view && view->position);
    view_drop(mount->views, view);
    fuse_reply_open(req, fi);
}

static uint64_t parent_of(struct visit *v)
{
    struct visit parent = *v;
    switch (v->node.kind) {
    case NODE_FOUND:
        return v->view->position ? node_id(NODE_MOMENT_FIND, v->node.tenant, v->view->position)
                                 : node_id(NODE_TENANT_FIND, v->node.tenant, 0);
    case NODE_MOMENT:
        return node_id(NODE_TENANT_ASOF, v->node.tenant, 0);
    case NODE_MOMENT_ENTITY:
    case NODE_MOMENT_FIND:
        parent.node.kind = NODE_MOMENT;
        return attr_inode(&parent);
    case NODE_MOMENT_EVENTS:
        parent.node.kind = NODE_MOMENT_ENTITY;
        return attr_inode(&parent);
    case NODE_ENTITY:
    case NODE_TENANT_ASOF:
    case NODE_HOOKS:
    case NODE_TENANT_FIND:
    case NODE_LOG:
    case NODE_TENANT_QUERY:
        return node_id(NODE_TENANT, v->node.tenant, 0);
    case NODE_HOOK_FOLDER:
        return node_id(NODE_HOOKS, v->node.tenant, 0);
    case NODE_HOOK_DIRECTORY:
        return hook_directory_parent(v);
    case NODE_EVENTS:
    case NODE_ASOF:
        return node_id(NODE_ENTITY, v->node.tenant, v->node.number);
    case NODE_PAST_EVENTS:
        return node_id(NODE_PAST, v->node.tenant, v->node.number);
    default:
        return NODE_ROOT_ID;
    }
}

// The two entries that every directory begins with; tree_next goes on at DOTS.
#define DOTS 2

static int next_entry(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    if (offset >= DOTS)
        return tree_next(v, offset - DOTS, entry);
    entry->id = 0;
    entry->next = offset + 1;
    entry->name = slice_of(offset ? ".." : ".");
    entry->attr.st_mode = S_IFDIR;
    entry->attr.st_ino = offset ? parent_of(v) : attr_inode(v);
    return 1;
}

static size_t add_entry(
    fuse_req_t req, char *to, size_t room, const struct tree_entry *entry, const char *name, uint64_t next, bool plus)
{
    if (!plus)
        return fuse_add_direntry(req, to, room, name, &entry->attr, (off_t)next);
    struct fuse_entry_param param = {
        .ino = entry->id,
        .attr = entry->attr,
        .entry_timeout = entry->entry_timeout_s,
        .attr_timeout = entry->attr_timeout_s,
    };
    return fuse_add_direntry_plus(req, to, room, name, &param, (off_t)next);
}

static void list(fuse_req_t req, fuse_ino_t id, size_t size, off_t from, bool plus)
{
    VISIT v = {0};
    ENTRY entry = {0};
    int error = visit_begin(&v, req, id);
    char *to = reply_room(&v, size);
    size_t used = 0;
    if (!error && !to)
        error = -ENOMEM;
    for (uint64_t offset = (uint64_t)from; !error;) {
        int found = next_entry(&v, offset, &entry);
        if (found < 0)
            error = found;
        if (found != 1)
            break;
        char name[SCRATCH_NAME_BYTES + 1];
        memcpy(name, entry.name.at, entry.name.size);
        name[entry.name.size] = '\0';
        uint64_t next = offset < DOTS ? entry.next : entry.next + DOTS;
        size_t taken = add_entry(req, to + used, size - used, &entry, name, next, plus);
        if (taken > size - used)
            break;
        if (plus && entry.id)
            reply_know(v.mount, entry.id, true);
        used += taken;
        offset = next;
    }
    reply_read(req, &v, used ? 0 : error, used);
}

static void list_later(const struct search_call *c)
{
    list(c->req, c->id, c->size, c->offset, false);
}

static void list_plus_later(const struct search_call *c)
{
    list(c->req, c->id, c->size, c->offset, true);
}

// The entities of a past are looked at one by one.
static bool list_takes(const struct search_call *c)
{
    return node_of(c->id).kind == NODE_MOMENT ? search_takes_any(c) : search_takes(c);
}

void listing_readdir(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi)
{
    (void)fi;
    struct search_call call = {.run = list_later, .req = req, .id = id, .size = size, .offset = offset};
    if (!list_takes(&call))
        list(req, id, size, offset, false);
}

void listing_readdirplus(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi)
{
    (void)fi;
    struct search_call call = {.run = list_plus_later, .req = req, .id = id, .size = size, .offset = offset};
    if (!list_takes(&call))
        list(req, id, size, offset, true);
}
