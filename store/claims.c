#include "store/claims.h"

#include "store/grow.h"
#include "store/identity.h"
#include "store/name.h"

#include <errno.h>
#include <stdlib.h>

// Rows that are walked before the writer's log may be cut.
#define ROWS_AT_ONCE 65536

struct claimed_entity {
    uint64_t name; // hash; 0: there is no such entity
    uint64_t sum;  // of its events in the index, minus those in the log
    uint32_t version;
    uint32_t indexed; // versions in the index
    bool named;       // found by its name
};

struct claimed_term {
    uint64_t hash; // 0: free
    uint64_t sum;
    uint64_t count; // of its events in postings so far
};

// ---- sums

static uint64_t mix(uint64_t sum, uint64_t number)
{
    sum = (sum ^ number) * UINT64_C(0x9fb21c651e98df25);
    return sum ^ sum >> 32;
}

static uint64_t place_sum(uint32_t version, const struct event_place *place)
{
    uint64_t sum = mix(version, place->position);
    sum = mix(sum, (uint64_t)place->at_us);
    return mix(sum, (uint64_t)place->size_bytes << 32 | place->type);
}

static uint64_t posted_sum(uint64_t position, uint32_t size_bytes)
{
    return mix(mix(0, position), size_bytes);
}

// Never 0.
static uint64_t text_hash(uint64_t kind, struct slice text)
{
    return mix(kind, slice_hash(text)) | 1;
}

// ---- entities

static struct claimed_entity *entity_of(const struct claims *l, uint64_t id)
{
    struct claimed_entity *e = id < l->entity_room ? &l->entities[id] : NULL;
    return e && e->name ? e : NULL;
}

static int add_entity(struct claims *l, uint64_t id, struct slice name)
{
    if (!GROW_TO(l->entities, id, l->entity_room))
        return -ENOMEM;
    l->entities[id] = (struct claimed_entity){.name = text_hash(0, name)};
    return 0;
}

// Goes through a table; `take` returns -errno to stop.
static int walk(struct claims *l, enum engine_table table,
    int (*take)(struct claims *, const struct walked_row *, struct reason *), struct reason *why)
{
    struct walked_row row;
    int found = engine_walk_start(l->engine, table), error = found;
    for (unsigned rows = 1; !error && (found = engine_walk_next(l->engine, &row)) == 1; rows++) {
        error = take(l, &row, why);
        if (rows % ROWS_AT_ONCE == 0)
            engine_walk_pause(l->engine);
    }
    engine_walk_pause(l->engine);
    if (!error && found < 0)
        reason_set(why, found, "%s", engine_error(l->engine));
    return error ? error : found < 0 ? found : 0;
}

static int take_entity(struct claims *l, const struct walked_row *row, struct reason *why)
{
    if (!row->sound || row->number > UINT32_MAX)
        return reason_set(
            why, -EIO, "the name of entity %llu does not fit its checksum", (unsigned long long)row->number);
    return add_entity(l, row->number, row->text);
}

static int take_name(struct claims *l, const struct walked_row *row, struct reason *why)
{
    struct claimed_entity *e = entity_of(l, row->number);
    if (!row->sound)
        return reason_set(why, -EIO, "the index by name: the row of entity %llu does not fit its checksum",
            (unsigned long long)row->number);
    if (e && e->name != text_hash(0, row->text))
        return reason_set(why, -EIO, "the index by name: %.*s is not the name of entity %llu", SLICE_ARG(row->text),
            (unsigned long long)row->number);
    if (e)
        e->named = true;
    // One that came while the tables were read has no event up to `end`.
    return e || !l->quiet ? 0
                          : reason_set(why, -EIO, "the index by name: %.*s stands for entity %llu, which there is not",
                                SLICE_ARG(row->text), (unsigned long long)row->number);
}

// ---- the index by entity

