#include "hooks/handlers/script.h"

#include <errno.h>
#include <stdlib.h>

// What comes before a text, so that a `function` at its beginning is an expression: a line of its own, which positions
// do not count.
#define LEAD      "0,\n"
#define LEAD_SIZE (sizeof LEAD - 1)

struct script {
    struct scripts *scripts;
    struct bytes name;
    struct bytes text; // LEAD, the text, a zero
    JSValue code[SCRIPT_LEVELS];
    uint64_t compiled[SCRIPT_LEVELS]; // on a machine of this generation; 0: not yet
};

struct scripts {
    struct machine machines[SCRIPT_LEVELS];
};

int scripts_open(struct scripts **opened, int (*prepare)(JSContext *context))
{
    struct scripts *scripts = calloc(1, sizeof *scripts);
    if (!scripts)
        return -ENOMEM;
    for (unsigned i = 0; i < SCRIPT_LEVELS; i++)
        machine_init(&scripts->machines[i], prepare);
    *opened = scripts;
    return 0;
}

void scripts_close(struct scripts *scripts)
{
    if (!scripts)
        return;
    for (unsigned i = 0; i < SCRIPT_LEVELS; i++)
        machine_switch_off(&scripts->machines[i]);
    free(scripts);
}

// ---- what went wrong

// Appends text in which `NAME:LINE:` tells the line of the saved text.
static void add_placed(struct bytes *out, struct slice name, const char *text)
{
    while (*text) {
        char *end;
        const char *at = memmem(text, strlen(text), name.at, name.size);
        const char *number = at ? at + name.size + 1 : NULL;
        unsigned long line = at && at[name.size] == ':' ? strtoul(number, &end, 10) : 0;
        if (!line || end == number) {
            size_t size = at ? (size_t)(at - text) + name.size : strlen(text);
            bytes_add(out, text, size);
            text += size;
            continue;
        }
        bytes_add(out, text, (size_t)(number - text));
        bytes_printf(out, "%lu", line > 1 ? line - 1 : 1);
        text = end;
    }
}

// Appends `KIND: MESSAGE`, and the stack below it, if there is one.
static void describe(JSContext *context, JSValueConst thrown, struct slice name, struct bytes *why, struct bytes *trace)
{
    const char *text = JS_ToCString(context, thrown);
    if (!text)
        JS_FreeValue(context, JS_GetException(context));
    BYTES_AUTO shown = {0};
    bytes_add_text(&shown, text ? text : "something that has no text was thrown");
    // Of an ordinary Error the message says it all.
    size_t kind = shown.size > 7 && !memcmp(shown.at, "Error: ", 7) ? 7 : 0;
    bytes_add(why, shown.at + kind, shown.size - kind);
    JS_FreeCString(context, text);
    bytes_add_slice(trace, bytes_slice(&shown));
    if (!JS_IsError(context, thrown))
        return;
    JSValue stack = JS_GetPropertyStr(context, thrown, "stack");
    const char *lines = JS_IsString(stack) ? JS_ToCString(context, stack) : NULL;
    if (lines && *lines) {
        bytes_add_char(trace, '\n');
        add_placed(trace, name, lines);
        while (trace->size && trace->at[trace->size - 1] == '\n')
            trace->size--;
    }
    JS_FreeCString(context, lines);
    JS_FreeValue(context, stack);
}

// ---- reading

// Behind white space and comments.
static const char *skip_blank(const char *at)
{
    for (;;) {
        at += strspn(at, " \t\r\n\v\f");
        if (!strncmp(at, "\xef\xbb\xbf", 3) || !strncmp(at, "\xc2\xa0", 2)) {
            at += *at == '\xef' ? 3 : 2;
        } else if (at[0] == '/' && at[1] == '/') {
            at += strcspn(at, "\r\n");
        } else if (at[0] == '/' && at[1] == '*') {
            const char *end = strstr(at + 2, "*/");
            if (!end)
                return at;
            at = end + 2;
        } else {
            return at;
        }
    }
}

// Is the text this function, but for what may stand around it?
static bool is_whole(JSContext *context, JSValueConst function, const char *text)
{
    size_t size;
    const char *source = JS_ToCStringLen(context, &size, function);
    const char *at = skip_blank(text);
    bool whole = source && !strncmp(at, source, size);
    JS_FreeCString(context, source);
    if (!whole)
        return false;
    at = skip_blank(at + size);
    return *skip_blank(*at == ';' ? at + 1 : at) == '\0';
}

#define ALONE "save the function alone, such as (deal, $) => { … }"

// `NAME:LINE:COLUMN: SyntaxError: …`; the place is the first one in the stack.
static int refuse_syntax(struct machine *m, struct slice name, struct reason *why)
{
    BYTES_AUTO said = {0};
    BYTES_AUTO trace = {0};
    JSValue thrown = JS_GetException(m->context);
    describe(m->context, thrown, name, &said, &trace);
    JS_FreeValue(m->context, thrown);
    bytes_add_char(&trace, '\0');
    if (said.failed || trace.failed)
        return -ENOMEM;
    const char *place = memmem(trace.at + said.size, trace.size - said.size, name.at, name.size);
    unsigned line = 1, column = 1;
    if (place)
        sscanf(place + name.size, ":%u:%u", &line, &column);
    return reason_set(why, -EINVAL, "%.*s:%u:%u: %.*s", SLICE_ARG(name), line, column, SLICE_ARG(bytes_slice(&said)));
}

