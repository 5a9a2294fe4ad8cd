#include "store/tick.h"

#include "store/fields.h"
#include "store/json.h"
#include "store/number.h"

#include <errno.h>

#define SHOWN(s) (int)((s).size < 60 ? (s).size : 60), (s).at

enum action { SET, MERGE, APPEND, APPEND_UNIQUE, REMOVE, INCREMENT, DECREMENT, OPERATORS };

static const char *const action_names[OPERATORS] = {
    "set", "merge", "append", "append_unique", "remove", "increment", "decrement"};

struct operation {
    enum action action;
    struct slice target; // as it is written
    struct steps steps;
    const struct value *value; // NULL: none
    const struct value *where; // REMOVE: an object; NULL: none
};

struct tick {
    const struct operation *operations;
    uint32_t count;
};

struct reading {
    struct arena *arena;
    struct reason *why;
};

static int read_target(struct reading *r, struct slice value, const struct where *at, struct operation *o)
{
    if (json_kind(value) != JSON_STRING)
        return where_refuse(r->why, at, "must be a dotted path; \"\" is the whole state");
    int error = where_text(value, r->arena, &o->target);
    if (!error && o->target.size && (o->target.at[0] == '$' || o->target.at[0] == '@'))
        error = where_refuse(r->why, at, "names that begin with $ belong to the store, and a target has no @");
    return error ? error : steps_read(&o->steps, o->target, at, r->arena, r->why);
}

static int read_value(struct reading *r, struct slice json, const struct where *at, const struct value **read)
{
    struct value *value = arena_get(r->arena, sizeof *value);
    *read = value;
    return value ? value_read(value, json, at, r->arena, r->why) : -ENOMEM;
}

static int read_argument(
    struct reading *r, struct slice key, struct slice value, const struct where *above, struct operation *o)
{
    struct where at = {.above = above, .name = where_name(key)};
    if (json_key_is(key, "target"))
        return read_target(r, value, &at, o);
    if (json_key_is(key, "value"))
        return read_value(r, value, &at, &o->value);
    if (json_key_is(key, "where") && o->action == REMOVE)
        return json_kind(value) == JSON_OBJECT ? read_value(r, value, &at, &o->where)
                                               : where_refuse(r->why, &at, "must be an object of members to compare");
    return where_refuse(r->why, &at, "is not known: %s has target, value%s", action_names[o->action],
        o->action == REMOVE ? ", where" : "");
}

static int check_operation(struct reading *r, const struct operation *o, const struct where *at)
{
    bool counts = o->action == INCREMENT || o->action == DECREMENT;
    if (!o->target.at)
        return where_refuse(r->why, at, "target is missing");
    if (!o->value && !counts && o->action != REMOVE)
        return where_refuse(r->why, at, "value is missing");
    if (o->value && o->where)
        return where_refuse(r->why, at, "has value or where, not both");
    if (!o->steps.count && o->action != SET && o->action != MERGE)
        return where_refuse(r->why, at, "the whole state is an object: the target needs a name");
    if (counts && o->value && o->value->kind == VALUE_LITERAL && json_kind(o->value->text) != JSON_NUMBER)
        return where_refuse(r->why, at, "value is no number");
    if ((o->action == MERGE || (o->action == SET && !o->steps.count)) && o->value->kind != VALUE_PATH &&
        o->value->kind != VALUE_OBJECT && (o->value->kind == VALUE_ARRAY || json_kind(o->value->text) != JSON_OBJECT))
        return where_refuse(r->why, at, "value is no object");
    return 0;
}

static int read_operation(struct reading *r, struct slice value, const struct where *above, struct operation *o)
{
    *o = (struct operation){0};
    struct slice key, arguments;
    struct json_cursor c = json_enter(value);
    if (json_kind(value) != JSON_OBJECT || json_count(value) != 1)
        return where_refuse(r->why, above, "an operation is an object with one member such as {\"set\":{…}}");
    json_next_member(&c, &key, &arguments);
    struct where at = {.above = above, .name = where_name(key)};
    unsigned op = 0;
    while (op < OPERATORS && !json_key_is(key, action_names[op]))
        op++;
    if (op == OPERATORS)
        return where_refuse(r->why, &at, "is not known: set merge append append_unique remove increment decrement are");
    o->action = (enum action)op;
    if (json_kind(arguments) != JSON_OBJECT)
        return where_refuse(r->why, &at, "must be an object with target and value");
    c = json_enter(arguments);
    int error = 0;
    for (struct slice name, argument; !error && json_next_member(&c, &name, &argument);)
        error = read_argument(r, name, argument, &at, o);
    return error ? error : check_operation(r, o, &at);
}

