#include "hooks/lake/rest.h"

#include "hooks/lake/uri.h"
#include "store/json.h"
#include "store/number.h"
#include "store/when.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <strings.h>
#include <sys/random.h>

#define ANSWER_BYTES_MAX  ((size_t)64 << 20)
#define SEPARATOR_DEFAULT "%1F"
#define TOKEN_PATH        "/v1/oauth/tokens"
#define SCOPE_DEFAULT     "catalog"
#define TOKEN_SPARE_US    (60 * WHEN_US_PER_SECOND)
#define AUTH_TIMEOUT      419u

int rest_open(
    struct rest *rest, const char *uri, const char *warehouse, const struct access *access, struct reason *why)
{
    *rest = (struct rest){0};
    if (strncasecmp(uri, "https://", 8) != 0 && strncasecmp(uri, "http://", 7) != 0)
        return reason_set(why, -EINVAL, "a REST catalog is at https://… or http://…");
    if (strpbrk(uri, "@?# "))
        return reason_set(why, -EINVAL, "a REST catalog's address is like https://host/path");
    struct slice given = slice_of(uri);
    while (given.size && given.at[given.size - 1] == '/')
        given.size--;
    bytes_add_slice(&rest->uri, given);
    uri_encode(&rest->warehouse, slice_of(warehouse ? warehouse : ""));
    bytes_add_text(&rest->separator, SEPARATOR_DEFAULT);
    int error = rest->uri.failed || rest->warehouse.failed || rest->separator.failed ? -ENOMEM : 0;
    if (!error)
        error = access_copy(&rest->access, access);
    if (!error)
        error = http_open(&rest->http, access->stop, access->ca_file);
    if (error) {
        rest_close(rest);
        return error;
    }
    if (access->patience_ms)
        rest->http.patience_ms = access->patience_ms;
    return 0;
}

static void forget_token(struct rest *rest)
{
    if (rest->token.at)
        OPENSSL_cleanse(rest->token.at, rest->token.room);
    bytes_clear(&rest->token);
    rest->token_until_us = 0;
}

void rest_close(struct rest *rest)
{
    struct bytes *const all[] = {&rest->uri, &rest->warehouse, &rest->base, &rest->separator, &rest->token};
    forget_token(rest);
    http_close(&rest->http);
    http_answer_free(&rest->answer);
    access_clear(&rest->access);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        bytes_free(all[i]);
}

int rest_make_key(char key[static UUID_TEXT])
{
    unsigned char b[16];
    if (getrandom(b, sizeof b, 0) != sizeof b)
        return -EIO;
    uint64_t ms = (uint64_t)when_now_us() / 1000;
    for (int i = 5; i >= 0; i--, ms >>= 8)
        b[i] = (unsigned char)ms;
    b[6] = (unsigned char)(0x70 | (b[6] & 0x0f));
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
    uuid_print(key, b);
    return 0;
}

// ---- answers

static bool is_document(struct slice text)
{
    struct json_scanner scanner;
    size_t used = 0;
    json_scanner_init(&scanner);
    if (json_scan(&scanner, text.at, text.size, &used, NULL) != JSON_VALUE)
        return false;
    for (size_t i = used; i < text.size; i++) {
        if (!strchr(" \t\r\n", text.at[i]) || !text.at[i])
            return false;
    }
    struct slice value = {.at = text.at, .size = used};
    return json_kind(value) == JSON_OBJECT && !json_refuse_duplicates(value, NULL);
}

static bool take_string(struct slice object, const char *name, struct bytes *out)
{
    struct slice value;
    if (!json_member(object, name, &value) || json_kind(value) != JSON_STRING)
        return false;
    bytes_clear(out);
    json_decode(out, value);
    return true;
}

static void add_printable(struct bytes *out, struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        bytes_add_char(out, text.at[i] < ' ' || text.at[i] > '~' ? ' ' : text.at[i]);
}

