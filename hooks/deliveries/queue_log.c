// The queue and the log: what is read on, what a lane's next event is.
#include "hooks/deliveries/queue.h"
#include "store/json.h"

#include <errno.h>
#include <stdlib.h>

// Jobs that never failed, and all jobs: when there are so many, the log must wait.
#define FRESH_JOBS_MAX  256u
#define FRESH_BATCHES   4u
#define JOBS_MAX        65536u
#define SINGLE_JOBS_MAX 256u
// Events read, or only counted, before others have their turn.
#define SCAN_EVENTS  512u
#define COUNT_EVENTS 2048u
#define RESCAN_US    WHEN_US_PER_SECOND

// ---- is it wanted?

// The target of a line; neither the id nor the type before it holds a quote.
static struct slice target_of(struct slice line)
{
    static const char key[] = "\"target\":\"";
    const char *at = memmem(line.at, line.size, key, sizeof key - 1);
    if (!at)
        return (struct slice){.at = "", .size = 0};
    at += sizeof key - 1;
    const char *end = memchr(at, '"', (size_t)(line.at + line.size - at));
    return (struct slice){.at = at, .size = end ? (size_t)(end - at) : 0};
}

// What cannot be judged passes: it is better sent than lost.
static bool passes(const struct queue *q, struct reader *reader, struct slice line)
{
    BYTES_AUTO kept = {0};
    if (event_filter_is_open(&q->receiver->filter))
        return true;
    bytes_add_slice(&kept, line);
    return kept.failed || event_filter_holds(&q->receiver->filter, reader, bytes_slice(&kept)) != 0;
}

static bool wants_type(const struct queue *q, struct slice type, struct slice entity)
{
    const struct receiver_kind *kind = q->receiver->kind;
    return !kind->wants || kind->wants(q->receiver, type, entity);
}

bool queue_wants(const struct queue *q, struct reader *reader, const struct event_row *row)
{
    return wants_type(q, history_type(reader, row->type), target_of(row->line)) && passes(q, reader, row->line);
}

uint64_t queue_lane(const struct queue *q, const struct event_row *row)
{
    return q->receiver->kind->in_order ? row->entity : row->position;
}

// The same of an event of which only the place is known.
static bool wants_place(
    const struct queue *q, struct reader *reader, const struct event_place *place, struct slice entity)
{
    struct event_row row;
    if (!wants_type(q, history_type(reader, place->type), entity))
        return false;
    return event_filter_is_open(&q->receiver->filter) || history_event(reader, place->position, &row) ||
           passes(q, reader, row.line);
}

// ---- what an import brought

struct span {
    uint64_t first, last;
};

// The next events, from a position on, that are not sent because they came by an import. Where that cannot be read
// there are none: better sent than lost.
static struct span hidden_from(const struct queue *q, struct reader *reader, uint64_t position)
{
    struct span span;
    if (position <= q->recalled)
        position = q->recalled + 1;
    if (history_heard(reader, engine_brought(reader->engine, position, &span.first, &span.last)))
        return (struct span){.first = UINT64_MAX, .last = UINT64_MAX};
    if (span.first < position)
        span.first = position;
    return span;
}

static bool is_hidden(const struct queue *q, struct reader *reader, uint64_t position)
{
    return hidden_from(q, reader, position).first == position;
}

// ---- reading on

static struct job_place place_of(const struct event_row *row)
{
    return (struct job_place){.position = row->position, .version = row->version, .at_us = row->at_us};
}

// With which others the event may share a request.
static uint64_t group_of(const struct queue *q, const struct event_row *row)
{
    struct event event;
    BYTES_AUTO actor = {0};
    if (!q->receiver->kind->group || envelope_read(row->line, &event, &actor))
        return 0;
    return q->receiver->kind->group(&event);
}

// The event is the queue's from now on. False when there is no memory.
static bool take_event(struct queue *q, const struct event_row *row, int64_t now_us)
{
    struct job_place place = place_of(row);
    uint64_t lane = queue_lane(q, row);
    struct job *job = queue_job(q, lane, false);
    if (!job)
        return queue_add_job(q,
                   &(struct job){
                       .lane = lane, .group = group_of(q, row), .place = place, .events = 1, .read_us = now_us}) !=
               NULL;
    if (job->stored && !queue_make_dirty(q, job))
        return false;
    if (!job->next.position && job->events <= !job->rewound)
        job->next = place;
    job->events++;
    q->events++;
    return true;
}

static size_t fresh_jobs_max(const struct queue *q)
{
    size_t batches = (size_t)q->receiver->batch * FRESH_BATCHES;
    return batches > FRESH_JOBS_MAX ? batches : FRESH_JOBS_MAX;
}

static bool has_room(const struct queue *q)
{
    return q->unstored - q->singles < fresh_jobs_max(q) && q->job_count < JOBS_MAX;
}

// To begin reading costs more than a few events do: it waits until there is room for many.
static bool wants_more(const struct queue *q)
{
    return has_room(q) && q->unstored - q->singles < fresh_jobs_max(q) / 2;
}

// The event behind the last one cannot be read. When the one after it can, it is damage, and the others go on.
static void meet_damage(struct queue *q, struct reader *reader, int64_t now_us)
{
    struct event_row row;
    uint64_t damaged = q->scanned + 1;
    if (engine_event(reader->engine, damaged + 1, &row) == 0) {
        fprintf(stderr, "factfs: tenant %s: %s/%s: event %llu is damaged and was not sent\n", reader->tenant->name,
            q->hook->folder, q->name, (unsigned long long)damaged);
        q->scanned = damaged;
        q->changed = true;
    } else {
        q->rescan_us = now_us + RESCAN_US;
    }
}

