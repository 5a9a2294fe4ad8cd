// `$`, through which a handler sees and changes its tenant: `$.Contact.create({…})`, `$.events.list({…})`.
#include "hooks/call.h"
#include "hooks/operators.h"
#include "hooks/verb.h"

#include "store/filter.h"
#include "store/json.h"
#include "store/judge.h"
#include "store/query.h"
#include "store/rejection.h"
#include "store/spec.h"
#include "store/submission.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define NOUN_MAX     60
#define LIST_DEFAULT 1000u

static struct call *call_of(JSContext *context)
{
    return script_context(context);
}

// ---- errors

// Throws what the store refused: an Error with the reason, and the name of the error as its `code`.
static JSValue throw_refusal(JSContext *context, int error, const struct reason *why)
{
    JSValue thrown = JS_NewError(context);
    const char *text = why && why->text[0] ? why->text : strerror(-error);
    JS_DefinePropertyValueStr(
        context, thrown, "message", JS_NewString(context, text), JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE);
    JS_DefinePropertyValueStr(context, thrown, "code", JS_NewString(context, rejection_error_name(error)),
        JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE | JS_PROP_ENUMERABLE);
    return JS_Throw(context, thrown);
}

static JSValue throw_missing(JSContext *context, struct slice noun, struct slice id)
{
    return JS_ThrowTypeError(context, "%.*s not found: %.*s", SLICE_ARG(noun), SLICE_ARG(id));
}

// ---- arguments

// The text of a value that is a string, with a zero behind it; false, with an exception, when it is none.
static bool take_text(JSContext *context, JSValueConst value, struct bytes *out)
{
    size_t size;
    const char *text = JS_ToCStringLen(context, &size, value);
    if (!text)
        return false;
    bytes_add(out, text, size);
    bytes_add_char(out, '\0');
    JS_FreeCString(context, text);
    if (out->failed)
        JS_ThrowOutOfMemory(context);
    else
        out->size--;
    return !out->failed;
}

// The text of a member; empty when it is undefined or null.
static bool take_member(JSContext *context, JSValueConst object, const char *name, struct bytes *out)
{
    if (!JS_IsObject(object))
        return true;
    JSValue value = JS_GetPropertyStr(context, object, name);
    if (JS_IsException(value))
        return false;
    // A Date says its moment as JSON does.
    JSValue to_iso = JS_IsObject(value) ? JS_GetPropertyStr(context, value, "toISOString") : JS_UNDEFINED;
    if (JS_IsFunction(context, to_iso)) {
        JSValue iso = JS_Call(context, to_iso, value, 0, NULL);
        JS_FreeValue(context, value);
        value = iso;
    }
    JS_FreeValue(context, to_iso);
    bool taken =
        !JS_IsException(value) && (JS_IsUndefined(value) || JS_IsNull(value) || take_text(context, value, out));
    JS_FreeValue(context, value);
    return taken;
}

// A whole number of at least 0; `number` stays as it is when there is none.
static bool take_number(JSContext *context, JSValueConst object, const char *name, uint64_t *number)
{
    if (!JS_IsObject(object))
        return true;
    JSValue value = JS_GetPropertyStr(context, object, name);
    int64_t n = 0;
    bool given = !JS_IsUndefined(value) && !JS_IsNull(value);
    bool taken = !JS_IsException(value) && (!given || JS_ToInt64(context, &n, value) == 0);
    JS_FreeValue(context, value);
    if (taken && n < 0) {
        JS_ThrowRangeError(context, "%s must not be negative", name);
        return false;
    }
    if (taken && given)
        *number = (uint64_t)n;
    return taken;
}

// Is the id one of the noun's?
static bool is_id_of(struct slice id, struct slice noun)
{
    if (!name_is_entity(id))
        return false;
    struct slice own = name_entity_noun(id);
    return own.size == noun.size && !strncasecmp(own.at, noun.at, noun.size);
}

// ---- states

void dollar_print_state(
    const struct state *state, struct slice entity, uint32_t version, int64_t updated_at_us, struct bytes *out)
{
    char when[WHEN_TEXT_MAX];
    bytes_printf(out, "{\"$id\":\"%.*s\",\"$type\":\"%.*s\",\"$version\":%u,\"$createdAt\":\"", SLICE_ARG(entity),
        SLICE_ARG(state->noun), version);
    bytes_add(out, when, when_print(when, state->created_at_us));
    bytes_add_text(out, "\",\"$updatedAt\":\"");
    bytes_add(out, when, when_print(when, updated_at_us));
    bytes_add_text(out, "\",\"$createdBy\":");
    json_quote(out, state->created_by);
    if (state->fields.size > 2) {
        bytes_add_char(out, ',');
        bytes_add(out, state->fields.at + 1, state->fields.size - 1);
    } else {
        bytes_add_char(out, '}');
    }
}

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
    dollar_print_state(state, name, version, head.last_at_us, out);
    return out->failed ? -ENOMEM : 1;
}

