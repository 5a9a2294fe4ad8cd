// PostHog's capture API: batches of events, https://posthog.com/docs/api/capture
//
//     POST HOST/batch/   {"api_key":KEY,"batch":[{"uuid","event","distinct_id","properties","timestamp"},…]}
//
// A repeat is recognised by `uuid` and `$insert_id`, which are always the same of an event.
#include "hooks/deliveries/integration.h"

#include <errno.h>
#include <openssl/evp.h>

static int configure(struct integration *i, struct reason *why)
{
    return integration_set_url(i, "https://us.i.posthog.com", "/batch/", why);
}

// UUIDv5 (RFC 9562) of the event's id, in the name space of URLs.
static bool add_uuid(struct bytes *out, struct slice id)
{
    static const unsigned char urls[] = {
        0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
    unsigned char hash[EVP_MAX_MD_SIZE];
    BYTES_AUTO named = {0};
    bytes_add(&named, urls, sizeof urls);
    bytes_add_slice(&named, id);
    if (named.failed || EVP_Digest(named.at, named.size, hash, NULL, EVP_sha1(), NULL) != 1)
        return false;
    hash[6] = (unsigned char)((hash[6] & 0x0f) | 0x50);
    hash[8] = (unsigned char)((hash[8] & 0x3f) | 0x80);
    for (size_t b = 0; b < 16; b++)
        bytes_printf(out, "%s%02x", b == 4 || b == 6 || b == 8 || b == 10 ? "-" : "", hash[b]);
    return true;
}

// What stands behind the data's own members, which give way to these.
static bool is_own(struct slice key)
{
    static const char *const own[] = {"distinct_id", "target", "version", "tenant", "$insert_id", NULL};
    for (const char *const *name = own; *name; name++)
        if (json_key_is(key, *name))
            return true;
    return false;
}

static void add_properties(struct bytes *out, const struct outgoing *o)
{
    struct json_cursor c = json_enter(o->event.data);
    bytes_add_text(out, "{\"distinct_id\":");
    json_quote(out, o->event.actor);
    for (struct slice key, value; integration_next_value(&c, &key, &value);) {
        if (is_own(key))
            continue;
        bytes_add_char(out, ',');
        bytes_add_slice(out, key);
        bytes_add_char(out, ':');
        bytes_add_slice(out, value);
    }
    bytes_add_text(out, ",\"target\":");
    json_quote(out, o->event.target);
    bytes_printf(out, ",\"version\":%u,\"tenant\":", o->event.version);
    json_quote(out, o->tenant);
    bytes_add_text(out, ",\"$insert_id\":");
    json_quote(out, o->event.id);
    bytes_add_char(out, '}');
}

static int add(const struct receiver *receiver, struct transfer *request, const struct outgoing *o)
{
    BYTES_AUTO begin = {0}, event = {0};
    bytes_add_text(&begin, "{\"api_key\":");
    json_quote(&begin, slice_of(integration_of(receiver)->config[CONFIG_API_KEY]));
    bytes_add_text(&begin, ",\"batch\":[");
    bytes_add_text(&event, "{\"uuid\":\"");
    if (!add_uuid(&event, o->event.id))
        return -ENOMEM;
    bytes_add_text(&event, "\",\"event\":");
    json_quote(&event, o->event.type);
    bytes_add_text(&event, ",\"distinct_id\":");
    json_quote(&event, o->event.actor);
    bytes_add_text(&event, ",\"properties\":");
    add_properties(&event, o);
    bytes_add_text(&event, ",\"timestamp\":");
    when_quote(&event, o->event.at_us);
    bytes_add_char(&event, '}');
    return integration_put(&request->body, &begin, &event, RECEIVER_BODY_MAX);
}

const struct provider posthog = {
    .name = "posthog",
    .type = "analytics",
    .receiver = {.drops = true,
        .events_max = 1000,
        .content_type = "application/json",
        .free = integration_free,
        .add = add,
        .finish = integration_end,
        .judge = integration_judge},
    .batch = 100,
    .batch_max = 1000,
    .required = 1u << CONFIG_API_KEY,
    .optional = 1u << CONFIG_HOST,
    .configure = configure,
};
