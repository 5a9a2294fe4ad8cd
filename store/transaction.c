#include "store/transaction.h"

#include "store/grow.h"
#include "store/hook.h"
#include "store/query.h"

#include <errno.h>

// A snapshot of a state is kept after so many events, or more when the state is large against what its events say:
// folding from a snapshot then costs about as much as reading the state.
#define SNAPSHOT_EVENTS      64
#define SNAPSHOT_STATE_SHARE 4

// ---- opening

// The last event. One that is damaged must not keep the others from being read and the next from being written: where
// it begins, the one before it tells, and its size and hash are taken as they stand.
static int read_last(struct engine *engine, struct event_row *last)
{
    *last = (struct event_row){0};
    int error = engine_last_event(engine, last);
    if (error != -EIO || last->position < 2)
        return error;
    struct event_row damaged = *last, before;
    if (engine_event(engine, damaged.position - 1, &before))
        return error;
    damaged.offset = before.offset + before.line.size + 1;
    damaged.at_us = before.at_us;
    *last = damaged;
    fprintf(stderr, "factfs: the last event, %llu, is damaged\n", (unsigned long long)damaged.position);
    return 0;
}

static int read_end(struct transaction *tx)
{
    struct engine *engine = tx->reader.engine;
    struct event_row last;
    tx->end.entities = tx->tenant->end.entities;
    int error = read_last(engine, &last);
    if (!error) {
        tx->end.position = last.position;
        tx->end.size_bytes = last.offset + last.line.size + 1;
        tx->end.at_us = tx->end.changed_at_us = last.at_us;
        memcpy(tx->end.hash, last.hash, CHAIN_SIZE);
    }
    struct rejected_row rejected = {0};
    if (!error || error == -ENOENT)
        error = engine_spec_before(engine, INT64_MAX, &tx->declaration.position);
    if (!error || error == -ENOENT)
        error = identities_open(&tx->identities, engine);
    if (!error)
        error = engine_last_rejected(engine, &rejected);
    if (!error) {
        tx->rejected_number = rejected.number;
        tx->end.rejected_bytes = rejected.offset + rejected.line.size + 1 - tx->tenant->rejected_base;
    }
    return error == -ENOENT ? 0 : error;
}

int transaction_open(struct transaction *tx, struct tenant *tenant, struct engine *engine, struct reason *why)
{
    *tx = (struct transaction){.tenant = tenant, .reader = {.tenant = tenant, .engine = engine}};
    int error = chain_open(&tx->chain);
    if (!error)
        error = read_end(tx);
    if (error)
        return reason_set(why, error, "tenant %s: %s", tenant->name, engine_error(engine));
    tx->types_stored = tenant->types.count;
    tx->published = tx->end;
    return 0;
}

void transaction_close(struct transaction *tx)
{
    query_room_free(tx->reader.room);
    chain_close(&tx->chain);
    identities_close(&tx->identities);
    spec_drop(tx->declaration.spec);
    spec_drop(tx->declaration_kept.spec);
    spec_drop(tx->published_declaration.spec);
    bytes_free(&tx->lines);
    free(tx->additions);
    free(tx->undos);
    free(tx->touched);
    free(tx->changes);
}

// ---- submissions

static void copy_declaration(struct declaration *to, const struct declaration *from)
{
    struct spec *dropped = to->spec;
    *to = (struct declaration){.position = from->position, .spec = spec_hold(from->spec)};
    spec_drop(dropped);
}

// Of an event that is not committed yet.
static int declared_by(struct transaction *tx, uint64_t position, struct spec **spec)
{
    struct event_row row;
    int error = transaction_event(tx, position, &row);
    return error ? error : declared_read(tx->tenant, &row, spec);
}

int transaction_spec(struct transaction *tx, struct spec **spec)
{
    struct declaration *d = &tx->declaration;
    int error = 0;
    if (d->position && !d->spec && d->position <= tx->published.position)
        error = declared_spec(&tx->reader, d->position, &d->spec);
    else if (d->position && !d->spec)
        error = declared_by(tx, d->position, &d->spec);
    *spec = d->spec;
    return error;
}