static void pass(struct queue *q, uint64_t position, bool wanted)
{
    q->scanned = position;
    if (q->counted < position) {
        q->counted = position;
        q->counted_events = 0;
    } else if (wanted && q->counted_events) {
        q->counted_events--;
    }
}

// One event after the other. A filter may look at other things in between: then each is asked for by itself.
static int start_at(const struct queue *q, struct reader *reader, uint64_t position)
{
    return event_filter_is_open(&q->receiver->filter) ? engine_events_start(reader->engine, position) : 0;
}

static int read_next(const struct queue *q, struct reader *reader, uint64_t position, struct event_row *row)
{
    if (event_filter_is_open(&q->receiver->filter))
        return engine_events_next(reader->engine, row);
    int error = engine_event(reader->engine, position, row);
    return error == -ENOENT ? 0 : error ? error : 1;
}

// Looks through the log behind what was scanned, to know how far behind the queue is.
static bool count_on(struct queue *q, struct reader *reader, uint64_t end)
{
    struct event_row row;
    unsigned looked = 0;
    struct span hidden = hidden_from(q, reader, q->counted + 1);
    if (hidden.first == q->counted + 1) {
        q->counted = hidden.last < end ? hidden.last : end;
        return q->counted < end;
    }
    int found = start_at(q, reader, q->counted + 1) == 0;
    while (found == 1 && looked < COUNT_EVENTS && q->counted < end && q->counted + 1 < hidden.first &&
           (found = read_next(q, reader, q->counted + 1, &row)) == 1) {
        looked++;
        q->counted = row.position;
        q->counted_events += queue_wants(q, reader, &row);
    }
    engine_events_end(reader->engine);
    if (found < 0)
        q->counted++;
    return found == 1 && q->counted < end;
}

bool queue_scan(struct queue *q, struct reader *reader, uint64_t end, int64_t now_us)
{
    if (q->rescan_us > now_us || !q->receiver)
        return false;
    q->rescan_us = 0;
    if (q->scanned >= end)
        return false;
    if (!wants_more(q))
        return q->counted < end && count_on(q, reader, end);
    struct event_row row;
    unsigned looked = 0;
    bool memory = true;
    struct span hidden = hidden_from(q, reader, q->scanned + 1);
    if (hidden.first == q->scanned + 1) {
        pass(q, hidden.last < end ? hidden.last : end, false);
        return q->scanned < end;
    }
    int found = start_at(q, reader, q->scanned + 1) == 0 ? 1 : -EIO;
    while (found == 1 && looked < SCAN_EVENTS && q->scanned < end && q->scanned + 1 < hidden.first && has_room(q) &&
           memory && (found = read_next(q, reader, q->scanned + 1, &row)) == 1) {
        bool wanted = queue_wants(q, reader, &row);
        looked++;
        memory = !wanted || take_event(q, &row, now_us);
        if (memory)
            pass(q, row.position, wanted);
    }
    engine_events_end(reader->engine);
    if (found < 0)
        meet_damage(q, reader, now_us);
    else if (found == 0 || !memory)
        q->rescan_us = now_us + RESCAN_US;
    return q->scanned < end && !q->rescan_us;
}

// ---- a lane's next event, which is then an entity

static int find_version(struct reader *reader, const struct job *job, uint32_t *version)
{
    struct event_row row;
    *version = job->place.version;
    int error = *version ? 0 : history_event(reader, job->place.position, &row);
    if (!error && !*version)
        *version = row.version;
    return error;
}

int queue_find_next(struct queue *q, struct reader *reader, const struct job *job, struct job_place *next)
{
    char name[NAME_ENTITY_MAX];
    struct slice entity = {.at = name};
    uint32_t version;
    int error = find_version(reader, job, &version);
    if (!error)
        error = history_name(reader, job->lane, name, &entity.size);
    version++;
    while (!error) {
        struct chunk page;
        error = history_page(reader, job->lane, version, &page);
        for (uint32_t i = 0; !error && i < page.count; i++, version++) {
            const struct event_place *place = &page.events[i];
            if (place->position > q->scanned)
                return -ENOENT;
            if (!wants_place(q, reader, place, entity) || is_hidden(q, reader, place->position))
                continue;
            *next = (struct job_place){.position = place->position, .version = version, .at_us = place->at_us};
            return 0;
        }
    }
    return error;
}

int64_t queue_oldest_us(const struct queue *q, struct reader *reader)
{
    uint64_t first = q->counted_events ? q->scanned + 1 : UINT64_MAX, offset;
    int64_t at_us = 0;
    for (size_t i = 0; i < q->slot_count; i++)
        for (const struct job *job = q->slots[i]; job; job = job->same_slot)
            if (!job->single && job->place.position < first)
                first = job->place.position;
    if (first != UINT64_MAX && engine_event_place(reader->engine, first, &offset, &at_us))
        return 0;
    return at_us;
}

// ---- singles

void queue_fetch_singles(struct queue *q, struct reader *reader)
{
    struct outbox_waiting row;
    bool from_start = q->singles_from == 0;
    while (q->singles_left && q->singles < SINGLE_JOBS_MAX) {
        int error = outbox_waiting_from(reader->engine, q->row.hook, true, q->singles_from, &row);
        if (error == -ENOENT) {
            q->singles_left = !from_start;
            q->singles_from = 0;
            from_start = true;
            continue;
        }
        if (error || (!queue_job(q, row.entity, true) && !queue_add_waiting(q, &row)))
            return;
        q->singles_from = row.entity + 1;
    }
}
