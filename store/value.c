#include "store/value.h"

#include "store/json.h"
#include "store/name.h"
#include "store/when.h"

#include <errno.h>

#define SHOWN(s)  (int)((s).size < 60 ? (s).size : 60), (s).at
#define STEPS_MAX 400u

// ---- reading

struct reading {
    struct arena *arena;
    struct reason *why;
};

int steps_read(struct steps *steps, struct slice text, const struct where *at, struct arena *arena, struct reason *why)
{
    *steps = (struct steps){0};
    if (!text.size)
        return 0;
    uint32_t count = 1;
    for (size_t i = 0; i < text.size; i++)
        count += text.at[i] == '.';
    if (count > STEPS_MAX)
        return where_refuse(why, at, "the path has too many steps");
    char *copy = arena_get(arena, text.size + 1);
    steps->names = arena_get(arena, count * sizeof *steps->names);
    if (!copy || !steps->names)
        return -ENOMEM;
    memcpy(copy, text.at, text.size);
    copy[text.size] = '\0';
    steps->count = count;
    if (memchr(text.at, '\0', text.size))
        return where_refuse(why, at, "the path holds a zero");
    for (uint32_t i = 0; i < count; i++) {
        char *dot = strchr(copy, '.');
        if (dot)
            *dot = '\0';
        steps->names[i] = copy;
        if (!*copy)
            return where_refuse(why, at, "the path \"%.*s\" has an empty step", SHOWN(text));
        copy += strlen(copy) + 1;
    }
    return 0;
}

static bool begins(struct slice text, const char *with)
{
    size_t size = strlen(with);
    return text.size >= size && !memcmp(text.at, with, size);
}

// Takes the root and the dot behind it off a path.
static bool take_root(struct slice *path, enum root *root)
{
    static const char *const roots[] = {
        [ROOT_DATA] = "$.data",
        [ROOT_METADATA] = "$.metadata",
        [ROOT_KEY] = "$.key",
        [ROOT_TYPE] = "$.type",
        [ROOT_STATE] = "@",
    };
    for (unsigned i = 0; i < sizeof roots / sizeof *roots; i++) {
        size_t size = strlen(roots[i]);
        bool whole = path->size == size;
        if (!begins(*path, roots[i]) || !(whole || path->at[size] == '.'))
            continue;
        *root = (enum root)i;
        size += !whole;
        path->at += size;
        path->size -= size;
        return !whole || i != ROOT_STATE;
    }
    return false;
}

static int read_path(struct reading *r, struct slice text, const struct where *at, struct value *t)
{
    struct slice path = text;
    t->kind = VALUE_PATH;
    t->text = text;
    t->optional = path.size && path.at[path.size - 1] == '?';
    path.size -= t->optional;
    bool known = take_root(&path, &t->root);
    if (!known || ((t->root == ROOT_KEY || t->root == ROOT_TYPE) && path.size) ||
        (path.size == 0 && text.at[text.size - 1 - t->optional] == '.'))
        return where_refuse(r->why, at,
            "\"%.*s\" is no path ($.data.x, $.data.x?, $.metadata.actor.id, $.metadata.timestamp, $.key, $.type, @.x)",
            SHOWN(text));
    return steps_read(&t->steps, path, at, r->arena, r->why);
}

static int read_any(struct reading *r, struct slice value, const struct where *at, struct value *t);

// {"$":"$.data.x"} is the path itself.
static int read_dollar(struct reading *r, struct slice value, const struct where *at, struct value *t)
{
    struct slice path, text;
    json_member(value, "$", &path);
    if (json_kind(path) != JSON_STRING)
        return where_refuse(r->why, at, "{\"$\":…} holds a path");
    int error = where_text(path, r->arena, &text);
    return error ? error : read_path(r, text, at, t);
}

static int read_parts(struct reading *r, struct slice value, const struct where *above, struct value *t)
{
    size_t count = json_count(value);
    bool object = json_kind(value) == JSON_OBJECT;
    struct value *parts = arena_get(r->arena, count * sizeof *parts);
    if (!parts)
        return -ENOMEM;
    *t = (struct value){.kind = object ? VALUE_OBJECT : VALUE_ARRAY, .parts = parts};
    struct json_cursor c = json_enter(value);
    struct slice key = {0}, part;
    for (size_t i = 0; i < count; i++) {
        struct where at = {.above = above, .index = i};
        bool found = object ? json_next_member(&c, &key, &part) : json_next_element(&c, &part);
        if (object && found)
            at.name = where_name(key);
        if (object && key.at[1] == '$')
            return where_refuse(
                r->why, &at, "is not known: of names that begin with $, a value has {\"$\":path} alone");
        parts[i] = (struct value){0};
        int error = read_any(r, part, &at, &parts[i]);
        if (error)
            return error;
        parts[i].key = key;
        t->part_count++;
    }
    return 0;
}

// Does nothing in it depend on the event?
static bool is_literal(const struct value *t)
{
    if (t->kind == VALUE_PATH)
        return false;
    for (uint32_t i = 0; i < t->part_count; i++)
        if (t->parts[i].kind != VALUE_LITERAL)
            return false;
    return true;
}

static int make_literal(struct reading *r, struct slice value, struct value *t)
{
    struct slice key = t->key;
    struct bytes text = {.at = arena_get(r->arena, value.size), .room = value.size};
    if (!text.at)
        return -ENOMEM;
    json_minify(&text, value); // never longer than what is written
    *t = (struct value){.kind = VALUE_LITERAL, .text = bytes_slice(&text), .key = key};
    return 0;
}

