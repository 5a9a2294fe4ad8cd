// The whole log of a fixture against the rules: positions dense, offsets right, versions without gaps, moments never
// going back, hashes chained (FILES.md H4), the stream the lines one after the other.
#pragma once

#include "tests/store/store_fixture.h"

#include <openssl/sha.h>

// SHA-256 over the previous hash and the line, in one piece.
static inline void hash_next(unsigned char hash[static SHA256_DIGEST_LENGTH], struct slice line)
{
    static struct bytes text;
    bytes_clear(&text);
    bytes_add(&text, hash, SHA256_DIGEST_LENGTH);
    bytes_add_slice(&text, line);
    SHA256((const unsigned char *)text.at, text.size, hash);
}

static inline void check_log(struct fixture *f)
{
    unsigned char hash[SHA256_DIGEST_LENGTH] = {0};
    struct log_end end = tenant_end(f->tenant);
    struct slice stream = stream_of(f, NULL);
    uint64_t offset = 0, room = end.position + 4096;
    int64_t at_us = INT64_MIN;
    uint32_t *versions = calloc(room, sizeof *versions);
    CHECK_INT(stream.size, end.size_bytes);
    for (uint64_t position = 1; position <= end.position; position++) {
        struct event_row row;
        CHECK_INT(history_event(&f->reader, position, &row), 0);
        hash_next(hash, row.line);
        bool right = row.position == position && row.offset == offset && row.at_us >= at_us && row.entity < room &&
                     row.version == ++versions[row.entity] && !memcmp(hash, row.hash, sizeof hash) &&
                     offset + row.line.size < stream.size && !memcmp(stream.at + offset, row.line.at, row.line.size) &&
                     stream.at[offset + row.line.size] == '\n' && !memchr(row.line.at, '\n', row.line.size);
        if (!right) {
            CHECK_TEXT(row.line, "a line that follows the rules");
            break;
        }
        offset += row.line.size + 1;
        at_us = row.at_us;
    }
    CHECK_INT(offset, end.size_bytes);
    CHECK(end.position == 0 || at_us == end.at_us);
    free(versions);
}