int rest_refused(const struct rest *rest, const struct rest_request *request, struct reason *why)
{
    struct slice body = bytes_slice(&rest->answer.body), told;
    unsigned status = rest->answer.status;
    BYTES_AUTO text = {0}, words = {0};
    bool is_told = is_document(body) && json_member(body, "error", &told) && json_kind(told) == JSON_OBJECT;
    if (is_told && take_string(told, "type", &text))
        add_printable(&words, bytes_slice(&text));
    if (is_told && take_string(told, "message", &text)) {
        bytes_add_text(&words, ": ");
        add_printable(&words, bytes_slice(&text));
    }
    int error = status == 401 || status == 403 || status == AUTH_TIMEOUT ? -EACCES
                : status == 404 && is_told                               ? -ENOENT
                                                                         : -EIO;
    return reason_set(why, error, "catalog: %s %.*s: status %u %.*s", request->method,
        (int)(request->path.size < 100 ? request->path.size : 100), request->path.at, status,
        (int)(words.size < 120 ? words.size : 120), words.at ? words.at : "");
}

// ---- tokens

static int take_token(struct rest *rest, struct reason *why)
{
    struct slice body = bytes_slice(&rest->answer.body), lifetime;
    uint64_t lifetime_s = 0;
    if (rest->answer.status != 200 || !is_document(body) || !take_string(body, "access_token", &rest->token))
        return reason_set(why, -EACCES, "catalog: no token is given to this client: status %u", rest->answer.status);
    if (json_member(body, "expires_in", &lifetime) && json_kind(lifetime) == JSON_NUMBER)
        number_count(lifetime, &lifetime_s);
    if (lifetime_s > 0 && lifetime_s < 1000000000)
        rest->token_until_us = when_now_us() + (int64_t)lifetime_s * WHEN_US_PER_SECOND;
    return rest->token.failed ? -ENOMEM : 0;
}

static int ask_for_token(struct rest *rest, struct reason *why)
{
    const char *client = rest->access.values[ACCESS_CLIENT], *scope = rest->access.values[ACCESS_SCOPE];
    const char *colon = strchr(client, ':');
    HTTP_HEADERS_AUTO headers = NULL;
    BYTES_AUTO url = {0}, form = {0};
    if (!colon)
        return reason_set(why, -EINVAL, "FACTFS_LAKE_CLIENT must be ID:SECRET");
    if (rest->access.values[ACCESS_TOKEN_URL])
        bytes_add_text(&url, rest->access.values[ACCESS_TOKEN_URL]);
    else
        bytes_printf(&url, "%.*s" TOKEN_PATH, SLICE_ARG(bytes_slice(&rest->uri)));
    bytes_add_char(&url, '\0');
    bytes_add_text(&form, "grant_type=client_credentials&client_id=");
    uri_encode(&form, (struct slice){.at = client, .size = (size_t)(colon - client)});
    bytes_add_text(&form, "&client_secret=");
    uri_encode(&form, slice_of(colon + 1));
    bytes_add_text(&form, "&scope=");
    uri_encode(&form, slice_of(scope ? scope : SCOPE_DEFAULT));
    bool added = http_header(&headers, "Content-Type", SLICE("application/x-www-form-urlencoded")) &&
                 http_header(&headers, "Expect", SLICE(""));
    struct http_request request = {
        .method = "POST", .url = url.at, .headers = headers, .body = bytes_slice(&form), .answer_max = 1 << 20};
    int error = !added || url.failed || form.failed ? -ENOMEM : -EIO;
    rest->answer.retry_after_s = 0;
    for (unsigned attempt = 0; error == -EIO && http_wait(&rest->http, attempt, rest->answer.retry_after_s);
         attempt++) {
        error = http_send(&rest->http, &request, &rest->answer, NULL);
        if (error == -ENOTCONN || error == -EINPROGRESS || (!error && http_is_passing(rest->answer.status)))
            error = -EIO;
    }
    if (form.at)
        OPENSSL_cleanse(form.at, form.room);
    if (error)
        return reason_set(why, error, "catalog: there is no answer to the request for a token");
    error = take_token(rest, why);
    if (rest->answer.body.at)
        OPENSSL_cleanse(rest->answer.body.at, rest->answer.body.room);
    return error;
}

