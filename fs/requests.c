#include "fs/requests.h"

#include "fs/document.h"
#include "fs/file.h"
#include "fs/found.h"
#include "fs/hook_directory.h"
#include "fs/listing.h"
#include "fs/names.h"
#include "fs/notify.h"
#include "fs/query.h"
#include "fs/refuse.h"
#include "fs/reply.h"
#include "fs/scratch.h"
#include "fs/search.h"
#include "fs/tree.h"

#include <errno.h>
#include <poll.h>
#include <sys/statvfs.h>

// ---- the session

static void on_init(void *context, struct fuse_conn_info *conn)
{
    struct mount *mount = context;
    conn->max_write = 1 << 20;
    // Attributes come with every listing: asking for each one is dearer, and so is guessing when they are wanted.
    conn->want |= conn->capable & (FUSE_CAP_READDIRPLUS | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_ATOMIC_O_TRUNC);
    conn->want &= ~(unsigned)(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
                              FUSE_CAP_SPLICE_MOVE | FUSE_CAP_WRITEBACK_CACHE);
    if (mount->serving)
        mount->serving(mount->serving_context);
}

// ---- names and attributes

// Has this process just moved this document to a backup name?
static bool is_moved_away(fuse_req_t req, uint64_t id)
{
    const struct moved_away *away = &mount_of(req)->moved_away;
    return away->process == fuse_req_ctx(req)->pid && away->process && away->id == id;
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);

static void lookup_later(const struct search_call *c)
{
    on_lookup(c->req, c->id, c->name);
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    if (search_takes(&(struct search_call){.run = lookup_later, .req = req, .id = parent, .name = name}))
        return;
    VISIT v = {0};
    uint64_t id;
    double timeout_s;
    int error = visit_begin(&v, req, parent);
    if (!error && notifier_creates(v.mount->notifier, req, parent, slice_of(name)))
        error = -ENOENT;
    if (!error)
        error = tree_lookup(&v, slice_of(name), &id, &timeout_s);
    if (!error && is_moved_away(req, id))
        error = -ENOENT;
    if (error) {
        refuse_lookup(&v, error);
        return;
    }
    file_named(req, id);
    reply_entry(req, &v, id, timeout_s);
}

static void on_forget(fuse_req_t req, fuse_ino_t id, uint64_t count)
{
    reply_forget(mount_of(req), id, count);
    fuse_reply_none(req);
}

static void on_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++)
        reply_forget(mount_of(req), forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(req);
}

static void reply_attr(fuse_req_t req, struct visit *v, const struct open_file *file)
{
    struct stat attr;
    double timeout_s;
    int error = attr_get(v, &attr, &timeout_s);
    if (!error && file && file->kind->attr)
        file->kind->attr(file, &attr);
    if (error)
        fuse_reply_err(req, -error);
    else
        fuse_reply_attr(req, &attr, timeout_s);
}

static void on_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi);

static void getattr_later(const struct search_call *c)
{
    on_getattr(c->req, c->id, c->fi);
}

static void on_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct search_call call = {.run = getattr_later, .req = req, .id = id, .fi = fi};
    if (node_attr_is_slow(node_of(id).kind) && search_takes(&call))
        return;
    VISIT v = {0};
    int error = visit_begin(&v, req, id);
    if (error)
        fuse_reply_err(req, -error);
    else
        reply_attr(req, &v, fi ? file_of(fi) : file_asked(req, &v.node));
}

static int change_tenant(struct visit *v, const struct stat *attr, int set)
{
    struct tenant_info info = v->info;
    if (set & ~(FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_CTIME))
        return -EPERM;
    if (set & FUSE_SET_ATTR_MODE)
        info.mode = attr->st_mode & 0777;
    if (set & FUSE_SET_ATTR_UID)
        info.uid = attr->st_uid;
    if (set & FUSE_SET_ATTR_GID)
        info.gid = attr->st_gid;
    int error = store_change(v->mount->store, &info);
    if (error)
        return error;
    v->info = info;
    notifier_tenant_changed(v->mount->notifier, &info);
    return 0;
}

static void set_time(struct timespec *to, const struct timespec *from, bool now)
{
    if (now)
        clock_gettime(CLOCK_REALTIME, to);
    else
        *to = *from;
}

static int change_scratch(struct visit *v, const struct stat *attr, int set)
{
    struct scratch *file = scratch_of(v->mount->scratch, v->node);
    if (!file)
        return -ESTALE;
    if (set & FUSE_SET_ATTR_SIZE) {
        int error = scratch_resize(file, (uint64_t)attr->st_size);
        if (error)
            return error;
    }
    if (set & FUSE_SET_ATTR_MODE)
        file->mode = attr->st_mode & 07777;
    if (set & FUSE_SET_ATTR_UID)
        file->uid = attr->st_uid;
    if (set & FUSE_SET_ATTR_GID)
        file->gid = attr->st_gid;
    if (set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW))
        set_time(&file->modified, &attr->st_mtim, set & FUSE_SET_ATTR_MTIME_NOW);
    if (set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW))
        set_time(&file->accessed, &attr->st_atim, set & FUSE_SET_ATTR_ATIME_NOW);
    clock_gettime(CLOCK_REALTIME, &file->changed);
    return 0;
}

