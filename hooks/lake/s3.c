#include "hooks/lake/s3.h"

#include "hooks/lake/sigv4.h"
#include "hooks/lake/uri.h"
#include "hooks/lake/xml.h"
#include "store/when.h"

#include <errno.h>
#include <strings.h>

#define REGION_DEFAULT "us-east-1"
#define HEADERS_MAX    8u

// ---- where it lies

static bool is_bucket_name(struct slice name)
{
    if (name.size < 3 || name.size > 63)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '_')
            return false;
    }
    return true;
}

static const char *region_of(const struct s3 *s3)
{
    const char *region = s3->access.values[ACCESS_REGION];
    return region ? region : REGION_DEFAULT;
}

// libcurl leaves a port out of the header Host that the scheme has anyway; so it must be left out of what is signed.
static struct slice without_usual_port(struct slice host, bool is_https)
{
    struct slice port = is_https ? SLICE(":443") : SLICE(":80");
    if (host.size > port.size && !memcmp(host.at + host.size - port.size, port.at, port.size))
        host.size -= port.size;
    return host;
}

static int set_endpoint(struct s3 *s3, const char *endpoint, struct slice bucket, struct reason *why)
{
    bool is_https = !strncasecmp(endpoint, "https://", 8);
    if (!is_https && strncasecmp(endpoint, "http://", 7) != 0)
        return reason_set(why, -EINVAL, "the endpoint of S3 must begin with https:// or http://");
    const char *host = endpoint + (is_https ? 8 : 7), *slash = strchrnul(host, '/');
    struct slice path = {.at = slash, .size = strlen(slash)};
    while (path.size && path.at[path.size - 1] == '/')
        path.size--;
    if (slash == host || strpbrk(endpoint, "@?# "))
        return reason_set(why, -EINVAL, "the endpoint of S3 must be like https://host:port");
    struct slice name = without_usual_port((struct slice){.at = host, .size = (size_t)(slash - host)}, is_https);
    bytes_add_slice(&s3->host, name);
    bytes_printf(&s3->origin, "%s://%.*s", is_https ? "https" : "http", SLICE_ARG(name));
    bytes_printf(&s3->bucket, "%.*s/%.*s", SLICE_ARG(path), SLICE_ARG(bucket));
    return 0;
}

// A name with dots fits no certificate of `*.s3.….amazonaws.com`.
static void set_aws(struct s3 *s3, struct slice bucket)
{
    bool is_in_path = memchr(bucket.at, '.', bucket.size);
    if (!is_in_path)
        bytes_printf(&s3->host, "%.*s.", SLICE_ARG(bucket));
    bytes_printf(&s3->host, "s3.%s.amazonaws.com", region_of(s3));
    bytes_printf(&s3->origin, "https://%.*s", SLICE_ARG(bytes_slice(&s3->host)));
    bytes_add_char(&s3->bucket, '/');
    if (is_in_path)
        bytes_add_slice(&s3->bucket, bucket);
}

static int set_place(struct s3 *s3, const char *root, struct reason *why)
{
    if (strncmp(root, "s3://", 5) != 0)
        return reason_set(why, -EINVAL, "%s is not s3://BUCKET/PREFIX", root);
    const char *slash = strchrnul(root + 5, '/');
    struct slice bucket = {.at = root + 5, .size = (size_t)(slash - root) - 5};
    if (!is_bucket_name(bucket))
        return reason_set(why, -EINVAL, "%s: a bucket's name is 3 to 63 of a-z, 0-9, dots and dashes", root);
    const char *endpoint = s3->access.values[ACCESS_ENDPOINT];
    int error = endpoint ? set_endpoint(s3, endpoint, bucket, why) : 0;
    if (error)
        return error;
    if (!endpoint)
        set_aws(s3, bucket);
    while (*slash == '/')
        slash++;
    if (*slash)
        bytes_printf(&s3->prefix, "%s%s", slash, slash[strlen(slash) - 1] == '/' ? "" : "/");
    bytes_add_slice(&s3->path, bytes_slice(&s3->bucket));
    if (s3->path.size && s3->path.at[s3->path.size - 1] != '/')
        bytes_add_char(&s3->path, '/');
    uri_encode_path(&s3->path, bytes_slice(&s3->prefix));
    bool failed = s3->host.failed || s3->origin.failed || s3->bucket.failed || s3->prefix.failed || s3->path.failed;
    return failed ? -ENOMEM : 0;
}

