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

struct search {
    struct mount *mount;
    pthread_t thread;
    bool started;
    struct desk desk; // the thread's own
    atomic_bool hurry;

    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct job *first, **last; // (lock)
    bool stop;                 // (lock)
    // the thread's own
    const struct job *running;
    int64_t look_ns; // when it looks next
};

// Set on the search's thread alone.
static _Thread_local struct search *own;

int search_open(struct search **opened, struct mount *mount)
{
    struct search *search = calloc(1, sizeof *search);
    if (!search)
        return -ENOMEM;
    search->mount = mount;
    search->desk.reader = TENANT_READER_SEARCH;
    search->last = &search->first;
    atomic_init(&search->hurry, false);
    pthread_mutex_init(&search->lock, NULL);
    pthread_cond_init(&search->filled, NULL);
    *opened = search;
    return 0;
}

void search_close(struct search *search)
{
    if (!search)
        return;
    desk_clear(&search->desk);
    pthread_mutex_destroy(&search->lock);
    pthread_cond_destroy(&search->filled);
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

bool search_takes_any(const struct search_call *call)
{
    struct search *search = mount_of(call->req)->search;
    if (own == search)
        return false;
    struct job *job = make_job(call);
    if (!job) {
        fuse_reply_err(call->req, ENOMEM);
        return true;
    }
    pthread_mutex_lock(&search->lock);
    *search->last = job;
    search->last = &job->next;
    pthread_mutex_unlock(&search->lock);
    pthread_cond_signal(&search->filled);
    return true;
}

bool search_takes(const struct search_call *call)
{
    return node_is_slow(node_of(call->id).kind) && !notifier_is_caller(mount_of(call->req)->notifier, call->req) &&
           search_takes_any(call);
}

// Takes those out of the queue whose callers were interrupted.
static struct job *take_interrupted(struct search *search)
{
    struct job *taken = NULL;
    pthread_mutex_lock(&search->lock);
    for (struct job **link = &search->first, *job; (job = *link);) {
        if (!fuse_req_interrupted(job->call.req)) {
            link = &job->next;
            continue;
        }
        *link = job->next;
        if (!job->next)
            search->last = link;
        job->next = taken;
        taken = job;
    }
    pthread_mutex_unlock(&search->lock);
    return taken;
}

static void answer_interrupted(struct search *search)
{
    for (struct job *job = take_interrupted(search), *next; job; job = next) {
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
    return atomic_load_explicit(&own->hurry, memory_order_relaxed) || fuse_req_interrupted(own->running->call.req);
}

// ---- the thread

static void *run(void *context)
{
    struct search *search = context;
    own = search;
    desk_use(&search->desk);
    pthread_mutex_lock(&search->lock);
    for (;;) {
        while (!search->first && !search->stop)
            pthread_cond_wait(&search->filled, &search->lock);
        struct job *job = search->first;
        if (!job)
            break;
        search->first = job->next;
        if (!search->first)
            search->last = &search->first;
        pthread_mutex_unlock(&search->lock);
        search->running = job;
        if (fuse_req_interrupted(job->call.req))
            fuse_reply_err(job->call.req, EINTR);
        else
            job->call.run(&job->call);
        search->running = NULL;
        drop_job(job);
        pthread_mutex_lock(&search->lock);
    }
    pthread_mutex_unlock(&search->lock);
    return NULL;
}

int search_start(struct search *search)
{
    int error = -pthread_create(&search->thread, NULL, run, search);
    search->started = !error;
    return error;
}

void search_hurry(struct search *search)
{
    atomic_store(&search->hurry, true);
}

void search_stop(struct search *search)
{
    if (!search || !search->started)
        return;
    search_hurry(search);
    pthread_mutex_lock(&search->lock);
    search->stop = true;
    pthread_mutex_unlock(&search->lock);
    pthread_cond_signal(&search->filled);
    pthread_join(search->thread, NULL);
    search->started = false;
}
