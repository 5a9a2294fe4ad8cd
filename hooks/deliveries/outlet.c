#include "hooks/deliveries/outlet.h"

#include "hooks/hooks.h"

#include <errno.h>
#include <stdlib.h>

// An outcome may wait so long for others, or for an append, to go to disk together.
#define FLUSH_US INT64_C(50000)
// What the disk did not take is handed in again after this.
#define AGAIN_US WHEN_US_PER_SECOND
// What status.json shows is as old as this, at most.
#define PUBLISH_US (WHEN_US_PER_SECOND / 10)
// Without anything to do for so long, the tenant is given back.
#define REST_US WHEN_US_PER_SECOND
// What fails because there is no memory is done again after this.
#define MEMORY_US (WHEN_US_PER_SECOND / 10)

// ---- beginning and ending

struct outlet *outlet_new(struct delivery *delivery, struct store *store, struct transfers *transfers, uint32_t number)
{
    struct outlet *o = calloc(1, sizeof *o);
    if (o)
        *o = (struct outlet){
            .delivery = delivery, .store = store, .transfers = transfers, .number = number, .rereads = true};
    return o;
}

static void drop_asks(struct follower_ask **asks, int error)
{
    while (*asks) {
        struct follower_ask *ask = *asks;
        *asks = ask->next;
        ask->error = error;
        ask->answer(ask);
    }
}

static void release(struct outlet *o)
{
    if (o->tenant)
        store_put(o->store, o->tenant);
    o->tenant = NULL;
    o->reader = NULL;
}

static int acquire(struct outlet *o)
{
    if (o->tenant)
        return 0;
    int error = store_get(o->store, o->number, &o->tenant);
    if (!error && (error = history_reader(o->tenant, TENANT_READER_DELIVERIES, &o->reader)))
        release(o);
    return error;
}

void outlet_free(struct outlet *o)
{
    delivery_publish(o->delivery, o->number, &(struct bytes){0});
    outlet_break_off(o, NULL);
    for (struct queue *q = o->queues, *next; q; q = next) {
        next = q->next;
        queue_free(q);
    }
    drop_asks(&o->asks, -EIO);
    drop_asks(&o->waiting, -EIO);
    ledger_free(o->open);
    if (o->refused)
        ledger_free(o->under_way);
    release(o);
    free(o);
}

// ---- the ledger

struct ledger *outlet_ledger(struct outlet *o)
{
    if (!o->open)
        o->open = ledger_new(o->number, o->delivery);
    return o->open;
}

static void hand_in(struct outlet *o)
{
    o->refused = false;
    o->handed_in_ns = when_steady_ns();
    ledger_submit(o->under_way, o->tenant);
}

// There was no memory to keep what happened: everything goes on from what is on disk.
static void begin_anew(struct outlet *o)
{
    fprintf(stderr, "factfs: tenant %s: no memory for deliveries: some are sent again\n", o->tenant->name);
    outlet_break_off(o, NULL);
    for (struct queue *q = o->queues, *next; q; q = next) {
        next = q->next;
        queue_free(q);
    }
    o->queues = NULL;
    ledger_free(o->open);
    o->open = NULL;
    o->rereads = true;
    drop_asks(&o->asks, -ENOMEM);
}

static void flush(struct outlet *o)
{
    if (!outlet_ledger(o))
        return;
    for (struct queue *q = o->queues; q; q = q->next) {
        q->collected = queue_has_news(q);
        if (q->collected)
            queue_collect(q, o->open);
    }
    o->flush_us = 0;
    if (o->open->failed) {
        begin_anew(o);
        return;
    }
    o->under_way = o->open;
    o->open = NULL;
    o->waiting = o->asks;
    o->asks = NULL;
    hand_in(o);
}

static bool reads_rows(const struct follower_ask *ask)
{
    return ask->question == FOLLOWER_ATTEMPTS || ask->question == FOLLOWER_DEAD;
}

// Who reads rows gets those that there are, whatever became of the others.
static void answer_readers(struct outlet *o, struct follower_ask **asks)
{
    for (struct follower_ask **at = asks, *ask; (ask = *at);) {
        if (!reads_rows(ask)) {
            at = &ask->next;
            continue;
        }
        *at = ask->next;
        outlet_read_rows(o, ask);
    }
}

