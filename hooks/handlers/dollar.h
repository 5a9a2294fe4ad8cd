// The functions of `$`: each answers what its call in JavaScript does, or throws. `noun` is as the handler spelled it.
#pragma once

#include "hooks/handlers/argument.h"

// `$`, in the context of the call.
JSValue dollar_new(JSContext *context);
// What is kept of a context between calls is made here; once, before the first.
int dollar_prepare(JSContext *context);

// ---- reading (dollar_read.c)
// An entity as a handler sees it, now or at a moment; null when it is not there.
JSValue read_entity(JSContext *context, struct slice name, const struct when *as_of);
JSValue dollar_get(JSContext *context, struct slice noun, int count, JSValueConst *arguments);
JSValue dollar_find(JSContext *context, struct slice noun, int count, JSValueConst *arguments, bool one);
JSValue dollar_count(JSContext *context, struct slice noun, int count, JSValueConst *arguments);

// ---- writing (dollar_write.c)
JSValue dollar_create(JSContext *context, struct slice noun, JSValueConst value);
JSValue dollar_update(JSContext *context, struct slice noun, int count, JSValueConst *arguments);
JSValue dollar_delete(JSContext *context, struct slice noun, int count, JSValueConst *arguments);
// Any other verb.
JSValue dollar_do(JSContext *context, struct slice noun, struct slice verb, int count, JSValueConst *arguments);
JSValue dollar_rollback(JSContext *context, struct slice noun, int count, JSValueConst *arguments);

// ---- $.events.list (dollar_list.c)
JSValue dollar_list_events(JSContext *context, JSValueConst self, int count, JSValueConst *arguments);
