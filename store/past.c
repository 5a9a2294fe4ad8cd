#include "store/past.h"

#include <errno.h>

int past_last(struct reader *reader, uint64_t entity, uint64_t position, uint32_t *version, struct event_place *place)
{
    struct chunk page;
    int error = history_version_at(reader, entity, position, version);
    if (!error)
        error = *version ? history_page(reader, entity, *version, &page) : -ENOENT;
    if (!error)
        *place = page.events[0];
    return error;
}

int past_has(struct reader *reader, uint64_t entity, uint64_t position, bool *there)
{
    struct chunk page;
    int error = history_page(reader, entity, 1, &page);
    *there = !error && page.events[0].position <= position;
    return error == -ENOENT ? 0 : error;
}

int past_entity_from(struct reader *reader, uint64_t position, uint64_t from, uint64_t *entity,
    char name[static NAME_ENTITY_MAX], size_t *size)
{
    bool there = false;
    *entity = from - 1;
    // Behind more than can be reserved that were not there yet, nobody was.
    for (unsigned late = 0; !there && late <= TENANT_RESERVED_MAX; late++) {
        int error = history_entity_from(reader, *entity + 1, entity, name, size);
        if (error)
            return error;
        error = past_has(reader, *entity, position, &there);
        if (error == -EIO)
            there = true;
        else if (error)
            return error;
    }
    return there ? 0 : -ENOENT;
}
