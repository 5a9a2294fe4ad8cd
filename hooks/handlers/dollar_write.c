// What `$` writes: create, update, delete, rollback, and every other verb.
#include "hooks/handlers/dollar.h"
#include "hooks/handlers/verb.h"

#include "store/json.h"
#include "store/judge.h"
#include "store/spec.h"
#include "store/submission.h"

#include <errno.h>
#include <stdlib.h>

// ---- writing

// Adds the event of a type to an entity; `data` as it is written. False, with an exception, when it was refused.
static bool write_event(
    JSContext *context, struct slice noun, struct slice past, struct slice target, struct slice data, struct slice more)
{
    struct call *c = call_of(context);
    struct cascade *cascade = &c->handler->handlers->cascade;
    char text[NAME_TYPE_MAX];
    struct reason why = {0};
    struct submission s = {.kind = SUBMIT_EVENTS};
    struct draft draft = {.target = target, .actor = c->actor, .data = data};
    BYTES_AUTO type = {0};
    BYTES_AUTO metadata = {0};
    if (!c->writes) {
        JS_ThrowTypeError(context, "a handler that runs before its event only reads");
        return false;
    }
    bytes_printf(&type, "%.*s.%.*s", SLICE_ARG(noun), SLICE_ARG(past));
    bytes_printf(&metadata, "{%.*s\"cause\":\"%.*s\",\"handler\":", SLICE_ARG(more), SLICE_ARG(c->event_id));
    json_quote(&metadata, c->handler->stem);
    bytes_add_char(&metadata, '}');
    draft.metadata = bytes_slice(&metadata);
    int error =
        type.failed || metadata.failed ? -ENOMEM : name_read_type(bytes_slice(&type), target, text, &draft.type, &why);
    if (!error)
        error = cascade_enter(cascade, data.size, &why);
    if (error) {
        throw_refusal(context, error, &why);
        return false;
    }
    struct transaction_mark mark = transaction_mark(c->tx);
    machine_pause(context);
    error = judge_nested(c->tx, &s, &draft);
    if (error)
        transaction_undo_to(c->tx, &mark);
    machine_resume(context);
    cascade_leave(cascade);
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

JSValue dollar_create(JSContext *context, struct slice noun, JSValueConst value)
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

JSValue dollar_update(JSContext *context, struct slice noun, int count, JSValueConst *arguments)
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

JSValue dollar_delete(JSContext *context, struct slice noun, int count, JSValueConst *arguments)
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

JSValue dollar_do(JSContext *context, struct slice noun, struct slice verb, int count, JSValueConst *arguments)
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

JSValue dollar_rollback(JSContext *context, struct slice noun, int count, JSValueConst *arguments)
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
