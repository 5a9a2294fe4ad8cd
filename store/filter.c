#include "store/filter.h"

#include "store/name.h"
#include "store/utf8.h"
#include "store/when.h"

#include <errno.h>
#include <stdlib.h>

#define SHOWN_MAX 60 // bytes of somebody's text in a reason

// A condition as it is read; conditions are sorted by rank and text.
struct condition {
    unsigned rank;
    struct slice text;
    union {
        struct filter_choice choice;
        struct filter_field field;
    };
};

// An alternative beside its normal form.
struct alternative {
    struct slice text;
    struct filter_value value;
};

struct parser {
    struct filter *filter;
    struct slice text;
    struct condition *conditions;
    uint32_t count;
    bool has_order;
    struct reason *why;
};

#define ARENA(p) (&(p)->filter->arena)

// ---- pieces of text

static struct slice from(struct slice s, size_t start)
{
    return (struct slice){.at = s.at + start, .size = s.size - start};
}

static struct slice to(struct slice s, size_t end)
{
    return (struct slice){.at = s.at, .size = end};
}

static size_t find(struct slice s, char c)
{
    const char *at = s.size ? memchr(s.at, c, s.size) : NULL;
    return at ? (size_t)(at - s.at) : s.size;
}

// Takes what stands before the next `separator`, or the rest; then `rest->at` is NULL.
static struct slice take(struct slice *rest, char separator)
{
    size_t end = find(*rest, separator);
    struct slice taken = to(*rest, end);
    *rest = end < rest->size ? from(*rest, end + 1) : (struct slice){0};
    return taken;
}

static struct slice shown(struct slice s)
{
    if (s.size <= SHOWN_MAX)
        return s;
    size_t end = SHOWN_MAX;
    while (end && ((unsigned char)s.at[end] & 0xc0) == 0x80)
        end--;
    return to(s, end);
}

// What is wrong, and at which byte of the text.
__attribute__((format(printf, 3, 4))) static int refuse(struct parser *p, struct slice piece, const char *format, ...)
{
    struct reason what = {0};
    va_list args;
    va_start(args, format);
    vsnprintf(what.text, sizeof what.text, format, args);
    va_end(args);
    return reason_set(p->why, -ENOENT, "byte %zu: %s", (size_t)(piece.at - p->text.at) + 1, what.text);
}

