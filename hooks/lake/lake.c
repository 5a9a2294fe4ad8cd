#include "hooks/lake/lake.h"

#include "hooks/lake/flush.h"
#include "hooks/lake/metadata.h"
#include "hooks/lake/orphans.h"
#include "hooks/lake/place.h"
#include "hooks/lake/request.h"
#include "hooks/lake/upkeep.h"
#include "store/follower.h"
#include "store/grow.h"
#include "store/json.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define RETRY_LEAST_US WHEN_US_PER_SECOND
#define RETRY_MOST_US  (60 * WHEN_US_PER_SECOND)
// So much is flushed at the end; it takes some tenths of a second.
#define LAST_FLUSH_BYTES ((uint64_t)8 << 20)
// Below the daemon's other threads: what appends goes first.
#define NICENESS 10

enum lake_state { LAKE_STARTING, LAKE_ACTIVE, LAKE_FAILING, LAKE_STOPPED };
static const char *const state_names[] = {"starting", "active", "failing", "stopped"};

// A tenant's log, and how far it is in the table.
struct lake_log {
    uint64_t position, size_bytes; // of its end
    uint64_t flushed, flushed_bytes;
    bool is_known; // what of it is in the table
};

struct lake {
    struct store *store;
    struct lake_options options;
    struct committer committer; // the thread's own, as what follows
    pthread_t thread;
    bool started;
    int wake; // an eventfd
    int listening;
    struct upkeep upkeep;
    unsigned failures; // in a row
    int said;          // the error of the last one, which is said once; 0 after a success
    int64_t retry_us;
    atomic_bool stop;

    pthread_mutex_t lock;  // of what follows
    struct lake_log *logs; // by the tenants' numbers
    size_t log_room;
    uint64_t waiting_bytes;
    int64_t waiting_since_us; // 0: nothing waits
    enum lake_state state;
    int64_t flushed_at_us;      // 0: never
    int64_t files, rows, bytes; // of the table
    int64_t error_at_us;        // 0: none
    struct reason error;
};

// ---- what waits

static void wake_up(struct lake *l)
{
    uint64_t one = 1;
    ssize_t written = write(l->wake, &one, sizeof one);
    (void)written;
}

// True when the thread must hear of it. Under the lock.
static bool take_end(struct lake *l, uint32_t tenant, const struct log_end *end)
{
    if (!GROW_TO(l->logs, tenant, l->log_room))
        return false; // it is found out when the next commit is
    struct lake_log *log = &l->logs[tenant];
    if (end->position <= log->position)
        return false;
    bool first = !l->waiting_since_us, was_enough = l->waiting_bytes >= l->options.flush_bytes;
    l->waiting_bytes += end->size_bytes - log->size_bytes;
    log->position = end->position;
    log->size_bytes = end->size_bytes;
    if (first)
        l->waiting_since_us = when_now_us();
    return first || (!was_enough && l->waiting_bytes >= l->options.flush_bytes);
}

// On the tenant's writer, who alone changes the end.
static void committed(void *self, const struct tenant *tenant)
{
    struct lake *l = self;
    pthread_mutex_lock(&l->lock);
    bool matters = take_end(l, tenant->number, &tenant->end);
    pthread_mutex_unlock(&l->lock);
    if (matters)
        wake_up(l);
}

// What was committed before there was a thread.
static void look_at_all(struct lake *l)
{
    struct tenant_info info = {0};
    struct tenant *tenant;
    while (!atomic_load(&l->stop) && store_from(l->store, info.number + 1, &info) == 0) {
        if (store_get(l->store, info.number, &tenant))
            continue; // it was said; the flush says it again
        struct log_end end = tenant_end(tenant);
        pthread_mutex_lock(&l->lock);
        take_end(l, info.number, &end);
        pthread_mutex_unlock(&l->lock);
        store_put(l->store, tenant);
    }
}

static void take_flushed(void *context, const struct flush_tenant *tenant)
{
    struct lake *l = context;
    pthread_mutex_lock(&l->lock);
    if (GROW_TO(l->logs, tenant->number, l->log_room)) {
        struct lake_log *log = &l->logs[tenant->number];
        log->flushed = tenant->position;
        log->flushed_bytes = tenant->size_bytes;
        log->is_known = true;
    }
    pthread_mutex_unlock(&l->lock);
}

