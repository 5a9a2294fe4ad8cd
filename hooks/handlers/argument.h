// What a handler gives to the functions of `$`, and what these throw. A function that answers false has thrown.
#pragma once

#include "hooks/handlers/call.h"

static inline struct call *call_of(JSContext *context)
{
    return machine_context(context);
}

// Throws what the store refused: an Error with the reason, and the name of the error as its `code`.
JSValue throw_refusal(JSContext *context, int error, const struct reason *why);
JSValue throw_missing(JSContext *context, struct slice noun, struct slice id);

// The text of a value that is a string, with a zero behind it; false, with an exception, when it is none.
bool take_text(JSContext *context, JSValueConst value, struct bytes *out);
// The text of a member; empty when it is undefined or null.
bool take_member(JSContext *context, JSValueConst object, const char *name, struct bytes *out);
// A whole number of at least 0; `number` stays as it is when there is none.
bool take_number(JSContext *context, JSValueConst object, const char *name, uint64_t *number);
// `asOf` of the options, whose text `when` points into; *as_of stays NULL when there is none.
bool take_as_of(
    JSContext *context, JSValueConst options, struct bytes *text, struct when *when, const struct when **as_of);
// Is the id one of the noun's?
bool is_id_of(struct slice id, struct slice noun);
