#include "store/chunk.h"

#include "store/checksum.h"
#include "store/varint.h"

#include <errno.h>

static uint32_t checksum(const struct chunk *chunk, struct slice numbers)
{
    uint32_t sum = checksum_number(0, (uint64_t)chunk_key(chunk->entity, chunk->first));
    return checksum_add(checksum_number(sum, chunk->offset), numbers);
}

void chunk_encode(const struct chunk *chunk, struct bytes *out)
{
    size_t start = out->size;
    char *at = bytes_reserve(out, 8 + CHUNK_EVENTS * 40);
    if (!at)
        return;
    uint64_t position = 0;
    int64_t at_us = 0;
    at = varint_put(at, chunk->count);
    for (uint32_t i = 0; i < chunk->count; i++) {
        const struct event_place *e = &chunk->events[i];
        at = varint_put(at, e->position - position);
        at = varint_put(at, varint_zigzag(e->at_us - at_us));
        at = varint_put(at, e->type);
        at = varint_put(at, e->size_bytes);
        position = e->position;
        at_us = e->at_us;
    }
    if (chunk->goes_on)
        *at++ = 1;
    out->size = (size_t)(at - out->at);
    uint32_t sum = checksum(chunk, (struct slice){.at = out->at + start, .size = out->size - start});
    checksum_put(out, sum);
}

int chunk_decode(struct chunk *chunk, struct slice blob)
{
    if (blob.size <= CHECKSUM_BYTES)
        return -EIO;
    const char *at = blob.at, *end = blob.at + blob.size - CHECKSUM_BYTES;
    if (checksum_get(end) != checksum(chunk, (struct slice){.at = at, .size = (size_t)(end - at)}))
        return -EIO;
    uint64_t count;
    at = varint_get(at, end, &count);
    if (!at || count == 0 || count > CHUNK_EVENTS)
        return -EIO;
    uint64_t position = 0;
    int64_t at_us = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t n[4];
        for (int k = 0; k < 4; k++)
            if (!(at = varint_get(at, end, &n[k])))
                return -EIO;
        position += n[0];
        at_us += varint_unzigzag(n[1]);
        chunk->events[i] = (struct event_place){
            .position = position, .at_us = at_us, .type = (uint32_t)n[2], .size_bytes = (uint32_t)n[3]};
    }
    chunk->count = (uint32_t)count;
    chunk->goes_on = at < end;
    return 0;
}

uint64_t chunk_end_offset(const struct chunk *chunk)
{
    uint64_t offset = chunk->offset;
    for (uint32_t i = 0; i < chunk->count; i++)
        offset += chunk->events[i].size_bytes;
    return offset;
}
