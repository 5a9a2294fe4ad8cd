#include "fs/refuse.h"

#include "fs/file.h"

#include <errno.h>

int refuse_filter(struct visit *v, const char *directory, struct slice name, const struct reason *why)
{
    BYTES_AUTO path = {0};
    bytes_add_text(&path, directory);
    bytes_add_char(&path, '/');
    bytes_add_slice(&path, name);
    submission_free(v->refusal);
    v->refusal = path.failed ? NULL : submission_by(v->req, SUBMIT_REFUSAL, bytes_slice(&path));
    if (v->refusal) {
        v->refusal->why = *why;
        submission_refuse(v->refusal, -ENOENT, name);
    }
    return -ENOENT;
}

// On the writer's thread.
static void answer_lookup(struct submission *s)
{
    fuse_reply_err(s->context, -s->error);
    submission_free(s);
}

void refuse_lookup(struct visit *v, int error)
{
    struct submission *s = v->refusal;
    if (!s) {
        fuse_reply_err(v->req, -error);
        return;
    }
    v->refusal = NULL;
    s->context = v->req;
    s->answer = answer_lookup;
    tenant_submit(v->tenant, s);
}
