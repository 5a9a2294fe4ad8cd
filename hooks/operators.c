#include "hooks/operators.h"

#include "store/json.h"
#include "store/number.h"
#include "store/when.h"

#include <errno.h>

#define DEPTH_MAX 50u

struct matching {
    const struct operators *operators;
    struct reason *why;
    unsigned depth;
    bool checks; // only the filter is looked at, all of it
};

static int match_filter(struct matching *m, struct slice filter, struct slice object);
static int match_condition(struct matching *m, struct slice condition, struct slice path, struct slice object);

// All of them must hold: is the next one to be looked at?
static bool goes_on(const struct matching *m, int matched)
{
    return matched == 1 || (matched == 0 && m->checks);
}

// ---- values; .at is NULL for a field that is missing

static bool is_null(struct slice value)
{
    return !value.at || json_kind(value) == JSON_NULL;
}

static int negated(int matched)
{
    return matched < 0 ? matched : !matched;
}

// The text of a string, decoded.
static struct slice text_of(struct slice string, struct bytes *out)
{
    json_decode(out, string);
    return bytes_slice(out);
}

// {"$regex":…} and nothing else but its flags.
static bool is_pattern(struct slice value)
{
    struct slice pattern;
    return json_kind(value) == JSON_OBJECT && json_member(value, "$regex", &pattern);
}

// -1, 0, 1 as a and b compare; false when they are of different types, or of one that has no order.
static bool compare(struct slice a, struct slice b, int *order)
{
    if (!a.at || json_kind(a) != json_kind(b))
        return false;
    if (json_kind(a) == JSON_NUMBER) {
        *order = number_compare(a, b);
        return true;
    }
    if (json_kind(a) != JSON_STRING)
        return false;
    BYTES_AUTO a_text = {0};
    BYTES_AUTO b_text = {0};
    struct slice left = text_of(a, &a_text), right = text_of(b, &b_text);
    int64_t left_us, right_us;
    if (when_parse_moment(left, &left_us) == 0 && when_parse_moment(right, &right_us) == 0) {
        *order = (left_us > right_us) - (left_us < right_us);
        return true;
    }
    *order = slice_compare(left, right);
    return true;
}

// ---- one value, without looking into arrays

static int match_regex(struct matching *m, struct slice pattern, struct slice flags, struct slice value)
{
    BYTES_AUTO pattern_text = {0};
    BYTES_AUTO flags_text = {0};
    BYTES_AUTO text = {0};
    if (json_kind(pattern) != JSON_STRING)
        return reason_set(m->why, -EINVAL, "$regex wants a string or a RegExp");
    if (m->checks || !value.at || json_kind(value) != JSON_STRING)
        return 0;
    if (flags.at)
        json_decode(&flags_text, flags);
    return m->operators->regex(m->operators->context, text_of(pattern, &pattern_text), bytes_slice(&flags_text),
        text_of(value, &text), m->why);
}

static int match_pattern(struct matching *m, struct slice pattern, struct slice value)
{
    struct slice source = {0}, flags = {0};
    json_member(pattern, "$regex", &source);
    if (!json_member(pattern, "$flags", &flags))
        json_member(pattern, "$options", &flags);
    return match_regex(m, source, flags, value);
}

static int equal_one(struct matching *m, struct slice operand, struct slice value)
{
    if (is_pattern(operand))
        return match_pattern(m, operand, value);
    if (is_null(operand))
        return is_null(value);
    return value.at && json_equal(operand, value);
}

static int in_one(struct matching *m, struct slice list, struct slice value)
{
    struct json_cursor c = json_enter(list);
    for (struct slice operand; json_next_element(&c, &operand);) {
        int matched = equal_one(m, operand, value);
        if (matched < 0 || (matched && !m->checks))
            return matched;
    }
    return 0;
}

enum ordering { GT, GTE, LT, LTE };

static int ordered_one(enum ordering ordering, struct slice operand, struct slice value)
{
    int order;
    if (!compare(value, operand, &order))
        return 0;
    switch (ordering) {
    case GT:
        return order > 0;
    case GTE:
        return order >= 0;
    case LT:
        return order < 0;
    default:
        return order <= 0;
    }
}