// The rows of one entity are read at once: the writer may put one in the place of the last of them.
static int load_chunks(struct claims *l, struct reason *why)
{
    struct walked_row row;
    uint64_t entity = 0, offset = 0, next = 1;
    int found = engine_walk_start(l->engine, TABLE_CHUNKS);
    for (unsigned rows = 1; !found; rows++) {
        found = engine_walk_next(l->engine, &row);
        if (found != 1)
            break;
        const struct chunk *chunk = &row.chunk;
        if (chunk->entity != entity) {
            entity = chunk->entity;
            offset = 0;
            next = 1;
            if (rows >= ROWS_AT_ONCE) {
                rows = 0;
                engine_walk_pause(l->engine);
            }
        }
        struct claimed_entity *e = entity_of(l, entity);
        if (!row.sound)
            found = reason_set(why, -EIO,
                "the index by entity: the row of entity %llu, version %u does not fit its "
                "checksum",
                (unsigned long long)entity, chunk->first);
        else if (chunk->first != next || chunk->offset != offset || (!e && l->quiet))
            found = reason_set(why, -EIO,
                "the index by entity: the row of entity %llu, version %u does not continue "
                "the one before",
                (unsigned long long)entity, chunk->first);
        else
            found = 0;
        next += chunk->count;
        offset = chunk_end_offset(chunk);
        for (uint32_t i = 0; e && i < chunk->count && chunk->events[i].position <= l->end; i++) {
            e->sum += place_sum(chunk->first + i, &chunk->events[i]);
            e->indexed = chunk->first + i;
        }
    }
    engine_walk_pause(l->engine);
    if (found < 0)
        reason_set(why, found, "%s", engine_error(l->engine));
    return found;
}

static int take_snapshot(struct claims *l, const struct walked_row *row, struct reason *why)
{
    uint64_t entity = chunk_key_entity(row->key);
    if (row->sound && (entity_of(l, entity) || !l->quiet))
        return 0;
    return reason_set(why, -EIO, "the snapshot of entity %llu, version %u %s", (unsigned long long)entity,
        chunk_key_version(row->key), row->sound ? "is of no entity" : "does not fit its checksum");
}

// ---- the index by term

static struct claimed_term *term_slot(const struct claims *l, uint64_t hash)
{
    if (!l->term_room)
        return NULL;
    uint32_t slot = (uint32_t)(hash >> 1) & (l->term_room - 1);
    while (l->terms[slot].hash && l->terms[slot].hash != hash)
        slot = (slot + 1) & (l->term_room - 1);
    return &l->terms[slot];
}

static int add_term(struct claims *l, uint64_t hash)
{
    if (l->term_count * 2 >= l->term_room) {
        struct claims old = *l;
        l->term_room = old.term_room ? old.term_room * 2 : 256;
        l->terms = calloc(l->term_room, sizeof *l->terms);
        if (!l->terms) {
            l->terms = old.terms;
            l->term_room = old.term_room;
            return -ENOMEM;
        }
        for (uint32_t i = 0; i < old.term_room; i++)
            if (old.terms[i].hash)
                *term_slot(l, old.terms[i].hash) = old.terms[i];
        free(old.terms);
    }
    struct claimed_term *t = term_slot(l, hash);
    l->term_count += !t->hash;
    t->hash = hash;
    return 0;
}

// Hashes of the terms by their ids; `count` of them.
struct term_ids {
    uint64_t *hashes;
    uint32_t count;
};

static int put_id(struct term_ids *ids, uint32_t id, uint64_t hash)
{
    if (!GROW_TO(ids->hashes, id, ids->count))
        return -ENOMEM;
    ids->hashes[id] = hash;
    return 0;
}

static int load_terms(struct claims *l, enum term_kind kind, struct term_ids *ids, struct reason *why)
{
    struct slice text;
    struct term_row row;
    int found = engine_terms_start(l->engine, kind, SLICE("")), error = found;
    while (!error && (found = engine_terms_next(l->engine, &text, &row)) == 1) {
        uint64_t hash = text_hash(kind, text);
        error = row.id > INT32_MAX ? -EIO : add_term(l, hash);
        if (!error)
            error = put_id(ids, row.id, hash);
    }
    engine_terms_end(l->engine);
    error = error ? error : found;
    return error ? reason_set(why, error, "the index by term: %s", engine_error(l->engine)) : 0;
}

