#include "hooks/deliveries/integration.h"

#include "hooks/deliveries/definition.h"
#include "hooks/deliveries/url.h"
#include "hooks/hooks.h"
#include "store/state.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#define FLUSH_MS     5000u
#define FLUSH_MS_MAX 3600000u
#define LIMITED_S    60

static const struct provider *const providers[] = {&google_analytics, &posthog, &sentry, NULL};

static const struct {
    const char *name;
    bool is_secret;
} config_members[CONFIG_MEMBERS] = {
    [CONFIG_API_KEY] = {"apiKey", true},
    [CONFIG_API_SECRET] = {"apiSecret", true},
    [CONFIG_DSN] = {"dsn", false}, // but for its key (mask_dsn)
    [CONFIG_ENVIRONMENT] = {"environment", false},
    [CONFIG_HOST] = {"host", false},
    [CONFIG_MEASUREMENT_ID] = {"measurementId", false},
    [CONFIG_RELEASE] = {"release", false},
};

// ---- the config

static int read_config_member(struct integration *i, const cJSON *value, struct reason *why)
{
    const char *text = definition_text(value);
    size_t m = 0;
    while (m < CONFIG_MEMBERS && strcmp(value->string, config_members[m].name))
        m++;
    if (m == CONFIG_MEMBERS || !((i->provider->required | i->provider->optional) & 1u << m))
        return reason_set(why, -EINVAL, "config: %s has no member \"%.80s\"", i->provider->name, value->string);
    if (!text || !*text || strlen(text) > 1000)
        return reason_set(why, -EINVAL, "config: %s must be a string", config_members[m].name);
    i->config[m] = strdup(text);
    return i->config[m] ? 0 : -ENOMEM;
}

static int read_config(struct integration *i, const cJSON *config, struct reason *why)
{
    int error = 0;
    const cJSON *value;
    if (!cJSON_IsObject(config))
        return reason_set(why, -EINVAL, "config must be an object");
    cJSON_ArrayForEach(value, config)
    {
        if (!error)
            error = read_config_member(i, value, why);
    }
    for (size_t m = 0; !error && m < CONFIG_MEMBERS; m++)
        if (i->provider->required & 1u << m && !i->config[m])
            error = reason_set(why, -EINVAL, "config: %s is missing", config_members[m].name);
    return error ? error : i->provider->configure(i, why);
}

int integration_set_url(struct integration *i, const char *origin, const char *path, struct reason *why)
{
    URL_AUTO url;
    BYTES_AUTO made = {0};
    const char *host = i->config[CONFIG_HOST] ? i->config[CONFIG_HOST] : origin;
    int error = url_read(&url, host, "config: host", origin, why);
    if (error)
        return error;
    if (url.user || url.password || url.query || strcmp(url.path, "/"))
        return reason_set(why, -EINVAL, "config: host must be an origin like %s", origin);
    url_add_origin(&made, &url);
    bytes_add_text(&made, path);
    bytes_add_char(&made, '\0');
    i->receiver.url = made.failed ? NULL : strdup(made.at);
    return i->receiver.url ? 0 : -ENOMEM;
}

// ---- the definition

static int read_provider(struct integration *i, const cJSON *value, struct reason *why)
{
    const char *name = definition_text(value);
    for (size_t p = 0; name && providers[p] && !i->provider; p++)
        if (!strcmp(name, providers[p]->name))
            i->provider = providers[p];
    if (!i->provider)
        return reason_set(why, -EINVAL, "provider must be \"google-analytics\", \"posthog\" or \"sentry\"");
    i->receiver.kind = &i->provider->receiver;
    i->receiver.batch = i->provider->batch;
    return 0;
}

static int read_member(struct integration *i, const cJSON *value, struct reason *why)
{
    const char *name = value->string;
    unsigned flush_ms = 0;
    if (!strcmp(name, "provider") || !strcmp(name, "config") || !strcmp(name, "filter"))
        return 0;
    if (!strcmp(name, "name") || !strcmp(name, "description"))
        return definition_text(value) ? 0 : reason_set(why, -EINVAL, "%s must be a string", name);
    if (!strcmp(name, "type"))
        return definition_redundant(value, name, i->provider->type, why);
    if (!strcmp(name, "batchSize"))
        return definition_number(&i->receiver.batch, value, name, i->provider->batch_max, why);
    if (!strcmp(name, "disabled"))
        return definition_flag(&i->receiver.disabled, value, name, why);
    if (strcmp(name, "flushInterval"))
        return reason_set(why, -EINVAL, "unknown member \"%.80s\"", name);
    int error = definition_number(&flush_ms, value, "flushInterval, in milliseconds,", FLUSH_MS_MAX, why);
    i->receiver.flush_us = flush_ms * INT64_C(1000);
    return error;
}

static int read_members(struct integration *i, const cJSON *all, struct reason *why)
{
    int error = 0;
    const cJSON *value;
    cJSON_ArrayForEach(value, all)
    {
        if (!error)
            error = read_member(i, value, why);
    }
    return error ? error : read_config(i, cJSON_GetObjectItemCaseSensitive(all, "config"), why);
}