void transaction_declare(struct transaction *tx, struct spec *spec)
{
    struct declaration fresh = {.position = tx->end.position, .spec = spec};
    tx->additions[tx->count - 1].declares = true;
    copy_declaration(&tx->declaration, &fresh);
}

void transaction_ready(struct transaction *tx)
{
    struct tenant *t = tx->tenant;
    tx->published = tx->end;
    tx->published_types = t->types.count;
    tx->published_rejected_number = tx->rejected_number;
    copy_declaration(&tx->published_declaration, &tx->declaration);
    tx->count = 0;
    tx->touched_count = 0;
    tx->rejected = false;
    bytes_trim(&tx->lines, 4 << 20);
}

int transaction_begin(struct transaction *tx)
{
    transaction_ready(tx);
    return engine_begin(tx->reader.engine);
}

void transaction_submission(struct transaction *tx)
{
    struct tenant *t = tx->tenant;
    int64_t now_us = when_now_us();
    if (now_us <= tx->end.at_us)
        now_us = tx->end.at_us + 1;
    pthread_mutex_lock(&t->lock);
    if (now_us <= t->answered_past_us)
        now_us = t->answered_past_us + 1;
    if (t->frontier_us > now_us)
        t->frontier_us = now_us;
    pthread_mutex_unlock(&t->lock);
    tx->at_us = now_us;
    tx->start = transaction_mark(tx);
    copy_declaration(&tx->declaration_kept, &tx->declaration);
}

static void undo_to(struct transaction *tx, size_t count)
{
    while (tx->undo_count > count) {
        struct undo *undo = &tx->undos[--tx->undo_count];
        state_drop(undo->entity->next_state);
        undo->entity->next = undo->next;
        undo->entity->next_state = undo->next_state;
    }
}

static void drop_snapshots(struct transaction *tx, size_t from_addition)
{
    for (size_t i = from_addition; i < tx->count; i++) {
        state_drop(tx->additions[i].snapshot);
        tx->additions[i].snapshot = NULL;
    }
}

static void drop_undos(struct transaction *tx)
{
    while (tx->undo_count)
        state_drop(tx->undos[--tx->undo_count].next_state);
}

// ---- events

struct slice transaction_spelling(struct transaction *tx, struct slice type)
{
    uint32_t number = types_find(&tx->tenant->types, type);
    return number ? types_spelling(&tx->tenant->types, number) : type;
}

static int type_number(struct transaction *tx, struct slice type, uint32_t *number)
{
    struct tenant *t = tx->tenant;
    *number = types_find(&t->types, type);
    if (*number)
        return 0;
    pthread_mutex_lock(&t->lock);
    *number = types_add(&t->types, type);
    pthread_mutex_unlock(&t->lock);
    return *number ? 0 : t->types.count == TYPES_MAX ? -EMSGSIZE : -ENOMEM;
}

static int push_undo(struct transaction *tx, struct entity *e)
{
    if (!GROW(tx->undos, tx->undo_count, tx->undo_room))
        return -ENOMEM;
    tx->undos[tx->undo_count++] = (struct undo){.entity = e, .next = e->next, .next_state = state_hold(e->next_state)};
    return 0;
}

static int print_line(struct transaction *tx, const struct event *event, struct addition *addition)
{
    addition->line_at = tx->lines.size;
    envelope_print(&tx->lines, event, tenant_name(tx->tenant));
    bytes_add_char(&tx->lines, '\n');
    if (tx->lines.failed)
        return -ENOMEM;
    addition->line_size = tx->lines.size - addition->line_at - 1;
    memcpy(addition->hash, tx->end.hash, CHAIN_SIZE);
    return chain_next(&tx->chain, addition->hash,
        (struct slice){.at = tx->lines.at + addition->line_at, .size = addition->line_size});
}

