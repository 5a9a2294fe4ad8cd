#include "fs/written.h"

#include "fs/attr.h"
#include "fs/reply.h"

#include <errno.h>
#include <fcntl.h>

int written_open(struct written *w, struct slice text, int64_t at_us, int flags)
{
    w->append = flags & O_APPEND;
    w->emptied = flags & O_TRUNC;
    if (!w->emptied) {
        w->at_us = at_us;
        bytes_add_slice(&w->text, text);
    }
    return w->text.failed ? -ENOMEM : 0;
}

void written_close(struct open_file *file)
{
    bytes_free(&((struct written *)file)->text);
}

void written_read(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    reply_part(req, bytes_slice(&((struct written *)file)->text), size, offset);
}

void written_attr(const struct open_file *file, struct stat *attr)
{
    const struct written *w = (const struct written *)file;
    attr_size(attr, w->text.size);
    if (w->at_us)
        attr_time(attr, w->at_us);
}

int written_truncate(struct open_file *file, uint64_t size)
{
    struct written *w = (struct written *)file;
    if (size > WRITTEN_BYTES)
        return -EFBIG;
    if (size > w->text.size) {
        size_t more = (size_t)size - w->text.size;
        char *gap = bytes_reserve(&w->text, more);
        if (!gap) {
            w->text.failed = false;
            return -ENOMEM;
        }
        memset(gap, ' ', more);
    }
    w->text.size = (size_t)size;
    w->at_us = 0;
    return 0;
}

void written_write(fuse_req_t req, struct open_file *file, const char *from, size_t size, uint64_t offset)
{
    struct written *w = (struct written *)file;
    if (w->append)
        offset = w->text.size;
    int error = offset > WRITTEN_BYTES ? -EFBIG : 0;
    if (!error && offset + size > w->text.size)
        error = written_truncate(file, offset + size);
    if (error) {
        fuse_reply_err(req, -error);
        return;
    }
    memcpy(w->text.at + offset, from, size);
    w->written = true;
    w->at_us = 0;
    w->emptied = false;
    fuse_reply_write(req, size);
}

bool written_take(fuse_req_t req, struct written *w)
{
    bool take = w->written;
    w->written = false;
    // Who opened it with O_TRUNC may only not have begun to write: it is a refusal, for `rejected`, at the end.
    if (!take)
        fuse_reply_err(req, w->emptied ? EINVAL : 0);
    return take;
}

void written_refuse_emptied(struct written *w, const char *why)
{
    struct submission *s = w->emptied ? file_submission(NULL, &w->file, SUBMIT_REFUSAL, 0) : NULL;
    if (!s)
        return;
    reason_set(&s->why, -EINVAL, "%s", why);
    submission_refuse(s, -EINVAL, (struct slice){0});
    tenant_submit(w->file.tenant, s);
}