static void on_setattr(fuse_req_t req, fuse_ino_t id, struct stat *attr, int set, struct fuse_file_info *fi)
{
    VISIT v = {0};
    int error = visit_begin(&v, req, id);
    if (!error && !notifier_is_caller(v.mount->notifier, req))
        switch (v.node.kind) {
        case NODE_TENANT:
            error = change_tenant(&v, attr, set);
            break;
        case NODE_SCRATCH:
            error = change_scratch(&v, attr, set);
            break;
        case NODE_TENANT_APPEND:
        case NODE_TENANT_IMPORT:
        case NODE_APPEND:
        case NODE_ROLLBACK:
            break;
        case NODE_SPEC:
        case NODE_STATE:
        case NODE_HOOK:
            // Of an open document; of a closed one it changes nothing.
            if (fi && (set & FUSE_SET_ATTR_SIZE) && file_of(fi)->kind->truncate)
                error = file_of(fi)->kind->truncate(file_of(fi), (uint64_t)attr->st_size);
            break;
        default:
            error = hook_directory_takes_writes(&v) ? 0 : -EPERM;
        }
    if (error)
        fuse_reply_err(req, -error);
    else
        reply_attr(req, &v, fi ? file_of(fi) : NULL);
}

static void on_readlink(fuse_req_t req, fuse_ino_t id)
{
    VISIT v = {0};
    BYTES_AUTO target = {0};
    int error = visit_begin(&v, req, id);
    if (!error)
        error = found_link(&v, &target);
    bytes_add_char(&target, '\0');
    if (!error && target.failed)
        error = -ENOMEM;
    if (error)
        fuse_reply_err(req, -error);
    else
        fuse_reply_readlink(req, target.at);
}

// ---- files

static void on_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi);

static void open_later(const struct search_call *c)
{
    on_open(c->req, c->id, c->fi);
}

static void on_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    if (search_takes(&(struct search_call){.run = open_later, .req = req, .id = id, .fi = fi}))
        return;
    VISIT v = {0};
    int error = visit_begin(&v, req, id);
    const struct file_kind *kind = error ? NULL : file_kind_of(&v);
    bool writes = (fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC);
    // What is recorded is not written; the notifier opens it to tell of its growth.
    if (!error && writes && !(kind && kind->write) && !notifier_is_caller(v.mount->notifier, req))
        error = -EPERM;
    if (!error && kind) {
        error = file_open(&v, kind, fi);
        fi->noflush = !kind->flush;
    }
    if (!error && !kind) {
        // What never changes needs no more than its inode, stays in the page cache, and is closed without a word.
        fi->fh = 0;
        fi->keep_cache = 1;
        fi->noflush = 1;
    }
    if (error)
        fuse_reply_err(req, -error);
    else if (fuse_reply_open(req, fi) && file_of(fi))
        file_release(file_of(fi));
}

// An event's file, a past document, or the state of a query.
static void read_immutable(fuse_req_t req, fuse_ino_t id, size_t size, uint64_t offset)
{
    VISIT v = {0};
    struct slice text;
    int error = visit_begin(&v, req, id);
    if (!error && (v.node.kind == NODE_QUERY_EVENTS || v.node.kind == NODE_QUERY_COUNT)) {
        error = query_read(&v, size, offset);
        reply_read(req, &v, error, v.desk->answer.size);
        return;
    }
    if (!error && v.node.kind == NODE_EVENT) {
        struct event_row row;
        error = history_event(v.reader, v.node.number, &row);
        if (!error) {
            struct bytes *answer = &v.desk->answer;
            bytes_clear(answer);
            bytes_add_slice(answer, row.line);
            bytes_add_char(answer, '\n');
            error = answer->failed ? -ENOMEM : 0;
            text = bytes_slice(answer);
        }
    } else if (!error) {
        error = document_show_at(&v, v.node.number, &text);
    }
    if (error) {
        fuse_reply_err(req, -error);
        return;
    }
    reply_part(req, text, size, offset);
}

static void on_read(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi);

static void read_later(const struct search_call *c)
{
    on_read(c->req, c->id, c->size, c->offset, c->fi);
}

static void on_read(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi)
{
    struct search_call call = {.run = read_later, .req = req, .id = id, .fi = fi, .size = size, .offset = offset};
    if (search_takes(&call))
        return;
    struct open_file *file = file_of(fi);
    if (!file)
        read_immutable(req, id, size, (uint64_t)offset);
    else if (file->kind->read)
        file->kind->read(req, file, size, (uint64_t)offset);
    else
        fuse_reply_buf(req, NULL, 0);
}

static void on_write(
    fuse_req_t req, fuse_ino_t id, const char *from, size_t size, off_t offset, struct fuse_file_info *fi)
{
    struct open_file *file = file_of(fi);
    (void)id;
    if (file && file->kind->write)
        file->kind->write(req, file, from, size, (uint64_t)offset);
    else
        fuse_reply_err(req, EPERM);
}