static JSValue read_entity(JSContext *context, struct slice name, const struct when *as_of)
{
    struct call *c = call_of(context);
    BYTES_AUTO json = {0};
    int found = print_entity(c->tx, name, 0, as_of, &json);
    if (found < 0)
        return throw_refusal(context, found, NULL);
    return found ? convert_read(context, &c->numbers, bytes_slice(&json)) : JS_NULL;
}

// ---- writing

// Adds the event of a type to an entity; `data` as it is written. False, with an exception, when it was refused.
static bool write_event(
    JSContext *context, struct slice noun, struct slice past, struct slice target, struct slice data, struct slice more)
{
    struct call *c = call_of(context);
    struct handlers *handlers = c->handler->handlers;
    char text[NAME_TYPE_MAX];
    struct reason why = {0};
    struct submission s = {.kind = SUBMIT_EVENTS};
    struct draft draft = {.target = target, .actor = c->actor, .data = data};
    BYTES_AUTO type = {0};
    BYTES_AUTO metadata = {0};
    struct slice stem;
    if (!c->writes) {
        JS_ThrowTypeError(context, "a handler that runs before its event only reads");
        return false;
    }
    hook_stem(&handler_kind, bytes_slice(&c->handler->name), &stem);
    bytes_printf(&type, "%.*s.%.*s", SLICE_ARG(noun), SLICE_ARG(past));
    bytes_printf(&metadata, "{%.*s\"cause\":\"%.*s\",\"handler\":", SLICE_ARG(more), SLICE_ARG(c->event_id));
    json_quote(&metadata, stem);
    bytes_add_char(&metadata, '}');
    draft.metadata = bytes_slice(&metadata);
    int error =
        type.failed || metadata.failed ? -ENOMEM : name_read_type(bytes_slice(&type), target, text, &draft.type, &why);
    if (!error)
        error = handlers_writes(handlers, data.size, &why);
    if (error) {
        throw_refusal(context, error, &why);
        return false;
    }
    struct transaction_mark mark = transaction_mark(c->tx);
    script_pause(context);
    error = judge_nested(c->tx, &s, &draft);
    if (error)
        transaction_undo_to(c->tx, &mark);
    script_resume(context);
    handlers_wrote(handlers);
    if (error)
        throw_refusal(context, error, &s.why);
    arena_free(&s.arena);
    bytes_free(&s.receipts);
    return !error;
}

// The members of an object that are fields: not those of the store's own, and not an `id` that names the entity.
struct fields_given {
    struct bytes json; // an object
    struct bytes id;   // that names the entity; empty: none does
};

static void free_given(struct fields_given *given)
{
    bytes_free(&given->json);
    bytes_free(&given->id);
}
#define GIVEN_AUTO __attribute__((cleanup(free_given))) struct fields_given

static void take_id(struct slice value, struct slice noun, struct bytes *id)
{
    BYTES_AUTO text = {0};
    if (json_kind(value) != JSON_STRING)
        return;
    json_decode(&text, value);
    if (is_id_of(bytes_slice(&text), noun)) {
        bytes_clear(id);
        bytes_add_slice(id, bytes_slice(&text));
    }
}

