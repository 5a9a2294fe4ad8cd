#include "fs/file.h"

#include "fs/hook_directory.h"
#include "fs/tree.h"
#include "store/rejection.h"

#include <errno.h>
#include <stdlib.h>

const struct file_kind *file_kind_of(struct visit *v)
{
    switch (v->node.kind) {
    case NODE_TENANT_APPEND:
    case NODE_TENANT_IMPORT:
    case NODE_APPEND:
        return &append_kind;
    case NODE_ROLLBACK:
        return &rollback_kind;
    case NODE_SPEC:
    case NODE_STATE:
        return &state_kind;
    case NODE_TENANT_STREAM:
    case NODE_STREAM:
    case NODE_REJECTED:
        return &stream_kind;
    case NODE_TENANT_FOLLOW:
    case NODE_FOLLOW:
        return &follow_kind;
    case NODE_STATUS:
        return &status_kind;
    case NODE_SCRATCH:
        return &scratch_kind;
    case NODE_QUERY_STREAM:
        return &query_stream_kind;
    case NODE_QUERY_FOLLOW:
        return &query_follow_kind;
    case NODE_HOOK:
        return &hook_file_kind;
    case NODE_DAY:
        return &day_kind;
    case NODE_HOOK_LOG:
        return &hook_log_kind;
    case NODE_FOUND_STATES:
        return &found_kind;
    default:
        return node_is_hook_file(v->node.kind) ? hook_directory_file_kind(v) : NULL;
    }
}

int file_open(struct visit *v, const struct file_kind *kind, struct fuse_file_info *fi)
{
    struct open_file *file = calloc(1, kind->size);
    if (!file)
        return -ENOMEM;
    *file = (struct open_file){
        .kind = kind,
        .mount = v->mount,
        .tenant = v->tenant,
        .node = v->node,
        .flags = fi->flags,
        .opener = v->req ? fuse_req_ctx(v->req)->pid : 0,
    };
    atomic_init(&file->holders, 1);
    fi->direct_io = 1;
    int error = kind->open ? kind->open(v, file, fi) : 0;
    if (error) {
        free(file);
        return error;
    }
    if (kind->write)
        tree_path(v, &file->path);
    // The file keeps its tenant open, and its view.
    struct tenant *kept;
    error = store_get(v->mount->store, v->node.tenant, &kept);
    if (error) {
        file->tenant = NULL;
        file_drop(file);
        return error;
    }
    if (v->view)
        file->view = view_hold(v->mount->views, v->node.slot);
    struct mount *mount = v->mount;
    pthread_mutex_lock(&mount->files_lock);
    struct open_file **list = kind->attr ? &mount->documents : &mount->files;
    file->next = *list;
    file->link = list;
    if (file->next)
        file->next->link = &file->next;
    *list = file;
    pthread_mutex_unlock(&mount->files_lock);
    fi->fh = (uintptr_t)file;
    return 0;
}

void file_release(struct open_file *file)
{
    pthread_mutex_lock(&file->mount->files_lock);
    *file->link = file->next;
    if (file->next)
        file->next->link = file->link;
    pthread_mutex_unlock(&file->mount->files_lock);
    if (file->kind->release)
        file->kind->release(file);
    file_drop(file);
}

struct open_file *file_hold(struct open_file *file)
{
    atomic_fetch_add_explicit(&file->holders, 1, memory_order_relaxed);
    return file;
}

void file_drop(struct open_file *file)
{
    if (atomic_fetch_sub_explicit(&file->holders, 1, memory_order_acq_rel) != 1)
        return;
    if (file->kind->close)
        file->kind->close(file);
    view_drop(file->mount->views, file->view);
    if (file->tenant)
        store_put(file->mount->store, file->tenant);
    bytes_free(&file->path);
    free(file);
}

static struct open_file *find_opened(fuse_req_t req, const struct node *node)
{
    // Most kinds have none, however many of these are open; they are opened on the thread of the requests.
    if (!node_keeps_text(node->kind) && node->kind != NODE_STATUS)
        return NULL;
    struct open_file *file = mount_of(req)->documents;
    while (file &&
           (file->node.kind != node->kind || file->node.tenant != node->tenant || file->node.number != node->number ||
               (node_keeps_text(node->kind) && file->opener != fuse_req_ctx(req)->pid)))
        file = file->next;
    return file;
}

struct open_file *file_asked(fuse_req_t req, const struct node *node)
{
    struct open_file *file = find_opened(req, node);
    if (!file || !file->named)
        return file;
    file->named = false;
    return NULL;
}

void file_named(fuse_req_t req, uint64_t id)
{
    struct node node = node_of(id);
    struct open_file *file = find_opened(req, &node);
    if (file)
        file->named = node_keeps_text(node.kind);
}

int file_visit(struct visit *v, const struct open_file *file)
{
    return visit_node(v, file->mount, file->node);
}

struct submission *submission_by(fuse_req_t req, enum submission_kind kind, struct slice path)
{
    struct submission *s = submission_new(kind);
    if (!s)
        return NULL;
    if (req) {
        s->uid = fuse_req_ctx(req)->uid;
        s->pid = fuse_req_ctx(req)->pid;
    }
    s->path = arena_copy(&s->arena, path);
    return s;
}

int file_pend(struct submission *s, fuse_req_t req, struct open_file *file, size_t size)
{
    struct pending_request *pending = arena_get(&s->arena, sizeof *pending);
    if (!pending)
        return -ENOMEM;
    *pending = (struct pending_request){.req = req, .file = file_hold(file), .size = size};
    s->context = pending;
    s->answer = file_answer;
    return 0;
}

struct submission *file_submission(fuse_req_t req, struct open_file *file, enum submission_kind kind, size_t size)
{
    struct submission *s = submission_by(req, kind, bytes_slice(&file->path));
    if (s && file_pend(s, req, file, size)) {
        submission_free(s);
        s = NULL;
    }
    return s;
}

void submission_refuse(struct submission *s, int error, struct slice input)
{
    s->kind = SUBMIT_REFUSAL;
    s->error = error;
    s->input = arena_copy(&s->arena, rejection_input(input));
}

void file_answer(struct submission *s)
{
    struct pending_request *pending = s->context;
    struct open_file *file = pending->file;
    if (pending->req) {
        if (s->error)
            fuse_reply_err(pending->req, -s->error);
        else if (pending->size)
            fuse_reply_write(pending->req, pending->size);
        else
            fuse_reply_err(pending->req, 0);
    }
    submission_free(s);
    file_drop(file);
}
