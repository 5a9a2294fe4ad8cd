#include "web/server.h"

#include "store/when.h"
#include "web/exposition.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

// Whoever asks within this time gets what the one before got.
#define PAGE_FRESH_NS INT64_C(100000000)
#define PIECE_BYTES   16384u
#define HEADER_BYTES  1024u
#define REQUEST_BYTES 4096u
#define TIMEOUT_S     10
#define CONTENT_TYPE  "text/plain; version=0.0.4; charset=utf-8"

// What clients are sent. Belongs to those who send it, and to the server while it is fresh.
struct page {
    unsigned holders;
    int64_t made_ns;
    struct bytes text;
};

// What libwebsockets keeps for each request.
struct answer {
    struct page *page;
    size_t sent;
};

struct server {
    struct lws_context *context;
    struct exposition *exposition;
    struct page *page; // the last one
    pthread_t thread;
    bool started;
    atomic_bool stop;
};

// ---- pages

static void page_drop(struct page *page)
{
    if (!page || --page->holders)
        return;
    bytes_free(&page->text);
    free(page);
}

// The page of now, held for the caller; NULL when there is no memory.
static struct page *page_take(struct server *server)
{
    if (!server->page || when_steady_ns() - server->page->made_ns > PAGE_FRESH_NS) {
        struct page *page = calloc(1, sizeof *page);
        if (!page)
            return NULL;
        page->holders = 1;
        if (exposition_write(server->exposition, &page->text)) {
            page_drop(page);
            return NULL;
        }
        page->made_ns = when_steady_ns();
        page_drop(server->page);
        server->page = page;
    }
    server->page->holders++;
    return server->page;
}

// ---- answers; each returns 0, or -1 for the connection to be closed

static int answer_with(struct lws *wsi, unsigned status, const char *text)
{
    lws_return_http_status(wsi, status, text);
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int answer_page(struct lws *wsi, struct answer *answer, struct server *server, bool with_body)
{
    unsigned char header[LWS_PRE + HEADER_BYTES], *start = header + LWS_PRE, *at = start;
    unsigned char *end = header + sizeof header;
    page_drop(answer->page);
    answer->sent = 0;
    answer->page = page_take(server);
    if (!answer->page)
        return answer_with(wsi, HTTP_STATUS_SERVICE_UNAVAILABLE, NULL);
    if (lws_add_http_common_headers(wsi, HTTP_STATUS_OK, CONTENT_TYPE, answer->page->text.size, &at, end) ||
        lws_finalize_write_http_header(wsi, start, &at, end))
        return -1;
    if (with_body) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int answer_request(struct lws *wsi, struct answer *answer, const char *path)
{
    bool get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
    bool head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    // What else comes with a body, which nobody reads.
    if (!get && !head) {
        lws_return_http_status(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, NULL);
        return -1;
    }
    if (strcmp(path, "/metrics") != 0)
        return answer_with(wsi, HTTP_STATUS_NOT_FOUND, "<p>Here is only <a href=\"/metrics\">/metrics</a>.</p>");
    return answer_page(wsi, answer, lws_context_user(lws_get_context(wsi)), get);
}

static int send_on(struct lws *wsi, struct answer *answer)
{
    unsigned char piece[LWS_PRE + PIECE_BYTES];
    if (!answer->page)
        return 0;
    size_t rest = answer->page->text.size - answer->sent;
    size_t size = rest < PIECE_BYTES ? rest : PIECE_BYTES;
    memcpy(piece + LWS_PRE, answer->page->text.at + answer->sent, size);
    bool last = size == rest;
    if (lws_write(wsi, piece + LWS_PRE, size, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)size)
        return -1;
    answer->sent += size;
    // Whoever does not read on is dropped.
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, TIMEOUT_S);
    if (!last) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    page_drop(answer->page);
    answer->page = NULL;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int serve(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
    struct answer *answer = user;
    (void)size;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return answer_request(wsi, answer, in);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return send_on(wsi, answer);
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        if (answer) {
            page_drop(answer->page);
            answer->page = NULL;
        }
        return 0;
    // Nobody speaks WebSocket here yet.
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = serve, .per_session_data_size = sizeof(struct answer)}, {.name = NULL}};

// ---- the address

static int refuse_address(const char *text, struct reason *why)
{
    return reason_set(why, -EINVAL, "metrics=%s: an address like 127.0.0.1:9464, [::1]:9464 or a port is needed", text);
}

static bool read_port(const char *text, int *port)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || number < 1 || number > 65535)
        return false;
    *port = (int)number;
    return true;
}