int tick_read(
    const struct tick **tick, struct slice value, const struct where *above, struct arena *arena, struct reason *why)
{
    struct reading r = {.arena = arena, .why = why};
    bool several = json_kind(value) == JSON_ARRAY;
    size_t count = several ? json_count(value) : 1;
    struct tick *t = arena_get(arena, sizeof *t);
    struct operation *operations = arena_get(arena, count * sizeof *operations);
    if (!t || !operations)
        return -ENOMEM;
    *t = (struct tick){.operations = operations, .count = (uint32_t)count};
    *tick = t;
    if (!several)
        return read_operation(&r, value, above, operations);
    struct where at = {.above = above};
    struct json_cursor c = json_enter(value);
    int error = 0;
    for (struct slice element; !error && json_next_element(&c, &element); at.index++)
        error = read_operation(&r, element, &at, &operations[at.index]);
    return error;
}

// ---- changing the state

static void add_member(struct bytes *out, char *separator, struct slice key, struct slice value)
{
    bytes_add_char(out, *separator);
    bytes_add_slice(out, key);
    bytes_add_char(out, ':');
    bytes_add_slice(out, value);
    *separator = ',';
}

static void begin_member(struct bytes *out, char *separator, const char *name)
{
    bytes_add_char(out, *separator);
    json_quote(out, slice_of(name));
    bytes_add_char(out, ':');
    *separator = ',';
}

static void end_object(struct bytes *out, char separator)
{
    bytes_add_text(out, separator == '{' ? "{}" : "}");
}

// The object with `value` at the end of the steps (.at NULL: without what is there). False when an object is needed
// where something else is.
static bool put(struct slice object, const struct steps *steps, uint32_t step, struct slice value, struct bytes *out)
{
    bool last = step + 1 == steps->count, done = false;
    char separator = '{';
    struct json_cursor c = json_enter(object);
    for (struct slice key, member; json_next_member(&c, &key, &member);) {
        bool here = !done && json_key_is(key, steps->names[step]);
        done |= here;
        if (!here || (last && value.at))
            add_member(out, &separator, key, here ? value : member);
        if (!here || last)
            continue;
        if (json_kind(member) != JSON_OBJECT)
            return false;
        bytes_add_char(out, separator);
        bytes_add_slice(out, key);
        bytes_add_char(out, ':');
        separator = ',';
        if (!put(member, steps, step + 1, value, out))
            return false;
    }
    if (!done && value.at) {
        begin_member(out, &separator, steps->names[step]);
        if (last)
            bytes_add_slice(out, value);
        else
            put(SLICE("{}"), steps, step + 1, value, out);
    }
    end_object(out, separator);
    return true;
}

static int put_value(struct making *m, const struct operation *o, struct slice value, struct bytes *out)
{
    if (!put(m->state, &o->steps, 0, value, out))
        return making_misfits(m, "there is something else than an object on the way");
    return out->failed ? -ENOMEM : MAKING_FITS;
}

static void merge(struct slice into, struct slice from, struct bytes *out)
{
    FIELDS_AUTO fields = {0};
    int error = fields_read(&fields, into);
    struct json_cursor c = json_enter(from);
    for (struct slice key, member; !error && json_next_member(&c, &key, &member);)
        error = fields_set(&fields, key, member);
    if (error)
        out->failed = true;
    else
        fields_print(&fields, out);
}

static bool has_element(struct slice array, struct slice value)
{
    struct json_cursor c = json_enter(array);
    for (struct slice element; json_next_element(&c, &element);)
        if (json_equal(element, value))
            return true;
    return false;
}

static bool find_member(struct slice object, struct slice wanted, struct slice *value)
{
    struct json_cursor c = json_enter(object);
    for (struct slice key; json_next_member(&c, &key, value);)
        if (json_string_equal(key, wanted))
            return true;
    return false;
}

// Has an element all the members of an object, with equal values?
static bool has_members(struct slice element, struct slice members)
{
    struct json_cursor c = json_enter(members);
    for (struct slice key, value, found; json_next_member(&c, &key, &value);)
        if (json_kind(element) != JSON_OBJECT || !find_member(element, key, &found) || !json_equal(found, value))
            return false;
    return true;
}

static void append_element(struct slice array, struct slice value, struct bytes *out)
{
    char separator = '[';
    struct json_cursor c = json_enter(array);
    for (struct slice element; json_next_element(&c, &element);) {
        bytes_add_char(out, separator);
        bytes_add_slice(out, element);
        separator = ',';
    }
    bytes_add_char(out, separator);
    bytes_add_slice(out, value);
    bytes_add_char(out, ']');
}

