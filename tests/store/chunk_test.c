// A row of the index: the layout that chunk.h draws, and that no changed bit goes unseen.
#include "store/chunk.h"
#include "tests/store/check.h"

#include <errno.h>

// CRC-32C by its definition, a bit at a time.
static uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
    const unsigned char *at = data;
    crc = ~crc;
    while (size--) {
        crc ^= *at++;
        for (int i = 0; i < 8; i++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

static uint64_t random_next(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void drawn_layout(void)
{
    struct chunk chunk = {.entity = 3, .first = 17, .count = 2, .offset = 1000};
    chunk.events[0] = (struct event_place){.position = 300, .at_us = -1, .type = 1, .size_bytes = 200};
    chunk.events[1] = (struct event_place){.position = 301, .at_us = 63, .type = 128, .size_bytes = 5};
    // count; 300, -1 as 1, 1, 200; then by how much: 1, 64 as 128, and 128, 5
    static const unsigned char numbers[] = {2, 0xac, 0x02, 0x01, 0x01, 0xc8, 0x01, 0x01, 0x80, 0x01, 0x80, 0x01, 0x05};
    uint64_t key = (uint64_t)3 << 27 | 17, offset = 1000;
    uint32_t crc = crc32c(crc32c(crc32c(0, &key, 8), &offset, 8), numbers, sizeof numbers);
    BYTES_AUTO out = {0};
    chunk_encode(&chunk, &out);
    CHECK_INT(out.size, sizeof numbers + 4);
    CHECK(!memcmp(out.at, numbers, sizeof numbers));
    CHECK(!memcmp(out.at + sizeof numbers, &crc, 4));
    // What goes on says so behind them.
    bytes_clear(&out);
    chunk.goes_on = true;
    chunk_encode(&chunk, &out);
    crc = crc32c(crc, "\1", 1);
    CHECK_INT(out.size, sizeof numbers + 5);
    CHECK_INT(out.at[sizeof numbers], 1);
    CHECK(!memcmp(out.at + sizeof numbers + 1, &crc, 4));
}

static struct chunk random_chunk(void)
{
    struct chunk chunk = {.entity = random_next() >> 28, .first = chunk_first(1 + (uint32_t)random_next() % 99999999)};
    chunk.count = 1 + (uint32_t)random_next() % CHUNK_EVENTS;
    chunk.offset = random_next() >> 20;
    chunk.goes_on = random_next() >> 63;
    uint64_t position = random_next() >> 20;
    for (uint32_t i = 0; i < chunk.count; i++)
        chunk.events[i] = (struct event_place){.position = position += 1 + random_next() % 1000000,
            .at_us = (int64_t)random_next() >> (2 + random_next() % 58),
            .type = (uint32_t)random_next() % 65536,
            .size_bytes = (uint32_t)random_next() % (2 << 20)};
    return chunk;
}

static struct chunk key_of(const struct chunk *chunk)
{
    return (struct chunk){.entity = chunk->entity, .first = chunk->first, .offset = chunk->offset};
}

static void any_chunk(void)
{
    for (int round = 0; round < 2000; round++) {
        struct chunk chunk = random_chunk(), found = key_of(&chunk);
        BYTES_AUTO out = {0};
        chunk_encode(&chunk, &out);
        CHECK_INT(chunk_decode(&found, bytes_slice(&out)), 0);
        CHECK_INT(found.count, chunk.count);
        CHECK_INT(found.goes_on, chunk.goes_on);
        uint64_t end = chunk.offset;
        for (uint32_t i = 0; i < chunk.count; i++) {
            CHECK_INT(found.events[i].position, chunk.events[i].position);
            CHECK_INT(found.events[i].at_us, chunk.events[i].at_us);
            CHECK_INT(found.events[i].type, chunk.events[i].type);
            CHECK_INT(found.events[i].size_bytes, chunk.events[i].size_bytes);
            end += chunk.events[i].size_bytes;
        }
        CHECK_INT(chunk_end_offset(&found), end);
    }
}

static void every_bit(void)
{
    struct chunk chunk = random_chunk(), found;
    BYTES_AUTO out = {0};
    chunk_encode(&chunk, &out);
    for (size_t bit = 0; bit < out.size * 8; bit++) {
        out.at[bit / 8] = (char)(out.at[bit / 8] ^ 1 << bit % 8);
        found = key_of(&chunk);
        CHECK_INT(chunk_decode(&found, bytes_slice(&out)), -EIO);
        out.at[bit / 8] = (char)(out.at[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t size = 0; size < out.size; size++) {
        // A copy of just its size, so that a sanitizer sees a read past it.
        char *copy = malloc(size ? size : 1);
        memcpy(copy, out.at, size);
        found = key_of(&chunk);
        CHECK_INT(chunk_decode(&found, (struct slice){.at = copy, .size = size}), -EIO);
        free(copy);
    }
    for (int bit = 0; bit < 27; bit++) {
        found = key_of(&chunk);
        found.first ^= 1u << bit;
        CHECK_INT(chunk_decode(&found, bytes_slice(&out)), -EIO);
        found = key_of(&chunk);
        found.entity ^= 1u << bit;
        CHECK_INT(chunk_decode(&found, bytes_slice(&out)), -EIO);
        found = key_of(&chunk);
        found.offset ^= 1u << bit;
        CHECK_INT(chunk_decode(&found, bytes_slice(&out)), -EIO);
    }
}

static void aligned(void)
{
    static const uint32_t pairs[][2] = {{1, 1}, {16, 1}, {17, 17}, {32, 17}, {33, 33}, {99999999, 99999985}};
    for (size_t i = 0; i < 6; i++)
        CHECK_INT(chunk_first(pairs[i][0]), pairs[i][1]);
    CHECK(chunk_key(1, 99999999) < chunk_key(2, 1));
    CHECK(chunk_key(1, 16) < chunk_key(1, 17));
}

int main(void)
{
    TEST("the blob is laid out as drawn", drawn_layout);
    TEST("any chunk is read back as it was", any_chunk);
    TEST("a changed bit of blob, key or offset, or a missing end, is damage", every_bit);
    TEST("the chunk of a version is computed", aligned);
    return check_end("chunk");
}
