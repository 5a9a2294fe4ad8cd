#include "hooks/deliveries/queue.h"

#include <errno.h>
#include <stdlib.h>

// So many failures in a row open the breaker, for so long.
#define BREAKER_FAILURES 10u
#define BREAKER_US       (30 * WHEN_US_PER_SECOND)

// ---- beginning and ending

struct queue *queue_new(const struct hook_kind *hook, uint64_t number)
{
    struct queue *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    q->hook = hook;
    q->row = (struct outbox_row){.hook = number, .cursor = number};
    q->scanned = q->counted = number;
    q->changed = true;
    return q;
}

void queue_free(struct queue *q)
{
    if (!q)
        return;
    for (size_t i = 0; i < q->slot_count; i++)
        for (struct job *job = q->slots[i], *next; job; job = next) {
            next = job->same_slot;
            free(job);
        }
    receiver_free(q->receiver);
    signature_forget_key(&q->made_key);
    bytes_free(&q->lanes);
    bytes_free(&q->secret);
    bytes_free(&q->error);
    bytes_free(&q->lines);
    free(q->slots);
    free(q->heap);
    free(q->dirty);
    free(q);
}

static int make_key(struct queue *q)
{
    int error = signature_make_key(&q->secret);
    if (!error)
        error = signature_read_key(&q->made_key, bytes_slice(&q->secret), NULL);
    q->row.secret = bytes_slice(&q->secret);
    q->key_is_unsaved = q->changed = true;
    return error;
}

// Somebody has put it right, perhaps: what waits is tried now.
static void hasten(struct queue *q)
{
    q->failures = 0;
    q->open_until_us = 0;
    q->row.held_until_us = 0;
    for (size_t i = 0; i < q->waiting; i++)
        q->heap[i]->due_us = 0;
}

int queue_define(struct queue *q, struct slice name, struct slice text, uint64_t defined_at, struct reason *why)
{
    struct receiver *fresh;
    if (name.size >= sizeof q->name)
        return -ENAMETOOLONG;
    memcpy(q->name, name.at, name.size);
    q->name[name.size] = '\0';
    int error = receiver_read(&fresh, q->hook, text, why);
    if (error)
        return error;
    if (q->defined_at && q->defined_at != defined_at)
        hasten(q);
    receiver_free(q->receiver);
    q->receiver = fresh;
    q->defined_at = defined_at;
    fresh->made_key = &q->made_key;
    if (fresh->wants_key && !q->secret.size)
        error = make_key(q);
    // What is behind the cursor may match now, or no more.
    q->counted = q->scanned;
    q->counted_events = 0;
    return error;
}

void queue_enable(struct queue *q)
{
    if (!q->row.disabled_at)
        return;
    q->row.disabled_at = 0;
    q->failures = 0;
    q->open_until_us = 0;
    q->changed = true;
}

// ---- sending

static bool is_off(const struct queue *q)
{
    return !q->receiver || q->receiver->disabled || q->key_is_unsaved || q->row.disabled_at >= q->defined_at;
}

static bool has_slot(const struct queue *q)
{
    return q->requests + q->unsaved + q->saving < q->receiver->concurrency;
}

// The breaker lets nothing new through while it is open, then one. What is tried again keeps to its own schedule.
static bool lets_fresh_through(const struct queue *q, int64_t now_us)
{
    return !q->open_until_us || (now_us >= q->open_until_us && !q->probing);
}

// When the oldest one goes, even if no other comes.
static int64_t gathered_us(const struct queue *q)
{
    const struct job *oldest = q->fresh.oldest;
    bool is_enough = q->fresh.count >= q->receiver->batch || oldest->place.position <= q->gathered;
    return is_enough || !oldest->read_us ? 0 : oldest->read_us + q->receiver->flush_us;
}

static struct job *take_fresh(struct queue *q, int64_t now_us)
{
    if (!q->fresh.count || !lets_fresh_through(q, now_us) || now_us < gathered_us(q))
        return NULL;
    // All that have gathered go, in as many requests as it takes.
    if (q->fresh.oldest->place.position > q->gathered)
        q->gathered = q->scanned;
    q->probing = q->open_until_us;
    return q->fresh.oldest;
}

struct job *queue_take(struct queue *q, int64_t now_us)
{
    if (is_off(q) || now_us < q->row.held_until_us || !has_slot(q))
        return NULL;
    struct job *job = q->again.oldest ? q->again.oldest : take_fresh(q, now_us);
    if (!job)
        return NULL;
    queue_set_state(q, job, JOB_SENDING);
    q->requests++;
    return job;
}

