// Transfers are HTTP requests under way: POSTs by libcurl's multi interface, many at a time on one thread, connections
// kept alive. Each ends within 15 s with an outcome. Which socket is ready epoll tells, so that what waits costs
// nothing.
//
// What may be dialled is judged on the address itself, at each connection (address.h). No redirects, proxies, cookies,
// or protocols but http and https; certificates are verified. The status line and the headers of an answer decide; of
// its body at most 64 KiB are read, then the connection is closed.
#pragma once

#include "hooks/deliveries/address.h"

#include <curl/curl.h>

#define TRANSFER_TIMEOUT_MS 15000

struct transfers {
    CURLM *multi;
    int epoll, wakeup; // the latter an eventfd
    int64_t timer_ns;  // when libcurl wants to be called at the latest, by the steady clock
    const struct address_list *opened;
    const char *ca_file;    // besides the system's; NULL: none
    struct transfer *spare; // handles to use again
    unsigned under_way;
};

struct transfer_outcome {
    unsigned status;       // of the answer; 0: none came
    int64_t retry_after_s; // as the answer asks; 0: it does not
    int64_t duration_us;
    char error[200];  // why it is not delivered, without any secret
    char header[512]; // what the header that was asked for says; empty: it is not there
};

struct transfer {
    void *owner;
    struct transfer_outcome outcome; // once transfers_next answered it

    // private
    struct transfers *all;
    CURL *easy;
    struct curl_slist *headers;
    struct bytes body;
    const char *wanted; // the name of a header of the answer; NULL: none
    char header[512];
    unsigned status; // of the status line that came last
    bool started;
    bool answered;     // the headers have ended
    size_t read_bytes; // of the answer's body
    char blocked[ADDRESS_TEXT_MAX];
    char message[CURL_ERROR_SIZE];
    struct transfer *next;
};

static inline bool transfer_is_delivered(const struct transfer_outcome *o)
{
    return o->status >= 200 && o->status < 300;
}

// 0 or -errno. `opened` and `ca_file` must outlive it.
int transfers_open(struct transfers *all, const struct address_list *opened, const char *ca_file);
// Ends all that is under way, without an outcome.
void transfers_close(struct transfers *all);

// A request to be filled in: body and headers. NULL when there is no memory.
struct transfer *transfer_new(struct transfers *all, void *owner);
// `NAME: VALUE`. False when there is no memory.
bool transfer_add_header(struct transfer *t, const char *header);
__attribute__((format(printf, 2, 3))) bool transfer_print_header(struct transfer *t, const char *format, ...);
// Sends it; the outcome has the header `wanted` of the answer (NULL: none), which must outlive it. 0 or -ENOMEM; the
// transfer is the caller's to end either way.
int transfer_start(struct transfer *t, const char *url, const char *wanted);
// Gives it back; one that is under way is broken off.
void transfer_end(struct transfer *t);

// Begins what was started, and moves on what is due, without waiting or looking at sockets.
void transfers_move(struct transfers *all);
// One that has ended; NULL when there is none.
struct transfer *transfers_next(struct transfers *all);
// Waits until something can be moved on, which it does, until transfers_wake, or so long.
void transfers_wait(struct transfers *all, int timeout_ms);
// Any thread.
void transfers_wake(struct transfers *all);
