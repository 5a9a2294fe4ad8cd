// The queue and the disk.
//
// The jobs within a hook's own row, each three varints (store/varint.h): lane | position | events. No lane is 0: before
// them may stand three varints 0 | up to where imported events are sent | how many events were dropped.
#include "hooks/deliveries/queue.h"
#include "store/varint.h"

#include <errno.h>

// A cursor that only passed over events which are not wanted is saved so often.
#define CURSOR_EVENTS 4096u

// ---- reading

static int restore_lanes(struct queue *q, struct slice lanes)
{
    uint64_t lane, position, events;
    const char *at = lanes.at, *end = lanes.at + lanes.size;
    while ((at = varint_get(at, end, &lane)) && (at = varint_get(at, end, &position)) &&
           (at = varint_get(at, end, &events))) {
        if (!lane) {
            q->recalled = position;
            q->dropped = events;
        } else if (!queue_add_job(q, &(struct job){.lane = lane, .place = {.position = position}, .events = events})) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int restore_waiting(struct queue *q, struct reader *reader)
{
    struct outbox_waiting row = {0};
    int error;
    while (!(error = outbox_waiting_from(reader->engine, q->row.hook, false, row.entity + 1, &row)))
        if (!queue_add_waiting(q, &row))
            return -ENOMEM;
    return error == -ENOENT ? 0 : error;
}

// What is on disk of it cannot be read: nothing may be lost, so it begins anew.
static int begin_anew(struct reader *reader)
{
    fprintf(stderr, "factfs: tenant %s: %s: all events since it was made are sent again\n", reader->tenant->name,
        engine_error(reader->engine));
    return 0;
}

int queue_restore(struct queue *q, struct reader *reader)
{
    struct outbox_row row;
    int error = outbox_get(reader->engine, q->row.hook, &row);
    if (error)
        return error == -ENOENT ? 0 : error == -EIO ? begin_anew(reader) : error;
    bytes_add_slice(&q->secret, row.secret);
    bytes_add_slice(&q->error, row.last_error);
    bytes_add_slice(&q->lanes, row.lanes);
    if (q->secret.failed || q->error.failed || q->lanes.failed)
        return -ENOMEM;
    q->row = row;
    q->row.secret = bytes_slice(&q->secret);
    q->row.last_error = bytes_slice(&q->error);
    q->scanned = q->counted = q->saved_cursor = row.cursor;
    q->changed = false;
    q->singles_left = true;
    if (q->secret.size && signature_read_key(&q->made_key, q->row.secret, NULL))
        return -EIO;
    error = restore_lanes(q, bytes_slice(&q->lanes));
    return error ? error : restore_waiting(q, reader);
}

// ---- collecting

static void add_lane(struct queue *q, uint64_t lane, uint64_t position, uint64_t events)
{
    char text[3 * VARINT_MAX];
    char *end = varint_put(varint_put(varint_put(text, lane), position), events);
    bytes_add(&q->lanes, text, (size_t)(end - text));
}

// A job without a row.
static void collect_begun(struct queue *q, const struct job *job)
{
    const struct job_place *place = job->rewound ? &job->next : &job->place;
    if (!job->stored && job->events && place->position)
        add_lane(q, job->lane, place->position, job->events);
}

static void collect_dirty(struct queue *q, struct job *job, struct ledger *ledger)
{
    ledger_put_waiting(ledger, &(struct outbox_waiting){.hook = q->row.hook,
                                   .single = job->single,
                                   .entity = job->lane,
                                   .position = job->place.position,
                                   .events = job->events,
                                   .attempts = job->attempts,
                                   .due_us = job->due_us});
    job->dirty = false;
}

static void collect_jobs(struct queue *q, struct ledger *ledger)
{
    const struct job_list *const begun[] = {&q->fresh, &q->again, &q->sending};
    bytes_clear(&q->lanes);
    if (q->dropped || q->recalled)
        add_lane(q, 0, q->recalled, q->dropped);
    for (size_t i = 0; i < sizeof begun / sizeof *begun; i++)
        for (const struct job *job = begun[i]->oldest; job; job = job->newer)
            collect_begun(q, job);
    while (q->dirty_count)
        collect_dirty(q, q->dirty[--q->dirty_count], ledger);
    for (struct job *job = q->done.oldest; job; job = job->newer)
        job->collected = true;
    q->row.lanes = bytes_slice(&q->lanes);
    ledger->failed |= q->lanes.failed;
}

static void collect_lines(struct queue *q, struct ledger *ledger)
{
    if (!q->line_count)
        return;
    q->row.last_attempt += q->line_count;
    ledger_put_attempts(ledger, &(struct outbox_attempts){.hook = q->row.hook,
                                    .number = q->row.last_attempt,
                                    .count = q->line_count,
                                    .lines = bytes_slice(&q->lines)});
    if (q->row.last_attempt > QUEUE_ATTEMPTS_KEPT)
        ledger_drop_attempts(ledger, q->row.hook, q->row.last_attempt - QUEUE_ATTEMPTS_KEPT);
    bytes_trim(&q->lines, 64 << 10);
    q->line_count = 0;
}

// With half of the slots on their way to disk, the other half can send meanwhile; but when requests take less than a
// commit, it is better to wait for all of them and to commit half as often.
bool queue_is_held(const struct queue *q, int64_t commit_us)
{
    if (q->key_is_unsaved || q->revives || q->done.count)
        return true;
    bool awaits_all = q->request_us < commit_us;
    return q->unsaved && q->receiver && q->unsaved * 2 >= q->receiver->concurrency && (!awaits_all || !q->requests);
}

bool queue_has_news(const struct queue *q)
{
    return q->changed || q->dirty_count || q->scanned >= q->saved_cursor + CURSOR_EVENTS;
}

void queue_collect(struct queue *q, struct ledger *ledger)
{
    collect_jobs(q, ledger);
    collect_lines(q, ledger);
    q->row.cursor = q->saved_cursor = q->scanned;
    ledger_put(ledger, &q->row);
    q->saving = q->unsaved;
    q->unsaved = 0;
    q->key_is_saving = q->key_is_unsaved;
    q->reviving = q->revives;
    q->revives = false;
    q->changed = false;
}

void queue_saved(struct queue *q)
{
    q->saving = 0;
    if (q->key_is_saving)
        q->key_is_unsaved = q->key_is_saving = false;
    for (struct job *job = q->done.oldest, *next; job; job = next) {
        next = job->newer;
        if (!job->collected)
            continue;
        queue_remove_job(q, job);
        q->singles_left = true;
    }
    if (q->reviving)
        q->singles_left = true;
    q->reviving = false;
}
