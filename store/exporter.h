// Who tells programs outside how the tenants are, without their looking into the mount: a part with a thread of its
// own, and that nobody waits for. What it says and to whom is known to others, who give whoever serves the store a
// table of functions, as with the follower (follower.h).
//
//     open ─▶ start ─▶ close
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

struct store;
struct tenant;

// What it asks: parts of status.json, as objects without white space. Any thread.
struct exporter_source {
    struct store *store;
    // Appends what reacts within transactions: {"alerts":[…],"metrics":{…},"hooks":{…}}.
    void (*show_reacting)(void *context, const struct tenant *tenant, struct bytes *out);
    // The same of followers, whether the tenant is open or not: {"hooks":{…},"lake":{…}}.
    void (*show_following)(void *context, uint32_t tenant, struct bytes *out);
    void *context;
};

struct exporter {
    // `options` are its own; they and the source outlive it. 0 or -errno with the reason.
    int (*open)(void **self, const struct exporter_source *source, const void *options, struct reason *why);
    // 0 or -errno.
    int (*start)(void *self);
    // Ends its thread; the store must still be open. NULL is fine.
    void (*close)(void *self);
};
