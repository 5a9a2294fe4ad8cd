#include "store/state.h"

#include "store/arena.h"
#include "store/fields.h"
#include "store/json.h"
#include "store/name.h"
#include "store/when.h"

#include <errno.h>
#include <stdlib.h>

struct state *state_make(
    bool alive, int64_t created_at_us, struct slice created_by, struct slice noun, struct slice fields)
{
    struct state *s = malloc(sizeof *s + created_by.size + noun.size + fields.size);
    if (!s)
        return NULL;
    char *at = s->text;
    memcpy(at, created_by.at, created_by.size);
    memcpy(at + created_by.size, noun.at, noun.size);
    if (fields.size)
        memcpy(at + created_by.size + noun.size, fields.at, fields.size);
    atomic_init(&s->holders, 1);
    s->alive = alive;
    s->created_at_us = created_at_us;
    s->created_by = (struct slice){.at = at, .size = created_by.size};
    s->noun = (struct slice){.at = at + created_by.size, .size = noun.size};
    s->fields = (struct slice){.at = at + created_by.size + noun.size, .size = fields.size};
    return s;
}

struct state *state_hold(struct state *s)
{
    if (s)
        atomic_fetch_add_explicit(&s->holders, 1, memory_order_relaxed);
    return s;
}

void state_drop(struct state *s)
{
    if (s && atomic_fetch_sub_explicit(&s->holders, 1, memory_order_acq_rel) == 1)
        free(s);
}

size_t state_bytes(const struct state *s)
{
    return s ? sizeof *s + s->created_by.size + s->noun.size + s->fields.size : 0;
}

// ---- changes

struct state_change state_read_change(struct slice value)
{
    struct state_change change = {0};
    if (json_kind(value) != JSON_OBJECT)
        return change;
    struct json_cursor c = json_enter(value);
    for (struct slice key, member; json_next_member(&c, &key, &member);) {
        if (json_key_is(key, "before"))
            change.before = member;
        else if (json_key_is(key, "after"))
            change.after = member;
        else
            return (struct state_change){0};
        change.is_pair = true;
    }
    return change;
}

// Finds the only ` -> ` or ` → ` in a quoted string; false when there is none, or more than one. Some writers of JSON
// escape what is not ASCII (Python), others `>` (Go).
static bool find_arrow(struct slice quoted, struct slice *from, struct slice *to)
{
    static const char *const arrows[] = {" -> ", " \xe2\x86\x92 ", " \\u2192 ", " -\\u003e ", " -\\u003E "};
    unsigned found = 0;
    // Nearly all strings have none of these.
    if (!memchr(quoted.at, '>', quoted.size) && !memchr(quoted.at, 0xe2, quoted.size) &&
        !memchr(quoted.at, '\\', quoted.size))
        return false;
    const char *end = quoted.at + quoted.size;
    for (unsigned kind = 0; kind < sizeof arrows / sizeof *arrows; kind++) {
        size_t size = strlen(arrows[kind]);
        for (const char *at = quoted.at; (at = memmem(at, (size_t)(end - at), arrows[kind], size)); at++) {
            *from = (struct slice){.at = quoted.at, .size = (size_t)(at - quoted.at)};
            *to = (struct slice){.at = at + size, .size = (size_t)(end - at) - size};
            found++;
        }
    }
    return found == 1;
}

static void record_pair(struct bytes *out, struct slice key, struct slice before, struct slice after)
{
    if (out->at[out->size - 1] != '{')
        bytes_add_char(out, ',');
    bytes_add_slice(out, key);
    bytes_add_text(out, ":{");
    if (before.at) {
        bytes_add_text(out, "\"before\":");
        bytes_add_slice(out, before);
    }
    if (after.at) {
        bytes_add_text(out, before.at ? ",\"after\":" : "\"after\":");
        bytes_add_slice(out, after);
    }
    bytes_add_char(out, '}');
}

static int stale(struct slice key, struct slice wanted, struct slice found, struct reason *why)
{
    struct slice nothing = SLICE("missing");
    found = found.at ? found : nothing;
    return reason_set(why, -ESTALE, "%.*s is %.*s now, not %.*s", (int)(key.size < 60 ? key.size : 60), key.at,
        (int)(found.size < 80 ? found.size : 80), found.at, (int)(wanted.size < 80 ? wanted.size : 80), wanted.at);
}

// `"A -> B"` on a field that is a string: A must hold. Makes the quoted B in `text`.
static int record_arrow(struct slice key, struct slice now, struct slice from, struct slice to, struct bytes *scratch,
    struct bytes *out, struct reason *why)
{
    bytes_clear(scratch);
    bytes_add_slice(scratch, from);
    bytes_add_char(scratch, '"');
    if (!scratch->failed && !json_string_equal(now, bytes_slice(scratch)))
        return stale(key, bytes_slice(scratch), now, why);
    bytes_clear(scratch);
    bytes_add_char(scratch, '"');
    bytes_add_slice(scratch, to);
    record_pair(out, key, now, bytes_slice(scratch));
    return scratch->failed ? -ENOMEM : 0;
}