static bool take_fields(JSContext *context, JSValueConst value, struct slice noun, struct fields_given *given)
{
    BYTES_AUTO all = {0};
    if (JS_IsUndefined(value) || JS_IsNull(value)) {
        bytes_add_text(&given->json, "{}");
        return true;
    }
    if (!JS_IsObject(value) || JS_IsArray(context, value)) {
        JS_ThrowTypeError(context, "the fields of a %.*s are an object", SLICE_ARG(noun));
        return false;
    }
    if (convert_write(context, &call_of(context)->numbers, value, false, &all))
        return false;
    if (!all.size || json_kind(bytes_slice(&all)) != JSON_OBJECT) {
        JS_ThrowTypeError(context, "the fields of a %.*s are an object", SLICE_ARG(noun));
        return false;
    }
    struct json_cursor c = json_enter(bytes_slice(&all));
    char separator = '{';
    for (struct slice key, member; json_next_member(&c, &key, &member);) {
        if (json_key_is(key, "$id") || json_key_is(key, "id")) {
            size_t had = given->id.size;
            // `$id` names it before `id` does.
            if (!had || json_key_is(key, "$id"))
                take_id(member, noun, &given->id);
            if (key.at[1] == '$' || (!had && given->id.size))
                continue;
        } else if (key.at[1] == '$') {
            continue;
        }
        bytes_add_char(&given->json, separator);
        bytes_add_slice(&given->json, key);
        bytes_add_char(&given->json, ':');
        bytes_add_slice(&given->json, member);
        separator = ',';
    }
    bytes_add_text(&given->json, separator == '{' ? "{}" : "}");
    if (given->json.failed || given->id.failed) {
        JS_ThrowOutOfMemory(context);
        return false;
    }
    return true;
}

// A fresh id: the noun and the Sqid of tenant and position, which is no other entity's.
static int fresh_id(struct transaction *tx, struct slice noun, char out[static NAME_ENTITY_MAX], struct slice *id)
{
    uint64_t numbers[3] = {tx->tenant->number, tx->end.position + 1, 0};
    char sqid[SQID_TEXT_MAX];
    size_t size = name_fold_case(out, noun);
    out[size++] = '_';
    for (unsigned count = 2;; count = 3, numbers[2]++) {
        struct head head;
        STATE_AUTO state = NULL;
        size_t sqid_size = sqid_encode(tx->tenant->sqids, numbers, count, sqid);
        memcpy(out + size, sqid, sqid_size);
        *id = (struct slice){.at = out, .size = size + sqid_size};
        int error = transaction_peek(tx, *id, 0, &head, &state);
        if (error)
            return error == -ENOENT ? 0 : error;
    }
}

// Of a change of what stands: each new value as {"after":…}, so that no text is read as `A -> B`, and no object as a
// pair. With `only_changes`, without the fields that have that value already; *count says how many are left.
static int as_change(
    const struct state *state, struct slice fields, bool only_changes, struct bytes *out, unsigned *count)
{
    char separator = '{';
    struct json_cursor c = json_enter(fields);
    *count = 0;
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        struct slice current;
        BYTES_AUTO name = {0};
        json_decode(&name, key);
        bytes_add_char(&name, '\0');
        if (name.failed)
            return -ENOMEM;
        if (only_changes && json_member(state->fields, name.at, &current) && convert_same(current, value))
            continue;
        bytes_add_char(out, separator);
        bytes_add_slice(out, key);
        bytes_add_text(out, ":{\"after\":");
        bytes_add_slice(out, value);
        bytes_add_char(out, '}');
        separator = ',';
        ++*count;
    }
    bytes_add_text(out, separator == '{' ? "{}" : "}");
    return out->failed ? -ENOMEM : 0;
}

// ---- create, update, delete, and all other verbs

static JSValue create(JSContext *context, struct slice noun, JSValueConst value)
{
    GIVEN_AUTO given = {0};
    char name[NAME_ENTITY_MAX];
    struct call *c = call_of(context);
    if (!take_fields(context, value, noun, &given))
        return JS_EXCEPTION;
    struct slice id = bytes_slice(&given.id);
    int error = id.size ? 0 : fresh_id(c->tx, noun, name, &id);
    if (error)
        return throw_refusal(context, error, NULL);
    if (!write_event(context, noun, SLICE("Created"), id, bytes_slice(&given.json), (struct slice){0}))
        return JS_EXCEPTION;
    return read_entity(context, id, NULL);
}

// The two forms of a call: (id, fields), and (fields) with an id among them.
static bool take_target(
    JSContext *context, struct slice noun, int count, JSValueConst *arguments, struct fields_given *given)
{
    if (count && JS_IsString(arguments[0])) {
        BYTES_AUTO id = {0};
        if (!take_text(context, arguments[0], &id) ||
            !take_fields(context, count > 1 ? arguments[1] : JS_UNDEFINED, noun, given))
            return false;
        bytes_clear(&given->id);
        bytes_add_slice(&given->id, bytes_slice(&id));
        return true;
    }
    return take_fields(context, count ? arguments[0] : JS_UNDEFINED, noun, given);
}

