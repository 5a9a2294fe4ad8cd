// A tenant's streams, read as the bytes of a file: the lines of its log, of an entity, of its refusals, from an offset
// on. *got is less than `size` only at the end. 0 or -errno, as in history.h; what was read before damage is answered.
#pragma once

#include "store/history.h"

// Where an open file stands, so that reading on needs no search; {0} at first.
struct stream_place {
    uint64_t offset; // of the event
    uint64_t number; // its position, its version, or the number of a refusal; 0: unknown
};

int stream_read_log(
    struct reader *reader, struct stream_place *place, uint64_t offset, char *to, size_t size, size_t *got);
int stream_read_entity(struct reader *reader, uint64_t entity, struct stream_place *place, uint64_t offset, char *to,
    size_t size, size_t *got);
int stream_read_rejected(
    struct reader *reader, struct stream_place *place, uint64_t offset, char *to, size_t size, size_t *got);
