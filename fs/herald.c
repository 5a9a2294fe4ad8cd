#include "fs/herald.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// A message in either direction is one packet.
enum order { TOUCH, CREATE_FILE, CREATE_DIRECTORY, DEVICE };

struct request {
    enum order order;
    char path[PATH_MAX];
};

struct answer {
    int error; // 0 or -errno
    dev_t device;
};

// ---- the herald's side

static int touch(const char *path)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
    int error = futimens(fd, times) ? -errno : 0;
    close(fd);
    return error;
}

static int create_file(const char *path)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0444);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static struct answer carry_out(const struct request *request)
{
    struct answer answer = {0};
    struct stat attr;
    switch (request->order) {
    case TOUCH:
        answer.error = touch(request->path);
        break;
    case CREATE_FILE:
        answer.error = create_file(request->path);
        break;
    case CREATE_DIRECTORY:
        answer.error = mkdir(request->path, 0755) ? -errno : 0;
        break;
    case DEVICE:
        answer.error = stat(request->path, &attr) ? -errno : 0;
        answer.device = answer.error ? 0 : attr.st_dev;
        break;
    }
    return answer;
}

__attribute__((noreturn)) static void serve(int socket)
{
    static struct request request;
    prctl(PR_SET_NAME, "factfs-herald");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // What ends the daemon ends the herald by the end of the socket, and not before.
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    // It keeps nothing of the daemon's: no descriptor, no directory.
    dup2(socket, 3);
    close_range(4, ~0u, 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    if (chdir("/"))
        _exit(1);
    while (recv(3, &request, sizeof request, 0) > 0) {
        struct answer answer = carry_out(&request);
        if (send(3, &answer, sizeof answer, MSG_NOSIGNAL) < 0)
            break;
    }
    _exit(0);
}

// ---- the daemon's side

int herald_open(struct herald *herald)
{
    int sockets[2];
    *herald = (struct herald){.socket = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
        return -errno;
    pid_t process = fork();
    if (process == 0)
        serve(sockets[1]);
    int error = process < 0 ? -errno : 0;
    close(sockets[1]);
    if (error) {
        close(sockets[0]);
        return error;
    }
    *herald = (struct herald){.process = process, .socket = sockets[0]};
    return 0;
}

void herald_close(struct herald *herald)
{
    if (!herald->process)
        return;
    close(herald->socket);
    while (waitpid(herald->process, NULL, 0) < 0 && errno == EINTR)
        ;
    *herald = (struct herald){.socket = -1};
}

static int ask(struct herald *herald, enum order order, const char *path, struct answer *answer)
{
    struct request request = {.order = order};
    size_t size = strlen(path) + 1;
    if (size > sizeof request.path)
        return -ENAMETOOLONG;
    memcpy(request.path, path, size);
    size += offsetof(struct request, path);
    ssize_t done;
    do
        done = send(herald->socket, &request, size, MSG_NOSIGNAL);
    while (done < 0 && errno == EINTR);
    if (done < 0)
        return -errno;
    do
        done = recv(herald->socket, answer, sizeof *answer, 0);
    while (done < 0 && errno == EINTR);
    return done < 0 ? -errno : done != sizeof *answer ? -EPIPE : answer->error;
}

int herald_touch(struct herald *herald, const char *path)
{
    struct answer answer;
    return ask(herald, TOUCH, path, &answer);
}

int herald_create(struct herald *herald, const char *path, bool directory)
{
    struct answer answer;
    return ask(herald, directory ? CREATE_DIRECTORY : CREATE_FILE, path, &answer);
}

int herald_device(struct herald *herald, const char *path, dev_t *device)
{
    struct answer answer = {0};
    int error = ask(herald, DEVICE, path, &answer);
    *device = answer.device;
    return error;
}