static bool snapshot_due(const struct entity *e)
{
    return e->next.version - e->next.snapshot_version >= SNAPSHOT_EVENTS &&
           e->next.since_bytes * SNAPSHOT_STATE_SHARE >= state_bytes(e->next_state);
}

// Makes room in the indexes in memory, so that publishing cannot fail.
static int remember(
    struct transaction *tx, struct entity *e, const struct event *event, uint64_t position, uint32_t size_bytes)
{
    struct tenant *t = tx->tenant;
    char term[NAME_TERM_MAX];
    struct slice type_term = {.at = term, .size = name_type_term(term, event->type, event->target)};
    pthread_mutex_lock(&t->lock);
    int error = entity_reserve_pending(e, e->next.version + 1 - e->head.version);
    if (!error)
        error = index_add(&t->index, position, size_bytes, type_term, event->actor);
    pthread_mutex_unlock(&t->lock);
    return error;
}

int transaction_add(struct transaction *tx, struct entity *e, struct event *event, uint64_t *position)
{
    char id[IDENTITY_TEXT_MAX];
    struct addition addition = {.entity = e, .offset = tx->end.size_bytes};
    if (e->next.version >= NAME_VERSION_MAX)
        return -EMSGSIZE;
    *position = tx->end.position + 1;
    event->target = entity_name(e);
    event->version = addition.version = e->next.version + 1;
    event->at_us = tx->at_us;
    int error = event->id.size ? 0 : identity_make(tx, *position, id, &event->id);
    if (!error)
        error = type_number(tx, event->type, &addition.place.type);
    if (!error)
        error = push_undo(tx, e);
    struct state *after = NULL;
    struct spec *spec = NULL;
    tx->misfit.text[0] = '\0';
    // Only these are folded as a spec says; others go on although it may be damaged.
    if (!error && name_stored_type(event->type).style == NAME_SNAKE)
        error = transaction_spec(tx, &spec);
    if (!error)
        error = state_fold(spec, e->next_state, event, &after, &tx->misfit);
    if (!error && !GROW(tx->additions, tx->count, tx->room))
        error = -ENOMEM;
    if (!error)
        error = print_line(tx, event, &addition);
    if (!error)
        error = remember(tx, e, event, *position, (uint32_t)addition.line_size + 1);
    if (error) {
        state_drop(after);
        return error;
    }
    uint32_t size_bytes = (uint32_t)addition.line_size + 1;
    addition.place.position = *position;
    addition.place.at_us = event->at_us;
    addition.place.size_bytes = size_bytes;
    tx->additions[tx->count++] = addition;
    memcpy(tx->end.hash, addition.hash, CHAIN_SIZE);
    tx->end.position = *position;
    tx->end.size_bytes += size_bytes;
    tx->end.at_us = event->at_us;
    if (event->version == 1) {
        tx->end.entities++;
        tx->end.entities_at_us = event->at_us;
    }

    e->next.version = event->version;
    e->next.size_bytes += size_bytes;
    e->next.since_bytes += size_bytes;
    e->next.last_position = *position;
    e->next.last_at_us = event->at_us;
    state_drop(e->next_state);
    e->next_state = after;
    if (snapshot_due(e)) {
        tx->additions[tx->count - 1].snapshot = state_hold(after);
        e->next.snapshot_version = event->version;
        e->next.since_bytes = 0;
    }
    transaction_renew(tx, *position, event);
    const struct reactor *reactor = tx->tenant->reactor;
    return reactor ? reactor->added(tx->tenant->reaction, tx, e, event, *position) : 0;
}

static struct event_row row_of(const struct transaction *tx, const struct addition *a)
{
    struct event_row row = {
        .position = a->place.position,
        .entity = a->entity->head.id,
        .version = a->version,
        .type = a->place.type,
        .offset = a->offset,
        .at_us = a->place.at_us,
        .line = {.at = tx->lines.at + a->line_at, .size = a->line_size},
    };
    memcpy(row.hash, a->hash, CHAIN_SIZE);
    return row;
}

