#include "store/match.h"

#include "store/json.h"
#include "store/number.h"
#include "store/pattern.h"

#include <errno.h>
#include <stdlib.h>

// A condition made ready.
struct condition {
    const struct filter_field *field;
    struct slice *steps; // quoted as in JSON
    struct pattern *pattern;
};

struct match {
    struct reader *reader;
    uint64_t position;
    bool (*stops)(void);
    uint32_t count;
    struct arena arena;
    struct bytes text; // a decoded string
    struct condition conditions[];
};

static int make_steps(struct match *m, struct condition *c)
{
    BYTES_AUTO quoted = {0};
    c->steps = arena_get(&m->arena, (c->field->step_count + 1) * sizeof *c->steps);
    for (uint32_t i = 0; c->steps && i < c->field->step_count; i++) {
        bytes_clear(&quoted);
        json_quote(&quoted, c->field->steps[i]);
        c->steps[i] = arena_copy(&m->arena, bytes_slice(&quoted));
        if (quoted.failed || !c->steps[i].at)
            return -ENOMEM;
    }
    return c->steps ? 0 : -ENOMEM;
}

int match_open(struct match **opened, struct reader *reader, const struct filter *filter, uint64_t position,
    bool (*stops)(void), struct reason *why)
{
    struct match *m = calloc(1, sizeof *m + filter->field_count * sizeof *m->conditions);
    if (!m)
        return -ENOMEM;
    m->reader = reader;
    m->position = position;
    m->stops = stops;
    int error = 0;
    for (uint32_t i = 0; !error && i < filter->field_count; i++) {
        struct condition *c = &m->conditions[m->count++];
        c->field = &filter->fields[i];
        error = make_steps(m, c);
        if (!error && c->field->op == FILTER_LIKE)
            error = pattern_compile(&c->pattern, c->field->value, why);
    }
    if (error) {
        match_close(m);
        return error;
    }
    *opened = m;
    return 0;
}

void match_close(struct match *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < m->count; i++)
        pattern_free(m->conditions[i].pattern);
    arena_free(&m->arena);
    bytes_free(&m->text);
    free(m);
}

// ---- values

static bool is_ordered(int order, enum filter_operator op)
{
    switch (op) {
    case FILTER_LESS:
        return order < 0;
    case FILTER_LESS_EQUAL:
        return order <= 0;
    case FILTER_GREATER:
        return order > 0;
    case FILTER_GREATER_EQUAL:
        return order >= 0;
    default: // != is turned around by whoever asks
        return order == 0;
    }
}

static bool is_equality(enum filter_operator op)
{
    return op == FILTER_EQUAL || op == FILTER_NOT_EQUAL;
}

static int text_holds(struct match *m, const struct condition *c, struct slice quoted)
{
    const struct filter_field *f = c->field;
    bytes_clear(&m->text);
    json_decode(&m->text, quoted);
    if (m->text.failed) {
        bytes_free(&m->text);
        return -ENOMEM;
    }
    struct slice text = bytes_slice(&m->text);
    int64_t at_us;
    if (f->op == FILTER_LIKE)
        return pattern_matches(c->pattern, text, m->stops);
    if (is_equality(f->op) && slice_equal(text, f->value))
        return 1;
    if (f->is_moment)
        return when_parse_moment(text, &at_us) == 0 && is_ordered((at_us > f->at_us) - (at_us < f->at_us), f->op);
    return !f->is_number && is_ordered(slice_compare(text, f->value), f->op);
}

static int value_holds(struct match *m, const struct condition *c, struct slice value)
{
    const struct filter_field *f = c->field;
    switch (json_kind(value)) {
    case JSON_STRING:
        return text_holds(m, c, value);
    case JSON_NUMBER:
        return f->op != FILTER_LIKE && f->is_number && is_ordered(number_compare(value, f->value), f->op);
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        return is_equality(f->op) && slice_equal(value, f->value);
    default:
        return 0;
    }
}

// ---- paths

static int part_holds(struct match *m, const struct condition *c, struct slice value, uint32_t step, unsigned crossed);

