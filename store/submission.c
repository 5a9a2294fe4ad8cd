#include "store/submission.h"

#include <stdlib.h>

struct submission *submission_new(enum submission_kind kind)
{
    struct submission *s = calloc(1, sizeof *s);
    if (s)
        s->kind = kind;
    return s;
}

void submission_free(struct submission *s)
{
    if (!s)
        return;
    arena_free(&s->arena);
    bytes_free(&s->receipts);
    rerun_free(&s->before);
    free(s);
}
