#include "store/history.h"

#include "store/identity.h"
#include "store/result.h"

#include <errno.h>
#include <stdlib.h>

int reader_open(struct reader *reader, struct tenant *tenant, struct reason *why)
{
    *reader = (struct reader){.tenant = tenant};
    return engine_open(&reader->engine, tenant->path, ENGINE_READ, why);
}

void reader_close(struct reader *reader)
{
    engine_close(reader->engine);
    query_room_free(reader->room);
    result_hand_free(reader->hand);
    *reader = (struct reader){0};
}

int history_reader(struct tenant *t, unsigned thread, struct reader **reader)
{
    if (!t->readers[thread]) {
        struct reason why = {0};
        struct reader *fresh = calloc(1, sizeof *fresh);
        if (!fresh)
            return -ENOMEM;
        int error = reader_open(fresh, t, &why);
        if (error) {
            fprintf(stderr, "factfs: %s\n", why.text);
            free(fresh);
            return error;
        }
        t->readers[thread] = fresh;
    }
    *reader = t->readers[thread];
    return 0;
}

int history_heard(struct reader *reader, int error)
{
    if (error == -EIO)
        fprintf(stderr, "factfs: tenant %s: %s\n", reader->tenant->name, engine_error(reader->engine));
    return error;
}

// What must be there and is not: damage as well.
static int lost(struct reader *reader, int error, const char *what, uint64_t number)
{
    if (error != -ENOENT)
        return history_heard(reader, error);
    fprintf(stderr, "factfs: tenant %s: damaged: %s %llu is missing\n", reader->tenant->name, what,
        (unsigned long long)number);
    return -EIO;
}

// ---- entities

// The head of an entity that is not in memory, from its last chunk.
static int indexed_head(struct reader *reader, uint64_t entity, struct head *head)
{
    struct chunk chunk;
    int error = engine_last_chunk(reader->engine, entity, &chunk);
    if (error)
        return error;
    const struct event_place *last = &chunk.events[chunk.count - 1];
    *head = (struct head){
        .id = entity,
        .version = chunk.first + chunk.count - 1,
        .size_bytes = chunk_end_offset(&chunk),
        .last_position = last->position,
        .last_at_us = last->at_us,
    };
    return 0;
}

// The head of an entity in memory, if it is to be shown. Under the lock.
static bool known_head(const struct entity *e, struct head *head)
{
    bool known = e && (e->head.version || e->reserved);
    if (known)
        *head = e->head;
    return known;
}

int history_head(struct reader *reader, struct slice name, struct head *head)
{
    struct tenant *t = reader->tenant;
    pthread_mutex_lock(&t->lock);
    bool known = known_head(entities_find(&t->entities, name), head);
    pthread_mutex_unlock(&t->lock);
    if (known)
        return 0;
    uint64_t entity;
    int error = engine_entity_of_name(reader->engine, name, &entity);
    if (error)
        return history_heard(reader, error);
    return lost(reader, history_head_of(reader, entity, head), "the index of entity", entity);
}

int history_head_of(struct reader *reader, uint64_t entity, struct head *head)
{
    struct tenant *t = reader->tenant;
    pthread_mutex_lock(&t->lock);
    bool known = known_head(entities_find_id(&t->entities, entity), head);
    pthread_mutex_unlock(&t->lock);
    return known ? 0 : history_heard(reader, indexed_head(reader, entity, head));
}

// The name of an entity whose own row is damaged: its first event tells it too.
static int name_from_log(struct reader *reader, uint64_t entity, char name[static NAME_ENTITY_MAX], size_t *size)
{
    struct chunk page;
    struct event_row row;
    struct event event;
    BYTES_AUTO actor = {0};
    int error = history_heard(reader, -EIO);
    if (entity && history_page(reader, entity, 1, &page) == 0 &&
        history_event(reader, page.events[0].position, &row) == 0)
        error = envelope_read(row.line, &event, &actor);
    if (!error)
        memcpy(name, event.target.at, *size = event.target.size);
    return error;
}

int history_name(struct reader *reader, uint64_t entity, char name[static NAME_ENTITY_MAX], size_t *size)
{
    struct tenant *t = reader->tenant;
    pthread_mutex_lock(&t->lock);
    struct entity *e = entities_find_id(&t->entities, entity);
    if (e)
        memcpy(name, e->name, *size = e->name_size);
    pthread_mutex_unlock(&t->lock);
    if (e)
        return 0;
    struct slice found;
    int error = engine_name_of_entity(reader->engine, entity, &found);
    if (!error)
        memcpy(name, found.at, *size = found.size);
    return error == -EIO ? name_from_log(reader, entity, name, size) : error;
}

