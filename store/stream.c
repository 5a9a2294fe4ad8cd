#include "store/stream.h"

#include <errno.h>

// Copies the part of a line (and its newline) that lies behind `offset` into what is left of the buffer.
static void take_line(struct slice line, uint64_t line_offset, uint64_t offset, char *to, size_t size, size_t *got)
{
    uint64_t skip = offset + *got > line_offset ? offset + *got - line_offset : 0;
    if (skip > line.size)
        return;
    size_t part = line.size - skip < size - *got ? line.size - skip : size - *got;
    memcpy(to + *got, line.at + skip, part);
    *got += part;
    if (*got < size)
        to[(*got)++] = '\n';
}

int stream_read_log(
    struct reader *reader, struct stream_place *place, uint64_t offset, char *to, size_t size, size_t *got)
{
    *got = 0;
    struct log_end end = tenant_end(reader->tenant);
    if (offset >= end.size_bytes || !size)
        return 0;
    if (size > end.size_bytes - offset)
        size = (size_t)(end.size_bytes - offset);
    int error = 0;
    uint64_t start = place->number;
    if (!start || offset < place->offset || offset - place->offset > size)
        error = history_position_of_offset(reader, offset, &start);
    if (!error)
        error = engine_events_start(reader->engine, start);
    struct event_row row;
    while (!error && *got < size) {
        int found = engine_events_next(reader->engine, &row);
        error = found == 1 ? 0 : found == 0 ? -EIO : found;
        if (error)
            break;
        take_line(row.line, row.offset, offset, to, size, got);
        *place = (struct stream_place){.offset = row.offset, .number = row.position};
    }
    if (error)
        history_heard(reader, error);
    engine_events_end(reader->engine);
    // What was read before the damage is true.
    return *got ? 0 : error;
}

// The version that an offset of an entity's stream lies in.
static int entity_version(
    struct reader *reader, uint64_t entity, uint64_t offset, uint32_t last, struct stream_place *place)
{
    uint32_t low = 1, high = last;
    struct chunk page;
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        if (chunk_first(middle) > low)
            middle = chunk_first(middle);
        int error = history_page(reader, entity, middle, &page);
        if (error)
            return error;
        if (page.offset <= offset)
            low = middle;
        else
            high = middle - 1;
    }
    int error = history_page(reader, entity, low, &page);
    *place = (struct stream_place){.offset = page.offset, .number = low};
    return error;
}

int stream_read_entity(struct reader *reader, uint64_t entity, struct stream_place *place, uint64_t offset, char *to,
    size_t size, size_t *got)
{
    struct head head;
    *got = 0;
    int error = history_head_of(reader, entity, &head);
    if (error || offset >= head.size_bytes || !size)
        return error;
    if (size > head.size_bytes - offset)
        size = (size_t)(head.size_bytes - offset);
    if (!place->number || offset < place->offset || offset - place->offset > size)
        error = entity_version(reader, entity, offset, head.version, place);
    while (!error && *got < size) {
        struct chunk page;
        error = history_page(reader, entity, (uint32_t)place->number, &page);
        uint64_t event_offset = place->offset;
        for (uint32_t i = 0; !error && i < page.count && *got < size; i++) {
            struct event_row row;
            *place = (struct stream_place){.offset = event_offset, .number = page.first + i};
            if (offset + *got < event_offset + page.events[i].size_bytes) {
                error = history_event(reader, page.events[i].position, &row);
                if (!error)
                    take_line(row.line, event_offset, offset, to, size, got);
            }
            event_offset += page.events[i].size_bytes;
        }
        if (!error && *got < size)
            *place = (struct stream_place){.offset = event_offset, .number = page.first + page.count};
    }
    return *got ? 0 : error;
}

int stream_read_rejected(
    struct reader *reader, struct stream_place *place, uint64_t offset, char *to, size_t size, size_t *got)
{
    struct rejected_row row;
    uint64_t base = reader->tenant->rejected_base;
    *got = 0;
    uint64_t end = tenant_end(reader->tenant).rejected_bytes;
    if (offset >= end || !size)
        return 0;
    if (size > end - offset)
        size = (size_t)(end - offset);
    int error = place->number && place->offset <= offset ? engine_rejected(reader->engine, place->number, &row)
                                                         : engine_rejected_at(reader->engine, base + offset, &row);
    while (!error && *got < size) {
        take_line(row.line, row.offset - base, offset, to, size, got);
        *place = (struct stream_place){.offset = row.offset - base, .number = row.number};
        if (*got < size)
            error = engine_rejected(reader->engine, row.number + 1, &row);
    }
    return *got ? 0 : history_heard(reader, error);
}