static int add_posting(struct claims *l, const struct term_ids *ids, struct walked_row *row, struct reason *why)
{
    struct posting *p = &row->posting;
    uint64_t hash = p->term < ids->count ? ids->hashes[p->term] : 0;
    struct claimed_term *t = hash ? term_slot(l, hash) : NULL;
    if (row->sound && !t && !l->quiet)
        return 0; // a term that came meanwhile
    if (!row->sound || !t || p->count_before != t->count)
        return reason_set(why, -EIO, "the index by term: the row of term %u, segment %u %s", p->term, p->segment,
            row->sound ? "does not continue the one before" : "does not fit its checksum");
    t->count += p->count;
    for (struct posted_event event = {0}; posting_next(p, &event);) {
        uint64_t position = segment_first(p->segment) + event.position;
        if (position <= l->posted)
            t->sum += posted_sum(position, event.size_bytes);
    }
    return 0;
}

static int load_postings(struct claims *l, struct reason *why)
{
    struct term_ids ids = {0};
    struct walked_row row;
    int found = 0, error = load_terms(l, TERM_TYPE, &ids, why);
    if (!error)
        error = load_terms(l, TERM_ACTOR, &ids, why);
    if (!error)
        error = load_terms(l, TERM_DAMAGED, &ids, why);
    if (!error)
        error = engine_walk_start(l->engine, TABLE_POSTINGS);
    for (unsigned rows = 1; !error && (found = engine_walk_next(l->engine, &row)) == 1; rows++) {
        error = add_posting(l, &ids, &row, why);
        if (rows % ROWS_AT_ONCE == 0)
            engine_walk_pause(l->engine);
    }
    if (!error)
        engine_walk_pause(l->engine);
    free(ids.hashes);
    error = error ? error : found;
    return error ? reason_set(why, error, "the index by term: %s", engine_error(l->engine)) : 0;
}

// ---- types and ids

static int load_types(struct claims *l, struct reason *why)
{
    uint32_t number;
    struct slice folded, spelling;
    char text[NAME_TYPE_MAX];
    int error;
    while (!(error = engine_type_from(l->engine, l->types.count + 1, &number, &folded, &spelling))) {
        if (number != l->types.count + 1 || spelling.size > NAME_TYPE_MAX ||
            !slice_equal(folded, (struct slice){.at = text, .size = name_fold_case(text, spelling)}))
            return reason_set(why, -EIO, "the type with number %u is damaged, or the one before it missing", number);
        if (!types_add(&l->types, spelling))
            return -ENOMEM;
    }
    if (error != -ENOENT)
        return reason_set(why, error, "%s", engine_error(l->engine));
    l->type_terms = calloc(l->types.count + 1, sizeof *l->type_terms);
    return l->type_terms ? 0 : -ENOMEM;
}

// Is it an id that the store itself would give the event of a position? Those are found without a table.
static bool is_own(const struct claims *l, struct slice id, uint64_t position)
{
    char own[SQID_TEXT_MAX + 4] = "evt_";
    const uint64_t numbers[] = {l->tenant, position};
    size_t size = 4 + sqid_encode(l->sqids, numbers, 2, own + 4);
    return slice_equal(id, (struct slice){.at = own, .size = size}) ||
           identity_own(l->sqids, l->tenant, id) == position;
}

// All others stand in one of two tables, of which the index of imported ones may lag behind the log.
static bool is_tabled(const struct claims *l, uint64_t position)
{
    return position <= l->end && position <= l->mark;
}

static int take_given(struct claims *l, const struct walked_row *row, struct reason *why)
{
    (void)why;
    if (is_tabled(l, row->number) && !is_own(l, row->text, row->number))
        l->given += mix(identity_hash(row->text), row->number);
    return 0;
}

static int take_imported(struct claims *l, const struct walked_row *row, struct reason *why)
{
    (void)why;
    if (is_tabled(l, row->number))
        l->given += mix((uint64_t)row->key, row->number);
    return 0;
}

