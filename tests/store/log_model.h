// A log that a test writes and knows in full: random events of skewed entities, each with what must be recorded of it
// and the state behind it, told by rules of its own. Everything that can be asked of the history is compared with going
// through all of it.
#pragma once

#include "tests/store/store_fixture.h"

#define MODEL_ENTITIES 1000u
#define MODEL_FIELDS   10u

struct model_event {
    uint32_t entity, version;
    const char *type;
    char *data, *state; // as recorded; the fields behind it, or "deleted". NULL when the model keeps no texts
    int64_t at_us;      // known after model_scan, as all that follows
    uint64_t offset, entity_offset, size_bytes;
    char id[32];
};

struct model_entity {
    uint64_t *positions; // [version - 1]
    uint32_t count, room;
    bool alive;
    uint8_t order[MODEL_FIELDS]; // the fields that it has, as they appeared
    uint8_t field_count;
    int values[MODEL_FIELDS];
};

struct model {
    struct model_event *events; // [position - 1]
    uint64_t count, room, scanned;
    struct model_entity entities[MODEL_ENTITIES];
    struct bytes log;                     // all lines, after model_scan
    struct bytes streams[MODEL_ENTITIES]; // of each entity
    bool keeps_texts;
    bool damaged;         // -EIO is an answer too
    uint64_t right, lost; // answers that were right, and those that were -EIO
};

static inline char *model_name(uint32_t entity)
{
    static char names[8][32];
    static unsigned next;
    char *name = names[next++ % 8];
    snprintf(name, 32, "thing_%u", entity);
    return name;
}

// ---- writing

static inline void model_add_value(struct bytes *out, int value)
{
    bytes_printf(out, value % 3 ? "\"s%d\"" : "%d", value);
}

static inline int model_find(const struct model_entity *e, uint8_t field)
{
    for (int i = 0; i < e->field_count; i++)
        if (e->order[i] == field)
            return i;
    return -1;
}

static inline void model_set(struct model_entity *e, uint8_t field, int value)
{
    if (model_find(e, field) < 0)
        e->order[e->field_count++] = field;
    e->values[field] = value;
}

static inline void model_unset(struct model_entity *e, uint8_t field)
{
    int at = model_find(e, field);
    memmove(e->order + at, e->order + at + 1, (size_t)(e->field_count - at - 1));
    e->field_count--;
}

static inline char *model_state(const struct model_entity *e)
{
    struct bytes out = {0};
    for (int i = 0; i < e->field_count; i++) {
        bytes_printf(&out, "%c\"f%u\":", i ? ',' : '{', e->order[i]);
        model_add_value(&out, e->values[e->order[i]]);
    }
    bytes_add_text(&out, e->field_count ? "}" : "{}");
    bytes_add_char(&out, '\0');
    return out.at;
}

// Random members of data, as they are written and as they are recorded; the entity takes them.
static inline void model_members(struct model_entity *e, bool change, struct bytes *written, struct bytes *recorded)
{
    unsigned members = (unsigned)chance(4);
    uint32_t used = 0;
    const char *separator = "{";
    for (unsigned i = 0; i < members; i++, separator = ",") {
        uint8_t field = (uint8_t)chance(MODEL_FIELDS);
        while (used & 1u << field)
            field = (uint8_t)((field + 1) % MODEL_FIELDS);
        used |= 1u << field;
        int value = (int)chance(1000);
        bool has = model_find(e, field) >= 0, goes = change && has && chance(4) == 0;
        bytes_printf(written, "%s\"f%u\":", separator, field);
        bytes_printf(recorded, "%s\"f%u\":", separator, field);
        if (change && has) {
            bytes_add_text(recorded, "{\"before\":");
            model_add_value(recorded, e->values[field]);
            bytes_add_text(recorded, goes ? "}" : ",\"after\":");
        } else if (change) {
            bytes_add_text(recorded, "{\"after\":");
        }
        if (goes) {
            bytes_add_text(written, "{\"before\":");
            model_add_value(written, e->values[field]);
            bytes_add_text(written, "}");
            model_unset(e, field);
            continue;
        }
        model_add_value(written, value);
        model_add_value(recorded, value);
        if (change)
            bytes_add_text(recorded, "}");
        model_set(e, field, value);
    }
    bytes_add_text(written, members ? "}" : "{}");
    bytes_add_text(recorded, members ? "}" : "{}");
}

// A few entities have most of the events.
static inline uint32_t model_choose(void)
{
    uint64_t n = chance(100);
    return n < 40 ? 0 : n < 65 ? 1 + (uint32_t)chance(3) : (uint32_t)chance(MODEL_ENTITIES);
}

