#include "fs/document_write.h"

#include "fs/caller.h"
#include "fs/file.h"
#include "fs/tree.h"

#include "store/json.h"

#include <errno.h>

static int check_document(struct slice text, struct reason *why)
{
    struct json_scanner scanner;
    size_t used = 0, rest_used;
    json_scanner_init(&scanner);
    enum json_found found = json_scan(&scanner, text.at, text.size, &used, why);
    if (found == JSON_MORE && json_scanner_idle(&scanner))
        return reason_set(why, -EINVAL, EMPTY_DOCUMENT);
    if (found != JSON_VALUE)
        return reason_set(why, -EINVAL, "the document is not complete");
    struct slice value = {.at = text.at, .size = used};
    if (json_kind(value) != JSON_OBJECT)
        return reason_set(why, -EINVAL, "a state is an object");
    if (json_scan(&scanner, text.at + used, text.size - used, &rest_used, why) != JSON_MORE ||
        !json_scanner_idle(&scanner))
        return reason_set(why, -EINVAL, "there is more behind the document's end");
    return json_refuse_duplicates(value, why);
}

static struct submission *spec_submission(fuse_req_t req, uint64_t base, struct slice text)
{
    struct submission *s = submission_by(req, SUBMIT_SPEC, SLICE("spec.json"));
    if (!s)
        return NULL;
    s->document = s->input = arena_copy(&s->arena, text);
    s->actor = arena_copy(&s->arena, caller_actor(s->uid));
    s->base_spec = base;
    if (!s->document.at || !s->actor.at)
        submission_refuse(s, -ENOMEM, text);
    return s;
}

struct submission *document_submission(fuse_req_t req, struct visit *v, uint64_t base, struct slice text)
{
    if (v->node.kind == NODE_SPEC)
        return spec_submission(req, base, text);
    char name[NAME_ENTITY_MAX];
    struct slice named = {.at = name};
    BYTES_AUTO path = {0};
    tree_path(v, &path);
    struct submission *s = submission_by(req, SUBMIT_DOCUMENT, bytes_slice(&path));
    if (!s)
        return NULL;
    int error = history_name(v->reader, v->node.number, name, &named.size);
    if (!error)
        error = check_document(text, &s->why);
    if (!error) {
        s->document = arena_copy(&s->arena, text);
        s->entity = arena_copy(&s->arena, named);
        s->actor = arena_copy(&s->arena, caller_actor(s->uid));
        s->base_version = (uint32_t)base;
        if (!s->document.at || !s->entity.at || !s->actor.at)
            error = -ENOMEM;
    }
    if (error)
        submission_refuse(s, error, text);
    else
        s->input = s->document;
    return s;
}
