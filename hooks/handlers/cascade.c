#include "hooks/handlers/cascade.h"

#include <errno.h>

int cascade_enter(struct cascade *c, size_t bytes, struct reason *why)
{
    if (c->level + 1 > CASCADE_LEVELS)
        return reason_set(why, -EDQUOT, "handlers set off handlers, more than %u levels deep", CASCADE_LEVELS);
    if (c->events >= CASCADE_EVENTS_MAX)
        return reason_set(why, -EDQUOT, "one event sets off more than %u others", CASCADE_EVENTS_MAX);
    if (c->events_bytes + bytes > CASCADE_BYTES_MAX)
        return reason_set(why, -EDQUOT, "one event sets off more than 16 MiB of others");
    c->events++;
    c->events_bytes += bytes;
    c->level++;
    return 0;
}

void cascade_leave(struct cascade *c)
{
    c->level--;
}
