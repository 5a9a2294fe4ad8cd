// The herald is a process of its own that makes the calls on the mount which watchers see (notify.h). The daemon itself
// never waits for a request that it must answer: were it killed in the midst of one, the kernel would wait for the
// answer for ever, and neither the daemon nor those who use the mount could end.
//
// The daemon asks over a socket, one thing at a time; when the daemon is gone, the herald ends. Used by the notifier's
// thread.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct herald {
    pid_t process; // 0: none
    int socket;
};

// Forks. Before the process has threads or descriptors that must not be shared. 0 or -errno.
int herald_open(struct herald *herald);
void herald_close(struct herald *herald);

// IN_MODIFY and IN_CLOSE_WRITE: opens for writing, sets the time of modification, closes. 0 or -errno.
int herald_touch(struct herald *herald, const char *path);
// IN_CREATE: makes the file or the directory. 0 or -errno.
int herald_create(struct herald *herald, const char *path, bool directory);
// The device of what stands at a path, as stat(2) tells it. 0 or -errno.
int herald_device(struct herald *herald, const char *path, dev_t *device);