static bool is_utf8(struct slice s)
{
    for (size_t i = 0; i < s.size;) {
        uint8_t low, high, lead = (uint8_t)s.at[i++];
        if (lead < 0x80)
            continue;
        uint8_t more = utf8_lead(lead, &low, &high);
        if (!more || s.size - i < more)
            return false;
        for (; more; more--, i++, low = 0x80, high = 0xBF)
            if ((uint8_t)s.at[i] < low || (uint8_t)s.at[i] > high)
                return false;
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode(struct parser *p, struct slice piece, struct slice *decoded)
{
    char *out = arena_get(ARENA(p), piece.size + 1);
    if (!out)
        return -ENOMEM;
    size_t size = 0;
    for (size_t i = 0; i < piece.size; i++) {
        if (piece.at[i] != '%') {
            out[size++] = piece.at[i];
            continue;
        }
        int high = i + 1 < piece.size ? hex_digit(piece.at[i + 1]) : -1;
        int low = i + 2 < piece.size ? hex_digit(piece.at[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0)
            return refuse(p, from(piece, i), "%% is followed by two hexadecimal digits, which are not 00");
        out[size++] = (char)(high * 16 + low);
        i += 2;
    }
    *decoded = (struct slice){.at = out, .size = size};
    if (!is_utf8(*decoded))
        return refuse(p, piece, "this is not UTF-8");
    return 0;
}

// The bytes of `special`, `%`, `,`, `/` and control characters become %XX.
static void encode(struct bytes *out, struct slice decoded, const char *special)
{
    for (size_t i = 0; i < decoded.size; i++) {
        unsigned char c = (unsigned char)decoded.at[i];
        if (c < 0x20 || c == 0x7f || strchr("%,/", c) || strchr(special, c))
            bytes_printf(out, "%%%02X", c);
        else
            bytes_add_char(out, (char)c);
    }
}

// A copy in the filter's memory; .at is NULL when there is none.
static struct slice keep(struct parser *p, const struct bytes *b)
{
    if (b->failed)
        return (struct slice){0};
    return arena_copy(ARENA(p), bytes_slice(b));
}

// ---- query/

static const char *const query_keys[] = {"type", "entity", "actor", "after", "before", "limit", "order"};
enum { KEY_AFTER = FILTER_ACTOR + 1, KEY_BEFORE, KEY_LIMIT, KEY_ORDER, KEY_COUNT };

static int refuse_type(struct parser *p, struct slice piece)
{
    struct slice type = shown(piece);
    if (find(piece, '*') < piece.size)
        return refuse(
            p, piece, "\"%.*s\": * stands for a whole half of a type alone (Deal.*, *.Closed)", SLICE_ARG(type));
    if (name_is_word(piece))
        return refuse(p, piece, "\"%.*s\" is neither Noun.Verb nor snake_case; for all events of a noun: %.*s.*",
            SLICE_ARG(type), SLICE_ARG(type));
    return refuse(p, piece, "\"%.*s\" is neither Noun.Verb (Contact.Qualified) nor snake_case (order.was_placed)",
        SLICE_ARG(type));
}

static void add_raised(struct bytes *out, struct slice folded)
{
    char *at = bytes_reserve(out, folded.size + 1);
    if (!at)
        return;
    if (!folded.size)
        *at = '*';
    out->size += folded.size ? name_raise(at, folded) : 1;
}

static int read_type(struct parser *p, struct slice piece, struct alternative *a)
{
    struct slice type = a->value.text;
    size_t dot = find(type, '.');
    struct slice noun = SLICE("*"), verb = type;
    if (dot < type.size) {
        noun = to(type, dot);
        verb = from(type, dot + 1);
    } else if (!slice_is(type, "*") && !name_is_snake(type)) {
        return refuse_type(p, piece);
    }

    char *folded = arena_get(ARENA(p), type.size + 4);
    if (!folded)
        return -ENOMEM;
    if (!slice_is(noun, "*"))
        a->value.noun = (struct slice){.at = folded, .size = name_fold_case(folded, noun)};
    folded += noun.size;
    if (!slice_is(verb, "*"))
        a->value.verb = (struct slice){.at = folded, .size = name_fold_verb(folded, verb)};
    noun = a->value.noun;
    verb = a->value.verb;
    bool snake = find(verb, '_') < verb.size;
    if ((noun.size && !name_is_word(noun)) || (dot == 0) || (dot + 1 == type.size) ||
        (verb.size && !(snake ? name_is_snake(verb) : name_is_word(verb))))
        return refuse_type(p, piece);

    BYTES_AUTO text = {0};
    if (snake) {
        bytes_add_slice(&text, noun);
        if (noun.size)
            bytes_add_char(&text, '.');
        bytes_add_slice(&text, verb);
    } else {
        add_raised(&text, noun);
        bytes_add_char(&text, '.');
        add_raised(&text, verb);
    }
    a->text = a->value.text = keep(p, &text);
    return a->text.at ? 0 : -ENOMEM;
}

static int read_alternative(struct parser *p, enum filter_key key, struct slice piece, struct alternative *a)
{
    *a = (struct alternative){.value = {.noun = SLICE(""), .verb = SLICE("")}};
    if (!piece.size)
        return refuse(p, piece, "%s has an empty value", query_keys[key]);
    int error = decode(p, piece, &a->value.text);
    if (error)
        return error;
    if (key == FILTER_TYPE)
        return read_type(p, piece, a);
    if (key == FILTER_ENTITY && !name_is_entity(a->value.text))
        return refuse(p, piece, "\"%.*s\" is not the id of an entity (contact_fX9bL5nRd)", SLICE_ARG(shown(piece)));
    if (key == FILTER_ACTOR && !name_is_actor(a->value.text))
        return refuse(p, piece, "\"%.*s\" is not an actor: at most %d bytes, no / and no control characters",
            SLICE_ARG(shown(piece)), NAME_ACTOR_MAX);
    BYTES_AUTO text = {0};
    encode(&text, a->value.text, "|");
    a->text = keep(p, &text);
    return a->text.at ? 0 : -ENOMEM;
}

static int compare_alternatives(const void *a, const void *b)
{
    return slice_compare(((const struct alternative *)a)->text, ((const struct alternative *)b)->text);
}

static int read_choice(struct parser *p, enum filter_key key, struct slice value, struct condition *condition)
{
    uint32_t room = 1;
    for (size_t i = 0; i < value.size; i++)
        room += value.at[i] == '|';
    struct alternative *all = arena_get(ARENA(p), room * sizeof *all);
    struct filter_value *values = arena_get(ARENA(p), room * sizeof *values);
    if (!all || !values)
        return -ENOMEM;
    uint32_t count = 0;
    struct slice rest = value;
    do {
        int error = read_alternative(p, key, take(&rest, '|'), &all[count++]);
        if (error)
            return error;
    } while (rest.at);
    qsort(all, count, sizeof *all, compare_alternatives);

    BYTES_AUTO text = {0};
    uint32_t kept = 0;
    bytes_printf(&text, "%s=", query_keys[key]);
    for (uint32_t i = 0; i < count; i++) {
        if (i && slice_equal(all[i].text, all[i - 1].text))
            continue;
        if (kept)
            bytes_add_char(&text, '|');
        bytes_add_slice(&text, all[i].text);
        values[kept++] = all[i].value;
    }
    *condition = (struct condition){
        .rank = key,
        .text = keep(p, &text),
        .choice = {.key = key, .values = values, .count = kept},
    };
    p->count++;
    return condition->text.at ? 0 : -ENOMEM;
}

static int read_moment(struct parser *p, unsigned key, struct slice piece, struct slice value)
{
    int64_t at_us;
    if (when_parse_moment(value, &at_us))
        return refuse(p, piece, "\"%.*s\" is not a moment (2026-01-15, 2026-01-15T10:00:00Z)", SLICE_ARG(shown(piece)));
    struct filter *f = p->filter;
    if (key == KEY_AFTER)
        f->after_us = at_us > f->after_us ? at_us : f->after_us;
    else
        f->before_us = at_us < f->before_us ? at_us : f->before_us;
    return 0;
}

static int read_limit(struct parser *p, struct slice piece, struct slice value)
{
    uint64_t limit = 0;
    bool good = value.size <= 18 && value.at[0] != '0';
    for (size_t i = 0; good && i < value.size; i++) {
        good = value.at[i] >= '0' && value.at[i] <= '9';
        limit = limit * 10 + (uint64_t)(value.at[i] - '0');
    }
    if (!good)
        return refuse(p, piece, "limit \"%.*s\" is not a number from 1 to 999999999999999999", SLICE_ARG(shown(piece)));
    if (limit < p->filter->limit)
        p->filter->limit = limit;
    return 0;
}

static int read_order(struct parser *p, struct slice piece, struct slice value)
{
    bool descending = slice_is(value, "desc");
    if (!descending && !slice_is(value, "asc"))
        return refuse(p, piece, "order is asc or desc, not \"%.*s\"", SLICE_ARG(shown(piece)));
    if (p->has_order && descending != p->filter->descending)
        return refuse(p, piece, "order cannot be both asc and desc");
    p->has_order = true;
    p->filter->descending = descending;
    return 0;
}

static int read_query_condition(struct parser *p, struct slice text, struct condition *condition)
{
    size_t equals = find(text, '=');
    if (equals == text.size)
        return refuse(p, text, "\"%.*s\" is not key=value", SLICE_ARG(shown(text)));
    struct slice name = to(text, equals), piece = from(text, equals + 1);
    unsigned key = 0;
    while (key < KEY_COUNT && !slice_is(name, query_keys[key]))
        key++;
    if (key == KEY_COUNT)
        return refuse(p, text, "unknown key \"%.*s\"; keys are type, entity, actor, after, before, limit, order",
            SLICE_ARG(shown(name)));
    if (key <= FILTER_ACTOR)
        return read_choice(p, (enum filter_key)key, piece, condition);

    struct slice value;
    if (!piece.size)
        return refuse(p, piece, "%s has an empty value", query_keys[key]);
    int error = decode(p, piece, &value);
    if (error)
        return error;
    if (key == KEY_LIMIT)
        return read_limit(p, piece, value);
    return key == KEY_ORDER ? read_order(p, piece, value) : read_moment(p, key, piece, value);
}

static void add_moment(struct bytes *out, const char *key, int64_t at_us)
{
    static const struct slice midnight = {"T00:00:00Z", 10};
    char text[WHEN_TEXT_MAX];
    size_t size = when_print(text, at_us);
    if (size > midnight.size && memcmp(text + size - midnight.size, midnight.at, midnight.size) == 0)
        size -= midnight.size;
    bytes_printf(out, "%s%s=%.*s", out->size ? "," : "", key, (int)size, text);
}

// What has one value for the whole filter comes behind the choices.
static void add_query_bounds(const struct parser *p, struct bytes *out)
{
    const struct filter *f = p->filter;
    if (f->after_us != INT64_MIN)
        add_moment(out, "after", f->after_us);
    if (f->before_us != INT64_MAX)
        add_moment(out, "before", f->before_us);
    if (f->limit != UINT64_MAX)
        bytes_printf(out, "%slimit=%llu", out->size ? "," : "", (unsigned long long)f->limit);
    if (f->descending)
        bytes_printf(out, "%sorder=desc", out->size ? "," : "");
    else if (!out->size)
        bytes_add_text(out, "order=asc");
}

// ---- find/

static const char *const operators[] = {"=", "!=", "<", "<=", ">", ">=", "~"};

// Takes the operator from the front; false when there is none.
static bool take_operator(struct slice *rest, enum filter_operator *op)
{
    size_t best = 0;
    for (unsigned i = 0; i < sizeof operators / sizeof *operators; i++) {
        size_t size = strlen(operators[i]);
        if (size > best && rest->size >= size && memcmp(rest->at, operators[i], size) == 0) {
            best = size;
            *op = (enum filter_operator)i;
        }
    }
    *rest = from(*rest, best);
    return best > 0;
}

// A number as JSON writes it.
static bool is_number(struct slice s)
{
    const char *at = s.at, *end = s.at + s.size;
    at += at < end && *at == '-';
    if (at < end && *at == '0')
        at++;
    else if (at < end && *at >= '1' && *at <= '9')
        while (at < end && *at >= '0' && *at <= '9')
            at++;
    else
        return false;
    if (at < end && *at == '.') {
        const char *digits = ++at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == digits)
            return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '-' || *at == '+');
        const char *digits = at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == digits)
            return false;
    }
    return at == end;
}

