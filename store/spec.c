#include "store/spec.h"

#include "store/format.h"
#include "store/json.h"

#include <errno.h>
#include <stdlib.h>

#define SHOWN(s) (int)((s).size < 60 ? (s).size : 60), (s).at

// The member of the event's data.
#define RECORDED "spec.json"
// With the rest of its line it must still be an event that import takes.
#define RECORDED_BYTES (size_t)((1 << 20) - 2048)

struct spec *spec_hold(struct spec *s)
{
    if (s)
        atomic_fetch_add_explicit(&s->holders, 1, memory_order_relaxed);
    return s;
}

void spec_drop(struct spec *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->holders, 1, memory_order_acq_rel) != 1)
        return;
    schema_free_patterns(&s->schemas);
    arena_free(&s->arena);
    free(s);
}

// ---- reading

// The one object that the text holds.
static int read_document(struct slice text, struct slice *value, struct reason *why)
{
    struct json_scanner scanner;
    size_t used = 0, rest_used;
    json_scanner_init(&scanner);
    enum json_found found = json_scan(&scanner, text.at, text.size, &used, why);
    if (found == JSON_MORE && json_scanner_idle(&scanner))
        return reason_set(why, -EINVAL, SPEC_EMPTY);
    if (found != JSON_VALUE)
        return reason_set(why, -EINVAL, "the document is not complete");
    *value = (struct slice){.at = text.at, .size = used};
    if (json_scan(&scanner, text.at + used, text.size - used, &rest_used, why) != JSON_MORE ||
        !json_scanner_idle(&scanner))
        return reason_set(why, -EINVAL, "there is more behind the document's end");
    if (json_kind(*value) != JSON_OBJECT)
        return reason_set(why, -EINVAL, "a spec is an object such as {\"nouns\":{}}");
    return json_refuse_duplicates(*value, why);
}

static int compare_nouns(const void *a, const void *b)
{
    return slice_compare(((const struct noun *)a)->folded, ((const struct noun *)b)->folded);
}

static int find_noun(const void *folded, const void *noun)
{
    return slice_compare(*(const struct slice *)folded, ((const struct noun *)noun)->folded);
}

static int read_nouns(struct spec *s, struct slice value, const struct where *at, struct reason *why)
{
    if (json_kind(value) != JSON_OBJECT)
        return where_refuse(why, at, "must be an object of nouns");
    struct noun *nouns = arena_get(&s->arena, json_count(value) * sizeof *nouns);
    if (!nouns)
        return -ENOMEM;
    struct json_cursor c = json_enter(value);
    for (struct slice key, member; json_next_member(&c, &key, &member);) {
        int error = noun_read(&nouns[s->noun_count], key, member, at, &s->arena, why);
        if (error)
            return error;
        s->noun_count++;
    }
    qsort(nouns, s->noun_count, sizeof *nouns, compare_nouns);
    s->nouns = nouns;
    s->declares_types = true;
    for (uint32_t i = 1; i < s->noun_count; i++)
        if (slice_equal(nouns[i - 1].folded, nouns[i].folded))
            return where_refuse(
                why, at, "%.*s and %.*s are the same noun", SHOWN(nouns[i - 1].name), SHOWN(nouns[i].name));
    return 0;
}

static int compare_aggregates(const void *a, const void *b)
{
    return slice_compare(((const struct aggregate *)a)->folded, ((const struct aggregate *)b)->folded);
}

static int find_aggregate(const void *folded, const void *aggregate)
{
    return slice_compare(*(const struct slice *)folded, ((const struct aggregate *)aggregate)->folded);
}

