// What happens to a hook by itself is an event of its tenant, as its changes are.
#pragma once

#include "store/tenant.h"

// Submits an event on `webhook_NAME`; nobody waits for it, and a refusal is said on stderr. `data` is an object. 0 or
// -ENOMEM.
int record_webhook(struct tenant *tenant, const char *type, const char *name, const char *data);
