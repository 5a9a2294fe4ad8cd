// The conditions of query/: what each says, and its normal form.
#include "store/filter_parser.h"
#include "store/name.h"
#include "store/when.h"

#include <errno.h>
#include <stdlib.h>

// An alternative beside its normal form.
struct alternative {
    struct slice text;
    struct filter_value value;
};

static const char *const query_keys[] = {"type", "entity", "actor", "after", "before", "limit", "order"};
enum { KEY_AFTER = FILTER_ACTOR + 1, KEY_BEFORE, KEY_LIMIT, KEY_ORDER, KEY_COUNT };

static int refuse_type(struct filter_parser *p, struct slice piece)
{
    struct slice type = filter_shown(piece);
    if (piece_find(piece, '*') < piece.size)
        return filter_refuse(
            p, piece, "\"%.*s\": * stands for a whole half of a type alone (Deal.*, *.Closed)", SLICE_ARG(type));
    if (name_is_word(piece))
        return filter_refuse(p, piece, "\"%.*s\" is neither Noun.Verb nor snake_case; for all events of a noun: %.*s.*",
            SLICE_ARG(type), SLICE_ARG(type));
    return filter_refuse(p, piece,
        "\"%.*s\" is neither Noun.Verb (Contact.Qualified) nor snake_case (order.was_placed)", SLICE_ARG(type));
}

static int read_type(struct filter_parser *p, struct slice piece, struct alternative *a)
{
    struct slice type = a->value.text;
    size_t dot = piece_find(type, '.');
    struct slice noun = SLICE("*"), verb = type;
    if (dot < type.size) {
        noun = piece_to(type, dot);
        verb = piece_from(type, dot + 1);
    } else if (!slice_is(type, "*") && !name_is_snake(type)) {
        return refuse_type(p, piece);
    }

    char *folded = arena_get(FILTER_ARENA(p), type.size + 4);
    if (!folded)
        return -ENOMEM;
    if (!slice_is(noun, "*"))
        a->value.noun = (struct slice){.at = folded, .size = name_fold_case(folded, noun)};
    folded += noun.size;
    if (!slice_is(verb, "*"))
        a->value.verb = (struct slice){.at = folded, .size = name_fold_verb(folded, verb)};
    noun = a->value.noun;
    verb = a->value.verb;
    bool snake = piece_find(verb, '_') < verb.size;
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
        filter_add_raised(&text, noun);
        bytes_add_char(&text, '.');
        filter_add_raised(&text, verb);
    }
    a->text = a->value.text = filter_keep(p, &text);
    return a->text.at ? 0 : -ENOMEM;
}

static int read_alternative(struct filter_parser *p, enum filter_key key, struct slice piece, struct alternative *a)
{
    *a = (struct alternative){.value = {.noun = SLICE(""), .verb = SLICE("")}};
    if (!piece.size)
        return filter_refuse(p, piece, "%s has an empty value", query_keys[key]);
    int error = filter_decode(p, piece, &a->value.text);
    if (error)
        return error;
    if (key == FILTER_TYPE)
        return read_type(p, piece, a);
    if (key == FILTER_ENTITY && !name_is_entity(a->value.text))
        return filter_refuse(
            p, piece, "\"%.*s\" is not the id of an entity (contact_fX9bL5nRd)", SLICE_ARG(filter_shown(piece)));
    if (key == FILTER_ACTOR && !name_is_actor(a->value.text))
        return filter_refuse(p, piece, "\"%.*s\" is not an actor: at most %d bytes, no / and no control characters",
            SLICE_ARG(filter_shown(piece)), NAME_ACTOR_MAX);
    BYTES_AUTO text = {0};
    filter_encode(&text, a->value.text, "|");
    a->text = filter_keep(p, &text);
    return a->text.at ? 0 : -ENOMEM;
}

static int compare_alternatives(const void *a, const void *b)
{
    return slice_compare(((const struct alternative *)a)->text, ((const struct alternative *)b)->text);
}

static int read_choice(
    struct filter_parser *p, enum filter_key key, struct slice value, struct filter_condition *condition)
{
    uint32_t room = 1;
    for (size_t i = 0; i < value.size; i++)
        room += value.at[i] == '|';
    struct alternative *all = arena_get(FILTER_ARENA(p), room * sizeof *all);
    struct filter_value *values = arena_get(FILTER_ARENA(p), room * sizeof *values);
    if (!all || !values)
        return -ENOMEM;
    uint32_t count = 0;
    struct slice rest = value;
    do {
        int error = read_alternative(p, key, piece_take(&rest, '|'), &all[count++]);
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
    *condition = (struct filter_condition){
        .rank = key,
        .text = filter_keep(p, &text),
        .choice = {.key = key, .values = values, .count = kept},
    };
    p->count++;
    return condition->text.at ? 0 : -ENOMEM;
}

static int read_moment(struct filter_parser *p, unsigned key, struct slice piece, struct slice value)
{
    int64_t at_us;
    if (when_parse_moment(value, &at_us))
        return filter_refuse(
            p, piece, "\"%.*s\" is not a moment (2026-01-15, 2026-01-15T10:00:00Z)", SLICE_ARG(filter_shown(piece)));
    struct filter *f = p->filter;
    if (key == KEY_AFTER)
        f->after_us = at_us > f->after_us ? at_us : f->after_us;
    else
        f->before_us = at_us < f->before_us ? at_us : f->before_us;
    return 0;
}

static int read_limit(struct filter_parser *p, struct slice piece, struct slice value)
{
    uint64_t limit = 0;
    bool good = value.size <= 18 && value.at[0] != '0';
    for (size_t i = 0; good && i < value.size; i++) {
        good = value.at[i] >= '0' && value.at[i] <= '9';
        limit = limit * 10 + (uint64_t)(value.at[i] - '0');
    }
    if (!good)
        return filter_refuse(
            p, piece, "limit \"%.*s\" is not a number from 1 to 999999999999999999", SLICE_ARG(filter_shown(piece)));
    if (limit < p->filter->limit)
        p->filter->limit = limit;
    return 0;
}

static int read_order(struct filter_parser *p, struct slice piece, struct slice value)
{
    bool descending = slice_is(value, "desc");
    if (!descending && !slice_is(value, "asc"))
        return filter_refuse(p, piece, "order is asc or desc, not \"%.*s\"", SLICE_ARG(filter_shown(piece)));
    if (p->has_order && descending != p->filter->descending)
        return filter_refuse(p, piece, "order cannot be both asc and desc");
    p->has_order = true;
    p->filter->descending = descending;
    return 0;
}

int filter_read_query_condition(struct filter_parser *p, struct slice text, struct filter_condition *condition)
{
    size_t equals = piece_find(text, '=');
    if (equals == text.size)
        return filter_refuse(p, text, "\"%.*s\" is not key=value", SLICE_ARG(filter_shown(text)));
    struct slice name = piece_to(text, equals), piece = piece_from(text, equals + 1);
    unsigned key = 0;
    while (key < KEY_COUNT && !slice_is(name, query_keys[key]))
        key++;
    if (key == KEY_COUNT)
        return filter_refuse(p, text, "unknown key \"%.*s\"; keys are type, entity, actor, after, before, limit, order",
            SLICE_ARG(filter_shown(name)));
    if (key <= FILTER_ACTOR)
        return read_choice(p, (enum filter_key)key, piece, condition);

    struct slice value;
    if (!piece.size)
        return filter_refuse(p, piece, "%s has an empty value", query_keys[key]);
    int error = filter_decode(p, piece, &value);
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

void filter_add_query_bounds(const struct filter_parser *p, struct bytes *out)
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