// Adds a random event to the model and appends it, as it is to be written, to `out`.
static inline void model_event(struct model *m, struct bytes *out)
{
    uint32_t entity = model_choose();
    struct model_entity *e = &m->entities[entity];
    BYTES_AUTO written = {0}, recorded = {0};
    static const char *const first[] = {"Thing.Created", "Thing.Created", "Thing.Opened", "was_made"};
    static const char *const later[] = {"Thing.Changed", "Thing.Updated", "was_touched", "Thing.LookedAt"};
    const char *type = !e->count ? first[chance(4)] : !e->alive ? first[0] : later[chance(4)];
    if (e->alive && chance(30) == 0)
        type = "Thing.Deleted";
    if (!e->alive)
        e->field_count = 0;
    bool change = e->alive && type[0] == 'T';
    if (!strcmp(type, "Thing.Deleted")) {
        bytes_add_text(&written, "{\"why\":\"x -> y\"}");
        bytes_add_text(&recorded, "{\"why\":\"x -> y\"}");
        e->alive = false;
    } else {
        model_members(e, change, &written, &recorded);
        e->alive = true;
    }
    bytes_printf(out, "{\"type\":\"%s\",\"target\":\"thing_%u\",\"data\":", type, entity);
    bytes_add_slice(out, bytes_slice(&written));
    bytes_add_text(out, "}\n");
    bytes_add_char(&recorded, '\0');

    if (m->count == m->room)
        m->events = reallocarray(m->events, m->room = m->room ? 2 * m->room : 1024, sizeof *m->events);
    if (e->count == e->room)
        e->positions = reallocarray(e->positions, e->room = e->room ? 2 * e->room : 4, sizeof *e->positions);
    e->positions[e->count++] = m->count + 1;
    m->events[m->count++] = (struct model_event){.entity = entity,
        .version = e->count,
        .type = type,
        .data = m->keeps_texts ? strdup(recorded.at) : NULL,
        .state = !m->keeps_texts ? NULL
                 : e->alive      ? model_state(e)
                                 : strdup("deleted")};
}

static inline void model_append(struct fixture *f, struct model *m, unsigned events)
{
    BYTES_AUTO text = {0};
    while (events--)
        model_event(m, &text);
    REQUIRE(append_slice(f, bytes_slice(&text)));
}

static inline void model_free(struct model *m)
{
    for (uint64_t i = 0; i < m->count; i++) {
        free(m->events[i].data);
        free(m->events[i].state);
    }
    for (uint32_t i = 0; i < MODEL_ENTITIES; i++) {
        free(m->entities[i].positions);
        bytes_free(&m->streams[i]);
    }
    free(m->events);
    bytes_free(&m->log);
}

// Goes through the new events one by one: each is what the model says, and from here on what others are compared with.
static inline void model_scan(struct fixture *f, struct model *m)
{
    CHECK_INT(tenant_end(f->tenant).position, m->count);
    for (; m->scanned < m->count; m->scanned++) {
        struct model_event *e = &m->events[m->scanned];
        struct slice line = line_of(f, m->scanned + 1);
        char version[16];
        snprintf(version, sizeof version, "%u", e->version);
        CHECK_TEXT(text_member(line, "target"), model_name(e->entity));
        CHECK_TEXT(text_member(line, "type"), e->type);
        CHECK_TEXT(member_of(line, "version"), version);
        if (e->data)
            CHECK_TEXT(member_of(line, "data"), e->data);
        when_parse_moment(text_member(line, "timestamp"), &e->at_us);
        snprintf(e->id, sizeof e->id, "%.*s", SLICE_ARG(text_member(line, "id")));
        e->offset = m->log.size;
        e->entity_offset = m->streams[e->entity].size;
        e->size_bytes = line.size + 1;
        bytes_add_slice(&m->log, line);
        bytes_add_char(&m->log, '\n');
        bytes_add_slice(&m->streams[e->entity], line);
        bytes_add_char(&m->streams[e->entity], '\n');
    }
}

// ---- asking

#define MODEL_CHECK(m, condition)                                                                                      \
    do {                                                                                                               \
        CHECK(condition);                                                                                              \
        (m)->right++;                                                                                                  \
    } while (0)

// True when there is an answer to compare; damage is counted where it may be.
static inline bool model_answered(struct model *m, int error)
{
    if (m->damaged && error == -EIO) {
        m->lost++;
        return false;
    }
    if (error)
        CHECK_INT(error, 0);
    return !error;
}

static inline void model_ask_moment(struct fixture *f, struct model *m)
{
    int64_t at_us = m->events[chance(m->count)].at_us + (int64_t)chance(3) - 1;
    uint64_t expected = 0, position;
    while (expected < m->count && m->events[expected].at_us <= at_us)
        expected++;
    if (model_answered(m, history_position_at(&f->reader, at_us, &position)))
        MODEL_CHECK(m, position == expected);
}

