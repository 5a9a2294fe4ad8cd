#include "hooks/handlers/machine.h"

#include "hooks/handlers/prelude.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

struct machine_block {
    _Alignas(max_align_t) struct machine_block *next;
    struct machine_block **link;
};

static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// ---- memory: a call may take so much; past that every allocation fails, and the call with it. A machine's blocks are
// in a list, so that one that is thrown away, in whatever state a limit left it, is given back without asking it.

static struct machine_block *block_of(const void *at)
{
    // The blocks are ours, whoever looks at them.
    return (struct machine_block *)(uintptr_t)at - 1;
}

static size_t size_of(const void *at)
{
    return at ? malloc_usable_size(block_of(at)) - sizeof(struct machine_block) : 0;
}

static bool may_take(struct machine *m, size_t size)
{
    bool may = size <= m->limit_bytes && m->used_bytes <= m->limit_bytes - size;
    m->out_of_memory = m->out_of_memory || !may;
    return may;
}

static void *enlist(struct machine *m, struct machine_block *block)
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

static void delist(struct machine *m, struct machine_block *block)
{
    m->used_bytes -= malloc_usable_size(block);
    *block->link = block->next;
    if (block->next)
        block->next->link = block->link;
}

static void *take(JSMallocState *state, size_t size)
{
    struct machine *m = state->opaque;
    return may_take(m, size) ? enlist(m, malloc(sizeof(struct machine_block) + size)) : NULL;
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
    struct machine_block *moved = realloc(block_of(at), sizeof(struct machine_block) + size);
    void *now = enlist(m, moved ? moved : block_of(at));
    // cppcheck-suppress memleak ; the list has it
    return moved ? now : NULL;
}

static void give_all(struct machine *m)
{
    while (m->blocks) {
        struct machine_block *block = m->blocks;
        m->blocks = block->next;
        free(block);
    }
    m->used_bytes = 0;
}

// ---- time

bool machine_is_over(struct machine *m)
{
    if (cpu_ns() - m->started_ns > m->left_ns)
        m->out_of_time = true;
    return m->out_of_time || m->out_of_memory;
}

static int interrupt(JSRuntime *runtime, void *machine)
{
    (void)runtime;
    return machine_is_over(machine);
}

bool machine_exhausted(JSContext *context)
{
    if (!machine_is_over(machine_of(context)))
        return false;
    JS_ThrowInternalError(context, "interrupted");
    return true;
}

JSValue machine_helper(JSContext *context)
{
    return JS_DupValue(context, machine_of(context)->helper);
}

void machine_pause(JSContext *context)
{
    struct machine *m = machine_of(context);
    m->left_ns -= cpu_ns() - m->started_ns;
}

void machine_resume(JSContext *context)
{
    machine_of(context)->started_ns = cpu_ns();
}

// ---- machines

static JSValue clock_now(JSContext *context, JSValueConst this, int count, JSValueConst *arguments)
{
    (void)this, (void)count, (void)arguments;
    return JS_NewFloat64(context, (double)(machine_of(context)->call.now_us / 1000));
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
    if (m->call.log && !line.failed)
        m->call.log(m->call.context, error, bytes_slice(&line));
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

void machine_init(struct machine *m, int (*prepare)(JSContext *context))
{
    *m = (struct machine){.prepare = prepare, .generation = 1, .helper = JS_UNDEFINED, .function = JS_UNDEFINED};
}

void machine_switch_off(struct machine *m)
{
    m->generation++;
    // QuickJS would look for what it has lost, and end the process.
    give_all(m);
    m->context = NULL;
    m->runtime = NULL;
    m->helper = m->function = JS_UNDEFINED;
}

int machine_switch_on(struct machine *m)
{
    static const JSMallocFunctions memory = {take, give, retake, size_of};
    if (m->context)
        return 0;
    m->used_bytes = 0;
    m->limit_bytes = MACHINE_MEMORY_BYTES;
    m->started_ns = cpu_ns();
    m->left_ns = INT64_MAX / 2;
    m->out_of_time = m->out_of_memory = false;
    m->runtime = JS_NewRuntime2(&memory, m);
    m->context = m->runtime ? JS_NewContextRaw(m->runtime) : NULL;
    JSContext *context = m->context;
    if (!context) {
        machine_switch_off(m);
        return -ENOMEM;
    }
    JS_SetMaxStackSize(m->runtime, MACHINE_STACK_BYTES);
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
    int error = m->prepare(context);
    if (!error)
        error = furnish(m);
    if (error)
        machine_switch_off(m);
    return error;
}

// ---- a call

void machine_allow_memory(struct machine *m)
{
    m->limit_bytes = m->used_bytes + MACHINE_MEMORY_BYTES;
    JS_UpdateStackTop(m->runtime);
}

void machine_begin(struct machine *m, const struct machine_call *call)
{
    m->call = *call;
    m->dice = call->seed;
    m->out_of_time = m->out_of_memory = false;
    m->started_ns = cpu_ns();
    m->left_ns = MACHINE_CPU_NS;
    machine_allow_memory(m);
}

const char *machine_broken_limit(const struct machine *m)
{
    if (m->out_of_memory)
        return "it took more than 32 MiB of memory";
    return m->out_of_time ? "it took more than 50 ms of CPU time" : NULL;
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

void machine_end(struct machine *m)
{
    bool sound = !machine_broken_limit(m) && !JS_IsJobPending(m->runtime);
    m->limit_bytes = SIZE_MAX;
    if (!sound || !tidy(m))
        machine_switch_off(m);
}
