// JavaScript: compiles the functions that tenants save, and calls them within limits. One function a text; a call sees
// nothing of an earlier one. Belongs to one thread at a time.
//
// A call runs on a machine (machine.h). Calls nest, when what one writes sets off another: each level has a machine of
// its own, so that a call neither runs the pending jobs of another nor uses up its memory.
#pragma once

#include "hooks/handlers/machine.h"
#include "store/reason.h"

#define SCRIPT_LEVELS 9 // an appended event's own handlers are level 0

struct scripts;
struct script;

// `prepare` is that of each machine.
int scripts_open(struct scripts **scripts, int (*prepare)(JSContext *context));
void scripts_close(struct scripts *scripts);

// Reads a text that must be exactly one function expression. 0, -EINVAL with the reason (`NAME:LINE:COLUMN: …`, as
// counted in the text), or -ENOMEM. Name and text are copied.
int script_read(
    struct scripts *scripts, struct slice name, struct slice text, struct script **script, struct reason *why);
void script_free(struct script *script);

// ---- a call, in order: begin, make the arguments in the context, run, take the result, end

// 0 or -ENOMEM: then there is nothing to end.
int script_begin(struct script *script, unsigned level, const struct machine_call *call, JSContext **context);
// Calls the function; frees the arguments; awaits a promise. 0 and the result, which script_end frees; or -EPERM with
// what went wrong in `why` (MESSAGE, or `Error: …` with its kind) and `trace` (message and stack, lines of text).
int script_run(
    JSContext *context, unsigned count, JSValue *arguments, JSValue *result, struct bytes *why, struct bytes *trace);
// What the pending exception says, as script_run does.
void script_describe(JSContext *context, struct bytes *why, struct bytes *trace);
void script_end(JSContext *context);