static JSValue update(JSContext *context, struct slice noun, int count, JSValueConst *arguments)
{
    GIVEN_AUTO given = {0};
    BYTES_AUTO change = {0};
    STATE_AUTO state = NULL;
    struct head head;
    unsigned changes;
    if (!take_target(context, noun, count, arguments, &given))
        return JS_EXCEPTION;
    struct slice id = bytes_slice(&given.id);
    int error = is_id_of(id, noun) ? transaction_peek(call_of(context)->tx, id, 0, &head, &state) : -ENOENT;
    if (error == -ENOENT || (!error && (!state || !state->alive)))
        return throw_missing(context, noun, id);
    if (!error)
        error = as_change(state, bytes_slice(&given.json), true, &change, &changes);
    if (error)
        return throw_refusal(context, error, NULL);
    if (changes && !write_event(context, noun, SLICE("Updated"), id, bytes_slice(&change), (struct slice){0}))
        return JS_EXCEPTION;
    return read_entity(context, id, NULL);
}

static JSValue delete_entity(JSContext *context, struct slice noun, int count, JSValueConst *arguments)
{
    BYTES_AUTO id = {0};
    STATE_AUTO state = NULL;
    struct head head;
    if (!count || !take_text(context, arguments[0], &id))
        return count ? JS_EXCEPTION : JS_ThrowTypeError(context, "delete wants an id");
    struct slice name = bytes_slice(&id);
    int error = is_id_of(name, noun) ? transaction_peek(call_of(context)->tx, name, 0, &head, &state) : -ENOENT;
    if (error == -ENOENT || (!error && (!state || !state->alive)))
        return JS_FALSE;
    if (error)
        return throw_refusal(context, error, NULL);
    return write_event(context, noun, SLICE("Deleted"), name, SLICE("{}"), (struct slice){0}) ? JS_TRUE : JS_EXCEPTION;
}

// The past of a verb: as the spec declares it, or, where it says nothing of the noun, by rule. 0, or -ENOENT.
static int past_of(
    struct transaction *tx, struct slice noun, struct slice verb, char out[static VERB_MAX], struct slice *past)
{
    struct spec *spec;
    int error = transaction_spec(tx, &spec);
    if (error)
        return error;
    const struct noun *declared = spec_noun(spec, noun);
    const struct noun_verb *found = declared ? noun_find_action(declared, verb) : NULL;
    if (declared && !found)
        return -ENOENT;
    if (declared) {
        *past = found->event;
        return 0;
    }
    *past = (struct slice){.at = out, .size = verb_past(verb, out)};
    return past->size ? 0 : -ENOENT;
}

static JSValue do_verb(JSContext *context, struct slice noun, struct slice verb, int count, JSValueConst *arguments)
{
    GIVEN_AUTO given = {0};
    BYTES_AUTO change = {0};
    STATE_AUTO state = NULL;
    struct head head;
    char name[NAME_ENTITY_MAX], conjugated[VERB_MAX];
    struct slice past;
    unsigned changes;
    struct transaction *tx = call_of(context)->tx;
    int error = past_of(tx, noun, verb, conjugated, &past);
    if (error == -ENOENT)
        return JS_ThrowTypeError(context, "Unknown verb '%.*s' on %.*s", SLICE_ARG(verb), SLICE_ARG(noun));
    if (error)
        return throw_refusal(context, error, NULL);
    if (!take_target(context, noun, count, arguments, &given))
        return JS_EXCEPTION;
    struct slice id = bytes_slice(&given.id), data = bytes_slice(&given.json);
    if (id.size && !is_id_of(id, noun))
        return JS_ThrowTypeError(context, "%.*s is no id of a %.*s", SLICE_ARG(id), SLICE_ARG(noun));
    if (id.size)
        error = transaction_peek(tx, id, 0, &head, &state);
    else
        error = fresh_id(tx, noun, name, &id);
    if (error && error != -ENOENT)
        return throw_refusal(context, error, NULL);
    if (state && state->alive) {
        error = as_change(state, data, false, &change, &changes);
        if (error)
            return throw_refusal(context, error, NULL);
        data = bytes_slice(&change);
    }
    return write_event(context, noun, past, id, data, (struct slice){0}) ? read_entity(context, id, NULL)
                                                                         : JS_EXCEPTION;
}

// ---- reading

// `asOf` of the options; *as_of stays NULL when there is none.
static bool take_as_of(
    JSContext *context, JSValueConst options, struct bytes *text, struct when *when, const struct when **as_of)
{
    if (!take_member(context, options, "asOf", text))
        return false;
    if (!text->size)
        return true;
    if (when_parse(bytes_slice(text), when)) {
        JS_ThrowTypeError(context, "asOf: '%s' is no moment", text->at);
        return false;
    }
    if (when->kind == WHEN_AGO) {
        when->kind = WHEN_MOMENT;
        when->at_us = call_of(context)->at_us - when->ago_us;
    }
    *as_of = when;
    return true;
}

