#include "store/noun.h"

#include "store/fields.h"
#include "store/format.h"
#include "store/json.h"
#include "store/when.h"

#include <errno.h>

#define SHOWN(s) (int)((s).size < 60 ? (s).size : 60), (s).at

static const char *const kind_names[NOUN_KINDS] = {
    [NOUN_STRING] = "string",
    [NOUN_NUMBER] = "number",
    [NOUN_BOOLEAN] = "boolean",
    [NOUN_DATETIME] = "datetime",
    [NOUN_DATE] = "date",
    [NOUN_JSON] = "json",
    [NOUN_URL] = "url",
    [NOUN_EMAIL] = "email",
    [NOUN_ID] = "id",
};

// ---- reading a declaration

static struct slice trimmed(struct slice s)
{
    while (s.size && s.at[0] == ' ') {
        s.at++;
        s.size--;
    }
    while (s.size && s.at[s.size - 1] == ' ')
        s.size--;
    return s;
}

// Takes a text off the end, and the spaces before it.
static bool take_end(struct slice *s, const char *end)
{
    size_t size = strlen(end);
    if (s->size < size || memcmp(s->at + s->size - size, end, size) != 0)
        return false;
    s->size -= size;
    *s = trimmed(*s);
    return true;
}

// ! ? # ## in any order.
static void take_modifiers(struct slice *s, struct noun_field *field)
{
    for (;;) {
        if (take_end(s, "!"))
            field->required = true;
        else if (!take_end(s, "?") && !take_end(s, "#"))
            return;
    }
}

static int read_enum(
    struct noun_field *field, struct slice text, const struct where *at, struct arena *arena, struct reason *why)
{
    uint32_t count = 1;
    for (size_t i = 0; i < text.size; i++)
        count += text.at[i] == '|';
    if (count > NOUN_VALUES_MAX)
        return where_refuse(why, at, "%u values are too many: at most %u", count, NOUN_VALUES_MAX);
    struct slice *values = arena_get(arena, count * sizeof *values);
    if (!values)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++) {
        const char *bar = memchr(text.at, '|', text.size);
        size_t size = bar ? (size_t)(bar - text.at) : text.size;
        values[i] = trimmed((struct slice){.at = text.at, .size = size});
        if (!values[i].size)
            return where_refuse(why, at, "there is nothing between two | of it");
        for (uint32_t j = 0; j < i; j++)
            if (slice_equal(values[i], values[j]))
                return where_refuse(why, at, "%.*s stands in it twice", SHOWN(values[i]));
        text.at += size + (bar != NULL);
        text.size -= size + (bar != NULL);
    }
    field->kind = NOUN_ENUM;
    field->values = values;
    field->value_count = count;
    return 0;
}

// `-> Company`, `-> Company.contacts`, `<- Deal.contact`.
static int read_reference(struct noun_field *field, struct slice text, const struct where *at, struct reason *why)
{
    struct slice target = trimmed((struct slice){.at = text.at + 2, .size = text.size - 2});
    const char *dot = target.size ? memchr(target.at, '.', target.size) : NULL;
    struct slice side = {0};
    if (dot) {
        side = (struct slice){.at = dot + 1, .size = (size_t)(target.at + target.size - dot) - 1};
        target.size = (size_t)(dot - target.at);
    }
    if (!name_is_word(target) || (dot && !name_is_word(side)))
        return where_refuse(
            why, at, "\"%.*s\" is no reference such as \"-> Contact\" or \"-> Company.contacts\"", SHOWN(text));
    field->kind = NOUN_REFERENCE;
    field->target = target;
    return 0;
}

static int read_base(struct noun_field *field, struct slice text, const struct where *at, struct reason *why)
{
    for (unsigned kind = 0; kind < NOUN_KINDS; kind++)
        if (kind_names[kind] && slice_is(text, kind_names[kind])) {
            field->kind = (enum noun_kind)kind;
            return 0;
        }
    return where_refuse(why, at,
        "\"%.*s\" is no type (string number boolean datetime date json url email id), no choice (\"Lead | "
        "Qualified\"), no reference (\"-> Contact\") and no event (\"Qualified\")",
        SHOWN(text));
}

