#include "hooks/script.h"

#include "hooks/prelude.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

// What comes before a text, so that a `function` at its beginning is an expression: a line of its own, which positions
// do not count.
#define LEAD      "0,\n"
#define LEAD_SIZE (sizeof LEAD - 1)

struct block {
    _Alignas(max_align_t) struct block *next;
    struct block **link;
};

struct machine {
    struct scripts *scripts;
    unsigned level;
    JSRuntime *runtime;
    JSContext *context;
    JSValue helper;
    uint32_t global_names; // as they were before any call
    size_t used_bytes;
    struct block *blocks;

    // of the call
    struct script_call own;
    JSValue function;
    size_t limit_bytes; // of used_bytes
    int64_t started_ns, left_ns;
    uint64_t dice;
    bool out_of_time, out_of_memory;
};

struct script {
    struct scripts *scripts;
    struct script *next, **link;
    struct bytes name;
    struct bytes text; // LEAD, the text, a zero
    JSValue code[SCRIPT_LEVELS];
    bool compiled[SCRIPT_LEVELS];
};

struct scripts {
    struct machine machines[SCRIPT_LEVELS];
    struct script *first;
    int (*prepare)(JSContext *context);
};

static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static struct machine *machine_of(JSContext *context)
{
    return JS_GetContextOpaque(context);
}

void *script_context(JSContext *context)
{
    return machine_of(context)->own.context;
}

const struct script_call *script_calling(JSContext *context)
{
    return &machine_of(context)->own;
}

// ---- memory: a call may take so much; past that every allocation fails, and the call with it. A machine's blocks are
// in a list, so that one that is thrown away, in whatever state a limit left it, is given back without asking it.

static struct block *block_of(const void *at)
{
    // The blocks are ours, whoever looks at them.
    return (struct block *)(uintptr_t)at - 1;
}

static size_t size_of(const void *at)
{
    return at ? malloc_usable_size(block_of(at)) - sizeof(struct block) : 0;
}

static bool may_take(struct machine *m, size_t size)
{
    bool may = size <= m->limit_bytes && m->used_bytes <= m->limit_bytes - size;
    m->out_of_memory = m->out_of_memory || !may;
    return may;
}

static void *enlist(struct machine *m, struct block *block)
{
    if (!block)
        return NULL;
    m->used_bytes += malloc_usable_size(block);
    block->next = m->blocks;
    block->link = &m->blocks;
    if (block->next)
        block->next->link = &block->next;
    m->blocks = block;
    return block + 1;
}

static void delist(struct machine *m, struct block *block)
{
    m->used_bytes -= malloc_usable_size(block);
    *block->link = block->next;
    if (block->next)
        block->next->link = block->link;
}

static void *take(JSMallocState *state, size_t size)
{
    struct machine *m = state->opaque;
    return may_take(m, size) ? enlist(m, malloc(sizeof(struct block) + size)) : NULL;
}

static void give(JSMallocState *state, void *at)
{
    if (!at)
        return;
    delist(state->opaque, block_of(at));
    free(block_of(at));
}

static void *retake(JSMallocState *state, void *at, size_t size)
{
    struct machine *m = state->opaque;
    size_t had = size_of(at);
    if (!at)
        return size ? take(state, size) : NULL;
    if (!size) {
        give(state, at);
        return NULL;
    }
    if (size > had && !may_take(m, size - had))
        return NULL;
    delist(m, block_of(at));
    struct block *moved = realloc(block_of(at), sizeof(struct block) + size);
    void *now = enlist(m, moved ? moved : block_of(at));
    // cppcheck-suppress memleak ; the list has it
    return moved ? now : NULL;
}

static void give_all(struct machine *m)
{
    while (m->blocks) {
        struct block *block = m->blocks;
        m->blocks = block->next;
        free(block);
    }
    m->used_bytes = 0;
}

// ---- time

