#include "fs/refuse.h"

#include "fs/file.h"

#include <errno.h>

#define SAID_NS INT64_C(10000000000)

// Was it said lately, or so much else that this is not? If not, it counts as said.
static bool is_said(struct mount *mount, uint32_t tenant, struct slice path)
{
    uint64_t hash = slice_hash(path) * 31 + tenant;
    int64_t now_ns = when_steady_ns();
    for (unsigned i = 0; i < REFUSED_MAX; i++) {
        const struct refused *refused = &mount->refused[i];
        if (refused->hash == hash && refused->at_ns && now_ns - refused->at_ns < SAID_NS)
            return true;
    }
    struct refused *oldest = &mount->refused[mount->next_refused % REFUSED_MAX];
    if (oldest->at_ns && now_ns - oldest->at_ns < SAID_NS)
        return true;
    *oldest = (struct refused){.hash = hash, .at_ns = now_ns};
    mount->next_refused++;
    return false;
}

int refuse_filter(struct visit *v, const char *directory, struct slice name, const struct reason *why)
{
    BYTES_AUTO path = {0};
    bytes_add_text(&path, directory);
    bytes_add_char(&path, '/');
    bytes_add_slice(&path, name);
    if (is_said(v->mount, v->node.tenant, bytes_slice(&path)))
        return -ENOENT;
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