static int read_aggregates(struct spec *s, struct slice value, const struct where *at, struct reason *why)
{
    if (json_kind(value) != JSON_OBJECT)
        return where_refuse(why, at, "must be an object of types");
    struct aggregate *all = arena_get(&s->arena, json_count(value) * sizeof *all);
    int error = all ? 0 : -ENOMEM;
    struct json_cursor c = json_enter(value);
    for (struct slice key, member; !error && json_next_member(&c, &key, &member);)
        error = aggregate_read(&all[s->aggregate_count++], key, member, at, &s->schemas, why);
    if (error)
        return error;
    qsort(all, s->aggregate_count, sizeof *all, compare_aggregates);
    s->aggregates = all;
    s->declares_types = true;
    for (uint32_t i = 1; i < s->aggregate_count; i++)
        if (slice_equal(all[i - 1].folded, all[i].folded))
            return where_refuse(why, at, "%.*s and %.*s are the same type", SHOWN(all[i - 1].name), SHOWN(all[i].name));
    return 0;
}

static int read_names(struct names_declared *names, struct slice value, const struct where *above, struct arena *arena,
    struct reason *why)
{
    struct where at = {.above = above};
    if (json_kind(value) != JSON_ARRAY)
        return where_refuse(why, above, "must be an array of names");
    size_t count = json_count(value);
    struct slice *all = arena_get(arena, count * sizeof *all);
    if (!all)
        return -ENOMEM;
    struct json_cursor c = json_enter(value);
    for (struct slice name; json_next_element(&c, &name); at.index++) {
        BYTES_AUTO text = {0};
        if (json_kind(name) != JSON_STRING || name.size == 2)
            return where_refuse(why, &at, "must be a name");
        json_decode(&text, name);
        all[at.index] = arena_copy(arena, bytes_slice(&text));
        if (text.failed || !all[at.index].at)
            return -ENOMEM;
    }
    *names = (struct names_declared){.all = all, .count = (uint32_t)count, .declared = true};
    return 0;
}

// What would change what happens must not be there in vain: j17's sagas, types of places. Its caches say nothing.
static int read_unsupported(struct slice value, const struct where *at, struct reason *why)
{
    struct json_cursor c = json_enter(value);
    if (json_kind(value) != JSON_OBJECT)
        return where_refuse(why, at, "must be an object");
    for (struct slice key, member; json_next_member(&c, &key, &member);) {
        struct where inner = {.above = at, .name = where_name(key)};
        if (!json_key_is(key, "cache"))
            return where_refuse(why, &inner, "is not known here");
    }
    return 0;
}

static int read_members(struct spec *s, struct slice object, const struct where *above, struct reason *why);

static int read_member(
    struct spec *s, struct slice key, struct slice value, const struct where *above, struct reason *why)
{
    struct where at = {.above = above, .name = where_name(key)};
    if (json_key_is(key, "spec") && !above)
        return json_kind(value) == JSON_OBJECT ? read_members(s, value, &at, why)
                                               : where_refuse(why, &at, "must be an object");
    if (json_key_is(key, "nouns"))
        return read_nouns(s, value, &at, why);
    if (json_key_is(key, "aggregate_types"))
        return read_aggregates(s, value, &at, why);
    if (json_key_is(key, "agent_types"))
        return read_names(&s->agent_types, value, &at, &s->arena, why);
    if (json_key_is(key, "target_types"))
        return read_names(&s->target_types, value, &at, &s->arena, why);
    if (json_key_is(key, "singletons"))
        return read_names(&s->singletons, value, &at, &s->arena, why);
    if (json_key_is(key, "modules") || json_key_is(key, "geo_types"))
        return read_unsupported(value, &at, why);
    if (json_key_is(key, "name") || json_key_is(key, "description") || json_key_is(key, "$schema") ||
        json_key_is(key, "projections"))
        return 0;
    return where_refuse(
        why, &at, "is not known: a spec has nouns, aggregate_types, agent_types, target_types, singletons");
}

static int read_members(struct spec *s, struct slice object, const struct where *above, struct reason *why)
{
    int error = 0;
    struct json_cursor c = json_enter(object);
    for (struct slice key, value; !error && json_next_member(&c, &key, &value);)
        error = read_member(s, key, value, above, why);
    return error;
}

static const struct aggregate *aggregate_of(const struct spec *s, struct slice type);

