#include "fs/stream.h"

int stream_end(struct reader *reader, const struct node *node, uint64_t *end)
{
    struct head head;
    int error;
    switch (node->kind) {
    case NODE_STREAM:
    case NODE_FOLLOW:
        error = history_head_of(reader, node->number, &head);
        *end = error ? 0 : head.size_bytes;
        return error;
    case NODE_REJECTED:
        *end = tenant_end(reader->tenant).rejected_bytes;
        return 0;
    default:
        *end = tenant_end(reader->tenant).size_bytes;
        return 0;
    }
}

int stream_read(struct reader *reader, const struct node *node, struct stream_place *place, uint64_t offset, char *to,
    size_t size, size_t *got)
{
    switch (node->kind) {
    case NODE_STREAM:
    case NODE_FOLLOW:
        return stream_read_entity(reader, node->number, place, offset, to, size, got);
    case NODE_REJECTED:
        return stream_read_rejected(reader, place, offset, to, size, got);
    default:
        return stream_read_log(reader, place, offset, to, size, got);
    }
}