static int interrupt(JSRuntime *runtime, void *opaque)
{
    struct machine *m = opaque;
    (void)runtime;
    if (cpu_ns() - m->started_ns > m->left_ns)
        m->out_of_time = true;
    return m->out_of_time || m->out_of_memory;
}

bool script_exhausted(JSContext *context)
{
    struct machine *m = machine_of(context);
    if (!interrupt(m->runtime, m))
        return false;
    JS_ThrowInternalError(context, "interrupted");
    return true;
}

JSValue script_helper(JSContext *context)
{
    return JS_DupValue(context, machine_of(context)->helper);
}

void script_pause(JSContext *context)
{
    struct machine *m = machine_of(context);
    m->left_ns -= cpu_ns() - m->started_ns;
}

void script_resume(JSContext *context)
{
    machine_of(context)->started_ns = cpu_ns();
}

// ---- machines

static JSValue clock_now(JSContext *context, JSValueConst this, int count, JSValueConst *arguments)
{
    (void)this, (void)count, (void)arguments;
    return JS_NewFloat64(context, (double)(machine_of(context)->own.now_us / 1000));
}

// splitmix64, and of its 64 bits the 53 that a number has.
static JSValue dice(JSContext *context, JSValueConst this, int count, JSValueConst *arguments)
{
    (void)this, (void)count, (void)arguments;
    uint64_t n = machine_of(context)->dice += UINT64_C(0x9e3779b97f4a7c15);
    n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
    n ^= n >> 31;
    return JS_NewFloat64(context, (double)(n >> 11) * 0x1p-53);
}

static JSValue log_line(JSContext *context, JSValueConst this, int count, JSValueConst *arguments, int error)
{
    const struct machine *m = machine_of(context);
    BYTES_AUTO line = {0};
    (void)this;
    for (int i = 0; i < count; i++) {
        JSValue shown = JS_UNDEFINED;
        // Objects as JSON; what has no JSON, as text.
        if (JS_IsObject(arguments[i]) && !JS_IsError(context, arguments[i]) && !JS_IsFunction(context, arguments[i]))
            shown = JS_JSONStringify(context, arguments[i], JS_UNDEFINED, JS_UNDEFINED);
        if (JS_IsException(shown))
            return shown;
        const char *text = JS_ToCString(context, JS_IsUndefined(shown) ? arguments[i] : shown);
        JS_FreeValue(context, shown);
        if (!text)
            return JS_EXCEPTION;
        if (i)
            bytes_add_char(&line, ' ');
        bytes_add_text(&line, text);
        JS_FreeCString(context, text);
    }
    if (m->own.log && !line.failed)
        m->own.log(m->own.context, error, bytes_slice(&line));
    return JS_UNDEFINED;
}

static void free_names(JSContext *context, JSPropertyEnum *names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        JS_FreeAtom(context, names[i].atom);
    js_free(context, names);
}

static int count_names(JSContext *context, uint32_t *count)
{
    JSPropertyEnum *names;
    JSValue global = JS_GetGlobalObject(context);
    int error = JS_GetOwnPropertyNames(context, &names, count, global, JS_GPN_STRING_MASK | JS_GPN_SYMBOL_MASK);
    if (!error)
        free_names(context, names, *count);
    JS_FreeValue(context, global);
    return error ? -ENOMEM : 0;
}

static int furnish(struct machine *m)
{
    static const char *const levels[] = {"log", "info", "debug", "warn", "error"};
    JSContext *context = m->context;
    JSValue global = JS_GetGlobalObject(context);
    JSValue console = JS_NewObject(context);
    for (unsigned i = 0; i < sizeof levels / sizeof *levels; i++)
        JS_SetPropertyStr(context, console, levels[i],
            JS_NewCFunctionMagic(context, log_line, levels[i], 1, JS_CFUNC_generic_magic, i >= 3));
    JS_SetPropertyStr(context, global, "console", console);
    JSValue arguments[] = {JS_NewCFunction(context, clock_now, "now", 0), JS_NewCFunction(context, dice, "random", 0)};
    JSValue prepare = JS_Eval(context, prelude, strlen(prelude), "prelude", JS_EVAL_TYPE_GLOBAL);
    JSValue done = JS_Call(context, prepare, JS_UNDEFINED, 2, arguments);
    int error = JS_IsException(done) ? -ENOMEM : 0;
    m->helper = done;
    JS_FreeValue(context, prepare);
    JS_FreeValue(context, arguments[0]);
    JS_FreeValue(context, arguments[1]);
    JS_FreeValue(context, global);
    return error ? error : count_names(context, &m->global_names);
}

