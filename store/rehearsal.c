#include "store/rehearsal.h"

#include "store/hook.h"

#include <errno.h>
#include <stdlib.h>

int rehearsal_open(struct rehearsal *r, const struct tenant_options *options, enum engine_mode mode, struct reason *why)
{
    *r = (struct rehearsal){.tenant = calloc(1, sizeof *r->tenant)};
    if (!r->tenant)
        return -ENOMEM;
    tenant_init(r->tenant, options->number, options->name, options->path, options->sqids);
    r->tenant->reactor = options->reactor;
    r->tenant->rehearses = true;
    int error = engine_open(&r->engine, options->path, mode, why);
    if (!error && engine_format(r->engine) != ENGINE_FORMAT)
        error = reason_set(why, -EINVAL, "tenant %s has an older format: mount it once", options->name);
    if (!error)
        error = writer_load(r->tenant, r->engine, &r->sweep, &r->tx, why);
    if (error) {
        rehearsal_close(r);
        return error;
    }
    transaction_ready(&r->tx);
    return 0;
}

void rehearsal_close(struct rehearsal *r)
{
    if (r->tx.tenant)
        transaction_abort(&r->tx);
    if (r->tenant->reaction)
        r->tenant->reactor->close(r->tenant->reaction);
    sweep_close(&r->sweep);
    transaction_close(&r->tx);
    engine_close(r->engine);
    tenant_clear(r->tenant);
    free(r->tenant);
}

void rehearsal_at(struct rehearsal *r, uint64_t position)
{
    transaction_abort(&r->tx);
    r->tx.bounded = true;
    r->tx.horizon = position;
    r->tx.start = transaction_mark(&r->tx);
}
