// `rollback`: a WHEN, judged at its newline or, without one, when the file is closed.
#include "fs/caller.h"
#include "fs/file.h"

#include <errno.h>

#define WHEN_BYTES 512

struct rollback_file {
    struct open_file file;
    char text[WHEN_BYTES];
    size_t size;
};

static struct slice trimmed(const struct rollback_file *r)
{
    struct slice text = {.at = r->text, .size = r->size};
    while (text.size && strchr(" \t\r\n", text.at[text.size - 1]))
        text.size--;
    while (text.size && strchr(" \t\r\n", text.at[0])) {
        text.at++;
        text.size--;
    }
    return text;
}

static void submit(fuse_req_t req, struct rollback_file *r, size_t size)
{
    VISIT v = {0};
    char name[NAME_ENTITY_MAX];
    struct slice entity = {.at = name};
    struct slice text = trimmed(r);
    r->size = 0;
    struct submission *s = file_submission(req, &r->file, SUBMIT_ROLLBACK, size);
    int error = s ? file_visit(&v, &r->file) : -ENOMEM;
    if (!error)
        error = history_name(v.reader, r->file.node.number, name, &entity.size);
    if (error) {
        submission_free(s);
        fuse_reply_err(req, -error);
        return;
    }
    s->entity = arena_copy(&s->arena, entity);
    s->when_text = arena_copy(&s->arena, text);
    s->actor = arena_copy(&s->arena, caller_actor(s->uid));
    if (!s->entity.at || !s->when_text.at || !s->actor.at)
        submission_refuse(s, -ENOMEM, text);
    else if (when_parse(s->when_text, &s->when)) {
        reason_set(&s->why, -EINVAL, "no moment: 2026-01-15, 2026-01-15T10:00:00Z, v3, evt_… or 2h-ago");
        submission_refuse(s, -EINVAL, text);
    } else {
        s->input = s->when_text;
    }
    tenant_submit(r->file.tenant, s);
}

static void write_rollback(fuse_req_t req, struct open_file *file, const char *from, size_t size, uint64_t offset)
{
    struct rollback_file *r = (struct rollback_file *)file;
    (void)offset;
    if (size > WHEN_BYTES - r->size) {
        r->size = 0;
        fuse_reply_err(req, EMSGSIZE);
        return;
    }
    memcpy(r->text + r->size, from, size);
    r->size += size;
    if (!trimmed(r).size)
        r->size = 0;
    if (r->size && memchr(r->text, '\n', r->size))
        submit(req, r, size);
    else
        fuse_reply_write(req, size);
}

static void flush_rollback(fuse_req_t req, struct open_file *file)
{
    struct rollback_file *r = (struct rollback_file *)file;
    if (r->size)
        submit(req, r, 0);
    else
        fuse_reply_err(req, 0);
}

const struct file_kind rollback_kind = {
    .size = sizeof(struct rollback_file),
    .write = write_rollback,
    .flush = flush_rollback,
};
