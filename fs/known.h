// Which inodes the kernel knows: only of these must it be told when something changes. Of those that never change it is
// owner and mode, which are the tenant's. Counts what lookups gave and forgets took. Any thread may call.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct known;

struct known *known_open(void);
void known_close(struct known *known);
// The kernel was given this inode once more; `asked` by somebody else than the daemon itself.
void known_add(struct known *known, uint64_t id, bool asked);
// The kernel takes `count` of these back.
void known_forget(struct known *known, uint64_t id, uint64_t count);
// Was it asked for, and not forgotten since?
bool known_has(struct known *known, uint64_t id);
// How many are known of the inodes of queries (node.h).
size_t known_queries(struct known *known);
// Calls for each that is known; the calls are made without the lock, so what changes meanwhile may be missed.
void known_each(struct known *known, void (*call)(void *context, uint64_t id), void *context);