static int load_rejected(struct claims *l, struct reason *why)
{
    struct walked_row row;
    int64_t number = 0;
    uint64_t offset = 0;
    int found = engine_walk_start(l->engine, TABLE_REJECTED);
    for (bool first = true; !found && (found = engine_walk_next(l->engine, &row)) == 1; first = false) {
        found = 0;
        if ((!first && (row.key != number + 1 || row.number != offset)) || !row.text.size || row.text.at[0] != '{')
            found = reason_set(
                why, -EIO, "the refusal with number %lld is damaged, or the one before it missing", (long long)row.key);
        number = row.key;
        offset = row.number + row.text.size + 1;
    }
    engine_walk_pause(l->engine);
    return found < 0 ? reason_set(why, found, "%s", engine_error(l->engine)) : 0;
}

int claims_load(struct claims *l, struct reason *why)
{
    int error = load_types(l, why);
    if (!error)
        error = walk(l, TABLE_ENTITIES, take_entity, why);
    l->knows_entities = !error;
    if (!error)
        error = walk(l, TABLE_NAMES, take_name, why);
    if (!error)
        error = load_chunks(l, why);
    if (!error)
        error = walk(l, TABLE_SNAPSHOTS, take_snapshot, why);
    if (!error && engine_format(l->engine) > 1)
        error = load_postings(l, why);
    if (!error)
        error = walk(l, TABLE_GIVEN, take_given, why);
    if (!error && engine_format(l->engine) > 1)
        error = walk(l, TABLE_IMPORTED, take_imported, why);
    if (!error)
        error = load_rejected(l, why);
    l->knows_all = !error;
    return error;
}

void claims_free(struct claims *l)
{
    types_free(&l->types);
    free(l->type_terms);
    free(l->entities);
    free(l->terms);
    *l = (struct claims){0};
}

// ---- the log

static void take_term(struct claims *l, uint64_t hash, uint64_t sum, const char *what, struct reason *beside)
{
    struct claimed_term *t = term_slot(l, hash);
    if (t && t->hash)
        t->sum -= sum;
    else
        reason_set(beside, -EIO, "the index by term lacks the %s of", what);
}

// The noun of Noun.Verb is that of its entities, so all its events have one term.
static uint64_t type_term(struct claims *l, uint32_t number, const struct event *event)
{
    char term[NAME_TERM_MAX];
    if (l->type_terms[number])
        return l->type_terms[number];
    uint64_t hash =
        text_hash(TERM_TYPE, (struct slice){.at = term, .size = name_type_term(term, event->type, event->target)});
    if (name_stored_type(event->type).style == NAME_PASCAL)
        l->type_terms[number] = hash;
    return hash;
}

static void take_terms(struct claims *l, const struct event_row *row, const struct event *event, struct reason *beside)
{
    uint64_t sum = posted_sum(row->position, (uint32_t)row->line.size + 1);
    take_term(l, type_term(l, row->type, event), sum, "type", beside);
    take_term(l, text_hash(TERM_ACTOR, event->actor), sum, "actor", beside);
}

int claims_event(
    struct claims *l, const struct event_row *row, const struct event *event, struct reason *why, struct reason *beside)
{
    if (!l->knows_entities)
        return 0;
    struct claimed_entity *e = entity_of(l, row->entity);
    if (!e || e->name != text_hash(0, event->target))
        return reason_set(why, -EIO, "its target is not entity %llu", (unsigned long long)row->entity);
    if (row->version != e->version + 1)
        return reason_set(why, -EIO, "its version is to be %u", e->version + 1);
    e->version++;
    if (!slice_equal(event->type, types_spelling(&l->types, row->type)))
        return reason_set(why, -EIO, "its type is not type %u", row->type);
    if (!l->knows_all)
        return 0;
    if (is_tabled(l, row->position) && !is_own(l, event->id, row->position))
        l->given -= mix(identity_hash(event->id), row->position);
    struct event_place place = {
        .position = row->position, .at_us = row->at_us, .size_bytes = (uint32_t)row->line.size + 1, .type = row->type};
    if (row->version <= e->indexed)
        e->sum -= place_sum(row->version, &place);
    else if (row->position <= l->mark)
        reason_set(beside, -EIO, "the index by entity lacks");
    if (row->version == 1 && row->position <= l->mark && !e->named)
        reason_set(beside, -EIO, "the index by name lacks the entity of");
    if (row->position <= l->posted)
        take_terms(l, row, event, beside);
    return 0;
}

