// The stream that somebody means by a path: a tenant, an entity, a stream, a copy of one, or `-`.
#pragma once

#include <stdbool.h>

struct source {
    const char *name; // for messages
    int fd;           // the caller closes it
    bool one_entity;  // all events are of one
};

// `command` is who says what goes wrong. An entity is known by the events/ beside its stream. 0 or -errno, reported.
int source_open(struct source *source, const char *command, const char *path);