static int ensure_token(struct rest *rest, struct reason *why)
{
    bool ends = rest->token_until_us && when_now_us() > rest->token_until_us - TOKEN_SPARE_US;
    if (rest->token.size && !ends)
        return 0;
    forget_token(rest);
    if (rest->access.values[ACCESS_TOKEN])
        bytes_add_text(&rest->token, rest->access.values[ACCESS_TOKEN]);
    else if (rest->access.values[ACCESS_CLIENT])
        return ask_for_token(rest, why);
    return rest->token.failed ? -ENOMEM : 0;
}

// ---- requests

static bool add_headers(struct curl_slist **headers, const struct rest *rest, const struct rest_request *r)
{
    BYTES_AUTO bearer = {0};
    bytes_printf(&bearer, "Bearer %.*s", SLICE_ARG(bytes_slice(&rest->token)));
    bool added = !bearer.failed && http_header(headers, "Accept", SLICE("application/json")) &&
                 http_header(headers, "Content-Type", r->body.size ? SLICE("application/json") : SLICE("")) &&
                 http_header(headers, "Expect", SLICE("")) &&
                 (!rest->token.size || http_header(headers, "Authorization", bytes_slice(&bearer))) &&
                 (!r->idempotency_key || http_header(headers, "Idempotency-Key", slice_of(r->idempotency_key))) &&
                 (!r->wants_keys || http_header(headers, "X-Iceberg-Access-Delegation", SLICE("vended-credentials")));
    if (bearer.at)
        OPENSSL_cleanse(bearer.at, bearer.room);
    return added;
}

static int send_once(struct rest *rest, const struct rest_request *r, const char *url, struct reason *why)
{
    HTTP_HEADERS_AUTO headers = NULL;
    int error = ensure_token(rest, why);
    if (error)
        return error;
    if (!add_headers(&headers, rest, r))
        return -ENOMEM;
    struct http_request request = {.method = r->method,
        .url = url,
        .headers = headers,
        .body = r->body,
        .answer_max = ANSWER_BYTES_MAX,
        .is_sent_once = strcmp(r->method, "GET") != 0};
    error = http_send(&rest->http, &request, &rest->answer, why);
    if (error == -EMSGSIZE || error == -ENOMEM)
        return -EINPROGRESS;
    if (!error && rest->answer.status / 100 == 2 && rest->answer.body.size &&
        !is_document(bytes_slice(&rest->answer.body)))
        return reason_set(why, -EINPROGRESS, "catalog: %s: an answer that is no JSON", r->method);
    return error;
}

// A token that a client was given may have ended before its time: once more, with another one.
static int send_with_token(struct rest *rest, const struct rest_request *r, const char *url, struct reason *why)
{
    int error = send_once(rest, r, url, why);
    bool has_ended = !error && (rest->answer.status == 401 || rest->answer.status == AUTH_TIMEOUT);
    if (!has_ended || (!rest->access.values[ACCESS_CLIENT] && rest->answer.status != AUTH_TIMEOUT))
        return error;
    forget_token(rest);
    return send_once(rest, r, url, why);
}

enum verdict { SETTLED, AGAIN, AGAIN_UNSURE };

// One attempt: whether another may help, and whether this one may have been carried out all the same.
static enum verdict try_once(
    struct rest *rest, const struct rest_request *r, const char *url, int *error, struct reason *why)
{
    *error = send_with_token(rest, r, url, why);
    if (*error == -EINPROGRESS || *error == -ENOTCONN) {
        bool was_sent = *error == -EINPROGRESS;
        *error = -EIO;
        return was_sent ? AGAIN_UNSURE : AGAIN;
    }
    if (*error || !http_is_passing(rest->answer.status))
        return SETTLED;
    *error = -EIO;
    rest_refused(rest, r, why);
    return rest->answer.status == 429 ? AGAIN : AGAIN_UNSURE;
}

