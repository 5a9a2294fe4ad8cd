#include "store/find.h"

#include "store/past.h"

#include <errno.h>
#include <stdlib.h>

struct find {
    struct reader *reader;
    uint64_t position;
    bool (*stops)(void);
    struct match *match;
    // of the last that was looked at
    struct state *state;
    char name[NAME_ENTITY_MAX];
};

int find_open(struct find **opened, struct reader *reader, const struct filter *filter, uint64_t position,
    bool (*stops)(void), struct reason *why)
{
    struct find *f = calloc(1, sizeof *f);
    if (!f)
        return -ENOMEM;
    *f = (struct find){.reader = reader, .position = position, .stops = stops};
    int error = match_open(&f->match, reader, filter, position, stops, why);
    if (error)
        find_close(f);
    else
        *opened = f;
    return error;
}

void find_close(struct find *f)
{
    if (!f)
        return;
    match_close(f->match);
    state_drop(f->state);
    free(f);
}

// Does the entity, whose name is in f->name, match?
static int look(struct find *f, uint64_t entity, size_t name_size, struct shown_state *found)
{
    struct head head;
    *found = (struct shown_state){.entity = entity, .name = {.at = f->name, .size = name_size}};
    if (!match_may_hold(f->match, found->name))
        return 0;
    state_drop(f->state);
    f->state = NULL;
    int error = history_head_of(f->reader, entity, &head);
    if (!error)
        error = shown_load(f->reader, &head, f->position, found, &f->state);
    return error == -ENOENT ? 0 : error ? error : match_holds(f->match, found);
}

int find_next(struct find *f, uint64_t from, struct shown_state *found)
{
    for (uint64_t entity;; from = entity + 1) {
        size_t size;
        if (f->stops && f->stops())
            return -EINTR;
        int error = f->position ? past_entity_from(f->reader, f->position, from, &entity, f->name, &size)
                                : history_entity_from(f->reader, from, &entity, f->name, &size);
        if (error)
            return error == -ENOENT ? 0 : error;
        int holds = look(f, entity, size, found);
        if (holds)
            return holds;
    }
}

int find_is(struct find *f, uint64_t entity, struct shown_state *found)
{
    size_t size;
    int error = history_name(f->reader, entity, f->name, &size);
    return error == -ENOENT ? 0 : error ? error : look(f, entity, size, found);
}