// A reference to what nothing declares could never hold.
static int check_references(const struct spec *s, struct reason *why)
{
    static const struct where root = {.name = {"nouns", 5}};
    for (uint32_t i = 0; i < s->noun_count; i++)
        for (uint32_t j = 0; j < s->nouns[i].field_count; j++) {
            const struct noun_field *field = &s->nouns[i].fields[j];
            if (field->kind != NOUN_REFERENCE || spec_noun(s, field->target) || aggregate_of(s, field->target))
                continue;
            struct where noun = {.above = &root, .name = s->nouns[i].name};
            struct where at = {.above = &noun, .name = field->name};
            return where_refuse(why, &at, "%.*s is not declared", SHOWN(field->target));
        }
    return 0;
}

int spec_read(struct slice text, struct spec **spec, struct reason *why)
{
    SPEC_AUTO s = calloc(1, sizeof *s);
    struct slice value = {0};
    if (!s)
        return -ENOMEM;
    atomic_init(&s->holders, 1);
    s->schemas.arena = &s->arena;
    s->text = arena_copy(&s->arena, text);
    int error = s->text.at ? read_document(s->text, &value, why) : -ENOMEM;
    if (!error)
        error = read_members(s, value, NULL, why);
    if (!error)
        error = check_references(s, why);
    if (error)
        return error;
    *spec = s;
    s = NULL;
    return 0;
}

// ---- asking

const struct noun *spec_noun(const struct spec *s, struct slice type)
{
    char text[NAME_ENTITY_MAX];
    if (!s || !s->noun_count || type.size > sizeof text)
        return NULL;
    struct slice folded = {.at = text, .size = name_fold_case(text, type)};
    return bsearch(&folded, s->nouns, s->noun_count, sizeof *s->nouns, find_noun);
}

static const struct aggregate *aggregate_of(const struct spec *s, struct slice type)
{
    char text[NAME_ENTITY_MAX];
    if (!s || !s->aggregate_count || type.size > sizeof text)
        return NULL;
    struct slice folded = {.at = text, .size = name_fold_case(text, type)};
    return bsearch(&folded, s->aggregates, s->aggregate_count, sizeof *s->aggregates, find_aggregate);
}

const struct tick *spec_tick(const struct spec *s, struct slice type, struct slice entity)
{
    const struct aggregate *aggregate = aggregate_of(s, name_entity_noun(entity));
    const struct aggregate_event *event = aggregate ? aggregate_event(aggregate, type) : NULL;
    return event ? event->tick : NULL;
}

struct slice spec_spelling(const struct spec *s, struct slice stored, char out[static NAME_TYPE_MAX])
{
    struct name_type type = name_stored_type(stored);
    const struct noun *noun = type.style == NAME_PASCAL ? spec_noun(s, type.noun) : NULL;
    if (!noun)
        return stored;
    const struct noun_verb *verb = noun_find_event(noun, name_type_verb(&type));
    struct slice event = verb ? verb->event : name_type_verb(&type);
    if (noun->name.size + 1 + event.size > NAME_TYPE_MAX)
        return stored;
    memcpy(out, noun->name.at, noun->name.size);
    out[noun->name.size] = '.';
    memmove(out + noun->name.size + 1, event.at, event.size);
    return (struct slice){.at = out, .size = noun->name.size + 1 + event.size};
}

// ---- actors and targets

// A text that an object in an object has; .at NULL when there is none.
static struct slice inner_text(struct slice metadata, const char *outer, const char *inner, struct bytes *text)
{
    struct slice object, value;
    if (!metadata.size || !json_member(metadata, outer, &object) || json_kind(object) != JSON_OBJECT ||
        !json_member(object, inner, &value) || json_kind(value) != JSON_STRING)
        return (struct slice){0};
    bytes_clear(text);
    json_decode(text, value);
    return bytes_slice(text);
}

static bool is_declared(const struct names_declared *names, struct slice name)
{
    for (uint32_t i = 0; i < names->count; i++)
        if (slice_equal(names->all[i], name))
            return true;
    return !names->declared;
}

