// Files that no snapshot reaches any more, and when they may go: readers that began before may still read them. On disk
// in STORE/lake/NAME.removals, beside the journal: a line `AT_US KEY` each. It says only what to look at: whether a
// file can go is seen when it does. One thread.
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

struct removals {
    char path[512];
    struct bytes lines;
    bool changed; // since it was saved
};

// Reads what is there; `journal` is the path of the journal. 0 or -errno with the reason.
int removals_open(struct removals *removals, const char *journal, struct reason *why);
void removals_close(struct removals *removals);

// 0 or -ENOMEM; on disk after removals_save.
int removals_add(struct removals *removals, int64_t at_us, struct slice key);
int removals_save(struct removals *removals, struct reason *why);

// Goes through them: { .rest = bytes_slice(&removals->lines) } at first. False behind the last.
struct removal {
    struct slice rest, line, key;
    int64_t at_us;
};
bool removals_next(struct removal *removal);