// What waits now, since `since_us` at least. Under the lock.
static void count_waiting(struct lake *l, int64_t since_us)
{
    l->waiting_bytes = 0;
    bool any = false;
    for (size_t i = 0; i < l->log_room; i++)
        if (l->logs[i].position > l->logs[i].flushed) {
            any = true;
            l->waiting_bytes += l->logs[i].size_bytes - l->logs[i].flushed_bytes;
        }
    l->waiting_since_us = any ? since_us : 0;
}

// ---- flushing

static size_t list_tenants(struct lake *l, uint32_t **tenants)
{
    size_t count = 0;
    pthread_mutex_lock(&l->lock);
    *tenants = calloc(l->log_room + 1, sizeof **tenants);
    for (size_t i = 0; *tenants && i < l->log_room; i++)
        if (l->logs[i].position > l->logs[i].flushed || (l->logs[i].position && !l->logs[i].is_known))
            (*tenants)[count++] = (uint32_t)i;
    pthread_mutex_unlock(&l->lock);
    return count;
}

static void take_totals(struct lake *l)
{
    struct slice metadata = committer_metadata(&l->committer), snapshot;
    if (!metadata_snapshot(metadata, metadata_current(metadata), &snapshot))
        return;
    l->files = metadata_total(snapshot, "total-data-files");
    l->rows = metadata_total(snapshot, "total-records");
    l->bytes = metadata_total(snapshot, "total-files-size");
}

static bool is_refusal(int error)
{
    return error == -EXDEV || error == -ENOTSUP || error == -ENXIO;
}

static void conclude(struct lake *l, int error, const struct reason *why, int64_t since_us)
{
    pthread_mutex_lock(&l->lock);
    count_waiting(l, since_us);
    bool anew = error && error != l->said;
    l->state = !error ? LAKE_ACTIVE : is_refusal(error) ? LAKE_STOPPED : LAKE_FAILING;
    if (!error)
        l->flushed_at_us = when_now_us();
    else {
        l->error_at_us = when_now_us();
        l->error = *why;
    }
    if (l->committer.table.metadata.size)
        take_totals(l);
    bool stopped = l->state == LAKE_STOPPED;
    pthread_mutex_unlock(&l->lock);
    l->said = error;
    if (!error) {
        l->failures = 0;
        return;
    }
    int64_t wait_us = l->failures < 6 ? RETRY_LEAST_US << l->failures : RETRY_MOST_US;
    l->retry_us = when_now_us() + (wait_us < RETRY_MOST_US ? wait_us : RETRY_MOST_US);
    l->failures++;
    if (anew)
        fprintf(stderr, "factfs: lake%s: %s\n", stopped ? " stopped" : "", why->text);
}

static int flush(struct lake *l, struct flush_result *result, struct reason *why)
{
    uint32_t *tenants;
    int64_t since_us = when_now_us();
    size_t count = list_tenants(l, &tenants);
    *result = (struct flush_result){.tenant = take_flushed, .context = l};
    int error = tenants ? flush_run(&l->committer, l->store, tenants, count, result, why) : -ENOMEM;
    free(tenants);
    if (error == -ECANCELED)
        return error;
    if (error)
        reason_set(why, error, "%s", strerror(-error));
    if (result->files)
        upkeep_flushed(&l->upkeep, when_now_us());
    conclude(l, error, why, since_us);
    return error;
}

// ---- upkeep

static void say(void *context, const char *text)
{
    struct lake *l = context;
    pthread_mutex_lock(&l->lock);
    l->error_at_us = when_now_us();
    snprintf(l->error.text, sizeof l->error.text, "%s", text);
    pthread_mutex_unlock(&l->lock);
    fprintf(stderr, "factfs: lake: %s\n", text);
}

// What fails is tried again by itself; flushes do not wait for it.
static int keep_up(struct lake *l, upkeep_some *part_or_all, struct compact_result *sum, struct reason *why)
{
    int error = part_or_all(&l->upkeep, &l->committer, when_now_us(), sum, why);
    if (error == -ECANCELED)
        return error;
    if (error) {
        reason_set(why, error, "%s", strerror(-error));
        say(l, why->text);
    }
    pthread_mutex_lock(&l->lock);
    if (l->committer.table.metadata.size)
        take_totals(l);
    pthread_mutex_unlock(&l->lock);
    return error;
}

// ---- requests

