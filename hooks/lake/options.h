// What the mount and `factfs lake` are told of the lake: the options that begin with `lake`.
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

#define LAKE_FLUSH_BYTES   ((uint64_t)64 << 20)
#define LAKE_FLUSH_SECONDS 60u

struct lake_options {
    char place[4096];       // "": there is no lake
    uint64_t flush_bytes;   // what waits is flushed when it is so much
    uint32_t flush_seconds; // … or so old
    bool hash;              // rows have the hash of their event
};

static inline struct lake_options lake_options_usual(void)
{
    return (struct lake_options){.flush_bytes = LAKE_FLUSH_BYTES, .flush_seconds = LAKE_FLUSH_SECONDS};
}

// Takes `lake=PLACE` and its like. 0; -ENOENT: it is no option of the lake; -EINVAL with the reason.
int lake_option(struct lake_options *options, const char *option, struct reason *why);

// The place that the store's lake was kept at last, for tools that are not told: STORE/lake/place.
int lake_place_remember(const char *store, const char *place, struct reason *why);
// Appends it. -ENOENT with the reason when the store never had a lake.
int lake_place_recall(const char *store, char place[static 4096], struct reason *why);