static JSValue get(JSContext *context, struct slice noun, int count, JSValueConst *arguments)
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
    struct bytes sort; // `value` or `-value`
};

static void end_search(struct search *s)
{
    bytes_free(&s->filter);
    bytes_free(&s->as_of_text);
    bytes_free(&s->sort);
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
        go_on = script_exhausted(s->context) ? -1 : look_at(s, (struct slice){.at = name, .size = size}, entity);
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
    // What is sorted is cut afterwards.
    bool cuts = !s->sort.size;
    if (cuts && s->skip) {
        s->skip--;
        return 1;
    }
    if (cuts && s->count == s->limit)
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
    JSValue helper = script_helper(context);
    JSValue arguments[] = {s->list, JS_DupValue(context, sort), JS_NewInt64(context, (int64_t)s->skip),
        s->limit == UINT64_MAX ? JS_UNDEFINED : JS_NewInt64(context, (int64_t)s->limit)};
    JSValue sorted = JS_Call(context, helper, JS_UNDEFINED, 4, arguments);
    for (unsigned i = 0; i < 4; i++)
        JS_FreeValue(context, arguments[i]);
    JS_FreeValue(context, helper);
    return sorted;
}

static JSValue find(JSContext *context, struct slice noun, int count, JSValueConst *arguments, bool one)
{
    __attribute__((cleanup(end_search))) struct search s = {
        .context = context, .noun = noun, .found = list_one, .limit = UINT64_MAX};
    JSValue sort =
        count > 1 && JS_IsObject(arguments[1]) ? JS_GetPropertyStr(context, arguments[1], "sort") : JS_UNDEFINED;
    if (JS_IsException(sort) || !begin_search(&s, count, arguments)) {
        JS_FreeValue(context, sort);
        return JS_EXCEPTION;
    }
    bool sorts = !JS_IsUndefined(sort) && !JS_IsNull(sort);
    if (sorts)
        bytes_add_char(&s.sort, '1');
    if (one && s.limit > 1)
        s.limit = 1;
    s.list = JS_NewArray(context);
    if (search_all(&s)) {
        JS_FreeValue(context, s.list);
        JS_FreeValue(context, sort);
        return JS_EXCEPTION;
    }
    JSValue list = sorts ? sort_list(&s, sort) : s.list;
    JS_FreeValue(context, sort);
    if (!one || JS_IsException(list))
        return list;
    JSValue first = JS_GetPropertyUint32(context, list, 0);
    JS_FreeValue(context, list);
    return JS_IsUndefined(first) ? JS_NULL : first;
}

static JSValue count_entities(JSContext *context, struct slice noun, int count, JSValueConst *arguments)
{
    __attribute__((cleanup(end_search))) struct search s = {
        .context = context, .noun = noun, .found = count_one, .limit = UINT64_MAX};
    if (!begin_search(&s, count, arguments) || search_all(&s))
        return JS_EXCEPTION;
    return JS_NewInt64(context, (int64_t)s.count);
}

// ---- rollback

// (id, {asOf}) or (id, version).
static bool take_moment(JSContext *context, JSValueConst value, struct bytes *text, struct when *when)
{
    const struct when *as_of = NULL;
    if (JS_IsNumber(value)) {
        bytes_add_char(text, 'v');
        if (!take_text(context, value, text))
            return false;
        if (when_parse(bytes_slice(text), when) || when->kind != WHEN_VERSION) {
            JS_ThrowTypeError(context, "rollback: %s is no version", text->at);
            return false;
        }
        return true;
    }
    if (!take_as_of(context, value, text, when, &as_of))
        return false;
    if (!as_of)
        JS_ThrowTypeError(context, "rollback wants an id and { asOf } or a version");
    return as_of;
}