static void answer(int client, int error, struct bytes *text, const struct reason *why)
{
    if (error) {
        bytes_clear(text);
        bytes_printf(text, "%s\n", why->text[0] ? why->text : strerror(-error));
    }
    request_answer(client, error != 0, bytes_slice(text));
}

static void answer_flush(struct lake *l, int client)
{
    struct reason why = {0};
    struct flush_result done;
    BYTES_AUTO text = {0};
    look_at_all(l);
    int error = flush(l, &done, &why);
    flush_print(&text, &done);
    answer(client, error, &text, &why);
}

static void answer_compact(struct lake *l, int client)
{
    struct reason why = {0};
    struct compact_result sum;
    BYTES_AUTO text = {0};
    int error = keep_up(l, upkeep_run, &sum, &why);
    upkeep_print(&text, &sum);
    answer(client, error, &text, &why);
}

static void answer_expire(struct lake *l, int client)
{
    struct reason why = {0};
    struct expired done;
    BYTES_AUTO text = {0};
    int error = upkeep_expire(&l->committer, &done, &why);
    upkeep_print_expired(&text, &done);
    answer(client, error, &text, &why);
}

static void answer_remove_orphans(struct lake *l, int client)
{
    struct reason why = {0};
    BYTES_AUTO text = {0};
    answer(client, orphans_print(&l->committer, true, &text, &why), &text, &why);
}

static const struct {
    const char *word;
    void (*answer)(struct lake *l, int client);
} requests[] = {
    {"flush", answer_flush},
    {"compact", answer_compact},
    {"expire", answer_expire},
    {"remove-orphans", answer_remove_orphans},
};

static void take_request(struct lake *l)
{
    char word[REQUEST_WORD_MAX];
    int client = request_take(l->listening, word);
    if (client < 0)
        return;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        if (strcmp(word, requests[i].word) == 0) {
            requests[i].answer(l, client);
            return;
        }
    request_answer(client, true, SLICE("this daemon does not know how to do that\n"));
}

// ---- the thread

// When there is something to do next; INT64_MAX: when somebody says so.
static int64_t due_us(struct lake *l)
{
    pthread_mutex_lock(&l->lock);
    int64_t due = INT64_MAX;
    if (l->state == LAKE_STARTING)
        due = 0;
    else if (l->waiting_since_us)
        due = l->waiting_bytes >= l->options.flush_bytes
                  ? 0
                  : l->waiting_since_us + l->options.flush_seconds * WHEN_US_PER_SECOND;
    if (l->state == LAKE_FAILING && due < l->retry_us)
        due = l->retry_us;
    if (l->state == LAKE_FAILING && due == INT64_MAX)
        due = l->retry_us;
    if (l->state == LAKE_STOPPED)
        due = INT64_MAX;
    pthread_mutex_unlock(&l->lock);
    return due;
}

// Not of a table that is not ours, or cannot be reached; nor where others see to it.
static bool may_keep_up(struct lake *l)
{
    pthread_mutex_lock(&l->lock);
    bool may = l->state == LAKE_ACTIVE && !l->options.kept_by_others;
    pthread_mutex_unlock(&l->lock);
    return may;
}

static void wait_for_work(struct lake *l, int64_t until_us)
{
    struct pollfd fds[] = {{.fd = l->wake, .events = POLLIN}, {.fd = l->listening, .events = POLLIN}};
    int64_t left_us = until_us == INT64_MAX ? INT64_MAX : until_us - when_now_us();
    int ms = left_us <= 0 ? 0 : left_us > 3600 * WHEN_US_PER_SECOND ? -1 : (int)((left_us + 999) / 1000);
    uint64_t count;
    if (poll(fds, 2, ms) <= 0)
        return;
    if (fds[0].revents) {
        ssize_t got = read(l->wake, &count, sizeof count);
        (void)got;
    }
    if (fds[1].revents && !atomic_load(&l->stop))
        take_request(l);
}

static void flush_at_end(struct lake *l)
{
    struct flush_result done;
    struct reason why = {0};
    pthread_mutex_lock(&l->lock);
    bool wanted = l->state == LAKE_ACTIVE && l->waiting_since_us && l->waiting_bytes <= LAST_FLUSH_BYTES &&
                  place_is_directory(l->options.place);
    pthread_mutex_unlock(&l->lock);
    l->committer.stop = NULL;
    if (wanted)
        flush(l, &done, &why);
}

