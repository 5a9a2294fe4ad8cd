#include "store/schema_form.h"

#include "store/json.h"
#include "store/number.h"
#include "store/pattern.h"

#include <errno.h>
#include <stdlib.h>

#define SHOWN(s) (int)((s).size < 60 ? (s).size : 60), (s).at

const char *const schema_type_names[TYPES] = {"null", "boolean", "object", "array", "number", "string", "integer"};

struct reading {
    struct schema *schema;
    struct schema_reader *reader;
    struct slice properties, required; // read when both are known
    struct reason *why;
};

static int read_type(struct reading *r, struct slice value, const struct where *at)
{
    if (json_kind(value) == JSON_STRING)
        for (unsigned type = 0; type < TYPES; type++)
            if (json_key_is(value, schema_type_names[type])) {
                r->schema->types |= 1u << type;
                return 0;
            }
    return where_refuse(r->why, at, "%.*s is no type (null boolean object array number string integer)", SHOWN(value));
}

static int read_types(struct reading *r, struct slice value, const struct where *above)
{
    if (json_kind(value) != JSON_ARRAY)
        return read_type(r, value, above);
    struct where at = {.above = above};
    struct json_cursor c = json_enter(value);
    int error = 0;
    for (struct slice element; !error && json_next_element(&c, &element); at.index++)
        error = read_type(r, element, &at);
    return error || at.index ? error : where_refuse(r->why, above, "names no type");
}

static int read_enum(struct reading *r, struct slice value, const struct where *at)
{
    if (json_kind(value) != JSON_ARRAY)
        return where_refuse(r->why, at, "must be an array");
    uint32_t count = (uint32_t)json_count(value);
    if (!count)
        return where_refuse(r->why, at, "has nothing to choose from");
    struct slice *choices = arena_get(r->reader->arena, count * sizeof *choices);
    if (!choices)
        return -ENOMEM;
    struct json_cursor c = json_enter(value);
    for (uint32_t i = 0; i < count; i++)
        json_next_element(&c, &choices[i]);
    r->schema->choices = choices;
    r->schema->choice_count = count;
    return 0;
}

static int read_constant(struct reading *r, struct slice value, const struct where *at)
{
    (void)at;
    r->schema->constant = value;
    return 0;
}

static int read_number(struct reading *r, struct slice value, const struct where *at, struct slice *number)
{
    if (json_kind(value) != JSON_NUMBER)
        return where_refuse(r->why, at, "%.*s is no number", SHOWN(value));
    *number = value;
    return 0;
}

static int read_minimum(struct reading *r, struct slice value, const struct where *at)
{
    return read_number(r, value, at, &r->schema->minimum);
}

static int read_maximum(struct reading *r, struct slice value, const struct where *at)
{
    return read_number(r, value, at, &r->schema->maximum);
}

static int read_above(struct reading *r, struct slice value, const struct where *at)
{
    return read_number(r, value, at, &r->schema->above);
}

static int read_below(struct reading *r, struct slice value, const struct where *at)
{
    return read_number(r, value, at, &r->schema->below);
}

static int read_count(struct reading *r, struct slice value, const struct where *at, uint64_t *count)
{
    if (json_kind(value) != JSON_NUMBER || !number_count(value, count))
        return where_refuse(r->why, at, "%.*s is no count", SHOWN(value));
    return 0;
}

static int read_min_length(struct reading *r, struct slice value, const struct where *at)
{
    return read_count(r, value, at, &r->schema->length.min);
}

static int read_max_length(struct reading *r, struct slice value, const struct where *at)
{
    return read_count(r, value, at, &r->schema->length.max);
}

static int read_min_items(struct reading *r, struct slice value, const struct where *at)
{
    return read_count(r, value, at, &r->schema->items_count.min);
}

static int read_max_items(struct reading *r, struct slice value, const struct where *at)
{
    return read_count(r, value, at, &r->schema->items_count.max);
}

static int read_min_properties(struct reading *r, struct slice value, const struct where *at)
{
    return read_count(r, value, at, &r->schema->members_count.min);
}

static int read_max_properties(struct reading *r, struct slice value, const struct where *at)
{
    return read_count(r, value, at, &r->schema->members_count.max);
}

// ---- patterns

// What \d, \w and \s stand for, within brackets.
static const char *shorthand(char letter)
{
    switch (letter) {
    case 'd':
        return "0-9";
    case 'w':
        return "A-Za-z0-9_";
    case 's':
        return "[:space:]";
    default:
        return NULL;
    }
}

