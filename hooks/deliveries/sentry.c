// Sentry's envelopes, https://develop.sentry.dev/sdk/foundations/transport/: one event each.
//
//     POST SCHEME://HOST/PATH/api/PROJECT/envelope/, of the DSN SCHEME://KEY@HOST/PATH/PROJECT
//     {"event_id","sent_at"}
//     {"type":"event","length":BYTES,"content_type":"application/json"}
//     {"event_id","timestamp","platform","level","message","tags","user","extra"[,"environment"][,"release"]}
//
// A repeat has the same `event_id`, by which it is known as the same event. Without a filter it is sent what failed.
#include "hooks/deliveries/integration.h"
#include "hooks/deliveries/url.h"

#include <errno.h>
#include <openssl/evp.h>

#define MESSAGE_CHARACTERS 8192u
#define EXTRA_BYTES_MAX    ((size_t)256 << 10)
#define LIMITED_S          60
#define LIMITED_S_MAX      86400
#define EXAMPLE            "https://KEY@o1.ingest.sentry.io/1"

// ---- the DSN

static int read_dsn(struct url *url, const char *dsn, struct reason *why)
{
    int error = url_read(url, dsn, "config: dsn", EXAMPLE, why);
    const char *project = error ? NULL : strrchr(url->path, '/') + 1;
    if (!error && (!url->user || !*project || url->query))
        return reason_set(why, -EINVAL, "config: dsn must be one like " EXAMPLE);
    return error;
}

static int configure(struct integration *i, struct reason *why)
{
    URL_AUTO dsn = {0};
    BYTES_AUTO url = {0};
    int error = read_dsn(&dsn, i->config[CONFIG_DSN], why);
    if (error)
        return error;
    char *project = strrchr(dsn.path, '/');
    url_add_origin(&url, &dsn);
    bytes_printf(&url, "%.*s/api%s/envelope/", (int)(project - dsn.path), dsn.path, project);
    bytes_add_char(&url, '\0');
    i->receiver.url = url.failed ? NULL : strdup(url.at);
    return i->receiver.url ? 0 : -ENOMEM;
}

static bool add_auth(struct transfer *request, const char *dsn)
{
    URL_AUTO url = {0};
    return read_dsn(&url, dsn, NULL) == 0 &&
           transfer_print_header(request,
               "X-Sentry-Auth: Sentry sentry_version=7, sentry_client=factfs/" FACTFS_VERSION ", sentry_key=%s%s%s",
               url.user, url.password ? ", sentry_secret=" : "", url.password ? url.password : "");
}

// ---- what is wanted

static bool ends_in(struct slice text, struct slice end)
{
    return text.size >= end.size && !memcmp(text.at + text.size - end.size, end.at, end.size);
}

static bool tells_failure(struct slice stored, struct slice entity)
{
    char term[NAME_TERM_MAX];
    struct slice folded = {.at = term, .size = name_type_term(term, stored, entity)};
    if (!strncmp(term, "error.", 6))
        return true;
    if (name_stored_type(stored).style == NAME_SNAKE)
        return ends_in(folded, SLICE("failed"));
    return ends_in(folded, SLICE(".failed")) || ends_in(folded, SLICE(".errored")) ||
           ends_in(folded, SLICE(".crashed"));
}

static bool wants(const struct receiver *receiver, struct slice type, struct slice entity)
{
    return !event_filter_is_open(&receiver->filter) || tells_failure(type, entity);
}

// ---- an event

// The first 32 digits of the id's SHA-256.
static bool add_event_id(struct bytes *out, struct slice id)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (EVP_Digest(id.at, id.size, hash, NULL, EVP_sha256(), NULL) != 1)
        return false;
    for (size_t b = 0; b < 16; b++)
        bytes_printf(out, "%02x", hash[b]);
    return true;
}

// What the data says of the failure.
static bool find_message(struct slice data, struct slice *message)
{
    static const char *const names[] = {"message", "error", "reason", NULL};
    for (const char *const *name = names; *name; name++) {
        struct json_cursor c = json_enter(data);
        for (struct slice key; integration_next_value(&c, &key, message);)
            if (json_key_is(key, *name) && json_kind(*message) != JSON_NULL)
                return true;
    }
    return false;
}

static void add_message(struct bytes *out, const struct event *event)
{
    struct slice message;
    BYTES_AUTO text = {0};
    bytes_add_slice(&text, event->type);
    if (find_message(event->data, &message)) {
        bytes_add_text(&text, ": ");
        if (json_kind(message) == JSON_STRING)
            json_decode(&text, message);
        else
            bytes_add_slice(&text, message);
    }
    json_quote(out, integration_cut(bytes_slice(&text), MESSAGE_CHARACTERS));
    out->failed |= text.failed;
}

// The data as it is recorded; what is more than the service takes is left out, by whole members.
static void add_extra(struct bytes *out, struct slice data)
{
    struct json_cursor c = json_enter(data);
    size_t begun = out->size;
    const char *before = "{";
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        if (out->size - begun + key.size + value.size + 3 > EXTRA_BYTES_MAX)
            continue;
        bytes_add_text(out, before);
        bytes_add_slice(out, key);
        bytes_add_char(out, ':');
        bytes_add_slice(out, value);
        before = ",";
    }
    bytes_add_text(out, *before == '{' ? "{}" : "}");
}