int state_record_change(const struct state *before, struct slice data, struct bytes *out, struct reason *why)
{
    FIELDS_AUTO now = {0};
    BYTES_AUTO scratch = {0};
    int error = fields_read(&now, before->fields);
    if (error)
        return error;
    bytes_add_char(out, '{');
    struct json_cursor c = json_enter(data);
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        struct field *field = fields_find(&now, key);
        struct slice current = field ? field->value : (struct slice){0};
        struct slice from, to;
        if (out->failed)
            return -ENOMEM;
        struct state_change change = state_read_change(value);
        if (change.is_pair) {
            bool holds = !change.before.at ? true
                         : current.at      ? json_equal(change.before, current)
                                           : json_kind(change.before) == JSON_NULL;
            if (!holds)
                return stale(key, change.before, current, why);
            if (current.at || change.after.at)
                record_pair(out, key, current, change.after);
        } else if (json_kind(value) == JSON_STRING && current.at && json_kind(current) == JSON_STRING &&
                   find_arrow(value, &from, &to)) {
            error = record_arrow(key, current, from, to, &scratch, out, why);
            if (error)
                return error;
        } else {
            record_pair(out, key, current, value);
        }
    }
    bytes_add_char(out, '}');
    return out->failed ? -ENOMEM : 0;
}

// ---- folding

static bool is_meta(struct slice key)
{
    return key.size > 2 && (key.at[1] == '$' || (key.size > 7 && !strncasecmp(key.at + 1, "\\u0024", 6)));
}

// The B of `"A -> B"`, which only an imported event still has, quoted into the arena; `value` when it is none.
static struct slice arrow_value(const struct fields *fields, struct slice key, struct slice value, struct arena *arena)
{
    struct slice from, to;
    if (json_kind(value) != JSON_STRING || !find_arrow(value, &from, &to))
        return value;
    const struct field *now = fields_find(fields, key);
    if (!now || json_kind(now->value) != JSON_STRING)
        return value;
    char *at = arena_get(arena, 1 + to.size);
    if (!at)
        return (struct slice){0};
    at[0] = '"';
    memcpy(at + 1, to.at, to.size);
    return (struct slice){.at = at, .size = 1 + to.size};
}

static int apply(struct fields *fields, struct slice data, bool changes, struct arena *arena)
{
    struct json_cursor c = json_enter(data);
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        struct state_change change = changes ? state_read_change(value) : (struct state_change){0};
        if (is_meta(key))
            continue;
        if (change.is_pair && !change.after.at) {
            fields_remove(fields, key);
            continue;
        }
        if (change.is_pair)
            value = change.after;
        else if (changes)
            value = arrow_value(fields, key, value, arena);
        int error = value.at ? fields_set(fields, key, value) : -ENOMEM;
        if (error)
            return error;
    }
    return 0;
}

// May it have members that begin with `$`?
static bool has_meta(struct slice object)
{
    return memmem(object.at, object.size, "\"$", 2) || memmem(object.at, object.size, "\"\\u0024", 7);
}

// The data of the event is the state.
static struct state *begin(const struct event *event, struct slice noun)
{
    BYTES_AUTO fields = {0};
    struct slice data = event->data;
    if (has_meta(data)) {
        state_without_meta(data, &fields);
        data = bytes_slice(&fields);
    }
    return fields.failed ? NULL : state_make(true, event->at_us, event->actor, noun, data);
}

static int run_tick(const struct tick *tick, const struct state *before, const struct event *event, struct slice noun,
    struct state **after, struct reason *misfit)
{
    BYTES_AUTO ran = {0};
    BYTES_AUTO shown = {0};
    struct slice fields = before && before->alive ? before->fields : SLICE("{}");
    int error = tick_run(tick, fields, event, &ran, misfit);
    if (error)
        return error;
    fields = bytes_slice(&ran);
    if (has_meta(fields)) {
        state_without_meta(fields, &shown);
        fields = bytes_slice(&shown);
    }
    if (shown.failed)
        return -ENOMEM;
    *after = before ? state_make(true, before->created_at_us, before->created_by, before->noun, fields)
                    : state_make(true, event->at_us, event->actor, noun, fields);
    return *after ? 0 : -ENOMEM;
}

