// An open log of a hook: what it has said so far, as it is when it is read.
#include "fs/file.h"
#include "fs/hook.h"
#include "fs/reply.h"

#include <errno.h>

static void read_log(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    VISIT v = {0};
    struct slice piece;
    uint64_t number = 0;
    int error = file_visit(&v, file);
    struct bytes *text = error ? NULL : &v.desk->answer;
    if (text)
        bytes_clear(text);
    while (!error && !(error = history_hook_log_from(v.reader, file->node.number, &number, &piece))) {
        bytes_add_slice(text, piece);
        number++;
    }
    if (error == -ENOENT)
        error = text->failed ? -ENOMEM : 0;
    if (error)
        fuse_reply_err(req, -error);
    else
        reply_part(req, bytes_slice(text), size, offset);
}

const struct file_kind hook_log_kind = {
    .size = sizeof(struct open_file),
    .read = read_log,
};
