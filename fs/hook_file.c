// An open hook: reading gives its text as it was when the file was opened; what was written is judged as a whole when
// the file is closed or synced. Until then, and when it is refused, the earlier text stays in force.
#include "fs/file.h"
#include "fs/hook.h"
#include "fs/written.h"

#include <errno.h>

struct hook_file {
    struct open_file file;
    struct written text;
};

static int open_hook(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct hook_file *f = (struct hook_file *)file;
    struct hook_row row;
    int error = hook_row(v, &row);
    if (error)
        return error;
    f->text.at_us = fi->flags & O_TRUNC ? 0 : row.at_us;
    return written_open(&f->text, row.text, fi->flags);
}

static void read_hook(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    written_read(req, &((struct hook_file *)file)->text, size, offset);
}

static void write_hook(fuse_req_t req, struct open_file *file, const char *from, size_t size, uint64_t offset)
{
    written_write(req, &((struct hook_file *)file)->text, from, size, offset);
}

static int truncate_hook(struct open_file *file, uint64_t size)
{
    return written_truncate(&((struct hook_file *)file)->text, size);
}

static void attr_hook(const struct open_file *file, struct stat *attr)
{
    const struct hook_file *f = (const struct hook_file *)file;
    attr_size(attr, f->text.text.size);
    if (f->text.at_us)
        attr_time(attr, f->text.at_us);
}

// What was written, as an order; by the name that the hook has now. 0, or -ENOENT when it was removed meanwhile: then
// what is written is nobody's.
static int order(fuse_req_t req, struct hook_file *f, struct submission **s)
{
    VISIT v = {0};
    struct hook_row row;
    BYTES_AUTO name = {0};
    int error = file_visit(&v, &f->file);
    if (!error)
        error = hook_row(&v, &row);
    if (error)
        return error;
    bytes_add_slice(&name, row.name);
    v.node = node_of(hook_folder_id(&v, hook_kind_of(store_reactor(v.mount->store), row.folder)));
    *s = hook_submission(req, &v, HOOK_SAVE, bytes_slice(&name), (struct slice){0}, bytes_slice(&f->text.text));
    return *s ? 0 : -ENOMEM;
}

static void judge_hook(fuse_req_t req, struct open_file *file)
{
    struct hook_file *f = (struct hook_file *)file;
    struct submission *s = NULL;
    if (!written_take(req, &f->text))
        return;
    int error = order(req, f, &s);
    if (!error)
        error = file_pend(s, req, file, 0);
    if (error) {
        submission_free(s);
        fuse_reply_err(req, error == -ENOENT ? 0 : -error);
        return;
    }
    tenant_submit(file->tenant, s);
}

static void release_hook(struct open_file *file)
{
    struct hook_file *f = (struct hook_file *)file;
    struct submission *s = f->text.emptied ? file_submission(NULL, file, SUBMIT_REFUSAL, 0) : NULL;
    if (!s)
        return;
    reason_set(&s->why, -EINVAL, EMPTY_HOOK);
    submission_refuse(s, -EINVAL, (struct slice){0});
    tenant_submit(file->tenant, s);
}

static void close_hook(struct open_file *file)
{
    written_close(&((struct hook_file *)file)->text);
}

const struct file_kind hook_file_kind = {
    .size = sizeof(struct hook_file),
    .open = open_hook,
    .read = read_hook,
    .write = write_hook,
    .flush = judge_hook,
    .fsync = judge_hook,
    .truncate = truncate_hook,
    .attr = attr_hook,
    .release = release_hook,
    .close = close_hook,
};
