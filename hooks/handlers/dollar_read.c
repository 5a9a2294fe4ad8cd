// What `$` reads: get, find, findOne, count.
#include "hooks/handlers/dollar.h"
#include "hooks/operators.h"

#include "store/json.h"

#include <errno.h>
#include <stdlib.h>

// ---- states

// An entity as JSON: 1, 0 when it is not there (then), or -errno.
static int print_entity(
    struct transaction *tx, struct slice name, uint64_t id, const struct when *as_of, struct bytes *out)
{
    struct head head;
    STATE_AUTO state = NULL;
    uint32_t version;
    bool forever;
    int error = transaction_peek(tx, name, id, &head, &state);
    version = error ? 0 : head.version;
    if (!error && as_of) {
        struct when when = *as_of;
        uint32_t last = head.version;
        error = history_resolve(&tx->reader, head.id, &when, &version, &forever);
        if (tx->bounded && version > last)
            version = last;
        if (!error && !version)
            error = -ENOENT;
        state_drop(state);
        state = NULL;
        if (!error)
            error = history_state(&tx->reader, head.id, version, &state);
        struct chunk page;
        if (!error)
            error = history_page(&tx->reader, head.id, version, &page);
        if (!error)
            head.last_at_us = page.events[0].at_us;
    }
    if (error || !state || !state->alive)
        return error == -ENOENT ? 0 : error;
    state_line(state, name, version, head.last_at_us, out);
    return out->failed ? -ENOMEM : 1;
}

JSValue read_entity(JSContext *context, struct slice name, const struct when *as_of)
{
    struct call *c = call_of(context);
    BYTES_AUTO json = {0};
    int found = print_entity(c->tx, name, 0, as_of, &json);
    if (found < 0)
        return throw_refusal(context, found, NULL);
    return found ? convert_read(context, &c->numbers, bytes_slice(&json)) : JS_NULL;
}

// ---- reading

JSValue dollar_get(JSContext *context, struct slice noun, int count, JSValueConst *arguments)
{
    BYTES_AUTO id = {0};
    BYTES_AUTO text = {0};
    struct when when;
    const struct when *as_of = NULL;
    if (!count || JS_IsUndefined(arguments[0]) || JS_IsNull(arguments[0]))
        return JS_NULL;
    if (!take_text(context, arguments[0], &id))
        return JS_EXCEPTION;
    if (count > 1 && !take_as_of(context, arguments[1], &text, &when, &as_of))
        return JS_EXCEPTION;
    return is_id_of(bytes_slice(&id), noun) ? read_entity(context, bytes_slice(&id), as_of) : JS_NULL;
}

// An expression as JavaScript has it; the last one is kept compiled.
static int match_regex(void *opaque, struct slice pattern, struct slice flags, struct slice text, struct reason *why)
{
    JSContext *context = opaque;
    struct call *c = call_of(context);
    BYTES_AUTO key = {0};
    (void)why;
    bytes_add_slice(&key, pattern);
    bytes_add_char(&key, '\0');
    bytes_add_slice(&key, flags);
    if (!slice_equal(bytes_slice(&key), bytes_slice(&c->pattern)) || JS_IsUndefined(c->regex)) {
        JSValue global = JS_GetGlobalObject(context);
        JSValue constructor = JS_GetPropertyStr(context, global, "RegExp");
        JSValue arguments[] = {JS_NewStringLen(context, pattern.at, pattern.size),
            JS_NewStringLen(context, flags.at ? flags.at : "", flags.size)};
        JS_FreeValue(context, c->regex);
        c->regex = JS_CallConstructor(context, constructor, 2, arguments);
        JS_FreeValue(context, arguments[0]);
        JS_FreeValue(context, arguments[1]);
        JS_FreeValue(context, constructor);
        JS_FreeValue(context, global);
        bytes_clear(&c->pattern);
        bytes_add_slice(&c->pattern, bytes_slice(&key));
        if (JS_IsException(c->regex)) {
            c->regex = JS_UNDEFINED;
            return -ECANCELED;
        }
    }
    JSValue argument = JS_NewStringLen(context, text.at, text.size);
    JSAtom test = JS_NewAtom(context, "test");
    JS_SetPropertyStr(context, c->regex, "lastIndex", JS_NewInt32(context, 0));
    JSValue found = JS_Invoke(context, c->regex, test, 1, &argument);
    JS_FreeAtom(context, test);
    JS_FreeValue(context, argument);
    if (JS_IsException(found))
        return -ECANCELED;
    int matched = JS_ToBool(context, found);
    JS_FreeValue(context, found);
    return matched;
}

// Goes through the entities of a noun that match.
struct search {
    JSContext *context;
    struct slice noun;
    struct bytes filter;
    struct bytes as_of_text;
    struct when when;
    const struct when *as_of;
    // Called with the JSON of each that matches: 1 to go on, 0 to end, -1 with an exception.
    int (*found)(struct search *search, struct slice json);
    uint64_t skip, limit, count;
    JSValue list;
    bool sorts; // then what is found is cut afterwards
};

static void end_search(struct search *s)
{
    bytes_free(&s->filter);
    bytes_free(&s->as_of_text);
}

