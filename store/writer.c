#include "store/writer.h"

#include "store/hook.h"
#include "store/identity.h"
#include "store/judge.h"
#include "store/rejection.h"
#include "store/sweep.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

// A transaction takes submissions until it has so many events.
#define BATCH_EVENTS 8192u
// Waiting for those who were answered last: at most a quarter of what a commit takes, and never longer than this.
#define GATHER_NS_MAX INT64_C(300000)
// After so long without work the writer is idle.
#define IDLE_NS INT64_C(50000000)
// What is due at a moment is looked at so often before: the clock may be set.
#define DUE_US_MAX INT64_C(500000)
// What reacts may then take so long at a time.
#define IDLE_PASS_NS INT64_C(5000000)
// Resting, it writes rows of the index so many at a time.
#define IDLE_ROWS 2048u
// Rows of the index that each commit writes: so many, or this many for each of its events.
#define SWEEP_ROWS_MIN       64u
#define SWEEP_ROWS_PER_EVENT 3u
// Rows of postings likewise: at worst an event has two terms of its own, with two rows each.
#define POSTING_ROWS_MIN       64u
#define POSTING_ROWS_PER_EVENT 4u
// Where postings have to be made from the log: events read in each commit.
#define POSTING_READS_MIN       32u
#define POSTING_READS_PER_EVENT 2u
// Entities in memory beyond this are forgotten, the longest unused first. In each commit so many are looked at, and
// more than it can have made.
#define ENTITY_BYTES           (size_t)(8 << 20)
#define ENTITY_LOOKS_MIN       512u
#define ENTITY_LOOKS_PER_EVENT 2u
// When memory holds this much, a sweep is finished at once.
#define ENTITY_BYTES_URGENT (size_t)(48 << 20)
// Refusals that a full disk did not take, at most.
#define HELD_BYTES (size_t)(1 << 20)

struct writer {
    struct tenant *tenant;
    struct engine *engine;
    tenant_observer *observer;
    void *observer_context;
    pthread_t thread;

    pthread_mutex_t lock; // of the queue
    pthread_cond_t filled;
    struct submission *first, **last;
    atomic_uint queued;
    bool waiting, stop;

    // the thread's own
    struct transaction tx;
    struct sweep sweep;
    struct bytes line;
    struct bytes held; // lines of refusals that are not on disk yet
    unsigned expected; // submissions to gather
    int64_t commit_ns; // running mean
    int64_t worked_ns; // when it last had something to do
    unsigned idle;     // what it has done since: a checkpoint, and then rest
};

// ---- the queue

void writer_submit(struct writer *w, struct submission *s)
{
    s->next = NULL;
    pthread_mutex_lock(&w->lock);
    *w->last = s;
    w->last = &s->next;
    atomic_fetch_add_explicit(&w->queued, 1, memory_order_release);
    bool wake = w->waiting;
    w->waiting = false;
    pthread_mutex_unlock(&w->lock);
    if (wake)
        pthread_cond_signal(&w->filled);
}

// Those who were answered last write again at once: without waiting for them, they would always come just after the
// commit began, and every writer would pay for two commits.
static void gather(struct writer *w)
{
    int64_t patience_ns = w->commit_ns / 4 < GATHER_NS_MAX ? w->commit_ns / 4 : GATHER_NS_MAX;
    if (atomic_load_explicit(&w->queued, memory_order_acquire) >= w->expected)
        return;
    for (int64_t end_ns = when_steady_ns() + patience_ns; when_steady_ns() < end_ns;) {
        if (atomic_load_explicit(&w->queued, memory_order_acquire) >= w->expected)
            return;
        sched_yield();
    }
}

static void checkpoint(struct writer *w, bool idle)
{
    if (engine_checkpoint(w->engine, idle))
        fprintf(stderr, "factfs: tenant %s: checkpoint failed: %s\n", w->tenant->name, engine_error(w->engine));
}

// ---- a commit

static int write_rejection(struct writer *w, const struct submission *s)
{
    bytes_clear(&w->line);
    rejection_print(&w->line, s);
    return w->line.failed ? 0 : transaction_write_rejected(&w->tx, bytes_slice(&w->line));
}

static void hold_rejection(struct writer *w, const struct submission *s)
{
    if (w->held.size > HELD_BYTES)
        return;
    rejection_print(&w->held, s);
    bytes_add_char(&w->held, '\n');
}

static int write_held(struct writer *w)
{
    int error = 0;
    for (size_t at = 0, end; !error && at < w->held.size; at = end + 1) {
        end = at + (size_t)((char *)memchr(w->held.at + at, '\n', w->held.size - at) - (w->held.at + at));
        error = transaction_write_rejected(&w->tx, (struct slice){.at = w->held.at + at, .size = end - at});
    }
    return error;
}

