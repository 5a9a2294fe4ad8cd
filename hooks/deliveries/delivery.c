#include "hooks/deliveries/delivery.h"

#include "hooks/deliveries/outlet.h"
#include "hooks/hooks.h"
#include "store/follower.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define TENANTS_MAX 65536u
// Tenants looked at in one go, for events that wait since before the start.
#define LIST_AT_ONCE 8u
// When the daemon ends, requests under way get so long, and the disk so long.
#define STOP_SENDING_US (2 * WHEN_US_PER_SECOND)
#define STOP_SAVING_US  (3 * WHEN_US_PER_SECOND)
#define WAIT_MS_MAX     60000

// A set of tenants that other threads add to.
struct tenant_set {
    _Atomic uint64_t words[TENANTS_MAX / 64];
};

// A hook that was saved again as it is.
struct confirmation {
    uint32_t tenant;
    uint64_t hook;
    struct confirmation *next;
};

// What a tenant's receivers looked like when they were looked at last.
struct published {
    uint32_t tenant;
    struct bytes shown;
    struct published *next;
};

struct delivery {
    struct store *store;
    struct transfers transfers;
    pthread_t thread;
    bool started;

    struct tenant_set have_receivers; // their commits are of interest
    struct tenant_set changed;        // so have their receivers
    struct tenant_set committed;
    atomic_bool any_committed, stop;

    pthread_mutex_t lock;
    struct follower_ask *asks, **last_ask; // (lock)
    struct ledger *answered;               // (lock)
    struct confirmation *confirmations;    // (lock)
    struct published *published;           // (lock)

    // the thread's own
    struct outlet *outlets;
    uint32_t listed; // tenants up to here were looked at
    bool all_listed;
};

static bool set_has(const struct tenant_set *set, uint32_t tenant)
{
    return atomic_load_explicit(&set->words[tenant / 64], memory_order_acquire) >> tenant % 64 & 1;
}

// Was it in already?
static bool set_add(struct tenant_set *set, uint32_t tenant)
{
    uint64_t bit = UINT64_C(1) << tenant % 64;
    return atomic_fetch_or_explicit(&set->words[tenant / 64], bit, memory_order_acq_rel) & bit;
}

static bool set_take(struct tenant_set *set, uint32_t tenant)
{
    uint64_t bit = UINT64_C(1) << tenant % 64;
    return atomic_fetch_and_explicit(&set->words[tenant / 64], ~bit, memory_order_acq_rel) & bit;
}

// ---- other threads

static void confirm(struct delivery *d, uint32_t tenant, uint64_t hook)
{
    struct confirmation *c = malloc(sizeof *c);
    if (!c)
        return;
    *c = (struct confirmation){.tenant = tenant, .hook = hook};
    pthread_mutex_lock(&d->lock);
    c->next = d->confirmations;
    d->confirmations = c;
    pthread_mutex_unlock(&d->lock);
}

// What the commit has changed of receivers. True when anything.
static bool take_news(struct delivery *d, const struct tenant *tenant)
{
    struct reaction *reaction = tenant->reaction;
    if (!reaction || !reaction->receivers.changed)
        return false;
    for (unsigned i = 0; i < reaction->receivers.confirmed_count; i++)
        confirm(d, tenant->number, reaction->receivers.confirmed[i]);
    reaction->receivers = (struct receiver_news){0};
    return true;
}

static void committed(void *self, const struct tenant *tenant)
{
    struct delivery *d = self;
    uint32_t number = tenant->number;
    bool changed = take_news(d, tenant);
    if (changed)
        set_add(&d->changed, number);
    if (!changed && !set_has(&d->have_receivers, number))
        return;
    if (set_add(&d->committed, number))
        return;
    atomic_store(&d->any_committed, true);
    transfers_wake(&d->transfers);
}

static void take_ask(void *self, struct follower_ask *ask)
{
    struct delivery *d = self;
    ask->next = NULL;
    pthread_mutex_lock(&d->lock);
    *d->last_ask = ask;
    d->last_ask = &ask->next;
    pthread_mutex_unlock(&d->lock);
    transfers_wake(&d->transfers);
}

void delivery_answered(struct delivery *d, struct ledger *ledger)
{
    pthread_mutex_lock(&d->lock);
    ledger->next = d->answered;
    d->answered = ledger;
    pthread_mutex_unlock(&d->lock);
    transfers_wake(&d->transfers);
}

static struct published *find_published(const struct delivery *d, uint32_t tenant)
{
    struct published *p = d->published;
    while (p && p->tenant != tenant)
        p = p->next;
    return p;
}

void delivery_publish(struct delivery *d, uint32_t tenant, struct bytes *shown)
{
    struct published *fresh = calloc(1, sizeof *fresh);
    pthread_mutex_lock(&d->lock);
    struct published *p = find_published(d, tenant);
    if (!p && fresh) {
        *fresh = (struct published){.tenant = tenant, .next = d->published};
        d->published = p = fresh;
        fresh = NULL;
    }
    if (p) {
        bytes_free(&p->shown);
        p->shown = *shown;
        *shown = (struct bytes){0};
    }
    pthread_mutex_unlock(&d->lock);
    free(fresh);
    bytes_free(shown);
}

