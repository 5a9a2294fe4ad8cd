// How often each of many texts was seen. Holds all of them in memory.
#pragma once

#include "store/arena.h"

struct count {
    struct slice text;
    uint64_t times;
};

struct tally {
    struct count *all;
    size_t count, room; // of the hash table: half full at most
    struct arena texts;
};

// 0 or -ENOMEM.
int tally_add(struct tally *tally, struct slice text);
// Sorts them, the most frequent first, those of equal frequency by their text: all[0] to all[count - 1]. Nothing can be
// added then.
void tally_sort(struct tally *tally);
void tally_free(struct tally *tally);
