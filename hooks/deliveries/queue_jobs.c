// The jobs of a queue in memory: what state each is in, the lists and the heap of those states, and the table by lane.
#include "hooks/deliveries/queue.h"

#include "store/grow.h"

#include <assert.h>
#include <stdlib.h>

// ---- the life of a job

// What may follow on each state (the picture is in queue.h).
static const unsigned follows[JOB_STATES] = {
    [JOB_READY] = 1u << JOB_SENDING,
    [JOB_SENDING] = 1u << JOB_READY | 1u << JOB_WAITING | 1u << JOB_DONE,
    [JOB_WAITING] = 1u << JOB_READY,
    [JOB_DONE] = 0,
};

static struct job_list *list_of(struct queue *q, const struct job *job)
{
    switch (job->state) {
    case JOB_READY:
        return job->attempts ? &q->again : &q->fresh;
    case JOB_SENDING:
        return &q->sending;
    case JOB_DONE:
        return &q->done;
    case JOB_WAITING:
    case JOB_STATES:
        break;
    }
    return NULL;
}

static void list_add(struct job_list *list, struct job *job)
{
    job->newer = NULL;
    job->older = list->newest;
    *(list->newest ? &list->newest->newer : &list->oldest) = job;
    list->newest = job;
    list->count++;
}

static void list_remove(struct job_list *list, struct job *job)
{
    *(job->older ? &job->older->newer : &list->oldest) = job->newer;
    *(job->newer ? &job->newer->older : &list->newest) = job->older;
    list->count--;
}

// ---- what waits, the earliest first: a binary heap

static void heap_put(struct queue *q, size_t at, struct job *job)
{
    q->heap[at] = job;
    job->heap_at = at;
}

static void heap_settle(struct queue *q, size_t at)
{
    struct job *job = q->heap[at];
    while (at && q->heap[(at - 1) / 2]->due_us > job->due_us) {
        heap_put(q, at, q->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (size_t child; (child = 2 * at + 1) < q->waiting; at = child) {
        if (child + 1 < q->waiting && q->heap[child + 1]->due_us < q->heap[child]->due_us)
            child++;
        if (q->heap[child]->due_us >= job->due_us)
            break;
        heap_put(q, at, q->heap[child]);
    }
    heap_put(q, at, job);
}

static void heap_add(struct queue *q, struct job *job)
{
    heap_put(q, q->waiting++, job);
    heap_settle(q, job->heap_at);
}

static void heap_remove(struct queue *q, struct job *job)
{
    struct job *last = q->heap[--q->waiting];
    if (last == job)
        return;
    heap_put(q, job->heap_at, last);
    heap_settle(q, job->heap_at);
}

static void enter(struct queue *q, struct job *job)
{
    if (job->state == JOB_WAITING)
        heap_add(q, job);
    else
        list_add(list_of(q, job), job);
}

static void leave(struct queue *q, struct job *job)
{
    if (job->state == JOB_WAITING)
        heap_remove(q, job);
    else
        list_remove(list_of(q, job), job);
}

void queue_set_state(struct queue *q, struct job *job, enum job_state state)
{
    assert(follows[job->state] & 1u << state);
    leave(q, job);
    job->state = state;
    enter(q, job);
}

// ---- jobs by lane

static struct job **slot_of(const struct queue *q, uint64_t lane)
{
    return &q->slots[lane * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (q->slot_count - 1)];
}

struct job *queue_job(const struct queue *q, uint64_t lane, bool single)
{
    if (!q->slot_count)
        return NULL;
    struct job *job = *slot_of(q, lane);
    while (job && (job->lane != lane || job->single != single))
        job = job->same_slot;
    return job;
}

// Room for one more in the hash table and in the heap, so that no later step can fail.
static bool make_room(struct queue *q)
{
    if (!GROW(q->heap, q->job_count, q->heap_room))
        return false;
    if (q->job_count < q->slot_count)
        return true;
    size_t old_count = q->slot_count;
    struct job **old = q->slots, **slots = calloc(old_count ? old_count * 2 : 64, sizeof(struct job *));
    if (!slots)
        return false;
    q->slots = slots;
    q->slot_count = old_count ? old_count * 2 : 64;
    for (size_t i = 0; i < old_count; i++)
        for (struct job *job = old[i], *next; job; job = next) {
            next = job->same_slot;
            struct job **slot = slot_of(q, job->lane);
            job->same_slot = *slot;
            *slot = job;
        }
    free(old);
    return true;
}

struct job *queue_add_job(struct queue *q, const struct job *made)
{
    struct job *job = make_room(q) ? calloc(1, sizeof *job) : NULL;
    if (!job)
        return NULL;
    *job = *made;
    struct job **slot = slot_of(q, job->lane);
    job->same_slot = *slot;
    *slot = job;
    q->job_count++;
    q->unstored += !job->stored;
    q->events += job->events;
    q->singles += job->single;
    enter(q, job);
    return job;
}

struct job *queue_add_waiting(struct queue *q, const struct outbox_waiting *row)
{
    return queue_add_job(q, &(struct job){.state = JOB_WAITING,
                                .lane = row->entity,
                                .place = {.position = row->position},
                                .events = row->events,
                                .single = row->single,
                                .stored = true,
                                .attempts = row->attempts,
                                .due_us = row->due_us});
}

bool queue_make_dirty(struct queue *q, struct job *job)
{
    if (job->dirty)
        return true;
    if (!GROW(q->dirty, q->dirty_count, q->dirty_room))
        return false;
    q->dirty[q->dirty_count++] = job;
    return job->dirty = true;
}

void queue_make_clean(struct queue *q, struct job *job)
{
    for (size_t i = 0; job->dirty && i < q->dirty_count; i++)
        if (q->dirty[i] == job)
            q->dirty[i] = q->dirty[--q->dirty_count];
    job->dirty = false;
}

void queue_remove_job(struct queue *q, struct job *job)
{
    leave(q, job);
    struct job **link = slot_of(q, job->lane);
    while (*link != job)
        link = &(*link)->same_slot;
    *link = job->same_slot;
    queue_make_clean(q, job);
    q->job_count--;
    q->unstored -= !job->stored;
    q->events -= job->events;
    q->singles -= job->single;
    free(job);
}
