// `state.json` and `spec.json`: reading gives the document as it was when the file was opened; what was written is
// judged as a whole when the file is closed or synced (FILES.md D).
#include "fs/document.h"
#include "fs/document_write.h"
#include "fs/written.h"

#include <errno.h>
#include <pthread.h>

struct state_file {
    struct written text;
    pthread_mutex_t lock;
    uint64_t base; // (lock) what that which is written was made of (document_now)
};

static int open_state(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct state_file *f = (struct state_file *)file;
    struct document now;
    int error = document_now(v, &v->node, &now);
    bool nothing = error == -ENOENT || (error == -EIO && v->node.kind == NODE_SPEC);
    // A document may be written where there is none, or where it cannot be read: it creates.
    if (error && (!nothing || (fi->flags & O_ACCMODE) == O_RDONLY))
        return error;
    pthread_mutex_init(&f->lock, NULL);
    f->base = now.base;
    if (nothing)
        return written_open(&f->text, (struct slice){0}, 0, fi->flags & ~O_TRUNC);
    return written_open(&f->text, now.text, now.at_us, fi->flags);
}

// ---- judging

static void answer_state(struct submission *s)
{
    struct state_file *f = (struct state_file *)file_pending(s);
    if (!s->error) {
        pthread_mutex_lock(&f->lock);
        f->base = s->kind == SUBMIT_SPEC ? s->spec : s->version;
        pthread_mutex_unlock(&f->lock);
    }
    file_answer(s);
}

static void judge_state(fuse_req_t req, struct open_file *file)
{
    struct state_file *f = (struct state_file *)file;
    if (!written_take(req, &f->text))
        return;
    pthread_mutex_lock(&f->lock);
    uint64_t base = f->base;
    pthread_mutex_unlock(&f->lock);
    VISIT v = {0};
    struct submission *s = NULL;
    if (file_visit(&v, file) == 0)
        s = document_submission(req, &v, base, bytes_slice(&f->text.text));
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
    written_refuse_emptied((struct written *)file, file->node.kind == NODE_SPEC ? SPEC_EMPTY : EMPTY_DOCUMENT);
}

static void close_state(struct open_file *file)
{
    written_close(file);
    pthread_mutex_destroy(&((struct state_file *)file)->lock);
}

const struct file_kind state_kind = {
    .size = sizeof(struct state_file),
    .open = open_state,
    .read = written_read,
    .write = written_write,
    .flush = judge_state,
    .fsync = judge_state,
    .truncate = written_truncate,
    .attr = written_attr,
    .release = release_state,
    .close = close_state,
};