static void switch_off(struct machine *m)
{
    for (struct script *s = m->scripts->first; s; s = s->next)
        s->compiled[m->level] = false;
    // QuickJS would look for what it has lost, and end the process.
    give_all(m);
    m->context = NULL;
    m->runtime = NULL;
    m->helper = m->function = JS_UNDEFINED;
}

static int switch_on(struct machine *m)
{
    static const JSMallocFunctions memory = {take, give, retake, size_of};
    if (m->context)
        return 0;
    m->used_bytes = 0;
    m->limit_bytes = SCRIPT_MEMORY_BYTES;
    m->started_ns = cpu_ns();
    m->left_ns = INT64_MAX / 2;
    m->out_of_time = m->out_of_memory = false;
    m->runtime = JS_NewRuntime2(&memory, m);
    m->context = m->runtime ? JS_NewContextRaw(m->runtime) : NULL;
    JSContext *context = m->context;
    if (!context) {
        switch_off(m);
        return -ENOMEM;
    }
    JS_SetMaxStackSize(m->runtime, SCRIPT_STACK_BYTES);
    JS_SetGCThreshold(m->runtime, 4 << 20);
    JS_SetInterruptHandler(m->runtime, interrupt, m);
    JS_SetContextOpaque(context, m);
    JS_AddIntrinsicBaseObjects(context);
    JS_AddIntrinsicDate(context);
    JS_AddIntrinsicEval(context);
    JS_AddIntrinsicStringNormalize(context);
    JS_AddIntrinsicRegExpCompiler(context);
    JS_AddIntrinsicRegExp(context);
    JS_AddIntrinsicJSON(context);
    JS_AddIntrinsicProxy(context);
    JS_AddIntrinsicMapSet(context);
    JS_AddIntrinsicTypedArrays(context);
    JS_AddIntrinsicPromise(context);
    int error = m->scripts->prepare(context);
    if (!error)
        error = furnish(m);
    if (error)
        switch_off(m);
    return error;
}

int scripts_open(struct scripts **opened, int (*prepare)(JSContext *context))
{
    struct scripts *scripts = calloc(1, sizeof *scripts);
    if (!scripts)
        return -ENOMEM;
    scripts->prepare = prepare;
    for (unsigned i = 0; i < SCRIPT_LEVELS; i++)
        scripts->machines[i] =
            (struct machine){.scripts = scripts, .level = i, .helper = JS_UNDEFINED, .function = JS_UNDEFINED};
    *opened = scripts;
    return 0;
}

