// An open hook: reading gives its text as it was when the file was opened; what was written is judged as a whole when
// the file is closed or synced. Until then, and when it is refused, the earlier text stays in force.
#include "fs/hook.h"
#include "fs/written.h"

#include <errno.h>

static int open_hook(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct hook_row row;
    int error = hook_row(v, &row);
    return error ? error : written_open((struct written *)file, row.text, row.at_us, fi->flags);
}

// What was written, as an order; by the name that the hook has now. 0, or -ENOENT when it was removed meanwhile: then
// what is written is nobody's.
static int order(fuse_req_t req, struct written *w, struct submission **s)
{
    VISIT v = {0};
    struct hook_row row;
    BYTES_AUTO name = {0};
    int error = file_visit(&v, &w->file);
    if (!error)
        error = hook_row(&v, &row);
    if (error)
        return error;
    bytes_add_slice(&name, row.name);
    v.node = node_of(hook_folder_id(&v, hook_kind_of(store_reactor(v.mount->store), row.folder)));
    *s = hook_submission(req, &v, HOOK_SAVE, bytes_slice(&name), (struct slice){0}, bytes_slice(&w->text));
    return *s ? 0 : -ENOMEM;
}

static void judge_hook(fuse_req_t req, struct open_file *file)
{
    struct written *w = (struct written *)file;
    struct submission *s = NULL;
    if (!written_take(req, w))
        return;
    int error = order(req, w, &s);
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
    written_refuse_emptied((struct written *)file, EMPTY_HOOK);
}

const struct file_kind hook_file_kind = {
    .size = sizeof(struct written),
    .open = open_hook,
    .read = written_read,
    .write = written_write,
    .flush = judge_hook,
    .fsync = judge_hook,
    .truncate = written_truncate,
    .attr = written_attr,
    .release = release_hook,
    .close = written_close,
};
