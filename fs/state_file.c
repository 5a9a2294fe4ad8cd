// `state.json`: reading gives the document as it was when the file was opened; what was written is judged as a whole
// when the file is closed or synced (FILES.md D).
#include "fs/attr.h"
#include "fs/document.h"
#include "fs/document_write.h"
#include "fs/file.h"
#include "fs/reply.h"

#include <errno.h>
#include <pthread.h>

#define DOCUMENT_BYTES (size_t)(16 << 20)

struct state_file {
    struct open_file file;
    struct bytes text; // as opened, then as written
    int64_t at_us;     // of the document as opened; 0: there was none, or it was written to
    bool written;      // since it was last judged
    bool emptied;      // by open(2), and nothing was written since

    pthread_mutex_t lock;
    uint32_t base_version; // (lock) the version that what is written was made of
};

static int open_state(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct state_file *f = (struct state_file *)file;
    struct slice text;
    struct head head;
    int error = history_head_of(v->reader, v->node.number, &head);
    if (error)
        return error;
    pthread_mutex_init(&f->lock, NULL);
    f->base_version = head.version;
    error = head.version ? document_show(v, v->node.number, head.version, head.last_at_us, &text) : -ENOENT;
    // A document may be written where there is none: it creates.
    if (error == -ENOENT)
        return (fi->flags & O_ACCMODE) == O_RDONLY ? -ENOENT : 0;
    if (error)
        return error;
    f->emptied = fi->flags & O_TRUNC;
    f->at_us = f->emptied ? 0 : head.last_at_us;
    if (!f->emptied)
        bytes_add_slice(&f->text, text);
    return f->text.failed ? -ENOMEM : 0;
}

static void read_state(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    struct state_file *f = (struct state_file *)file;
    reply_part(req, bytes_slice(&f->text), size, offset);
}

static int resize(struct state_file *f, uint64_t size)
{
    if (size > DOCUMENT_BYTES)
        return -EFBIG;
    if (size > f->text.size) {
        size_t more = (size_t)size - f->text.size;
        char *gap = bytes_reserve(&f->text, more);
        if (!gap)
            return -ENOMEM;
        memset(gap, ' ', more);
    }
    f->text.size = (size_t)size;
    f->at_us = 0;
    return 0;
}

static void write_state(fuse_req_t req, struct open_file *file, const char *from, size_t size, uint64_t offset)
{
    struct state_file *f = (struct state_file *)file;
    if (file->flags & O_APPEND)
        offset = f->text.size;
    int error = offset > DOCUMENT_BYTES ? -EFBIG : 0;
    if (!error && offset + size > f->text.size)
        error = resize(f, offset + size);
    if (error) {
        fuse_reply_err(req, -error);
        return;
    }
    memcpy(f->text.at + offset, from, size);
    f->written = true;
    f->at_us = 0;
    f->emptied = false;
    fuse_reply_write(req, size);
}

static int truncate_state(struct open_file *file, uint64_t size)
{
    // Alone it changes nothing: `truncate -s 0` and a shell's `>` come before what is meant.
    return resize((struct state_file *)file, size);
}

static void attr_state(const struct open_file *file, struct stat *attr)
{
    const struct state_file *f = (const struct state_file *)file;
    attr_size(attr, f->text.size);
    if (f->at_us)
        attr_time(attr, f->at_us);
}

// ---- judging

static void answer_state(struct submission *s)
{
    struct state_file *f = (struct state_file *)file_pending(s);
    if (!s->error) {
        pthread_mutex_lock(&f->lock);
        f->base_version = s->version;
        pthread_mutex_unlock(&f->lock);
    }
    file_answer(s);
}

static void judge_state(fuse_req_t req, struct open_file *file)
{
    struct state_file *f = (struct state_file *)file;
    if (!f->written) {
        // Who opened it with O_TRUNC may only not have begun to write: it is a refusal, for `rejected`, at the end.
        fuse_reply_err(req, f->emptied ? EINVAL : 0);
        return;
    }
    // Refused or not, it is not judged again before it is written again.
    f->written = false;
    pthread_mutex_lock(&f->lock);
    uint32_t base_version = f->base_version;
    pthread_mutex_unlock(&f->lock);
    VISIT v = {0};
    struct submission *s = NULL;
    if (file_visit(&v, file) == 0)
        s = document_submission(req, &v, base_version, bytes_slice(&f->text));
    if (!s || file_pend(s, req, file, 0)) {
        submission_free(s);
        fuse_reply_err(req, ENOMEM);
        return;
    }
    s->answer = answer_state;
    tenant_submit(file->tenant, s);
}

static void release_state(struct open_file *file)
{
    struct state_file *f = (struct state_file *)file;
    struct submission *s = f->emptied ? file_submission(NULL, file, SUBMIT_REFUSAL, 0) : NULL;
    if (!s)
        return;
    reason_set(&s->why, -EINVAL, EMPTY_DOCUMENT);
    submission_refuse(s, -EINVAL, (struct slice){0});
    tenant_submit(file->tenant, s);
}

static void close_state(struct open_file *file)
{
    struct state_file *f = (struct state_file *)file;
    bytes_free(&f->text);
    pthread_mutex_destroy(&f->lock);
}

const struct file_kind state_kind = {
    .size = sizeof(struct state_file),
    .open = open_state,
    .read = read_state,
    .write = write_state,
    .flush = judge_state,
    .fsync = judge_state,
    .truncate = truncate_state,
    .attr = attr_state,
    .release = release_state,
    .close = close_state,
};