static void *run(void *argument)
{
    struct lake *l = argument;
    struct flush_result done;
    struct compact_result sum;
    // Of this thread alone, as Linux has it.
    setpriority(PRIO_PROCESS, 0, NICENESS);
    look_at_all(l);
    while (!atomic_load(&l->stop)) {
        struct reason why = {0};
        int64_t due = due_us(l), now_us = when_now_us();
        bool keeps_up = may_keep_up(l);
        if (due <= now_us)
            flush(l, &done, &why);
        else if (keeps_up && l->upkeep.due_us <= now_us)
            keep_up(l, upkeep_step, &sum, &why);
        else
            wait_for_work(l, keeps_up && l->upkeep.due_us < due ? l->upkeep.due_us : due);
    }
    flush_at_end(l);
    return NULL;
}

// ---- the follower

static void show_beside(void *self, uint32_t tenant, struct bytes *out)
{
    struct lake *l = self;
    pthread_mutex_lock(&l->lock);
    struct lake_log log = tenant < l->log_room ? l->logs[tenant] : (struct lake_log){0};
    bytes_add_text(out, "\"lake\":{\"place\":");
    json_quote(out, slice_of(l->options.place));
    bytes_printf(out, ",\"state\":\"%s\",\"position\":%llu,\"lag\":%llu,\"lagBytes\":%llu", state_names[l->state],
        (unsigned long long)log.flushed,
        (unsigned long long)(log.position > log.flushed ? log.position - log.flushed : 0),
        (unsigned long long)(log.size_bytes > log.flushed_bytes ? log.size_bytes - log.flushed_bytes : 0));
    bytes_printf(out, ",\"files\":%lld,\"rows\":%lld,\"bytes\":%lld,\"lastFlush\":", (long long)l->files,
        (long long)l->rows, (long long)l->bytes);
    if (l->flushed_at_us)
        when_quote(out, l->flushed_at_us);
    else
        bytes_add_text(out, "null");
    bytes_add_text(out, ",\"lastError\":");
    if (l->error_at_us) {
        bytes_add_text(out, "{\"time\":");
        when_quote(out, l->error_at_us);
        bytes_add_text(out, ",\"error\":");
        json_quote(out, slice_of(l->error.text));
        bytes_add_char(out, '}');
    } else
        bytes_add_text(out, "null");
    bytes_add_char(out, '}');
    pthread_mutex_unlock(&l->lock);
}

static int start(void *self)
{
    struct lake *l = self;
    int error = -pthread_create(&l->thread, NULL, run, l);
    l->started = !error;
    return error;
}

static void stop(void *self)
{
    struct lake *l = self;
    if (!l)
        return;
    if (l->started) {
        atomic_store(&l->stop, true);
        wake_up(l);
        pthread_join(l->thread, NULL);
    }
    l->started = false;
    // While there is a store.
    if (l->listening >= 0)
        request_end(store_path(l->store), l->listening);
    l->listening = -1;
}

static void close_lake(void *self)
{
    struct lake *l = self;
    if (!l)
        return;
    stop(l);
    if (l->wake >= 0)
        close(l->wake);
    committer_close(&l->committer);
    pthread_mutex_destroy(&l->lock);
    free(l->logs);
    free(l);
}

static int open_lake(void **self, struct store *store, const void *options, struct reason *why)
{
    struct lake *l = calloc(1, sizeof *l);
    if (!l)
        return -ENOMEM;
    l->store = store;
    l->options = *(const struct lake_options *)options;
    l->listening = -1;
    l->committer.journal.fd = -1;
    pthread_mutex_init(&l->lock, NULL);
    l->upkeep = (struct upkeep){.due_us = when_now_us() + UPKEEP_BEHIND_FLUSH_US, .say = say, .context = l};
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = l->wake < 0 ? -errno : 0;
    if (!error)
        error = committer_open(&l->committer, &l->options, store_path(store), store_alphabet(store), &l->stop, why);
    if (!error)
        error = lake_place_remember(store_path(store), &l->options, why);
    if (!error) {
        l->listening = request_listen(store_path(store), why);
        error = l->listening < 0 ? l->listening : 0;
    }
    if (error) {
        close_lake(l);
        return error;
    }
    *self = l;
    return 0;
}

const struct follower lake_follower = {
    .open = open_lake,
    .start = start,
    .stop = stop,
    .close = close_lake,
    .committed = committed,
    .show_beside = show_beside,
};
