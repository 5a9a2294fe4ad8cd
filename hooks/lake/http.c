#include "hooks/lake/http.h"

#include "hooks/lake/stop.h"
#include "store/when.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>

#define CONNECT_TIMEOUT_MS 10000L
#define ERROR_BYTES_MAX    ((size_t)64 << 10)
#define RETRY_AFTER_MAX_S  30
#define WAIT_FIRST_PART    300 // of the patience
#define WAIT_MAX_PART      6

// What one request needs while it is under way.
struct exchange {
    const struct http *http;
    const struct http_request *request;
    struct http_answer *answer;
    int64_t moved_at_ns;
    curl_off_t moved_bytes;
    bool is_too_large;
};

int http_open(struct http *http, const atomic_bool *stop, const char *ca_file)
{
    *http = (struct http){.easy = curl_easy_init(), .stop = stop, .ca_file = ca_file, .patience_ms = HTTP_PATIENCE_MS};
    return http->easy ? 0 : -ENOMEM;
}

void http_close(struct http *http)
{
    curl_easy_cleanup(http->easy);
    *http = (struct http){0};
}

void http_answer_free(struct http_answer *answer)
{
    bytes_free(&answer->body);
}

bool http_header(struct curl_slist **headers, const char *name, struct slice value)
{
    BYTES_AUTO line = {0};
    bytes_printf(&line, value.size ? "%s: %.*s" : "%s:%.*s", name, SLICE_ARG(value));
    bytes_add_char(&line, '\0');
    struct curl_slist *list = line.failed ? NULL : curl_slist_append(*headers, line.at);
    if (list)
        *headers = list;
    return list;
}

void http_headers_free(struct curl_slist **headers)
{
    curl_slist_free_all(*headers);
    *headers = NULL;
}

// ---- what libcurl asks

static size_t take_header(char *line, size_t one, size_t size, void *context)
{
    struct exchange *x = context;
    (void)one;
    if (size < 5 || strncasecmp(line, "etag:", 5))
        return size;
    const char *from = line + 5, *end = line + size;
    while (from < end && *from == ' ')
        from++;
    while (end > from && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
        end--;
    if ((size_t)(end - from) < sizeof x->answer->etag)
        snprintf(x->answer->etag, sizeof x->answer->etag, "%.*s", (int)(end - from), from);
    return size;
}

static size_t take_body(char *from, size_t one, size_t size, void *context)
{
    struct exchange *x = context;
    struct bytes *body = &x->answer->body;
    long status = 0;
    (void)one;
    curl_easy_getinfo(x->http->easy, CURLINFO_RESPONSE_CODE, &status);
    bool is_error = status < 200 || status > 299;
    size_t most = is_error ? ERROR_BYTES_MAX : x->request->answer_max;
    size_t taken = size < most - body->size ? size : most - body->size;
    bytes_add(body, from, taken);
    x->is_too_large = !is_error && taken < size;
    return x->is_too_large || body->failed ? CURL_WRITEFUNC_ERROR : size;
}

// Breaks off when it shall stop, or when nothing moves any more.
static int look_on(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    struct exchange *x = context;
    int64_t now_ns = when_steady_ns();
    (void)down_total, (void)up_total;
    if (down + up != x->moved_bytes) {
        x->moved_bytes = down + up;
        x->moved_at_ns = now_ns;
    }
    return stop_is_set(x->http->stop) || now_ns - x->moved_at_ns > (int64_t)x->http->patience_ms * 1000000;
}

// ---- one request

static bool set_options(struct exchange *x, char message[static CURL_ERROR_SIZE])
{
    CURL *c = x->http->easy;
    const struct http_request *r = x->request;
    curl_easy_reset(c);
    bool set = curl_easy_setopt(c, CURLOPT_URL, r->url) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_USERAGENT, "factfs/" FACTFS_VERSION) == CURLE_OK &&
               (!x->http->ca_file || curl_easy_setopt(c, CURLOPT_CAINFO, x->http->ca_file) == CURLE_OK);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, message);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, (long)r->is_sent_once);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, r->headers);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look_on);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    if (!strcmp(r->method, "PUT") || !strcmp(r->method, "POST")) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body.size ? r->body.at : "");
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.size);
    } else if (!strcmp(r->method, "HEAD")) {
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    }
    return set;
}

static bool nothing_was_sent(CURL *easy, CURLcode code)
{
    long sent = 0;
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
    return sent == 0 && code != CURLE_OK;
}

static int conclude(struct exchange *x, CURLcode code, const char *message, struct reason *why)
{
    CURL *c = x->http->easy;
    curl_off_t length = -1, retry_after_s = 0;
    long status = 0;
    if (x->answer->body.failed || code == CURLE_OUT_OF_MEMORY)
        return -ENOMEM;
    if (x->is_too_large)
        return reason_set(why, -EMSGSIZE, "the answer is larger than %zu bytes", x->request->answer_max);
    if (code != CURLE_OK) {
        bool aborted = code == CURLE_ABORTED_BY_CALLBACK;
        const char *words = aborted && stop_is_set(x->http->stop) ? "broken off"
                            : aborted                             ? "no answer in time"
                            : message[0]                          ? message
                                                                  : curl_easy_strerror(code);
        return reason_set(why, nothing_was_sent(c, code) ? -ENOTCONN : -EINPROGRESS, "%.200s", words);
    }
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(c, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &retry_after_s);
    x->answer->status = (unsigned)status;
    x->answer->length = length;
    x->answer->retry_after_s = retry_after_s;
    return 0;
}

int http_send(struct http *http, const struct http_request *request, struct http_answer *answer, struct reason *why)
{
    char message[CURL_ERROR_SIZE] = "";
    struct exchange x = {.http = http, .request = request, .answer = answer, .moved_at_ns = when_steady_ns()};
    struct bytes body = answer->body;
    bytes_clear(&body);
    *answer = (struct http_answer){.body = body, .length = -1};
    if (!set_options(&x, message))
        return -ENOMEM;
    CURLcode code = curl_easy_perform(http->easy);
    return conclude(&x, code, message, why);
}

// ---- another try

bool http_is_passing(unsigned status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

static int64_t delay_ms(const struct http *http, unsigned attempt, int64_t retry_after_s)
{
    uint32_t random = 0;
    int64_t plain_ms = (int64_t)(http->patience_ms / WAIT_FIRST_PART) << (attempt - 1);
    if (plain_ms > http->patience_ms / WAIT_MAX_PART)
        plain_ms = http->patience_ms / WAIT_MAX_PART;
    // Spread evenly when there is no randomness, too: by nothing.
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
        random = UINT32_MAX / 2;
    int64_t spread_ms = plain_ms * 4 / 5 + (int64_t)((uint64_t)(plain_ms * 2 / 5) * random >> 32);
    int64_t asked_ms = (retry_after_s < RETRY_AFTER_MAX_S ? retry_after_s : RETRY_AFTER_MAX_S) * 1000;
    return spread_ms > asked_ms ? spread_ms : asked_ms;
}

bool http_wait(const struct http *http, unsigned attempt, int64_t retry_after_s)
{
    if (attempt >= HTTP_ATTEMPTS)
        return false;
    return stop_wait(http->stop, attempt ? delay_ms(http, attempt, retry_after_s) : 0);
}
