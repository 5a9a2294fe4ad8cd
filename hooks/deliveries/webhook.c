#include "hooks/deliveries/webhook.h"

#include "hooks/deliveries/definition.h"
#include "hooks/deliveries/url.h"
#include "store/json.h"
#include "store/name.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

// ---- what an event must be

static int add_pattern(struct webhook *w, const char *text, struct reason *why)
{
    return event_patterns_add(&w->patterns, slice_of(text), &w->receiver.arena, why);
}

static int read_patterns(struct webhook *w, const cJSON *value, const char *member, struct reason *why)
{
    if (!event_patterns_none(&w->patterns))
        return reason_set(why, -EINVAL, "trigger and events are the same: give one of them");
    if (definition_text(value))
        return add_pattern(w, definition_text(value), why);
    if (!cJSON_IsArray(value) || !value->child)
        return reason_set(why, -EINVAL, "%s must be a pattern or an array of patterns", member);
    int error = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, value)
    {
        if (!error)
            error = definition_text(one) ? add_pattern(w, definition_text(one), why)
                                         : reason_set(why, -EINVAL, "%s must hold patterns, as strings", member);
    }
    return error;
}

bool webhook_wants(const struct receiver *receiver, struct slice type, struct slice entity)
{
    return event_patterns_want(&((const struct webhook *)receiver)->patterns, type, entity);
}

// ---- where to

static int read_url(struct webhook *w, const cJSON *value, struct reason *why)
{
    URL_AUTO url;
    const char *text = definition_text(value);
    int error = url_read(&url, text, "url", "https://example.com/hook", why);
    if (error)
        return error;
    if (url.user || url.password)
        return reason_set(why, -EINVAL, "url must not hold a user or a password: give them in headers");
    w->receiver.url = strdup(text);
    return w->receiver.url ? 0 : -ENOMEM;
}

// ---- headers

static bool is_own_header(const char *name)
{
    static const char *const names[] = {"host", "transfer-encoding", "connection", "expect", NULL};
    for (const char *const *own = names; *own; own++)
        if (!strcasecmp(name, *own))
            return true;
    return !strncasecmp(name, "webhook-", 8) || !strncasecmp(name, "content-", 8);
}

static bool is_header_name(const char *name)
{
    return *name && strlen(name) < 128 &&
           !name[strspn(name, "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")];
}

static bool is_header_value(const char *value)
{
    for (const unsigned char *at = (const unsigned char *)value; *at; at++)
        if ((*at < 0x20 && *at != '\t') || *at == 0x7f)
            return false;
    return strlen(value) < 4096;
}

static int read_headers(struct webhook *w, const cJSON *value, struct reason *why)
{
    if (!cJSON_IsObject(value))
        return reason_set(why, -EINVAL, "headers must be an object");
    const cJSON *one;
    cJSON_ArrayForEach(one, value)
    {
        const char *text = definition_text(one);
        if (!is_header_name(one->string))
            return reason_set(why, -EINVAL, "headers: \"%.80s\" is no name of a header", one->string);
        if (is_own_header(one->string))
            return reason_set(why, -EINVAL, "headers: %.80s is set by factfs itself", one->string);
        if (!text || !is_header_value(text))
            return reason_set(why, -EINVAL, "headers: the value of %.80s must be a line of text", one->string);
        if (w->header_count == WEBHOOK_HEADERS_MAX)
            return reason_set(why, -EINVAL, "headers: more than %u", WEBHOOK_HEADERS_MAX);
        // As libcurl wants it, a header without a value ends in a semicolon.
        char **header = &w->headers[w->header_count];
        if ((*text ? asprintf(header, "%s: %s", one->string, text) : asprintf(header, "%s;", one->string)) < 0)
            return *header = NULL, -ENOMEM;
        w->header_count++;
    }
    return 0;
}

// ---- secrets

static int read_secret(struct webhook *w, const cJSON *value, struct reason *why)
{
    if (!definition_text(value))
        return reason_set(why, -EINVAL, "secret must be a string, or an array of strings, the newest first");
    if (w->key_count == WEBHOOK_KEYS_MAX)
        return reason_set(why, -EINVAL, "secret: more than %u", WEBHOOK_KEYS_MAX);
    int error = signature_read_key(&w->keys[w->key_count], slice_of(definition_text(value)), why);
    w->key_count += !error;
    return error;
}

static int read_secrets(struct webhook *w, const cJSON *value, struct reason *why)
{
    if (!cJSON_IsArray(value) || !value->child)
        return read_secret(w, value, why);
    int error = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, value)
    {
        if (!error)
            error = read_secret(w, one, why);
    }
    return error;
}

// ---- retries

static int read_list(struct backoff *b, const cJSON *value, struct reason *why)
{
    const cJSON *one;
    b->kind = BACKOFF_LIST;
    cJSON_ArrayForEach(one, value)
    {
        if (!cJSON_IsNumber(one) || !(one->valuedouble >= 0 && one->valuedouble <= BACKOFF_DELAY_MAX_S))
            return reason_set(why, -EINVAL, "retry: backoff must hold seconds, from 0 to a week");
        if (b->count == BACKOFF_LIST_MAX)
            return reason_set(why, -EINVAL, "retry: backoff has more than %u seconds", BACKOFF_LIST_MAX);
        b->list_ms[b->count++] = (uint32_t)(one->valuedouble * 1000);
    }
    return b->count ? 0 : reason_set(why, -EINVAL, "retry: backoff is empty");
}

static int read_backoff(struct backoff *b, const cJSON *value, struct reason *why)
{
    const char *text = definition_text(value);
    if (text && !strcmp(text, "exponential"))
        b->kind = BACKOFF_EXPONENTIAL;
    else if (text && !strcmp(text, "fixed"))
        b->kind = BACKOFF_FIXED;
    else if (cJSON_IsArray(value))
        return read_list(b, value, why);
    else
        return reason_set(why, -EINVAL, "retry: backoff must be \"exponential\", \"fixed\" or an array of seconds");
    return 0;
}