static void add_text_member(struct bytes *out, const char *before, struct slice text)
{
    bytes_add_text(out, before);
    json_quote(out, text);
}

static void add_payload(struct bytes *out, struct slice event_id, const struct integration *i, const struct outgoing *o)
{
    const char *environment = i->config[CONFIG_ENVIRONMENT], *release = i->config[CONFIG_RELEASE];
    add_text_member(out, "{\"event_id\":", event_id);
    bytes_add_text(out, ",\"timestamp\":");
    when_quote(out, o->event.at_us);
    bytes_add_text(out, ",\"platform\":\"other\",\"level\":\"error\",\"message\":");
    add_message(out, &o->event);
    add_text_member(out, ",\"tags\":{\"type\":", o->event.type);
    add_text_member(out, ",\"target\":", o->event.target);
    add_text_member(out, ",\"tenant\":", o->tenant);
    add_text_member(out, "},\"user\":{\"id\":", o->event.actor);
    bytes_add_text(out, "},\"extra\":");
    add_extra(out, o->event.data);
    if (environment)
        add_text_member(out, ",\"environment\":", slice_of(environment));
    if (release)
        add_text_member(out, ",\"release\":", slice_of(release));
    bytes_add_char(out, '}');
}

static int add(const struct receiver *receiver, struct transfer *request, const struct outgoing *o)
{
    const struct integration *i = integration_of(receiver);
    BYTES_AUTO id = {0}, payload = {0};
    if (!add_event_id(&id, o->event.id))
        return -ENOMEM;
    add_payload(&payload, bytes_slice(&id), i, o);
    add_text_member(&request->body, "{\"event_id\":", bytes_slice(&id));
    bytes_add_text(&request->body, ",\"sent_at\":");
    when_quote(&request->body, o->now_us);
    bytes_printf(
        &request->body, "}\n{\"type\":\"event\",\"length\":%zu,\"content_type\":\"application/json\"}\n", payload.size);
    bytes_add_slice(&request->body, bytes_slice(&payload));
    bytes_add_char(&request->body, '\n');
    bool added = !id.failed && !payload.failed && !request->body.failed && add_auth(request, i->config[CONFIG_DSN]);
    return added ? RECEIVER_FITS : -ENOMEM;
}

// ---- its limits

static struct slice take_part(struct slice *text, char end)
{
    const char *at = text->size ? memchr(text->at, end, text->size) : NULL;
    struct slice part = {.at = text->at, .size = at ? (size_t)(at - text->at) : text->size};
    size_t taken = part.size + (at != NULL);
    *text = (struct slice){.at = text->at + taken, .size = text->size - taken};
    while (part.size && *part.at == ' ')
        part = (struct slice){.at = part.at + 1, .size = part.size - 1};
    return part;
}

// Seconds; what cannot be read is a minute.
static int64_t read_seconds(struct slice text)
{
    int64_t seconds = 0;
    size_t i = 0;
    for (; i < text.size && text.at[i] >= '0' && text.at[i] <= '9' && seconds < LIMITED_S_MAX; i++)
        seconds = seconds * 10 + (text.at[i] - '0');
    if (i == 0)
        return LIMITED_S;
    return seconds < LIMITED_S_MAX ? seconds : LIMITED_S_MAX;
}

// Without categories a limit is for all.
static bool is_for_errors(struct slice categories)
{
    bool is = categories.size == 0;
    while (categories.size && !is)
        is = slice_is(take_part(&categories, ';'), "error");
    return is;
}

// RETRY_AFTER:CATEGORIES:SCOPE:…, and more behind commas: the longest that errors fall under.
static int64_t limited_s(struct slice limits)
{
    int64_t longest = 0;
    while (limits.size) {
        struct slice limit = take_part(&limits, ',');
        int64_t seconds = read_seconds(take_part(&limit, ':'));
        if (is_for_errors(take_part(&limit, ':')) && seconds > longest)
            longest = seconds;
    }
    return longest;
}

// Limits may come with any answer, and then stand for Retry-After too.
static struct receiver_answer judge(const struct transfer_outcome *o)
{
    struct receiver_answer answer = integration_judge(o);
    if (o->header[0])
        answer.hold_s = limited_s(slice_of(o->header));
    return answer;
}

const struct provider sentry = {
    .name = "sentry",
    .type = "errors",
    .receiver = {.drops = true,
        .events_max = 1,
        .content_type = "application/x-sentry-envelope",
        .header = "X-Sentry-Rate-Limits",
        .free = integration_free,
        .wants = wants,
        .add = add,
        .judge = judge},
    .batch = 1,
    .batch_max = 1000,
    .required = 1u << CONFIG_DSN,
    .optional = 1u << CONFIG_ENVIRONMENT | 1u << CONFIG_RELEASE,
    .configure = configure,
};