void outlet_settle(struct outlet *o, int64_t now_us)
{
    answer_readers(o, &o->waiting);
    if (o->under_way->error) {
        // A full disk, mostly: the slots stay taken until there is room.
        o->refused = true;
        o->again_us = now_us + AGAIN_US;
        answer_readers(o, &o->asks);
        drop_asks(&o->waiting, o->under_way->error);
        return;
    }
    o->commit_us = (o->commit_us * 7 + (when_steady_ns() - o->handed_in_ns) / 1000) / 8;
    ledger_free(o->under_way);
    o->under_way = NULL;
    for (struct queue *q = o->queues; q; q = q->next) {
        if (q->collected)
            queue_saved(q);
        q->collected = false;
    }
    drop_asks(&o->waiting, 0);
}

static bool has_news(const struct outlet *o)
{
    bool news = o->open && !ledger_is_empty(o->open);
    for (const struct queue *q = o->queues; q && !news; q = q->next)
        news = queue_has_news(q);
    return news;
}

bool outlet_is_ahead(const struct outlet *o)
{
    return !o->refused && (o->under_way || has_news(o));
}

static bool is_urgent(const struct outlet *o)
{
    bool urgent = o->asks;
    for (const struct queue *q = o->queues; q && !urgent; q = q->next)
        urgent = queue_is_held(q, o->commit_us);
    return urgent;
}

bool outlet_flush(struct outlet *o, int64_t now_us)
{
    if (!has_news(o) && !o->under_way)
        return true;
    if (acquire(o))
        return false;
    if (o->under_way && o->refused && now_us >= o->again_us)
        hand_in(o);
    else if (!o->under_way)
        flush(o);
    return false;
}

static void earlier(int64_t *due_us, int64_t at_us)
{
    if (at_us < *due_us)
        *due_us = at_us;
}

// Hands in what should be on disk by now.
static void flush_in_time(struct outlet *o, int64_t now_us)
{
    if (o->under_way) {
        if (o->refused && now_us >= o->again_us)
            hand_in(o);
        else if (o->refused)
            earlier(&o->due_us, o->again_us);
        return;
    }
    if (!has_news(o) && !o->asks)
        return;
    if (!o->flush_us)
        o->flush_us = now_us + FLUSH_US;
    if (is_urgent(o) || now_us >= o->flush_us)
        flush(o);
    else
        earlier(&o->due_us, o->flush_us);
}

// ---- definitions

struct queue *outlet_queue(const struct outlet *o, uint64_t hook)
{
    struct queue *q = o->queues;
    while (q && q->row.hook != hook)
        q = q->next;
    return q;
}

static struct queue *add_queue(struct outlet *o, const struct hook_kind *hook, uint64_t number)
{
    struct queue *q = queue_new(hook, number);
    int error = q ? queue_restore(q, o->reader) : -ENOMEM;
    if (error) {
        fprintf(stderr, "factfs: tenant %s: one of hooks/%s does not send: %s\n", o->tenant->name, hook->folder,
            strerror(-error));
        queue_free(q);
        return NULL;
    }
    q->next = o->queues;
    return o->queues = q;
}

static int define(struct outlet *o, const struct hook_kind *hook, const struct hook_row *row)
{
    struct reason why = {0};
    struct slice stem;
    struct queue *q = outlet_queue(o, row->number);
    if (!hook_stem(hook, row->name, &stem))
        return 0;
    if (q && q->defined_at == row->position && slice_is(stem, q->name))
        return 0;
    BYTES_AUTO text = {0}, name = {0};
    bytes_add_slice(&text, row->text);
    bytes_add_slice(&name, stem);
    if (!q)
        q = add_queue(o, hook, row->number);
    if (!q || text.failed || name.failed)
        return -ENOMEM;
    int error = queue_define(q, bytes_slice(&name), bytes_slice(&text), row->position, &why);
    if (error)
        fprintf(stderr, "factfs: tenant %s: %s/%s: %s\n", o->tenant->name, q->hook->folder, q->name, why.text);
    return error == -ENOMEM ? error : 0;
}

static void drop_queue(struct outlet *o, struct queue **link)
{
    struct queue *q = *link;
    *link = q->next;
    outlet_break_off(o, q);
    if (outlet_ledger(o))
        ledger_forget(o->open, q->row.hook);
    queue_free(q);
}

// Rows of hooks that were removed while nobody looked.
static void forget_removed(struct outlet *o)
{
    struct outbox_row row = {0};
    while (outbox_from(o->reader->engine, row.hook + 1, &row) == 0)
        if (!outlet_queue(o, row.hook) && outlet_ledger(o))
            ledger_forget(o->open, row.hook);
}

