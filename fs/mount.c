#include "fs/mount.h"

#include "fs/file.h"
#include "fs/notify.h"
#include "fs/requests.h"
#include "fs/scratch.h"
#include "fs/search.h"
#include "fs/status.h"
#include "fs/visit.h"
#include "fs/waiter.h"
#include "store/follower.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int stop_signals[] = {SIGTERM, SIGINT, SIGHUP};
// Wakes the thread of the requests from its read; any signal with a handler does.
#define WAKE_SIGNAL SIGUSR1

static void do_nothing(int signal)
{
    (void)signal;
}

static void stop_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++)
        sigaddset(set, stop_signals[i]);
}

struct stopper {
    struct mount *mount;
    pthread_t serving, thread;
    atomic_bool ended; // nothing is served any more
};

// Waits for a signal to stop. The notifier ends while its calls on the mount are still served; then the serving thread
// is told.
static void *wait_for_stop(void *context)
{
    struct stopper *s = context;
    sigset_t set;
    int signal;
    stop_set(&set);
    while (sigwait(&set, &signal) != 0)
        ;
    search_hurry(s->mount->search);
    notifier_stop(s->mount->notifier);
    fuse_session_exit(s->mount->session);
    // Again, should it have come just before the read that it is to end.
    while (!atomic_load(&s->ended)) {
        pthread_kill(s->serving, WAKE_SIGNAL);
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return NULL;
}

static int start_following(struct mount *mount)
{
    int error = 0;
    for (struct following *f = mount->following; !error && f->follower; f++)
        error = f->follower->start(f->self);
    return error;
}

static int serve(struct mount *mount, struct reason *why)
{
    struct stopper stopper = {.mount = mount, .serving = pthread_self()};
    int error = notifier_start(mount->notifier);
    if (!error)
        error = start_following(mount);
    if (!error && mount->exporter)
        error = mount->exporter->start(mount->exporting);
    if (!error)
        error = search_start(mount->search);
    if (error)
        return reason_set(why, error, "no thread can be started: %s", strerror(-error));
    error = -pthread_create(&stopper.thread, NULL, wait_for_stop, &stopper);
    if (!error) {
        int served = fuse_session_loop(mount->session);
        // -EINTR and the like: told to stop. The kernel's ENODEV, unmounted, is 0 here.
        error = served < 0 && !fuse_session_exited(mount->session) ? served : 0;
        atomic_store(&stopper.ended, true);
        pthread_kill(stopper.thread, SIGTERM);
        pthread_join(stopper.thread, NULL);
    }
    notifier_stop(mount->notifier);
    search_stop(mount->search);
    return error ? reason_set(why, error, "serving failed: %s", strerror(-error)) : 0;
}

// ---- before

// A daemon that died has left its mount point behind.
static void clear_dead_mount(const char *point)
{
    // Not stat: it may answer from what the kernel remembers. One that is dying now says ECONNABORTED.
    struct statfs fs;
    if (statfs(point, &fs) == 0 || (errno != ENOTCONN && errno != ECONNABORTED))
        return;
    pid_t child = fork();
    if (child == 0) {
        execlp("fusermount3", "fusermount3", "-uz", point, (char *)NULL);
        _exit(127);
    }
    int status;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
}

static bool is_below(const char *path, const char *directory)
{
    size_t size = strlen(directory);
    return !strncmp(path, directory, size) && (path[size] == '/' || path[size] == '\0' || directory[size - 1] == '/');
}

static int check_places(const char *store, const char *point, struct reason *why)
{
    struct stat attr;
    if (stat(point, &attr))
        return reason_set(why, -errno, "%s: %s", point, strerror(errno));
    if (!S_ISDIR(attr.st_mode))
        return reason_set(why, -ENOTDIR, "%s is not a directory", point);
    if (is_below(store, point))
        return reason_set(why, -EINVAL, "the store %s lies within its own mount point %s", store, point);
    return 0;
}

static int open_session(struct mount *mount, const struct mount_options *options, struct reason *why)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    char own[PATH_MAX + 128];
    snprintf(own, sizeof own, "default_permissions,subtype=factfs,fsname=%s%s", store_path(mount->store),
        geteuid() == 0 ? ",allow_other" : "");
    int failed = fuse_opt_add_arg(&args, "factfs") || fuse_opt_add_arg(&args, "-o") || fuse_opt_add_arg(&args, own);
    if (options->kernel_options && *options->kernel_options)
        failed = failed || fuse_opt_add_arg(&args, "-o") || fuse_opt_add_arg(&args, options->kernel_options);
    mount->session = failed ? NULL : fuse_session_new(&args, &requests, sizeof requests, mount);
    fuse_opt_free_args(&args);
    if (!mount->session)
        return reason_set(why, -EINVAL, "the options were not accepted");
    if (fuse_session_mount(mount->session, mount->point))
        return reason_set(why, -EIO, "%s cannot be mounted", mount->point);
    return 0;
}

