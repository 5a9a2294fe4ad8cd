// The requests of an outlet: how events become one, and what its end means.
#include "hooks/deliveries/outlet.h"
#include "hooks/deliveries/record.h"
#include "hooks/deliveries/report.h"
#include "store/grow.h"

#include <errno.h>
#include <stdlib.h>

// So many events are looked at in vain for one more that fits into a request.
#define MISFITS_MAX 64u

struct request_event {
    struct job *job;
    struct report_event told; // in the request's arena
};

struct request {
    struct outlet *outlet;
    struct queue *queue;
    const struct receiver_kind *kind; // of its receiver, which may be another one when the answer comes
    struct transfer *transfer;
    struct request_event *events;
    size_t count, room;
    struct arena arena;
    struct request *next, **link;
};

static void end_request(struct request *r)
{
    if (r->next)
        r->next->link = r->link;
    *r->link = r->next;
    if (r->transfer)
        transfer_end(r->transfer);
    arena_free(&r->arena);
    free(r->events);
    free(r);
}

void outlet_break_off(struct outlet *o, const struct queue *queue)
{
    for (struct request *r = o->requests, *next; r; r = next) {
        next = r->next;
        if (!queue || r->queue == queue)
            end_request(r);
    }
}

struct outlet *outlet_of(const struct transfer *transfer)
{
    return ((const struct request *)transfer->owner)->outlet;
}

static struct request *add_request(struct outlet *o, struct queue *q)
{
    struct request *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r =
        (struct request){.outlet = o, .queue = q, .kind = q->receiver->kind, .next = o->requests, .link = &o->requests};
    if (r->next)
        r->next->link = &r->next;
    o->requests = r;
    r->transfer = transfer_new(o->transfers, r);
    if (r->transfer)
        return r;
    end_request(r);
    return NULL;
}

// ---- what became of it

// The receiver has switched the hook off: that is recorded.
static void record_disabled(struct outlet *o, const struct queue *q)
{
    if (record_webhook(o->tenant, "Webhook.Disabled", q->name, "{\"status\":410}"))
        fprintf(stderr, "factfs: tenant %s: %s/%s is off, which could not be recorded\n", o->tenant->name,
            q->hook->folder, q->name);
}

static void note_error(
    struct queue *q, const struct request_event *e, const struct transfer_outcome *outcome, int64_t now_us)
{
    bytes_clear(&q->error);
    report_error(&q->error, e->told.id, outcome, now_us);
    q->row.last_error = bytes_slice(&q->error);
}

static void conclude_event(struct request *r, const struct request_event *e, const struct receiver_answer *answer,
    const struct transfer_outcome *outcome, struct ledger *ledger, int64_t now_us)
{
    struct queue *q = r->queue;
    unsigned attempt = e->job->attempts + 1;
    int64_t next_us;
    queue_conclude(q, e->job, answer, outcome, r->outlet->reader, ledger, now_us, &next_us);
    report_attempt(&q->lines, &e->told, attempt, outcome, now_us, next_us);
    q->line_count++;
}

static void give_back(struct request *r)
{
    for (size_t i = 0; i < r->count; i++)
        queue_put_back(r->queue, r->events[i].job);
    queue_abandon(r->queue);
    end_request(r);
}

// The end of a request. False when there is no memory to keep it: it is as if it had not been sent.
static bool conclude(
    struct request *r, const struct receiver_answer *answer, const struct transfer_outcome *outcome, int64_t now_us)
{
    struct outlet *o = r->outlet;
    struct queue *q = r->queue;
    struct ledger *ledger = outlet_ledger(o);
    if (!ledger) {
        give_back(r);
        return false;
    }
    bool was_on = q->row.disabled_at < q->defined_at;
    if (answer->verdict != RECEIVER_TOOK)
        note_error(q, &r->events[0], outcome, now_us);
    queue_end_request(q, r->events[0].job, answer, outcome, now_us);
    for (size_t i = 0; i < r->count; i++)
        conclude_event(r, &r->events[i], answer, outcome, ledger, now_us);
    if (was_on && q->row.disabled_at >= q->defined_at)
        record_disabled(o, q);
    end_request(r);
    return true;
}

void outlet_conclude(struct transfer *transfer, int64_t now_us)
{
    struct request *r = transfer->owner;
    struct receiver_answer answer = r->kind->judge(&transfer->outcome);
    conclude(r, &answer, &transfer->outcome, now_us);
}

// ---- making one

static int read_event(struct request_event *e, struct outgoing *o, struct bytes *line, struct bytes *actor)
{
    struct event_row row;
    int error = history_event(o->reader, e->job->place.position, &row);
    if (error)
        return error;
    e->job->place.version = row.version;
    e->job->place.at_us = row.at_us;
    bytes_add_slice(line, row.line);
    o->line = bytes_slice(line);
    o->position = row.position;
    o->entity = row.entity;
    return line->failed ? -ENOMEM : envelope_read(o->line, &o->event, actor);
}