// The declared type that an actor `type_id` has; a type may hold a `_` itself.
static bool has_declared_type(const struct names_declared *names, struct slice actor)
{
    for (uint32_t i = 0; i < names->count; i++) {
        struct slice type = names->all[i];
        if (actor.size > type.size && actor.at[type.size] == '_' && !memcmp(actor.at, type.at, type.size))
            return true;
    }
    return !names->declared;
}

static void list_names(const struct names_declared *names, struct bytes *out)
{
    for (uint32_t i = 0; i < names->count && out->size < 120; i++) {
        bytes_add_text(out, i ? ", " : "");
        bytes_add_slice(out, names->all[i]);
    }
}

static int refuse_name(
    const struct names_declared *names, const char *what, struct slice name, const char *list, struct reason *why)
{
    BYTES_AUTO all = {0};
    list_names(names, &all);
    return reason_set(why, -EINVAL, "%s: \"%.*s\" is none of the %s that are declared (%.*s)", what, SHOWN(name), list,
        (int)(all.size < 130 ? all.size : 130), all.size ? all.at : "");
}

// Has an actor's id one of the forms that j17 gives to many: a UUID, nine characters of base 32, either with a tag?
static bool is_common_id(struct slice id)
{
    const char *colon = memchr(id.at, ':', id.size);
    if (colon)
        id.size = (size_t)(colon - id.at);
    if (format_holds(FORMAT_UUID, id))
        return true;
    bool humane = id.size == 9;
    for (size_t i = 0; humane && i < id.size; i++)
        humane = strchr("0123456789ABCDEFGHJKMNPQRSTVWXYZ", id.at[i]) != NULL;
    return humane;
}

// An actor that is no user and has a name of its own must be declared by it.
static int check_singleton(const struct spec *s, const struct event *event, struct reason *why)
{
    BYTES_AUTO text = {0};
    struct slice id = inner_text(event->metadata, "actor", "id", &text);
    if (text.failed)
        return -ENOMEM;
    bool known = is_common_id(id) || slice_is(id, "global") || is_declared(&s->singletons, id);
    return known ? 0 : refuse_name(&s->singletons, "metadata.actor.id", id, "singletons", why);
}

static int check_actor(const struct spec *s, const struct event *event, struct reason *why)
{
    BYTES_AUTO text = {0};
    struct slice type = inner_text(event->metadata, "actor", "type", &text);
    if (text.failed)
        return -ENOMEM;
    bool known = type.at ? is_declared(&s->agent_types, type) : has_declared_type(&s->agent_types, event->actor);
    if (!known)
        return type.at ? refuse_name(&s->agent_types, "metadata.actor.type", type, "agent_types", why)
                       : refuse_name(&s->agent_types, "actor", event->actor, "agent_types", why);
    return type.at && s->singletons.count && !slice_is(type, "user") ? check_singleton(s, event, why) : 0;
}

static int check_target(const struct spec *s, const struct event *event, struct reason *why)
{
    BYTES_AUTO text = {0};
    struct slice target;
    if (!s->target_types.declared || !event->metadata.size || !json_member(event->metadata, "target", &target))
        return 0;
    struct slice type = inner_text(event->metadata, "target", "type", &text);
    if (text.failed)
        return -ENOMEM;
    if (!type.at)
        return reason_set(why, -EINVAL, "metadata.target: must be {\"type\":…,\"id\":…}");
    return is_declared(&s->target_types, type)
               ? 0
               : refuse_name(&s->target_types, "metadata.target.type", type, "target_types", why);
}

// ---- events

static void list_event(struct bytes *out, struct slice event, bool allowed)
{
    if (!allowed || out->size > 120)
        return;
    bytes_add_text(out, out->size ? ", " : "");
    bytes_add_slice(out, event);
}

