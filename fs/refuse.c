#include "fs/refuse.h"

#include "fs/file.h"

#include <errno.h>

int refuse_filter(struct visit *v, const char *directory, struct slice name, const struct reason *why)
{
    BYTES_AUTO path = {0};
    bytes_add_text(&path, directory);
    bytes_add_char(&path, '/');
    bytes_add_slice(&path, name);
    struct submission *s = path.failed ? NULL : submission_by(v->req, SUBMIT_REFUSAL, bytes_slice(&path));
    if (!s)
        return -ENOENT;
    s->why = *why;
    submission_refuse(s, -ENOENT, name);
    // Nobody waits for the line.
    s->answer = submission_free;
    tenant_submit(v->tenant, s);
    return -ENOENT;
}