static void on_flush(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct open_file *file = file_of(fi);
    (void)id;
    if (file && file->kind->flush)
        file->kind->flush(req, file);
    else
        fuse_reply_err(req, 0);
}

static void on_fsync(fuse_req_t req, fuse_ino_t id, int data_only, struct fuse_file_info *fi)
{
    struct open_file *file = file_of(fi);
    (void)id, (void)data_only;
    if (file && file->kind->fsync)
        file->kind->fsync(req, file);
    else
        fuse_reply_err(req, 0);
}

static void on_release(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
    struct open_file *file = file_of(fi);
    (void)id;
    if (file)
        file_release(file);
    fuse_reply_err(req, 0);
}

static void on_fsyncdir(fuse_req_t req, fuse_ino_t id, int data_only, struct fuse_file_info *fi)
{
    (void)id, (void)data_only, (void)fi;
    fuse_reply_err(req, 0);
}

static void on_poll(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi, struct fuse_pollhandle *handle);

static void poll_later(const struct search_call *c)
{
    on_poll(c->req, c->id, c->fi, c->poll);
}

static void on_poll(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi, struct fuse_pollhandle *handle)
{
    if (search_takes(&(struct search_call){.run = poll_later, .req = req, .id = id, .fi = fi, .poll = handle}))
        return;
    struct open_file *file = file_of(fi);
    if (file && file->kind->poll) {
        file->kind->poll(req, file, handle);
        return;
    }
    if (handle)
        fuse_pollhandle_destroy(handle);
    fuse_reply_poll(req, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

// ---- the rest

#define HASH_NAME "user.factfs.hash"

static void reply_xattr(fuse_req_t req, struct slice value, size_t size)
{
    if (!size)
        fuse_reply_xattr(req, value.size);
    else if (size < value.size)
        fuse_reply_err(req, ERANGE);
    else
        fuse_reply_buf(req, value.at, value.size);
}

static void on_getxattr(fuse_req_t req, fuse_ino_t id, const char *name, size_t size)
{
    VISIT v = {0};
    struct event_row row;
    char hex[CHAIN_TEXT];
    // Any other answer would make `ls -l` ask for the attributes of each single file.
    if (strncmp(name, "user.", 5)) {
        fuse_reply_err(req, EOPNOTSUPP);
        return;
    }
    int error = visit_begin(&v, req, id);
    if (!error && (v.node.kind != NODE_EVENT || strcmp(name, HASH_NAME)))
        error = -ENODATA;
    if (!error)
        error = history_event(v.reader, v.node.number, &row);
    if (error) {
        fuse_reply_err(req, -error);
        return;
    }
    chain_print(hex, row.hash);
    reply_xattr(req, slice_of(hex), size);
}

static void on_listxattr(fuse_req_t req, fuse_ino_t id, size_t size)
{
    bool event = node_of(id).kind == NODE_EVENT;
    reply_xattr(req, (struct slice){.at = HASH_NAME, .size = event ? sizeof HASH_NAME : 0}, size);
}

static void on_setxattr(fuse_req_t req, fuse_ino_t id, const char *name, const char *value, size_t size, int flags)
{
    (void)id, (void)value, (void)size, (void)flags;
    fuse_reply_err(req, strncmp(name, "user.", 5) ? EOPNOTSUPP : EPERM);
}

static void on_removexattr(fuse_req_t req, fuse_ino_t id, const char *name)
{
    (void)id;
    fuse_reply_err(req, strncmp(name, "user.", 5) ? EOPNOTSUPP : EPERM);
}

static void on_statfs(fuse_req_t req, fuse_ino_t id)
{
    struct statvfs stat;
    (void)id;
    if (statvfs(store_path(mount_of(req)->store), &stat)) {
        fuse_reply_err(req, errno);
        return;
    }
    stat.f_namemax = SCRATCH_NAME_BYTES;
    fuse_reply_statfs(req, &stat);
}

const struct fuse_lowlevel_ops requests = {
    .init = on_init,
    .lookup = on_lookup,
    .forget = on_forget,
    .forget_multi = on_forget_multi,
    .getattr = on_getattr,
    .readlink = on_readlink,
    .setattr = on_setattr,
    .mkdir = names_mkdir,
    .rmdir = names_rmdir,
    .create = names_create,
    .mknod = names_mknod,
    .symlink = names_symlink,
    .unlink = names_unlink,
    .rename = names_rename,
    .link = names_link,
    .opendir = listing_opendir,
    .readdir = listing_readdir,
    .readdirplus = listing_readdirplus,
    .fsyncdir = on_fsyncdir,
    .open = on_open,
    .read = on_read,
    .write = on_write,
    .flush = on_flush,
    .fsync = on_fsync,
    .release = on_release,
    .poll = on_poll,
    .getxattr = on_getxattr,
    .listxattr = on_listxattr,
    .setxattr = on_setxattr,
    .removexattr = on_removexattr,
    .statfs = on_statfs,
};
