#include "hooks/deliveries/ledger.h"

#include "hooks/deliveries/delivery.h"
#include "store/open.h"

#include <stdlib.h>

enum ledger_act {
    LEDGER_PUT,
    LEDGER_PUT_WAITING,
    LEDGER_DROP_WAITING,
    LEDGER_DROP_WAITING_FROM,
    LEDGER_PUT_DEAD,
    LEDGER_DROP_DEAD,
    LEDGER_REVIVE,
    LEDGER_PUT_ATTEMPTS,
    LEDGER_DROP_ATTEMPTS,
    LEDGER_FORGET,
};

struct ledger_change {
    struct ledger_change *next;
    enum ledger_act act;
    union {
        struct outbox_row row;
        struct outbox_waiting waiting; // also what is dropped
        struct outbox_dead dead;
        struct outbox_attempts attempts;
    };
};

static int write_change(struct engine *engine, const struct ledger_change *c)
{
    switch (c->act) {
    case LEDGER_PUT:
        return outbox_put(engine, &c->row);
    case LEDGER_PUT_WAITING:
        return outbox_put_waiting(engine, &c->waiting);
    case LEDGER_DROP_WAITING:
        return outbox_drop_waiting(engine, c->waiting.hook, c->waiting.single, c->waiting.entity, c->waiting.position);
    case LEDGER_DROP_WAITING_FROM:
        return outbox_drop_waiting_from(engine, c->waiting.hook, c->waiting.position);
    case LEDGER_PUT_DEAD:
        return outbox_put_dead(engine, &c->dead);
    case LEDGER_DROP_DEAD:
        return outbox_drop_dead(engine, c->waiting.hook, c->waiting.position);
    case LEDGER_REVIVE:
        return outbox_revive(engine, c->waiting.hook);
    case LEDGER_PUT_ATTEMPTS:
        return outbox_put_attempts(engine, &c->attempts);
    case LEDGER_DROP_ATTEMPTS:
        return outbox_drop_attempts(engine, c->waiting.hook, c->waiting.position);
    case LEDGER_FORGET:
        return outbox_forget(engine, c->waiting.hook);
    }
    return 0;
}

static int write_all(struct submission *s, struct engine *engine)
{
    const struct ledger *ledger = s->context;
    int error = 0;
    for (const struct ledger_change *c = ledger->first; c && !error; c = c->next)
        error = write_change(engine, c);
    return error;
}

static void answer(struct submission *s)
{
    struct ledger *ledger = s->context;
    ledger->error = s->error;
    delivery_answered(ledger->delivery, ledger);
}

struct ledger *ledger_new(uint32_t tenant, struct delivery *delivery)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    struct submission *s = submission_new(SUBMIT_ROWS);
    if (!ledger || !s) {
        submission_free(s);
        free(ledger);
        return NULL;
    }
    s->write = write_all;
    s->answer = answer;
    s->context = ledger;
    *ledger = (struct ledger){.submission = s, .last = &ledger->first, .tenant = tenant, .delivery = delivery};
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return;
    submission_free(ledger->submission);
    free(ledger);
}

void ledger_submit(struct ledger *ledger, struct tenant *tenant)
{
    ledger->submission->error = 0;
    tenant_submit(tenant, ledger->submission);
}

static struct ledger_change *add(struct ledger *ledger, enum ledger_act act)
{
    struct ledger_change *c = arena_get(&ledger->submission->arena, sizeof *c);
    if (!c) {
        ledger->failed = true;
        return NULL;
    }
    *c = (struct ledger_change){.act = act};
    *ledger->last = c;
    ledger->last = &c->next;
    return c;
}

static struct slice copy(struct ledger *ledger, struct slice s)
{
    struct slice kept = arena_copy(&ledger->submission->arena, s);
    if (!kept.at)
        ledger->failed = true;
    return kept;
}

void ledger_put(struct ledger *ledger, const struct outbox_row *row)
{
    struct ledger_change *c = add(ledger, LEDGER_PUT);
    if (!c)
        return;
    c->row = *row;
    c->row.lanes = copy(ledger, row->lanes);
    c->row.secret = copy(ledger, row->secret);
    c->row.last_error = copy(ledger, row->last_error);
}

void ledger_put_waiting(struct ledger *ledger, const struct outbox_waiting *row)
{
    struct ledger_change *c = add(ledger, LEDGER_PUT_WAITING);
    if (c)
        c->waiting = *row;
}

void ledger_put_dead(struct ledger *ledger, const struct outbox_dead *row)
{
    struct ledger_change *c = add(ledger, LEDGER_PUT_DEAD);
    if (!c)
        return;
    c->dead = *row;
    c->dead.error = copy(ledger, row->error);
}

void ledger_put_attempts(struct ledger *ledger, const struct outbox_attempts *row)
{
    struct ledger_change *c = add(ledger, LEDGER_PUT_ATTEMPTS);
    if (!c)
        return;
    c->attempts = *row;
    c->attempts.lines = copy(ledger, row->lines);
}

static void add_of(struct ledger *ledger, enum ledger_act act, uint64_t hook, uint64_t position)
{
    struct ledger_change *c = add(ledger, act);
    if (c)
        c->waiting = (struct outbox_waiting){.hook = hook, .position = position};
}

void ledger_drop_waiting(struct ledger *ledger, uint64_t hook, bool single, uint64_t entity, uint64_t position)
{
    struct ledger_change *c = add(ledger, LEDGER_DROP_WAITING);
    if (c)
        c->waiting = (struct outbox_waiting){.hook = hook, .single = single, .entity = entity, .position = position};
}

void ledger_drop_waiting_from(struct ledger *ledger, uint64_t hook, uint64_t position)
{
    add_of(ledger, LEDGER_DROP_WAITING_FROM, hook, position);
}

void ledger_drop_dead(struct ledger *ledger, uint64_t hook, uint64_t position)
{
    add_of(ledger, LEDGER_DROP_DEAD, hook, position);
}

void ledger_revive(struct ledger *ledger, uint64_t hook)
{
    add_of(ledger, LEDGER_REVIVE, hook, 0);
}

void ledger_drop_attempts(struct ledger *ledger, uint64_t hook, uint64_t number)
{
    add_of(ledger, LEDGER_DROP_ATTEMPTS, hook, number);
}

void ledger_forget(struct ledger *ledger, uint64_t hook)
{
    add_of(ledger, LEDGER_FORGET, hook, 0);
}