// Puts a POSIX expression for the one that JSON Schema has.
static int translate(struct slice text, struct bytes *out, const struct where *at, struct reason *why)
{
    bool inside = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i], next = i + 1 < text.size ? text.at[i + 1] : '\0';
        char letter = next >= 'A' && next <= 'Z' ? (char)(next - 'A' + 'a') : next;
        const char *set = c == '\\' ? shorthand(letter) : NULL;
        if (c == '\\' && inside && (!set || letter != next))
            return where_refuse(why, at, "within brackets \\ stands before d, w and s alone");
        if (set && !inside)
            bytes_add_text(out, letter == next ? "[" : "[^");
        if (set) {
            bytes_add_text(out, set);
            bytes_add_text(out, inside ? "" : "]");
            i++;
        } else if (c == '\\') {
            bytes_add(out, text.at + i, next ? 2 : 1);
            i++;
        } else if (c == '(' && text.size - i > 2 && !inside && !memcmp(text.at + i, "(?:", 3)) {
            bytes_add_char(out, '(');
            i += 2;
        } else {
            bytes_add_char(out, c);
            if (c == '[' && !inside) {
                inside = true;
                // A bracket that closes may be the first of what it holds.
                for (i++; i < text.size && (text.at[i] == '^' || text.at[i] == ']'); i++)
                    bytes_add_char(out, text.at[i]);
                i--;
            } else if (c == '[' && next == ':') {
                const char *end = memmem(text.at + i, text.size - i, ":]", 2);
                size_t size = end ? (size_t)(end - text.at) + 2 - i : 1;
                bytes_add(out, text.at + i + 1, size - 1);
                i += size - 1;
            } else if (c == ']') {
                inside = false;
            }
        }
    }
    return out->failed ? -ENOMEM : 0;
}

static int keep_pattern(struct schema_reader *reader, struct pattern *pattern)
{
    if (reader->pattern_count == reader->pattern_room) {
        uint32_t room = reader->pattern_room ? reader->pattern_room * 2 : 8;
        struct pattern **patterns = reallocarray(reader->patterns, room, sizeof(struct pattern *));
        if (!patterns)
            return -ENOMEM;
        reader->patterns = patterns;
        reader->pattern_room = room;
    }
    reader->patterns[reader->pattern_count++] = pattern;
    return 0;
}

static int read_pattern(struct reading *r, struct slice value, const struct where *at)
{
    BYTES_AUTO posix = {0};
    struct reason wrong = {0};
    if (json_kind(value) != JSON_STRING)
        return where_refuse(r->why, at, "must be a string");
    if (r->reader->pattern_count == SCHEMA_PATTERNS_MAX)
        return where_refuse(r->why, at, "is one pattern too many: a spec has at most %u", SCHEMA_PATTERNS_MAX);
    int error = where_text(value, r->reader->arena, &r->schema->pattern_text);
    if (!error)
        error = translate(r->schema->pattern_text, &posix, at, r->why);
    if (!error)
        error = pattern_compile(&r->schema->pattern, bytes_slice(&posix), &wrong);
    if (error == -EINVAL && wrong.text[0])
        return where_refuse(r->why, at, "%s", wrong.text);
    if (error)
        return error;
    error = keep_pattern(r->reader, r->schema->pattern);
    if (error)
        pattern_free(r->schema->pattern);
    return error;
}

void schema_free_patterns(struct schema_reader *reader)
{
    for (uint32_t i = 0; i < reader->pattern_count; i++)
        pattern_free(reader->patterns[i]);
    free(reader->patterns);
    *reader = (struct schema_reader){.arena = reader->arena};
}

static int read_format(struct reading *r, struct slice value, const struct where *at)
{
    struct slice name = {0};
    int error = json_kind(value) == JSON_STRING ? where_text(value, r->reader->arena, &name) : 0;
    if (error)
        return error;
    r->schema->format = name.at ? format_of(name) : FORMAT_NONE;
    return r->schema->format
               ? 0
               : where_refuse(r->why, at, "%.*s is not known (date-time date email uri uuid)", SHOWN(value));
}

// ---- objects and arrays

static int read_properties(struct reading *r, struct slice value, const struct where *at)
{
    r->properties = value;
    return json_kind(value) == JSON_OBJECT ? 0 : where_refuse(r->why, at, "must be an object of schemas");
}

static int read_required(struct reading *r, struct slice value, const struct where *at)
{
    r->required = value;
    return json_kind(value) == JSON_ARRAY ? 0 : where_refuse(r->why, at, "must be an array of names");
}

static int read_additional(struct reading *r, struct slice value, const struct where *at)
{
    return schema_read(&r->schema->additional, value, at, r->reader, r->why);
}

static int read_items(struct reading *r, struct slice value, const struct where *at)
{
    return schema_read(&r->schema->items, value, at, r->reader, r->why);
}

static int compare_properties(const void *a, const void *b)
{
    return slice_compare(((const struct property *)a)->name, ((const struct property *)b)->name);
}

