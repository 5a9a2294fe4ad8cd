#include "hooks/handlers/argument.h"

#include "store/name.h"
#include "store/rejection.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

// ---- errors

// Throws what the store refused: an Error with the reason, and the name of the error as its `code`.
JSValue throw_refusal(JSContext *context, int error, const struct reason *why)
{
    JSValue thrown = JS_NewError(context);
    const char *text = why && why->text[0] ? why->text : strerror(-error);
    JS_DefinePropertyValueStr(
        context, thrown, "message", JS_NewString(context, text), JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE);
    JS_DefinePropertyValueStr(context, thrown, "code", JS_NewString(context, rejection_error_name(error)),
        JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE | JS_PROP_ENUMERABLE);
    return JS_Throw(context, thrown);
}

JSValue throw_missing(JSContext *context, struct slice noun, struct slice id)
{
    return JS_ThrowTypeError(context, "%.*s not found: %.*s", SLICE_ARG(noun), SLICE_ARG(id));
}

// ---- arguments

// The text of a value that is a string, with a zero behind it; false, with an exception, when it is none.
bool take_text(JSContext *context, JSValueConst value, struct bytes *out)
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
bool take_member(JSContext *context, JSValueConst object, const char *name, struct bytes *out)
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
bool take_number(JSContext *context, JSValueConst object, const char *name, uint64_t *number)
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
bool is_id_of(struct slice id, struct slice noun)
{
    if (!name_is_entity(id))
        return false;
    struct slice own = name_entity_noun(id);
    return own.size == noun.size && !strncasecmp(own.at, noun.at, noun.size);
}

// `asOf` of the options; *as_of stays NULL when there is none.
bool take_as_of(
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
