// Who watches this mount: the inodes on which any process has an inotify or fanotify mark, as /proc tells. Looking
// takes milliseconds, so the notifier looks only when telling everybody who might watch costs more. Belongs to the
// notifier's thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct watches {
    uint64_t *ids; // sorted
    size_t count, room;
};

// Looks anew. `device` is the mount's st_dev.
void watches_look(struct watches *watches, dev_t device);
bool watches_has(const struct watches *watches, uint64_t id);
void watches_free(struct watches *watches);
