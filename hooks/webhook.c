#include "hooks/webhook.h"

#include "store/json.h"
#include "store/name.h"

#include <cJSON.h>
#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <strings.h>

#define PATTERN_TEXT_MAX 512

static int no_memory_or(const void *made, int error)
{
    return made ? error : -ENOMEM;
}

static const char *text_of(const cJSON *value)
{
    return cJSON_IsString(value) ? value->valuestring : NULL;
}

// ---- JSON

// Strict, where cJSON is not: one object, UTF-8, each key once.
static int check_json(struct slice text, struct reason *why)
{
    struct json_scanner scanner;
    size_t used = 0;
    json_scanner_init(&scanner);
    enum json_found found = json_scan(&scanner, text.at, text.size, &used, why);
    if (found == JSON_WRONG)
        return -EINVAL;
    if (found == JSON_MORE)
        return reason_set(why, -EINVAL, json_scanner_idle(&scanner) ? "it is empty" : "its JSON is not complete");
    struct slice rest = {.at = text.at + used, .size = text.size - used};
    for (size_t i = 0; i < rest.size; i++)
        if (!strchr(" \t\r\n", rest.at[i]) || !rest.at[i])
            return reason_set(why, -EINVAL, "something stands behind its object");
    struct slice value = {.at = text.at, .size = used};
    if (json_kind(value) != JSON_OBJECT)
        return reason_set(why, -EINVAL, "it must be an object");
    return json_refuse_duplicates(value, why);
}

// ---- what an event must be

static bool is_pattern_text(const char *text)
{
    return *text && strlen(text) < PATTERN_TEXT_MAX &&
           !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._*:-")];
}

// One alternative. `was_placed` may be an entity or a type of any noun: both are meant.
static int read_pattern(struct webhook *w, const char *text, struct reason *why)
{
    if (!strcmp(text, "*")) {
        w->is_for_all = true;
        return 0;
    }
    struct webhook_pattern pattern = {0};
    struct slice written = slice_of(text);
    char filter[PATTERN_TEXT_MAX + 8];
    if (!is_pattern_text(text))
        return reason_set(why, -EINVAL, "\"%.80s\" is no pattern like Deal.Closed, Deal.*, *.created", text);
    if (name_is_entity(written))
        pattern.entity = arena_copy(&w->arena, written);
    snprintf(filter, sizeof filter, "type=%s", text);
    int error = filter_parse(&pattern.filter, FILTER_QUERY, slice_of(filter), NULL);
    if (error == -ENOMEM)
        return error;
    pattern.has_filter = !error;
    if (error && !pattern.entity.size)
        return reason_set(why, -EINVAL, "\"%.80s\" is no pattern like Deal.Closed, Deal.*, *.created", text);
    struct webhook_pattern *patterns = reallocarray(w->patterns, w->pattern_count + 1, sizeof *patterns);
    if (!patterns)
        return -ENOMEM;
    w->patterns = patterns;
    patterns[w->pattern_count++] = pattern;
    return 0;
}

static int read_alternatives(struct webhook *w, const char *text, struct reason *why)
{
    char *copy = strdup(text), *rest = copy;
    int error = no_memory_or(copy, 0);
    for (char *one; !error && (one = strsep(&rest, "|"));)
        error = read_pattern(w, one, why);
    free(copy);
    return error;
}

static int read_patterns(struct webhook *w, const cJSON *value, const char *member, struct reason *why)
{
    if (w->is_for_all || w->pattern_count)
        return reason_set(why, -EINVAL, "trigger and events are the same: give one of them");
    if (text_of(value))
        return read_alternatives(w, text_of(value), why);
    if (!cJSON_IsArray(value) || !value->child)
        return reason_set(why, -EINVAL, "%s must be a pattern or an array of patterns", member);
    int error = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, value)
    {
        if (!error)
            error = text_of(one) ? read_alternatives(w, text_of(one), why)
                                 : reason_set(why, -EINVAL, "%s must hold patterns, as strings", member);
    }
    return error;
}

bool webhook_wants(const struct webhook *w, struct slice type, struct slice entity)
{
    if (w->is_for_all)
        return true;
    char term[NAME_TERM_MAX];
    struct slice folded = {.at = term, .size = name_type_term(term, type, entity)};
    for (size_t i = 0; i < w->pattern_count; i++) {
        const struct webhook_pattern *p = &w->patterns[i];
        if (p->entity.size && slice_equal(p->entity, entity))
            return true;
        if (p->has_filter && filter_type_matches(&p->filter.choices[0].values[0], folded))
            return true;
    }
    return false;
}