static JSValue rollback(JSContext *context, struct slice noun, int count, JSValueConst *arguments)
{
    struct transaction *tx = call_of(context)->tx;
    BYTES_AUTO id = {0};
    BYTES_AUTO text = {0};
    BYTES_AUTO data = {0};
    BYTES_AUTO more = {0};
    STATE_AUTO state = NULL;
    STATE_AUTO then = NULL;
    struct head head;
    struct when when;
    uint32_t version;
    unsigned changes = 1;
    bool forever;
    if (count < 2)
        return JS_ThrowTypeError(context, "rollback wants an id and { asOf } or a version");
    if (!take_text(context, arguments[0], &id) || !take_moment(context, arguments[1], &text, &when))
        return JS_EXCEPTION;
    struct slice name = bytes_slice(&id);
    int error = is_id_of(name, noun) ? transaction_peek(tx, name, 0, &head, &state) : -ENOENT;
    if (error == -ENOENT || (!error && !state))
        return throw_missing(context, noun, name);
    if (!error)
        error = history_resolve(&tx->reader, head.id, &when, &version, &forever);
    if (!error)
        error = history_state(&tx->reader, head.id, version, &then);
    if (error == -ENOENT || (!error && !then->alive))
        return JS_ThrowTypeError(context, "%.*s had no state at %s", SLICE_ARG(name), text.at);
    if (!error && state->alive)
        error = state_difference(state, then->fields, &data, &changes);
    else if (!error)
        bytes_add_slice(&data, then->fields);
    if (error)
        return throw_refusal(context, error, NULL);
    bytes_add_text(&more, "\"rollbackTo\":");
    json_quote(&more, bytes_slice(&text));
    bytes_add_char(&more, ',');
    struct slice past = state->alive ? SLICE("Updated") : SLICE("Created");
    if (changes && !write_event(context, noun, past, name, bytes_slice(&data), bytes_slice(&more)))
        return JS_EXCEPTION;
    return read_entity(context, name, NULL);
}

// ---- $.Noun.verb(…)

static JSValue call_verb(
    JSContext *context, JSValueConst this, int count, JSValueConst *arguments, int magic, JSValue *data)
{
    BYTES_AUTO noun_text = {0};
    BYTES_AUTO verb_text = {0};
    (void)this, (void)magic;
    if (!take_text(context, data[0], &noun_text) || !take_text(context, data[1], &verb_text))
        return JS_EXCEPTION;
    struct slice noun = bytes_slice(&noun_text), verb = bytes_slice(&verb_text);
    if (slice_is(verb, "create"))
        return create(context, noun, count ? arguments[0] : JS_UNDEFINED);
    if (slice_is(verb, "get"))
        return get(context, noun, count, arguments);
    if (slice_is(verb, "find"))
        return find(context, noun, count, arguments, false);
    if (slice_is(verb, "findOne"))
        return find(context, noun, count, arguments, true);
    if (slice_is(verb, "count"))
        return count_entities(context, noun, count, arguments);
    if (slice_is(verb, "update"))
        return update(context, noun, count, arguments);
    if (slice_is(verb, "delete"))
        return delete_entity(context, noun, count, arguments);
    if (slice_is(verb, "rollback"))
        return rollback(context, noun, count, arguments);
    return do_verb(context, noun, verb, count, arguments);
}

// ---- $.events and $.status

// A condition of a filter of query/, its value encoded.
static void add_condition(struct bytes *filter, const char *key, const struct bytes *value, bool alternatives)
{
    if (!value->size)
        return;
    bytes_printf(filter, "%s%s=", filter->size ? "," : "", key);
    for (size_t i = 0; i < value->size; i++) {
        unsigned char c = (unsigned char)value->at[i];
        if (c < 0x20 || c == ',' || c == '/' || c == '%' || c == 0x7f || (c == '|' && !alternatives))
            bytes_printf(filter, "%%%02X", c);
        else
            bytes_add_char(filter, (char)c);
    }
}

struct listing {
    JSContext *context;
    JSValue list;
    uint64_t count, limit;
};

static int add_listed(struct listing *l, struct slice line)
{
    JSValue value = convert_read(l->context, &call_of(l->context)->numbers, line);
    if (JS_IsException(value) || JS_SetPropertyInt64(l->context, l->list, (int64_t)l->count, value) < 0)
        return -1;
    return ++l->count < l->limit;
}

static bool in_time(const struct filter *filter, int64_t at_us)
{
    return at_us >= filter->after_us && at_us < filter->before_us;
}

// The events of this transaction.
static int list_added(struct listing *l, const struct filter *filter)
{
    struct transaction *tx = call_of(l->context)->tx;
    int go_on = 1;
    for (size_t i = 0; go_on == 1 && i < tx->count; i++) {
        size_t at = filter->descending ? tx->count - 1 - i : i;
        struct event_row row;
        bool matches;
        int error = transaction_event(tx, tx->published.position + 1 + at, &row);
        if (!error)
            error = query_matches_row(filter, &row, &matches);
        if (error) {
            throw_refusal(l->context, error, NULL);
            return -1;
        }
        if (matches && in_time(filter, row.at_us))
            go_on = add_listed(l, row.line);
    }
    return go_on;
}

