// An open `status.json`: it keeps the text that it was opened with, and its size. (Its inode is its own, node.h.)
#include "fs/attr.h"
#include "fs/file.h"
#include "fs/reply.h"
#include "fs/status.h"

#include <errno.h>

struct status_file {
    struct open_file file;
    struct bytes text;
    int64_t changed_at_us; // of the text
};

static int open_status(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct status_file *f = (struct status_file *)file;
    struct slice text;
    (void)fi;
    int error = status_show(v, &text, &f->changed_at_us);
    if (error)
        return error;
    bytes_add_slice(&f->text, text);
    return f->text.failed ? -ENOMEM : 0;
}

static void read_status(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    reply_part(req, bytes_slice(&((struct status_file *)file)->text), size, offset);
}

static void attr_status(const struct open_file *file, struct stat *attr)
{
    const struct status_file *f = (const struct status_file *)file;
    attr_size(attr, f->text.size);
    attr_time(attr, f->changed_at_us);
}

static void close_status(struct open_file *file)
{
    bytes_free(&((struct status_file *)file)->text);
}

const struct file_kind status_kind = {
    .size = sizeof(struct status_file),
    .open = open_status,
    .read = read_status,
    .attr = attr_status,
    .close = close_status,
};
