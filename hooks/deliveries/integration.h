// An integration as its file defines it: a service that gets a tenant's events in its own wire format.
//
//     {"provider": "google-analytics", "posthog" or "sentry", "config": {…}, "filter", "batchSize", "flushInterval"
//     (ms),
//      "disabled"}
//     and for people: name, description, "type" ("analytics" or "errors", as the provider is)
//
// What differs from service to service is a struct provider: its config, and what receiver.h asks of it. To add one:
// fill in the table in a file of its own, and put it into the list in integration.c.
//
// What is secret in a definition never leaves: integration_mask makes what others may see.
#pragma once

#include "hooks/deliveries/receiver.h"
#include "store/json.h"

// Without an answer to what is tried again: some three days.
#define INTEGRATION_ATTEMPTS 80u

enum config_member {
    CONFIG_API_KEY,
    CONFIG_API_SECRET,
    CONFIG_DSN,
    CONFIG_ENVIRONMENT,
    CONFIG_HOST,
    CONFIG_MEASUREMENT_ID,
    CONFIG_RELEASE,
    CONFIG_MEMBERS
};

struct integration {
    struct receiver receiver;
    const struct provider *provider;
    char *config[CONFIG_MEMBERS]; // NULL: it is not there
};

struct provider {
    const char *name, *type;
    struct receiver_kind receiver;
    unsigned batch, batch_max;   // when nobody says, and at most
    unsigned required, optional; // 1u << enum config_member
    // Checks the config and makes the receiver's url of it. 0, -EINVAL with the reason, or -ENOMEM.
    int (*configure)(struct integration *integration, struct reason *why);
};

extern const struct provider google_analytics, posthog, sentry;

// Reads a definition. 0, -EINVAL with the reason (which never shows a secret), or -ENOMEM.
int integration_read(struct receiver **receiver, struct slice text, struct reason *why);
// Appends the definition, secrets replaced by "***", as one line. The text is one that integration_read takes.
int integration_mask(struct slice text, struct bytes *out);

// ---- what services share

static inline const struct integration *integration_of(const struct receiver *receiver)
{
    return (const struct integration *)receiver;
}

void integration_free(struct receiver *receiver);
// What an answer means: 4xx drops, but for 408 and 429; a 429 that does not say how long holds for a minute.
struct receiver_answer integration_judge(const struct transfer_outcome *outcome);

// The origin that `host` names, or this one, and a path behind it, as the receiver's url. 0, -EINVAL with the reason,
// or -ENOMEM.
int integration_set_url(struct integration *integration, const char *origin, const char *path, struct reason *why);

// Puts an event into a body that is BEGIN EVENT,EVENT…: enum receiver_fit, or -ENOMEM. What begins otherwise, or would
// grow larger than this, is not its place.
int integration_put(struct bytes *body, const struct bytes *begin, const struct bytes *event, size_t most);
// What ends it.
int integration_end(const struct receiver *receiver, struct transfer *request, int64_t now_us);

// Goes through an event's data as its new values; members that it removes are passed over.
bool integration_next_value(struct json_cursor *cursor, struct slice *key, struct slice *value);
// Cuts UTF-8 to so many characters.
struct slice integration_cut(struct slice text, size_t characters);
