#include "store/aggregate.h"

#include "store/json.h"
#include "store/name.h"

#include <errno.h>
#include <stdlib.h>

static bool is_note(struct slice key)
{
    return json_key_is(key, "description") || json_key_is(key, "title") || json_key_is(key, "$comment");
}

static bool is_empty(struct slice value)
{
    enum json_kind kind = json_kind(value);
    return (kind == JSON_ARRAY || kind == JSON_OBJECT) && !json_count(value);
}

static int read_part(struct aggregate_event *event, struct slice key, struct slice value, const struct where *above,
    struct schema_reader *reader, struct reason *why)
{
    struct where at = {.above = above, .name = where_name(key)};
    if (json_key_is(key, "schema"))
        return schema_read(&event->schema, value, &at, reader, why);
    if (json_key_is(key, "handler"))
        return tick_read(&event->tick, value, &at, reader->arena, why);
    if (json_key_is(key, "implications"))
        return is_empty(value)
                   ? 0
                   : where_refuse(why, &at, "are not carried out here: a handler in hooks/ does what follows");
    return is_note(key) ? 0 : where_refuse(why, &at, "is not known: an event has schema and handler");
}

static int read_event(struct aggregate_event *event, struct slice key, struct slice value, const struct where *above,
    struct schema_reader *reader, struct reason *why)
{
    struct where at = {.above = above, .name = where_name(key)};
    *event = (struct aggregate_event){0};
    int error = where_text(key, reader->arena, &event->name);
    if (error)
        return error;
    if (!name_is_snake(event->name) || event->name.size > NAME_TYPE_MAX)
        return where_refuse(why, &at, "an event's name is of the form was_placed");
    if (json_kind(value) != JSON_OBJECT)
        return where_refuse(why, &at, "must be an object with schema and handler");
    struct json_cursor c = json_enter(value);
    for (struct slice part, member; !error && json_next_member(&c, &part, &member);)
        error = read_part(event, part, member, &at, reader, why);
    return error;
}

static int compare_events(const void *a, const void *b)
{
    return slice_compare(((const struct aggregate_event *)a)->name, ((const struct aggregate_event *)b)->name);
}

static int find_event(const void *name, const void *event)
{
    return slice_compare(*(const struct slice *)name, ((const struct aggregate_event *)event)->name);
}

static int read_events(struct aggregate *aggregate, struct slice value, const struct where *at,
    struct schema_reader *reader, struct reason *why)
{
    if (json_kind(value) != JSON_OBJECT)
        return where_refuse(why, at, "must be an object of events");
    struct aggregate_event *events = arena_get(reader->arena, json_count(value) * sizeof *events);
    int error = events ? 0 : -ENOMEM;
    struct json_cursor c = json_enter(value);
    for (struct slice key, member; !error && json_next_member(&c, &key, &member);)
        error = read_event(&events[aggregate->event_count++], key, member, at, reader, why);
    if (error)
        return error;
    qsort(events, aggregate->event_count, sizeof *events, compare_events);
    aggregate->events = events;
    return 0;
}

int aggregate_read(struct aggregate *aggregate, struct slice key, struct slice value, const struct where *above,
    struct schema_reader *reader, struct reason *why)
{
    struct where at = {.above = above, .name = where_name(key)};
    *aggregate = (struct aggregate){0};
    int error = where_text(key, reader->arena, &aggregate->name);
    if (error)
        return error;
    if (!name_is_word(aggregate->name) || aggregate->name.size > NAME_ENTITY_MAX)
        return where_refuse(
            why, &at, "a type of entities has letters and digits alone: it ends at the first _ of an id");
    if (json_kind(value) != JSON_OBJECT)
        return where_refuse(why, &at, "must be an object with events");
    char *folded = arena_get(reader->arena, aggregate->name.size);
    if (!folded)
        return -ENOMEM;
    aggregate->folded = (struct slice){.at = folded, .size = name_fold_case(folded, aggregate->name)};
    struct json_cursor c = json_enter(value);
    for (struct slice name, member; !error && json_next_member(&c, &name, &member);) {
        struct where part = {.above = &at, .name = where_name(name)};
        if (json_key_is(name, "events"))
            error = read_events(aggregate, member, &part, reader, why);
        else if (!is_note(name))
            error = where_refuse(why, &part, "is not known: a type has events");
    }
    return error;
}

const struct aggregate_event *aggregate_event(const struct aggregate *aggregate, struct slice type)
{
    if (!aggregate->event_count)
        return NULL;
    return bsearch(&type, aggregate->events, aggregate->event_count, sizeof *aggregate->events, find_event);
}