int integration_read(struct receiver **receiver, struct slice text, struct reason *why)
{
    DEFINITION_AUTO json = NULL;
    int error = definition_parse(text, &json, why);
    struct integration *i = error ? NULL : calloc(1, sizeof *i);
    if (!i)
        return error ? error : -ENOMEM;
    i->receiver = (struct receiver){.kind = &providers[0]->receiver,
        .concurrency = RECEIVER_CONCURRENCY,
        .flush_us = FLUSH_MS * INT64_C(1000),
        .backoff = {.kind = BACKOFF_EXPONENTIAL, .max_attempts = INTEGRATION_ATTEMPTS}};
    error = read_provider(i, cJSON_GetObjectItemCaseSensitive(json, "provider"), why);
    if (!error)
        error = read_members(i, json, why);
    // As text: no number of it passes through a double.
    struct slice filter;
    if (!error && json_member(text, "filter", &filter))
        error = event_filter_read(&i->receiver.filter, filter, &i->receiver.arena, why);
    if (error)
        receiver_free(&i->receiver);
    else
        *receiver = &i->receiver;
    return error;
}

void integration_free(struct receiver *receiver)
{
    struct integration *i = (struct integration *)receiver;
    for (size_t m = 0; m < CONFIG_MEMBERS; m++) {
        if (i->config[m])
            OPENSSL_cleanse(i->config[m], strlen(i->config[m]));
        free(i->config[m]);
    }
}

// ---- what others may see

// https://***@HOST/PROJECT
static int mask_dsn(cJSON *config, const cJSON *dsn)
{
    URL_AUTO url;
    BYTES_AUTO shown = {0};
    int error = url_read(&url, definition_text(dsn), "dsn", "", NULL);
    if (error)
        return error;
    bytes_printf(
        &shown, "%s://***@%s%s%s%s", url.scheme, url.host, url.port ? ":" : "", url.port ? url.port : "", url.path);
    bytes_add_char(&shown, '\0');
    return shown.failed ? -ENOMEM : definition_replace(config, "dsn", shown.at);
}

int integration_mask(struct slice text, struct bytes *out)
{
    DEFINITION_AUTO json = NULL;
    int error = definition_parse(text, &json, NULL);
    cJSON *config = error ? NULL : cJSON_GetObjectItemCaseSensitive(json, "config");
    const cJSON *dsn = config ? cJSON_GetObjectItemCaseSensitive(config, "dsn") : NULL;
    for (size_t m = 0; !error && m < CONFIG_MEMBERS; m++)
        if (config_members[m].is_secret && cJSON_GetObjectItemCaseSensitive(config, config_members[m].name))
            error = definition_replace(config, config_members[m].name, "***");
    if (!error && dsn)
        error = mask_dsn(config, dsn);
    return error ? error : definition_print(json, out);
}

static int check(
    void *self, enum hook_change change, struct slice name, struct slice text, struct bytes *data, struct reason *why)
{
    (void)self, (void)change;
    int error = receiver_check(&integration_kind, name, text, why);
    return error ? error : integration_mask(text, data);
}

static const struct hook_file files[] = {
    {.name = "deliveries", .mode = 0444, .question = FOLLOWER_ATTEMPTS},
    {.name = "dead", .mode = 0444, .question = FOLLOWER_DEAD},
    {.name = "status.json", .mode = 0444, .question = FOLLOWER_STATUS},
    {.name = "replay", .mode = 0200, .question = FOLLOWER_REPLAY},
    {0},
};

const struct hook_kind integration_kind = {
    .folder = "integrations",
    .extension = ".json",
    .files = files,
    .noun = "Integration",
    .made = "Connected",
    .removed = "Disconnected",
    .mode = 0600,
    .text_max = RECEIVER_TEXT_MAX,
    .names = receiver_names,
    .check = check,
    .take = receiver_take,
};

// ---- what services share

struct receiver_answer integration_judge(const struct transfer_outcome *o)
{
    if (transfer_is_delivered(o))
        return (struct receiver_answer){.verdict = RECEIVER_TOOK};
    if (o->status >= 400 && o->status < 500 && o->status != 408 && o->status != 429)
        return (struct receiver_answer){.verdict = RECEIVER_REFUSED};
    return (struct receiver_answer){.verdict = RECEIVER_FAILED,
        .hold_s = o->retry_after_s   ? o->retry_after_s
                  : o->status == 429 ? LIMITED_S
                                     : 0};
}

int integration_put(struct bytes *body, const struct bytes *begin, const struct bytes *event, size_t most)
{
    if (begin->failed || event->failed)
        return -ENOMEM;
    if (!body->size) {
        bytes_add_slice(body, bytes_slice(begin));
    } else {
        bool fits = body->size >= begin->size && !memcmp(body->at, begin->at, begin->size) &&
                    body->size + event->size + 16 <= most;
        if (!fits)
            return RECEIVER_ELSEWHERE;
        bytes_add_char(body, ',');
    }
    bytes_add_slice(body, bytes_slice(event));
    return body->failed ? -ENOMEM : RECEIVER_FITS;
}

int integration_end(const struct receiver *receiver, struct transfer *request, int64_t now_us)
{
    (void)receiver, (void)now_us;
    bytes_add_text(&request->body, "]}");
    return request->body.failed ? -ENOMEM : 0;
}

bool integration_next_value(struct json_cursor *cursor, struct slice *key, struct slice *value)
{
    while (json_next_member(cursor, key, value)) {
        struct state_change change = state_read_change(*value);
        if (change.is_pair)
            *value = change.after;
        if (value->at)
            return true;
    }
    return false;
}

struct slice integration_cut(struct slice text, size_t characters)
{
    size_t size = 0;
    for (; size < text.size; size++)
        // Where a character begins.
        if ((text.at[size] & 0xc0) != 0x80 && characters-- == 0)
            break;
    return (struct slice){.at = text.at, .size = size};
}
