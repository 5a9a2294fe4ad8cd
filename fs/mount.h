// Mounting a store, and serving it until it is unmounted.
#pragma once

#include "store/reason.h"

#include <stdint.h>

struct reactor;
struct following;
struct exporter;

struct mount_options {
    const char *store; // absolute, as the next
    const char *point;
    const struct reactor *reactor;   // what reacts to events (store/hook.h); NULL: nothing
    struct following *following;     // who follows the log and acts (store/follower.h)
    const struct exporter *exporter; // who tells programs outside how tenants are (store/exporter.h); NULL: nobody
    const void *exporter_options;    // for its open
    const char *kernel_options;      // for libfuse, comma-separated; NULL: none
    uint32_t views_max;              // (view.h)
    void (*serving)(void *context);
    void *serving_context;
};

// Mounts and serves until unmounted or told to stop by SIGTERM, SIGINT or SIGHUP; then everything submitted is
// committed and answered. 0, or -errno with the reason when it could not begin. Blocks these signals for the process.
int mount_serve(const struct mount_options *options, struct reason *why);