static int read_find_type(struct parser *p, struct slice piece, struct filter_field *field, struct bytes *text)
{
    if (field->op != FILTER_EQUAL && field->op != FILTER_NOT_EQUAL)
        return refuse(p, piece, "type is compared by = or != alone");
    if (!name_is_word(field->value))
        return refuse(p, piece, "\"%.*s\" is not a type of entities (Contact)", SLICE_ARG(shown(piece)));
    char *noun = arena_get(ARENA(p), field->value.size);
    if (!noun)
        return -ENOMEM;
    field->is_type = true;
    field->value = (struct slice){.at = noun, .size = name_fold_case(noun, field->value)};
    bytes_printf(text, "type%s", operators[field->op]);
    add_raised(text, field->value);
    return 0;
}

static int read_path(struct parser *p, struct slice path, struct filter_field *field, struct bytes *text)
{
    uint32_t room = 1;
    for (size_t i = 0; i < path.size; i++)
        room += path.at[i] == '.';
    struct slice *steps = arena_get(ARENA(p), room * sizeof *steps);
    if (!steps)
        return -ENOMEM;
    struct slice rest = path;
    do {
        struct slice piece = take(&rest, '.'), step;
        if (!piece.size)
            return refuse(p, piece, "a name is missing in the path \"%.*s\"", SLICE_ARG(shown(path)));
        int error = decode(p, piece, &step);
        if (error)
            return error;
        if (field->step_count)
            bytes_add_char(text, '.');
        // So a member of the state that is named type is told from the key.
        if (!field->step_count && !rest.at && slice_is(step, "type"))
            bytes_add_text(text, "%74ype");
        else
            encode(text, step, ".=!<>~");
        steps[field->step_count++] = step;
    } while (rest.at);
    field->steps = steps;
    return 0;
}