static int gt(struct matching *m, struct slice operand, struct slice value)
{
    (void)m;
    return ordered_one(GT, operand, value);
}

static int gte(struct matching *m, struct slice operand, struct slice value)
{
    (void)m;
    return ordered_one(GTE, operand, value);
}

static int lt(struct matching *m, struct slice operand, struct slice value)
{
    (void)m;
    return ordered_one(LT, operand, value);
}

static int lte(struct matching *m, struct slice operand, struct slice value)
{
    (void)m;
    return ordered_one(LTE, operand, value);
}

static int present(struct matching *m, struct slice operand, struct slice value)
{
    (void)m, (void)operand;
    return !is_null(value);
}

// ---- paths, which lead through arrays to each of their elements

typedef int match_one(struct matching *m, struct slice operand, struct slice value);

// An array matches as a whole, or by any of its elements.
static int any(struct matching *m, match_one *one, struct slice operand, struct slice value)
{
    int matched = one(m, operand, value);
    if (matched || !value.at || json_kind(value) != JSON_ARRAY)
        return matched;
    struct json_cursor c = json_enter(value);
    for (struct slice element; !matched && json_next_element(&c, &element);)
        matched = one(m, operand, element);
    return matched;
}

static int match_path(struct matching *m, struct slice path, match_one *one, struct slice operand, struct slice value)
{
    if (!path.size)
        return any(m, one, operand, value);
    struct slice next = {0};
    if (value.at && json_kind(value) == JSON_ARRAY) {
        struct json_cursor c = json_enter(value);
        int matched = 0;
        for (struct slice element; !matched && json_next_element(&c, &element);)
            if (json_kind(element) == JSON_OBJECT)
                matched = match_path(m, path, one, operand, element);
        return matched;
    }
    const char *dot = memchr(path.at, '.', path.size);
    size_t size = dot ? (size_t)(dot - path.at) : path.size;
    struct slice rest = {.at = path.at + size + (dot ? 1 : 0), .size = path.size - size - (dot ? 1 : 0)};
    BYTES_AUTO name = {0};
    bytes_add(&name, path.at, size);
    bytes_add_char(&name, '\0');
    if (name.failed)
        return -ENOMEM;
    if (value.at && json_kind(value) == JSON_OBJECT && !json_member(value, name.at, &next))
        next = (struct slice){0};
    return match_path(m, rest, one, operand, next);
}

// ---- conditions on what a path leads to

static int not(struct matching * m, struct slice operand, struct slice path, struct slice object)
{
    if (json_kind(operand) != JSON_OBJECT)
        return reason_set(m->why, -EINVAL, "$not wants an object of operators, or a RegExp");
    return negated(match_condition(m, operand, path, object));
}

static int match_operator(struct matching *m, struct slice name, struct slice operand, struct slice whole,
    struct slice path, struct slice object)
{
    static const struct {
        const char *name;
        match_one *one;
        bool negated, wants_list;
    } all[] = {
        {"$eq", equal_one, false, false},
        {"$ne", equal_one, true, false},
        {"$in", in_one, false, true},
        {"$nin", in_one, true, true},
        {"$gt", gt, false, false},
        {"$gte", gte, false, false},
        {"$lt", lt, false, false},
        {"$lte", lte, false, false},
    };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        if (!json_key_is(name, all[i].name))
            continue;
        if (all[i].wants_list && json_kind(operand) != JSON_ARRAY)
            return reason_set(m->why, -EINVAL, "%s wants an array", all[i].name);
        int matched = match_path(m, path, all[i].one, operand, object);
        return all[i].negated ? negated(matched) : matched;
    }
    if (json_key_is(name, "$exists")) {
        enum json_kind kind = json_kind(operand);
        if (kind != JSON_TRUE && kind != JSON_FALSE)
            return reason_set(m->why, -EINVAL, "$exists wants true or false");
        int there = match_path(m, path, present, operand, object);
        return kind == JSON_TRUE ? there : negated(there);
    }
    if (json_key_is(name, "$not"))
        return not(m, operand, path, object);
    if (json_key_is(name, "$regex"))
        return match_path(m, path, match_pattern, is_pattern(operand) ? operand : whole, object);
    // Beside $regex only.
    if ((json_key_is(name, "$flags") || json_key_is(name, "$options")) && is_pattern(whole))
        return 1;
    return reason_set(m->why, -EINVAL, "unknown operator %.*s", (int)(name.size < 60 ? name.size : 60), name.at);
}

