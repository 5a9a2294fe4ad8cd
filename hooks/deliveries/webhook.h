// A webhook as its file defines it: which events go where, signed by what, tried how often.
//
//     {"trigger" or "events": PATTERN or [PATTERN…], "url", "headers": {…}, "secret": KEY or [KEY…],
//      "retry": {"maxAttempts", "backoff"}, "filter", "payload": "state" or "event", "concurrency", "disabled"}
//     and for people: name, description, "action":"webhook", "type":"webhook"
//     PATTERN: as in event_pattern.h
//
// What is secret in it never leaves: webhook_mask makes what others may see.
#pragma once

#include "hooks/deliveries/receiver.h"
#include "hooks/event_pattern.h"

#define WEBHOOK_KEYS_MAX    5u
#define WEBHOOK_HEADERS_MAX 32u

struct webhook {
    struct receiver receiver;
    struct event_patterns patterns;
    char *headers[WEBHOOK_HEADERS_MAX]; // as libcurl takes them
    size_t header_count;
    struct signature_key keys[WEBHOOK_KEYS_MAX];
    size_t key_count; // 0: one must be made
    bool sends_line;  // the event's own line instead of the state after it
};

// Reads a definition. 0, -EINVAL with the reason (which never shows a secret), or -ENOMEM.
int webhook_read(struct receiver **receiver, struct slice text, struct reason *why);

// Appends the definition, secrets replaced by "***", as one line. The text is one that webhook_read takes.
int webhook_mask(struct slice text, struct bytes *out);

// ---- what its receiver_kind has (receiver.h)
extern const struct receiver_kind webhook_receiver;
void webhook_free(struct receiver *receiver);
bool webhook_wants(const struct receiver *receiver, struct slice type, struct slice entity);
// The request has the one event as its body, its id and a signature in the headers.
int webhook_add(const struct receiver *receiver, struct transfer *request, const struct outgoing *event);
