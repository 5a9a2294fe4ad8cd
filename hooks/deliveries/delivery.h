// Deliveries: one thread that sends the events of all tenants to the receivers of their hooks (receiver.h).
//
//     writer: committed ─▶ wakes the thread ─▶ outlet of the tenant (outlet.h) ─▶ queues (queue.h) ─▶ libcurl
//                                                           └─▶ outcomes, by the tenant's writer, to disk
//
// Nobody waits for it: it reads the log by connections of its own, and a receiver that is slow, hangs or is gone holds
// nobody but itself.
#pragma once

#include "hooks/deliveries/address.h"
#include "store/store.h"

struct delivery;
struct follower;

struct delivery_options {
    struct address_list opened; // what may be dialled besides the public internet
    const char *ca_file;        // certificates besides the system's; NULL: none
};

// Opened with delivery_options (store/follower.h).
extern const struct follower delivery_follower;

// ---- private to the room

// A ledger was answered.
struct ledger;
void delivery_answered(struct delivery *delivery, struct ledger *ledger);
// What a tenant's receivers look like now: `"webhooks":{NAME:{…},…},…`. Takes the bytes; empty: it has none.
void delivery_publish(struct delivery *delivery, uint32_t tenant, struct bytes *shown);