static inline void model_ask_versions(struct fixture *f, struct model *m)
{
    uint64_t position = chance(m->count + 1);
    uint32_t entity = chance(2) ? m->events[chance(m->count)].entity : (uint32_t)chance(MODEL_ENTITIES), version = 0;
    const struct model_entity *e = &m->entities[entity];
    struct head head;
    int error = history_head(&f->reader, slice_of(model_name(entity)), &head);
    if (!e->count) {
        MODEL_CHECK(m, error == -ENOENT || (m->damaged && error == -EIO));
        return;
    }
    if (!model_answered(m, error))
        return;
    const struct model_event *last = &m->events[e->positions[e->count - 1] - 1];
    MODEL_CHECK(m, head.version == e->count && head.size_bytes == last->entity_offset + last->size_bytes &&
                       head.last_position == e->positions[e->count - 1] && head.last_at_us == last->at_us);
    uint32_t expected = 0;
    while (expected < e->count && e->positions[expected] <= position)
        expected++;
    if (model_answered(m, history_version_at(&f->reader, head.id, position, &version)))
        MODEL_CHECK(m, version == expected);
}

static inline void model_ask_page(struct fixture *f, struct model *m)
{
    const struct model_event *e = &m->events[chance(m->count)];
    const struct model_entity *thing = &m->entities[e->entity];
    struct chunk page;
    uint64_t id = entity_id(f, model_name(e->entity));
    if (!id || !model_answered(m, history_page(&f->reader, id, e->version, &page))) {
        CHECK(m->damaged);
        m->lost += !id;
        return;
    }
    MODEL_CHECK(m, page.first == e->version && page.offset == e->entity_offset && page.count >= 1 &&
                       page.first + page.count - 1 <= thing->count &&
                       (page.first - 1) / CHUNK_EVENTS == (page.first + page.count - 2) / CHUNK_EVENTS);
    for (uint32_t i = 0; i < page.count && page.first + i <= thing->count; i++) {
        const struct event_place *place = &page.events[i];
        const struct model_event *at = &m->events[thing->positions[page.first + i - 1] - 1];
        MODEL_CHECK(m, place->position == thing->positions[page.first + i - 1] && place->at_us == at->at_us &&
                           place->size_bytes == at->size_bytes);
        MODEL_CHECK(m, m->damaged || slice_is(history_type(&f->reader, place->type), at->type));
    }
}

static inline void model_ask_event(struct fixture *f, struct model *m)
{
    uint64_t at = chance(m->count), position;
    const struct model_event *e = &m->events[at];
    struct event_row row;
    if (model_answered(m, history_event(&f->reader, at + 1, &row)))
        MODEL_CHECK(m, row.version == e->version && row.offset == e->offset && row.at_us == e->at_us &&
                           row.line.size + 1 == e->size_bytes &&
                           !memcmp(row.line.at, m->log.at + e->offset, row.line.size));
    if (model_answered(m, history_position_of(&f->reader, slice_of(e->id), &position)))
        MODEL_CHECK(m, position == at + 1);
}

static inline void model_ask_state(struct fixture *f, struct model *m)
{
    const struct model_event *e = &m->events[chance(m->count)];
    STATE_AUTO state = NULL;
    uint64_t id = entity_id(f, model_name(e->entity));
    if (!id || !model_answered(m, history_state(&f->reader, id, e->version, &state))) {
        CHECK(m->damaged);
        m->lost += !id;
        return;
    }
    MODEL_CHECK(m, slice_is(state->alive ? state->fields : SLICE("deleted"), e->state));
}

// Reads on from where an open file stands, or somewhere else.
static inline void model_ask_streams(struct fixture *f, struct model *m, struct stream_place *place, uint64_t *next)
{
    static char block[30000];
    size_t size = chance(4) ? 1 + chance(400) : 1 + chance(sizeof block), got = 0;
    uint64_t offset = chance(2) ? *next : chance(m->log.size + 100);
    int error = stream_read_log(&f->reader, place, offset, block, size, &got);
    size_t expected = offset >= m->log.size ? 0 : m->log.size - offset < size ? m->log.size - offset : size;
    if (model_answered(m, error))
        MODEL_CHECK(
            m, got <= expected && (got == expected || m->damaged) && (!got || !memcmp(block, m->log.at + offset, got)));
    *next = offset + got;

    uint32_t entity = m->events[chance(m->count)].entity;
    const struct bytes *stream = &m->streams[entity];
    struct stream_place fresh = {0};
    uint64_t id = entity_id(f, model_name(entity));
    uint64_t at = chance(stream->size + 10);
    for (int reads = 0; id && reads < 3; reads++, at += got) {
        if (!model_answered(m, stream_read_entity(&f->reader, id, &fresh, at, block, size, &got)))
            return;
        expected = at >= stream->size ? 0 : stream->size - at < size ? stream->size - at : size;
        MODEL_CHECK(
            m, got <= expected && (got == expected || m->damaged) && (!got || !memcmp(block, stream->at + at, got)));
    }
}

static inline void model_ask(struct fixture *f, struct model *m, unsigned times)
{
    struct stream_place place = {0};
    uint64_t next = 0;
    while (times--) {
        model_ask_moment(f, m);
        model_ask_versions(f, m);
        model_ask_page(f, m);
        model_ask_event(f, m);
        if (m->keeps_texts)
            model_ask_state(f, m);
        model_ask_streams(f, m, &place, &next);
    }
}