static int begin_transaction(struct writer *w)
{
    int error = transaction_begin(&w->tx);
    return error ? error : write_held(w);
}

static int write_batch(struct writer *w, struct submission *batch)
{
    int error = begin_transaction(w);
    for (struct submission *s = batch; s && !error; s = s->next) {
        error = judge_submission(&w->tx, s);
        if (!error && s->error)
            error = write_rejection(w, s);
    }
    return error;
}

static size_t share(size_t events, size_t per_event, size_t least)
{
    return events * per_event > least ? events * per_event : least;
}

static int index_rows(struct writer *w, size_t events)
{
    return index_step(w->tenant, w->engine, w->tx.published.position,
        share(events, POSTING_ROWS_PER_EVENT, POSTING_ROWS_MIN),
        share(events, POSTING_READS_PER_EVENT, POSTING_READS_MIN));
}

static int sweep_rows(struct writer *w, size_t events)
{
    size_t rows = share(events, SWEEP_ROWS_PER_EVENT, SWEEP_ROWS_MIN);
    if (tenant_memory(w->tenant) > ENTITY_BYTES_URGENT)
        rows = SIZE_MAX;
    return sweep_step(&w->sweep, &w->tx, rows, false);
}

// Everybody in the batch hears why the commit failed, but for those who had been refused anyway.
static void fail_batch(struct writer *w, struct submission *batch, int error)
{
    fprintf(stderr, "factfs: tenant %s: commit failed: %s\n", w->tenant->name, engine_error(w->engine));
    for (struct submission *s = batch; s; s = s->next) {
        // Of several of one file the first goes back furthest.
        if (s->rerun && !s->rerun->restored) {
            rerun_restore(s->rerun, &s->before);
            s->rerun->restored = true;
        }
        if (!s->error) {
            s->error = error;
            reason_set(&s->why, error, "%s", engine_error(w->engine));
        }
        if (s->kind != SUBMIT_ROWS && s->kind != SUBMIT_TICK)
            hold_rejection(w, s);
    }
}

// Commits, or undoes everything after an error; the sweep and the held refusals follow.
static int end_transaction(struct writer *w, int error, size_t *changes)
{
    const struct reactor *reactor = w->tenant->reactor;
    *changes = 0;
    if (error)
        transaction_abort(&w->tx);
    else
        error = transaction_commit(&w->tx, changes);
    sweep_settle(&w->sweep, w->tenant, !error);
    index_settle(w->tenant, !error);
    if (reactor)
        reactor->settle(w->tenant->reaction, &w->tx, !error);
    if (!error)
        bytes_trim(&w->held, 0);
    return error;
}

static void observe(struct writer *w, size_t changes)
{
    if (w->observer)
        w->observer(w->observer_context, w->tenant, w->tx.changes, changes, w->tx.rejected);
}

// What a failed commit left in the write-ahead log would come alive if the store were opened now. Another commit, which
// has the refusals, takes its place before anybody hears of them.
static void commit_held(struct writer *w)
{
    size_t changes;
    if (end_transaction(w, begin_transaction(w), &changes) == 0)
        observe(w, 0);
}

static int write_reaction(struct writer *w, bool idle)
{
    const struct reactor *reactor = w->tenant->reactor;
    return reactor ? reactor->write(w->tenant->reaction, &w->tx, idle) : 0;
}

static void commit_batch(struct writer *w, struct submission *batch)
{
    size_t changes;
    int error = write_batch(w, batch);
    if (!error)
        error = write_reaction(w, false);
    if (!error)
        error = sweep_rows(w, w->tx.count);
    if (!error)
        error = index_rows(w, w->tx.count);
    error = end_transaction(w, error, &changes);
    if (!error) {
        observe(w, changes);
        return;
    }
    fail_batch(w, batch, error);
    commit_held(w);
}

static void answer_batch(struct tenant *tenant, struct submission *batch)
{
    for (struct submission *s = batch, *next; s; s = next) {
        next = s->next;
        if (s->error) {
            bytes_clear(&s->receipts);
            if (s->wants_receipts)
                rejection_print_receipt(&s->receipts, s);
        }
        refused_hooks_note(tenant, s);
        s->answer(s);
    }
}

static void forget_entities(struct writer *w, size_t bytes, size_t most_looks)
{
    struct tenant *t = w->tenant;
    pthread_mutex_lock(&t->lock);
    struct entity *e = t->entities.oldest;
    for (size_t looks = 0; e && looks < most_looks && t->entities.bytes > bytes; looks++) {
        struct entity *newer = e->newer;
        if (!entity_pinned(e))
            entities_remove(&t->entities, e);
        e = newer;
    }
    pthread_mutex_unlock(&t->lock);
}

