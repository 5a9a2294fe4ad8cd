// `status.json`: how a tenant is, one object laid out as `jq .` lays it out.
//     {"alerts":[], "metrics":{}, "hooks":{}, "tenant", "position", "entities", "bytes", "head", "lastEventAt", "rejectedBytes",
//      "subscribers", "daemon":{"version", "pid", "since"}}
// More members may come; those that are there keep their meaning.
#pragma once

#include "fs/visit.h"

// The text as things stand now; lives until the next call. *changed_at_us: when something in it
// changed last, subscribers aside. 0 or -ENOMEM.
int status_show(struct visit *visit, struct slice *text, int64_t *changed_at_us);
// Appends what of it tells of what reacts: {"alerts":[…],"metrics":{…},"hooks":{…}}, without white space. Any thread;
// `mount` is a struct mount (exporter.h).
void status_show_hooks(void *mount, struct tenant *tenant, struct bytes *out);