static int send_to(struct rest *rest, const struct rest_request *r, const char *url, struct reason *why)
{
    bool writes = strcmp(r->method, "GET") != 0, unsure = false;
    bool is_repeatable = !writes || (r->idempotency_key && rest->keeps_keys);
    enum verdict verdict = AGAIN;
    struct reason said = {0};
    int error = -EIO;
    rest->answer.retry_after_s = 0;
    for (unsigned attempt = 0; (verdict == AGAIN || (verdict == AGAIN_UNSURE && is_repeatable)) &&
                               http_wait(&rest->http, attempt, rest->answer.retry_after_s);
         attempt++) {
        said = (struct reason){0};
        verdict = try_once(rest, r, url, &error, &said);
        unsure = unsure || verdict == AGAIN_UNSURE;
    }
    if (!error && rest->answer.status / 100 != 2 && writes && unsure)
        rest_refused(rest, r, &said);
    else if (!error)
        return 0;
    return reason_set(why, writes && unsure ? -EINPROGRESS : error, "%s", said.text[0] ? said.text : "broken off");
}

int rest_send(struct rest *rest, const struct rest_request *request, struct reason *why)
{
    BYTES_AUTO url = {0};
    int error = rest_configure(rest, why);
    if (error)
        return error;
    bytes_add_slice(&url, bytes_slice(&rest->base));
    bytes_add_slice(&url, request->path);
    bytes_add_char(&url, '\0');
    return url.failed ? -ENOMEM : send_to(rest, request, url.at, why);
}

// ---- how it is asked

// What the catalog says without being asked goes behind what it insists on.
static bool configured(struct slice config, const char *name, struct bytes *value)
{
    struct slice part;
    if (json_member(config, "overrides", &part) && json_kind(part) == JSON_OBJECT && take_string(part, name, value))
        return true;
    return json_member(config, "defaults", &part) && json_kind(part) == JSON_OBJECT && take_string(part, name, value);
}

static int take_config(struct rest *rest, struct slice config)
{
    BYTES_AUTO prefix = {0}, uri = {0};
    struct slice lifetime;
    configured(config, "namespace-separator", &rest->separator);
    rest->keeps_keys = json_member(config, "idempotency-key-lifetime", &lifetime) && json_kind(lifetime) == JSON_STRING;
    if (configured(config, "uri", &uri) && uri.size) {
        while (uri.size && uri.at[uri.size - 1] == '/')
            uri.size--;
        bytes_clear(&rest->uri);
        bytes_add_slice(&rest->uri, bytes_slice(&uri));
    }
    bytes_clear(&rest->base);
    bytes_printf(&rest->base, "%.*s/v1", SLICE_ARG(bytes_slice(&rest->uri)));
    if (configured(config, "prefix", &prefix) && prefix.size) {
        bytes_add_char(&rest->base, '/');
        uri_encode_path(&rest->base, bytes_slice(&prefix));
    }
    rest->is_configured = true;
    return prefix.failed || uri.failed || rest->base.failed || rest->uri.failed || rest->separator.failed ? -ENOMEM : 0;
}

int rest_configure(struct rest *rest, struct reason *why)
{
    BYTES_AUTO url = {0};
    struct rest_request request = {.method = "GET", .path = SLICE("/v1/config")};
    if (rest->is_configured)
        return 0;
    bytes_printf(&url, "%.*s/v1/config%s%.*s", SLICE_ARG(bytes_slice(&rest->uri)),
        rest->warehouse.size ? "?warehouse=" : "", SLICE_ARG(bytes_slice(&rest->warehouse)));
    bytes_add_char(&url, '\0');
    int error = url.failed ? -ENOMEM : send_to(rest, &request, url.at, why);
    if (error)
        return error;
    if (rest->answer.status / 100 != 2) {
        error = rest_refused(rest, &request, why);
        return error == -ENOENT ? -EIO : error;
    }
    return take_config(rest, bytes_slice(&rest->answer.body));
}
