// Servers for tests of the lake, started as processes that end with the test: the strict stub (stub.py), and what
// tests/lake/servers brings (versitygw). A test program starts one, and its main() ends it.
#pragma once

#include "hooks/lake/access.h"
#include "tests/store/check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct server {
    pid_t pid;
    char directory[64];
    char address[64]; // http://127.0.0.1:PORT
};

static inline void server_pause(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static inline void server_start(struct server *s, const char *const *arguments)
{
    s->pid = fork();
    if (s->pid == 0) {
        char said[PATH_MAX];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        snprintf(said, sizeof said, "%s/said", s->directory);
        int fd = open(said, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
}

// Reads a file of the server's directory; false when there is none.
static inline bool server_file(const struct server *s, const char *name, struct bytes *out)
{
    char path[PATH_MAX], piece[4096];
    snprintf(path, sizeof path, "%s/%s", s->directory, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    for (ssize_t size; (size = read(fd, piece, sizeof piece)) > 0;)
        bytes_add(out, piece, (size_t)size);
    close(fd);
    return true;
}

// Writes one, as a whole; NULL removes it.
static inline void server_write(const struct server *s, const char *name, const char *text)
{
    char path[PATH_MAX], part[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", s->directory, name);
    snprintf(part, sizeof part, "%s/%s.part", s->directory, name);
    if (!text) {
        unlink(path);
        return;
    }
    FILE *file = fopen(part, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) || rename(part, path))
        abort();
}

static inline void server_stop(struct server *s)
{
    char command[PATH_MAX];
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    snprintf(command, sizeof command, "rm -rf '%s'", s->directory);
    if (system(command))
        abort();
}

static inline void server_make_directory(struct server *s)
{
    strcpy(s->directory, "/tmp/factfs-server-XXXXXX");
    if (!mkdtemp(s->directory))
        abort();
}

// ---- the stub

static inline void stub_launch(struct server *s, const char *scheme)
{
    server_start(s, (const char *const[]){"python3", "-B", "tests/lake/stub.py", s->directory, NULL});
    BYTES_AUTO port = {0};
    for (int tries = 0; !server_file(s, "port", &port); tries++) {
        if (tries == 2000 || waitpid(s->pid, NULL, WNOHANG) != 0) {
            printf("# tests/lake/stub.py does not start: %s/said\n", s->directory);
            abort();
        }
        server_pause();
    }
    snprintf(s->address, sizeof s->address, "%s://127.0.0.1:%.*s", scheme, SLICE_ARG(bytes_slice(&port)));
}

static inline void stub_start(struct server *s)
{
    server_make_directory(s);
    stub_launch(s, "http");
}

// By TLS, with a certificate that nobody has signed; it is where `certificate` says.
static inline void stub_start_tls(struct server *s, char certificate[static PATH_MAX])
{
    char command[PATH_MAX + 256];
    server_make_directory(s);
    snprintf(certificate, PATH_MAX, "%s/certificate", s->directory);
    snprintf(command, sizeof command,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 "
        "-addext subjectAltName=IP:127.0.0.1 -keyout %s/key -out %s/certificate 2>> %s/said",
        s->directory, s->directory, s->directory);
    if (system(command))
        abort();
    stub_launch(s, "https");
}

// `KIND TIMES METHOD PATTERN`; NULL: no more faults.
static inline void stub_fault(const struct server *s, const char *line)
{
    server_write(s, "faults", line);
}

static inline void stub_forget_requests(const struct server *s)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/requests", s->directory);
    if (truncate(path, 0))
        abort();
}

// How many requests since then have this text in their line.
static inline int stub_count(const struct server *s, const char *text)
{
    BYTES_AUTO lines = {0};
    int count = 0;
    server_file(s, "requests", &lines);
    for (size_t from = 0, size; from < lines.size; from += size) {
        const char *end = memchr(lines.at + from, '\n', lines.size - from);
        size = end ? (size_t)(end - lines.at) - from + 1 : lines.size - from;
        count += memmem(lines.at + from, size, text, strlen(text)) != NULL;
    }
    return count;
}

static inline void stub_access(const struct server *s, struct access *access)
{
    *access = (struct access){.patience_ms = 300};
    access_set(access, ACCESS_ENDPOINT, s->address);
    access_set(access, ACCESS_KEY_ID, "stubAK");
    access_set(access, ACCESS_SECRET, "stubSK");
}

// ---- servers that somebody else wrote

// Where tests/lake/servers has one; installs it if need be. False when it cannot be had: says why, and counts
// `skipped`.
static inline bool server_find(const char *name, const char *skipped, char path[static PATH_MAX])
{
    char command[128];
    snprintf(command, sizeof command, "tests/lake/servers %s 2>&1", name);
    FILE *said = popen(command, "r");
    if (!said || !fgets(path, PATH_MAX, said))
        path[0] = '\0';
    path[strcspn(path, "\n")] = '\0';
    if (said && pclose(said) == 0 && path[0] == '/')
        return true;
    printf("SKIPPED: %s\nok %s # skip\n", path, skipped);
    return false;
}

// A port of 127.0.0.1 that nobody listens on; 0 when there is none.
static inline unsigned server_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool found =
        fd >= 0 && !bind(fd, (struct sockaddr *)&address, size) && !getsockname(fd, (struct sockaddr *)&address, &size);
    close(fd);
    return found ? ntohs(address.sin_port) : 0;
}

static inline bool server_listens(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool listens = fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    return listens;
}

static inline void server_wait(struct server *s, unsigned port)
{
    for (int tries = 0; !server_listens(port); tries++) {
        if (tries == 3000 || waitpid(s->pid, NULL, WNOHANG) != 0) {
            printf("# a server does not start: %s/said\n", s->directory);
            abort();
        }
        server_pause();
    }
    snprintf(s->address, sizeof s->address, "http://127.0.0.1:%u", port);
}

static inline void versitygw_start(struct server *s, const char *path)
{
    char where[32], bucket[PATH_MAX];
    unsigned port = server_free_port();
    server_make_directory(s);
    snprintf(where, sizeof where, "127.0.0.1:%u", port);
    snprintf(bucket, sizeof bucket, "%s/s3", s->directory);
    mkdir(bucket, 0700);
    setenv("ROOT_ACCESS_KEY_ID", "factfsAK", 1);
    setenv("ROOT_SECRET_ACCESS_KEY", "factfsSK12345678", 1);
    server_start(
        s, (const char *const[]){path, "--port", where, "--region", "us-east-1", "--quiet", "posix", bucket, NULL});
    server_wait(s, port);
}

static inline void versitygw_access(const struct server *s, struct access *access)
{
    *access = (struct access){.patience_ms = 10000};
    access_set(access, ACCESS_ENDPOINT, s->address);
    access_set(access, ACCESS_KEY_ID, "factfsAK");
    access_set(access, ACCESS_SECRET, "factfsSK12345678");
}

// Iceberg's REST fixture. `gateway`: where it keeps its tables, as it hands out the keys of; NULL: in its directory.
static inline void fixture_start(struct server *s, const char *jars, const struct server *gateway)
{
    char text[PATH_MAX + 8];
    unsigned port = server_free_port();
    server_make_directory(s);
    snprintf(text, sizeof text, "%u", port);
    setenv("CATALOG_REST_PORT", text, 1);
    snprintf(text, sizeof text, "jdbc:sqlite:%s/catalog.db", s->directory);
    setenv("CATALOG_URI", text, 1);
    snprintf(text, sizeof text, "file://%s/warehouse", s->directory);
    setenv("CATALOG_WAREHOUSE", gateway ? "s3://lake/fixture" : text, 1);
    if (gateway) {
        setenv("CATALOG_IO__IMPL", "org.apache.iceberg.aws.s3.S3FileIO", 1);
        setenv("CATALOG_S3_ENDPOINT", gateway->address, 1);
        setenv("CATALOG_S3_PATH__STYLE__ACCESS", "true", 1);
        setenv("CATALOG_CLIENT_REGION", "us-east-1", 1);
        setenv("AWS_REGION", "us-east-1", 1);
        setenv("CATALOG_S3_ACCESS__KEY__ID", "factfsAK", 1);
        setenv("CATALOG_S3_SECRET__ACCESS__KEY", "factfsSK12345678", 1);
        setenv("CATALOG_INCLUDE__CREDENTIALS", "true", 1);
    }
    snprintf(text, sizeof text, "%s/*", jars);
    server_start(
        s, (const char *const[]){"java", "-Xmx256m", "-cp", text, "org.apache.iceberg.rest.RESTCatalogServer", NULL});
    server_wait(s, port);
}
