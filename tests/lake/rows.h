// Rows as a log has them, made from a number, so that who reads a file knows what must be in it: some types, some
// thousand entities, data that is mostly random, metadata on a third of them.
#pragma once

#include "hooks/lake/columns.h"

#include <stdio.h>

#define ROWS_TEXT_MAX 512

struct rows {
    uint64_t seed;
    uint64_t position;
    char id[40], type[40], target[40], actor[40], data[ROWS_TEXT_MAX], metadata[80];
};

static inline uint64_t rows_random(struct rows *rows)
{
    uint64_t z = rows->seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline size_t rows_word(struct rows *rows, char *to, size_t size)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) {
        if (i % 10 == 0)
            bits = rows_random(rows);
        to[i] = letters[bits % 62];
        bits /= 62;
    }
    return size;
}

static inline struct slice rows_text(struct rows *rows, char *to, const char *before, size_t size, const char *behind)
{
    size_t at = strlen(before), end = strlen(behind);
    memcpy(to, before, at);
    at += rows_word(rows, to + at, size);
    memcpy(to + at, behind, end);
    return (struct slice){.at = to, .size = at + end};
}

static inline struct slice rows_print(char *to, const char *format, unsigned long long a, unsigned long long b)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return (struct slice){.at = to, .size = (size_t)sprintf(to, format, a, b)};
#pragma GCC diagnostic pop
}

// The next row; its texts live until the one after it.
static inline void rows_next(struct rows *rows, struct lake_value row[static LAKE_COLUMNS])
{
    static const char *const types[] = {
        "Contact.Created", "Contact.Qualified", "Deal.Opened", "Deal.Advanced", "Deal.Closed", "order.was_placed"};
    uint64_t position = ++rows->position, entity = rows_random(rows) % 5000;
    struct event event = {
        .id = rows_text(rows, rows->id, "evt_", 10, ""),
        .type = slice_of(types[rows_random(rows) % 6]),
        .target = rows_print(rows->target, "contact_k%llu%04llu", entity * 7919 % 100, entity),
        .actor = rows_print(rows->actor, "agent_%llu%llu", rows_random(rows) % 20, 7),
        .at_us = INT64_C(1767225600000000) + (int64_t)position * 1234567 + (int64_t)(rows_random(rows) % 1000000),
        .data = rows_text(rows, rows->data, "{\"name\":\"Zoë\",\"value\":{\"before\":null,\"after\":\"",
            60 + rows_random(rows) % 110, "\"}}"),
        .version = (uint32_t)(position / 5000 + 1),
    };
    if (rows_random(rows) % 3 == 0)
        event.metadata = rows_print(
            rows->metadata, "{\"source\":\"import %llu\",\"n\":%llu}", rows_random(rows) % 7, rows_random(rows) % 1000);
    lake_row(row, &event, SLICE("acme"), position);
}
