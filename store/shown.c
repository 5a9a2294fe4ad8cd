#include "store/shown.h"

#include "store/past.h"

#include <errno.h>

int shown_load(
    struct reader *reader, const struct head *head, uint64_t position, struct shown_state *shown, struct state **state)
{
    struct event_place last = {.at_us = head->last_at_us};
    int error = head->version ? 0 : -ENOENT;
    shown->entity = head->id;
    shown->version = head->version;
    if (!error && position && head->last_position > position)
        error = past_last(reader, head->id, position, &shown->version, &last);
    if (!error)
        error = history_state(reader, head->id, shown->version, state);
    if (error)
        return error;
    shown->updated_at_us = last.at_us;
    shown->state = *state;
    return (*state)->alive ? 0 : -ENOENT;
}