int history_entity_from(
    struct reader *reader, uint64_t from, uint64_t *entity, char name[static NAME_ENTITY_MAX], size_t *size)
{
    uint64_t stored;
    struct slice stored_name;
    int error = engine_entity_from(reader->engine, from, &stored, &stored_name);
    bool reserved =
        (!error || error == -ENOENT || stored) && tenant_reserved_from(reader->tenant, from, entity, name, size) == 0;
    if (reserved && (error == -ENOENT || *entity < stored))
        return 0;
    if (error == -ENOENT)
        return error;
    if (error == -EIO)
        error = name_from_log(reader, stored, name, size);
    else if (!error)
        memcpy(name, stored_name.at, *size = stored_name.size);
    *entity = stored;
    return error;
}

// ---- events

// Copies what memory has of the version's chunk; false when it has not this version.
static bool pending_page(const struct entity *e, uint32_t version, struct chunk *page)
{
    if (!e || !e->pending_count || version < entity_pending_first(e) || version > e->head.version)
        return false;
    uint32_t skip = version - entity_pending_first(e);
    page->entity = e->head.id;
    page->first = version;
    page->count = chunk_first(version) + CHUNK_EVENTS - version;
    if (page->count > e->pending_count - skip)
        page->count = e->pending_count - skip;
    memcpy(page->events, e->pending + skip, page->count * sizeof *page->events);
    uint64_t offset = e->head.size_bytes;
    for (uint32_t i = skip; i < e->pending_count; i++)
        offset -= e->pending[i].size_bytes;
    page->offset = offset;
    return true;
}

static int find_page(struct reader *reader, uint64_t entity, uint32_t version, struct chunk *page)
{
    struct tenant *t = reader->tenant;
    pthread_mutex_lock(&t->lock);
    bool found = pending_page(entities_find_id(&t->entities, entity), version, page);
    pthread_mutex_unlock(&t->lock);
    if (found)
        return 0;
    int error = version ? engine_chunk(reader->engine, entity, version, page) : -ENOENT;
    if (error)
        return error;
    uint32_t skip = version - page->first;
    for (uint32_t i = 0; i < skip; i++)
        page->offset += page->events[i].size_bytes;
    page->first = version;
    page->count -= skip;
    memmove(page->events, page->events + skip, page->count * sizeof *page->events);
    return 0;
}

int history_page(struct reader *reader, uint64_t entity, uint32_t version, struct chunk *page)
{
    struct head head;
    int error = find_page(reader, entity, version, page);
    if (error != -ENOENT || history_head_of(reader, entity, &head) || !version || version > head.version)
        return history_heard(reader, error);
    // It may have been published just now.
    return lost(reader, find_page(reader, entity, version, page), "the index of entity", entity);
}

struct slice history_type(struct reader *reader, uint32_t type)
{
    struct tenant *t = reader->tenant;
    pthread_mutex_lock(&t->lock);
    struct slice spelling = types_spelling(&t->types, type);
    pthread_mutex_unlock(&t->lock);
    return spelling;
}

int history_event(struct reader *reader, uint64_t position, struct event_row *row)
{
    bool must_be = position && position <= tenant_end(reader->tenant).position;
    int error = engine_event(reader->engine, position, row);
    return must_be ? lost(reader, error, "event", position) : history_heard(reader, error);
}

// ---- searching the log: offsets and moments rise along it

struct goal {
    bool by_offset;
    uint64_t offset;
    int64_t at_us;
};

static bool is_reached(const struct goal *goal, uint64_t offset, int64_t at_us)
{
    return goal->by_offset ? offset <= goal->offset : at_us <= goal->at_us;
}

// By places, whose checksums nobody looks at.
static int search_quickly(struct reader *reader, const struct goal *goal, uint64_t last, uint64_t *found)
{
    uint64_t low = 0, high = last;
    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2, offset;
        int64_t at_us;
        int error = engine_event_place(reader->engine, middle, &offset, &at_us);
        if (error)
            return error;
        if (is_reached(goal, offset, at_us))
            low = middle;
        else
            high = middle - 1;
    }
    *found = low;
    return 0;
}

