// A machine runs calls of JavaScript, one after the other: a QuickJS runtime and its global objects, with limits of
// time and memory for each call. Belongs to one thread at a time.
//
// It is switched on when it is first needed. One that ran into a limit is switched off, and with it all that was
// compiled on it goes. What a call could leave behind it cannot: the built-in objects are frozen, new global names are
// taken away again.
#pragma once

#include "store/bytes.h"

#include <quickjs/quickjs.h>

// Of a call, without what it waits for its writes. A sanitizer makes the same work take several times as long.
#ifdef __SANITIZE_ADDRESS__
#define MACHINE_CPU_NS INT64_C(250000000)
#else
#define MACHINE_CPU_NS INT64_C(50000000)
#endif
#define MACHINE_MEMORY_BYTES (size_t)(32 << 20)  // of a call
#define MACHINE_STACK_BYTES  (size_t)(256 << 10) // of a call

// What a call is told.
struct machine_call {
    struct slice name; // of the text, for the places in a stack
    int64_t now_us;    // what the clock says
    uint64_t seed;     // of Math.random
    void *context;     // for functions that are called back (machine_context)
    // A line of console.log, or of console.error.
    void (*log)(void *context, bool error, struct slice line);
};

struct machine_block;
struct machine {
    // Called with the context before anything else is run in it: 0 or -errno.
    int (*prepare)(JSContext *context);
    uint64_t generation; // another one each time that it is switched off; never 0
    JSRuntime *runtime;  // NULL: it is off, as the next
    JSContext *context;
    JSValue helper;
    uint32_t global_names; // as they were before any call
    size_t used_bytes;
    struct machine_block *blocks;

    // of the call
    struct machine_call call;
    JSValue function;   // that is called: whoever began it owns it
    size_t limit_bytes; // of used_bytes
    int64_t started_ns, left_ns;
    uint64_t dice;
    bool out_of_time, out_of_memory;
};

void machine_init(struct machine *m, int (*prepare)(JSContext *context));
// 0 or -ENOMEM.
int machine_switch_on(struct machine *m);
void machine_switch_off(struct machine *m);
static inline struct machine *machine_of(JSContext *context)
{
    return JS_GetContextOpaque(context);
}

// ---- of one that is on

// So much memory may be taken from now on, by whoever calls from this depth of the stack.
void machine_allow_memory(struct machine *m);
// A call begins: all its limits are counted from here.
void machine_begin(struct machine *m, const struct machine_call *call);
// The call is over; the machine is switched off if it is not fit for another.
void machine_end(struct machine *m);
// Has the call used up its time or memory?
bool machine_is_over(struct machine *m);
// What it has used up, in words; NULL: nothing.
const char *machine_broken_limit(const struct machine *m);

// ---- for functions that a script calls back
static inline void *machine_context(JSContext *context)
{
    return machine_of(context)->call.context;
}
// Has the call used up its time or memory? Then it throws, whatever is thrown.
bool machine_exhausted(JSContext *context);
// A function (list, sort, offset, limit) that gives a sorted part of a list; the caller frees it.
JSValue machine_helper(JSContext *context);
// A call's time stands still between these, while something is written.
void machine_pause(JSContext *context);
void machine_resume(JSContext *context);