static int look_at(struct search *s, struct slice name, uint64_t id)
{
    struct call *c = call_of(s->context);
    struct operators operators = {.regex = match_regex, .context = s->context};
    struct reason why = {0};
    BYTES_AUTO json = {0};
    if (!is_id_of(name, s->noun))
        return 1;
    int found = print_entity(c->tx, name, id, s->as_of, &json);
    if (found == 1)
        found = operators_match(&operators, bytes_slice(&s->filter), bytes_slice(&json), &why);
    else if (found == 0)
        return 1;
    if (found < 0) {
        if (found != -ECANCELED)
            throw_refusal(s->context, found, &why);
        return -1;
    }
    return found ? s->found(s, bytes_slice(&json)) : 1;
}

static int search_all(struct search *s)
{
    struct call *c = call_of(s->context);
    struct transaction *tx = c->tx;
    char name[NAME_ENTITY_MAX];
    size_t size;
    int go_on = 1, error = 0;
    for (uint64_t entity = 0; go_on == 1;) {
        error = history_entity_from(&tx->reader, entity + 1, &entity, name, &size);
        if (error)
            break;
        go_on = machine_exhausted(s->context) ? -1 : look_at(s, (struct slice){.at = name, .size = size}, entity);
    }
    // Those of the submission under way are not on disk.
    for (size_t i = tx->start.count; go_on == 1 && error == -ENOENT && i < tx->count; i++)
        // One that mkdir had reserved was among those on disk.
        if (tx->additions[i].version == 1 && !tx->additions[i].entity->reserved)
            go_on = look_at(s, entity_name(tx->additions[i].entity), tx->additions[i].entity->head.id);
    if (error && error != -ENOENT) {
        throw_refusal(s->context, error, NULL);
        return -1;
    }
    return go_on < 0 ? -1 : 0;
}

static bool begin_search(struct search *s, int count, JSValueConst *arguments)
{
    JSContext *context = s->context;
    static const struct operators none;
    struct reason why = {0};
    if (count && !JS_IsUndefined(arguments[0]) && !JS_IsNull(arguments[0])) {
        if (convert_write(context, &call_of(context)->numbers, arguments[0], true, &s->filter))
            return false;
    } else {
        bytes_add_text(&s->filter, "{}");
    }
    if (!s->filter.size) {
        JS_ThrowTypeError(context, "a filter is an object such as { stage: 'Lead' }");
        return false;
    }
    int error = operators_check(&none, bytes_slice(&s->filter), &why);
    if (error) {
        throw_refusal(context, error, &why);
        return false;
    }
    JSValueConst options = count > 1 ? arguments[1] : JS_UNDEFINED;
    return take_as_of(context, options, &s->as_of_text, &s->when, &s->as_of) &&
           take_number(context, options, "limit", &s->limit) && take_number(context, options, "offset", &s->skip);
}

static int count_one(struct search *s, struct slice json)
{
    (void)json;
    s->count++;
    return 1;
}

static int list_one(struct search *s, struct slice json)
{
    struct call *c = call_of(s->context);
    if (!s->sorts && s->skip) {
        s->skip--;
        return 1;
    }
    if (!s->sorts && s->count == s->limit)
        return 0;
    JSValue value = convert_read(s->context, &c->numbers, json);
    if (JS_IsException(value) || JS_SetPropertyInt64(s->context, s->list, (int64_t)s->count, value) < 0)
        return -1;
    s->count++;
    return 1;
}

// Sorted by the helper of the prelude: (list, sort, offset, limit).
static JSValue sort_list(struct search *s, JSValueConst sort)
{
    JSContext *context = s->context;
    JSValue helper = machine_helper(context);
    JSValue arguments[] = {s->list, JS_DupValue(context, sort), JS_NewInt64(context, (int64_t)s->skip),
        s->limit == UINT64_MAX ? JS_UNDEFINED : JS_NewInt64(context, (int64_t)s->limit)};
    JSValue sorted = JS_Call(context, helper, JS_UNDEFINED, 4, arguments);
    for (unsigned i = 0; i < 4; i++)
        JS_FreeValue(context, arguments[i]);
    JS_FreeValue(context, helper);
    return sorted;
}

JSValue dollar_find(JSContext *context, struct slice noun, int count, JSValueConst *arguments, bool one)
{
    __attribute__((cleanup(end_search))) struct search s = {
        .context = context, .noun = noun, .found = list_one, .limit = UINT64_MAX};
    JSValue sort =
        count > 1 && JS_IsObject(arguments[1]) ? JS_GetPropertyStr(context, arguments[1], "sort") : JS_UNDEFINED;
    if (JS_IsException(sort) || !begin_search(&s, count, arguments)) {
        JS_FreeValue(context, sort);
        return JS_EXCEPTION;
    }
    s.sorts = !JS_IsUndefined(sort) && !JS_IsNull(sort);
    if (one && s.limit > 1)
        s.limit = 1;
    s.list = JS_NewArray(context);
    if (search_all(&s)) {
        JS_FreeValue(context, s.list);
        JS_FreeValue(context, sort);
        return JS_EXCEPTION;
    }
    JSValue list = s.sorts ? sort_list(&s, sort) : s.list;
    JS_FreeValue(context, sort);
    if (!one || JS_IsException(list))
        return list;
    JSValue first = JS_GetPropertyUint32(context, list, 0);
    JS_FreeValue(context, list);
    return JS_IsUndefined(first) ? JS_NULL : first;
}

JSValue dollar_count(JSContext *context, struct slice noun, int count, JSValueConst *arguments)
{
    __attribute__((cleanup(end_search))) struct search s = {
        .context = context, .noun = noun, .found = count_one, .limit = UINT64_MAX};
    if (!begin_search(&s, count, arguments) || search_all(&s))
        return JS_EXCEPTION;
    return JS_NewInt64(context, (int64_t)s.count);
}
