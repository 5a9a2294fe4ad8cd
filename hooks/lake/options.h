// What the mount and `factfs lake` are told of the lake: the options that begin with `lake`.
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

#define LAKE_FLUSH_BYTES   ((uint64_t)64 << 20)
#define LAKE_FLUSH_SECONDS 60u

// What is said besides the place of how it is reached. No secrets: those are in the environment or in a file
// (access.h).
enum lake_setting {
    LAKE_KEYS,     // that file
    LAKE_CA,       // certificates besides the system's
    LAKE_ENDPOINT, // of what is not AWS
    LAKE_REGION,
    LAKE_WAREHOUSE, // as a REST catalog calls it
    LAKE_TABLE,     // there: NAMESPACE.TABLE
    LAKE_SETTINGS,
};

struct lake_options {
    char place[4096];                  // "": there is no lake
    char settings[LAKE_SETTINGS][512]; // "": not said
    uint64_t flush_bytes;              // what waits is flushed when it is so much
    uint32_t flush_seconds;            // … or so old
    bool hash;                         // rows have the hash of their event
    bool kept_by_others;               // its catalog merges files and expires snapshots: never two at once
};

static inline struct lake_options lake_options_usual(void)
{
    return (struct lake_options){.flush_bytes = LAKE_FLUSH_BYTES, .flush_seconds = LAKE_FLUSH_SECONDS};
}

// Takes `lake=PLACE` and its like. 0; -ENOENT: it is no option of the lake; -EINVAL with the reason.
int lake_option(struct lake_options *options, const char *option, struct reason *why);

// The place that the store's lake was kept at last and how it is reached, for tools that are not told:
// STORE/lake/place.
int lake_place_remember(const char *store, const struct lake_options *options, struct reason *why);
// -ENOENT with the reason when the store never had a lake.
int lake_place_recall(const char *store, struct lake_options *options, struct reason *why);