static int compile(struct script *s, unsigned level, struct reason *why)
{
    struct machine *m = &s->scripts->machines[level];
    if (s->compiled[level] == m->generation)
        return 0;
    int error = machine_switch_on(m);
    if (error)
        return error;
    machine_allow_memory(m);
    // Both end with a zero.
    JSValue code =
        JS_Eval(m->context, s->text.at, s->text.size - 1, s->name.at, JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(code))
        return refuse_syntax(m, (struct slice){.at = s->name.at, .size = s->name.size - 1}, why);
    s->code[level] = code;
    s->compiled[level] = m->generation;
    return 0;
}

static int check(struct script *s, struct reason *why)
{
    static const struct machine_call nobody = {0};
    JSContext *context;
    const char *text = s->text.at + LEAD_SIZE;
    struct slice name = {.at = s->name.at, .size = s->name.size - 1};
    const char *begins = skip_blank(text);
    if (strlen(s->text.at) + 1 != s->text.size)
        return reason_set(why, -EINVAL, "%.*s: the text holds a zero byte", SLICE_ARG(name));
    if (!strncmp(begins, "import", 6) || !strncmp(begins, "export", 6))
        return reason_set(why, -EINVAL, "%.*s: imports and exports are not for handlers: " ALONE, SLICE_ARG(name));
    if (!*begins)
        return reason_set(why, -EINVAL, "%.*s: there is no function: " ALONE, SLICE_ARG(name));
    int error = compile(s, 0, why);
    if (!error)
        error = script_begin(s, 0, &nobody, &context);
    if (error)
        return error;
    JSValueConst function = machine_of(context)->function;
    // A class is a function, too, but none to call.
    if (!JS_IsFunction(context, function) || !strncmp(begins, "class", 5) || !is_whole(context, function, text))
        error = reason_set(why, -EINVAL, "%.*s: the text is not one function: " ALONE, SLICE_ARG(name));
    script_end(context);
    return error;
}

int script_read(struct scripts *scripts, struct slice name, struct slice text, struct script **read, struct reason *why)
{
    struct script *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->scripts = scripts;
    bytes_add_slice(&s->name, name);
    bytes_add_char(&s->name, '\0');
    bytes_add_text(&s->text, LEAD);
    bytes_add_slice(&s->text, text);
    bytes_add_char(&s->text, '\0');
    int error = s->name.failed || s->text.failed ? -ENOMEM : check(s, why);
    if (error) {
        script_free(s);
        return error;
    }
    *read = s;
    return 0;
}

void script_free(struct script *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < SCRIPT_LEVELS; i++)
        if (s->compiled[i] == s->scripts->machines[i].generation)
            JS_FreeValue(s->scripts->machines[i].context, s->code[i]);
    bytes_free(&s->name);
    bytes_free(&s->text);
    free(s);
}

// ---- calls

int script_begin(struct script *s, unsigned level, const struct machine_call *call, JSContext **context)
{
    struct machine *m = &s->scripts->machines[level];
    int error = compile(s, level, NULL);
    if (error)
        return error;
    machine_begin(m, call);
    // The function that the text is.
    m->function = JS_EvalFunction(m->context, JS_DupValue(m->context, s->code[level]));
    if (JS_IsException(m->function))
        JS_FreeValue(m->context, JS_GetException(m->context));
    *context = m->context;
    return 0;
}

// Runs what is pending until the promise is settled; its result, or the exception that it was rejected with.
static JSValue await(struct machine *m, JSValue promise)
{
    JSContext *context = m->context, *job_context;
    if (!JS_IsObject(promise) || (int)JS_PromiseState(context, promise) < 0)
        return promise;
    while (JS_PromiseState(context, promise) == JS_PROMISE_PENDING && !machine_is_over(m)) {
        int ran = JS_ExecutePendingJob(m->runtime, &job_context);
        if (ran < 0)
            JS_FreeValue(context, JS_GetException(context));
        if (ran == 0)
            break;
    }
    JSPromiseStateEnum state = JS_PromiseState(context, promise);
    JSValue result = state == JS_PROMISE_PENDING ? JS_UNDEFINED : JS_PromiseResult(context, promise);
    JS_FreeValue(context, promise);
    if (state == JS_PROMISE_REJECTED)
        return JS_Throw(context, result);
    if (state == JS_PROMISE_PENDING && !machine_broken_limit(m))
        return JS_ThrowTypeError(context, "the promise that it returned is still pending: nothing will settle it");
    return result;
}

int script_run(
    JSContext *context, unsigned count, JSValue *arguments, JSValue *result, struct bytes *why, struct bytes *trace)
{
    struct machine *m = machine_of(context);
    *result = JS_UNDEFINED;
    if (JS_IsFunction(context, m->function))
        *result = await(m, JS_Call(context, m->function, JS_UNDEFINED, (int)count, arguments));
    for (unsigned i = 0; i < count; i++)
        JS_FreeValue(context, arguments[i]);
    const char *limit = machine_broken_limit(m);
    JSValue thrown = JS_IsException(*result) ? JS_GetException(context) : JS_UNDEFINED;
    bool failed = limit || JS_IsException(*result);
    if (limit) {
        bytes_add_text(why, limit);
        bytes_add_text(trace, limit);
    } else if (failed) {
        describe(context, thrown, m->call.name, why, trace);
    }
    JS_FreeValue(context, thrown);
    if (failed) {
        JS_FreeValue(context, *result);
        *result = JS_UNDEFINED;
    }
    return failed ? -EPERM : 0;
}

void script_describe(JSContext *context, struct bytes *why, struct bytes *trace)
{
    JSValue thrown = JS_GetException(context);
    describe(context, thrown, machine_of(context)->call.name, why, trace);
    JS_FreeValue(context, thrown);
}

void script_end(JSContext *context)
{
    struct machine *m = machine_of(context);
    JS_FreeValue(context, m->function);
    m->function = JS_UNDEFINED;
    machine_end(m);
}