static int read_find_condition(struct parser *p, struct slice text, struct condition *condition)
{
    size_t end = 0;
    while (end < text.size && !strchr("=!<>~", text.at[end]))
        end++;
    struct slice path = to(text, end), piece = from(text, end);
    struct filter_field field = {0};
    if (!take_operator(&piece, &field.op))
        return refuse(p, piece, "\"%.*s\" is not key OP value; OP is one of = != < <= > >= ~", SLICE_ARG(shown(text)));
    if (!piece.size)
        return refuse(p, piece, "\"%.*s\" has an empty value", SLICE_ARG(shown(path)));
    int error = decode(p, piece, &field.value);
    if (error)
        return error;

    BYTES_AUTO normal = {0};
    if (slice_is(path, "type")) {
        error = read_find_type(p, piece, &field, &normal);
    } else {
        field.is_number = is_number(field.value);
        field.is_moment = when_parse_moment(field.value, &field.at_us) == 0;
        error = read_path(p, path, &field, &normal);
        bytes_add_text(&normal, operators[field.op]);
        // `a>%3Db` is not `a>=b`.
        bool ambiguous = (field.op == FILTER_LESS || field.op == FILTER_GREATER) && field.value.at[0] == '=';
        if (ambiguous)
            bytes_add_text(&normal, "%3D");
        encode(&normal, from(field.value, ambiguous), "");
    }
    if (error)
        return error;
    *condition = (struct condition){.rank = !field.is_type, .text = keep(p, &normal), .field = field};
    p->count++;
    return condition->text.at ? 0 : -ENOMEM;
}