int outlet_reread(struct outlet *o)
{
    int error = acquire(o);
    if (error || !o->rereads)
        return error;
    o->rereads = false;
    for (struct queue *q = o->queues; q; q = q->next)
        q->is_there = false;
    struct hook_row row = {0};
    while (!error && !(error = engine_hook_from(o->reader->engine, row.number + 1, &row))) {
        const struct hook_kind *hook = receiver_hook(row.folder);
        if (!hook)
            continue;
        uint64_t number = row.number;
        error = define(o, hook, &row);
        struct queue *q = outlet_queue(o, number);
        if (q)
            q->is_there = true;
        row.number = number;
    }
    if (error != -ENOENT) {
        o->rereads = true;
        return error;
    }
    for (struct queue **link = &o->queues; *link;)
        if ((*link)->is_there)
            link = &(*link)->next;
        else
            drop_queue(o, link);
    forget_removed(o);
    return o->queues || has_news(o) || o->under_way ? 0 : -ENOENT;
}

void outlet_enable(struct outlet *o, uint64_t hook)
{
    struct queue *q = outlet_queue(o, hook);
    if (q)
        queue_enable(q);
}

// ---- serving

// Gives the tenant back when nothing is to be done for a while.
static void rest(struct outlet *o, int64_t now_us, bool more)
{
    bool busy = more || o->under_way || o->requests || o->asks || o->due_us <= now_us + 2 * REST_US;
    if (busy)
        o->rest_us = 0;
    else if (!o->rest_us)
        o->rest_us = now_us + REST_US;
    if (o->rest_us && now_us >= o->rest_us)
        release(o);
    else if (o->rest_us)
        earlier(&o->due_us, o->rest_us);
}

// Does its receiver answer, and soon?
static bool is_quick(const struct queue *q)
{
    return !q->failures && q->receiver && q->requests * 2 < q->receiver->concurrency;
}

static bool serve_queue(struct outlet *o, struct queue *q, uint64_t end, int64_t now_us)
{
    queue_promote(q, now_us);
    queue_fetch_singles(q, o->reader);
    bool more = queue_scan(q, o->reader, end, now_us);
    unsigned requests = q->requests;
    if (!outlet_send(o, q, now_us))
        earlier(&o->due_us, now_us + MEMORY_US);
    // What is ready goes out before others are made ready.
    if (q->requests != requests)
        transfers_move(o->transfers);
    earlier(&o->due_us, queue_due_us(q, now_us));
    return more;
}

// Appends `"webhooks":{NAME:{…},…}`.
static void show_all(struct outlet *o, const struct hook_kind *hook, struct bytes *out, int64_t now_us)
{
    bool any = false;
    bytes_printf(out, "\"%s\":{", hook->folder);
    for (const struct queue *q = o->queues; q; q = q->next) {
        if (q->hook != hook)
            continue;
        bytes_printf(out, "%s\"%s\":", any ? "," : "", q->name);
        outlet_show(o, q, out, now_us);
        any = true;
    }
    bytes_add_char(out, '}');
}

// Tells what the receivers look like: soon, but not each time.
static void publish(struct outlet *o, int64_t now_us)
{
    if (now_us < o->shown_us + PUBLISH_US) {
        earlier(&o->due_us, o->shown_us + PUBLISH_US);
        return;
    }
    struct bytes shown = {0};
    const struct hook_kind *hook;
    for (size_t i = 0; (hook = receiver_hook_at(i)); i++) {
        bytes_add_text(&shown, i ? "," : "");
        show_all(o, hook, &shown, now_us);
    }
    o->shown_us = now_us;
    delivery_publish(o->delivery, o->number, &shown);
}

bool outlet_serve(struct outlet *o, int64_t now_us)
{
    o->due_us = INT64_MAX;
    if (acquire(o)) {
        o->due_us = now_us + AGAIN_US;
        return false;
    }
    bool more = false;
    uint64_t end = tenant_end(o->tenant).position;
    // Those whose receivers are quick go first: the others have time.
    for (struct queue *q = o->queues; q; q = q->next)
        if ((q->waits_its_turn = !is_quick(q)) == false)
            more |= serve_queue(o, q, end, now_us);
    for (struct queue *q = o->queues; q; q = q->next)
        if (q->waits_its_turn)
            more |= serve_queue(o, q, end, now_us);
    flush_in_time(o, now_us);
    publish(o, now_us);
    rest(o, now_us, more);
    return more;
}
