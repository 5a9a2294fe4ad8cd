#include "cli/mount.h"

#include "fs/mount.h"
#include "fs/view.h"
#include "hooks/deliveries/delivery.h"
#include "hooks/hooks.h"
#include "hooks/lake/lake.h"
#include "store/follower.h"
#include "web/server.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define EXIT_USAGE 2

static const char usage[] =
    "Usage: factfs [OPTION]... STORE MOUNT\n"
    "       factfs log | diff | blame | replay | stats | status | tail-hooks | lake | verify | backup | restore "
    "--help\n"
    "Mounts the event store in the directory STORE (made if it is not there) at MOUNT.\n"
    "\n"
    "  -f               stay in the foreground; messages go to the terminal\n"
    "  -o OPTION,...    options, as in fstab:\n"
    "       ro            no event can be appended\n"
    "       views=N       at most so many names of asof/, find/ and query/ in use at a time (16384)\n"
    "       hooks_allow=RANGE\n"
    "                     what hooks may dial besides the public internet: 10.0.0.0/8, ::1; repeatable\n"
    "       hooks_ca=FILE certificates (PEM) that they trust besides the system's\n"
    "       lake=DIR | s3://BUCKET/PREFIX | rest+https://CATALOG\n"
    "                     keep all events in a table of Apache Iceberg there, too\n"
    "       lake_keys=FILE, lake_endpoint=URL, lake_region=NAME, lake_ca=FILE\n"
    "                     how it is reached; AWS_ACCESS_KEY_ID and its like come from FILE or the environment\n"
    "       lake_warehouse=NAME, lake_table=NAMESPACE.TABLE\n"
    "                     as the catalog calls them (factfs.events)\n"
    "       lake_flush_bytes=N, lake_flush_seconds=N\n"
    "                     when so much waits (64M), or for so long (60), it goes there\n"
    "       lake_hash     with the hash of each event\n"
    "       lake_maintenance=external\n"
    "                     others merge its files and expire its snapshots\n"
    "       metrics=[ADDRESS:]PORT\n"
    "                     answer Prometheus at http://ADDRESS:PORT/metrics; without ADDRESS, this machine alone\n"
    "       pidfile=FILE  write the number of the daemon's process there\n"
    "       allow_other, default_permissions, fsname=..., nosuid, nodev, noexec, ...\n"
    "                     as for every FUSE mount; the first two are on already where they can be\n"
    "  -h, --help       show this help and exit\n"
    "  -V, --version    show the version and exit\n"
    "\n"
    "A tenant is a directory: mkdir MOUNT/acme. Append an event to an entity:\n"
    "  echo '{\"type\":\"Contact.Created\",\"target\":\"contact_1\",\"data\":{\"name\":\"Ada\"}}' > MOUNT/acme/append\n"
    "  cat MOUNT/acme/contact_1/state.json\n"
    "To stop: fusermount3 -u MOUNT. See factfs(8).\n";

struct settings {
    bool foreground;
    bool fake; // mount(8) only asks whether it would work
    uint32_t views_max;
    char pidfile[PATH_MAX];
    char kernel[1024]; // options for libfuse
    struct delivery_options hooks;
    char hooks_ca[PATH_MAX];
    struct lake_options lake;
    struct server_options server;
};

// ---- options

// Options of fstab and mount(8) that say nothing to a file system.
static bool is_for_others(const char *option)
{
    static const char *const names[] = {"defaults", "auto", "noauto", "nofail", "user", "nouser", "users", "owner",
        "group", "_netdev", "rw", "exec", "suid", "async", "relatime", "norelatime", "strictatime", "lazytime", "atime",
        "allow_other", "default_permissions", "dev", NULL};
    for (const char *const *name = names; *name; name++)
        if (!strcmp(option, *name))
            return true;
    return !strncmp(option, "x-", 2) || !strncmp(option, "comment=", 8);
}

// Made absolute: the daemon leaves its directory.
static int take_pidfile(struct settings *settings, const char *path)
{
    char here[PATH_MAX] = "";
    if (path[0] != '/' && !getcwd(here, sizeof here))
        return -errno;
    int size = snprintf(settings->pidfile, sizeof settings->pidfile, "%s%s%s", here, *here ? "/" : "", path);
    return (size_t)size < sizeof settings->pidfile ? 0 : -ENAMETOOLONG;
}

static int take_views(struct settings *settings, const char *number)
{
    char *end;
    unsigned long views = strtoul(number, &end, 10);
    if (*number < '1' || *number > '9' || *end || views > VIEWS_MAX)
        return -EINVAL;
    settings->views_max = (uint32_t)views;
    return 0;
}

