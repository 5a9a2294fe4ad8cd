// `$`, through which a handler sees and changes its tenant: `$.Contact.create({…})`, `$.events.list({…})`.
#include "hooks/handlers/dollar.h"

#include "hooks/hooks.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>

#define NOUN_MAX 60

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
        return dollar_create(context, noun, count ? arguments[0] : JS_UNDEFINED);
    if (slice_is(verb, "get"))
        return dollar_get(context, noun, count, arguments);
    if (slice_is(verb, "find"))
        return dollar_find(context, noun, count, arguments, false);
    if (slice_is(verb, "findOne"))
        return dollar_find(context, noun, count, arguments, true);
    if (slice_is(verb, "count"))
        return dollar_count(context, noun, count, arguments);
    if (slice_is(verb, "update"))
        return dollar_update(context, noun, count, arguments);
    if (slice_is(verb, "delete"))
        return dollar_delete(context, noun, count, arguments);
    if (slice_is(verb, "rollback"))
        return dollar_rollback(context, noun, count, arguments);
    return dollar_do(context, noun, verb, count, arguments);
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
    struct call *c = call_of(context);
    BYTES_AUTO shown = {0};
    hooks_show_running(c->tx->tenant, &shown);
    return shown.failed ? JS_ThrowOutOfMemory(context) : convert_read(context, &c->numbers, bytes_slice(&shown));
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
        JS_SetPropertyStr(context, result, "list", JS_NewCFunction(context, dollar_list_events, "list", 1));
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
