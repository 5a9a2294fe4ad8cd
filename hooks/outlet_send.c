// The requests of an outlet: how an event becomes one, and what its end means.
#include "hooks/outlet.h"
#include "hooks/payload.h"
#include "hooks/record.h"
#include "hooks/report.h"

#include <errno.h>
#include <stdlib.h>

struct request {
    struct outlet *outlet;
    struct queue *queue;
    struct job *job;
    struct transfer *transfer;
    struct bytes line; // of the event
    struct report_event event;
    struct request *next, **link;
};

static void end_request(struct request *r)
{
    if (r->next)
        r->next->link = r->link;
    *r->link = r->next;
    bytes_free(&r->line);
    free(r);
}

void outlet_break_off(struct outlet *o, const struct queue *queue)
{
    for (struct request *r = o->requests, *next; r; r = next) {
        next = r->next;
        if (queue && r->queue != queue)
            continue;
        transfer_end(r->transfer);
        end_request(r);
    }
}

struct outlet *outlet_of(const struct transfer *transfer)
{
    return ((const struct request *)transfer->owner)->outlet;
}

// The event's id, unless an imported one has a byte that an id of a webhook must not have: then the id that its
// position would have.
static void add_id(struct bytes *out, struct outlet *o, struct slice id, uint64_t position)
{
    uint64_t numbers[2] = {o->number, position};
    char own[SQID_TEXT_MAX];
    for (size_t i = 0; i < id.size; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", id.at[i])) {
            bytes_add_text(out, "evt_");
            bytes_add(out, own, sqid_encode(o->tenant->sqids, numbers, 2, own));
            return;
        }
    bytes_add_slice(out, id);
}

static bool add_header(struct transfer *t, struct bytes *text, const char *name, struct slice value)
{
    bytes_clear(text);
    bytes_printf(text, "%s: %.*s", name, SLICE_ARG(value));
    bytes_add_char(text, '\0');
    return !text->failed && transfer_add_header(t, text->at);
}

static int add_headers(struct request *r, struct transfer *t, uint64_t position)
{
    const struct webhook *w = &r->queue->webhook;
    BYTES_AUTO id = {0}, timestamp = {0}, signature = {0}, text = {0};
    int64_t now_s = when_now_us() / WHEN_US_PER_SECOND;
    add_id(&id, r->outlet, r->event.id, position);
    bytes_printf(&timestamp, "%lld", (long long)now_s);
    int error = signature_add(&signature, w->key_count ? w->keys : &r->queue->made_key, w->key_count ? w->key_count : 1,
        bytes_slice(&id), now_s, bytes_slice(&t->body));
    if (error)
        return error;
    bool added = !id.failed && !timestamp.failed && add_header(t, &text, "webhook-id", bytes_slice(&id)) &&
                 add_header(t, &text, "webhook-timestamp", bytes_slice(&timestamp)) &&
                 add_header(t, &text, "webhook-signature", bytes_slice(&signature));
    for (size_t i = 0; added && i < w->header_count; i++)
        added = transfer_add_header(t, w->headers[i]);
    return added ? 0 : -ENOMEM;
}

// Reads the job's event, and what is to be said of it.
static int read_event(struct request *r)
{
    struct event_row row;
    struct event event;
    BYTES_AUTO actor = {0};
    int error = history_event(r->outlet->reader, r->job->place.position, &row);
    if (error)
        return error;
    r->job->place.version = row.version;
    r->job->place.at_us = row.at_us;
    bytes_add_slice(&r->line, row.line);
    if (r->line.failed)
        return -ENOMEM;
    error = envelope_read(bytes_slice(&r->line), &event, &actor);
    r->event = (struct report_event){.id = event.id, .type = event.type, .target = event.target};
    return error;
}

static int make_body(struct request *r, struct transfer *t)
{
    if (r->queue->webhook.sends_line)
        bytes_add_slice(&t->body, bytes_slice(&r->line));
    else
        return payload_add(&t->body, r->outlet->reader, r->job->entity, bytes_slice(&r->line));
    return t->body.failed ? -ENOMEM : 0;
}

static struct request *add_request(struct outlet *o, struct queue *q, struct job *job)
{
    struct request *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (struct request){.outlet = o, .queue = q, .job = job, .next = o->requests, .link = &o->requests};
    if (r->next)
        r->next->link = &r->next;
    o->requests = r;
    return r;
}

// The receiver has switched the webhook off: that is recorded.
static void record_disabled(struct outlet *o, const struct queue *q)
{
    if (record_webhook(o->tenant, "Webhook.Disabled", q->name, "{\"status\":410}"))
        fprintf(
            stderr, "factfs: tenant %s: webhook %s is off, which could not be recorded\n", o->tenant->name, q->name);
}

static void note_error(struct queue *q, const struct request *r, const struct transfer_outcome *outcome, int64_t now_us)
{
    bytes_clear(&q->error);
    report_error(&q->error, r->event.id, outcome, now_us);
    q->row.last_error = bytes_slice(&q->error);
}

// The end of a request. False when there is no memory to keep it: it is as if it had not been sent.
static bool conclude(struct request *r, const struct transfer_outcome *outcome, int64_t now_us)
{
    struct outlet *o = r->outlet;
    struct queue *q = r->queue;
    struct ledger *ledger = outlet_ledger(o);
    int64_t next_us;
    if (!ledger) {
        queue_put_back(q, r->job);
        end_request(r);
        return false;
    }
    bool was_on = q->row.disabled_at < q->defined_at;
    unsigned attempt = r->job->attempts + 1;
    if (!transfer_is_delivered(outcome))
        note_error(q, r, outcome, now_us);
    queue_conclude(q, r->job, outcome, o->reader, ledger, now_us, &next_us);
    report_attempt(&q->lines, &r->event, attempt, outcome, now_us, next_us);
    q->line_count++;
    if (was_on && q->row.disabled_at >= q->defined_at)
        record_disabled(o, q);
    end_request(r);
    return true;
}

void outlet_conclude(struct outlet *o, struct transfer *transfer, int64_t now_us)
{
    (void)o;
    struct request *r = transfer->owner;
    struct transfer_outcome outcome = transfer->outcome;
    transfer_end(transfer);
    conclude(r, &outcome, now_us);
}

// Sends a job. False when there is no memory now.
static bool send_job(struct outlet *o, struct queue *q, struct job *job, int64_t now_us)
{
    struct request *r = add_request(o, q, job);
    struct transfer *t = r ? r->transfer = transfer_new(o->transfers, r) : NULL;
    int error = t ? read_event(r) : -ENOMEM;
    if (!error)
        error = make_body(r, t);
    if (!error)
        error = add_headers(r, t, job->place.position);
    if (!error)
        error = transfer_start(t, q->webhook.url);
    if (!error)
        return true;
    if (t)
        transfer_end(t);
    if (r && error != -ENOMEM) {
        // Damage: as an attempt that failed, so that the others go on.
        struct transfer_outcome outcome = {0};
        snprintf(outcome.error, sizeof outcome.error, "the event cannot be read: %s", strerror(-error));
        return conclude(r, &outcome, now_us);
    }
    queue_put_back(q, job);
    if (r)
        end_request(r);
    return false;
}

bool outlet_send(struct outlet *o, struct queue *q, int64_t now_us)
{
    bool sent = true;
    for (struct job *job; sent && (job = queue_take(q, now_us));)
        sent = send_job(o, q, job, now_us);
    return sent;
}