// Made absolute, as it is read again for each connection.
static int take_certificates(struct settings *settings, const char *path, struct reason *why)
{
    if (!realpath(path, settings->hooks_ca) || access(path, R_OK))
        return reason_set(why, -errno, "hooks_ca: %s: %s", path, strerror(errno));
    settings->hooks.ca_file = settings->hooks_ca;
    return 0;
}

static int take_option(struct settings *settings, char *option, struct reason *why)
{
    if (!strncmp(option, "pidfile=", 8))
        return take_pidfile(settings, option + 8);
    if (!strncmp(option, "views=", 6))
        return take_views(settings, option + 6);
    if (!strncmp(option, "hooks_allow=", 12))
        return address_list_add(&settings->hooks.opened, option + 12, why);
    if (!strncmp(option, "hooks_ca=", 9))
        return take_certificates(settings, option + 9, why);
    if (!strncmp(option, "metrics=", 8))
        return server_read_options(&settings->server, option + 8, why);
    int error = lake_option(&settings->lake, option, why);
    if (error != -ENOENT)
        return error;
    // Of root's mounts others may always see what the modes let them.
    if (is_for_others(option) || (!strcmp(option, "allow_other") && geteuid() == 0))
        return 0;
    size_t used = strlen(settings->kernel);
    if (used + strlen(option) + 2 > sizeof settings->kernel)
        return -E2BIG;
    snprintf(settings->kernel + used, sizeof settings->kernel - used, "%s%s", used ? "," : "", option);
    return 0;
}

static int take_options(struct settings *settings, char *list, struct reason *why)
{
    int error = 0;
    for (char *option; !error && (option = strsep(&list, ","));)
        if (*option)
            error = take_option(settings, option, why);
    return error;
}

// ---- the background

// In the background, what the daemon has to say goes to the system's log.
static ssize_t write_log(void *cookie, const char *text, size_t size)
{
    (void)cookie;
    syslog(LOG_WARNING, "%.*s", (int)size, text);
    return (ssize_t)size;
}

static void leave_terminal(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return;
    openlog("factfs", LOG_PID, LOG_DAEMON);
    FILE *log = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_log});
    if (log) {
        setvbuf(log, NULL, _IOLBF, 1024);
        stderr = log;
    }
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
}

struct ready {
    const struct settings *settings;
    int pipe; // to the process that waits in front; -1: none
};

static void write_pidfile(const char *path)
{
    FILE *file = fopen(path, "we");
    if (!file) {
        fprintf(stderr, "factfs: %s: %s\n", path, strerror(errno));
        return;
    }
    fprintf(file, "%d\n", getpid());
    fclose(file);
}

static void serving(void *context)
{
    struct ready *ready = context;
    if (ready->settings->pidfile[0])
        write_pidfile(ready->settings->pidfile);
    if (ready->pipe < 0)
        return;
    leave_terminal();
    ssize_t told = write(ready->pipe, "", 1);
    (void)told;
    close(ready->pipe);
    ready->pipe = -1;
}

static int mount_here(const char *store, const char *point, const struct settings *settings, int pipe)
{
    struct ready ready = {.settings = settings, .pipe = pipe};
    struct reason why = {0};
    struct following following[] = {{.follower = &delivery_follower, .options = &settings->hooks}, {0}, {0}};
    if (settings->lake.place[0])
        following[1] = (struct following){.follower = &lake_follower, .options = &settings->lake};
    struct mount_options options = {
        .store = store,
        .point = point,
        .reactor = &hooks_reactor,
        .following = following,
        .exporter = settings->server.port ? &server_exporter : NULL,
        .exporter_options = &settings->server,
        .kernel_options = settings->kernel,
        .views_max = settings->views_max,
        .serving = serving,
        .serving_context = &ready,
    };
    int error = mount_serve(&options, &why);
    if (settings->pidfile[0])
        unlink(settings->pidfile);
    if (!error)
        return EXIT_SUCCESS;
    fprintf(stderr, "factfs: %s\n", why.text[0] ? why.text : strerror(-error));
    return EXIT_FAILURE;
}

