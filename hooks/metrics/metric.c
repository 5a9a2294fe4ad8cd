#include "hooks/metrics/metric.h"

#include "hooks/document.h"
#include "store/json.h"
#include "store/name.h"

#include <errno.h>

static const char *const aggregates[] = {
    [METRIC_COUNT] = "count",
    [METRIC_SUM] = "sum",
    [METRIC_AVG] = "avg",
    [METRIC_MIN] = "min",
    [METRIC_MAX] = "max",
};

// What stands in the text, before it is known whether it fits together.
struct reading {
    struct metric_definition *d;
    struct slice aggregate, type, field, filter, window, expression; // the values, or .at NULL
    struct reason *why;
};

// ---- members

static int read_text(struct reading *r, struct slice value, const char *member, struct slice *text)
{
    return document_text(value, member, &r->d->arena, text, r->why);
}

static int read_patterns(struct reading *r, struct slice value)
{
    struct slice text, one;
    if (json_kind(value) == JSON_STRING) {
        int error = read_text(r, value, "events", &text);
        return error ? error : event_patterns_add(&r->d->patterns, text, &r->d->arena, r->why);
    }
    if (json_kind(value) != JSON_ARRAY || !json_count(value))
        return reason_set(r->why, -EINVAL, "events must be a pattern or an array of patterns");
    int error = 0;
    struct json_cursor c = json_enter(value);
    while (!error && json_next_element(&c, &one)) {
        error = read_text(r, one, "each of events", &text);
        if (!error)
            error = event_patterns_add(&r->d->patterns, text, &r->d->arena, r->why);
    }
    return error;
}

static int read_member(struct reading *r, struct slice key, struct slice value)
{
    struct metric_definition *d = r->d;
    const struct {
        const char *name;
        struct slice *to;
    } kept[] = {{"aggregate", &r->aggregate}, {"type", &r->type}, {"field", &r->field}, {"filter", &r->filter},
        {"window", &r->window}, {"expression", &r->expression}};
    for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++)
        if (json_key_is(key, kept[i].name))
            return *kept[i].to = value, 0;
    static const char *const for_people[] = {"name", "description", "label", "unit"};
    for (unsigned i = 0; i < sizeof for_people / sizeof *for_people; i++)
        if (json_key_is(key, for_people[i]))
            return json_kind(value) == JSON_STRING ? 0
                                                   : reason_set(r->why, -EINVAL, "%s must be a string", for_people[i]);
    if (json_key_is(key, "events"))
        return read_patterns(r, value);
    if (json_key_is(key, "interval"))
        return document_span(value, "interval", &d->interval_us, r->why);
    return document_unknown(key, r->why);
}

// ---- what they say together

static int read_aggregate(struct reading *r)
{
    BYTES_AUTO text = {0};
    json_decode(&text, r->aggregate);
    if (text.failed)
        return -ENOMEM;
    for (unsigned i = 0; i < sizeof aggregates / sizeof *aggregates; i++)
        if (json_kind(r->aggregate) == JSON_STRING && slice_is(bytes_slice(&text), aggregates[i])) {
            r->d->aggregate = (enum metric_aggregate)i;
            return 0;
        }
    return reason_set(r->why, -EINVAL, "aggregate must be \"count\", \"sum\", \"avg\", \"min\" or \"max\"");
}

static int read_type(struct reading *r)
{
    struct slice written;
    int error = read_text(r, r->type, "type", &written);
    if (error)
        return error;
    if (!name_is_word(written) || written.size > NAME_TYPE_MAX)
        return reason_set(r->why, -EINVAL, "type must be a noun such as \"Deal\"");
    char *folded = arena_get(&r->d->arena, written.size);
    if (!folded)
        return -ENOMEM;
    r->d->type = (struct slice){.at = folded, .size = name_fold_case(folded, written)};
    return 0;
}

static int read_field(struct reading *r)
{
    struct slice path;
    static const struct where at = {.name = {.at = "field", .size = 5}};
    int error = read_text(r, r->field, "field", &path);
    BYTES_AUTO key = {0};
    if (!error)
        error = steps_read(&r->d->field, path, &at, &r->d->arena, r->why);
    if (error)
        return error;
    json_quote(&key, slice_of(r->d->field.names[0]));
    r->d->field_key = arena_copy(&r->d->arena, bytes_slice(&key));
    return key.failed || !r->d->field_key.at ? -ENOMEM : 0;
}

static int read_expression(struct reading *r)
{
    if (r->aggregate.at || r->type.at || r->field.at || r->filter.at || r->window.at ||
        !event_patterns_none(&r->d->patterns))
        return reason_set(r->why, -EINVAL, "an expression stands alone: aggregate and what belongs to it must go");
    struct slice text;
    struct reason wrong = {0};
    r->d->source = METRIC_EXPRESSION;
    int error = read_text(r, r->expression, "expression", &text);
    if (!error)
        error = expression_read(&r->d->expression, text, &r->d->arena, &wrong);
    return error == -EINVAL && wrong.text[0] ? reason_set(r->why, error, "expression: %s", wrong.text) : error;
}

// Does the text name a member such as $version?
static bool names_meta(struct slice text)
{
    return text.at && memchr(text.at, '$', text.size) &&
           (memmem(text.at, text.size, "$id", 3) || memmem(text.at, text.size, "$type", 5) ||
               memmem(text.at, text.size, "$version", 8) || memmem(text.at, text.size, "$created", 8) ||
               memmem(text.at, text.size, "$updated", 8));
}

static int read_source(struct reading *r)
{
    struct metric_definition *d = r->d;
    bool over_events = !event_patterns_none(&d->patterns);
    if (!r->aggregate.at)
        return reason_set(r->why, -EINVAL, "aggregate or expression is missing: what the number is");
    if (over_events == (r->type.at != NULL))
        return reason_set(r->why, -EINVAL, "exactly one of type (of entities) and events must be there");
    if (r->window.at && !over_events)
        return reason_set(r->why, -EINVAL, "window is of events: the entities of a type have none");
    d->source = over_events ? METRIC_EVENTS : METRIC_STATES;
    d->looks_at_meta = names_meta(r->field) || names_meta(r->filter);
    int error = read_aggregate(r);
    if (!error && r->type.at)
        error = read_type(r);
    if (!error && r->field.at)
        error = read_field(r);
    if (!error && d->aggregate != METRIC_COUNT && !d->field.count)
        error = reason_set(r->why, -EINVAL, "field is missing: which number is meant");
    if (!error && r->window.at)
        error = document_span(r->window, "window", &d->window_us, r->why);
    if (!error && r->filter.at)
        error = event_filter_read(&d->filter, r->filter, &d->arena, r->why);
    if (!error)
        error = event_filter_open(&d->filter, &d->match);
    if (!error)
        error = quick_filter_read(&d->quick, &d->filter, &d->arena);
    return error;
}

int metric_read(struct metric_definition *d, struct slice text, struct reason *why)
{
    *d = (struct metric_definition){.interval_us = METRIC_INTERVAL_US};
    struct reading r = {.d = d, .why = why};
    int error = document_check(text, why);
    if (error)
        return error;
    struct json_cursor c = json_enter(text);
    for (struct slice key, value; !error && json_next_member(&c, &key, &value);)
        error = read_member(&r, key, value);
    if (!error)
        error = r.expression.at ? read_expression(&r) : read_source(&r);
    if (error)
        metric_free(d);
    return error;
}

void metric_free(struct metric_definition *d)
{
    event_patterns_free(&d->patterns);
    match_close(d->match);
    event_filter_free(&d->filter);
    arena_free(&d->arena);
    *d = (struct metric_definition){0};
}