void transaction_renew(const struct transaction *tx, uint64_t position, struct event *event)
{
    const struct addition *a = &tx->additions[position - tx->published.position - 1];
    event->id.at = tx->lines.at + a->line_at + strlen("{\"id\":\"");
}

struct state *transaction_state_before(const struct transaction *tx)
{
    return tx->undos[tx->undo_count - 1].next_state;
}

struct head transaction_head_before(const struct transaction *tx)
{
    return tx->undos[tx->undo_count - 1].next;
}

int transaction_preview(struct transaction *tx, struct entity *e, const struct event *event, struct state **state)
{
    struct event as_added = *event;
    as_added.target = entity_name(e);
    as_added.version = e->next.version + 1;
    as_added.at_us = tx->at_us;
    struct spec *spec = NULL;
    struct reason misfit = {0};
    int error = name_stored_type(event->type).style == NAME_SNAKE ? transaction_spec(tx, &spec) : 0;
    return error ? error : state_fold(spec, e->next_state, &as_added, state, &misfit);
}

int transaction_event(struct transaction *tx, uint64_t position, struct event_row *row)
{
    uint64_t first = tx->published.position + 1;
    if (position < first)
        return engine_event(tx->reader.engine, position, row);
    if (position - first >= tx->count)
        return -ENOENT;
    *row = row_of(tx, &tx->additions[position - first]);
    return 0;
}

// ---- writing

struct transaction_mark transaction_mark(const struct transaction *tx)
{
    return (struct transaction_mark){
        .count = tx->count,
        .undo_count = tx->undo_count,
        .lines_size = tx->lines.size,
        .types = tx->tenant->types.count,
        .declared = tx->declaration.position,
        .end = tx->end,
    };
}

void transaction_undo_to(struct transaction *tx, const struct transaction_mark *mark)
{
    struct tenant *t = tx->tenant;
    for (size_t i = mark->count; i < tx->count; i++)
        if (tx->additions[i].given.size)
            engine_drop_given(tx->reader.engine, tx->additions[i].given);
    drop_snapshots(tx, mark->count);
    undo_to(tx, mark->undo_count);
    tx->count = mark->count;
    tx->lines.size = mark->lines_size;
    if (tx->declaration.position != mark->declared) {
        // Declared earlier in the same submission: read again when it is asked for.
        struct declaration earlier = {.position = mark->declared};
        bool kept = mark->declared == tx->declaration_kept.position;
        copy_declaration(&tx->declaration, kept ? &tx->declaration_kept : &earlier);
    }
    tx->lines.failed = false;
    tx->end = mark->end;
    pthread_mutex_lock(&t->lock);
    ids_truncate(&t->ids, tx->end.position);
    types_truncate(&t->types, mark->types);
    pthread_mutex_unlock(&t->lock);
    if (t->reactor)
        t->reactor->undone(t->reaction, tx->end.position);
}

void transaction_undo(struct transaction *tx)
{
    transaction_undo_to(tx, &tx->start);
}

static int write_types(struct transaction *tx)
{
    const struct types *types = &tx->tenant->types;
    for (; tx->types_stored < types->count; tx->types_stored++) {
        struct slice spelling = types->spellings[tx->types_stored];
        char folded[NAME_TYPE_MAX];
        size_t size = name_fold_case(folded, spelling);
        int error = engine_put_type(
            tx->reader.engine, tx->types_stored + 1, (struct slice){.at = folded, .size = size}, spelling);
        if (error)
            return error;
    }
    return 0;
}

static int write_snapshot(struct transaction *tx, const struct addition *a)
{
    const struct state *s = a->snapshot;
    struct snapshot_row row = {
        .version = a->version,
        .created_at_us = s->created_at_us,
        .created_by = s->created_by,
        .noun = s->noun,
        .alive = s->alive,
        .fields = s->fields,
    };
    return engine_put_snapshot(tx->reader.engine, a->entity->head.id, &row);
}

