// Files of hooks whose latest change was refused. Shells do not report what close(2) answers, so status.json tells of
// such a file until a change of it is taken; `rejected` has it in any case. The newest few, in memory alone.
#pragma once

#include "store/bytes.h"

#include <stdint.h>

struct submission;
struct tenant;
struct refused_hook;

#define REFUSED_HOOKS_MAX 32u

// Belongs to the tenant, under its lock. All zeroes: there are none.
struct refused_hooks {
    struct refused_hook *all[REFUSED_HOOKS_MAX]; // the oldest first
    unsigned count;
};

void refused_hooks_free(struct refused_hooks *refused);
// What became of a submission, of whatever kind: before it is answered. The writer's thread.
void refused_hooks_note(struct tenant *tenant, const struct submission *s);
// Appends `[{"time":…,"path":"hooks/handlers/Deal.closed.js","reason":…},…]`. Any thread.
void refused_hooks_show(struct tenant *tenant, struct bytes *out);