// So many jobs are looked at for one that fits.
#define CANDIDATES_MAX 256u

struct job *queue_candidate(const struct queue *q, const struct job *first, const struct job *after)
{
    struct job *job = after ? after->newer : first->attempts ? q->again.oldest : q->fresh.oldest;
    for (unsigned looked = 0; job && looked < CANDIDATES_MAX; job = job->newer, looked++)
        if (!job->group || job->group == first->group)
            return job;
    return NULL;
}

void queue_join(struct queue *q, struct job *job)
{
    queue_set_state(q, job, JOB_SENDING);
}

void queue_put_back(struct queue *q, struct job *job)
{
    queue_set_state(q, job, JOB_READY);
}

void queue_abandon(struct queue *q)
{
    q->requests--;
    q->probing = false;
}

void queue_promote(struct queue *q, int64_t now_us)
{
    while (q->waiting && q->heap[0]->due_us <= now_us)
        queue_set_state(q, q->heap[0], JOB_READY);
}

int64_t queue_due_us(const struct queue *q, int64_t now_us)
{
    int64_t due_us = q->rescan_us ? q->rescan_us : INT64_MAX;
    if (is_off(q))
        return due_us;
    if (q->waiting && q->heap[0]->due_us < due_us)
        due_us = q->heap[0]->due_us;
    if (!has_slot(q))
        return due_us;
    if (q->fresh.count && q->open_until_us > now_us && q->open_until_us < due_us)
        due_us = q->open_until_us;
    if (q->fresh.count && gathered_us(q) > now_us && gathered_us(q) < due_us)
        due_us = gathered_us(q);
    if ((q->fresh.count || q->again.count) && q->row.held_until_us > now_us && q->row.held_until_us < due_us)
        due_us = q->row.held_until_us;
    return due_us;
}

// ---- outcomes

static void store(struct queue *q, struct job *job, bool stored)
{
    q->unstored += job->stored;
    job->stored = stored;
    q->unstored -= job->stored;
}

// The lane's next event takes the job, if there is one.
static void advance(struct queue *q, struct job *job, struct reader *reader, struct ledger *ledger)
{
    queue_make_clean(q, job);
    if (job->stored)
        ledger_drop_waiting(ledger, q->row.hook, job->single, job->lane, job->place.position);
    if (job->single) {
        // Until the row is gone it must not be taken for one that is left.
        queue_set_state(q, job, JOB_DONE);
        return;
    }
    if (!job->rewound) {
        job->events--;
        q->events--;
    }
    bool goes_on = job->events && (job->next.position || queue_find_next(q, reader, job, &job->next) == 0);
    if (!goes_on) {
        queue_remove_job(q, job);
        return;
    }
    store(q, job, false);
    job->rewound = false;
    job->place = job->next;
    job->next = (struct job_place){0};
    job->attempts = 0;
    job->group = 0;
    queue_set_state(q, job, JOB_READY);
}

// Is there a row of `dead` for the job's event?
static bool is_dead(const struct queue *q, struct reader *reader, const struct job *job)
{
    struct outbox_dead row;
    return outbox_dead_from(reader->engine, q->row.hook, job->place.position, &row) == 0 &&
           row.position == job->place.position;
}

// Delivered or dropped: it is not dead any more either.
static void finish(struct queue *q, struct job *job, struct reader *reader, struct ledger *ledger)
{
    if (job->single && is_dead(q, reader, job)) {
        q->row.dead--;
        ledger_drop_dead(ledger, q->row.hook, job->place.position);
    }
    advance(q, job, reader, ledger);
}

static void give_up(struct queue *q, struct job *job, const struct transfer_outcome *outcome, struct reader *reader,
    struct ledger *ledger, int64_t now_us)
{
    q->row.dead += !(job->single && is_dead(q, reader, job));
    ledger_put_dead(ledger, &(struct outbox_dead){.hook = q->row.hook,
                                .position = job->place.position,
                                .entity = job->lane,
                                .at_us = now_us,
                                .attempts = job->attempts,
                                .status = outcome->status,
                                .error = slice_of(outcome->error)});
    advance(q, job, reader, ledger);
}

static void try_again(struct queue *q, struct job *job, int64_t due_us, struct ledger *ledger)
{
    job->due_us = due_us;
    // Without memory to keep a row for it, the event would be lost with the daemon.
    if (!queue_make_dirty(q, job))
        ledger->failed = true;
    store(q, job, true);
    queue_set_state(q, job, JOB_WAITING);
}

