#include "fs/document.h"

#include <errno.h>

int document_show(struct visit *v, uint64_t entity, uint32_t version, int64_t updated_at_us, struct slice *text)
{
    struct shown *shown = &v->desk->shown;
    *text = bytes_slice(&shown->text);
    // stat, open and read ask for the same one after another.
    if (shown->tenant == v->node.tenant && shown->entity == entity && shown->version == version && shown->text.size)
        return 0;
    STATE_AUTO state = NULL;
    char name[NAME_ENTITY_MAX];
    struct slice named = {.at = name};
    int error = history_state(v->reader, entity, version, &state);
    if (!error && !state->alive)
        error = -ENOENT;
    if (!error)
        error = history_name(v->reader, entity, name, &named.size);
    if (error)
        return error;
    bytes_trim(&shown->text, 1 << 20);
    state_show(state, named, version, updated_at_us, &shown->text);
    if (shown->text.failed) {
        bytes_free(&shown->text);
        return -ENOMEM;
    }
    shown->tenant = v->node.tenant;
    shown->entity = entity;
    shown->version = version;
    *text = bytes_slice(&shown->text);
    return 0;
}

static int state_now(struct visit *v, uint64_t entity, struct document *d)
{
    struct head head;
    int error = history_head_of(v->reader, entity, &head);
    if (error)
        return error;
    d->base = head.version;
    d->at_us = head.last_at_us;
    return head.version ? document_show(v, entity, head.version, head.last_at_us, &d->text) : -ENOENT;
}

static int spec_now(struct visit *v, struct document *d)
{
    SPEC_AUTO spec = NULL;
    struct event_row row;
    d->base = declared_last(v->tenant);
    d->text = SPEC_NOTHING;
    if (!d->base)
        return 0;
    int error = history_event(v->reader, d->base, &row);
    if (error)
        return error;
    d->at_us = row.at_us;
    error = declared_spec(v->reader, d->base, &spec);
    if (error)
        return error;
    struct shown *shown = &v->desk->shown;
    shown->tenant = 0;
    bytes_trim(&shown->text, 1 << 20);
    bytes_add_slice(&shown->text, spec->text);
    d->text = bytes_slice(&shown->text);
    return shown->text.failed ? -ENOMEM : 0;
}

int document_now(struct visit *v, const struct node *node, struct document *d)
{
    *d = (struct document){0};
    return node->kind == NODE_SPEC ? spec_now(v, d) : state_now(v, node->number, d);
}

int document_show_at(struct visit *v, uint64_t position, struct slice *text)
{
    struct event_row row;
    int error = history_event(v->reader, position, &row);
    return error ? error : document_show(v, row.entity, row.version, row.at_us, text);
}
