#include "hooks/metrics/extremes.h"

#include "store/grow.h"

#include <errno.h>

void extremes_free(struct extremes *e)
{
    for (size_t i = 0; i < e->count; i++)
        decimal_free(&e->all[i].number);
    free(e->all);
    *e = (struct extremes){.greatest = e->greatest};
}

// How many of those kept are further from the extreme; *found: the next one is the number itself.
static size_t place_of(const struct extremes *e, const struct decimal *number, bool *found)
{
    size_t low = 0, high = e->count;
    *found = false;
    while (low < high && !*found) {
        size_t middle = low + (high - low) / 2;
        int order = decimal_compare(&e->all[middle].number, number);
        order = e->greatest ? order : -order;
        *found = order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return *found ? high : low;
}

static void drop_first(struct extremes *e, size_t count)
{
    for (size_t i = 0; i < count; i++)
        decimal_free(&e->all[i].number);
    e->count -= count;
    memmove(e->all, e->all + count, e->count * sizeof *e->all);
    e->truncated = true;
}

int extremes_add(struct extremes *e, const struct decimal *number)
{
    bool found;
    size_t at = place_of(e, number, &found);
    if (found) {
        e->all[at].count++;
        return 0;
    }
    if (e->truncated && at == 0)
        return 0;
    struct extreme fresh = {.count = 1};
    if (!GROW(e->all, e->count, e->room) || decimal_copy(&fresh.number, number))
        return -ENOMEM;
    memmove(e->all + at + 1, e->all + at, (e->count - at) * sizeof *e->all);
    e->all[at] = fresh;
    if (++e->count > EXTREMES_MAX)
        drop_first(e, EXTREMES_MAX / 2);
    return 0;
}

void extremes_remove(struct extremes *e, const struct decimal *number)
{
    bool found;
    size_t at = place_of(e, number, &found);
    if (!found || --e->all[at].count)
        return;
    decimal_free(&e->all[at].number);
    e->count--;
    memmove(e->all + at, e->all + at + 1, (e->count - at) * sizeof *e->all);
}
