#include "store/schema_form.h"

#include "store/fields.h"
#include "store/json.h"
#include "store/number.h"
#include "store/pattern.h"

#include <errno.h>
#include <stdlib.h>

#define SHOWN(s) (int)((s).size < 60 ? (s).size : 60), (s).at
// Values looked at, and comparisons with an enum, for one event.
#define STEPS_MAX 4000000u

static int find_property(const void *name, const void *property)
{
    return slice_compare(*(const struct slice *)name, ((const struct property *)property)->name);
}

struct check {
    uint32_t steps;
    struct reason *why;
};

static int check_value(struct check *c, const struct schema *s, struct slice value, const struct where *at);

static bool has_type(const struct schema *s, enum json_kind kind, struct slice value)
{
    static const enum type types[] = {
        [JSON_OBJECT] = TYPE_OBJECT,
        [JSON_ARRAY] = TYPE_ARRAY,
        [JSON_STRING] = TYPE_STRING,
        [JSON_NUMBER] = TYPE_NUMBER,
        [JSON_TRUE] = TYPE_BOOLEAN,
        [JSON_FALSE] = TYPE_BOOLEAN,
        [JSON_NULL] = TYPE_NULL,
    };
    return !s->types || (s->types >> types[kind] & 1) ||
           (kind == JSON_NUMBER && (s->types >> TYPE_INTEGER & 1) && number_is_whole(value));
}

static int refuse_type(struct check *c, const struct schema *s, struct slice value, const struct where *at)
{
    BYTES_AUTO all = {0};
    for (unsigned type = 0; type < TYPES; type++)
        if (s->types >> type & 1)
            bytes_printf(&all, "%s%s", all.size ? " or " : "", schema_type_names[type]);
    return where_refuse(c->why, at, "%.*s is no %.*s", SHOWN(value), SLICE_ARG(bytes_slice(&all)));
}

// Comparing two values costs about as many steps as the shorter one has bytes for a step of this size.
#define STEP_BYTES 64

static int spend(struct check *c, size_t bytes, const struct where *at)
{
    size_t steps = 1 + bytes / STEP_BYTES;
    if (steps > STEPS_MAX - c->steps) {
        where_refuse(c->why, at, "the schema takes too many steps for so much data");
        return -EMSGSIZE;
    }
    c->steps += (uint32_t)steps;
    return 0;
}

static int check_enum(struct check *c, const struct schema *s, struct slice value, const struct where *at)
{
    BYTES_AUTO all = {0};
    for (uint32_t i = 0; i < s->choice_count; i++) {
        struct slice choice = s->choices[i];
        int error = spend(c, value.size < choice.size ? value.size : choice.size, at);
        if (error || json_equal(choice, value))
            return error;
        if (all.size < 120) {
            bytes_add_text(&all, i ? ", " : "");
            bytes_add_slice(&all, choice);
        }
    }
    return where_refuse(c->why, at, "%.*s is none of %.*s", SHOWN(value), (int)(all.size < 130 ? all.size : 130),
        all.size ? all.at : "");
}

static int check_number(struct check *c, const struct schema *s, struct slice value, const struct where *at)
{
    if (s->minimum.at && number_compare(value, s->minimum) < 0)
        return where_refuse(c->why, at, "%.*s is less than %.*s", SHOWN(value), SHOWN(s->minimum));
    if (s->maximum.at && number_compare(value, s->maximum) > 0)
        return where_refuse(c->why, at, "%.*s is more than %.*s", SHOWN(value), SHOWN(s->maximum));
    if (s->above.at && number_compare(value, s->above) <= 0)
        return where_refuse(c->why, at, "%.*s is not more than %.*s", SHOWN(value), SHOWN(s->above));
    if (s->below.at && number_compare(value, s->below) >= 0)
        return where_refuse(c->why, at, "%.*s is not less than %.*s", SHOWN(value), SHOWN(s->below));
    return 0;
}

static int check_limits(
    struct check *c, const struct limits *limits, uint64_t count, const char *what, const struct where *at)
{
    if (count < limits->min)
        return where_refuse(c->why, at, "has %llu %s, fewer than %llu", (unsigned long long)count, what,
            (unsigned long long)limits->min);
    if (count > limits->max)
        return where_refuse(c->why, at, "has %llu %s, more than %llu", (unsigned long long)count, what,
            (unsigned long long)limits->max);
    return 0;
}

static uint64_t count_characters(struct slice text)
{
    uint64_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    return count;
}