static bool is_address(const char *text, int family)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(family, text, address) == 1;
}

int server_read_options(struct server_options *options, const char *text, struct reason *why)
{
    struct server_options read = {.address = "127.0.0.1", .port = SERVER_PORT_USUAL};
    bool six = text[0] == '[';
    const char *end = six ? strchr(text, ']') : strchr(text, ':');
    if (!six && !end && read_port(text, &read.port)) {
        *options = read;
        return 0;
    }
    const char *address = text + six;
    size_t size = end ? (size_t)(end - address) : strlen(address);
    if ((six && !end) || size >= sizeof read.address)
        return refuse_address(text, why);
    memcpy(read.address, address, size);
    read.address[size] = '\0';
    const char *port = end ? end + six : "";
    if (!is_address(read.address, six ? AF_INET6 : AF_INET) ||
        (*port && (*port != ':' || !read_port(port + 1, &read.port))))
        return refuse_address(text, why);
    *options = read;
    return 0;
}

// Can the address be listened on? libwebsockets would not say why not.
static int try_address(const struct server_options *options, struct reason *why)
{
    char port[8];
    struct addrinfo *found,
        hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    snprintf(port, sizeof port, "%d", options->port);
    if (getaddrinfo(options->address, port, &hints, &found))
        return reason_set(why, -EINVAL, "metrics: %s is no address", options->address);
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, error = fd < 0 ? -errno : 0;
    if (!error)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (!error && (bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, 1)))
        error = -errno;
    if (fd >= 0)
        close(fd);
    freeaddrinfo(found);
    return error ? reason_set(why, error, "metrics: cannot listen on port %d of %s: %s", options->port,
                       options->address, strerror(-error))
                 : 0;
}

// ---- the exporter

static void *run(void *argument)
{
    struct server *server = argument;
    while (!atomic_load(&server->stop) && lws_service(server->context, 0) >= 0)
        ;
    return NULL;
}

static int start(void *self)
{
    struct server *server = self;
    int error = -pthread_create(&server->thread, NULL, run, server);
    server->started = !error;
    return error;
}

static void close_server(void *self)
{
    struct server *server = self;
    if (!server)
        return;
    atomic_store(&server->stop, true);
    if (server->started) {
        lws_cancel_service(server->context);
        pthread_join(server->thread, NULL);
    }
    if (server->context)
        lws_context_destroy(server->context);
    page_drop(server->page);
    exposition_free(server->exposition);
    free(server);
}

static int open_server(void **self, const struct exporter_source *source, const void *options, struct reason *why)
{
    const struct server_options *given = options;
    int error = try_address(given, why);
    if (error)
        return error;
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return -ENOMEM;
    // With IPv6 in hand, libwebsockets takes an IPv4 address for any address.
    bool four = is_address(given->address, AF_INET);
    // What goes wrong is a client's doing.
    lws_set_log_level(0, NULL);
    struct lws_context_creation_info info = {
        .port = given->port,
        .iface = given->address,
        .protocols = protocols,
        .user = server,
        .options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
                   LWS_SERVER_OPTION_HTTP_HEADERS_SECURITY_BEST_PRACTICES_ENFORCE |
                   (four ? LWS_SERVER_OPTION_DISABLE_IPV6
                         : LWS_SERVER_OPTION_IPV6_V6ONLY_MODIFY | LWS_SERVER_OPTION_IPV6_V6ONLY_VALUE),
        .server_string = "factfs",
        .max_http_header_data = REQUEST_BYTES,
        .max_http_header_pool = SERVER_CONNECTIONS,
        .fd_limit_per_thread = SERVER_CONNECTIONS + 16,
        .timeout_secs = TIMEOUT_S,
        .keepalive_timeout = TIMEOUT_S,
    };
    server->exposition = exposition_new(source);
    server->context = server->exposition ? lws_create_context(&info) : NULL;
    if (!server->context) {
        close_server(server);
        return reason_set(why, -EIO, "metrics: cannot listen on port %d of %s", given->port, given->address);
    }
    *self = server;
    return 0;
}

const struct exporter server_exporter = {.open = open_server, .start = start, .close = close_server};