static int tell(struct request_event *e, const struct event *event, struct arena *arena)
{
    e->told = (struct report_event){.id = arena_copy(arena, event->id),
        .type = arena_copy(arena, event->type),
        .target = arena_copy(arena, event->target)};
    return e->told.id.at && e->told.type.at && e->told.target.at ? 0 : -ENOMEM;
}

// Puts the job's event behind those that are in. What does not fit stands there nonetheless, uncounted. An enum
// receiver_fit, or -errno.
static int add_event(struct request *r, struct job *job, int64_t now_us)
{
    const struct receiver *receiver = r->queue->receiver;
    struct reader *reader = r->outlet->reader;
    BYTES_AUTO line = {0}, actor = {0};
    struct outgoing o = {.reader = reader, .tenant = tenant_name(reader->tenant), .now_us = now_us};
    if (!GROW(r->events, r->count, r->room))
        return -ENOMEM;
    struct request_event *e = &r->events[r->count];
    *e = (struct request_event){.job = job};
    int error = read_event(e, &o, &line, &actor);
    if (!error)
        error = tell(e, &o.event, &r->arena);
    if (error)
        return error;
    if (r->kind->group)
        job->group = r->kind->group(&o.event);
    int fit = r->kind->add(receiver, r->transfer, &o);
    r->count += fit == RECEIVER_FITS;
    return fit;
}

// Others that go with the first. Those that cannot go have their own turn.
static void add_others(struct request *r, const struct job *first, int64_t now_us)
{
    const struct receiver *receiver = r->queue->receiver;
    unsigned most = receiver->batch < r->kind->events_max ? receiver->batch : r->kind->events_max;
    const struct job *after = NULL;
    unsigned misfits = 0;
    for (struct job *job;
         r->count < most && misfits < MISFITS_MAX && (job = queue_candidate(r->queue, first, after));) {
        if (add_event(r, job, now_us) == RECEIVER_FITS) {
            queue_join(r->queue, job);
        } else {
            after = job;
            misfits++;
        }
    }
}

// The first event is not to be sent: it is dropped without a request.
static bool drop(struct request *r, int64_t now_us)
{
    static const struct receiver_answer answer = {.verdict = RECEIVER_REFUSED};
    static const struct transfer_outcome outcome = {.error = "too old for the service: it was not sent"};
    struct ledger *ledger = outlet_ledger(r->outlet);
    if (ledger)
        conclude_event(r, &r->events[0], &answer, &outcome, ledger, now_us);
    else
        queue_put_back(r->queue, r->events[0].job);
    queue_abandon(r->queue);
    end_request(r);
    return ledger;
}

// Damage: as an attempt that failed, so that the others go on.
static bool fail(struct request *r, int error, int64_t now_us)
{
    static const struct receiver_answer answer = {.verdict = RECEIVER_FAILED};
    struct transfer_outcome outcome = {0};
    snprintf(outcome.error, sizeof outcome.error, "the event cannot be read: %s", strerror(-error));
    r->count = 1;
    return conclude(r, &answer, &outcome, now_us);
}

static int start(struct request *r, int64_t now_us)
{
    const struct receiver *receiver = r->queue->receiver;
    int error = r->kind->finish ? r->kind->finish(receiver, r->transfer, now_us) : 0;
    if (!error && !transfer_print_header(r->transfer, "Content-Type: %s", r->kind->content_type))
        error = -ENOMEM;
    return error ? error : transfer_start(r->transfer, receiver->url, r->kind->header);
}

// Sends a request that begins with a job. False when there is no memory now.
static bool send_job(struct outlet *o, struct queue *q, struct job *first, int64_t now_us)
{
    struct request *r = add_request(o, q);
    if (!r) {
        queue_put_back(q, first);
        queue_abandon(q);
        return false;
    }
    int fit = add_event(r, first, now_us);
    if (fit == RECEIVER_TOO_OLD)
        return drop(r, now_us);
    if (fit < 0 && fit != -ENOMEM)
        return fail(r, fit, now_us);
    if (fit == RECEIVER_FITS) {
        add_others(r, first, now_us);
        if (start(r, now_us) == 0)
            return true;
    } else {
        queue_put_back(q, first);
    }
    give_back(r);
    return false;
}

bool outlet_send(struct outlet *o, struct queue *q, int64_t now_us)
{
    bool sent = true;
    for (struct job *job; sent && (job = queue_take(q, now_us));)
        sent = send_job(o, q, job, now_us);
    return sent;
}
