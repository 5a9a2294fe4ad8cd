// Open files beside a hook whose text the hook's kind makes: each keeps the text that it was opened with, and its size.
#include "fs/attr.h"
#include "fs/hook_directory.h"
#include "fs/reply.h"

#include <errno.h>

struct text_file {
    struct open_file file;
    struct bytes text;
};

static int make_text(struct visit *v, const struct hook_beside *beside, struct bytes *out)
{
    BYTES_AUTO stem = {0};
    // What the row holds, the reader forgets.
    bytes_add_slice(&stem, beside->stem);
    int error = stem.failed ? -ENOMEM : beside->file->read(v->tenant->reaction, v->reader, bytes_slice(&stem), out);
    return error ? error : out->failed ? -ENOMEM : 0;
}

int hook_text_measure(struct visit *v, const struct hook_beside *beside, uint64_t *size)
{
    BYTES_AUTO text = {0};
    int error = make_text(v, beside, &text);
    *size = text.size;
    return error;
}

static int open_text(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct text_file *f = (struct text_file *)file;
    struct hook_beside beside;
    (void)fi;
    int error = hook_directory_here(v, &beside);
    if (!error)
        error = make_text(v, &beside, &f->text);
    if (error)
        bytes_free(&f->text);
    return error == -ENOENT ? -ESTALE : error;
}

static void read_text(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    reply_part(req, bytes_slice(&((struct text_file *)file)->text), size, offset);
}

static void attr_text(const struct open_file *file, struct stat *attr)
{
    attr_size(attr, ((const struct text_file *)file)->text.size);
}

static void close_text(struct open_file *file)
{
    bytes_free(&((struct text_file *)file)->text);
}

const struct file_kind hook_text_kind = {
    .size = sizeof(struct text_file),
    .open = open_text,
    .read = read_text,
    .attr = attr_text,
    .close = close_text,
};