static void count_failure(struct queue *q, bool is_probe, int64_t now_us)
{
    if (++q->failures >= BREAKER_FAILURES && (!q->open_until_us || is_probe))
        q->open_until_us = now_us + BREAKER_US;
}

static void fail(struct queue *q, struct job *job, const struct receiver_answer *answer,
    const struct transfer_outcome *outcome, struct reader *reader, struct ledger *ledger, int64_t now_us,
    int64_t *next_us)
{
    if (job->rewound) {
        // The log brings it again.
        advance(q, job, reader, ledger);
        return;
    }
    job->attempts++;
    int64_t delay_ms = backoff_delay_ms(&q->receiver->backoff, job->attempts, q->spread);
    if (delay_ms < 0) {
        give_up(q, job, outcome, reader, ledger, now_us);
        return;
    }
    int64_t held_us = answer->hold_s * WHEN_US_PER_SECOND;
    *next_us = now_us + (delay_ms * 1000 > held_us ? delay_ms * 1000 : held_us);
    try_again(q, job, *next_us, ledger);
}

void queue_end_request(struct queue *q, const struct job *first, const struct receiver_answer *answer,
    const struct transfer_outcome *outcome, int64_t now_us)
{
    bool is_probe = q->probing && first->attempts == 0;
    int64_t held_until_us = now_us + answer->hold_s * WHEN_US_PER_SECOND;
    if (is_probe)
        q->probing = false;
    q->requests--;
    q->unsaved++;
    q->row.attempts++;
    q->changed = true;
    q->request_us = (q->request_us * 7 + outcome->duration_us) / 8;
    q->spread = (uint32_t)random() << 1;
    if (answer->hold_s && held_until_us > q->row.held_until_us)
        q->row.held_until_us = held_until_us;
    q->row.failing = answer->verdict != RECEIVER_TOOK;
    if (answer->verdict == RECEIVER_LEFT)
        q->row.disabled_at = q->defined_at;
    if (answer->verdict == RECEIVER_TOOK)
        q->row.last_success_us = now_us;
    if (answer->verdict == RECEIVER_TOOK || answer->verdict == RECEIVER_REFUSED) {
        // It is there, and answers.
        q->failures = 0;
        q->open_until_us = 0;
    } else {
        count_failure(q, is_probe, now_us);
    }
}

void queue_conclude(struct queue *q, struct job *job, const struct receiver_answer *answer,
    const struct transfer_outcome *outcome, struct reader *reader, struct ledger *ledger, int64_t now_us,
    int64_t *next_us)
{
    *next_us = 0;
    q->changed = true;
    switch (answer->verdict) {
    case RECEIVER_TOOK:
        q->row.delivered++;
        finish(q, job, reader, ledger);
        break;
    case RECEIVER_REFUSED:
        q->dropped++;
        finish(q, job, reader, ledger);
        break;
    case RECEIVER_FAILED:
        fail(q, job, answer, outcome, reader, ledger, now_us, next_us);
        break;
    case RECEIVER_LEFT:
        // Not the event's fault: it is sent when somebody switches the hook on again.
        if (job->rewound)
            advance(q, job, reader, ledger);
        else
            try_again(q, job, now_us, ledger);
        break;
    }
}

// ---- again

// A job under way cannot be taken back: it ends, and goes on with what the log brings again.
static void rewind_job(struct queue *q, struct job *job)
{
    if (job->state != JOB_SENDING) {
        queue_remove_job(q, job);
        return;
    }
    queue_make_clean(q, job);
    store(q, job, false);
    q->events -= job->events;
    job->events = 0;
    job->rewound = true;
    job->next = (struct job_place){0};
}

void queue_rewind(struct queue *q, struct ledger *ledger, uint64_t from, uint64_t end)
{
    for (size_t i = 0; i < q->slot_count; i++)
        for (struct job *job = q->slots[i], *next; job; job = next) {
            next = job->same_slot;
            if (job->single)
                continue;
            if (job->next.position >= from)
                job->next = (struct job_place){0};
            if (job->place.position >= from)
                rewind_job(q, job);
        }
    ledger_drop_waiting_from(ledger, q->row.hook, from);
    q->scanned = q->counted = from - 1;
    q->counted_events = 0;
    q->recalled = end;
    q->changed = true;
}

void queue_revive(struct queue *q, struct ledger *ledger)
{
    ledger_revive(ledger, q->row.hook);
    q->revives = true;
    q->changed = true;
}

void queue_put_single(struct queue *q, struct ledger *ledger, const struct outbox_waiting *row)
{
    ledger_put_waiting(ledger, row);
    q->revives = true;
    q->changed = true;
}