static int list_window(struct listing *l, struct query *q, uint64_t first, uint64_t last, uint64_t *next)
{
    struct transaction *tx = call_of(l->context)->tx;
    const struct query_match *matches;
    size_t count;
    int error = query_window(q, first, last, &matches, &count, next);
    BYTES_AUTO positions = {0};
    // What a window answers lives until the reader is used again.
    if (!error)
        bytes_add(&positions, matches, count * sizeof *matches);
    if (!error && positions.failed)
        error = -ENOMEM;
    int go_on = 1;
    for (size_t i = 0; !error && go_on == 1 && i < count; i++) {
        struct query_match match;
        struct event_row row;
        size_t at = q->filter->descending ? count - 1 - i : i;
        memcpy(&match, positions.at + at * sizeof match, sizeof match);
        error = match.damaged ? -EIO : history_event(&tx->reader, match.position, &row);
        if (!error)
            go_on = script_exhausted(l->context) ? -1 : add_listed(l, row.line);
    }
    if (error) {
        throw_refusal(l->context, error, NULL);
        return -1;
    }
    return go_on;
}

// Those that were committed before.
static int list_published(struct listing *l, const struct filter *filter)
{
    struct transaction *tx = call_of(l->context)->tx;
    struct query q;
    uint64_t first, last, next = 0;
    int go_on = 1;
    query_init(&q, &tx->reader, filter);
    int error = query_bounds(&q, &first, &last);
    uint64_t end = tx->bounded ? tx->horizon : tx->published.position;
    if (!error && last > end)
        last = end;
    if (error) {
        throw_refusal(l->context, error, NULL);
        go_on = -1;
    }
    // Windows from the end that the order begins at.
    while (go_on == 1 && first && first <= last) {
        uint64_t from = first, to = last;
        if (filter->descending && last - first >= QUERY_WINDOW)
            from = last - QUERY_WINDOW + 1;
        else if (last - first >= QUERY_WINDOW)
            to = first + QUERY_WINDOW - 1;
        go_on = script_exhausted(l->context) ? -1 : list_window(l, &q, from, to, &next);
        if (filter->descending) {
            last = from - 1;
        } else {
            first = next > to ? next : to + 1;
        }
    }
    query_close(&q);
    return go_on;
}

static JSValue list_events(JSContext *context, JSValueConst this, int count, JSValueConst *arguments)
{
    static const char *const keys[] = {"type", "entity", "target", "actor", "after", "before", "order"};
    JSValueConst options = count ? arguments[0] : JS_UNDEFINED;
    struct listing l = {.context = context, .limit = LIST_DEFAULT};
    BYTES_AUTO text = {0};
    FILTER_AUTO filter = {0};
    struct reason why = {0};
    (void)this;
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
        BYTES_AUTO value = {0};
        if (!take_member(context, options, keys[i], &value))
            return JS_EXCEPTION;
        add_condition(&text, i == 2 ? "entity" : keys[i], &value, i == 0);
    }
    if (!take_number(context, options, "limit", &l.limit))
        return JS_EXCEPTION;
    int error = filter_parse(&filter, FILTER_QUERY, text.size ? bytes_slice(&text) : SLICE("order=asc"), &why);
    if (error)
        return throw_refusal(context, error == -ENOENT ? -EINVAL : error, &why);
    l.list = JS_NewArray(context);
    if (!l.limit)
        return l.list;
    int go_on = filter.descending ? list_added(&l, &filter) : list_published(&l, &filter);
    if (go_on == 1)
        go_on = filter.descending ? list_published(&l, &filter) : list_added(&l, &filter);
    if (go_on < 0) {
        JS_FreeValue(context, l.list);
        return JS_EXCEPTION;
    }
    return l.list;
}

// ---- the objects

static JSClassID dollar_class, noun_class;
static pthread_once_t classes_made = PTHREAD_ONCE_INIT;

static void make_classes(void)
{
    JS_NewClassID(&dollar_class);
    JS_NewClassID(&noun_class);
}