static int read_any(struct reading *r, struct slice value, const struct where *at, struct value *t)
{
    struct slice text, path;
    enum json_kind kind = json_kind(value);
    if (kind == JSON_OBJECT && json_member(value, "$", &path) && json_count(value) == 1)
        return read_dollar(r, value, at, t);
    if (kind == JSON_OBJECT || kind == JSON_ARRAY) {
        int error = read_parts(r, value, at, t);
        return error || !is_literal(t) ? error : make_literal(r, value, t);
    }
    if (kind != JSON_STRING)
        return make_literal(r, value, t);
    int error = where_text(value, r->arena, &text);
    if (error)
        return error;
    return begins(text, "$.") || begins(text, "@.") ? read_path(r, text, at, t) : make_literal(r, value, t);
}

int value_read(struct value *value, struct slice json, const struct where *at, struct arena *arena, struct reason *why)
{
    struct reading r = {.arena = arena, .why = why};
    *value = (struct value){0};
    return read_any(&r, json, at, value);
}

// ---- making

int making_misfits(struct making *m, const char *format, ...)
{
    char words[200];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    reason_set(m->misfit, 0, "state%s%.*s: %s", m->target.size ? "." : "", SHOWN(m->target), words);
    return MAKING_LEFT_OUT;
}

bool steps_follow(const struct steps *steps, struct slice json, uint32_t from, struct slice *found)
{
    for (uint32_t i = from; i < steps->count; i++)
        if (json_kind(json) != JSON_OBJECT || !json_member(json, steps->names[i], &json))
            return false;
    *found = json;
    return true;
}

// An actor `type_id` as {"type","id"}.
static void make_actor(struct making *m, struct slice actor)
{
    const char *bar = memchr(actor.at, '_', actor.size);
    size_t size = bar ? (size_t)(bar - actor.at) : actor.size;
    bytes_add_text(&m->made, "{\"type\":");
    json_quote(&m->made, (struct slice){.at = actor.at, .size = size});
    bytes_add_text(&m->made, ",\"id\":");
    json_quote(&m->made, bar ? (struct slice){.at = bar + 1, .size = actor.size - size - 1} : actor);
    bytes_add_char(&m->made, '}');
}

static void make_key(struct making *m, struct slice entity)
{
    struct slice type = name_entity_noun(entity);
    bytes_add_char(&m->made, '"');
    bytes_add_slice(&m->made, type);
    bytes_add_char(&m->made, ':');
    bytes_add(&m->made, entity.at + type.size + 1, entity.size - type.size - 1);
    bytes_add_char(&m->made, '"');
}

// What the metadata of an event have, as j17 knows it: with the actor and the timestamp in any case.
static bool find_metadata(struct making *m, const struct steps *steps, struct slice *found)
{
    const struct event *event = m->event;
    struct slice given;
    const char *first = steps->count ? steps->names[0] : "";
    if (!strcmp(first, "timestamp")) {
        bytes_printf(&m->made, "%lld", (long long)when_second(event->at_us));
        *found = bytes_slice(&m->made);
        return steps->count == 1;
    }
    if (!strcmp(first, "actor") && !(event->metadata.size && json_member(event->metadata, "actor", &given))) {
        make_actor(m, event->actor);
        return steps_follow(steps, bytes_slice(&m->made), 1, found);
    }
    return event->metadata.size && steps_follow(steps, event->metadata, 0, found);
}

// The value that a path leads to; it lives until the next one is looked for.
static bool find(struct making *m, const struct value *t, struct slice *found)
{
    bytes_clear(&m->made);
    switch (t->root) {
    case ROOT_DATA:
        return steps_follow(&t->steps, m->event->data, 0, found);
    case ROOT_STATE:
        return steps_follow(&t->steps, m->state, 0, found);
    case ROOT_METADATA:
        return find_metadata(m, &t->steps, found);
    case ROOT_KEY:
        make_key(m, m->event->target);
        break;
    case ROOT_TYPE:
        json_quote(&m->made, m->event->type);
        break;
    }
    *found = bytes_slice(&m->made);
    return true;
}

static int make_parts(struct making *m, const struct value *t, struct bytes *out)
{
    bool object = t->kind == VALUE_OBJECT;
    char separator = object ? '{' : '[';
    for (uint32_t i = 0; i < t->part_count; i++) {
        const struct value *part = &t->parts[i];
        size_t before = out->size;
        bytes_add_char(out, separator);
        if (object) {
            bytes_add_slice(out, part->key);
            bytes_add_char(out, ':');
        }
        int fits = value_make(part, m, out);
        if (fits < 0 || (fits == MAKING_LEFT_OUT && !part->optional))
            return fits;
        if (fits == MAKING_FITS)
            separator = ',';
        else
            out->size = before;
    }
    if (separator != ',')
        bytes_add_char(out, separator);
    bytes_add_char(out, object ? '}' : ']');
    return out->failed ? -ENOMEM : MAKING_FITS;
}

// Appends the value that a template makes of the event and the state.
int value_make(const struct value *t, struct making *m, struct bytes *out)
{
    struct slice value = t->text;
    if (t->kind == VALUE_OBJECT || t->kind == VALUE_ARRAY)
        return make_parts(m, t, out);
    if (t->kind == VALUE_PATH && !find(m, t, &value))
        return t->optional ? MAKING_LEFT_OUT : making_misfits(m, "%.*s leads nowhere", SHOWN(t->text));
    if (m->made.failed)
        return -ENOMEM;
    if (out->size + value.size > VALUE_BYTES_MAX)
        return making_misfits(m, "the state would become too large");
    bytes_add_slice(out, value);
    return out->failed ? -ENOMEM : MAKING_FITS;
}