static void remove_elements(struct slice array, struct slice value, bool by_members, struct bytes *out)
{
    char separator = '[';
    struct json_cursor c = json_enter(array);
    for (struct slice element; json_next_element(&c, &element);) {
        if (by_members ? has_members(element, value) : json_equal(element, value))
            continue;
        bytes_add_char(out, separator);
        bytes_add_slice(out, element);
        separator = ',';
    }
    bytes_add_text(out, separator == '[' ? "[]" : "]");
}

// What an operation makes of what is at its target (`now`, .at NULL when nothing is).
static int make_value(
    struct making *m, const struct operation *o, struct slice now, struct slice value, struct bytes *out)
{
    enum json_kind kind = now.at ? json_kind(now) : JSON_NULL;
    switch (o->action) {
    case SET:
        bytes_add_slice(out, value);
        break;
    case MERGE:
        if (json_kind(value) != JSON_OBJECT || (now.at && kind != JSON_OBJECT))
            return making_misfits(m, "only an object is merged into an object");
        merge(now.at ? now : SLICE("{}"), value, out);
        break;
    case APPEND:
    case APPEND_UNIQUE:
        if (now.at && kind != JSON_ARRAY)
            return making_misfits(m, "is no array to append to");
        if (o->action == APPEND_UNIQUE && now.at && has_element(now, value))
            return MAKING_LEFT_OUT;
        append_element(now.at ? now : SLICE("[]"), value, out);
        break;
    case REMOVE:
        if (!now.at)
            return MAKING_LEFT_OUT;
        if (kind != JSON_ARRAY)
            return making_misfits(m, "is no array to remove from");
        remove_elements(now, value, o->where != NULL, out);
        break;
    case INCREMENT:
    case DECREMENT:
        if ((now.at && kind != JSON_NUMBER) || json_kind(value) != JSON_NUMBER)
            return making_misfits(m, "only a number is added to a number");
        if (!number_add(out, now.at ? now : SLICE("0"), value, o->action == DECREMENT))
            return out->failed ? -ENOMEM : making_misfits(m, "the sum would have too many digits");
        break;
    case OPERATORS:
        break;
    }
    return out->failed ? -ENOMEM : MAKING_FITS;
}

static bool is_too_deep(struct slice value)
{
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < value.size; i++) {
        char c = value.at[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '[') && ++depth > TICK_DEPTH_MAX)
            return true;
        else if (!in_string && (c == '}' || c == ']'))
            depth--;
    }
    return false;
}

static int run_operation(struct making *m, const struct operation *o, struct bytes *out)
{
    BYTES_AUTO given = {0};
    BYTES_AUTO made = {0};
    struct slice now = {0};
    const struct value *value = o->where ? o->where : o->value;
    m->target = o->target;
    int fits = value ? value_make(value, m, &given) : MAKING_FITS;
    if (fits != MAKING_FITS)
        return fits;
    steps_follow(&o->steps, m->state, 0, &now);
    if (o->action == REMOVE && !value)
        return now.at ? put_value(m, o, (struct slice){0}, out) : MAKING_LEFT_OUT;
    if (!value)
        bytes_add_char(&given, '1');
    fits = make_value(m, o, now, bytes_slice(&given), &made);
    if (fits != MAKING_FITS)
        return fits;
    if (o->steps.count)
        fits = put_value(m, o, bytes_slice(&made), out);
    else if (json_kind(bytes_slice(&made)) != JSON_OBJECT)
        return making_misfits(m, "the whole state is an object");
    else
        bytes_add_slice(out, bytes_slice(&made));
    if (fits == MAKING_FITS && out->size > TICK_STATE_MAX)
        return making_misfits(m, "the state would become too large");
    if (fits == MAKING_FITS && is_too_deep(bytes_slice(out)))
        return making_misfits(m, "the state would become too deep");
    return out->failed ? -ENOMEM : fits;
}

int tick_run(
    const struct tick *t, struct slice fields, const struct event *event, struct bytes *out, struct reason *misfit)
{
    BYTES_AUTO now = {0};
    BYTES_AUTO next = {0};
    struct making run = {.event = event, .state = fields, .misfit = misfit};
    int fits = MAKING_FITS;
    for (uint32_t i = 0; i < t->count && fits >= 0; i++) {
        bytes_clear(&next);
        fits = run_operation(&run, &t->operations[i], &next);
        if (fits != MAKING_FITS)
            continue;
        struct bytes old = now;
        now = next;
        next = old;
        run.state = bytes_slice(&now);
    }
    bytes_free(&run.made);
    bytes_add_slice(out, run.state);
    return fits < 0 || out->failed ? -ENOMEM : 0;
}
