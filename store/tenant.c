#include "store/tenant.h"

#include <errno.h>
#include <stdlib.h>

void tenant_init(struct tenant *t, uint32_t number, const char *name, const char *path, const struct sqids *sqids)
{
    *t = (struct tenant){.number = number, .sqids = sqids, .answered_past_us = INT64_MIN, .frontier_us = INT64_MAX};
    snprintf(t->name, sizeof t->name, "%s", name);
    snprintf(t->path, sizeof t->path, "%s", path);
    atomic_init(&t->rest_ns, TENANT_REST_NS);
    pthread_mutex_init(&t->lock, NULL);
}

void tenant_clear(struct tenant *t)
{
    entities_free(&t->entities);
    ids_free(&t->ids);
    types_free(&t->types);
    index_free(&t->index);
    declared_clear(&t->declared);
    refused_hooks_free(&t->refused);
    pthread_mutex_destroy(&t->lock);
}

struct log_end tenant_end(struct tenant *t)
{
    pthread_mutex_lock(&t->lock);
    struct log_end end = t->end;
    pthread_mutex_unlock(&t->lock);
    return end;
}

size_t tenant_memory(struct tenant *t)
{
    pthread_mutex_lock(&t->lock);
    size_t bytes = t->entities.bytes + ids_bytes(&t->ids);
    pthread_mutex_unlock(&t->lock);
    return bytes;
}

int tenant_reserve(struct tenant *t, struct slice name, uint64_t *id)
{
    int error = 0;
    pthread_mutex_lock(&t->lock);
    struct entity *e = entities_find(&t->entities, name);
    if (e && (e->head.version || e->reserved)) {
        error = -EEXIST;
    } else if (t->reserved_count == TENANT_RESERVED_MAX) {
        error = -ENOSPC;
    } else {
        if (!e)
            e = entities_add(&t->entities, name, &(struct head){.id = t->next_entity++});
        if (e) {
            e->reserved = true;
            t->reserved_count++;
        } else {
            error = -ENOMEM;
        }
    }
    if (e)
        *id = e->head.id;
    pthread_mutex_unlock(&t->lock);
    return error;
}

int tenant_unreserve(struct tenant *t, uint64_t entity)
{
    int error = 0;
    pthread_mutex_lock(&t->lock);
    struct entity *e = entities_find_id(&t->entities, entity);
    if (!e || (!e->reserved && !e->head.version)) {
        error = -ENOENT;
    } else if (e->head.version || e->touched) {
        error = -ENOTEMPTY;
    } else {
        t->reserved_count--;
        entities_remove(&t->entities, e);
    }
    pthread_mutex_unlock(&t->lock);
    return error;
}

int tenant_reserved_from(
    struct tenant *t, uint64_t from, uint64_t *entity, char name[static NAME_ENTITY_MAX], size_t *size)
{
    struct entity *found = NULL;
    pthread_mutex_lock(&t->lock);
    if (t->reserved_count)
        for (struct entity *e = t->entities.newest; e; e = e->older)
            if (e->reserved && !e->head.version && e->head.id >= from && (!found || e->head.id < found->head.id))
                found = e;
    if (found) {
        *entity = found->head.id;
        memcpy(name, found->name, *size = found->name_size);
    }
    pthread_mutex_unlock(&t->lock);
    return found ? 0 : -ENOENT;
}

bool tenant_is_past(struct tenant *t, int64_t at_us)
{
    int64_t now_us = when_now_us();
    pthread_mutex_lock(&t->lock);
    if (now_us < t->end.at_us)
        now_us = t->end.at_us;
    bool past = at_us < now_us && at_us < t->frontier_us;
    if (past && at_us > t->answered_past_us)
        t->answered_past_us = at_us;
    pthread_mutex_unlock(&t->lock);
    return past;
}