static void show(void *self, uint32_t tenant, struct bytes *out)
{
    struct delivery *d = self;
    pthread_mutex_lock(&d->lock);
    const struct published *p = find_published(d, tenant);
    bool any = p && p->shown.size && !p->shown.failed;
    if (any)
        bytes_add_slice(out, bytes_slice(&p->shown));
    pthread_mutex_unlock(&d->lock);
    const struct hook_kind *hook;
    for (size_t i = 0; !any && (hook = receiver_hook_at(i)); i++)
        bytes_printf(out, "%s\"%s\":{}", i ? "," : "", hook->folder);
}

// ---- outlets

static struct outlet *find_outlet(const struct delivery *d, uint32_t tenant)
{
    struct outlet *o = d->outlets;
    while (o && o->number != tenant)
        o = o->next;
    return o;
}

static void drop_outlet(struct delivery *d, struct outlet *dropped)
{
    struct outlet **link = &d->outlets;
    while (*link != dropped)
        link = &(*link)->next;
    *link = dropped->next;
    outlet_free(dropped);
}

// The outlet of a tenant, its definitions as they are committed; NULL when it has no receivers (or cannot be opened,
// which was said).
static struct outlet *open_outlet(struct delivery *d, uint32_t tenant)
{
    // Before anything is read: what is committed from here on is heard of.
    set_add(&d->have_receivers, tenant);
    struct outlet *o = find_outlet(d, tenant);
    if (!o) {
        o = outlet_new(d, d->store, &d->transfers, tenant);
        if (!o)
            return NULL;
        o->next = d->outlets;
        d->outlets = o;
    }
    int error = outlet_reread(o);
    if (error == -ENOENT) {
        set_take(&d->have_receivers, tenant);
        drop_outlet(d, o);
        return NULL;
    }
    o->dirty = true;
    return o;
}

static void list_tenants(struct delivery *d)
{
    struct tenant_info info;
    for (unsigned i = 0; !d->all_listed && i < LIST_AT_ONCE; i++) {
        if (store_from(d->store, d->listed + 1, &info)) {
            d->all_listed = true;
            break;
        }
        d->listed = info.number;
        if (!find_outlet(d, info.number))
            open_outlet(d, info.number);
    }
}

static void take_commits(struct delivery *d)
{
    if (!atomic_exchange(&d->any_committed, false))
        return;
    for (uint32_t word = 0; word < TENANTS_MAX / 64; word++) {
        uint64_t bits = atomic_exchange_explicit(&d->committed.words[word], 0, memory_order_acq_rel);
        for (; bits; bits &= bits - 1) {
            uint32_t number = word * 64 + (uint32_t)__builtin_ctzll(bits);
            struct outlet *o = find_outlet(d, number);
            if (o)
                o->dirty = true;
            if (!set_take(&d->changed, number))
                continue;
            if (o)
                o->rereads = true;
            open_outlet(d, number);
        }
    }
}

// ---- what others have left

static void take_answers(struct delivery *d, int64_t now_us)
{
    pthread_mutex_lock(&d->lock);
    struct ledger *answered = d->answered;
    d->answered = NULL;
    pthread_mutex_unlock(&d->lock);
    for (struct ledger *next; answered; answered = next) {
        next = answered->next;
        struct outlet *o = find_outlet(d, answered->tenant);
        if (o && o->under_way == answered)
            outlet_settle(o, now_us);
        else
            ledger_free(answered);
    }
}

static void take_confirmations(struct delivery *d)
{
    pthread_mutex_lock(&d->lock);
    struct confirmation *all = d->confirmations;
    d->confirmations = NULL;
    pthread_mutex_unlock(&d->lock);
    for (struct confirmation *next; all; all = next) {
        next = all->next;
        struct outlet *o = find_outlet(d, all->tenant);
        if (o)
            outlet_enable(o, all->hook);
        free(all);
    }
}

static void take_asks(struct delivery *d, int64_t now_us)
{
    pthread_mutex_lock(&d->lock);
    struct follower_ask *asks = d->asks;
    d->asks = NULL;
    d->last_ask = &d->asks;
    pthread_mutex_unlock(&d->lock);
    for (struct follower_ask *next; asks; asks = next) {
        next = asks->next;
        struct outlet *o = find_outlet(d, asks->tenant);
        if (!o)
            o = open_outlet(d, asks->tenant);
        int error = o ? outlet_reread(o) : -ENOENT;
        if (error) {
            asks->error = error;
            asks->answer(asks);
            continue;
        }
        o->dirty = true;
        outlet_ask(o, asks, now_us);
    }
}

