// A view of bytes that somebody else owns, and a buffer that grows. Neither is terminated by a zero.
// A buffer that could not grow says so once, at the end: further additions do nothing and `failed` stays set.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *at;
    size_t size;
};

// FNV-1a, for hash tables in memory.
static inline uint64_t slice_hash(struct slice s)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < s.size; i++)
        hash = (hash ^ (unsigned char)s.at[i]) * 1099511628211u;
    return hash ^ hash >> 32;
}

// For printf("%.*s", SLICE_ARG(s)).
#define SLICE_ARG(s)   (int)(s).size, (s).at
#define SLICE(literal) ((struct slice){.at = (literal), .size = sizeof(literal) - 1})

static inline struct slice slice_of(const char *text)
{
    return (struct slice){.at = text, .size = strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

// As memcmp, a text before those that it begins.
static inline int slice_compare(struct slice a, struct slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.at, b.at, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static inline bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_of(text));
}

struct bytes {
    char *at;
    size_t size;
    size_t room;
    bool failed;
};

// Makes room for `more` bytes behind `size` and returns where they go, or NULL (and `failed`).
char *bytes_reserve(struct bytes *b, size_t more);
void bytes_add(struct bytes *b, const void *from, size_t size);
void bytes_add_text(struct bytes *b, const char *text);
void bytes_add_slice(struct bytes *b, struct slice s);
void bytes_add_char(struct bytes *b, char c);
__attribute__((format(printf, 2, 3))) void bytes_printf(struct bytes *b, const char *format, ...);
// Forgets the content, keeps the room.
void bytes_clear(struct bytes *b);
// Gives the memory back.
void bytes_free(struct bytes *b);
// Gives the memory back when it is more than `keep` bytes; the content is forgotten either way.
void bytes_trim(struct bytes *b, size_t keep);

static inline struct slice bytes_slice(const struct bytes *b)
{
    return (struct slice){.at = b->at ? b->at : "", .size = b->size};
}

#define BYTES_AUTO __attribute__((cleanup(bytes_free))) struct bytes
