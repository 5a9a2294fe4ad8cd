// Deliveries: one thread that sends the events of all tenants to their webhooks.
//
//     writer: delivery_committed ─▶ wakes the thread ─▶ outlet of the tenant (outlet.h) ─▶ queues (queue.h) ─▶ libcurl
//                                                           └─▶ outcomes, by the tenant's writer, to disk
//
// Nobody waits for it: it reads the log by connections of its own, and a receiver that is slow, hangs or is gone holds
// nobody but itself.
#pragma once

#include "hooks/address.h"
#include "store/store.h"

struct delivery;

struct delivery_options {
    struct address_list opened; // what may be dialled besides the public internet
    const char *ca_file;        // certificates besides the system's; NULL: none
};

// `options` must outlive it. 0 or -errno with the reason.
int delivery_open(
    struct delivery **delivery, struct store *store, const struct delivery_options *options, struct reason *why);
int delivery_start(struct delivery *delivery);
// What is under way may end, for a moment; what became of it is on disk afterwards. The store must still be open.
void delivery_stop(struct delivery *delivery);
void delivery_close(struct delivery *delivery);

// ---- any thread

// A tenant has committed: called by its writer after each commit.
void delivery_committed(struct delivery *delivery, const struct tenant *tenant);

// Appends what status.json shows of a tenant's webhooks, `"webhooks":{NAME:{…}}`: as it was a moment ago.
void delivery_show(struct delivery *delivery, uint32_t tenant, struct bytes *out);

enum delivery_question {
    DELIVERY_STATUS,   // its status.json
    DELIVERY_ATTEMPTS, // the lines of `deliveries`
    DELIVERY_DEAD,     // those of `dead`
    DELIVERY_SECRET,   // the key that was made for it; nothing when it has its own
    DELIVERY_REPLAY,   // `text`: an id of an event, a moment, or `dead`, one a line
};

// A question about a webhook, answered by the thread.
struct delivery_ask {
    enum delivery_question question;
    uint32_t tenant;
    uint64_t hook;
    struct bytes text; // of DELIVERY_REPLAY
    uint64_t from;     // ATTEMPTS, DEAD: begin here; 0 at first
    // Owns the ask from then on. Called on the thread of the deliveries; must not wait.
    void (*answer)(struct delivery_ask *);
    void *context;

    int error; // 0 or -errno
    struct reason why;
    struct bytes out;
    uint64_t next_from; // ATTEMPTS, DEAD: where to go on; 0: this was all
    struct delivery_ask *next;
};
struct delivery_ask *delivery_ask_new(void);
void delivery_ask_free(struct delivery_ask *ask);
void delivery_ask(struct delivery *delivery, struct delivery_ask *ask);

// ---- private to the room

// A ledger was answered.
struct ledger;
void delivery_answered(struct delivery *delivery, struct ledger *ledger);
// What a tenant's webhooks look like now: `NAME:{…},…`. Takes the bytes; empty: it has none.
void delivery_publish(struct delivery *delivery, uint32_t tenant, struct bytes *shown);
