// The entities of a transaction: taken into memory, or only looked at.
#include "store/grow.h"
#include "store/transaction.h"

#include <errno.h>

static int touch(struct transaction *tx, struct entity *e)
{
    if (e->touched)
        return 0;
    if (!GROW(tx->touched, tx->touched_count, tx->touched_room))
        return -ENOMEM;
    tx->touched[tx->touched_count++] = e;
    e->touched = true;
    e->next = e->head;
    e->next_state = state_hold(e->state);
    return 0;
}

// Under the lock: from here on nobody else may remove it.
static int find_and_touch(struct transaction *tx, struct slice name, struct entity **entity)
{
    struct tenant *t = tx->tenant;
    pthread_mutex_lock(&t->lock);
    *entity = entities_find(&t->entities, name);
    int error = *entity ? touch(tx, *entity) : -ENOENT;
    pthread_mutex_unlock(&t->lock);
    return error;
}

// Where an entity's history ended at the horizon. It has no version when it began behind it.
static int look_back(struct transaction *tx, struct head *head)
{
    struct chunk page;
    uint32_t version;
    if (!tx->bounded || head->last_position <= tx->horizon || head->last_position > tx->published.position)
        return 0;
    int error = history_version_at(&tx->reader, head->id, tx->horizon, &version);
    if (!error && version)
        error = history_page(&tx->reader, head->id, version, &page);
    if (error)
        return error;
    struct head then = {.id = head->id, .version = version};
    if (version) {
        then.last_position = page.events[0].position;
        then.last_at_us = page.events[0].at_us;
    }
    *head = then;
    return 0;
}

static int touch_entity(struct transaction *tx, struct slice name, struct entity **entity)
{
    struct tenant *t = tx->tenant;
    struct head head = {0};
    int error = find_and_touch(tx, name, entity);
    if (error != -ENOENT)
        return error;
    error = history_head(&tx->reader, name, &head);
    if (error && error != -ENOENT)
        return error;
    bool indexed = !error;
    pthread_mutex_lock(&t->lock);
    // A reservation may have come in meanwhile.
    if (!entities_find(&t->entities, name)) {
        if (!indexed)
            head.id = t->next_entity++;
        struct entity *e = entities_add(&t->entities, name, &head);
        if (e)
            e->named = indexed;
    }
    pthread_mutex_unlock(&t->lock);
    error = find_and_touch(tx, name, entity);
    return error == -ENOENT ? -ENOMEM : error;
}

int transaction_entity(struct transaction *tx, struct slice name, struct entity **entity)
{
    int error = touch_entity(tx, name, entity);
    if (error || !tx->bounded)
        return error;
    uint32_t version = (*entity)->next.version;
    error = look_back(tx, &(*entity)->next);
    if (!error && (*entity)->next.version != version) {
        state_drop((*entity)->next_state);
        (*entity)->next_state = NULL;
    }
    return error;
}

int transaction_state(struct transaction *tx, struct entity *e, struct state **state)
{
    *state = e->next_state;
    if (e->next_state || e->next.version == 0)
        return 0;
    // Not in memory, so no event of this transaction is in it.
    int error = history_state(&tx->reader, e->head.id, e->next.version, &e->next_state);
    struct snapshot_row row;
    if (!error) {
        error = engine_snapshot(tx->reader.engine, e->head.id, e->next.version, &row);
        e->next.snapshot_version = error ? 0 : row.version;
        // Not worth a search: as if nothing had come since.
        e->next.since_bytes = 0;
        error = error == -ENOENT ? 0 : error;
    }
    *state = e->next_state;
    return error;
}

// What memory has of it; false when it has nothing that could be shown. Under the lock.
static bool peek_memory(struct transaction *tx, struct slice name, uint64_t id, struct head *head, struct state **state)
{
    const struct entities *all = &tx->tenant->entities;
    const struct entity *e = id ? entities_find_id(all, id) : entities_find(all, name);
    if (!e)
        return false;
    *head = e->touched ? e->next : e->head;
    *state = state_hold(e->touched ? e->next_state : e->state);
    return head->version || e->reserved;
}

int transaction_peek(struct transaction *tx, struct slice name, uint64_t id, struct head *head, struct state **state)
{
    struct tenant *t = tx->tenant;
    *state = NULL;
    pthread_mutex_lock(&t->lock);
    bool known = peek_memory(tx, name, id, head, state);
    pthread_mutex_unlock(&t->lock);
    int error = known ? 0 : id ? history_head_of(&tx->reader, id, head) : history_head(&tx->reader, name, head);
    uint32_t version = error ? 0 : head->version;
    if (!error)
        error = look_back(tx, head);
    if (!error && head->version != version) {
        state_drop(*state);
        *state = NULL;
    }
    // Not in memory, so no event of this transaction is in it.
    if (!error && !*state && head->version)
        error = history_state(&tx->reader, head->id, head->version, state);
    return error;
}
