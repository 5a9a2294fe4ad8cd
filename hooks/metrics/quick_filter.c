#include "hooks/metrics/quick_filter.h"

#include "store/json.h"
#include "store/number.h"

#include <errno.h>

enum quick_operator { QUICK_EQUAL, QUICK_LESS, QUICK_LESS_EQUAL, QUICK_GREATER, QUICK_GREATER_EQUAL, QUICK_EXISTS };

struct quick_condition {
    struct slice key;     // quoted
    struct slice operand; // a scalar of JSON
    enum quick_operator op;
    bool negated;
};

#define CONDITIONS_MAX 16u

struct reading {
    struct quick_condition all[CONDITIONS_MAX];
    size_t count;
    struct arena *arena;
    bool failed; // no memory
};

// A string without escapes, or another scalar.
static bool is_plain(struct slice value)
{
    enum json_kind kind = json_kind(value);
    return kind != JSON_OBJECT && kind != JSON_ARRAY && !memchr(value.at, '\\', value.size);
}

// One step that is no member of the store's own.
static bool is_plain_key(struct slice quoted)
{
    return quoted.size > 2 && quoted.at[1] != '$' && !memchr(quoted.at, '.', quoted.size) &&
           !memchr(quoted.at, '\\', quoted.size);
}

static bool add(struct reading *r, struct slice key, enum quick_operator op, struct slice operand, bool negated)
{
    bool is_equality = op == QUICK_EQUAL || op == QUICK_EXISTS;
    if (r->count == CONDITIONS_MAX || !is_plain_key(key) || !is_plain(operand) ||
        (!is_equality && json_kind(operand) != JSON_NUMBER))
        return false;
    struct quick_condition *c = &r->all[r->count++];
    *c = (struct quick_condition){
        .key = arena_copy(r->arena, key), .operand = arena_copy(r->arena, operand), .op = op, .negated = negated};
    r->failed |= !c->key.at || !c->operand.at;
    return !r->failed;
}

// ---- the object of operators

static bool add_operator(struct reading *r, struct slice key, struct slice name, struct slice operand)
{
    static const struct {
        const char *name;
        enum quick_operator op;
        bool negated;
    } all[] = {
        {"$eq", QUICK_EQUAL, false},
        {"$ne", QUICK_EQUAL, true},
        {"$lt", QUICK_LESS, false},
        {"$lte", QUICK_LESS_EQUAL, false},
        {"$gt", QUICK_GREATER, false},
        {"$gte", QUICK_GREATER_EQUAL, false},
    };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        if (json_key_is(name, all[i].name))
            return add(r, key, all[i].op, operand, all[i].negated);
    return json_key_is(name, "$exists") && add(r, key, QUICK_EXISTS, operand, json_kind(operand) == JSON_FALSE);
}

static bool add_condition(struct reading *r, struct slice key, struct slice condition)
{
    if (json_kind(condition) != JSON_OBJECT)
        return add(r, key, QUICK_EQUAL, condition, false);
    struct json_cursor c = json_enter(condition);
    bool plain = json_count(condition) > 0;
    for (struct slice name, operand; plain && json_next_member(&c, &name, &operand);)
        plain = add_operator(r, key, name, operand);
    return plain;
}

static bool add_object(struct reading *r, struct slice object)
{
    struct json_cursor c = json_enter(object);
    bool plain = true;
    for (struct slice key, condition; plain && json_next_member(&c, &key, &condition);)
        plain = add_condition(r, key, condition);
    return plain;
}

// ---- a FILTER of find/

// Its value could be a number, a word of JSON or a text: only what can be told by its looks is plain.
static bool add_field(struct reading *r, const struct filter_field *f)
{
    static const enum quick_operator ops[] = {
        [FILTER_EQUAL] = QUICK_EQUAL,
        [FILTER_NOT_EQUAL] = QUICK_EQUAL,
        [FILTER_LESS] = QUICK_LESS,
        [FILTER_LESS_EQUAL] = QUICK_LESS_EQUAL,
        [FILTER_GREATER] = QUICK_GREATER,
        [FILTER_GREATER_EQUAL] = QUICK_GREATER_EQUAL,
    };
    BYTES_AUTO key = {0};
    BYTES_AUTO operand = {0};
    bool is_word = slice_is(f->value, "true") || slice_is(f->value, "false") || slice_is(f->value, "null");
    bool is_equality = f->op == FILTER_EQUAL || f->op == FILTER_NOT_EQUAL;
    if (f->is_type || f->step_count != 1 || f->op == FILTER_LIKE || f->is_moment || is_word ||
        (f->is_number && is_equality))
        return false;
    json_quote(&key, f->steps[0]);
    if (f->is_number)
        bytes_add_slice(&operand, f->value);
    else
        json_quote(&operand, f->value);
    r->failed |= key.failed || operand.failed;
    return !r->failed && add(r, bytes_slice(&key), ops[f->op], bytes_slice(&operand), f->op == FILTER_NOT_EQUAL);
}

static bool add_filter(struct reading *r, const struct filter *filter)
{
    bool plain = true;
    for (uint32_t i = 0; plain && i < filter->field_count; i++)
        plain = add_field(r, &filter->fields[i]);
    return plain;
}

int quick_filter_read(struct quick_filter *quick, const struct event_filter *filter, struct arena *arena)
{
    struct reading r = {.arena = arena};
    *quick = (struct quick_filter){0};
    bool plain =
        filter->has_find ? add_filter(&r, &filter->find) : !filter->object.size || add_object(&r, filter->object);
    if (r.failed)
        return -ENOMEM;
    if (!plain)
        return 0;
    struct quick_condition *all = arena_get(arena, (r.count + 1) * sizeof *all);
    if (!all)
        return -ENOMEM;
    memcpy(all, r.all, r.count * sizeof *all);
    *quick = (struct quick_filter){.all = all, .count = r.count, .is_whole = true};
    return 0;
}

// ---- asking

static bool is_null(struct slice value)
{
    return !value.at || json_kind(value) == JSON_NULL;
}

static bool is_equal(struct slice operand, struct slice value)
{
    if (is_null(operand) || is_null(value))
        return is_null(operand) && is_null(value);
    if (json_kind(operand) != json_kind(value))
        return false;
    return slice_equal(operand, value) || (json_kind(value) == JSON_NUMBER && number_compare(operand, value) == 0);
}

static bool is_ordered(enum quick_operator op, struct slice operand, struct slice value)
{
    if (!value.at || json_kind(value) != JSON_NUMBER)
        return false;
    int order = number_compare(value, operand);
    return op == QUICK_LESS         ? order < 0
           : op == QUICK_LESS_EQUAL ? order <= 0
           : op == QUICK_GREATER    ? order > 0
                                    : order >= 0;
}

static int condition_holds(const struct quick_condition *c, const struct fields *fields)
{
    const struct field *field = fields_find(fields, c->key);
    struct slice value = field ? field->value : (struct slice){0};
    bool holds;
    // Any element of an array may match; an escape may stand for anything.
    if (value.at && !is_plain(value))
        return QUICK_UNKNOWN;
    if (c->op == QUICK_EXISTS)
        holds = !is_null(value);
    else if (c->op == QUICK_EQUAL)
        holds = is_equal(c->operand, value);
    else
        holds = is_ordered(c->op, c->operand, value);
    return holds != c->negated;
}

int quick_filter_holds(const struct quick_filter *quick, const struct fields *fields)
{
    int holds = quick->is_whole ? 1 : QUICK_UNKNOWN;
    for (size_t i = 0; holds == 1 && i < quick->count; i++)
        holds = condition_holds(&quick->all[i], fields);
    return holds;
}