// ---- what does not come out

static int find_chunk(struct claims *l, uint64_t entity, struct reason *why)
{
    struct chunk chunk = {0};
    struct event_row row;
    for (uint32_t version = 1; version <= l->entities[entity].indexed; version += CHUNK_EVENTS) {
        if (engine_chunk(l->engine, entity, version, &chunk))
            break;
        for (uint32_t i = 0; i < chunk.count; i++) {
            const struct event_place *p = &chunk.events[i];
            int error = engine_event(l->engine, p->position, &row);
            if (error || row.entity != entity || row.version != version + i || row.at_us != p->at_us ||
                row.type != p->type || row.line.size + 1 != p->size_bytes)
                return reason_set(why, -EIO,
                    "the index by entity says of entity %llu, version %u what is not so of event %llu",
                    (unsigned long long)entity, version + i, (unsigned long long)p->position);
        }
    }
    return reason_set(
        why, -EIO, "the index by entity does not agree with the log about entity %llu", (unsigned long long)entity);
}

static int find_term(struct claims *l, enum term_kind kind, struct reason *why)
{
    struct slice text;
    struct term_row row;
    int found = engine_terms_start(l->engine, kind, SLICE("")), error = 0;
    while (!error && !found && (found = engine_terms_next(l->engine, &text, &row)) == 1) {
        found = 0;
        if (term_slot(l, text_hash(kind, text))->sum)
            error = reason_set(why, -EIO, "the index by term does not agree with the log about the %s %.*s",
                kind == TERM_TYPE ? "type" : "actor", SLICE_ARG(text));
    }
    engine_terms_end(l->engine);
    return error;
}

// Does a table tell that the event with an id stands at a position?
static bool is_found(struct claims *l, struct slice id, uint64_t position)
{
    uint64_t found;
    if (engine_given(l->engine, id, &found, NULL) == 0)
        return found == position;
    return engine_imported(l->engine, identity_hash(id), position + 1, &found) == 0 && found == position;
}

static int find_given(struct claims *l, struct reason *why)
{
    struct event_row row;
    struct event event;
    BYTES_AUTO actor = {0};
    int error = 0;
    for (uint64_t position = 1; !error && is_tabled(l, position); position++) {
        error = engine_event(l->engine, position, &row);
        if (!error)
            error = envelope_read(row.line, &event, &actor);
        if (error || is_own(l, event.id, position))
            continue;
        // The id must outlive the next call on the engine.
        BYTES_AUTO id = {0};
        bytes_add_slice(&id, event.id);
        if (!is_found(l, bytes_slice(&id), position))
            error = reason_set(why, -EIO, "event %llu is not found by its id %.*s", (unsigned long long)position,
                SLICE_ARG(bytes_slice(&id)));
    }
    return reason_set(why, -EIO, "the table of given ids has one that no event has");
}

int claims_settle(struct claims *l, struct reason *why)
{
    if (!l->knows_all)
        return -EIO;
    for (uint64_t id = 0; id < l->entity_room; id++) {
        const struct claimed_entity *e = &l->entities[id];
        if (e->sum)
            return find_chunk(l, id, why);
        if (l->quiet && e->name && !e->version)
            return reason_set(why, -EIO, "entity %llu has no event", (unsigned long long)id);
    }
    int error = l->given ? find_given(l, why) : 0;
    if (!error && l->term_room)
        error = find_term(l, TERM_TYPE, why);
    if (!error && l->term_room)
        error = find_term(l, TERM_ACTOR, why);
    return error;
}