// The mount is served by a child; this process ends when it serves, and tells by its exit status whether it does.
static int mount_behind(const char *store, const char *point, const struct settings *settings)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC)) {
        perror("factfs");
        return EXIT_FAILURE;
    }
    pid_t child = fork();
    if (child < 0) {
        perror("factfs");
        return EXIT_FAILURE;
    }
    if (child == 0) {
        close(fds[0]);
        setsid();
        if (chdir("/"))
            return EXIT_FAILURE;
        return mount_here(store, point, settings, fds[1]);
    }
    close(fds[1]);
    char byte;
    ssize_t got;
    do
        got = read(fds[0], &byte, 1);
    while (got < 0 && errno == EINTR);
    return got == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

// ---- paths

// A mount point whose daemon has died cannot be resolved itself: its parent can.
static char *absolute(const char *path)
{
    char *found = realpath(path, NULL);
    if (found || errno != ENOTCONN)
        return found;
    char *copy = strdup(path), *result = NULL;
    size_t size = copy ? strlen(copy) : 0;
    while (size > 1 && copy[size - 1] == '/')
        copy[--size] = '\0';
    char *slash = copy ? strrchr(copy, '/') : NULL;
    if (slash)
        *slash = '\0';
    char *parent = copy ? realpath(slash ? (*copy ? copy : "/") : ".", NULL) : NULL;
    if (parent && asprintf(&result, "%s/%s", parent, slash ? slash + 1 : copy) < 0)
        result = NULL;
    free(parent);
    free(copy);
    return result;
}

// Called by mount(8), whose options are others: SPEC DIR [-sfnv] [-N NAMESPACE] [-t TYPE] [-o OPTIONS].
static bool is_helper(const char *program)
{
    const char *slash = strrchr(program, '/');
    return !strncmp(slash ? slash + 1 : program, "mount.", 6);
}

// 0, or the exit status to end with; -1 to go on.
static int read_options(struct settings *settings, int argc, char **argv)
{
    static const struct option longs[] = {{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    bool helper = is_helper(argv[0]);
    struct reason why = {0};
    for (int option; (option = getopt_long(argc, argv, helper ? "fhno:sN:t:vV" : "fho:V", longs, NULL)) != -1;)
        switch (option) {
        case 'f':
            *(helper ? &settings->fake : &settings->foreground) = true;
            break;
        case 'o':
            if (take_options(settings, optarg, &why)) {
                fprintf(stderr, "factfs: %s\n", why.text[0] ? why.text : "an option is wrong, or they are too long");
                return EXIT_USAGE;
            }
            break;
        case 'n':
        case 's':
        case 'N':
        case 't':
        case 'v':
            break;
        case 'h':
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        case 'V':
            puts("factfs " FACTFS_VERSION);
            return EXIT_SUCCESS;
        default:
            fputs("Try 'factfs --help'.\n", stderr);
            return EXIT_USAGE;
        }
    if (argc - optind == 2)
        return -1;
    fputs("factfs: a store and a mount point are needed\nTry 'factfs --help'.\n", stderr);
    return EXIT_USAGE;
}

static bool lies_in(const char *path, const char *directory)
{
    size_t size = strlen(directory);
    return !strncmp(path, directory, size) && (path[size] == '/' || !path[size]);
}

// A lake in its own store or mount would be taken for something of theirs.
static bool lake_is_apart(const struct settings *settings, const char *store, const char *point)
{
    const char *place = settings->lake.place;
    const char *around = lies_in(place, store) ? store : lies_in(place, point) ? point : NULL;
    if (around)
        fprintf(stderr, "factfs: the lake %s lies within %s\n", place, around);
    return !around;
}

int mount_main(int argc, char **argv)
{
    struct settings settings = {.views_max = VIEWS_USUAL, .lake = lake_options_usual()};
    // Handlers must not see where the daemon runs. Before there are threads.
    setenv("TZ", "UTC0", 1);
    tzset();
    int status = read_options(&settings, argc, argv);
    if (status >= 0)
        return status;
    if (settings.fake)
        return EXIT_SUCCESS;
    if (mkdir(argv[optind], 0700) && errno != EEXIST) {
        fprintf(stderr, "factfs: %s: %s\n", argv[optind], strerror(errno));
        return EXIT_FAILURE;
    }
    char *store = absolute(argv[optind]), *point = absolute(argv[optind + 1]);
    status = EXIT_FAILURE;
    if (!store || !point)
        fprintf(stderr, "factfs: %s: %s\n", argv[store ? optind + 1 : optind], strerror(errno));
    else if (lake_is_apart(&settings, store, point))
        status = settings.foreground ? mount_here(store, point, &settings, -1) : mount_behind(store, point, &settings);
    free(store);
    free(point);
    return status;
}
