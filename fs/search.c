#include "fs/search.h"

#include "fs/file.h"
#include "fs/notify.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

// How often those who wait are asked whether they were interrupted, while another request runs.
#define LOOK_NS INT64_C(20000000)

struct job {
    struct search_call call;
    struct fuse_file_info fi;
    struct open_file *file; // held
    struct job *next;
    char name[];
};

// A thread and what waits for it.
struct lane {
    struct search *search;
    pthread_t thread;
    bool started;
    struct desk desk; // the thread's own

    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct job *first, **last; // (lock)
    bool stop;                 // (lock)
    // the thread's own
    const struct job *running;
    int64_t look_ns; // when it looks next
};

// What a filter finds goes through all entities, however few there are; queries do not wait for that.
enum { QUERIES, FINDS, LANES };

struct search {
    struct lane lanes[LANES];
    atomic_bool hurry;
};

// Set on the threads of the lanes alone.
static _Thread_local struct lane *own;

int search_open(struct search **opened)
{
    static const enum tenant_reader readers[LANES] = {TENANT_READER_SEARCH, TENANT_READER_FIND};
    struct search *search = calloc(1, sizeof *search);
    if (!search)
        return -ENOMEM;
    atomic_init(&search->hurry, false);
    for (int i = 0; i < LANES; i++) {
        struct lane *lane = &search->lanes[i];
        lane->search = search;
        lane->desk.reader = readers[i];
        lane->last = &lane->first;
        pthread_mutex_init(&lane->lock, NULL);
        pthread_cond_init(&lane->filled, NULL);
    }
    *opened = search;
    return 0;
}

void search_close(struct search *search)
{
    for (int i = 0; search && i < LANES; i++) {
        struct lane *lane = &search->lanes[i];
        desk_clear(&lane->desk);
        pthread_mutex_destroy(&lane->lock);
        pthread_cond_destroy(&lane->filled);
    }
    free(search);
}

// ---- jobs

static void drop_job(struct job *job)
{
    if (job->file)
        file_drop(job->file);
    free(job);
}

static struct job *make_job(const struct search_call *call)
{
    size_t size = call->name ? strlen(call->name) + 1 : 0;
    struct job *job = calloc(1, sizeof *job + size);
    if (!job)
        return NULL;
    job->call = *call;
    if (call->name) {
        memcpy(job->name, call->name, size);
        job->call.name = job->name;
    }
    if (call->fi) {
        job->fi = *call->fi;
        job->call.fi = &job->fi;
        job->file = file_of(call->fi) ? file_hold(file_of(call->fi)) : NULL;
    }
    return job;
}

static struct lane *lane_of(const struct search_call *call)
{
    enum node_kind kind = node_of(call->id).kind;
    bool finds = kind == NODE_FOUND || kind == NODE_FOUND_STATES;
    return &mount_of(call->req)->search->lanes[finds ? FINDS : QUERIES];
}

bool search_takes_any(const struct search_call *call)
{
    if (own)
        return false;
    struct lane *lane = lane_of(call);
    struct job *job = make_job(call);
    if (!job) {
        fuse_reply_err(call->req, ENOMEM);
        return true;
    }
    pthread_mutex_lock(&lane->lock);
    *lane->last = job;
    lane->last = &job->next;
    pthread_mutex_unlock(&lane->lock);
    pthread_cond_signal(&lane->filled);
    return true;
}

bool search_takes(const struct search_call *call)
{
    return node_is_slow(node_of(call->id).kind) && !notifier_is_caller(mount_of(call->req)->notifier, call->req) &&
           search_takes_any(call);
}

// Takes those out of the queue whose callers were interrupted.
static struct job *take_interrupted(struct lane *lane)
{
    struct job *taken = NULL;
    pthread_mutex_lock(&lane->lock);
    for (struct job **link = &lane->first, *job; (job = *link);) {
        if (!fuse_req_interrupted(job->call.req)) {
            link = &job->next;
            continue;
        }
        *link = job->next;
        if (!job->next)
            lane->last = link;
        job->next = taken;
        taken = job;
    }
    pthread_mutex_unlock(&lane->lock);
    return taken;
}

static void answer_interrupted(struct lane *lane)
{
    for (struct job *job = take_interrupted(lane), *next; job; job = next) {
        next = job->next;
        fuse_reply_err(job->call.req, EINTR);
        drop_job(job);
    }
}

bool search_ends(void)
{
    if (!own || !own->running)
        return false;
    int64_t now_ns = when_steady_ns();
    if (now_ns >= own->look_ns) {
        answer_interrupted(own);
        own->look_ns = now_ns + LOOK_NS;
    }
    return atomic_load_explicit(&own->search->hurry, memory_order_relaxed) ||
           fuse_req_interrupted(own->running->call.req);
}

// ---- the threads

static void *run(void *context)
{
    struct lane *lane = context;
    own = lane;
    desk_use(&lane->desk);
    pthread_mutex_lock(&lane->lock);
    for (;;) {
        while (!lane->first && !lane->stop)
            pthread_cond_wait(&lane->filled, &lane->lock);
        struct job *job = lane->first;
        if (!job)
            break;
        lane->first = job->next;
        if (!lane->first)
            lane->last = &lane->first;
        pthread_mutex_unlock(&lane->lock);
        lane->running = job;
        if (fuse_req_interrupted(job->call.req))
            fuse_reply_err(job->call.req, EINTR);
        else
            job->call.run(&job->call);
        lane->running = NULL;
        drop_job(job);
        pthread_mutex_lock(&lane->lock);
    }
    pthread_mutex_unlock(&lane->lock);
    return NULL;
}

int search_start(struct search *search)
{
    int error = 0;
    for (int i = 0; !error && i < LANES; i++) {
        error = -pthread_create(&search->lanes[i].thread, NULL, run, &search->lanes[i]);
        search->lanes[i].started = !error;
    }
    return error;
}

void search_hurry(struct search *search)
{
    atomic_store(&search->hurry, true);
}

void search_stop(struct search *search)
{
    if (search)
        search_hurry(search);
    for (int i = 0; search && i < LANES; i++) {
        struct lane *lane = &search->lanes[i];
        if (!lane->started)
            continue;
        pthread_mutex_lock(&lane->lock);
        lane->stop = true;
        pthread_mutex_unlock(&lane->lock);
        pthread_cond_signal(&lane->filled);
        pthread_join(lane->thread, NULL);
        lane->started = false;
    }
}
