#include "fs/moment.h"

#include "store/past.h"

#include <errno.h>

int moment_lookup(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    struct when when;
    bool forever;
    struct view words = {.kind = NODE_MOMENT, .tenant = v->node.tenant};
    if (when_parse(name, &when))
        return -ENOENT;
    int error = history_moment(v->reader, &when, &words.position, &forever);
    if (!error)
        error = view_take(v->mount->views, &words, &v->found);
    if (error)
        return error;
    *id = node_view_id(NODE_MOMENT, v->found->slot, 0);
    *timeout_s = forever ? TIMEOUT_FOREVER_S : 0;
    return 0;
}

int moment_lookup_entity(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    struct head head;
    bool there = false;
    int error = name_is_entity(name) ? history_head(v->reader, name, &head) : -ENOENT;
    if (!error)
        error = past_has(v->reader, head.id, v->view->position, &there);
    if (error)
        return error;
    if (!there)
        return -ENOENT;
    *id = node_view_id(NODE_MOMENT_ENTITY, v->node.slot, head.id);
    *timeout_s = TIMEOUT_FOREVER_S;
    return 0;
}

int moment_next(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    uint64_t entity;
    size_t size;
    int error = past_entity_from(v->reader, v->view->position, offset ? offset : 1, &entity, entry->text, &size);
    if (error)
        return error == -ENOENT ? 0 : error;
    // No attributes, as of those of today.
    struct visit child = visit_child(v, node_view_id(NODE_MOMENT_ENTITY, v->node.slot, entity));
    entry->id = 0;
    entry->next = entity + 1;
    entry->name = (struct slice){.at = entry->text, .size = size};
    entry->attr = (struct stat){.st_ino = attr_inode(&child), .st_mode = S_IFDIR};
    return 1;
}

int moment_last(struct visit *v, uint64_t *position)
{
    struct event_place place;
    uint32_t version;
    int error = past_last(v->reader, v->node.number, v->view->position, &version, &place);
    *position = place.position;
    return error;
}