// ---- where to

struct url {
    char *scheme, *user, *password, *host, *port;
};

static void url_free(struct url *u)
{
    curl_free(u->scheme);
    curl_free(u->user);
    curl_free(u->password);
    curl_free(u->host);
    curl_free(u->port);
}

// False when it is no URL.
static bool url_split(const char *text, struct url *u)
{
    CURLU *handle = curl_url();
    bool is_url = handle && curl_url_set(handle, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                  curl_url_get(handle, CURLUPART_SCHEME, &u->scheme, 0) == CURLUE_OK &&
                  curl_url_get(handle, CURLUPART_HOST, &u->host, 0) == CURLUE_OK;
    if (is_url) {
        curl_url_get(handle, CURLUPART_USER, &u->user, 0);
        curl_url_get(handle, CURLUPART_PASSWORD, &u->password, 0);
        curl_url_get(handle, CURLUPART_PORT, &u->port, 0);
    }
    curl_url_cleanup(handle);
    return is_url;
}

static int read_url(struct webhook *w, const cJSON *value, struct reason *why)
{
    __attribute__((cleanup(url_free))) struct url u = {0};
    const char *text = text_of(value);
    if (!text || !url_split(text, &u))
        return reason_set(why, -EINVAL, "url must be one like https://example.com/hook");
    if (strcasecmp(u.scheme, "http") && strcasecmp(u.scheme, "https"))
        return reason_set(why, -EINVAL, "url must begin with https:// or http://, not %.20s://", u.scheme);
    if (u.user || u.password)
        return reason_set(why, -EINVAL, "url must not hold a user or a password: give them in headers");
    w->url = strdup(text);
    if (asprintf(&w->shown_url, "%s://%s%s%s/***", u.scheme, u.host, u.port ? ":" : "", u.port ? u.port : "") < 0)
        w->shown_url = NULL;
    return w->url && w->shown_url ? 0 : -ENOMEM;
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
        const char *text = text_of(one);
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
    if (!text_of(value))
        return reason_set(why, -EINVAL, "secret must be a string, or an array of strings, the newest first");
    if (w->key_count == WEBHOOK_KEYS_MAX)
        return reason_set(why, -EINVAL, "secret: more than %u", WEBHOOK_KEYS_MAX);
    int error = signature_read_key(&w->keys[w->key_count], slice_of(text_of(value)), why);
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
    const char *text = text_of(value);
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

// A whole number within bounds; -EINVAL with the reason.
static int read_number(unsigned *number, const cJSON *value, const char *member, unsigned most, struct reason *why)
{
    if (!cJSON_IsNumber(value) || !(value->valuedouble >= 1 && value->valuedouble <= most) ||
        value->valuedouble != (double)(unsigned)value->valuedouble)
        return reason_set(why, -EINVAL, "%s must be a whole number from 1 to %u", member, most);
    *number = (unsigned)value->valuedouble;
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
            error = read_number(&w->backoff.max_attempts, one, "retry: maxAttempts", BACKOFF_ATTEMPTS_MAX, why);
        else if (!strcmp(one->string, "backoff"))
            error = read_backoff(&w->backoff, one, why);
        else
            error = reason_set(why, -EINVAL, "retry: unknown member \"%.80s\"", one->string);
    }
    return error;
}

// ---- the definition

static int read_flag(bool *flag, const cJSON *value, const char *member, struct reason *why)
{
    if (!cJSON_IsBool(value))
        return reason_set(why, -EINVAL, "%s must be true or false", member);
    *flag = cJSON_IsTrue(value);
    return 0;
}

static int read_payload(struct webhook *w, const cJSON *value, struct reason *why)
{
    const char *text = text_of(value);
    w->sends_line = text && !strcmp(text, "event");
    if (!w->sends_line && (!text || strcmp(text, "state")))
        return reason_set(why, -EINVAL, "payload must be \"state\" or \"event\"");
    return 0;
}

static int read_redundant(const cJSON *value, const char *member, struct reason *why)
{
    const char *text = text_of(value);
    return text && !strcmp(text, "webhook") ? 0 : reason_set(why, -EINVAL, "%s can only be \"webhook\"", member);
}

static int read_member(struct webhook *w, const cJSON *value, struct reason *why)
{
    const char *name = value->string;
    if (!strcmp(name, "name") || !strcmp(name, "description"))
        return text_of(value) ? 0 : reason_set(why, -EINVAL, "%s must be a string", name);
    if (!strcmp(name, "action") || !strcmp(name, "type"))
        return read_redundant(value, name, why);
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
        return read_number(&w->concurrency, value, name, WEBHOOK_CONCURRENCY_MAX, why);
    if (!strcmp(name, "disabled"))
        return read_flag(&w->disabled, value, name, why);
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
    if (!error && !w->is_for_all && !w->pattern_count)
        return reason_set(why, -EINVAL, "trigger (or events) is missing: which events are to be sent");
    if (!error && !w->url)
        return reason_set(why, -EINVAL, "url is missing: where the events are to be sent");
    if (!error && !w->backoff.max_attempts)
        w->backoff.max_attempts = backoff_attempts(w->backoff.kind, w->backoff.count);
    return error;
}

// cJSON's memory holds secrets: nothing of it is to stay behind.
static void forget(cJSON *value)
{
    for (cJSON *one = value; one; one = one->next) {
        if (one->valuestring)
            OPENSSL_cleanse(one->valuestring, strlen(one->valuestring));
        forget(one->child);
    }
}

static void drop_json(cJSON **json)
{
    forget(*json);
    cJSON_Delete(*json);
}
#define JSON_AUTO __attribute__((cleanup(drop_json))) cJSON *

int webhook_read(struct webhook *w, struct slice text, struct reason *why)
{
    *w = (struct webhook){.concurrency = WEBHOOK_CONCURRENCY};
    int error = check_json(text, why);
    if (error)
        return error;
    JSON_AUTO json = cJSON_ParseWithLength(text.at, text.size);
    error = no_memory_or(json, 0);
    if (!error)
        error = read_members(w, json, why);
    // As text: no number of it passes through a double.
    struct slice filter;
    if (!error && json_member(text, "filter", &filter))
        error = event_filter_read(&w->filter, filter, &w->arena, why);
    if (error)
        webhook_free(w);
    return error;
}

void webhook_free(struct webhook *w)
{
    for (size_t i = 0; i < w->pattern_count; i++)
        if (w->patterns[i].has_filter)
            filter_free(&w->patterns[i].filter);
    for (size_t i = 0; i < w->header_count; i++)
        free(w->headers[i]);
    for (size_t i = 0; i < WEBHOOK_KEYS_MAX; i++)
        signature_forget_key(&w->keys[i]);
    event_filter_free(&w->filter);
    free(w->patterns);
    free(w->url);
    free(w->shown_url);
    arena_free(&w->arena);
    *w = (struct webhook){0};
}

// ---- what others may see

static int set_masked(cJSON *all, const char *name, const char *text)
{
    return no_memory_or(cJSON_ReplaceItemInObjectCaseSensitive(all, name, cJSON_CreateString(text)) ? all : NULL, 0);
}

static int mask_members(cJSON *all)
{
    int error = 0;
    const cJSON *url = cJSON_GetObjectItemCaseSensitive(all, "url");
    cJSON *headers = cJSON_GetObjectItemCaseSensitive(all, "headers"), *one;
    struct webhook w = {0};
    if (url) {
        error = read_url(&w, url, NULL);
        if (!error)
            error = set_masked(all, "url", w.shown_url);
        webhook_free(&w);
    }
    cJSON_ArrayForEach(one, headers)
    {
        if (!error && !cJSON_SetValuestring(one, "***"))
            error = -ENOMEM;
    }
    if (!error && cJSON_GetObjectItemCaseSensitive(all, "secret"))
        error = set_masked(all, "secret", "***");
    return error;
}

int webhook_mask(struct slice text, struct bytes *out)
{
    JSON_AUTO json = cJSON_ParseWithLength(text.at, text.size);
    int error = no_memory_or(json, 0);
    if (!error)
        error = mask_members(json);
    char *printed = error ? NULL : cJSON_PrintUnformatted(json);
    if (!error)
        error = no_memory_or(printed, 0);
    if (!error)
        bytes_add_text(out, printed);
    cJSON_free(printed);
    return error ? error : out->failed ? -ENOMEM : 0;
}