static int read_retry(struct webhook *w, const cJSON *value, struct reason *why)
{
    if (!cJSON_IsObject(value))
        return reason_set(why, -EINVAL, "retry must be an object");
    int error = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, value)
    {
        if (error)
            break;
        if (!strcmp(one->string, "maxAttempts"))
            error = definition_number(
                &w->receiver.backoff.max_attempts, one, "retry: maxAttempts", BACKOFF_ATTEMPTS_MAX, why);
        else if (!strcmp(one->string, "backoff"))
            error = read_backoff(&w->receiver.backoff, one, why);
        else
            error = reason_set(why, -EINVAL, "retry: unknown member \"%.80s\"", one->string);
    }
    return error;
}

// ---- the definition

static int read_payload(struct webhook *w, const cJSON *value, struct reason *why)
{
    const char *text = definition_text(value);
    w->sends_line = text && !strcmp(text, "event");
    if (!w->sends_line && (!text || strcmp(text, "state")))
        return reason_set(why, -EINVAL, "payload must be \"state\" or \"event\"");
    return 0;
}

static int read_member(struct webhook *w, const cJSON *value, struct reason *why)
{
    const char *name = value->string;
    if (!strcmp(name, "name") || !strcmp(name, "description"))
        return definition_text(value) ? 0 : reason_set(why, -EINVAL, "%s must be a string", name);
    if (!strcmp(name, "action") || !strcmp(name, "type"))
        return definition_redundant(value, name, "webhook", why);
    if (!strcmp(name, "trigger") || !strcmp(name, "events"))
        return read_patterns(w, value, name, why);
    if (!strcmp(name, "filter"))
        return 0;
    if (!strcmp(name, "url"))
        return read_url(w, value, why);
    if (!strcmp(name, "headers"))
        return read_headers(w, value, why);
    if (!strcmp(name, "secret"))
        return read_secrets(w, value, why);
    if (!strcmp(name, "retry"))
        return read_retry(w, value, why);
    if (!strcmp(name, "payload"))
        return read_payload(w, value, why);
    if (!strcmp(name, "concurrency"))
        return definition_number(&w->receiver.concurrency, value, name, RECEIVER_CONCURRENCY_MAX, why);
    if (!strcmp(name, "disabled"))
        return definition_flag(&w->receiver.disabled, value, name, why);
    return reason_set(why, -EINVAL, "unknown member \"%.80s\"", name);
}

static int read_members(struct webhook *w, const cJSON *all, struct reason *why)
{
    int error = 0;
    const cJSON *member;
    cJSON_ArrayForEach(member, all)
    {
        if (!error)
            error = read_member(w, member, why);
    }
    if (!error && event_patterns_none(&w->patterns))
        return reason_set(why, -EINVAL, "trigger (or events) is missing: which events are to be sent");
    if (!error && !w->receiver.url)
        return reason_set(why, -EINVAL, "url is missing: where the events are to be sent");
    struct backoff *b = &w->receiver.backoff;
    if (!error && !b->max_attempts)
        b->max_attempts = backoff_attempts(b->kind, b->count);
    w->receiver.wants_key = !w->key_count;
    return error;
}

int webhook_read(struct receiver **receiver, struct slice text, struct reason *why)
{
    DEFINITION_AUTO json = NULL;
    int error = definition_parse(text, &json, why);
    struct webhook *w = error ? NULL : calloc(1, sizeof *w);
    if (!w)
        return error ? error : -ENOMEM;
    w->receiver = (struct receiver){.kind = &webhook_receiver, .concurrency = RECEIVER_CONCURRENCY, .batch = 1};
    error = read_members(w, json, why);
    // As text: no number of it passes through a double.
    struct slice filter;
    if (!error && json_member(text, "filter", &filter))
        error = event_filter_read(&w->receiver.filter, filter, &w->receiver.arena, why);
    if (error)
        receiver_free(&w->receiver);
    else
        *receiver = &w->receiver;
    return error;
}

void webhook_free(struct receiver *receiver)
{
    struct webhook *w = (struct webhook *)receiver;
    for (size_t i = 0; i < w->header_count; i++)
        free(w->headers[i]);
    for (size_t i = 0; i < WEBHOOK_KEYS_MAX; i++)
        signature_forget_key(&w->keys[i]);
    event_patterns_free(&w->patterns);
}

// ---- what others may see

static int mask_url(cJSON *all, const cJSON *value)
{
    URL_AUTO url;
    BYTES_AUTO shown = {0};
    int error = url_read(&url, definition_text(value), "url", "", NULL);
    if (error)
        return error;
    url_add_origin(&shown, &url);
    bytes_add(&shown, "/***", sizeof "/***");
    return shown.failed ? -ENOMEM : definition_replace(all, "url", shown.at);
}

int webhook_mask(struct slice text, struct bytes *out)
{
    DEFINITION_AUTO json = NULL;
    int error = definition_parse(text, &json, NULL);
    if (error)
        return error;
    cJSON *headers = cJSON_GetObjectItemCaseSensitive(json, "headers"), *one;
    cJSON_ArrayForEach(one, headers)
    {
        if (!error && !cJSON_SetValuestring(one, "***"))
            error = -ENOMEM;
    }
    if (!error)
        error = mask_url(json, cJSON_GetObjectItemCaseSensitive(json, "url"));
    if (!error && cJSON_GetObjectItemCaseSensitive(json, "secret"))
        error = definition_replace(json, "secret", "***");
    return error ? error : definition_print(json, out);
}
