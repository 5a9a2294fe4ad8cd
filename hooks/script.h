// JavaScript: compiles the functions that tenants save, and calls them within limits. One function a text; a call sees
// nothing of an earlier one. Belongs to one thread at a time.
//
// A call runs on a **machine** (a QuickJS runtime and its global objects). Calls nest, when what one writes sets off
// another: each level has a machine of its own, made when it is first needed, so that a call neither runs the pending
// jobs of another nor uses up its memory. A machine that ran into a limit is thrown away. What a call could leave
// behind it cannot: the built-in objects are frozen, new global names are taken away again.
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

#include <quickjs/quickjs.h>

#define SCRIPT_LEVELS       9                   // an appended event's own handlers are level 0
#define SCRIPT_CPU_NS       INT64_C(50000000)   // of a call, without what it waits for its writes
#define SCRIPT_MEMORY_BYTES (size_t)(32 << 20)  // of a call
#define SCRIPT_STACK_BYTES  (size_t)(256 << 10) // of a call

struct scripts;
struct script;

// What a call is told.
struct script_call {
    unsigned level;
    struct slice name; // of the text, for the places in a stack
    int64_t now_us;    // what the clock says
    uint64_t seed;     // of Math.random
    void *context;     // for functions that are called back (script_context)
    // A line of console.log, or of console.error.
    void (*log)(void *context, bool error, struct slice line);
};

// `prepare` is called with the context of each machine before anything else is run in it: 0 or -errno.
int scripts_open(struct scripts **scripts, int (*prepare)(JSContext *context));
void scripts_close(struct scripts *scripts);

// Reads a text that must be exactly one function expression. 0, -EINVAL with the reason (`NAME:LINE:COLUMN: …`, as
// counted in the text), or -ENOMEM. Name and text are copied.
int script_read(
    struct scripts *scripts, struct slice name, struct slice text, struct script **script, struct reason *why);
void script_free(struct script *script);

// ---- a call, in order: begin, make the arguments in the context, run, take the result, end

// 0 or -ENOMEM: then there is nothing to end.
int script_begin(struct script *script, const struct script_call *call, JSContext **context);
// Calls the function; frees the arguments; awaits a promise. 0 and the result, which script_end frees; or -EPERM with
// what went wrong in `why` (MESSAGE, or `Error: …` with its kind) and `trace` (message and stack, lines of text).
int script_run(
    JSContext *context, unsigned count, JSValue *arguments, JSValue *result, struct bytes *why, struct bytes *trace);
// What the pending exception says, as script_run does.
void script_describe(JSContext *context, struct bytes *why, struct bytes *trace);
void script_end(JSContext *context);

// ---- for functions that a script calls back
void *script_context(JSContext *context);
const struct script_call *script_calling(JSContext *context);
// Has the call used up its time or memory? Then it throws, whatever is thrown.
bool script_exhausted(JSContext *context);
// A function (list, sort, offset, limit) that gives a sorted part of a list; the caller frees it.
JSValue script_helper(JSContext *context);
// A call's time stands still between these, while something is written.
void script_pause(JSContext *context);
void script_resume(JSContext *context);
