// A webhook as its file defines it: which events go where, signed by what, tried how often.
//
//     {"trigger" or "events": PATTERN or [PATTERN…], "url", "headers": {…}, "secret": KEY or [KEY…],
//      "retry": {"maxAttempts", "backoff"}, "filter", "payload": "state" or "event", "concurrency", "disabled"}
//     and for people: name, description, "action":"webhook", "type":"webhook"
//     PATTERN: Deal.Closed, Deal.*, *.created, A|B, order.was_placed, the id of an entity, or * for all; case aside
//
// What is secret in it never leaves: webhook_mask makes what others may see, and `shown_url` names the receiver.
#pragma once

#include "hooks/backoff.h"
#include "hooks/event_filter.h"
#include "hooks/signature.h"
#include "store/filter.h"

#define WEBHOOK_KEYS_MAX        5u
#define WEBHOOK_CONCURRENCY     16u
#define WEBHOOK_CONCURRENCY_MAX 64u
#define WEBHOOK_HEADERS_MAX     32u

struct webhook_pattern {
    struct slice entity;  // this entity, or nothing
    struct filter filter; // these types, when has_filter
    bool has_filter;
};

struct webhook {
    char *url;
    char *shown_url; // https://host:port/***
    bool is_for_all;
    struct webhook_pattern *patterns;
    size_t pattern_count;
    struct event_filter filter;         // what is wanted must pass it too
    char *headers[WEBHOOK_HEADERS_MAX]; // as libcurl takes them
    size_t header_count;
    struct signature_key keys[WEBHOOK_KEYS_MAX];
    size_t key_count; // 0: one must be made
    struct backoff backoff;
    bool sends_line; // the event's own line instead of the state after it
    bool disabled;
    unsigned concurrency;
    struct arena arena;
};

// Reads a definition. 0, -EINVAL with the reason (which never shows a secret), or -ENOMEM; then there is nothing to
// free.
int webhook_read(struct webhook *webhook, struct slice text, struct reason *why);
void webhook_free(struct webhook *webhook);

// Do the patterns want an event of this type on this entity? `type` as stored. The filter is another matter.
bool webhook_wants(const struct webhook *webhook, struct slice type, struct slice entity);

// Appends the definition, secrets replaced by "***", as one line. The text is one that webhook_read takes.
int webhook_mask(struct slice text, struct bytes *out);
