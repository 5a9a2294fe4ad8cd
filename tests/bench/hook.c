// A receiver of webhooks that costs little: one thread, epoll, connections kept alive.
//     hook --receive N PORT_FILE              writes its port, answers until N requests have come, and prints the
//                                             seconds from the first to the last of them
//     hook --latency N TENANT_DIR PORT_FILE   the same port takes the requests of a webhook for Deal events; N events
//                                             are appended, each when the one before has come (--pause US between)
// What is asked for below /hang is never answered, below /slow after 200 ms; neither is counted.
// Of --latency: microseconds from write(2)'s return, which is after the commit, to the whole request's coming.
#include "bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define SLOW_NS   200000000u
#define LOST_NS   5000000000u
#define LATE_MAX  4096u
#define READ_SIZE 16384u

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

struct connection {
    int fd;
    size_t size;
    char text[READ_SIZE];
};

struct receiver {
    int epoll, listener;
    struct {
        uint64_t due;
        int fd;
    } late[LATE_MAX];
    size_t late_first, late_count;
    uint64_t first_at, last_at;
    atomic_uint_fast64_t count;
};

static void receiver_open(struct receiver *r, const char *port_file)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (r->epoll < 0 || r->listener < 0 || bind(r->listener, (struct sockaddr *)&address, size) ||
        listen(r->listener, 512) || getsockname(r->listener, (struct sockaddr *)&address, &size))
        die("receiver: %s", strerror(errno));
    epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->listener, &(struct epoll_event){.events = EPOLLIN});
    FILE *file = fopen(port_file, "we");
    if (!file)
        die("%s: %s", port_file, strerror(errno));
    fprintf(file, "%d\n", ntohs(address.sin_port));
    fclose(file);
}

static void accept_all(struct receiver *r)
{
    for (int fd; (fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
        struct connection *c = allocate(1, sizeof *c);
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = c});
    }
}

static void reply(int fd)
{
    if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
        die("answer: %s", strerror(errno));
}

static void take_request(struct receiver *r, struct connection *c)
{
    if (!strncmp(c->text, "POST /hang", 10))
        return;
    if (!strncmp(c->text, "POST /slow", 10)) {
        if (r->late_count == LATE_MAX)
            die("too many slow requests");
        size_t at = (r->late_first + r->late_count++) % LATE_MAX;
        r->late[at].due = now_ns() + SLOW_NS;
        r->late[at].fd = c->fd;
        return;
    }
    r->last_at = now_ns();
    if (!r->first_at)
        r->first_at = r->last_at;
    atomic_fetch_add(&r->count, 1);
    reply(c->fd);
}

// The size of the whole request, 0 while it is not complete.
static size_t request_size(const struct connection *c)
{
    const char *end = memmem(c->text, c->size, "\r\n\r\n", 4);
    const char *length = end ? strcasestr(c->text, "\r\ncontent-length:") : NULL;
    if (!end)
        return 0;
    size_t size = (size_t)(end - c->text) + 4 + (length ? strtoul(length + 17, NULL, 10) : 0);
    return size <= c->size ? size : 0;
}

static void take_bytes(struct receiver *r, struct connection *c)
{
    ssize_t got = recv(c->fd, c->text + c->size, sizeof c->text - 1 - c->size, 0);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN)
            return;
        close(c->fd);
        free(c);
        return;
    }
    c->size += (size_t)got;
    c->text[c->size] = '\0';
    for (size_t size; (size = request_size(c)) > 0;) {
        take_request(r, c);
        memmove(c->text, c->text + size, c->size -= size);
        c->text[c->size] = '\0';
    }
}

static void receive(struct receiver *r, int timeout_ms)
{
    struct epoll_event events[64];
    int count = epoll_wait(r->epoll, events, 64, r->late_count ? 5 : timeout_ms);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            take_bytes(r, events[i].data.ptr);
        else
            accept_all(r);
    }
    for (; r->late_count && r->late[r->late_first].due <= now_ns(); r->late_count--) {
        reply(r->late[r->late_first].fd);
        r->late_first = (r->late_first + 1) % LATE_MAX;
    }
}

static atomic_bool stop;

static void *receive_all(void *argument)
{
    while (!atomic_load(&stop))
        receive(argument, 50);
    return NULL;
}

static void measure_latency(struct receiver *r, const char *tenant, size_t count, uint64_t pause_us)
{
    char path[4096], line[256];
    struct samples samples = {0};
    pthread_t thread;
    snprintf(path, sizeof path, "%s/append", tenant);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || pthread_create(&thread, NULL, receive_all, r))
        die("%s: %s", path, strerror(errno));
    uint64_t lost = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t before = atomic_load(&r->count);
        int size = snprintf(line, sizeof line,
            "{\"type\":\"Deal.Created\",\"target\":\"deal_%d_%zu\",\"data\":{\"n\":%zu}}\n", getpid(), i, i);
        if (write(fd, line, (size_t)size) != size)
            die("write %s: %s", path, strerror(errno));
        uint64_t written = now_ns();
        while (atomic_load(&r->count) == before && now_ns() < written + LOST_NS)
            sleep_ns(20000);
        if (atomic_load(&r->count) == before)
            lost++;
        else
            samples_add(&samples, r->last_at > written ? r->last_at - written : 0);
        sleep_ns(pause_us * 1000);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    printf("{");
    samples_print(&samples, "came");
    printf(",\"lost\":%llu}\n", (unsigned long long)lost);
}

int main(int argc, char **argv)
{
    static struct receiver receiver;
    bool latency = argc >= 5 && !strcmp(argv[1], "--latency");
    if (!latency && (argc != 4 || strcmp(argv[1], "--receive")))
        die("usage: hook --receive N PORT_FILE | hook --latency N TENANT_DIR PORT_FILE [--pause US]");
    size_t count = strtoul(argv[2], NULL, 10);
    receiver_open(&receiver, argv[latency ? 4 : 3]);
    if (latency) {
        // Whoever started us saves the webhooks now, and says so by a line.
        if (getchar() == EOF)
            die("nobody saved a webhook");
        measure_latency(&receiver, argv[3], count, option_number(argc, argv, "--pause", 2000));
        return EXIT_SUCCESS;
    }
    while (atomic_load(&receiver.count) < count)
        receive(&receiver, 1000);
    printf("{\"count\":%zu,\"seconds\":%.6f}\n", count, (double)(receiver.last_at - receiver.first_at) / 1e9);
    return EXIT_SUCCESS;
}