int transaction_write(struct transaction *tx)
{
    struct engine *engine = tx->reader.engine;
    size_t from = tx->start.count;
    int error = write_types(tx);
    for (size_t i = from; !error && i < tx->count; i++) {
        const struct addition *a = &tx->additions[i];
        struct event_row row = row_of(tx, a);
        error = engine_put_event(engine, &row);
        if (!error && a->version == 1)
            error = engine_put_entity(engine, a->entity->head.id, entity_name(a->entity));
        if (!error && a->declares)
            error = engine_put_spec(engine, a->place.position);
        if (!error && a->snapshot)
            error = write_snapshot(tx, a);
    }
    drop_snapshots(tx, from);
    drop_undos(tx);
    return error;
}

int transaction_write_rejected(struct transaction *tx, struct slice line)
{
    uint64_t offset = tx->tenant->rejected_base + tx->end.rejected_bytes;
    int error = engine_put_rejected(tx->reader.engine, tx->rejected_number + 1, offset, line);
    if (error)
        return error;
    tx->rejected_number++;
    tx->end.rejected_bytes += line.size + 1;
    tx->end.rejected_at_us = when_now_us();
    tx->rejected = true;
    return 0;
}

// ---- the end

// The touched entities take what the transaction made of them, or forget it.
static void settle(struct transaction *tx, bool committed)
{
    struct tenant *t = tx->tenant;
    for (size_t i = 0; i < tx->touched_count; i++) {
        struct entity *e = tx->touched[i];
        struct state *dropped = e->next_state;
        if (committed) {
            dropped = e->state;
            e->head = e->next;
            e->state = e->next_state;
        }
        if (e->reserved && e->head.version) {
            e->reserved = false;
            t->reserved_count--;
        }
        e->next_state = NULL;
        e->touched = false;
        state_drop(dropped);
        if (e->head.version == 0 && !e->reserved)
            entities_remove(&t->entities, e);
        else
            entities_use(&t->entities, e);
    }
    tx->touched_count = 0;
}

int transaction_commit(struct transaction *tx, size_t *change_count)
{
    struct tenant *t = tx->tenant;
    *change_count = 0;
    while (tx->change_room < tx->touched_count)
        if (!GROW(tx->changes, tx->change_room, tx->change_room))
            return transaction_abort(tx), -ENOMEM;
    int error = engine_commit(tx->reader.engine);
    if (error) {
        transaction_abort(tx);
        return error;
    }
    for (size_t i = 0; i < tx->touched_count; i++) {
        const struct entity *e = tx->touched[i];
        if (e->next.version > e->head.version)
            tx->changes[(*change_count)++] = (struct committed){
                .entity = e->head.id, .first_version = e->head.version + 1, .last_version = e->next.version};
    }
    if (tx->count)
        tx->end.changed_at_us = when_now_us();
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < tx->count; i++) {
        const struct addition *a = &tx->additions[i];
        entity_add_pending(a->entity, &a->place);
        if (a->declares)
            declared_add(&t->declared, a->place.position, NULL);
    }
    if (tx->declaration.position > tx->published_declaration.position)
        declared_add(&t->declared, tx->declaration.position, tx->declaration.spec);
    settle(tx, true);
    t->end = tx->end;
    t->frontier_us = INT64_MAX;
    pthread_mutex_unlock(&t->lock);
    return 0;
}

void transaction_abort(struct transaction *tx)
{
    struct tenant *t = tx->tenant;
    engine_rollback(tx->reader.engine);
    drop_snapshots(tx, 0);
    drop_undos(tx);
    tx->end = tx->published;
    tx->types_stored = tx->published_types;
    tx->rejected_number = tx->published_rejected_number;
    copy_declaration(&tx->declaration, &tx->published_declaration);
    tx->count = 0;
    tx->rejected = false;
    pthread_mutex_lock(&t->lock);
    ids_truncate(&t->ids, tx->published.position);
    types_truncate(&t->types, tx->published_types);
    settle(tx, false);
    t->frontier_us = INT64_MAX;
    pthread_mutex_unlock(&t->lock);
}