// A member as it is shown beside the fields; what begins with `$` and is none of these is not shown.
static bool meta_value(const struct shown_state *shown, struct slice name, struct bytes *out)
{
    if (slice_is(name, "$id"))
        json_quote(out, shown->name);
    else if (slice_is(name, "$type"))
        json_quote(out, shown->state->noun);
    else if (slice_is(name, "$version"))
        bytes_printf(out, "%u", shown->version);
    else if (slice_is(name, "$createdAt"))
        when_quote(out, shown->state->created_at_us);
    else if (slice_is(name, "$updatedAt"))
        when_quote(out, shown->updated_at_us);
    else if (slice_is(name, "$createdBy"))
        json_quote(out, shown->state->created_by);
    else
        return false;
    return true;
}

static bool find_member(struct slice object, struct slice quoted, struct slice *value)
{
    struct json_cursor cursor = json_enter(object);
    for (struct slice key; json_next_member(&cursor, &key, value);)
        if (json_string_equal(key, quoted))
            return true;
    return false;
}

static int state_holds(
    struct match *m, const struct condition *c, const struct shown_state *shown, uint32_t step, unsigned crossed)
{
    struct slice value;
    if (c->field->steps[step].at[0] == '$') {
        BYTES_AUTO meta = {0};
        if (!meta_value(shown, c->field->steps[step], &meta))
            return 0;
        return meta.failed ? -ENOMEM : part_holds(m, c, bytes_slice(&meta), step + 1, crossed);
    }
    if (!find_member(shown->state->fields, c->steps[step], &value))
        return 0;
    return part_holds(m, c, value, step + 1, crossed);
}

// The state of an entity that another one names, if it had one.
static int referred_holds(
    struct match *m, const struct condition *c, struct slice name, uint32_t step, unsigned crossed)
{
    struct head head;
    STATE_AUTO state = NULL;
    struct shown_state shown = {.name = name};
    if (m->stops && m->stops())
        return -EINTR;
    int error = history_head(m->reader, name, &head);
    if (!error)
        error = shown_load(m->reader, &head, m->position, &shown, &state);
    if (error)
        return error == -ENOENT ? 0 : error;
    return state_holds(m, c, &shown, step, crossed);
}

static int text_part_holds(
    struct match *m, const struct condition *c, struct slice quoted, uint32_t step, unsigned crossed)
{
    char name[NAME_ENTITY_MAX];
    // Neither an escape nor anything longer stands in an entity's id.
    struct slice id = {.at = quoted.at + 1, .size = quoted.size - 2};
    if (!m->reader || crossed == MATCH_CROSSINGS || !name_is_entity(id))
        return 0;
    memcpy(name, id.at, id.size);
    return referred_holds(m, c, (struct slice){.at = name, .size = id.size}, step, crossed + 1);
}

static int part_holds(struct match *m, const struct condition *c, struct slice value, uint32_t step, unsigned crossed)
{
    enum json_kind kind = json_kind(value);
    if (kind == JSON_ARRAY) {
        struct json_cursor cursor = json_enter(value);
        int holds = 0;
        for (struct slice element; !holds && json_next_element(&cursor, &element);)
            holds = part_holds(m, c, element, step, crossed);
        return holds;
    }
    if (step == c->field->step_count)
        return value_holds(m, c, value);
    if (kind == JSON_STRING)
        return text_part_holds(m, c, value, step, crossed);
    struct slice member;
    if (kind != JSON_OBJECT || !find_member(value, c->steps[step], &member))
        return 0;
    return part_holds(m, c, member, step + 1, crossed);
}

// ---- the whole

static bool noun_is(struct slice noun, struct slice folded)
{
    char text[NAME_TYPE_MAX];
    if (noun.size != folded.size || noun.size > sizeof text)
        return false;
    return slice_equal((struct slice){.at = text, .size = name_fold_case(text, noun)}, folded);
}

bool match_may_hold(const struct match *m, struct slice name)
{
    bool may = true;
    for (uint32_t i = 0; may && i < m->count; i++) {
        const struct filter_field *f = m->conditions[i].field;
        if (f->is_type)
            may = noun_is(name_entity_noun(name), f->value) == (f->op == FILTER_EQUAL);
    }
    return may;
}

int match_holds(struct match *m, const struct shown_state *shown)
{
    if (!match_may_hold(m, shown->name))
        return 0;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct condition *c = &m->conditions[i];
        if (c->field->is_type)
            continue;
        int holds = state_holds(m, c, shown, 0, 0);
        if (holds < 0)
            return holds;
        if (holds == (c->field->op == FILTER_NOT_EQUAL))
            return 0;
    }
    return 1;
}
