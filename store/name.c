#include "store/name.h"

#include <errno.h>

#define TENANT_MAX      63
#define GIVEN_ID_MAX    64 // behind evt_
#define IMPORTED_ID_MAX 128
#define VERSION_DIGITS  8

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_letter(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
    return is_letter(c) || is_digit(c);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static char upper(char c)
{
    return is_lower(c) ? (char)(c - 'a' + 'A') : c;
}

static struct slice slice_from(struct slice s, size_t start)
{
    return (struct slice){.at = s.at + start, .size = s.size - start};
}

static struct slice slice_to(struct slice s, size_t end)
{
    return (struct slice){.at = s.at, .size = end};
}

static bool starts_with(struct slice s, struct slice prefix)
{
    return s.size >= prefix.size && memcmp(s.at, prefix.at, prefix.size) == 0;
}

static bool equal_but_case(struct slice a, struct slice b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

// The index of `c`, or the size.
static size_t find(struct slice s, char c)
{
    const char *at = s.size ? memchr(s.at, c, s.size) : NULL;
    return at ? (size_t)(at - s.at) : s.size;
}

// ---- tenants, entities, ids, actors

bool name_is_tenant(struct slice name)
{
    if (name.size < 1 || name.size > TENANT_MAX || name.at[0] == '-')
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (!is_lower(name.at[i]) && !is_digit(name.at[i]) && name.at[i] != '-')
            return false;
    return true;
}

static bool is_key_char(char c)
{
    return is_alphanumeric(c) || c == '.' || c == '_' || c == ':' || c == '-';
}

bool name_is_word(struct slice s)
{
    if (!s.size || !is_letter(s.at[0]))
        return false;
    for (size_t i = 1; i < s.size; i++)
        if (!is_alphanumeric(s.at[i]))
            return false;
    return true;
}

bool name_is_entity(struct slice name)
{
    struct slice noun = name_entity_noun(name);
    if (name.size > NAME_ENTITY_MAX || name.size < noun.size + 2 || !name_is_word(noun))
        return false;
    struct slice key = slice_from(name, noun.size + 1);
    if (!is_alphanumeric(key.at[0]))
        return false;
    for (size_t i = 1; i < key.size; i++)
        if (!is_key_char(key.at[i]))
            return false;
    return true;
}

struct slice name_entity_noun(struct slice entity)
{
    return slice_to(entity, find(entity, '_'));
}

bool name_is_given_id(struct slice id)
{
    if (!starts_with(id, SLICE("evt_")))
        return false;
    struct slice rest = slice_from(id, 4);
    if (rest.size < 1 || rest.size > GIVEN_ID_MAX)
        return false;
    for (size_t i = 0; i < rest.size; i++)
        if (!is_alphanumeric(rest.at[i]) && rest.at[i] != '_' && rest.at[i] != '-')
            return false;
    return true;
}

bool name_is_imported_id(struct slice id)
{
    if (id.size < 1 || id.size > IMPORTED_ID_MAX)
        return false;
    for (size_t i = 0; i < id.size; i++)
        if (!is_key_char(id.at[i]))
            return false;
    return true;
}

// Takes one code point of UTF-8 from the front (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
static bool take_code_point(struct slice *text, uint32_t *code_point)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)text->at;
    size_t more = at[0] < 0x80 ? 0 : (at[0] & 0xe0) == 0xc0 ? 1 : (at[0] & 0xf0) == 0xe0 ? 2 : 3;
    if ((more == 3 && (at[0] & 0xf8) != 0xf0) || text->size < more + 1)
        return false;
    uint32_t c = more ? at[0] & (0x3fu >> more) : at[0];
    for (size_t i = 1; i <= more; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return false;
        c = c << 6 | (at[i] & 0x3f);
    }
    if (c < least[more] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
        return false;
    *text = slice_from(*text, more + 1);
    *code_point = c;
    return true;
}

bool name_is_actor(struct slice actor)
{
    if (actor.size < 1 || actor.size > NAME_ACTOR_MAX)
        return false;
    while (actor.size) {
        uint32_t c;
        if (!take_code_point(&actor, &c) || c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == '/')
            return false;
    }
    return true;
}

// ---- types of events

size_t name_fold_case(char *out, struct slice name)
{
    for (size_t i = 0; i < name.size; i++)
        out[i] = lower(name.at[i]);
    return name.size;
}

size_t name_fold_verb(char *out, struct slice verb)
{
    static const struct slice canceled = {"canceled", 8};
    size_t size = name_fold_case(out, verb);
    if (size < canceled.size || memcmp(out + size - canceled.size, canceled.at, canceled.size) != 0)
        return size;
    memcpy(out + size - 2, "led", 3);
    return size + 1;
}

struct slice name_fold_noun(char *out, struct slice entity)
{
    return (struct slice){.at = out, .size = name_fold_case(out, name_entity_noun(entity))};
}

size_t name_type_term(char out[static NAME_TERM_MAX], struct slice stored_type, struct slice entity)
{
    size_t size = name_fold_noun(out, entity).size;
    out[size++] = '.';
    size_t dot = find(stored_type, '.');
    struct slice verb = dot < stored_type.size ? slice_from(stored_type, dot + 1) : stored_type;
    return size + name_fold_verb(out + size, verb);
}

size_t name_raise(char *out, struct slice noun)
{
    if (!noun.size)
        return 0;
    memmove(out, noun.at, noun.size);
    out[0] = upper(out[0]);
    return noun.size;
}

bool name_is_snake(struct slice s)
{
    if (!s.size || !is_lower(s.at[0]))
        return false;
    for (size_t i = 1; i < s.size; i++)
        if (!is_lower(s.at[i]) && !is_digit(s.at[i]) && s.at[i] != '_')
            return false;
    return true;
}

static enum name_verb verb_of(struct slice verb)
{
    static const struct {
        struct slice text;
        enum name_verb verb;
    } known[] = {
        {{"Created", 7}, NAME_CREATED},
        {{"Updated", 7}, NAME_UPDATED},
        {{"Deleted", 7}, NAME_DELETED},
        {{"RolledBack", 10}, NAME_ROLLED_BACK},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (equal_but_case(verb, known[i].text))
            return known[i].verb;
    return NAME_OTHER;
}

struct name_type name_stored_type(struct slice stored)
{
    size_t dot = find(stored, '.');
    if (dot == stored.size)
        return (struct name_type){.style = NAME_SNAKE, .verb = NAME_OTHER, .noun = slice_to(stored, 0), .text = stored};
    return (struct name_type){
        .style = NAME_PASCAL,
        .verb = verb_of(slice_from(stored, dot + 1)),
        .noun = slice_to(stored, dot),
        .text = stored,
    };
}

static int refuse_form(struct slice written, struct reason *why)
{
    return reason_set(why, -EINVAL,
        "type \"%.*s\" is neither Noun.Verb (Contact.Qualified) nor snake_case (was_placed)", SLICE_ARG(written));
}

// Two nouns at their longest would not fit into a reason.
static struct slice shorten(struct slice noun)
{
    return noun.size <= 100 ? noun : slice_to(noun, 100);
}

static int refuse_noun(struct slice noun, struct slice entity, struct reason *why)
{
    struct slice own = name_entity_noun(entity);
    return reason_set(why, -EINVAL, "the noun \"%.*s\" of the type does not fit the entity's \"%.*s\"",
        SLICE_ARG(shorten(noun)), SLICE_ARG(shorten(own)));
}

int name_read_type(struct slice written, struct slice entity, char out[static NAME_TYPE_MAX], struct name_type *type,
    struct reason *why)
{
    if (!written.size)
        return reason_set(why, -EINVAL, "type is empty");
    if (written.size > NAME_TYPE_MAX)
        return reason_set(why, -EINVAL, "type has %zu bytes, the most is %d", written.size, NAME_TYPE_MAX);

    size_t dot = find(written, '.');
    if (dot == written.size) {
        if (!name_is_snake(written))
            return refuse_form(written, why);
        memcpy(out, written.at, written.size);
        *type = name_stored_type((struct slice){.at = out, .size = written.size});
        return 0;
    }

    struct slice noun = slice_to(written, dot), verb = slice_from(written, dot + 1);
    bool snake = find(verb, '_') < verb.size;
    char lowered[NAME_TYPE_MAX];
    if (snake)
        verb = (struct slice){.at = lowered, .size = name_fold_case(lowered, verb)};
    if (!name_is_word(noun) || !(snake ? name_is_snake(verb) : name_is_word(verb)))
        return refuse_form(written, why);
    if (!equal_but_case(noun, name_entity_noun(entity)))
        return refuse_noun(noun, entity, why);

    size_t size = 0;
    if (snake) {
        memcpy(out, verb.at, verb.size);
        size = verb.size;
    } else {
        size = name_raise(out, noun);
        out[size++] = '.';
        size += name_raise(out + size, verb);
    }
    *type = name_stored_type((struct slice){.at = out, .size = size});
    return 0;
}

enum name_voice name_voice(struct slice type)
{
    bool passive =
        starts_with(type, SLICE("was_")) || starts_with(type, SLICE("were_")) || starts_with(type, SLICE("had_"));
    return passive ? NAME_PASSIVE : NAME_ACTIVE;
}

// ---- files of events

size_t name_event_file(char out[static NAME_EVENT_FILE_MAX], uint32_t version, struct slice type)
{
    for (size_t i = VERSION_DIGITS; i-- > 0; version /= 10)
        out[i] = (char)('0' + version % 10);
    size_t size = VERSION_DIGITS;
    out[size++] = '.';
    memcpy(out + size, type.at, type.size);
    size += type.size;
    memcpy(out + size, ".json", 5);
    return size + 5;
}

// Is this how a type is stored, letter for letter?
static bool is_stored_type(struct slice type)
{
    size_t dot = find(type, '.');
    if (type.size > NAME_TYPE_MAX)
        return false;
    if (dot == type.size)
        return name_is_snake(type);
    struct slice noun = slice_to(type, dot), verb = slice_from(type, dot + 1);
    return name_is_word(noun) && name_is_word(verb) && !is_lower(noun.at[0]) && !is_lower(verb.at[0]);
}

int name_read_event_file(struct slice name, uint32_t *version, struct slice *type)
{
    const size_t around = VERSION_DIGITS + 1 + 5;
    if (name.size <= around || name.at[VERSION_DIGITS] != '.' || memcmp(name.at + name.size - 5, ".json", 5) != 0)
        return -EINVAL;
    uint32_t number = 0;
    for (size_t i = 0; i < VERSION_DIGITS; i++) {
        if (!is_digit(name.at[i]))
            return -EINVAL;
        number = number * 10 + (uint32_t)(name.at[i] - '0');
    }
    struct slice stored = {.at = name.at + VERSION_DIGITS + 1, .size = name.size - around};
    if (!number || !is_stored_type(stored))
        return -EINVAL;
    *version = number;
    *type = stored;
    return 0;
}
