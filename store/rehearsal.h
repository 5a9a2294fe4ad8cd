// A tenant opened by a tool to try what would happen, or would have happened: its transaction is never committed, and
// nothing of the store is changed. Beside a daemon or without one; one thread.
#pragma once

#include "store/open.h"
#include "store/sweep.h"

struct rehearsal {
    struct tenant *tenant;
    struct engine *engine;
    struct sweep sweep;
    struct transaction tx;
};

// `options` as for tenant_open, but for the observer; `mode` is ENGINE_BESIDE or ENGINE_AT_REST. After an error there
// is nothing to close.
int rehearsal_open(
    struct rehearsal *rehearsal, const struct tenant_options *options, enum engine_mode mode, struct reason *why);
void rehearsal_close(struct rehearsal *rehearsal);
// Forgets what was tried. From now on the tenant is as it was behind a position; 0: as it was before the first event.
void rehearsal_at(struct rehearsal *rehearsal, uint64_t position);
