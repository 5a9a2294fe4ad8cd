#include "fs/names.h"

#include "fs/document.h"
#include "fs/document_write.h"
#include "fs/file.h"
#include "fs/hook.h"
#include "fs/notify.h"
#include "fs/reply.h"
#include "fs/scratch.h"
#include "fs/tree.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1u << 0)
#endif

// What a name in a directory is now: its node, or kind NODE_NONE.
static int find(struct visit *v, struct slice name, struct node *node, uint64_t *id)
{
    double timeout_s;
    *node = (struct node){0};
    // Nothing there can be changed, and to look would take long.
    if (node_is_slow(v->node.kind))
        return -EPERM;
    int error = tree_lookup(v, name, id, &timeout_s);
    if (error == -ENOENT)
        return 0;
    if (!error)
        *node = node_of(*id);
    return error;
}

// Directories in which programs may keep scratch files.
static bool takes_scratch(const struct visit *v)
{
    return v->node.kind == NODE_TENANT || v->node.kind == NODE_ENTITY || v->node.kind == NODE_HOOK_FOLDER;
}

// ---- directories

static int make_tenant(struct visit *v, fuse_req_t req, struct slice name, mode_t mode, uint64_t *id)
{
    struct tenant_info info = {.uid = fuse_req_ctx(req)->uid, .gid = fuse_req_ctx(req)->gid, .mode = mode & 0777};
    if (!name_is_tenant(name))
        return -EACCES;
    memcpy(info.name, name.at, name.size);
    int error = store_make(v->mount->store, &info);
    if (!error && info.number > NODE_TENANT_MAX)
        error = -ENOSPC;
    *id = node_id(NODE_TENANT, info.number, 0);
    return error;
}

static int make_entity(struct visit *v, fuse_req_t req, struct slice name, uint64_t *id)
{
    uint64_t entity = 0;
    if (!name_is_entity(name))
        return -EACCES;
    struct head head;
    int error = history_head(v->reader, name, &head);
    if (error == -ENOENT) {
        error = tenant_reserve(v->tenant, name, &entity);
    } else if (!error) {
        // The herald makes what is there.
        entity = head.id;
        error = notifier_is_caller(v->mount->notifier, req) ? 0 : -EEXIST;
    }
    *id = node_id(NODE_ENTITY, v->node.tenant, entity);
    return error;
}

void names_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    VISIT v = {0};
    uint64_t id = 0;
    int error = visit_begin(&v, req, parent);
    if (!error && tree_is_reserved(v.node.kind, slice_of(name)))
        error = -EACCES;
    if (!error && v.node.kind == NODE_ROOT)
        error = make_tenant(&v, req, slice_of(name), mode, &id);
    else if (!error && v.node.kind == NODE_TENANT)
        error = make_entity(&v, req, slice_of(name), &id);
    else if (!error)
        error = -EACCES;
    if (error)
        fuse_reply_err(req, -error);
    else
        reply_entry(req, &v, id, node_of(id).kind == NODE_TENANT ? TIMEOUT_FOREVER_S : 0);
}

void names_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    VISIT v = {0};
    struct node node = {0};
    uint64_t id;
    int error = visit_begin(&v, req, parent);
    if (!error)
        error = find(&v, slice_of(name), &node, &id);
    if (!error && node.kind == NODE_TENANT) {
        // The visit must not hold what is removed.
        struct store *store = v.mount->store;
        error = store_remove(store, name);
    } else if (!error && node.kind == NODE_ENTITY) {
        error = tenant_unreserve(v.tenant, node.number);
    } else if (!error) {
        error = node.kind == NODE_NONE ? -ENOENT : node.kind == NODE_SCRATCH ? -ENOTDIR : -EPERM;
    }
    reply_result(req, error);
}

// ---- files

