// What reacts to the events of a tenant: the kinds of hooks that this factfs has, as one table for the store.
//
// To add a kind: fill in a struct hook_kind (store/hook.h), put it into the list in hooks.c, and its part of a tenant's
// `self` into struct reaction; open, close and settle it there.
#pragma once

#include "store/hook.h"

struct handlers;

// A tenant's `self`.
struct reaction {
    struct handlers *handlers;
};

extern const struct reactor hooks_reactor;
