// Requests to an Iceberg REST catalog: JSON both ways, with a token, below the prefix that the catalog itself names.
//     URI/v1/config?warehouse=W           asked once: prefix, namespace-separator, another URI,
//     idempotency-key-lifetime URI/v1/oauth/tokens                 for a token, when there is a client but no token
//     (access.h) URI/v1/PREFIX/…                     all else
// Private to catalog_rest.c.
#pragma once

#include "hooks/lake/access.h"
#include "hooks/lake/http.h"
#include "hooks/lake/uuid.h"

struct rest {
    struct access access;
    struct http http;
    struct http_answer answer; // of the last request
    struct bytes uri;          // as it was given, no `/` at its end; then as the catalog says
    struct bytes warehouse;    // encoded; empty: none
    struct bytes base;         // `URI/v1/PREFIX`, once it was asked
    struct bytes separator;    // between the levels of a namespace, encoded
    struct bytes token;
    int64_t token_until_us; // 0: it does not end
    bool is_configured;
    bool keeps_keys; // a request with the same Idempotency-Key is carried out once
};

struct rest_request {
    const char *method;
    struct slice path;           // behind `base`
    struct slice body;           // JSON; empty: none
    const char *idempotency_key; // repeated with the same one until the answer is certain; NULL: none
    bool wants_keys;             // to the table's files
};

// `uri` is `https://…`; `warehouse` may be NULL. 0 or -errno with the reason; nothing is asked yet.
int rest_open(
    struct rest *rest, const char *uri, const char *warehouse, const struct access *access, struct reason *why);
void rest_close(struct rest *rest);
// Asks how the catalog is to be asked, once. 0 or -errno with the reason.
int rest_configure(struct rest *rest, struct reason *why);

// Sends a request and sees to its token. A GET is repeated while that may help. 0: an answer came, of whatever status,
// in rest->answer; one of 2xx holds an object of valid JSON, each key once, or nothing. -EINPROGRESS: none that says
// what became of it: no answer, a broken one, or 500, 502, 503, 504. Other -errno: nothing was done.
int rest_send(struct rest *rest, const struct rest_request *request, struct reason *why);
// Says in words what an answer refuses, and which -errno that is. -ENOENT only when it is the catalog that says so.
int rest_refused(const struct rest *rest, const struct rest_request *request, struct reason *why);

// A new Idempotency-Key, a UUID of version 7. 0 or -EIO when there is no randomness.
int rest_make_key(char key[static UUID_TEXT]);