static int make_scratch(struct visit *v, fuse_req_t req, struct slice name, mode_t mode, struct scratch **made)
{
    if (!takes_scratch(v) || tree_is_reserved(v->node.kind, name))
        return -EACCES;
    int hook = v->node.kind == NODE_HOOK_FOLDER ? hook_can_create(v, name) : 0;
    if (hook < 0)
        return hook;
    int error = scratch_make(v->mount->scratch, v->node.tenant, v->node.number, name, made);
    if (error)
        return error;
    if (hook)
        memcpy((*made)->hook, name.at, name.size);
    (*made)->mode = mode & 07777;
    // A copy of what may hold a secret is no wider than that.
    if (v->node.kind == NODE_HOOK_FOLDER)
        (*made)->mode &= hook_kind_here(v)->mode;
    (*made)->uid = fuse_req_ctx(req)->uid;
    (*made)->gid = fuse_req_ctx(req)->gid;
    scratch_guard(v, *made);
    return 0;
}

// What the notifier creates although it is there (notify.h).
static bool is_announced(enum node_kind kind)
{
    return kind == NODE_EVENT || kind == NODE_DAY;
}

static void reply_create(fuse_req_t req, struct visit *v, uint64_t id, struct fuse_file_info *fi)
{
    struct fuse_entry_param entry = {.ino = id};
    v->node = node_of(id);
    int error = attr_get(v, &entry.attr, &entry.attr_timeout);
    if (!error && v->node.kind == NODE_EVENT) {
        fi->fh = 0;
        fi->keep_cache = 1;
    } else if (!error) {
        // What is created begins empty.
        fi->flags |= O_TRUNC;
        error = file_open(v, file_kind_of(v), fi);
    }
    if (error) {
        fuse_reply_err(req, -error);
        return;
    }
    reply_know(v->mount, id, !notifier_is_caller(v->mount->notifier, req));
    fuse_reply_create(req, &entry, fi);
}

void names_create(fuse_req_t req, fuse_ino_t parent, const char *text, mode_t mode, struct fuse_file_info *fi)
{
    VISIT v = {0};
    struct node node = {0};
    struct scratch *file;
    struct slice name = slice_of(text);
    uint64_t id;
    int error = visit_begin(&v, req, parent);
    if (!error)
        error = node_is_slow(v.node.kind) ? -EACCES : find(&v, name, &node, &id);
    if (!error && node_is_document(node.kind))
        v.mount->moved_away = (struct moved_away){0};
    // The notifier creates what is there.
    if (!error && is_announced(node.kind) && !notifier_is_caller(v.mount->notifier, req))
        error = -EEXIST;
    if (!error && node.kind == NODE_NONE) {
        if (v.node.kind == NODE_ENTITY && slice_is(name, "state.json")) {
            id = node_id(NODE_STATE, v.node.tenant, v.node.number);
        } else {
            error = make_scratch(&v, req, name, mode, &file);
            id = error ? 0 : node_id(NODE_SCRATCH, v.node.tenant, file->number);
        }
    } else if (!error && !is_announced(node.kind) && !node_is_document(node.kind) && node.kind != NODE_SCRATCH) {
        error = -EEXIST;
    }
    if (error)
        fuse_reply_err(req, -error);
    else
        reply_create(req, &v, id, fi);
}

void names_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
    VISIT v = {0};
    struct scratch *file;
    (void)device;
    int error = visit_begin(&v, req, parent);
    if (!error)
        error = S_ISREG(mode) ? make_scratch(&v, req, slice_of(name), mode, &file) : -EACCES;
    if (error)
        fuse_reply_err(req, -error);
    else
        reply_entry(req, &v, node_id(NODE_SCRATCH, v.node.tenant, file->number), 0);
}

void names_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
    (void)link, (void)parent, (void)name;
    fuse_reply_err(req, EACCES);
}

// ---- orders to the writer, which answers them

struct pending_order {
    fuse_req_t req;
    struct mount *mount;
    struct tenant *tenant; // in use until the answer
    uint64_t index;        // of the name of a scratch file that becomes a document; 0: none
};

// On the writer's thread: if a scratch file has become the document, its name goes.
static void answer_order(struct submission *s)
{
    struct pending_order *pending = s->context;
    if (!s->error && pending->index)
        scratch_doom(pending->mount->scratch, pending->index);
    fuse_reply_err(pending->req, -s->error);
    store_put(pending->mount->store, pending->tenant);
    submission_free(s);
}