int s3_open(struct s3 *s3, const char *root, const struct access *access, struct reason *why)
{
    *s3 = (struct s3){0};
    if (!access->values[ACCESS_KEY_ID] || !access->values[ACCESS_SECRET])
        return reason_set(why, -EACCES, "%s: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set", root);
    int error = access_copy(&s3->access, access);
    if (!error)
        error = http_open(&s3->http, access->stop, access->ca_file);
    if (!error && access->patience_ms)
        s3->http.patience_ms = access->patience_ms;
    if (!error)
        error = set_place(s3, root, why);
    if (error)
        s3_close(s3);
    return error;
}

void s3_close(struct s3 *s3)
{
    http_close(&s3->http);
    access_clear(&s3->access);
    struct bytes *const all[] = {&s3->origin, &s3->host, &s3->path, &s3->bucket, &s3->prefix};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        bytes_free(all[i]);
}

// ---- one request

// As they are signed, in their order.
static size_t list_headers(struct sigv4_header headers[static HEADERS_MAX], const struct s3 *s3,
    const struct s3_request *r, const char *hash, const char *date)
{
    const char *session = s3->access.values[ACCESS_SESSION];
    size_t count = 0;
    headers[count++] = (struct sigv4_header){"host", bytes_slice(&s3->host)};
    if (r->only_if_absent)
        headers[count++] = (struct sigv4_header){"if-none-match", SLICE("*")};
    if (r->range)
        headers[count++] = (struct sigv4_header){"range", slice_of(r->range)};
    headers[count++] = (struct sigv4_header){"x-amz-content-sha256", slice_of(hash)};
    headers[count++] = (struct sigv4_header){"x-amz-date", slice_of(date)};
    if (session && session[0])
        headers[count++] = (struct sigv4_header){"x-amz-security-token", slice_of(session)};
    return count;
}

static int sign(struct curl_slist **list, const struct s3 *s3, const struct s3_request *r, struct slice path)
{
    char hash[SIGV4_HASH_SIZE], date[SIGV4_DATE_SIZE];
    struct sigv4_header headers[HEADERS_MAX];
    BYTES_AUTO authorization = {0};
    int error = sigv4_hash(hash, r->body);
    if (error)
        return error;
    sigv4_date(date, when_now_us());
    struct sigv4_request signed_request = {
        .method = r->method,
        .path = path,
        .query = slice_of(r->query ? r->query : ""),
        .headers = headers,
        .header_count = list_headers(headers, s3, r, hash, date),
        .payload_hash = hash,
    };
    struct sigv4_key key = {.id = s3->access.values[ACCESS_KEY_ID],
        .secret = s3->access.values[ACCESS_SECRET],
        .region = region_of(s3),
        .service = "s3"};
    error = sigv4_sign(&authorization, &signed_request, &key, date);
    if (error)
        return error;
    bool added = http_header(list, "Authorization", bytes_slice(&authorization));
    for (size_t i = 0; added && i < signed_request.header_count; i++)
        added = http_header(list, headers[i].name, headers[i].value);
    // Neither is signed: libcurl would add a content type, and wait for leave to send a body.
    added = added && http_header(list, "Content-Type", SLICE("application/octet-stream")) &&
            http_header(list, "Expect", SLICE(""));
    return added ? 0 : -ENOMEM;
}

static int send_once(struct s3 *s3, const struct s3_request *r, struct http_answer *answer, struct reason *why)
{
    HTTP_HEADERS_AUTO headers = NULL;
    BYTES_AUTO path = {0}, url = {0};
    bytes_add_slice(&path, bytes_slice(r->key ? &s3->path : &s3->bucket));
    if (r->key)
        uri_encode_path(&path, slice_of(r->key));
    bytes_printf(&url, "%.*s%.*s%s%s", SLICE_ARG(bytes_slice(&s3->origin)), SLICE_ARG(bytes_slice(&path)),
        r->query ? "?" : "", r->query ? r->query : "");
    bytes_add_char(&url, '\0');
    if (path.failed || url.failed)
        return -ENOMEM;
    int error = sign(&headers, s3, r, bytes_slice(&path));
    if (error)
        return error;
    struct http_request request = {.method = r->method,
        .url = url.at,
        .headers = headers,
        .body = r->body,
        .answer_max = r->answer_max,
        .is_sent_once = r->is_sent_once};
    return http_send(&s3->http, &request, answer, why);
}

// ---- what it answered

