// What the measuring programs share: the events they write, the clock and percentiles.
// A program prints its result as one line of JSON and ends with a message and status 1 on any error: a figure taken
// beside a failure is worth nothing. The events are those of a shop's pipeline: 10,000 deals, each first created, then
// updated at random; a line is about 250 bytes of words, so that it compresses as text does.
#pragma once

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ENTITIES_DEFAULT 10000u
#define NOTE_SIZE        170u
#define TEXT_SIZE        65536u
#define LINE_MAX_SIZE    1024u

__attribute__((format(printf, 1, 2), noreturn)) static inline void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

static inline void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        die("out of memory");
    return memory;
}

// ---- the clock

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void sleep_ns(uint64_t ns)
{
    struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
    while (nanosleep(&t, &t) < 0 && errno == EINTR)
        ;
}

// ---- random numbers (splitmix64): the same events from the same seed, everywhere

static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// ---- the events: deals

struct deal {
    uint32_t entity;
    uint32_t note; // where its text begins
    uint32_t value;
    bool first;
};

static char words_text[TEXT_SIZE + 64];

static inline void words_init(void)
{
    static const char *const words[32] = {"amber", "basket", "candle", "dune", "eagle", "fjord", "glacier", "hazel",
        "iron", "juniper", "kiosk", "lagoon", "meadow", "nutmeg", "oasis", "pebble", "quill", "raven", "saddle",
        "thistle", "upland", "valley", "walnut", "xylem", "yarrow", "zenith", "acorn", "beacon", "cedar", "drizzle",
        "estuary", "fennel"};
    uint64_t state = 42;
    for (size_t size = 0; size < TEXT_SIZE;) {
        const char *word = words[random_next(&state) % 32];
        size_t length = strlen(word);
        memcpy(words_text + size, word, length);
        size += length;
        words_text[size++] = ' ';
    }
}

static inline struct deal deal_of(uint32_t entity, bool first, uint64_t random)
{
    return (struct deal){.entity = entity,
        .first = first,
        .note = (uint32_t)((random >> 20) % (TEXT_SIZE - NOTE_SIZE)),
        .value = 100000u + (uint32_t)(random % 900000u)};
}

// The next event of a load: every entity's first event, then events of entities drawn uniformly.
static inline struct deal deal_next(uint64_t index, uint32_t entities, uint64_t *state)
{
    if (index < entities)
        return deal_of((uint32_t)index, true, random_next(state));
    uint32_t entity = (uint32_t)(random_next(state) % entities);
    return deal_of(entity, false, random_next(state));
}

static inline char *text_put(char *to, const char *from, size_t size)
{
    memcpy(to, from, size);
    return to + size;
}

static inline char *text_put_number(char *to, uint32_t number, int digits)
{
    for (int i = digits; i-- > 0; number /= 10)
        to[i] = (char)('0' + number % 10);
    return to + digits;
}

#define TEXT_PUT(to, literal) text_put(to, literal, sizeof(literal) - 1)

static inline char *deal_put_entity(char *to, const struct deal *deal)
{
    return text_put_number(TEXT_PUT(to, "deal_k"), deal->entity, 5);
}

// The line as a writer gives it, without its newline; returns its size.
static inline size_t deal_line(char *out, const struct deal *deal)
{
    char *at = deal->first ? TEXT_PUT(out, "{\"type\":\"Deal.Created\",\"target\":\"")
                           : TEXT_PUT(out, "{\"type\":\"Deal.Updated\",\"target\":\"");
    at = deal_put_entity(at, deal);
    at = TEXT_PUT(at, "\",\"data\":{\"note\":\"");
    at = text_put(at, words_text + deal->note, NOTE_SIZE);
    at = TEXT_PUT(at, "\",\"value\":");
    at = text_put_number(at, deal->value, 6);
    at = TEXT_PUT(at, "}}");
    return (size_t)(at - out);
}

// ---- percentiles

struct samples {
    uint64_t *ns;
    size_t count;
    size_t room;
};

static inline void samples_add(struct samples *s, uint64_t ns)
{
    if (s->count == s->room) {
        s->room = s->room ? s->room * 2 : 4096;
        s->ns = realloc(s->ns, s->room * sizeof *s->ns);
        if (!s->ns)
            die("out of memory");
    }
    s->ns[s->count++] = ns;
}

static inline int samples_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

// `"NAME_p50_us":…,"NAME_p99_us":…,"NAME_max_us":…`
static inline void samples_print(struct samples *s, const char *name)
{
    if (!s->count)
        die("no samples of %s", name);
    qsort(s->ns, s->count, sizeof *s->ns, samples_compare);
    printf("\"%s_p50_us\":%.1f,\"%s_p99_us\":%.1f,\"%s_max_us\":%.1f", name, (double)s->ns[(s->count - 1) / 2] / 1e3,
        name, (double)s->ns[(s->count - 1) * 99 / 100] / 1e3, name, (double)s->ns[s->count - 1] / 1e3);
}

// ---- arguments

// The value behind `--name`, or NULL.
static inline const char *option_text(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    return NULL;
}

static inline uint64_t option_number(int argc, char **argv, const char *name, uint64_t otherwise)
{
    const char *text = option_text(argc, argv, name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static inline double option_seconds(int argc, char **argv, const char *name, double otherwise)
{
    const char *text = option_text(argc, argv, name);
    return text ? strtod(text, NULL) : otherwise;
}