// Writes up to about so many rows of the index in a commit of their own.
static int commit_index(struct writer *w, size_t rows)
{
    size_t changes;
    int error = begin_transaction(w);
    if (!error)
        error = sweep_step(&w->sweep, &w->tx, rows, true);
    if (!error)
        error = index_step(w->tenant, w->engine, w->tx.published.position, rows, IDLE_ROWS);
    if (!error)
        error = write_reaction(w, true);
    return end_transaction(w, error, &changes);
}

static bool sweep_is_behind(const struct writer *w)
{
    return w->sweep.mark < w->tx.end.position;
}

// Nobody waits any more: the index takes what memory holds. A sweep under way does not know of the latest events, so
// another may follow.
static void finish_index(struct writer *w)
{
    int error;
    do
        error = commit_index(w, SIZE_MAX);
    while (!error && sweep_is_behind(w));
    if (error)
        fprintf(stderr, "factfs: tenant %s: the index stays behind: %s\n", w->tenant->name, engine_error(w->engine));
}

// ---- idle

static bool is_queued(struct writer *w)
{
    return atomic_load_explicit(&w->queued, memory_order_relaxed) != 0;
}

// Nothing has come for long: the index takes what memory holds, in small steps that let others in, and the memory is
// given back.
static void rest(struct writer *w)
{
    int error = 0;
    while (!error && !is_queued(w) && (sweep_is_behind(w) || index_is_behind(&w->tenant->index, w->tx.end.position)))
        error = commit_index(w, IDLE_ROWS);
    if (is_queued(w))
        return;
    // Entities within their usual bounds stay: to read one anew costs more than a commit.
    forget_entities(w, ENTITY_BYTES, SIZE_MAX);
    engine_forget(w->engine);
    identities_close(&w->tx.identities);
    malloc_trim(0);
}

// ---- what reacts, when nothing has come

// When to look whether it wants to be called, by the steady clock; INT64_MAX: not before something comes.
static int64_t due_ns(const struct writer *w)
{
    const struct reactor *reactor = w->tenant->reactor;
    int64_t due_us = reactor ? reactor->due_us(w->tenant->reaction) : INT64_MAX;
    if (due_us == INT64_MAX)
        return INT64_MAX;
    int64_t now_us = when_now_us(), now_ns = when_steady_ns();
    if (due_us <= now_us)
        return now_ns;
    int64_t wait_us = due_us - now_us;
    return now_ns + (wait_us < DUE_US_MAX ? wait_us : DUE_US_MAX) * 1000;
}

// Lets it do a piece of what waits, and record what has come of it. Those who append are kept waiting for less than
// their commit takes.
static void react(struct writer *w, bool idle)
{
    const struct reactor *reactor = w->tenant->reactor;
    struct submission tick = {.kind = SUBMIT_TICK};
    if (reactor && reactor->due_us(w->tenant->reaction) <= when_now_us() &&
        reactor->pass(w->tenant->reaction, &w->tx, idle ? IDLE_PASS_NS : w->commit_ns / 4))
        commit_batch(w, &tick);
    if (reactor)
        atomic_store(&w->tenant->awaits, reactor->awaits(w->tenant->reaction));
}

// ---- waiting

// Waits until something is queued or the writer is to stop, or until a moment. False when nothing had come by then.
static bool wait_until(struct writer *w, int64_t until_ns)
{
    struct timespec until = when_steady(until_ns);
    int result = 0;
    pthread_mutex_lock(&w->lock);
    while (!w->first && !w->stop && result != ETIMEDOUT) {
        w->waiting = true;
        result = until_ns == INT64_MAX ? pthread_cond_wait(&w->filled, &w->lock)
                                       : pthread_cond_clockwait(&w->filled, &w->lock, CLOCK_MONOTONIC, &until);
    }
    w->waiting = false;
    bool came = w->first || w->stop;
    pthread_mutex_unlock(&w->lock);
    return came;
}

// Time that nobody needs goes to a checkpoint, and then to rest.
static void wait_for_work(struct writer *w)
{
    const int64_t idle_ns[] = {IDLE_NS, IDLE_NS + atomic_load(&w->tenant->rest_ns)};
    int64_t due = due_ns(w);
    while (w->idle < 2) {
        int64_t until_ns = w->worked_ns + idle_ns[w->idle];
        if (wait_until(w, until_ns < due ? until_ns : due) || due <= until_ns)
            return;
        if (w->idle++)
            rest(w);
        else
            checkpoint(w, true);
    }
    wait_until(w, due);
}

// Takes what is queued; NULL when that is nothing.
static struct submission *take_batch(struct writer *w, unsigned *count)
{
    if (is_queued(w))
        gather(w);