static const struct {
    const char *code;
    int error;
} known_codes[] = {
    {"NoSuchKey", -ENOENT},
    {"NoSuchBucket", -EIO}, // not -ENOENT: whoever asks for a key would take it for an empty bucket
    {"NoSuchUpload", -ENOENT},
    {"PreconditionFailed", -EEXIST},
    {"ExpiredToken", -EACCES},
    {"InvalidToken", -EACCES},
    {"InvalidAccessKeyId", -EACCES},
    {"XAdminUserNotFound", -EACCES},
    {"QuotaExceeded", -ENOSPC},
};

static int error_of(unsigned status, struct slice code)
{
    for (size_t i = 0; i < sizeof known_codes / sizeof *known_codes; i++) {
        if (slice_is(code, known_codes[i].code))
            return known_codes[i].error;
    }
    switch (status) {
    case 401:
    case 403:
        return -EACCES;
    case 404:
        return -ENOENT;
    case 412:
        return -EEXIST;
    case 507:
        return -ENOSPC;
    default:
        return -EIO;
    }
}

// Puts what the other side says into words. It may be anything: only what can be printed is shown.
static int say(const struct s3_request *r, unsigned status, struct slice body, struct reason *why)
{
    struct slice code = {0}, message = {0};
    BYTES_AUTO words = {0};
    xml_find(body, "Code", &code);
    xml_find(body, "Message", &message);
    bytes_add_slice(&words, code);
    bytes_add_text(&words, message.size ? ": " : "");
    xml_decode(&words, message);
    for (size_t i = 0; i < words.size; i++) {
        if ((unsigned char)words.at[i] < ' ' || (unsigned char)words.at[i] >= 0x7f)
            words.at[i] = ' ';
    }
    return reason_set(why, error_of(status, code), "S3: %s %.100s: status %u %.*s", r->method,
        r->key ? r->key : "of the bucket", status, (int)(words.size < 120 ? words.size : 120),
        words.at ? words.at : "");
}

int s3_error_within(const struct s3_request *request, const struct http_answer *answer, struct reason *why)
{
    struct slice error;
    if (!xml_find(bytes_slice(&answer->body), "Error", &error))
        return 0;
    return say(request, answer->status, error, why);
}

static bool is_worth_another(const struct http_answer *answer)
{
    struct slice code = {0};
    if (http_is_passing(answer->status))
        return true;
    if (answer->status != 409 && answer->status != 400)
        return false;
    xml_find(bytes_slice(&answer->body), "Code", &code);
    return slice_is(code, "ConditionalRequestConflict") || slice_is(code, "OperationAborted") ||
           slice_is(code, "RequestTimeout");
}

enum verdict { SETTLED, AGAIN, AGAIN_UNSURE };

// One attempt: whether another may help, and whether this one may have been carried out all the same.
static enum verdict try_once(
    struct s3 *s3, const struct s3_request *r, struct http_answer *answer, int *error, struct reason *why)
{
    struct reason said = {0};
    *error = send_once(s3, r, answer, &said);
    if (*error)
        reason_set(why, 0, "S3: %.*s: %.200s", SLICE_ARG(bytes_slice(&s3->host)), said.text);
    if (*error == -ENOTCONN || *error == -EINPROGRESS) {
        bool was_sent = *error == -EINPROGRESS;
        *error = -EIO;
        return was_sent ? AGAIN_UNSURE : AGAIN;
    }
    if (*error == -EMSGSIZE)
        *error = -EFBIG;
    if (*error || answer->status / 100 == 2)
        return SETTLED;
    *error = say(r, answer->status, bytes_slice(&answer->body), why);
    if (!is_worth_another(answer))
        return SETTLED;
    return answer->status >= 500 ? AGAIN_UNSURE : AGAIN;
}

int s3_send(
    struct s3 *s3, const struct s3_request *request, struct http_answer *answer, bool *is_unsure, struct reason *why)
{
    bool writes = strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0, unsure = false;
    enum verdict verdict = AGAIN;
    struct reason said = {0};
    int error = -EIO;
    answer->retry_after_s = 0;
    for (unsigned attempt = 0; verdict != SETTLED && http_wait(&s3->http, attempt, answer->retry_after_s); attempt++) {
        said = (struct reason){0};
        verdict = try_once(s3, request, answer, &error, &said);
        unsure = unsure || verdict == AGAIN_UNSURE || error == -EFBIG;
    }
    if (is_unsure)
        *is_unsure = unsure;
    if (error == 0)
        return 0;
    bool is_telling = verdict == SETTLED && (error == -EEXIST || error == -ENOENT);
    if (writes && unsure && !is_telling)
        error = -EINPROGRESS;
    return reason_set(why, error, "%s", said.text[0] ? said.text : "S3: broken off");
}