static bool has_operators(struct slice condition)
{
    struct slice key, operand;
    if (json_kind(condition) != JSON_OBJECT)
        return false;
    struct json_cursor c = json_enter(condition);
    return json_next_member(&c, &key, &operand) && key.at[1] == '$';
}

// All operators of a condition, or equality.
static int match_condition(struct matching *m, struct slice condition, struct slice path, struct slice object)
{
    if (!has_operators(condition))
        return match_path(m, path, equal_one, condition, object);
    if (++m->depth > DEPTH_MAX)
        return reason_set(m->why, -EINVAL, "the filter is nested too deeply");
    int matched = 1;
    struct json_cursor c = json_enter(condition);
    for (struct slice key, operand; goes_on(m, matched) && json_next_member(&c, &key, &operand);)
        matched = match_operator(m, key, operand, condition, path, object);
    m->depth--;
    return matched;
}

// ---- filters

static int match_list(struct matching *m, struct slice list, bool all, struct slice object)
{
    if (json_kind(list) != JSON_ARRAY)
        return reason_set(m->why, -EINVAL, "%s wants an array of filters", all ? "$and" : "$or");
    struct json_cursor c = json_enter(list);
    for (struct slice filter; json_next_element(&c, &filter);) {
        int matched = match_filter(m, filter, object);
        if (matched < 0 || (matched != all && !m->checks))
            return matched;
    }
    return all;
}

// `$id`, `$type` … are fields like others.
static bool is_field(struct slice name)
{
    static const char *const own[] = {"$id", "$type", "$version", "$createdAt", "$updatedAt", "$createdBy"};
    if (!name.size || name.at[0] != '$')
        return true;
    for (unsigned i = 0; i < sizeof own / sizeof *own; i++)
        if (slice_is(name, own[i]))
            return true;
    return false;
}

static int match_member(struct matching *m, struct slice key, struct slice condition, struct slice object)
{
    if (json_key_is(key, "$and") || json_key_is(key, "$or"))
        return match_list(m, condition, json_key_is(key, "$and"), object);
    BYTES_AUTO path = {0};
    json_decode(&path, key);
    if (path.failed)
        return -ENOMEM;
    if (!is_field(bytes_slice(&path)))
        return reason_set(m->why, -EINVAL, "unknown operator %.*s", (int)(path.size < 60 ? path.size : 60), path.at);
    return match_condition(m, condition, bytes_slice(&path), object);
}

static int match_filter(struct matching *m, struct slice filter, struct slice object)
{
    if (json_kind(filter) != JSON_OBJECT)
        return reason_set(m->why, -EINVAL, "a filter is an object such as { stage: 'Lead' }");
    if (++m->depth > DEPTH_MAX)
        return reason_set(m->why, -EINVAL, "the filter is nested too deeply");
    int matched = 1;
    struct json_cursor c = json_enter(filter);
    for (struct slice key, condition; goes_on(m, matched) && json_next_member(&c, &key, &condition);)
        matched = match_member(m, key, condition, object);
    m->depth--;
    return matched;
}

int operators_match(const struct operators *operators, struct slice filter, struct slice object, struct reason *why)
{
    struct matching m = {.operators = operators, .why = why};
    return match_filter(&m, filter, object);
}

int operators_check(const struct operators *operators, struct slice filter, struct reason *why)
{
    struct matching m = {.operators = operators, .why = why, .checks = true};
    int matched = match_filter(&m, filter, SLICE("{}"));
    return matched < 0 ? matched : 0;
}