void scripts_close(struct scripts *scripts)
{
    if (!scripts)
        return;
    for (unsigned i = 0; i < SCRIPT_LEVELS; i++)
        switch_off(&scripts->machines[i]);
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

static int compile(struct script *s, struct machine *m, struct reason *why)
{
    if (s->compiled[m->level])
        return 0;
    int error = switch_on(m);
    if (error)
        return error;
    m->limit_bytes = m->used_bytes + SCRIPT_MEMORY_BYTES;
    JS_UpdateStackTop(m->runtime);
    // Both end with a zero.
    JSValue code =
        JS_Eval(m->context, s->text.at, s->text.size - 1, s->name.at, JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(code))
        return refuse_syntax(m, (struct slice){.at = s->name.at, .size = s->name.size - 1}, why);
    s->code[m->level] = code;
    s->compiled[m->level] = true;
    return 0;
}

// The function that the text is.
static JSValue instance(struct script *s, struct machine *m)
{
    return JS_EvalFunction(m->context, JS_DupValue(m->context, s->code[m->level]));
}

static int check(struct script *s, struct reason *why)
{
    static const struct script_call nobody = {0};
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
    int error = compile(s, &s->scripts->machines[0], why);
    if (!error)
        error = script_begin(s, &nobody, &context);
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
    s->next = scripts->first;
    s->link = &scripts->first;
    if (s->next)
        s->next->link = &s->next;
    scripts->first = s;
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
        if (s->compiled[i])
            JS_FreeValue(s->scripts->machines[i].context, s->code[i]);
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    bytes_free(&s->name);
    bytes_free(&s->text);
    free(s);
}

// ---- calls

int script_begin(struct script *s, const struct script_call *call, JSContext **context)
{
    struct machine *m = &s->scripts->machines[call->level];
    int error = compile(s, m, NULL);
    if (error)
        return error;
    m->own = *call;
    m->dice = call->seed;
    m->limit_bytes = m->used_bytes + SCRIPT_MEMORY_BYTES;
    m->out_of_time = m->out_of_memory = false;
    m->started_ns = cpu_ns();
    m->left_ns = SCRIPT_CPU_NS;
    JS_UpdateStackTop(m->runtime);
    m->function = instance(s, m);
    if (JS_IsException(m->function))
        JS_FreeValue(m->context, JS_GetException(m->context));
    *context = m->context;
    return 0;
}

static const char *broken_limit(const struct machine *m)
{
    if (m->out_of_memory)
        return "it took more than 32 MiB of memory";
    return m->out_of_time ? "it took more than 50 ms of CPU time" : NULL;
}

// Runs what is pending until the promise is settled; its result, or the exception that it was rejected with.
static JSValue await(struct machine *m, JSValue promise)
{
    JSContext *context = m->context, *job_context;
    if (!JS_IsObject(promise) || (int)JS_PromiseState(context, promise) < 0)
        return promise;
    while (JS_PromiseState(context, promise) == JS_PROMISE_PENDING && !interrupt(m->runtime, m)) {
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
    if (state == JS_PROMISE_PENDING && !broken_limit(m))
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
    const char *limit = broken_limit(m);
    JSValue thrown = JS_IsException(*result) ? JS_GetException(context) : JS_UNDEFINED;
    bool failed = limit || JS_IsException(*result);
    if (limit) {
        bytes_add_text(why, limit);
        bytes_add_text(trace, limit);
    } else if (failed) {
        describe(context, thrown, m->own.name, why, trace);
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
    describe(context, thrown, machine_of(context)->own.name, why, trace);
    JS_FreeValue(context, thrown);
}

// Takes away what a call has put among the global names. False when that is impossible.
static bool tidy(struct machine *m)
{
    JSContext *context = m->context;
    JSPropertyEnum *names;
    uint32_t count;
    JSValue global = JS_GetGlobalObject(context);
    bool tidied = !JS_GetOwnPropertyNames(context, &names, &count, global, JS_GPN_STRING_MASK | JS_GPN_SYMBOL_MASK);
    if (tidied) {
        // New names stand behind the old ones.
        for (uint32_t i = m->global_names; i < count; i++)
            tidied = JS_DeleteProperty(context, global, names[i].atom, 0) == 1 && tidied;
        free_names(context, names, count);
    }
    JS_FreeValue(context, global);
    return tidied;
}

void script_end(JSContext *context)
{
    struct machine *m = machine_of(context);
    JS_FreeValue(context, m->function);
    m->function = JS_UNDEFINED;
    bool sound = !broken_limit(m) && !JS_IsJobPending(m->runtime);
    m->limit_bytes = SIZE_MAX;
    if (!sound || !tidy(m))
        switch_off(m);
}
