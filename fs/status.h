// `status.json`: how a tenant is, one object laid out as `jq .` lays it out.
//     {"alerts":[], "metrics":{}, "hooks":{}, "refused":[], "lake":{}, "tenant", "position", "entities", "bytes",
//      "head", "lastEventAt", "rejectedBytes", "subscribers", "daemon":{"version", "pid", "since"}}
// `lake` is there while the store has one.
// More members may come; those that are there keep their meaning.
#pragma once

#include "fs/visit.h"

// The text as things stand now; lives until the next call. *changed_at_us: when something in it
// changed last, subscribers aside. 0 or -ENOMEM.
int status_show(struct visit *visit, struct slice *text, int64_t *changed_at_us);
// What of it tells of what reacts, as an exporter asks for it (exporter.h); `mount` is a struct mount.
void status_show_reacting(void *mount, const struct tenant *tenant, struct bytes *out);
void status_show_following(void *mount, uint32_t tenant, struct bytes *out);
