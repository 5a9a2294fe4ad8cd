#include "hooks/lake/request.h"

#include "hooks/lake/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME    "socket"
#define WAIT_MS 1000

// The name of a socket may have some hundred letters; that of a store may have more. So it is named by its open
// directory.
static int open_directory(const char *store, struct sockaddr_un *address)
{
    char path[480];
    journal_directory(store, path);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/" NAME, fd);
    return fd;
}

int request_listen(const char *store, struct reason *why)
{
    struct sockaddr_un address;
    int directory = open_directory(store, &address), error = directory < 0 ? directory : 0;
    int listening = error ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (!error && listening < 0)
        error = -errno;
    if (!error)
        unlinkat(directory, NAME, 0);
    if (!error && (bind(listening, (struct sockaddr *)&address, sizeof address) || fchmodat(directory, NAME, 0600, 0) ||
                      listen(listening, 8)))
        error = -errno;
    if (directory >= 0)
        close(directory);
    if (error && listening >= 0)
        close(listening);
    return error ? reason_set(why, error, "%s/lake: no socket can be made: %s", store, strerror(-error)) : listening;
}

void request_end(const char *store, int listening)
{
    char path[520], directory[480];
    if (listening < 0)
        return;
    close(listening);
    journal_directory(store, directory);
    snprintf(path, sizeof path, "%s/" NAME, directory);
    unlink(path);
}

int request_take(int listening, char word[static REQUEST_WORD_MAX])
{
    int client = listening < 0 ? -1 : accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return -1;
    struct timeval wait = {.tv_sec = WAIT_MS / 1000};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    size_t size = 0;
    while (size < REQUEST_WORD_MAX - 1) {
        ssize_t got = recv(client, word + size, 1, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            close(client);
            return -1;
        }
        if (word[size] == '\n')
            break;
        size++;
    }
    word[size] = '\0';
    return client;
}

static bool send_all(int fd, struct slice text)
{
    while (text.size) {
        ssize_t sent = send(fd, text.at, text.size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        text.at += sent;
        text.size -= (size_t)sent;
    }
    return true;
}

void request_answer(int client, bool failed, struct slice text)
{
    // Who asked may have gone.
    if (send_all(client, failed ? SLICE("1\n") : SLICE("0\n")))
        send_all(client, text);
    close(client);
}

int request_send(const char *store, const char *word, struct bytes *answer, bool *failed)
{
    struct sockaddr_un address;
    int directory = open_directory(store, &address);
    if (directory < 0)
        return directory;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) ? -errno : 0;
    close(directory);
    if (!error && !(send_all(fd, slice_of(word)) && send_all(fd, SLICE("\n"))))
        error = -EPIPE;
    for (ssize_t got = 1; !error && got > 0;) {
        char *to = bytes_reserve(answer, 4096);
        got = to ? recv(fd, to, 4096, 0) : -1;
        if (got < 0 && to && errno == EINTR)
            got = 1;
        else if (got < 0)
            error = to ? -errno : -ENOMEM;
        else
            answer->size += (size_t)got;
    }
    if (fd >= 0)
        close(fd);
    if (error)
        return error == -ECONNREFUSED ? -ENOENT : error;
    // A daemon that ended meanwhile has said nothing.
    if (answer->size < 2)
        return -EPIPE;
    *failed = answer->at[0] != '0';
    memmove(answer->at, answer->at + 2, answer->size - 2);
    answer->size -= 2;
    return 0;
}
