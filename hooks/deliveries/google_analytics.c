// Google Analytics 4's Measurement Protocol, https://developers.google.com/analytics/devguides/collection/protocol/ga4
//
//     POST HOST/mp/collect?measurement_id=…&api_secret=…
//     {"client_id":ACTOR,"user_id":ACTOR,"events":[{"name","timestamp_micros","params"},…]}
//
// A request is of one actor. The service cuts nothing and tells nobody: what it would not take is made to fit here.
#include "hooks/deliveries/integration.h"

#include <curl/curl.h>
#include <errno.h>

#define NAME_CHARACTERS  40u
#define VALUE_CHARACTERS 100u
#define PARAMS_MAX       25u
#define BODY_MAX         ((size_t)130000)
#define AGE_MAX_US       (72 * 3600 * WHEN_US_PER_SECOND)

static bool add_escaped(struct bytes *out, const char *name, const char *value)
{
    char *escaped = curl_easy_escape(NULL, value, 0);
    bytes_printf(out, "%s=%s", name, escaped ? escaped : "");
    curl_free(escaped);
    return escaped;
}

static int configure(struct integration *i, struct reason *why)
{
    BYTES_AUTO path = {0};
    bool escaped = add_escaped(&path, "/mp/collect?measurement_id", i->config[CONFIG_MEASUREMENT_ID]) &&
                   add_escaped(&path, "&api_secret", i->config[CONFIG_API_SECRET]);
    bytes_add_char(&path, '\0');
    return escaped && !path.failed ? integration_set_url(i, "https://www.google-analytics.com", path.at, why) : -ENOMEM;
}

// ---- names

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// `ContactLead` is contact_lead, `SLABreached` sla_breached.
static void add_snake(struct bytes *out, struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];
        bool after_lower = i && is_lower_or_digit(text.at[i - 1]);
        bool before_lower = i && is_upper(text.at[i - 1]) && i + 1 < text.size && is_lower_or_digit(text.at[i + 1]);
        if (is_upper(c) && (after_lower || before_lower))
            bytes_add_char(out, '_');
        bytes_add_char(out, is_upper(c) ? (char)(c | 0x20) : is_lower_or_digit(c) ? c : '_');
    }
}

static void add_event_name(struct bytes *out, const struct event *event)
{
    struct name_type type = name_stored_type(event->type);
    BYTES_AUTO name = {0};
    add_snake(&name, type.style == NAME_PASCAL ? type.noun : name_entity_noun(event->target));
    bytes_add_char(&name, '_');
    add_snake(&name, name_type_verb(&type));
    bytes_add_slice(out, integration_cut(bytes_slice(&name), NAME_CHARACTERS));
}

// ---- params

struct params {
    struct bytes text, names; // `names`: each quoted, to find one again
    unsigned count;
};

// The name of a member below others: PATH_MEMBER.
static void make_name(struct bytes *name, struct slice path, struct slice key)
{
    BYTES_AUTO member = {0};
    json_decode(&member, key);
    bytes_add_slice(name, path);
    bytes_add_text(name, path.size ? "_" : "");
    for (size_t i = 0; i < member.size; i++) {
        char c = member.at[i];
        // Of a character of several bytes there is one `_`.
        if ((c & 0xc0) != 0x80)
            bytes_add_char(name, is_upper(c) || is_lower_or_digit(c) ? c : '_');
    }
    // It must begin with a letter.
    bool begins = name->size && (is_upper(name->at[0]) || (name->at[0] >= 'a' && name->at[0] <= 'z'));
    if (begins || name->failed)
        return;
    BYTES_AUTO rest = {0};
    bytes_add_slice(&rest, bytes_slice(name));
    bytes_clear(name);
    bytes_add_char(name, 'x');
    bytes_add_slice(name, bytes_slice(&rest));
}