static int refuse_event(
    const struct noun *noun, const struct aggregate *aggregate, struct slice type, struct reason *why)
{
    BYTES_AUTO all = {0};
    if (noun) {
        list_event(&all, SLICE("Created"), !noun->no_create);
        list_event(&all, SLICE("Updated"), !noun->no_update);
        list_event(&all, SLICE("Deleted"), !noun->no_delete);
        for (uint32_t i = 0; i < noun->verb_count; i++)
            list_event(&all, noun->verbs[i].event, true);
    }
    for (uint32_t i = 0; aggregate && i < aggregate->event_count; i++)
        list_event(&all, aggregate->events[i].name, true);
    return reason_set(why, -EINVAL, "type: %.*s is not declared: of %.*s there are %.*s", SHOWN(type),
        SHOWN(noun ? noun->name : aggregate->name), (int)(all.size < 130 ? all.size : 130), all.size ? all.at : "");
}

// Is the event declared, and its data as its schema says?
static int check_type(const struct spec *s, const struct event *event, struct reason *why)
{
    static const struct where data = {.name = {"data", 4}};
    struct name_type type = name_stored_type(event->type);
    struct slice own = name_entity_noun(event->target);
    const struct noun *noun = spec_noun(s, own);
    const struct aggregate *aggregate = aggregate_of(s, own);
    if (!s->declares_types || (noun && noun_has_event(noun, &type)))
        return 0;
    if (!noun && !aggregate)
        return reason_set(why, -EINVAL, "type: nothing is declared of the type %.*s", SHOWN(own));
    const struct aggregate_event *declared = aggregate ? aggregate_event(aggregate, event->type) : NULL;
    if (!declared)
        return refuse_event(noun, aggregate, event->type, why);
    return declared->schema ? schema_check(declared->schema, event->data, &data, why) : 0;
}

int spec_check_event(const struct spec *s, const struct event *event, struct reason *why)
{
    if (!s)
        return 0;
    int error = check_type(s, event, why);
    if (!error)
        error = check_actor(s, event, why);
    if (!error)
        error = check_target(s, event, why);
    return error;
}

bool spec_verb_sets(const struct spec *s, const struct name_type *type, struct slice entity, struct slice fields,
    struct slice *field, struct slice *value)
{
    const struct noun *noun = type->style == NAME_PASCAL ? spec_noun(s, name_entity_noun(entity)) : NULL;
    const struct noun_verb *verb =
        noun && type->verb == NAME_OTHER ? noun_find_event(noun, name_type_verb(type)) : NULL;
    return verb && noun_verb_sets(noun, verb, fields, field, value);
}

int spec_check_state(const struct spec *s, struct slice entity, struct slice fields, struct reason *why)
{
    const struct noun *noun = spec_noun(s, name_entity_noun(entity));
    return noun ? noun_check(noun, fields, why) : 0;
}

// ---- the event of a spec

int spec_record(struct slice text, bool changes, struct bytes *data, struct reason *why)
{
    // As a pair, so that no arrow in the text is read as a change.
    bytes_add_text(data, changes ? "{\"" RECORDED "\":{\"after\":" : "{\"" RECORDED "\":");
    json_quote(data, text);
    bytes_add_text(data, changes ? "}}" : "}");
    if (data->failed)
        return -ENOMEM;
    if (data->size > RECORDED_BYTES)
        return reason_set(why, -EMSGSIZE, "the spec is too large: it is recorded as an event of at most 1 MiB");
    return 0;
}

bool spec_recorded(const struct event *event, struct bytes *text)
{
    struct slice value, after, noun = name_entity_noun(event->target);
    if (event->type.size != strlen("Spec.Updated") || strncasecmp(event->type.at, "Spec.Updated", event->type.size) ||
        noun.size != strlen("spec") || strncasecmp(noun.at, "spec", noun.size) ||
        !json_member(event->data, RECORDED, &value))
        return false;
    // The first of an entity's events is recorded plain.
    if (json_kind(value) == JSON_OBJECT && json_member(value, "after", &after))
        value = after;
    if (json_kind(value) != JSON_STRING)
        return false;
    json_decode(text, value);
    return true;
}

size_t spec_entity(struct slice tenant, char out[static NAME_ENTITY_MAX])
{
    memcpy(out, "spec_", 5);
    memcpy(out + 5, tenant.at, tenant.size);
    return 5 + tenant.size;
}
