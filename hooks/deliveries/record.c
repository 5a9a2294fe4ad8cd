#include "hooks/deliveries/record.h"

#include "store/open.h"

#include <errno.h>

static void answer(struct submission *s)
{
    if (s->error)
        fprintf(stderr, "factfs: an event of a webhook was refused: %s\n", s->why.text);
    submission_free(s);
}

// Fills the submission with the one event.
static int fill(struct submission *s, const struct tenant *tenant, const char *type, const char *name, const char *data)
{
    BYTES_AUTO text = {0};
    struct draft *draft = arena_get(&s->arena, sizeof *draft);
    struct slice *input = arena_get(&s->arena, sizeof *input);
    bytes_printf(&text, "{\"type\":\"%s\",\"target\":\"webhook_%s\",\"actor\":\"webhook_%s\",\"data\":%s}", type, name,
        name, data);
    if (!draft || !input || text.failed)
        return -ENOMEM;
    *draft = (struct draft){.line = 1};
    *input = (struct slice){.at = "", .size = 0};
    s->drafts = draft;
    s->inputs = input;
    s->draft_count = 1;
    s->path = SLICE("hooks");
    struct draft_origin origin = {.tenant = tenant_name(tenant)};
    return draft_read(draft, bytes_slice(&text), &origin, &s->arena, &s->why);
}

int record_webhook(struct tenant *tenant, const char *type, const char *name, const char *data)
{
    struct submission *s = submission_new(SUBMIT_EVENTS);
    if (!s)
        return -ENOMEM;
    s->answer = answer;
    s->own = true;
    int error = fill(s, tenant, type, name, data);
    if (error)
        submission_free(s);
    else
        tenant_submit(tenant, s);
    return error;
}
