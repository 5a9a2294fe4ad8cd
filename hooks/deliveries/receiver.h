// A receiver is where a hook sends events: a webhook, or the service of an integration. Queue and outlet know it by
// what stands here; what differs from kind to kind is a table of functions.
//
// Read on the tenant's writer thread, when a definition is checked, and on that of the deliveries, where all else runs.
// To add a service: fill in a struct receiver_kind, and let the folder's `read` find it.
#pragma once

#include "hooks/deliveries/backoff.h"
#include "hooks/deliveries/signature.h"
#include "hooks/deliveries/transfer.h"
#include "hooks/event_filter.h"
#include "store/envelope.h"
#include "store/hook.h"

#define RECEIVER_CONCURRENCY     16u
#define RECEIVER_CONCURRENCY_MAX 64u
// A request of several events ends before its body is larger.
#define RECEIVER_BODY_MAX ((size_t)1 << 20)

struct receiver {
    const struct receiver_kind *kind;
    char *url;
    struct event_filter filter; // what is wanted must pass it too
    struct backoff backoff;
    bool disabled;
    unsigned concurrency; // requests at a time
    unsigned batch;       // so many events are gathered before any is sent,
    int64_t flush_us;     // unless one has waited so long
    bool wants_key;       // a key is to be made for it:
    const struct signature_key *made_key;
    struct arena arena;
};

// An event that is to be sent.
struct outgoing {
    struct event event;
    struct slice line; // its own
    uint64_t position, entity;
    struct reader *reader; // tells the states around it
    struct slice tenant;
    int64_t now_us;
};

// Does an event go into a request?
enum receiver_fit {
    RECEIVER_FITS,
    RECEIVER_ELSEWHERE, // into another one
    RECEIVER_TOO_OLD,   // into none: the service does not want it any more
};

enum receiver_verdict {
    RECEIVER_TOOK,
    RECEIVER_FAILED,  // it is to be tried again
    RECEIVER_REFUSED, // trying again never helps: the events are dropped
    RECEIVER_LEFT,    // it wants nothing any more: the hook is off
};

// What the end of a request means.
struct receiver_answer {
    enum receiver_verdict verdict;
    int64_t hold_s; // nothing is sent to it for so long
};

// `free`, `wants`, `group`, `finish` and `header` may be missing.
struct receiver_kind {
    // An entity's events come one after the other, each when the one before is done; else each goes by itself.
    bool in_order;
    bool drops;          // it refuses events for ever, or finds them too old
    unsigned events_max; // of a request
    const char *content_type;
    const char *header; // of an answer, that `judge` is shown
    void (*free)(struct receiver *receiver);
    // Does it want an event of this type on this entity? `type` as stored. The filter is another matter. Missing: all.
    bool (*wants)(const struct receiver *receiver, struct slice type, struct slice entity);
    // Only events with the same number may share a request. Never 0. Missing: all may.
    uint64_t (*group)(const struct event *event);
    // Puts an event into the request, behind those that are in. The first one fits, or is too old. An enum
    // receiver_fit, or -errno, after which the request may hold a part of it; only what fits has changed anything else.
    int (*add)(const struct receiver *receiver, struct transfer *request, const struct outgoing *event);
    // All events are in. 0 or -ENOMEM.
    int (*finish)(const struct receiver *receiver, struct transfer *request, int64_t now_us);
    struct receiver_answer (*judge)(const struct transfer_outcome *outcome);
};

// Makes a receiver of a definition. 0, -EINVAL with the reason (which never shows a secret), or -ENOMEM.
int receiver_read(struct receiver **receiver, const struct hook_kind *hook, struct slice text, struct reason *why);
// NULL is none.
void receiver_free(struct receiver *receiver);

// The kinds of hooks that are receivers, one after the other; NULL behind the last.
const struct hook_kind *receiver_hook_at(size_t index);
// The one of a folder; NULL: it is another's.
const struct hook_kind *receiver_hook(struct slice folder);

// ---- what their tables (struct hook_kind) share

#define RECEIVER_TEXT_MAX ((size_t)64 << 10)
// Is it NAME.json?
int receiver_names(struct slice name, struct reason *why);
// Is it a definition? 0, -EINVAL with the reason, or -ENOMEM.
int receiver_check(const struct hook_kind *hook, struct slice name, struct slice text, struct reason *why);
// Tells the thread of the deliveries.
int receiver_take(void *self, enum hook_change change, const struct hook_row *row);