static int check_string(struct check *c, const struct schema *s, struct slice value, const struct where *at)
{
    BYTES_AUTO decoded = {0};
    json_decode(&decoded, value);
    struct slice text = bytes_slice(&decoded);
    if (decoded.failed)
        return -ENOMEM;
    int error = check_limits(c, &s->length, count_characters(text), "characters", at);
    if (!error && s->format && !format_holds(s->format, text))
        error = where_refuse(c->why, at, "%.*s is no %s", SHOWN(value), format_name(s->format));
    // A character costs as much as the expression is long.
    if (!error && s->pattern)
        error = spend(c, text.size * STEP_BYTES, at);
    if (!error && s->pattern && pattern_matches(s->pattern, text, NULL) != 1)
        error = where_refuse(c->why, at, "%.*s does not match %.*s", SHOWN(value), SHOWN(s->pattern_text));
    return error;
}

static int check_array(struct check *c, const struct schema *s, struct slice value, const struct where *above)
{
    struct where at = {.above = above};
    struct json_cursor cursor = json_enter(value);
    int error = 0;
    for (struct slice element; !error && json_next_element(&cursor, &element); at.index++)
        if (s->items)
            error = check_value(c, s->items, element, &at);
    return error ? error : check_limits(c, &s->items_count, at.index, "items", above);
}

static int refuse_missing(struct check *c, const struct schema *s, struct slice object, const struct where *above)
{
    FIELDS_AUTO fields = {0};
    BYTES_AUTO key = {0};
    int error = fields_read(&fields, object);
    for (uint32_t i = 0; !error && i < s->property_count; i++) {
        struct where at = {.above = above, .name = s->properties[i].name};
        bytes_clear(&key);
        json_quote(&key, at.name);
        if (key.failed)
            return -ENOMEM;
        if (s->properties[i].required && !fields_find(&fields, bytes_slice(&key)))
            error = where_refuse(c->why, &at, "is missing");
    }
    return error;
}

static int check_member(struct check *c, const struct schema *s, struct slice key, struct slice value,
    const struct where *above, uint32_t *required)
{
    struct where at = {.above = above, .name = where_name(key)};
    BYTES_AUTO decoded = {0};
    struct slice name = at.name;
    if (memchr(name.at, '\\', name.size)) {
        json_decode(&decoded, key);
        name = bytes_slice(&decoded);
    }
    const struct property *p = bsearch(&name, s->properties, s->property_count, sizeof *p, find_property);
    *required += p && p->required;
    const struct schema *schema = p && p->schema ? p->schema : s->additional;
    if (decoded.failed)
        return -ENOMEM;
    if (schema && schema->nothing && schema == s->additional)
        return where_refuse(c->why, &at, "is not declared");
    return schema ? check_value(c, schema, value, &at) : 0;
}

static int check_object(struct check *c, const struct schema *s, struct slice value, const struct where *at)
{
    uint64_t count = 0;
    uint32_t required = 0;
    struct json_cursor cursor = json_enter(value);
    int error = 0;
    for (struct slice key, member; !error && json_next_member(&cursor, &key, &member); count++)
        error = check_member(c, s, key, member, at, &required);
    if (!error)
        error = check_limits(c, &s->members_count, count, "members", at);
    return error || required == s->required_count ? error : refuse_missing(c, s, value, at);
}

static int check_value(struct check *c, const struct schema *s, struct slice value, const struct where *at)
{
    enum json_kind kind = json_kind(value);
    int error = spend(c, 0, at);
    if (!error && s->nothing)
        error = where_refuse(c->why, at, "may not be there");
    if (!error && !has_type(s, kind, value))
        error = refuse_type(c, s, value, at);
    if (!error && s->choice_count)
        error = check_enum(c, s, value, at);
    if (!error && s->constant.at && !json_equal(s->constant, value))
        error = where_refuse(c->why, at, "%.*s is not %.*s", SHOWN(value), SHOWN(s->constant));
    if (error)
        return error;
    switch (kind) {
    case JSON_NUMBER:
        return check_number(c, s, value, at);
    case JSON_STRING:
        return s->pattern || s->format || s->length.min || s->length.max < UINT64_MAX ? check_string(c, s, value, at)
                                                                                      : 0;
    case JSON_ARRAY:
        return check_array(c, s, value, at);
    case JSON_OBJECT:
        return check_object(c, s, value, at);
    default:
        return 0;
    }
}

int schema_check(const struct schema *s, struct slice value, const struct where *at, struct reason *why)
{
    struct check c = {.why = why};
    return check_value(&c, s, value, at);
}