static int read_field(
    struct noun_field *field, struct slice text, const struct where *at, struct arena *arena, struct reason *why)
{
    struct slice whole = text;
    take_modifiers(&text, field);
    field->list = take_end(&text, "[]");
    // `string![]` says the same.
    take_modifiers(&text, field);
    if (text.size >= 2 && (!memcmp(text.at, "->", 2) || !memcmp(text.at, "<-", 2)))
        return read_reference(field, text, at, why);
    if (text.size && memchr(text.at, '|', text.size))
        return read_enum(field, text, at, arena, why);
    return read_base(field, text.size ? text : whole, at, why);
}

// A single word with a capital: an event.
static bool is_event(struct slice text)
{
    return name_is_word(text) && text.at[0] >= 'A' && text.at[0] <= 'Z';
}

static int read_off(struct noun *noun, struct slice name, const struct where *at, struct reason *why)
{
    if (slice_is(name, "create"))
        noun->no_create = true;
    else if (slice_is(name, "update"))
        noun->no_update = true;
    else if (slice_is(name, "delete"))
        noun->no_delete = true;
    else
        return where_refuse(why, at, "null switches off create, update or delete; nothing else can be");
    return 0;
}

static int read_verb(struct noun_verb *verb, const struct noun *noun, struct slice name, struct slice event,
    const struct where *at, struct reason *why)
{
    // A longer one could not be found again.
    if (!name_is_word(name) || name.size > NAME_TYPE_MAX)
        return where_refuse(why, at, "a verb is one word of at most %d bytes", NAME_TYPE_MAX);
    if (noun->name.size + 1 + event.size > NAME_TYPE_MAX)
        return where_refuse(why, at, "the type %.*s.%.*s is too long", SHOWN(noun->name), SHOWN(event));
    *verb = (struct noun_verb){.action = name, .event = event};
    return 0;
}

static int read_member(struct noun *noun, struct noun_field *fields, struct noun_verb *verbs, struct slice key,
    struct slice value, const struct where *above, struct arena *arena, struct reason *why)
{
    struct where at = {.above = above, .name = where_name(key)};
    struct slice name, text;
    enum json_kind kind = json_kind(value);
    int error = where_text(key, arena, &name);
    if (error)
        return error;
    if (!name.size || name.at[0] == '$')
        return where_refuse(why, &at, "a field has a name, which does not begin with $");
    if (kind == JSON_NULL)
        return read_off(noun, name, &at, why);
    if (kind != JSON_STRING)
        return where_refuse(why, &at,
            "a field is declared by a text such as \"string!\", \"Lead | Qualified\", "
            "\"-> Contact\", or null");
    error = where_text(value, arena, &text);
    if (error)
        return error;
    text = trimmed(text);
    if (is_event(text)) {
        error = read_verb(&verbs[noun->verb_count], noun, name, text, &at, why);
        noun->verb_count += !error;
        return error;
    }
    struct noun_field *field = &fields[noun->field_count];
    *field = (struct noun_field){.name = name};
    error = read_field(field, text, &at, arena, why);
    noun->field_count += !error;
    return error;
}

int noun_read(struct noun *noun, struct slice key, struct slice value, const struct where *above, struct arena *arena,
    struct reason *why)
{
    struct where at = {.above = above, .name = where_name(key)};
    *noun = (struct noun){0};
    int error = where_text(key, arena, &noun->name);
    if (error)
        return error;
    if (!is_event(noun->name) || noun->name.size > NAME_TYPE_MAX / 2)
        return where_refuse(why, &at, "a noun is one word with a capital, such as Contact");
    if (json_kind(value) != JSON_OBJECT)
        return where_refuse(why, &at, "a noun is an object of fields and verbs");
    size_t count = json_count(value);
    char *folded = arena_get(arena, noun->name.size);
    struct noun_field *fields = arena_get(arena, count * sizeof *fields);
    struct noun_verb *verbs = arena_get(arena, count * sizeof *verbs);
    if (!folded || !fields || !verbs)
        return -ENOMEM;
    noun->folded = (struct slice){.at = folded, .size = name_fold_case(folded, noun->name)};
    noun->fields = fields;
    noun->verbs = verbs;
    struct json_cursor c = json_enter(value);
    for (struct slice name, member; !error && json_next_member(&c, &name, &member);)
        error = read_member(noun, fields, verbs, name, member, &at, arena, why);
    return error;
}