// True when any has ended.
static bool take_transfers(struct delivery *d)
{
    bool any = false;
    transfers_move(&d->transfers);
    for (struct transfer *t; (t = transfers_next(&d->transfers)); any = true) {
        outlet_of(t)->dirty = true;
        outlet_conclude(t, when_now_us());
    }
    return any;
}

// ---- the thread

// Serves whoever has something to do. When the next has: at *due_us. True when one has more to do at once.
static bool serve(struct delivery *d, int64_t *due_us)
{
    bool more = false;
    *due_us = INT64_MAX;
    for (struct outlet *o = d->outlets, *next; o; o = next) {
        next = o->next;
        int64_t now_us = when_now_us();
        if (o->dirty || o->tenant || now_us >= o->due_us) {
            o->dirty = false;
            if (o->rereads)
                outlet_reread(o);
            more |= outlet_serve(o, now_us);
        }
        if (o->due_us < *due_us)
            *due_us = o->due_us;
    }
    return more;
}

static int wait_ms(int64_t due_us)
{
    int64_t now_us = when_now_us();
    if (due_us <= now_us)
        return 0;
    int64_t ms = due_us == INT64_MAX ? WAIT_MS_MAX : (due_us - now_us + 999) / 1000;
    return ms < WAIT_MS_MAX ? (int)ms : WAIT_MS_MAX;
}

static void take_all(struct delivery *d)
{
    int64_t now_us = when_now_us();
    take_commits(d);
    take_confirmations(d);
    take_answers(d, now_us);
    take_asks(d, now_us);
}

static bool flush_all(struct delivery *d)
{
    bool flushed = true;
    for (struct outlet *o = d->outlets; o; o = o->next)
        flushed &= outlet_flush(o, when_now_us());
    return flushed;
}

// Nothing new is sent. What is under way may end, and all outcomes go to disk.
static void finish(struct delivery *d)
{
    int64_t end_us = when_now_us() + STOP_SENDING_US;
    while (d->transfers.under_way && when_now_us() < end_us) {
        transfers_wait(&d->transfers, wait_ms(end_us));
        take_transfers(d);
        take_answers(d, when_now_us());
    }
    for (struct outlet *o = d->outlets; o; o = o->next)
        outlet_break_off(o, NULL);
    end_us = when_now_us() + STOP_SAVING_US;
    while (!flush_all(d) && when_now_us() < end_us) {
        transfers_wait(&d->transfers, 10);
        take_answers(d, when_now_us());
    }
}

static void *run(void *argument)
{
    struct delivery *d = argument;
    while (!atomic_load(&d->stop)) {
        int64_t due_us;
        list_tenants(d);
        take_all(d);
        bool more = serve(d, &due_us);
        more |= take_transfers(d) || !d->all_listed;
        transfers_wait(&d->transfers, more ? 0 : wait_ms(due_us));
    }
    finish(d);
    return NULL;
}

// ---- the follower

static int start(void *self)
{
    struct delivery *d = self;
    int error = -pthread_create(&d->thread, NULL, run, d);
    d->started = !error;
    return error;
}

static void refuse_asks(struct delivery *d)
{
    for (struct follower_ask *ask = d->asks, *next; ask; ask = next) {
        next = ask->next;
        ask->error = -EIO;
        ask->answer(ask);
    }
    d->asks = NULL;
    d->last_ask = &d->asks;
}

static void stop(void *self)
{
    struct delivery *d = self;
    if (!d || !d->started)
        return;
    atomic_store(&d->stop, true);
    transfers_wake(&d->transfers);
    pthread_join(d->thread, NULL);
    d->started = false;
    while (d->outlets)
        drop_outlet(d, d->outlets);
    refuse_asks(d);
}

static void close_delivery(void *self)
{
    struct delivery *d = self;
    if (!d)
        return;
    stop(d);
    take_answers(d, 0);
    take_confirmations(d);
    if (d->transfers.multi)
        transfers_close(&d->transfers);
    for (struct published *p = d->published, *next; p; p = next) {
        next = p->next;
        bytes_free(&p->shown);
        free(p);
    }
    pthread_mutex_destroy(&d->lock);
    curl_global_cleanup();
    free(d);
}

static int open_delivery(void **self, struct store *store, const void *options, struct reason *why)
{
    const struct delivery_options *given = options;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return reason_set(why, -EIO, "libcurl cannot be used");
    struct delivery *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    d->store = store;
    d->last_ask = &d->asks;
    pthread_mutex_init(&d->lock, NULL);
    int error = transfers_open(&d->transfers, &given->opened, given->ca_file);
    if (error) {
        close_delivery(d);
        return reason_set(why, error, "libcurl cannot be used");
    }
    *self = d;
    return 0;
}

const struct follower delivery_follower = {
    .open = open_delivery,
    .start = start,
    .stop = stop,
    .close = close_delivery,
    .committed = committed,
    .show = show,
    .ask = take_ask,
};
