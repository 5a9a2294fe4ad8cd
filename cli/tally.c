#include "cli/tally.h"

#include <errno.h>
#include <stdlib.h>

static struct count *find(struct count *all, size_t room, struct slice text)
{
    size_t at = (size_t)slice_hash(text) & (room - 1);
    while (all[at].times && !slice_equal(all[at].text, text))
        at = (at + 1) & (room - 1);
    return &all[at];
}

static int grow(struct tally *t)
{
    size_t room = t->room ? t->room * 2 : 256;
    struct count *all = calloc(room, sizeof *all);
    if (!all)
        return -ENOMEM;
    for (size_t i = 0; i < t->room; i++)
        if (t->all[i].times)
            *find(all, room, t->all[i].text) = t->all[i];
    free(t->all);
    t->all = all;
    t->room = room;
    return 0;
}

int tally_add(struct tally *t, struct slice text)
{
    if (t->count * 2 >= t->room && grow(t))
        return -ENOMEM;
    struct count *found = find(t->all, t->room, text);
    if (!found->times) {
        found->text = arena_copy(&t->texts, text);
        if (!found->text.at)
            return -ENOMEM;
        t->count++;
    }
    found->times++;
    return 0;
}

static int by_times(const void *a, const void *b)
{
    const struct count *x = a, *y = b;
    if (x->times != y->times)
        return x->times < y->times ? 1 : -1;
    return slice_compare(x->text, y->text);
}

void tally_sort(struct tally *t)
{
    if (t->room)
        qsort(t->all, t->room, sizeof *t->all, by_times);
}

void tally_free(struct tally *t)
{
    free(t->all);
    arena_free(&t->texts);
    *t = (struct tally){0};
}
