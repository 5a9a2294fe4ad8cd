// An entity on a mount, now and as it was: the files that diff and blame read.
#pragma once

#include "store/bytes.h"

#include <limits.h>

struct past {
    const char *command; // who says what goes wrong
    const char *path;    // as it was given
    char entity[PATH_MAX];
    char place[PATH_MAX]; // of the path: the entity's directory, or one of its past
};

// The path is an entity's directory, or one below asof/, of the entity or its tenant; or a state.json in one of them. 0
// or -errno, reported.
int past_open(struct past *past, const char *command, const char *path);

// Appends the state at a WHEN, valid JSON; of NULL as the path has it, of `now` as it is. Nothing when the entity was
// deleted then. 0 or -errno, reported.
int past_state(const struct past *past, const char *when, struct bytes *document);

// The file of an event, below the entity's events/.
struct past_event {
    uint32_t version;
    char name[256];
};
// The events up to the path's moment, by version; the caller frees them. 0 or -errno, reported.
int past_events(const struct past *past, struct past_event **events, size_t *count);
// Appends the event. 0 or -errno, reported.
int past_event_read(const struct past *past, const struct past_event *event, struct bytes *line);