// The observer of every tenant (tenant_observer).
static void committed(
    void *context, struct tenant *tenant, const struct committed *changes, size_t count, bool rejected)
{
    struct mount *mount = context;
    notifier_committed(mount, tenant, changes, count, rejected);
    for (const struct following *f = mount->following; f->follower; f++)
        f->follower->committed(f->self, tenant);
}

static int open_following(struct mount *mount, struct reason *why)
{
    int error = 0;
    for (struct following *f = mount->following; !error && f->follower; f++)
        error = f->follower->open(&f->self, mount->store, f->options, why);
    return error;
}

static int open_mount(struct mount *mount, const struct mount_options *options, struct reason *why)
{
    pthread_mutex_init(&mount->files_lock, NULL);
    mount->known = known_open();
    mount->scratch = scratch_open_shelf();
    int error = check_places(options->store, mount->point, why);
    if (!error)
        error = mount->known && mount->scratch ? notifier_open(&mount->notifier, mount) : -ENOMEM;
    if (!error)
        error = waiting_open(&mount->waiting, mount, notifier_wake, mount->notifier);
    if (!error)
        error = views_open(&mount->views, options->views_max, notifier_press, mount->notifier);
    if (!error)
        error = search_open(&mount->search);
    if (!error)
        error = store_open(&mount->store, options->store, committed, mount, why);
    if (!error)
        error = open_following(mount, why);
    if (!error)
        store_set_reactor(mount->store, options->reactor);
    mount->told = (struct exporter_source){.store = mount->store,
        .show_reacting = status_show_reacting,
        .show_following = status_show_following,
        .context = mount};
    if (!error && mount->exporter)
        error = mount->exporter->open(&mount->exporting, &mount->told, options->exporter_options, why);
    return error ? error : open_session(mount, options, why);
}

static void close_mount(struct mount *mount)
{
    if (mount->exporter)
        mount->exporter->close(mount->exporting);
    // Before the store: they answer who asks, and use tenants.
    for (const struct following *f = mount->following; f->follower; f++)
        f->follower->stop(f->self);
    // The kernel does not close what is open when it is unmounted.
    while (mount->files)
        file_release(mount->files);
    while (mount->documents)
        file_release(mount->documents);
    // The store before the session: its writers still answer what they commit.
    if (mount->store)
        store_close(mount->store);
    for (const struct following *f = mount->following; f->follower; f++)
        f->follower->close(f->self);
    if (mount->session) {
        fuse_session_unmount(mount->session);
        fuse_session_destroy(mount->session);
    }
    search_close(mount->search);
    views_close(mount->views);
    waiting_close(mount->waiting);
    notifier_close(mount->notifier);
    scratch_close_shelf(mount->scratch);
    known_close(mount->known);
    desk_clear(&mount->desk);
    pthread_mutex_destroy(&mount->files_lock);
    bytes_free(&mount->status);
}

int mount_serve(const struct mount_options *options, struct reason *why)
{
    // Requests are taken by one thread and given back by another: few heaps, or each would keep what others freed.
    mallopt(M_ARENA_MAX, 2);
    sigset_t set;
    struct sigaction wake = {.sa_handler = do_nothing};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    stop_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaction(WAKE_SIGNAL, &wake, NULL);
    sigaction(SIGPIPE, &ignore, NULL);

    struct mount mount = {
        .point = options->point,
        .following = options->following,
        .exporter = options->exporter,
        .desk = {.reader = TENANT_READER_REQUESTS},
        .serving = options->serving,
        .serving_context = options->serving_context,
    };
    clear_dead_mount(mount.point);
    mount.since_us = when_now_us();
    int error = open_mount(&mount, options, why);
    if (!error)
        error = serve(&mount, why);
    close_mount(&mount);
    return error;
}
