#include "store/index.h"

#include "store/envelope.h"
#include "store/name.h"
#include "store/tenant.h"

#include <errno.h>
#include <stdlib.h>

// So many segments wait in memory at most; others are read from the log again when their turn comes.
#define SEGMENTS_MAX 8u

// ---- segments in memory

static struct segment *add_segment(struct index *index, uint32_t number)
{
    struct segment *fresh = segment_new(number);
    if (!fresh)
        return NULL;
    if (index->last)
        index->last->next = fresh;
    else
        index->first = fresh;
    index->last = fresh;
    index->segment_count++;
    return fresh;
}

static void drop_first(struct index *index)
{
    struct segment *first = index->first;
    index->first = first->next;
    if (!index->first)
        index->last = NULL;
    index->segment_count--;
    segment_free(first);
}

// Segments of a transaction that was taken back.
static void drop_behind(struct index *index, uint32_t number)
{
    struct segment **link = &index->first, *last = NULL;
    for (; *link && (*link)->number <= number; link = &(*link)->next)
        last = *link;
    for (struct segment *s = *link, *next; s; s = next) {
        next = s->next;
        index->segment_count--;
        segment_free(s);
    }
    *link = NULL;
    index->last = last;
}

int index_add(struct index *index, uint64_t position, uint32_t size_bytes, struct slice type_term, struct slice actor)
{
    uint32_t number = segment_of(position);
    if (index->last && index->last->number > number)
        drop_behind(index, number);
    struct segment *s = index->last;
    if (!s || s->number < number) {
        s = add_segment(index, number);
        if (!s)
            return -ENOMEM;
        if (index->segment_count > SEGMENTS_MAX && index->first != index->job)
            drop_first(index);
    }
    return segment_put(s, (uint32_t)(position - segment_first(number)), size_bytes, type_term, actor);
}

// Adds an event of the log.
static int put_row(struct segment *s, const struct event_row *row)
{
    struct event event;
    BYTES_AUTO actor = {0};
    uint32_t at = (uint32_t)(row->position - segment_first(s->number));
    if (envelope_read(row->line, &event, &actor))
        return segment_put_damaged(s, at);
    char term[NAME_TERM_MAX];
    struct slice type_term = {.at = term, .size = name_type_term(term, event.type, event.target)};
    return segment_put(s, at, (uint32_t)row->line.size + 1, type_term, event.actor);
}

// Reads on from the log, up to `most` events, until the segment is full or holds `end`. An event that cannot be read is
// looked at by whoever asks; the others are indexed.
static int fill(struct segment *s, struct engine *engine, uint64_t end, size_t most)
{
    uint64_t first = segment_first(s->number), last = first + SEGMENT_EVENTS - 1;
    if (last > end)
        last = end;
    int error = 0;
    while (!error && most && first + s->count <= last) {
        struct event_row row;
        int found = engine_events_start(engine, first + s->count);
        while (!error && found >= 0 && most && first + s->count <= last &&
               (found = engine_events_next(engine, &row)) == 1) {
            error = put_row(s, &row);
            most--;
        }
        engine_events_end(engine);
        if (error || !most || first + s->count > last)
            break;
        if (found == -ENOMEM || !engine_in_transaction(engine))
            return found;
        error = segment_put_damaged(s, s->count);
        most--;
    }
    return error;
}

// ---- opening

int index_open(struct index *index, struct engine *engine, uint64_t end, struct reason *why)
{
    int error = engine_begin(engine);
    if (!error)
        error = engine_posted(engine, &index->posted);
    if (!error)
        error = engine_last_term(engine, &index->last_term);
    if (!error && index->posted > end)
        error = reason_set(why, -EIO, "damaged: the index by term is ahead of the log");
    index->committed_last_term = index->last_term;
    index->next_posted = index->posted;
    if (!error && end % SEGMENT_EVENTS) {
        struct segment *s = add_segment(index, segment_of(end));
        error = s ? fill(s, engine, end, SIZE_MAX) : -ENOMEM;
    }
    if (error)
        reason_set(why, error, "the index by term cannot be read: %s", engine_error(engine));
    engine_rollback(engine);
    return error;
}

static void free_job(struct index *index)
{
    free(index->job_terms);
    free(index->job_events);
    index->job_terms = NULL;
    index->job_events = NULL;
    index->job = NULL;
    index->job_count = index->job_next = 0;
}

void index_free(struct index *index)
{
    free_job(index);
    segment_free(index->filling);
    while (index->first)
        drop_first(index);
    *index = (struct index){0};
}

// ---- writing a segment's postings

bool index_is_behind(const struct index *index, uint64_t published)
{
    return !index->stopped && published - index->posted >= SEGMENT_EVENTS;
}

static int by_term(const void *a, const void *b)
{
    const struct segment_term *x = ((const struct index_term *)a)->term, *y = ((const struct index_term *)b)->term;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return slice_compare(x->text, y->text);
}

