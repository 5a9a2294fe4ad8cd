#include "store/posting.h"

#include "store/checksum.h"
#include "store/varint.h"

#include <errno.h>

static uint32_t checksum(const struct posting *row, struct slice numbers)
{
    return checksum_add(checksum_number(0, (uint64_t)posting_key(row->term, row->segment)), numbers);
}

void posting_encode(const struct posting *row, const struct posted_event *events, uint32_t count, struct bytes *out)
{
    size_t start = out->size;
    char *at = bytes_reserve(out, (4 + (size_t)count * 2) * VARINT_MAX + CHECKSUM_BYTES);
    if (!at)
        return;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += events[i].size_bytes;
    at = varint_put(at, row->count_before);
    at = varint_put(at, row->bytes_before);
    at = varint_put(at, count);
    at = varint_put(at, bytes);
    uint32_t position = 0;
    for (uint32_t i = 0; i < count; i++) {
        at = varint_put(at, events[i].position - position);
        at = varint_put(at, events[i].size_bytes);
        position = events[i].position;
    }
    out->size = (size_t)(at - out->at);
    uint32_t sum = checksum(row, (struct slice){.at = out->at + start, .size = out->size - start});
    checksum_put(out, sum);
}

int posting_decode(struct posting *row, struct slice blob)
{
    if (blob.size <= CHECKSUM_BYTES)
        return -EIO;
    const char *at = blob.at, *end = blob.at + blob.size - CHECKSUM_BYTES;
    if (checksum_get(end) != checksum(row, (struct slice){.at = at, .size = (size_t)(end - at)}))
        return -EIO;
    uint64_t n[4];
    for (int i = 0; i < 4; i++)
        if (!(at = varint_get(at, end, &n[i])))
            return -EIO;
    if (n[2] > SEGMENT_EVENTS)
        return -EIO;
    row->count_before = n[0];
    row->bytes_before = n[1];
    row->count = (uint32_t)n[2];
    row->bytes = n[3];
    row->events = (struct slice){.at = at, .size = (size_t)(end - at)};
    return 0;
}

bool posting_next(struct posting *row, struct posted_event *event)
{
    const char *at = row->events.at, *end = at + row->events.size;
    uint64_t step, size;
    if (at == end || !(at = varint_get(at, end, &step)) || !(at = varint_get(at, end, &size)))
        return false;
    if (event->position + step >= SEGMENT_EVENTS)
        return false;
    event->position += (uint32_t)step;
    event->size_bytes = (uint32_t)size;
    row->events = (struct slice){.at = at, .size = (size_t)(end - at)};
    return true;
}
