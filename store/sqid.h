// Sqids: short ids made of numbers, by the published algorithm (sqids.org, v1), without its list of blocked words.
// A store has its own shuffled alphabet, so its ids cannot be read as numbers by others.
#pragma once

#include "store/bytes.h"

#define SQID_ALPHABET_SIZE    62
#define SQID_NUMBERS_MAX      4
#define SQID_TEXT_MAX         64
#define SQID_STEPS            (SQID_NUMBERS_MAX + 1) // an alphabet for each number and one to fill up to length_min
#define SQID_DEFAULT_ALPHABET "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// Immutable after sqids_init; any thread may read it.
struct sqids {
    unsigned length_min;
    char alphabet[SQID_ALPHABET_SIZE]; // shuffled as the algorithm wants it
    // Private: by first character, then by how often it has been shuffled since, the alphabet that the next number is
    // written in.
    char kept[SQID_ALPHABET_SIZE][SQID_STEPS][64];
};

// `alphabet`: the 62 characters of the default one in the store's own order. -EINVAL if they are not, or if length_min
// is more than SQID_TEXT_MAX.
int sqids_init(struct sqids *s, const char *alphabet, unsigned length_min);
// A random order of the default alphabet (from getrandom(2)). 0 or -errno.
int sqids_shuffle(char alphabet[static SQID_ALPHABET_SIZE + 1]);
// The id of 1 to SQID_NUMBERS_MAX numbers. Returns its length; no zero is written behind it.
size_t sqid_encode(const struct sqids *s, const uint64_t *numbers, unsigned count, char out[static SQID_TEXT_MAX]);
// The numbers of an id: how many, or -EINVAL if the text is not exactly what sqid_encode makes of them.
int sqid_decode(const struct sqids *s, struct slice text, uint64_t numbers[static SQID_NUMBERS_MAX]);
