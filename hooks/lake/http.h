// Requests of the lake over HTTP: one at a time, each sent and answered whole, the connection kept alive. Certificates
// are verified; no redirects, proxies, cookies, or protocols but http and https. Where the requests go is the
// operator's word (-o lake=), so any address may be dialled.
//
// One thread holds a `struct http`. Another may set the flag that it was opened with: what is under way then breaks off
// within a second.
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

#include <curl/curl.h>
#include <stdatomic.h>

struct http {
    CURL *easy;
    const atomic_bool *stop; // NULL: nobody stops it
    const char *ca_file;     // besides the system's; NULL: none
    unsigned patience_ms;    // how long nothing may come or go
};

#define HTTP_PATIENCE_MS 30000u
#define HTTP_ETAG_MAX    256u

struct http_request {
    const char *method;
    const char *url;
    struct curl_slist *headers; // NAME: VALUE; stays the caller's
    struct slice body;          // sent when the method is PUT or POST
    size_t answer_max;          // the largest body of an answer of 2xx that is taken; of others, 64 KiB are
    bool is_sent_once;          // libcurl repeats a request when a connection that was kept has died: not this one
};

struct http_answer {
    unsigned status;
    struct bytes body;
    int64_t length; // as the header Content-Length says, for HEAD; -1: it does not
    int64_t retry_after_s;
    char etag[HTTP_ETAG_MAX]; // with its quotes; empty: none
};

// 0 or -ENOMEM. `stop` and `ca_file` must outlive it.
int http_open(struct http *http, const atomic_bool *stop, const char *ca_file);
void http_close(struct http *http);

// Sends a request. 0 when an answer came whole, whatever its status. -ENOTCONN: nothing was sent. -EINPROGRESS: it was,
// or a part of it, and no whole answer came, so the other side may or may not have done what was asked. -EMSGSIZE: the
// answer is larger than answer_max. -ENOMEM. The reason names the host, and no header.
// *answer is cleared first; its body's memory is used again.
int http_send(struct http *http, const struct http_request *request, struct http_answer *answer, struct reason *why);
void http_answer_free(struct http_answer *answer);

// Adds `NAME: VALUE`; an empty value: the header is not sent, though libcurl would. False when there is no memory.
bool http_header(struct curl_slist **headers, const char *name, struct slice value);
void http_headers_free(struct curl_slist **headers);
#define HTTP_HEADERS_AUTO __attribute__((cleanup(http_headers_free))) struct curl_slist *

// Is an answer of this status worth another try: a server that is overloaded, in trouble, or was waited for too long?
bool http_is_passing(unsigned status);
// Waits before attempt number `attempt` (the first one is 0, which waits for nothing): with the usual patience 0.1 s,
// 0.2 s … up to 5 s, spread by a fifth, or as long as an answer asked for, up to 30 s. False when it is one too many,
// or the flag is set.
bool http_wait(const struct http *http, unsigned attempt, int64_t retry_after_s);
#define HTTP_ATTEMPTS 6u