// Takes over the submission (NULL: there was no memory). 1: the writer will answer the request; else -errno.
static int submit_order(fuse_req_t req, struct visit *v, struct submission *s, uint64_t index)
{
    struct pending_order *pending = s ? arena_get(&s->arena, sizeof *pending) : NULL;
    if (!pending) {
        submission_free(s);
        return -ENOMEM;
    }
    *pending = (struct pending_order){.req = req, .mount = v->mount, .index = index};
    int error = store_get(v->mount->store, v->node.tenant, &pending->tenant);
    if (error) {
        submission_free(s);
        return error;
    }
    s->context = pending;
    s->answer = answer_order;
    tenant_submit(pending->tenant, s);
    return 1;
}

static int submit_hook(fuse_req_t req, struct visit *folder, enum hook_act act, struct slice name,
    struct slice new_name, struct slice text, uint64_t index)
{
    return submit_order(req, folder, hook_submission(req, folder, act, name, new_name, text), index);
}

static int unlink_scratch(struct visit *v, struct slice name)
{
    // What is closed later has no name to become a hook by.
    struct scratch *file = scratch_find(v->mount->scratch, v->node.tenant, v->node.number, name);
    if (file)
        file->hook[0] = '\0';
    return scratch_unlink(v->mount->scratch, v->node.tenant, v->node.number, name);
}

void names_unlink(fuse_req_t req, fuse_ino_t parent, const char *text)
{
    VISIT v = {0};
    struct node node = {0};
    uint64_t id;
    struct slice name = slice_of(text);
    int error = visit_begin(&v, req, parent);
    if (!error)
        error = find(&v, name, &node, &id);
    if (!error && node.kind == NODE_HOOK)
        error = submit_hook(req, &v, HOOK_REMOVE, name, (struct slice){0}, (struct slice){0}, 0);
    else if (!error && node.kind == NODE_SCRATCH)
        error = unlink_scratch(&v, name);
    else if (!error)
        error = node.kind == NODE_NONE ? -ENOENT : -EPERM;
    if (error != 1)
        reply_result(req, error);
}

// ---- rename and link

// A copy of the document under a scratch name: what `cp -b` and `sed -i.bak` keep. The document stays (D5).
static int copy_document(struct visit *v, fuse_req_t req, struct visit *to, struct slice name, struct scratch **made)
{
    struct document now = {0};
    struct hook_row row = {0};
    int error = v->node.kind == NODE_HOOK ? hook_row(v, &row) : document_now(v, &v->node, &now);
    struct slice text = v->node.kind == NODE_HOOK ? row.text : now.text;
    if (!error)
        error = make_scratch(to, req, name, 0666, made);
    if (!error)
        error = scratch_write(*made, text.at, text.size, 0);
    return error;
}

// A save by rename: the file's text is judged as the document.
static int rename_onto_document(
    fuse_req_t req, struct visit *from, struct slice name, struct visit *to, struct slice new_name)
{
    struct scratch_shelf *shelf = from->mount->scratch;
    uint64_t index = scratch_index(shelf, from->node.tenant, from->node.number, name);
    const struct scratch *file = scratch_find(shelf, from->node.tenant, from->node.number, name);
    struct slice text = bytes_slice(&file->data);
    if (from->node.tenant != to->node.tenant)
        return -EXDEV;
    if (to->node.kind == NODE_HOOK_FOLDER)
        return submit_hook(req, to, HOOK_SAVE, new_name, (struct slice){0}, text, index);
    struct visit document = *to;
    document.node.kind = node_document(to->node.kind);
    return submit_order(req, to, document_submission(req, &document, file->base, text), index);
}

static int rename_scratch(struct visit *from, struct slice name, struct visit *to, struct slice new_name, bool replaces)
{
    struct scratch_shelf *shelf = from->mount->scratch;
    struct scratch *file = scratch_find(shelf, from->node.tenant, from->node.number, name);
    if (!takes_scratch(to) || from->node.tenant != to->node.tenant)
        return from->node.tenant == to->node.tenant ? -EACCES : -EXDEV;
    if (scratch_find(shelf, to->node.tenant, to->node.number, new_name) == file)
        return 0;
    scratch_opened(file);
    file->hook[0] = '\0';
    int error = replaces ? scratch_unlink(shelf, to->node.tenant, to->node.number, new_name) : 0;
    if (!error)
        error = scratch_link(shelf, file, to->node.number, new_name);
    if (!error)
        error = scratch_unlink(shelf, from->node.tenant, from->node.number, name);
    if (!error)
        file->directory = to->node.number;
    scratch_closed(shelf, file);
    return error;
}