// ---- verbs

static bool same_verb(struct slice a, struct slice b)
{
    char x[NAME_TYPE_MAX + 1], y[NAME_TYPE_MAX + 1];
    if (a.size > NAME_TYPE_MAX || b.size > NAME_TYPE_MAX)
        return false;
    size_t size = name_fold_verb(x, a);
    return size == name_fold_verb(y, b) && !memcmp(x, y, size);
}

const struct noun_verb *noun_find_event(const struct noun *noun, struct slice verb)
{
    for (uint32_t i = 0; i < noun->verb_count; i++)
        if (same_verb(noun->verbs[i].event, verb))
            return &noun->verbs[i];
    return NULL;
}

const struct noun_verb *noun_find_action(const struct noun *noun, struct slice action)
{
    for (uint32_t i = 0; i < noun->verb_count; i++)
        if (same_verb(noun->verbs[i].action, action))
            return &noun->verbs[i];
    return NULL;
}

bool noun_has_event(const struct noun *noun, const struct name_type *type)
{
    if (type->style != NAME_PASCAL)
        return false;
    switch (type->verb) {
    case NAME_CREATED:
        return !noun->no_create;
    case NAME_UPDATED:
        return !noun->no_update;
    case NAME_DELETED:
        return !noun->no_delete;
    case NAME_ROLLED_BACK:
    case NAME_OTHER:
        break;
    }
    return noun_find_event(noun, name_type_verb(type)) != NULL;
}

static const struct noun_field *find_field(const struct noun *noun, struct slice name)
{
    for (uint32_t i = 0; i < noun->field_count; i++)
        if (slice_equal(noun->fields[i].name, name))
            return &noun->fields[i];
    return NULL;
}

// A text that a verb may set: not one that the field cannot hold.
static bool takes_text(const struct noun_field *field)
{
    return !field || (!field->list && (field->kind == NOUN_STRING || field->kind == NOUN_JSON));
}

bool noun_verb_sets(const struct noun *noun, const struct noun_verb *verb, struct slice fields, struct slice *field,
    struct slice *value)
{
    static const char *const usual[] = {"stage", "status", "state"};
    for (uint32_t i = 0; i < noun->field_count; i++) {
        const struct noun_field *f = &noun->fields[i];
        for (uint32_t j = 0; f->kind == NOUN_ENUM && !f->list && j < f->value_count; j++)
            if (same_verb(f->values[j], verb->event)) {
                *field = f->name;
                *value = f->values[j];
                return true;
            }
    }
    *value = verb->event;
    struct slice found;
    for (size_t i = 0; fields.at && i < sizeof usual / sizeof *usual; i++)
        if (json_member(fields, usual[i], &found) && takes_text(find_field(noun, slice_of(usual[i])))) {
            *field = slice_of(usual[i]);
            return true;
        }
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        const struct noun_field *f = find_field(noun, slice_of(usual[i]));
        if (f && takes_text(f)) {
            *field = f->name;
            return true;
        }
    }
    return false;
}

// ---- checking a state

static bool is_moment(struct slice text)
{
    int64_t at_us;
    return text.size > 10 && when_parse_moment(text, &at_us) == 0;
}

static bool is_id(struct slice text)
{
    return name_is_imported_id(text) || name_is_entity(text);
}

static int check_choice(const struct noun_field *field, struct slice text, const struct where *at, struct reason *why)
{
    BYTES_AUTO all = {0};
    for (uint32_t i = 0; i < field->value_count; i++) {
        if (slice_equal(field->values[i], text))
            return 0;
        if (all.size < 120) {
            bytes_add_text(&all, i ? ", " : "");
            bytes_add_slice(&all, field->values[i]);
        }
    }
    return where_refuse(
        why, at, "\"%.*s\" is none of %.*s%s", SHOWN(text), SLICE_ARG(bytes_slice(&all)), all.size < 120 ? "" : " …");
}