    pthread_mutex_lock(&w->lock);
    struct submission *batch = w->first, **link = &w->first;
    unsigned events = 0;
    *count = 0;
    while (*link && events < BATCH_EVENTS) {
        events += (*link)->draft_count + 1;
        link = &(*link)->next;
        ++*count;
    }
    w->first = *link;
    *link = NULL;
    if (!w->first)
        w->last = &w->first;
    atomic_fetch_sub_explicit(&w->queued, *count, memory_order_relaxed);
    pthread_mutex_unlock(&w->lock);
    return *count ? batch : NULL;
}

static void work(struct writer *w, struct submission *batch, unsigned count)
{
    int64_t start_ns = when_steady_ns();
    commit_batch(w, batch);
    w->worked_ns = when_steady_ns();
    int64_t took_ns = w->worked_ns - start_ns;
    w->commit_ns = w->commit_ns ? (w->commit_ns * 7 + took_ns) / 8 : took_ns;
    w->expected = count + atomic_load_explicit(&w->queued, memory_order_relaxed);
    w->idle = 0;
    answer_batch(w->tenant, batch);
    forget_entities(w, ENTITY_BYTES, share(w->tx.count, ENTITY_LOOKS_PER_EVENT, ENTITY_LOOKS_MIN));
    checkpoint(w, false);
}

// Nobody submits any more, and nothing is left.
static bool is_done(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    bool done = w->stop && !w->first;
    pthread_mutex_unlock(&w->lock);
    return done;
}

static void *run(void *argument)
{
    struct writer *w = argument;
    w->worked_ns = when_steady_ns();
    while (!is_done(w)) {
        unsigned count;
        wait_for_work(w);
        struct submission *batch = take_batch(w, &count);
        if (batch)
            work(w, batch, count);
        react(w, !batch);
    }
    finish_index(w);
    return NULL;
}

// ---- opening and closing

static int load_types(struct tenant *t, struct engine *engine)
{
    uint32_t type = 0;
    struct slice folded, spelling;
    int error;
    while (!(error = engine_type_from(engine, type + 1, &type, &folded, &spelling)))
        if (types_add(&t->types, spelling) != type)
            return -EIO;
    return error == -ENOENT ? 0 : error;
}

int writer_load(
    struct tenant *t, struct engine *engine, struct sweep *sweep, struct transaction *tx, struct reason *why)
{
    uint64_t last_entity = 0;
    int error = load_types(t, engine);
    if (!error)
        error = engine_last_entity(engine, &last_entity);
    if (error)
        return reason_set(why, error, "tenant %s: %s", t->name, engine_error(engine));
    t->next_entity = last_entity + 1;
    error = sweep_open(sweep, t, engine, why);
    if (!error)
        error = transaction_open(tx, t, engine, why);
    if (!error && sweep->mark > tx->end.position)
        error = reason_set(why, -EIO, "tenant %s: damaged: the log ends at event %llu, the index knows of event %llu",
            t->name, (unsigned long long)tx->end.position, (unsigned long long)sweep->mark);
    if (!error && t->reactor)
        error = t->reactor->open(&t->reaction, t, engine, why);
    if (error)
        return error;
    error = index_open(&t->index, engine, tx->end.position, why);
    if (error)
        return error;
    uint64_t first_spec;
    if (tx->declaration.position && engine_spec_from(engine, 0, &first_spec) == 0) {
        declared_add(&t->declared, first_spec, NULL);
        declared_add(&t->declared, tx->declaration.position, NULL);
    }
    struct chunk page;
    if (last_entity && history_page(&tx->reader, last_entity, 1, &page) == 0)
        tx->end.entities_at_us = page.events[0].at_us;
    t->end = tx->end;
    return 0;
}

static void free_writer(struct writer *w)
{
    if (w->tenant->reaction)
        w->tenant->reactor->close(w->tenant->reaction);
    sweep_close(&w->sweep);
    transaction_close(&w->tx);
    engine_close(w->engine);
    bytes_free(&w->line);
    bytes_free(&w->held);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->filled);
    free(w);
}

int writer_open(struct writer **writer, struct tenant *tenant, struct engine *engine, tenant_observer *observer,
    void *observer_context, struct reason *why)
{
    struct writer *w = calloc(1, sizeof *w);
    if (!w) {
        engine_close(engine);
        return -ENOMEM;
    }
    w->tenant = tenant;
    w->engine = engine;
    w->observer = observer;
    w->observer_context = observer_context;
    w->last = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->filled, NULL);
    int error = writer_load(tenant, engine, &w->sweep, &w->tx, why);
    if (!error)
        error = -pthread_create(&w->thread, NULL, run, w);
    if (error) {
        free_writer(w);
        return reason_set(why, error, "tenant %s cannot be opened", tenant->name);
    }
    *writer = w;
    return 0;
}

void writer_close(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_mutex_unlock(&w->lock);
    pthread_cond_signal(&w->filled);
    pthread_join(w->thread, NULL);
    free_writer(w);
}