// Sorts the events of a full segment by their terms.
static int start_job(struct index *index, struct segment *s)
{
    uint32_t counts[SEGMENT_TERMS_ROOM] = {0};
    index->job_terms = calloc(s->term_count + 1, sizeof *index->job_terms);
    index->job_events = calloc(2 * SEGMENT_EVENTS, sizeof *index->job_events);
    if (!index->job_terms || !index->job_events) {
        free_job(index);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < SEGMENT_EVENTS; i++) {
        const struct segment_event *e = &s->events[i];
        counts[e->type]++;
        counts[e->actor] += e->actor != e->type;
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < s->term_count; i++) {
        uint32_t count = counts[i];
        counts[i] = at;
        if (count)
            index->job_terms[index->job_count++] = (struct index_term){.term = &s->terms[i], .at = at, .count = count};
        at += count;
    }
    for (uint32_t i = 0; i < SEGMENT_EVENTS; i++) {
        const struct segment_event *e = &s->events[i];
        struct posted_event posted = {.position = i, .size_bytes = e->size_bytes};
        index->job_events[counts[e->type]++] = posted;
        if (e->actor != e->type)
            index->job_events[counts[e->actor]++] = posted;
    }
    qsort(index->job_terms, index->job_count, sizeof *index->job_terms, by_term);
    index->job = s;
    return 0;
}

// Finds or reads the segment that comes next; `job` stays NULL when it is not full yet.
static int find_job(struct index *index, struct engine *engine, uint64_t published, size_t *events)
{
    uint32_t number = (uint32_t)(index->next_posted / SEGMENT_EVENTS);
    struct segment *s = index->first;
    while (s && s->number < number)
        s = s->next;
    if (s && s->number == number)
        return start_job(index, s);
    if (index->filling && index->filling->number != number) {
        segment_free(index->filling);
        index->filling = NULL;
    }
    if (!index->filling && !(index->filling = segment_new(number)))
        return -ENOMEM;
    size_t most = *events;
    uint32_t before = index->filling->count;
    int error = fill(index->filling, engine, published, most);
    *events -= index->filling->count - before;
    return error || index->filling->count < SEGMENT_EVENTS ? error : start_job(index, index->filling);
}

static int write_term(struct index *index, struct engine *engine, const struct index_term *item)
{
    struct term_row row = {0};
    int error = engine_term(engine, item->term->kind, item->term->text, &row);
    if (error == -ENOENT)
        row.id = ++index->last_term;
    else if (error)
        return error;
    else if (row.last_segment >= index->job->number)
        return 0; // written before a kill

    struct posting posting = {
        .term = row.id, .segment = index->job->number, .count_before = row.count, .bytes_before = row.bytes};
    BYTES_AUTO blob = {0};
    posting_encode(&posting, index->job_events + item->at, item->count, &blob);
    if (blob.failed)
        return -ENOMEM;
    error = engine_put_posting(engine, posting.term, posting.segment, bytes_slice(&blob));
    if (error)
        return error;
    row.last_segment = posting.segment;
    row.count += item->count;
    for (uint32_t i = 0; i < item->count; i++)
        row.bytes += index->job_events[item->at + i].size_bytes;
    return engine_put_term(engine, item->term->kind, item->term->text, &row);
}

static void end_job(struct index *index)
{
    index->next_posted = segment_first(index->job->number + 1) - 1;
    if (index->job == index->filling) {
        segment_free(index->filling);
        index->filling = NULL;
    }
    free_job(index);
}

static int write_segments(struct index *index, struct engine *engine, uint64_t published, size_t rows, size_t events)
{
    uint64_t before = index->next_posted;
    int error = 0;
    while (!error && rows && published - index->next_posted >= SEGMENT_EVENTS) {
        if (!index->job)
            error = find_job(index, engine, published, &events);
        if (error || !index->job)
            break;
        for (; !error && rows && index->job_next < index->job_count; rows--) {
            error = write_term(index, engine, &index->job_terms[index->job_next]);
            index->job_next += !error;
        }
        if (!error && index->job_next == index->job_count)
            end_job(index);
    }
    if (!error && index->next_posted > before)
        error = engine_put_posted(engine, index->next_posted);
    return error;
}

int index_step(struct tenant *t, struct engine *engine, uint64_t published, size_t rows, size_t events)
{
    struct index *index = &t->index;
    if (!index_is_behind(index, published))
        return 0;
    int error = write_segments(index, engine, published, rows, events);
    // What is damaged must not keep others from writing. The log tells what is not indexed.
    if (error != -EIO || !engine_in_transaction(engine))
        return error;
    fprintf(stderr, "factfs: tenant %s: the index by term stays behind: %s\n", t->name, engine_error(engine));
    index->stopped = true;
    free_job(index);
    return 0;
}

void index_settle(struct tenant *t, bool committed)
{
    struct index *index = &t->index;
    if (!committed) {
        // Rows of earlier commits are met again and left alone.
        free_job(index);
        index->next_posted = index->posted;
        index->last_term = index->committed_last_term;
        return;
    }
    index->committed_last_term = index->last_term;
    if (index->posted == index->next_posted)
        return;
    pthread_mutex_lock(&t->lock);
    index->posted = index->next_posted;
    while (index->first && segment_first(index->first->number) <= index->posted)
        drop_first(index);
    pthread_mutex_unlock(&t->lock);
}