static int check_reference(
    const struct noun_field *field, struct slice text, const struct where *at, struct reason *why)
{
    struct slice noun = name_entity_noun(text);
    bool fits =
        name_is_entity(text) && noun.size == field->target.size && !strncasecmp(noun.at, field->target.at, noun.size);
    return fits ? 0 : where_refuse(why, at, "\"%.*s\" is no id of a %.*s", SHOWN(text), SHOWN(field->target));
}

static int check_text(const struct noun_field *field, struct slice text, const struct where *at, struct reason *why)
{
    bool holds = true;
    switch (field->kind) {
    case NOUN_ENUM:
        return check_choice(field, text, at, why);
    case NOUN_REFERENCE:
        return check_reference(field, text, at, why);
    case NOUN_DATETIME:
        holds = is_moment(text);
        break;
    case NOUN_DATE:
        holds = format_holds(FORMAT_DATE, text);
        break;
    case NOUN_URL:
        holds = format_holds(FORMAT_URI, text);
        break;
    case NOUN_EMAIL:
        holds = format_holds(FORMAT_EMAIL, text);
        break;
    case NOUN_ID:
        holds = is_id(text);
        break;
    default:
        break;
    }
    return holds ? 0 : where_refuse(why, at, "\"%.*s\" is no %s", SHOWN(text), kind_names[field->kind]);
}

static int check_value(const struct noun_field *field, struct slice value, const struct where *at, struct reason *why)
{
    enum json_kind kind = json_kind(value);
    if (field->kind == NOUN_JSON)
        return 0;
    if (field->kind == NOUN_NUMBER)
        return kind == JSON_NUMBER ? 0 : where_refuse(why, at, "%.*s is no number", SHOWN(value));
    if (field->kind == NOUN_BOOLEAN)
        return kind == JSON_TRUE || kind == JSON_FALSE ? 0 : where_refuse(why, at, "%.*s is no boolean", SHOWN(value));
    if (kind != JSON_STRING)
        return where_refuse(why, at, "%.*s is no string", SHOWN(value));
    BYTES_AUTO decoded = {0};
    json_decode(&decoded, value);
    return decoded.failed ? -ENOMEM : check_text(field, bytes_slice(&decoded), at, why);
}

static int check_list(const struct noun_field *field, struct slice value, const struct where *above, struct reason *why)
{
    if (json_kind(value) != JSON_ARRAY)
        return where_refuse(why, above, "%.*s is no array", SHOWN(value));
    struct where at = {.above = above};
    struct json_cursor c = json_enter(value);
    int error = 0;
    for (struct slice element; !error && json_next_element(&c, &element); at.index++)
        error = check_value(field, element, &at, why);
    return error;
}

static int check_field(const struct noun_field *field, struct slice value, const struct where *at, struct reason *why)
{
    bool nothing = !value.at || json_kind(value) == JSON_NULL;
    if (nothing)
        return field->required ? where_refuse(why, at, "is missing") : 0;
    return field->list ? check_list(field, value, at, why) : check_value(field, value, at, why);
}

int noun_check(const struct noun *noun, struct slice object, struct reason *why)
{
    static const struct where root = {.name = {"data", 4}};
    FIELDS_AUTO fields = {0};
    BYTES_AUTO key = {0};
    int error = fields_read(&fields, object);
    for (uint32_t i = 0; !error && i < noun->field_count; i++) {
        struct where at = {.above = &root, .name = noun->fields[i].name};
        bytes_clear(&key);
        json_quote(&key, at.name);
        if (key.failed)
            return -ENOMEM;
        const struct field *found = fields_find(&fields, bytes_slice(&key));
        error = check_field(&noun->fields[i], found ? found->value : (struct slice){0}, &at, why);
    }
    return error;
}