// A member that every object has, or that is looked for to see what an object is.
static bool is_common(const char *name)
{
    static const char *const common[] = {
        "then", "toJSON", "toString", "valueOf", "constructor", "toISOString", "length", "prototype", "__proto__"};
    for (unsigned i = 0; i < sizeof common / sizeof *common; i++)
        if (!strcmp(name, common[i]))
            return true;
    return !isalpha((unsigned char)name[0]) || strlen(name) > NOUN_MAX;
}

static JSValue get_verb(JSContext *context, JSValueConst object, JSAtom atom, JSValueConst receiver)
{
    (void)receiver;
    JSValue name = JS_AtomToValue(context, atom);
    const char *text = JS_IsString(name) ? JS_ToCString(context, name) : NULL;
    JSValue result = JS_UNDEFINED;
    if (text && !is_common(text)) {
        // The noun is in the list of own values behind the object.
        JSValueConst noun = *(JSValue *)JS_GetOpaque(object, noun_class);
        JSValue data[] = {noun, name};
        result = JS_NewCFunctionData(context, call_verb, 2, 0, 2, data);
    }
    JS_FreeCString(context, text);
    JS_FreeValue(context, name);
    return result;
}

static JSValue status(JSContext *context, JSValueConst this, int count, JSValueConst *arguments)
{
    (void)this, (void)count, (void)arguments;
    JSValue result = JS_NewObject(context);
    JS_SetPropertyStr(context, result, "alerts", JS_NewArray(context));
    JS_SetPropertyStr(context, result, "metrics", JS_NewObject(context));
    return result;
}

static JSValue get_noun(JSContext *context, JSValueConst object, JSAtom atom, JSValueConst receiver)
{
    (void)object, (void)receiver;
    struct call *c = call_of(context);
    JSValue name = JS_AtomToValue(context, atom);
    const char *text = JS_IsString(name) ? JS_ToCString(context, name) : NULL;
    JSValue result = JS_UNDEFINED;
    if (text && !strcmp(text, "event")) {
        if (JS_IsUndefined(c->event_value))
            c->event_value = convert_read(context, &c->numbers, c->event);
        result = JS_DupValue(context, c->event_value);
    } else if (text && !strcmp(text, "events")) {
        result = JS_NewObject(context);
        JS_SetPropertyStr(context, result, "list", JS_NewCFunction(context, list_events, "list", 1));
    } else if (text && !strcmp(text, "status")) {
        result = JS_NewCFunction(context, status, "status", 0);
    } else if (text && !is_common(text)) {
        result = JS_NewObjectClass(context, (int)noun_class);
        JSValue *noun = JS_IsException(result) ? NULL : js_malloc(context, sizeof *noun);
        if (noun) {
            *noun = JS_DupValue(context, name);
            JS_SetOpaque(result, noun);
        } else if (!JS_IsException(result)) {
            JS_FreeValue(context, result);
            result = JS_EXCEPTION;
        }
    }
    JS_FreeCString(context, text);
    JS_FreeValue(context, name);
    return result;
}

static int refuse_set(
    JSContext *context, JSValueConst object, JSAtom atom, JSValueConst value, JSValueConst receiver, int flags)
{
    (void)object, (void)atom, (void)value, (void)receiver, (void)flags;
    JS_ThrowTypeError(context, "$ cannot be changed");
    return -1;
}

static void free_noun(JSRuntime *runtime, JSValue object)
{
    JSValue *noun = JS_GetOpaque(object, noun_class);
    if (noun) {
        JS_FreeValueRT(runtime, *noun);
        js_free_rt(runtime, noun);
    }
}

int dollar_prepare(JSContext *context)
{
    static JSClassExoticMethods dollar_methods = {.get_property = get_noun, .set_property = refuse_set};
    static JSClassExoticMethods noun_methods = {.get_property = get_verb, .set_property = refuse_set};
    static const JSClassDef dollar_def = {.class_name = "$", .exotic = &dollar_methods};
    static const JSClassDef noun_def = {.class_name = "Noun", .exotic = &noun_methods, .finalizer = free_noun};
    pthread_once(&classes_made, make_classes);
    JSRuntime *runtime = JS_GetRuntime(context);
    if (JS_NewClass(runtime, dollar_class, &dollar_def) || JS_NewClass(runtime, noun_class, &noun_def))
        return -ENOMEM;
    JS_SetClassProto(context, dollar_class, JS_NULL);
    JS_SetClassProto(context, noun_class, JS_NULL);
    return 0;
}

JSValue dollar_new(JSContext *context)
{
    return JS_NewObjectClass(context, (int)dollar_class);
}