// Is this the last event at or before the goal? 1 or 0, or -errno when one that it takes to know is damaged.
static int is_last_reached(struct reader *reader, const struct goal *goal, uint64_t position, uint64_t last)
{
    struct event_row row;
    int error = position ? engine_event(reader->engine, position, &row) : 0;
    if (error)
        return error;
    if (position && !is_reached(goal, row.offset, row.at_us))
        return 0;
    if (position == last || (position && goal->by_offset && goal->offset <= row.offset + row.line.size))
        return 1;
    error = engine_event(reader->engine, position + 1, &row);
    return error ? error : !is_reached(goal, row.offset, row.at_us);
}

// A sound event between two positions, from the middle on outwards; 0 when none is found.
static uint64_t find_sound(struct reader *reader, uint64_t low, uint64_t high, struct event_row *row)
{
    uint64_t middle = low + (high - low) / 2;
    for (uint64_t step = 0; step <= high - low; step = step < 64 ? step + 1 : 2 * step) {
        if (middle >= low + step && engine_event(reader->engine, middle - step, row) == 0)
            return middle - step;
        if (middle + step <= high && engine_event(reader->engine, middle + step, row) == 0)
            return middle + step;
    }
    return 0;
}

// By whole events, around those that are damaged.
static int search_carefully(struct reader *reader, const struct goal *goal, uint64_t last, uint64_t *found)
{
    uint64_t low = 0, high = last, sound = 1;
    while (low < high && sound) {
        struct event_row row;
        sound = find_sound(reader, low + 1, high, &row);
        if (sound && is_reached(goal, row.offset, row.at_us))
            low = sound;
        else if (sound)
            high = sound - 1;
    }
    *found = low;
    int right = is_last_reached(reader, goal, low, last);
    return right < 0 ? right : right ? 0 : -EIO;
}

// The last position at or before the goal; 0 when there is none.
static int search(struct reader *reader, const struct goal *goal, uint64_t *found)
{
    uint64_t last = tenant_end(reader->tenant).position;
    int error = search_quickly(reader, goal, last, found);
    int right = error ? error : is_last_reached(reader, goal, *found, last);
    if (right == 1)
        return 0;
    error = search_carefully(reader, goal, last, found);
    return lost(reader, error, "an event near", *found);
}

// ---- moments

int history_position_of_offset(struct reader *reader, uint64_t offset, uint64_t *position)
{
    struct goal goal = {.by_offset = true, .offset = offset};
    return search(reader, &goal, position);
}

int history_position_at(struct reader *reader, int64_t at_us, uint64_t *position)
{
    struct goal goal = {.at_us = at_us};
    return search(reader, &goal, position);
}

// 0 when the event at a position has this id; -ENOENT when it has not: a position may carry another id than its own.
static int has_id(struct reader *reader, uint64_t position, struct slice id)
{
    struct event_row row;
    int error = position ? history_event(reader, position, &row) : -ENOENT;
    return error ? error : identity_is(row.line, id) ? 0 : -ENOENT;
}

int history_position_of(struct reader *reader, struct slice id, uint64_t *position)
{
    int error = engine_given(reader->engine, id, position, NULL);
    if (!error) {
        error = has_id(reader, *position, id);
        return error == -ENOENT ? lost(reader, error, "the event with a given id, position", *position) : error;
    }
    if (error != -ENOENT)
        return history_heard(reader, error);
    uint64_t end = tenant_end(reader->tenant).position;
    *position = identity_own(reader->tenant->sqids, reader->tenant->number, id);
    error = *position <= end ? has_id(reader, *position, id) : -ENOENT;
    if (error != -ENOENT)
        return error;
    uint64_t hash = identity_hash(id);
    *position = UINT64_MAX;
    do {
        error = history_heard(reader, identity_imported(reader, hash, *position, position));
        if (error)
            return error;
        error = *position <= end ? has_id(reader, *position, id) : -ENOENT;
    } while (error == -ENOENT);
    return error;
}

int history_version_at(struct reader *reader, uint64_t entity, uint64_t position, uint32_t *version)
{
    struct head head;
    int error = history_head_of(reader, entity, &head);
    if (error)
        return error;
    uint32_t low = head.last_position <= position ? head.version : 0, high = head.version;
    while (low < high) {
        struct chunk page;
        uint32_t middle = low + (high - low + 1) / 2;
        // The whole chunk is at hand: look at all of it.
        if (chunk_first(middle) > low)
            middle = chunk_first(middle);
        error = history_page(reader, entity, middle, &page);
        if (error)
            return error;
        if (page.events[0].position > position) {
            high = middle - 1;
            continue;
        }
        uint32_t held = 1;
        while (held < page.count && page.events[held].position <= position)
            held++;
        low = middle + held - 1;
        if (held < page.count)
            high = low;
    }
    *version = low < head.version ? low : head.version;
    return 0;
}

