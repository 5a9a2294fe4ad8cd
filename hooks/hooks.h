// What reacts to the events of a tenant: the kinds of hooks that this factfs has, as one table for the store.
//
//     handlers/      JavaScript, within the transaction of an event
//     metrics/       numbers kept up to date within it, and the watches over them, whose scripts are handlers
//     deliveries/    what is sent elsewhere behind it: webhooks and integrations
//     lake/          the table of all tenants' events
//
// To add a kind: fill in a struct hook_kind (store/hook.h), put it into the list in hooks.c, and its part of a tenant's
// `self` into struct reaction; open, close and settle it there.
#pragma once

#include "store/hook.h"

struct handlers;
struct metrics;
struct watch_list;

// What a commit has changed of receivers (receiver.h), for the thread of the deliveries to look at.
#define RECEIVER_NEWS_MAX 16u
struct receiver_news {
    bool changed;
    unsigned confirmed_count;
    uint64_t confirmed[RECEIVER_NEWS_MAX]; // numbers of those that were saved again as they are
};

// A tenant's `self`.
struct reaction {
    struct handlers *handlers;
    struct metrics *metrics; // NULL in a rehearsal: what is only tried counts for nothing, as the next
    struct watch_list *watches;
    struct receiver_news receivers;
};

extern const struct hook_kind handler_kind, webhook_kind, metric_kind, watch_kind, integration_kind;

// Appends {"alerts":[…],"metrics":{…}}, as the running transaction has brought them about so far. In a rehearsal there
// are none.
void hooks_show_running(const struct tenant *tenant, struct bytes *out);

extern const struct reactor hooks_reactor;