// ---- the whole

static int compare_conditions(const void *a, const void *b)
{
    const struct condition *x = a, *y = b;
    return x->rank != y->rank ? (x->rank > y->rank) - (x->rank < y->rank) : slice_compare(x->text, y->text);
}

static int read_conditions(struct parser *p)
{
    struct slice rest = p->text;
    uint32_t room = 1;
    for (size_t i = 0; i < rest.size; i++)
        room += rest.at[i] == ',';
    p->conditions = arena_get(ARENA(p), room * sizeof *p->conditions);
    if (!p->conditions)
        return -ENOMEM;
    do {
        struct slice text = take(&rest, ',');
        if (!text.size)
            return refuse(p, text, "a condition is missing");
        struct condition *next = &p->conditions[p->count];
        int error = p->filter->grammar == FILTER_QUERY ? read_query_condition(p, text, next)
                                                       : read_find_condition(p, text, next);
        if (error)
            return error;
    } while (rest.at);
    return 0;
}

// Drops conditions that stand twice and hands the others to the filter.
static int collect(struct parser *p, struct bytes *normal)
{
    struct filter *f = p->filter;
    qsort(p->conditions, p->count, sizeof *p->conditions, compare_conditions);
    struct filter_choice *choices = arena_get(ARENA(p), (p->count + 1) * sizeof *choices);
    struct filter_field *fields = arena_get(ARENA(p), (p->count + 1) * sizeof *fields);
    if (!choices || !fields)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct condition *c = &p->conditions[i];
        if (i && slice_equal(c->text, c[-1].text))
            continue;
        if (normal->size)
            bytes_add_char(normal, ',');
        bytes_add_slice(normal, c->text);
        if (f->grammar == FILTER_QUERY)
            choices[f->choice_count++] = c->choice;
        else
            fields[f->field_count++] = c->field;
    }
    f->choices = choices;
    f->fields = fields;
    if (f->grammar == FILTER_QUERY)
        add_query_bounds(p, normal);
    return 0;
}

static int parse(struct parser *p)
{
    if (p->text.size > FILTER_TEXT_MAX)
        return reason_set(p->why, -ENOENT, "the filter has %zu bytes, the most is %d", p->text.size, FILTER_TEXT_MAX);
    if (!is_utf8(p->text) || find(p->text, '\0') < p->text.size)
        return reason_set(p->why, -ENOENT, "the filter is not text in UTF-8");
    BYTES_AUTO normal = {0};
    int error = read_conditions(p);
    if (!error)
        error = collect(p, &normal);
    if (error)
        return error;
    if (normal.size > FILTER_TEXT_MAX)
        return reason_set(p->why, -ENOENT, "the filter has %zu bytes in its normal form, the most is %d", normal.size,
            FILTER_TEXT_MAX);
    p->filter->text = keep(p, &normal);
    return p->filter->text.at ? 0 : -ENOMEM;
}

int filter_parse(struct filter *filter, enum filter_grammar grammar, struct slice text, struct reason *why)
{
    *filter = (struct filter){.grammar = grammar, .after_us = INT64_MIN, .before_us = INT64_MAX, .limit = UINT64_MAX};
    struct parser parser = {.filter = filter, .text = text.size ? text : SLICE(""), .why = why};
    int error = parse(&parser);
    if (error)
        filter_free(filter);
    return error;
}

void filter_free(struct filter *filter)
{
    arena_free(&filter->arena);
    *filter = (struct filter){0};
}

bool filter_type_matches(const struct filter_value *value, struct slice term)
{
    size_t dot = find(term, '.');
    return (!value->noun.size || slice_equal(value->noun, to(term, dot))) &&
           (!value->verb.size || (dot < term.size && slice_equal(value->verb, from(term, dot + 1))));
}