static int add_properties(struct reading *r, struct property *all, const struct where *above)
{
    struct where group = {.above = above, .name = SLICE("properties")};
    struct json_cursor c = json_enter(r->properties);
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        struct where at = {.above = &group, .name = where_name(key)};
        struct property *p = &all[r->schema->property_count++];
        *p = (struct property){0};
        int error = where_text(key, r->reader->arena, &p->name);
        if (!error)
            error = schema_read(&p->schema, value, &at, r->reader, r->why);
        if (error)
            return error;
    }
    return 0;
}

static int add_required(struct reading *r, struct property *all, const struct where *above)
{
    struct where group = {.above = above, .name = SLICE("required")};
    struct where at = {.above = &group};
    struct json_cursor c = json_enter(r->required);
    for (struct slice value; json_next_element(&c, &value); at.index++) {
        if (json_kind(value) != JSON_STRING)
            return where_refuse(r->why, &at, "must be a name");
        struct property *p = &all[r->schema->property_count++];
        *p = (struct property){.required = true};
        int error = where_text(value, r->reader->arena, &p->name);
        if (error)
            return error;
    }
    return 0;
}

// What `properties` and `required` say of the same name belongs together.
static void join_properties(struct schema *s, struct property *all)
{
    uint32_t count = 0;
    qsort(all, s->property_count, sizeof *all, compare_properties);
    for (uint32_t i = 0; i < s->property_count; i++) {
        struct property *last = count ? &all[count - 1] : NULL;
        if (last && slice_equal(last->name, all[i].name)) {
            last->required |= all[i].required;
            last->schema = last->schema ? last->schema : all[i].schema;
        } else {
            all[count++] = all[i];
        }
    }
    s->properties = all;
    s->property_count = count;
    for (uint32_t i = 0; i < count; i++)
        s->required_count += all[i].required;
}

static int end_properties(struct reading *r, const struct where *at)
{
    size_t count = r->properties.at ? json_count(r->properties) : 0;
    count += r->required.at ? json_count(r->required) : 0;
    struct property *all = arena_get(r->reader->arena, count * sizeof *all);
    int error = all ? 0 : -ENOMEM;
    if (!error && r->properties.at)
        error = add_properties(r, all, at);
    if (!error && r->required.at)
        error = add_required(r, all, at);
    if (!error)
        join_properties(r->schema, all);
    return error;
}

static int read_nothing(struct reading *r, struct slice value, const struct where *at)
{
    (void)r, (void)value, (void)at;
    return 0;
}

static const struct {
    const char *name;
    int (*read)(struct reading *r, struct slice value, const struct where *at);
} keywords[] = {
    {"type", read_types},
    {"enum", read_enum},
    {"const", read_constant},
    {"properties", read_properties},
    {"required", read_required},
    {"additionalProperties", read_additional},
    {"minProperties", read_min_properties},
    {"maxProperties", read_max_properties},
    {"items", read_items},
    {"minItems", read_min_items},
    {"maxItems", read_max_items},
    {"minimum", read_minimum},
    {"maximum", read_maximum},
    {"exclusiveMinimum", read_above},
    {"exclusiveMaximum", read_below},
    {"minLength", read_min_length},
    {"maxLength", read_max_length},
    {"pattern", read_pattern},
    {"format", read_format},
    {"title", read_nothing},
    {"description", read_nothing},
    {"default", read_nothing},
    {"examples", read_nothing},
    {"deprecated", read_nothing},
    {"readOnly", read_nothing},
    {"writeOnly", read_nothing},
    {"$schema", read_nothing},
    {"$id", read_nothing},
    {"$comment", read_nothing},
};

static int read_keyword(struct reading *r, struct slice key, struct slice value, const struct where *above)
{
    struct where at = {.above = above, .name = where_name(key)};
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (json_key_is(key, keywords[i].name))
            return keywords[i].read(r, value, &at);
    if (at.name.size > 2 && !memcmp(at.name.at, "x-", 2))
        return 0;
    return where_refuse(r->why, &at, "this keyword of JSON Schema is not known, and would change what is valid");
}

int schema_read(const struct schema **schema, struct slice value, const struct where *at, struct schema_reader *reader,
    struct reason *why)
{
    struct schema *s = arena_get(reader->arena, sizeof *s);
    if (!s)
        return -ENOMEM;
    static const struct limits any = {.max = UINT64_MAX};
    *s = (struct schema){.length = any, .items_count = any, .members_count = any};
    struct reading r = {.schema = s, .reader = reader, .why = why};
    enum json_kind kind = json_kind(value);
    *schema = s;
    s->nothing = kind == JSON_FALSE;
    if (kind == JSON_TRUE || kind == JSON_FALSE)
        return 0;
    if (kind != JSON_OBJECT)
        return where_refuse(why, at, "a schema is an object, true or false");
    int error = 0;
    struct json_cursor c = json_enter(value);
    for (struct slice key, member; !error && json_next_member(&c, &key, &member);)
        error = read_keyword(&r, key, member, at);
    return error ? error : end_properties(&r, at);
}