int history_moment(struct reader *reader, const struct when *when, uint64_t *position, bool *forever)
{
    int error;
    *forever = true;
    if (when->kind == WHEN_VERSION)
        return -ENOENT;
    if (when->kind == WHEN_EVENT) {
        error = history_position_of(reader, when->id, position);
    } else {
        int64_t at_us = when->kind == WHEN_AGO ? when_now_us() - when->ago_us : when->at_us;
        if (!tenant_is_past(reader->tenant, at_us))
            return -ENOENT;
        // From the last event on an import may still fill it, also while we look.
        *forever = when->kind == WHEN_MOMENT && at_us < tenant_end(reader->tenant).at_us;
        error = history_position_at(reader, at_us, position);
    }
    return error ? error : *position ? 0 : -ENOENT;
}

int history_resolve(struct reader *reader, uint64_t entity, const struct when *when, uint32_t *version, bool *forever)
{
    uint64_t position = 0;
    if (when->kind == WHEN_VERSION) {
        struct head head;
        int error = history_head_of(reader, entity, &head);
        *version = when->version;
        *forever = true;
        return error ? error : when->version > head.version ? -ENOENT : 0;
    }
    int error = history_moment(reader, when, &position, forever);
    if (!error)
        error = history_version_at(reader, entity, position, version);
    return error ? error : *version ? 0 : -ENOENT;
}

// ---- states

static int snapshot_state(
    struct reader *reader, uint64_t entity, uint32_t version, uint32_t *from, struct state **state)
{
    struct snapshot_row row;
    int error = engine_snapshot(reader->engine, entity, version, &row);
    *from = 0;
    *state = NULL;
    if (error == -ENOENT)
        return 0;
    if (error)
        return error;
    *from = row.version;
    *state = state_make(row.alive, row.created_at_us, row.created_by, row.noun, row.fields);
    return *state ? 0 : -ENOMEM;
}

// Folds one event onto *state.
static int fold_place(struct reader *reader, uint64_t position, struct declared_span *span, struct state **state)
{
    struct event_row row;
    struct event event;
    BYTES_AUTO actor = {0};
    int undeclared = declared_at(reader, position, span);
    int error = history_event(reader, position, &row);
    if (!error)
        error = envelope_read(row.line, &event, &actor);
    // Only these are folded as a spec says.
    if (!error && name_stored_type(event.type).style == NAME_SNAKE)
        error = undeclared;
    struct state *after;
    if (!error)
        error = state_fold(span->spec, *state, &event, &after, NULL);
    if (error)
        return error;
    state_drop(*state);
    *state = after;
    return 0;
}

int history_state(struct reader *reader, uint64_t entity, uint32_t version, struct state **found)
{
    struct tenant *t = reader->tenant;
    pthread_mutex_lock(&t->lock);
    struct entity *e = entities_find_id(&t->entities, entity);
    *found = e && e->head.version == version ? state_hold(e->state) : NULL;
    pthread_mutex_unlock(&t->lock);
    if (*found)
        return 0;

    STATE_AUTO state = NULL;
    DECLARED_SPAN span = {0};
    uint32_t at;
    int error = snapshot_state(reader, entity, version, &at, &state);
    while (!error && at < version) {
        struct chunk page;
        error = history_page(reader, entity, at + 1, &page);
        for (uint32_t i = 0; !error && i < page.count && at < version; i++, at++)
            error = fold_place(reader, page.events[i].position, &span, &state);
    }
    if (error)
        return history_heard(reader, error);
    if (!state)
        return -ENOENT;
    *found = state;
    state = NULL;
    return 0;
}

// ---- hooks

int history_hook(struct reader *reader, struct slice folder, struct slice name, struct hook_row *row)
{
    return history_heard(reader, engine_hook(reader->engine, folder, name, row));
}

int history_hook_from(struct reader *reader, uint64_t from, struct hook_row *row)
{
    return history_heard(reader, engine_hook_from(reader->engine, from, row));
}

int history_hook_log_from(struct reader *reader, uint64_t hook, uint64_t *number, struct slice *text)
{
    return history_heard(reader, engine_hook_log_from(reader->engine, hook, number, text));
}

int history_hook_log_size(struct reader *reader, uint64_t hook, uint64_t *size_bytes)
{
    uint64_t number;
    return history_heard(reader, engine_hook_log_end(reader->engine, hook, size_bytes, &number));
}