int state_fold(const struct spec *spec, const struct state *before, const struct event *event, struct state **after,
    struct reason *misfit)
{
    struct name_type type = name_stored_type(event->type);
    struct slice noun = type.style == NAME_PASCAL ? type.noun : name_entity_noun(event->target);
    if (type.verb == NAME_DELETED) {
        *after = before ? state_make(false, before->created_at_us, before->created_by, before->noun, (struct slice){0})
                        : state_make(false, event->at_us, event->actor, noun, (struct slice){0});
        return *after ? 0 : -ENOMEM;
    }
    const struct tick *tick = spec && type.style == NAME_SNAKE ? spec_tick(spec, event->type, event->target) : NULL;
    if (tick)
        return run_tick(tick, before, event, noun, after, misfit);
    if (!before || type.verb == NAME_CREATED) {
        *after = begin(event, noun);
        return *after ? 0 : -ENOMEM;
    }
    FIELDS_AUTO fields = {0};
    BYTES_AUTO text = {0};
    ARENA_AUTO arena = {0};
    int error = fields_read(&fields, before->alive ? before->fields : SLICE("{}"));
    if (!error)
        error = apply(&fields, event->data, type.style == NAME_PASCAL, &arena);
    if (error)
        return error;
    fields_print(&fields, &text);
    if (text.failed)
        return -ENOMEM;
    *after = state_make(true, before->created_at_us, before->created_by, before->noun, bytes_slice(&text));
    return *after ? 0 : -ENOMEM;
}

// ---- documents

int state_difference(const struct state *from, struct slice document, struct bytes *out, unsigned *changes)
{
    FIELDS_AUTO now = {0}, wanted = {0};
    int error = fields_read(&now, from->fields);
    if (!error)
        error = fields_read(&wanted, document);
    if (error)
        return error;
    *changes = 0;
    bytes_add_char(out, '{');
    if (out->failed)
        return -ENOMEM;
    for (uint32_t i = 0; i < now.count; i++)
        if (!fields_find(&wanted, now.all[i].key)) {
            record_pair(out, now.all[i].key, now.all[i].value, (struct slice){0});
            ++*changes;
        }
    for (uint32_t i = 0; i < wanted.count && !out->failed; i++) {
        if (is_meta(wanted.all[i].key))
            continue;
        struct field *field = fields_find(&now, wanted.all[i].key);
        if (field && json_equal(field->value, wanted.all[i].value))
            continue;
        record_pair(out, wanted.all[i].key, field ? field->value : (struct slice){0}, wanted.all[i].value);
        ++*changes;
    }
    bytes_add_char(out, '}');
    return out->failed ? -ENOMEM : 0;
}

void state_without_meta(struct slice document, struct bytes *out)
{
    char separator = '{';
    struct json_cursor c = json_enter(document);
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        if (is_meta(key))
            continue;
        bytes_add_char(out, separator);
        bytes_add_slice(out, key);
        bytes_add_char(out, ':');
        bytes_add_slice(out, value);
        separator = ',';
    }
    bytes_add_text(out, separator == '{' ? "{}" : "}");
}

static void show_text(struct bytes *out, const char *name, struct slice text)
{
    bytes_printf(out, "  \"%s\": ", name);
    json_quote(out, text);
    bytes_add_text(out, ",\n");
}

static void show_moment(struct bytes *out, const char *name, int64_t at_us)
{
    char when[WHEN_TEXT_MAX];
    show_text(out, name, (struct slice){.at = when, .size = when_print(when, at_us)});
}

void state_line(const struct state *s, struct slice entity, uint32_t version, int64_t updated_at_us, struct bytes *out)
{
    bytes_add_text(out, "{\"$id\":");
    json_quote(out, entity);
    bytes_add_text(out, ",\"$type\":");
    json_quote(out, s->noun);
    bytes_printf(out, ",\"$version\":%u,\"$createdAt\":", version);
    when_quote(out, s->created_at_us);
    bytes_add_text(out, ",\"$updatedAt\":");
    when_quote(out, updated_at_us);
    bytes_add_text(out, ",\"$createdBy\":");
    json_quote(out, s->created_by);
    if (s->fields.size > 2)
        bytes_add_char(out, ',');
    bytes_add_slice(out, (struct slice){.at = s->fields.at + 1, .size = s->fields.size - 1});
}

void state_show(const struct state *s, struct slice entity, uint32_t version, int64_t updated_at_us, struct bytes *out)
{
    bytes_add_text(out, "{\n");
    show_text(out, "$id", entity);
    show_text(out, "$type", s->noun);
    bytes_printf(out, "  \"$version\": %u,\n", version);
    show_moment(out, "$createdAt", s->created_at_us);
    show_moment(out, "$updatedAt", updated_at_us);
    bytes_add_text(out, "  \"$createdBy\": ");
    json_quote(out, s->created_by);
    struct json_cursor c = json_enter(s->fields);
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        bytes_add_text(out, ",\n  ");
        bytes_add_slice(out, key);
        bytes_add_text(out, ": ");
        json_pretty(out, value, 1);
    }
    bytes_add_text(out, "\n}\n");
}