static void add_param(struct params *p, struct slice name, struct slice value)
{
    BYTES_AUTO quoted = {0};
    json_quote(&quoted, integration_cut(name, NAME_CHARACTERS));
    struct slice seen = bytes_slice(&p->names);
    if (seen.size && memmem(seen.at, seen.size, quoted.at, quoted.size))
        return;
    bytes_add_slice(&p->names, bytes_slice(&quoted));
    bytes_add_text(&p->text, p->count++ ? "," : "");
    bytes_add_slice(&p->text, bytes_slice(&quoted));
    bytes_add_char(&p->text, ':');
    bytes_add_slice(&p->text, value);
}

static void add_text_param(struct params *p, struct slice name, struct slice text)
{
    BYTES_AUTO value = {0};
    json_quote(&value, integration_cut(text, VALUE_CHARACTERS));
    add_param(p, name, bytes_slice(&value));
}

// So many are left for what every event has.
#define OWN_PARAMS 2u

static void add_values(struct params *p, struct slice path, struct slice data);

static void add_value(struct params *p, struct slice name, struct slice value)
{
    BYTES_AUTO text = {0};
    switch (json_kind(value)) {
    case JSON_OBJECT:
        add_values(p, name, value);
        return;
    case JSON_ARRAY:
        add_text_param(p, name, value);
        return;
    case JSON_STRING:
        json_decode(&text, value);
        add_text_param(p, name, bytes_slice(&text));
        return;
    case JSON_NUMBER:
        if (value.size > VALUE_CHARACTERS)
            add_text_param(p, name, value);
        else
            add_param(p, name, value);
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        add_param(p, name, value);
        return;
    case JSON_NULL:
        return;
    }
}

// Of an object within the data all members are values.
static void add_values(struct params *p, struct slice path, struct slice object)
{
    struct json_cursor c = json_enter(object);
    for (struct slice key, value; p->count < PARAMS_MAX - OWN_PARAMS;) {
        BYTES_AUTO name = {0};
        if (!(path.size ? json_next_member(&c, &key, &value) : integration_next_value(&c, &key, &value)))
            return;
        make_name(&name, path, key);
        if (name.size < 1000)
            add_value(p, bytes_slice(&name), value);
    }
}

static void add_params(struct bytes *out, const struct event *event)
{
    struct params p = {0};
    add_values(&p, (struct slice){0}, event->data);
    add_text_param(&p, SLICE("event_id"), event->id);
    add_text_param(&p, SLICE("target"), event->target);
    bytes_add_char(out, '{');
    bytes_add_slice(out, bytes_slice(&p.text));
    bytes_add_char(out, '}');
    out->failed |= p.text.failed || p.names.failed;
    bytes_free(&p.text);
    bytes_free(&p.names);
}

// ---- requests

static uint64_t group(const struct event *event)
{
    return slice_hash(event->actor) | 1;
}

static int add(const struct receiver *receiver, struct transfer *request, const struct outgoing *o)
{
    BYTES_AUTO begin = {0}, event = {0};
    (void)receiver;
    if (o->event.at_us < o->now_us - AGE_MAX_US)
        return RECEIVER_TOO_OLD;
    bytes_add_text(&begin, "{\"client_id\":");
    json_quote(&begin, o->event.actor);
    bytes_add_text(&begin, ",\"user_id\":");
    json_quote(&begin, o->event.actor);
    bytes_add_text(&begin, ",\"events\":[");
    bytes_add_text(&event, "{\"name\":\"");
    add_event_name(&event, &o->event);
    bytes_printf(&event, "\",\"timestamp_micros\":%lld,\"params\":", (long long)o->event.at_us);
    add_params(&event, &o->event);
    bytes_add_char(&event, '}');
    return integration_put(&request->body, &begin, &event, BODY_MAX);
}

const struct provider google_analytics = {
    .name = "google-analytics",
    .type = "analytics",
    .receiver = {.drops = true,
        .events_max = 25,
        .content_type = "application/json",
        .free = integration_free,
        .group = group,
        .add = add,
        .finish = integration_end,
        .judge = integration_judge},
    .batch = 25,
    .batch_max = 25,
    .required = 1u << CONFIG_MEASUREMENT_ID | 1u << CONFIG_API_SECRET,
    .optional = 1u << CONFIG_HOST,
    .configure = configure,
};
