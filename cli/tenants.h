// The tenants that somebody means by a path: one in a mount, all of a mount, or all of a store that is mounted. No
// state.
#pragma once

#include "store/bytes.h"

struct tenant_path {
    char *path;       // of its directory in the mount
    const char *name; // the last part of it
};

struct tenants {
    struct tenant_path *all; // by their names
    size_t count, room;
};

// Adds the tenants that `path` stands for. -ENOTCONN for a store that is not mounted here; or another -errno, reported
// as from a command.
int tenants_add(struct tenants *tenants, const char *command, const char *path);
void tenants_free(struct tenants *tenants);
#define TENANTS_AUTO __attribute__((cleanup(tenants_free))) struct tenants