// 1: it will be answered by the writer.
static int rename_between(
    fuse_req_t req, struct visit *from, struct slice name, struct visit *to, struct slice new_name, unsigned flags)
{
    struct node node, other;
    struct scratch *copy;
    uint64_t id, other_id;
    int error = find(from, name, &node, &id);
    if (!error)
        error = find(to, new_name, &other, &other_id);
    if (error)
        return error;
    if (node.kind == NODE_NONE)
        return -ENOENT;
    if (flags & ~(unsigned)RENAME_NOREPLACE)
        return -EINVAL;
    if ((flags & RENAME_NOREPLACE) && other.kind != NODE_NONE)
        return -EEXIST;
    bool onto_document = tree_is_document(to->node.kind, new_name);
    int hook = to->node.kind == NODE_HOOK_FOLDER ? hook_can_create(to, new_name) : 0;
    if (hook < 0)
        return hook;
    // One that is being made has its name by itself.
    if (hook && other.kind == NODE_SCRATCH && other_id != id)
        unlink_scratch(to, new_name);
    if (node.kind == NODE_SCRATCH && (onto_document || hook) && other_id != id)
        return rename_onto_document(req, from, name, to, new_name);
    if (node.kind == NODE_HOOK && hook)
        return from->node.number != to->node.number || from->node.tenant != to->node.tenant
                   ? -EXDEV
                   : submit_hook(req, to, HOOK_RENAME, name, new_name, (struct slice){0}, 0);
    if (other.kind != NODE_NONE && other.kind != NODE_SCRATCH)
        return -EPERM;
    if (node.kind == NODE_SCRATCH)
        return tree_is_reserved(to->node.kind, new_name)
                   ? -EACCES
                   : rename_scratch(from, name, to, new_name, other.kind == NODE_SCRATCH);
    if (!node_is_document(node.kind))
        return -EPERM;
    if (other.kind == NODE_SCRATCH)
        error = scratch_unlink(to->mount->scratch, to->node.tenant, to->node.number, new_name);
    from->node = node;
    if (!error)
        error = copy_document(from, req, to, new_name, &copy);
    if (!error)
        from->mount->moved_away = (struct moved_away){.process = fuse_req_ctx(req)->pid, .id = id};
    return error;
}

void names_rename(
    fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
    VISIT from = {0};
    VISIT to = {0};
    int error = visit_begin(&from, req, parent);
    int to_error = visit_begin(&to, req, new_parent);
    if (!error)
        error = to_error;
    if (!error)
        error = rename_between(req, &from, slice_of(name), &to, slice_of(new_name), flags);
    if (error != 1)
        reply_result(req, error);
}

void names_link(fuse_req_t req, fuse_ino_t id, fuse_ino_t new_parent, const char *new_name)
{
    VISIT v = {0};
    VISIT to = {0};
    struct scratch *file;
    struct slice name = slice_of(new_name);
    int error = visit_begin(&v, req, id);
    int to_error = visit_begin(&to, req, new_parent);
    if (!error)
        error = to_error;
    if (!error && v.node.kind != NODE_SCRATCH && !node_is_document(v.node.kind))
        error = -EPERM;
    if (!error && (!takes_scratch(&to) || tree_is_reserved(to.node.kind, name)))
        error = -EACCES;
    // A hook is made by a name of its own.
    if (!error && to.node.kind == NODE_HOOK_FOLDER && hook_can_create(&to, name))
        error = -EACCES;
    if (!error && node_is_document(v.node.kind))
        error = copy_document(&v, req, &to, name, &file);
    if (!error && v.node.kind == NODE_SCRATCH) {
        file = scratch_of(to.mount->scratch, v.node);
        error = !file ? -ESTALE : v.node.tenant != to.node.tenant ? -EXDEV : 0;
        if (!error)
            error = scratch_link(to.mount->scratch, file, to.node.number, name);
    }
    if (error)
        fuse_reply_err(req, -error);
    else
        reply_entry(req, &to, node_id(NODE_SCRATCH, to.node.tenant, file->number), 0);
}
