#include "hooks/deliveries/transfer.h"

#include "store/when.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX ((size_t)64 << 10)
// Connections that are kept alive, for all receivers.
#define CONNECTIONS_KEPT  1024L
#define RETRY_AFTER_MAX_S INT64_C(86400)

// ---- what libcurl asks

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = context;
    (void)purpose;
    if (!address_is_allowed(&address->addr, t->all->opened)) {
        address_print(&address->addr, t->blocked);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// Which sockets it wants to hear of.
static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *own)
{
    const struct transfers *all = context;
    struct epoll_event event = {.data.fd = socket};
    (void)easy, (void)own;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(all->epoll, EPOLL_CTL_DEL, socket, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) | (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    if (epoll_ctl(all->epoll, EPOLL_CTL_MOD, socket, &event) && errno == ENOENT)
        epoll_ctl(all->epoll, EPOLL_CTL_ADD, socket, &event);
    return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct transfers *all = context;
    (void)multi;
    all->timer_ns = timeout_ms < 0 ? INT64_MAX : when_steady_ns() + timeout_ms * 1000000;
    return 0;
}

static unsigned status_of(const char *line, size_t size)
{
    const char *at = memchr(line, ' ', size);
    unsigned status = 0;
    if (!at)
        return 0;
    for (at++; at < line + size && *at >= '0' && *at <= '9'; at++)
        status = status * 10 + (unsigned)(*at - '0');
    return status;
}

// Several headers of the name are one, as RFC 9110 has it.
static void keep_wanted(struct transfer *t, const char *line, size_t size)
{
    size_t name = t->wanted ? strlen(t->wanted) : 0, kept = strlen(t->header);
    if (!name || size <= name || line[name] != ':' || strncasecmp(line, t->wanted, name))
        return;
    struct slice value = {.at = line + name + 1, .size = size - name - 1};
    while (value.size && strchr(" \t\r\n", value.at[value.size - 1]))
        value.size--;
    snprintf(t->header + kept, sizeof t->header - kept, "%s%.*s", kept ? "," : "", SLICE_ARG(value));
}

static size_t take_header(char *line, size_t one, size_t size, void *context)
{
    struct transfer *t = context;
    (void)one;
    if (size >= 5 && !memcmp(line, "HTTP/", 5))
        t->status = status_of(line, size);
    else
        keep_wanted(t, line, size);
    bool is_end = size == 0 || line[0] == '\r' || line[0] == '\n';
    if (is_end && t->status >= 200)
        t->answered = true;
    return size;
}

static size_t take_body(char *bytes, size_t one, size_t size, void *context)
{
    struct transfer *t = context;
    (void)bytes, (void)one;
    t->read_bytes += size;
    return t->read_bytes > ANSWER_BYTES_MAX ? 0 : size;
}

// ---- all of them

int transfers_open(struct transfers *all, const struct address_list *opened, const char *ca_file)
{
    struct epoll_event event = {.events = EPOLLIN};
    *all = (struct transfers){.multi = curl_multi_init(),
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
        .timer_ns = INT64_MAX,
        .opened = opened,
        .ca_file = ca_file};
    event.data.fd = all->wakeup;
    if (!all->multi || all->epoll < 0 || all->wakeup < 0 || epoll_ctl(all->epoll, EPOLL_CTL_ADD, all->wakeup, &event)) {
        int error = all->multi ? -errno : -ENOMEM;
        transfers_close(all);
        return error;
    }
    curl_multi_setopt(all->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(all->multi, CURLMOPT_SOCKETDATA, all);
    curl_multi_setopt(all->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(all->multi, CURLMOPT_TIMERDATA, all);
    curl_multi_setopt(all->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    curl_multi_setopt(all->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return 0;
}

static void free_transfer(struct transfer *t)
{
    curl_slist_free_all(t->headers);
    curl_easy_cleanup(t->easy);
    bytes_free(&t->body);
    free(t);
}

void transfers_close(struct transfers *all)
{
    for (struct transfer *t = all->spare, *next; t; t = next) {
        next = t->next;
        free_transfer(t);
    }
    curl_multi_cleanup(all->multi);
    if (all->epoll >= 0)
        close(all->epoll);
    if (all->wakeup >= 0)
        close(all->wakeup);
    *all = (struct transfers){.epoll = -1, .wakeup = -1};
}

void transfers_move(struct transfers *all)
{
    int running;
    if (when_steady_ns() < all->timer_ns)
        return;
    all->timer_ns = INT64_MAX;
    curl_multi_socket_action(all->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static int earlier_ms(const struct transfers *all, int timeout_ms)
{
    int64_t left_ns = all->timer_ns == INT64_MAX ? INT64_MAX : all->timer_ns - when_steady_ns();
    if (left_ns <= 0)
        return 0;
    int64_t left_ms = left_ns / 1000000 + 1;
    return left_ms < timeout_ms ? (int)left_ms : timeout_ms;
}

static void act_on(struct transfers *all, const struct epoll_event *event)
{
    int running;
    uint64_t woken;
    if (event->data.fd == all->wakeup) {
        while (read(all->wakeup, &woken, sizeof woken) > 0)
            ;
        return;
    }
    int ready = (event->events & EPOLLIN ? CURL_CSELECT_IN : 0) | (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                (event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(all->multi, event->data.fd, ready, &running);
}

void transfers_wait(struct transfers *all, int timeout_ms)
{
    struct epoll_event events[64];
    int count = epoll_wait(all->epoll, events, 64, earlier_ms(all, timeout_ms));
    for (int i = 0; i < count; i++)
        act_on(all, &events[i]);
    transfers_move(all);
}

void transfers_wake(struct transfers *all)
{
    uint64_t one = 1;
    // It can only fail when it is woken already.
    ssize_t written = write(all->wakeup, &one, sizeof one);
    (void)written;
}

// ---- one of them

// What all requests have.
static bool set_options(struct transfer *t, const struct transfers *all)
{
    CURL *c = t->easy;
    bool set = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_USERAGENT, "factfs/" FACTFS_VERSION) == CURLE_OK &&
               (!all->ca_file || curl_easy_setopt(c, CURLOPT_CAINFO, all->ca_file) == CURLE_OK);
    curl_easy_setopt(c, CURLOPT_PRIVATE, t);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->message);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)TRANSFER_TIMEOUT_MS);
    curl_easy_setopt(c, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(c, CURLOPT_POST, 1L);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    return set;
}

static struct transfer *make(struct transfers *all)
{
    struct transfer *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->easy = curl_easy_init();
    if (t->easy && set_options(t, all))
        return t;
    free_transfer(t);
    return NULL;
}

struct transfer *transfer_new(struct transfers *all, void *owner)
{
    struct transfer *t = all->spare ? all->spare : make(all);
    if (!t)
        return NULL;
    all->spare = t->next;
    t->all = all;
    t->owner = owner;
    return t;
}

bool transfer_add_header(struct transfer *t, const char *header)
{
    struct curl_slist *list = curl_slist_append(t->headers, header);
    if (!list)
        return false;
    t->headers = list;
    return true;
}

bool transfer_print_header(struct transfer *t, const char *format, ...)
{
    char *header;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&header, format, arguments);
    va_end(arguments);
    if (size < 0)
        return false;
    bool added = transfer_add_header(t, header);
    free(header);
    return added;
}

int transfer_start(struct transfer *t, const char *url, const char *wanted)
{
    CURL *c = t->easy;
    t->wanted = wanted;
    // An answer to the header Expect would cost a round trip.
    if (!transfer_add_header(t, "Expect:") || t->body.failed || curl_easy_setopt(c, CURLOPT_URL, url) != CURLE_OK)
        return -ENOMEM;
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, t->body.at ? t->body.at : "");
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.size);
    if (curl_multi_add_handle(t->all->multi, c) != CURLM_OK)
        return -ENOMEM;
    t->started = true;
    t->all->under_way++;
    return 0;
}

void transfer_end(struct transfer *t)
{
    struct transfers *all = t->all;
    if (t->started) {
        curl_multi_remove_handle(all->multi, t->easy);
        all->under_way--;
    }
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(t->headers);
    struct bytes body = t->body;
    bytes_trim(&body, 64 << 10);
    *t = (struct transfer){.easy = t->easy, .body = body, .next = all->spare};
    all->spare = t;
}

// ---- outcomes

// libcurl's own words name the host; those of other mistakes might show more than that.
static const char *words_of(const struct transfer *t, CURLcode code)
{
    bool is_about_host = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
                         code == CURLE_OPERATION_TIMEDOUT || code == CURLE_PEER_FAILED_VERIFICATION ||
                         code == CURLE_SSL_CONNECT_ERROR;
    return is_about_host && t->message[0] ? t->message : curl_easy_strerror(code);
}

static void say_error(struct transfer *t, CURLcode code)
{
    struct transfer_outcome *o = &t->outcome;
    if (t->answered && o->status >= 300 && o->status < 400)
        snprintf(o->error, sizeof o->error, "status %u: redirects are not followed", o->status);
    else if (t->answered)
        snprintf(o->error, sizeof o->error, "status %u", o->status);
    else if (t->blocked[0])
        snprintf(o->error, sizeof o->error, "%s may not be dialled: -o hooks_allow= would open it", t->blocked);
    else
        snprintf(o->error, sizeof o->error, "%.190s", code == CURLE_OK ? "no answer" : words_of(t, code));
}

static void conclude(struct transfer *t, CURLcode code)
{
    curl_off_t duration_us = 0, retry_after_s = 0;
    curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &duration_us);
    curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    t->outcome = (struct transfer_outcome){
        .status = t->answered ? t->status : 0,
        .duration_us = duration_us,
        .retry_after_s = retry_after_s < RETRY_AFTER_MAX_S ? retry_after_s : RETRY_AFTER_MAX_S,
    };
    if (t->answered)
        memcpy(t->outcome.header, t->header, sizeof t->header);
    if (!transfer_is_delivered(&t->outcome))
        say_error(t, code);
}

struct transfer *transfers_next(struct transfers *all)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(all->multi, &left));) {
        struct transfer *t = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        conclude(t, code);
        return t;
    }
    return NULL;
}
