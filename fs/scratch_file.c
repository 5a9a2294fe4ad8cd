// An open scratch file: a regular file in the daemon's memory.
#include "fs/scratch.h"

#include "fs/file.h"
#include "fs/hook.h"
#include "fs/reply.h"

#include <errno.h>

struct scratch_handle {
    struct open_file file;
    struct scratch *scratch;
    uint64_t index; // of the name of a hook to be
};

static struct scratch *scratch_file_of(struct open_file *file)
{
    return ((struct scratch_handle *)file)->scratch;
}

// What the document beside it is: the guard of what is written (D3).
void scratch_guard(struct visit *v, struct scratch *scratch)
{
    struct head head;
    if (!scratch->directory)
        scratch->base = declared_last(v->tenant);
    else if (history_head_of(v->reader, scratch->directory, &head) == 0)
        scratch->base = head.version;
}

static int open_scratch(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct scratch_handle *h = (struct scratch_handle *)file;
    h->scratch = scratch_of(v->mount->scratch, v->node);
    if (!h->scratch)
        return -ESTALE;
    // The page cache, so that it can be mapped.
    fi->direct_io = 0;
    scratch_opened(h->scratch);
    h->index = scratch_index(v->mount->scratch, v->node.tenant, h->scratch->directory, slice_of(h->scratch->hook));
    if ((fi->flags & O_ACCMODE) != O_RDONLY)
        scratch_guard(v, h->scratch);
    return fi->flags & O_TRUNC ? scratch_resize(h->scratch, 0) : 0;
}

static void read_scratch(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    reply_part(req, bytes_slice(&scratch_file_of(file)->data), size, offset);
}

static void write_scratch(fuse_req_t req, struct open_file *file, const char *from, size_t size, uint64_t offset)
{
    struct scratch *scratch = scratch_file_of(file);
    int error = scratch_write(scratch, from, size, offset);
    if (!error)
        scratch->unjudged = true;
    if (error)
        fuse_reply_err(req, -error);
    else
        fuse_reply_write(req, size);
}

// ---- hooks that are being made

// The hook is there, or it was refused: the name is no scratch file's any more.
static void answer_hook(struct submission *s)
{
    struct scratch_handle *h = (struct scratch_handle *)file_pending(s);
    scratch_doom(h->file.mount->scratch, h->index);
    file_answer(s);
}

static void make_hook(fuse_req_t req, struct open_file *file)
{
    struct scratch *scratch = scratch_file_of(file);
    VISIT v = {0};
    struct submission *s = NULL;
    scratch->unjudged = false;
    scratch->judged = true;
    int error = file_visit(&v, file);
    if (!error) {
        v.node = (struct node){.kind = NODE_HOOK_FOLDER, .tenant = v.node.tenant, .number = scratch->directory};
        s = hook_submission(
            req, &v, HOOK_SAVE, slice_of(scratch->hook), (struct slice){0}, bytes_slice(&scratch->data));
        error = s ? file_pend(s, req, file, 0) : -ENOMEM;
    }
    if (error) {
        submission_free(s);
        reply_result(req, error);
        return;
    }
    s->answer = answer_hook;
    tenant_submit(file->tenant, s);
}

static void flush_scratch(fuse_req_t req, struct open_file *file)
{
    const struct scratch *scratch = scratch_file_of(file);
    // Who only reads it has finished nothing.
    if ((file->flags & O_ACCMODE) == O_RDONLY)
        reply_result(req, 0);
    else if (scratch->hook[0] && scratch->unjudged)
        make_hook(req, file);
    else // Who made a hook may only not have begun to write.
        reply_result(req, scratch->hook[0] && !scratch->judged ? -EINVAL : 0);
}

static void release_scratch(struct open_file *file)
{
    struct scratch_handle *h = (struct scratch_handle *)file;
    // Nobody has written to it: the refusal of an empty hook.
    if (h->scratch->hook[0] && !h->scratch->judged && h->scratch->opens == 1)
        make_hook(NULL, file);
    scratch_closed(file->mount->scratch, h->scratch);
    h->scratch = NULL;
}

const struct file_kind scratch_kind = {
    .size = sizeof(struct scratch_handle),
    .open = open_scratch,
    .read = read_scratch,
    .write = write_scratch,
    .flush = flush_scratch,
    .fsync = flush_scratch,
    .release = release_scratch,
};
