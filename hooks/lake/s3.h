// A bucket of S3, or of what speaks like it: one signed request at a time, repeated while that may help and does no
// harm.
//     AWS itself    https://BUCKET.s3.REGION.amazonaws.com/PREFIX/KEY
//     an endpoint   ENDPOINT/BUCKET/PREFIX/KEY
// Private to objects_s3*.c.
#pragma once

#include "hooks/lake/access.h"
#include "hooks/lake/http.h"

struct s3 {
    struct access access;
    struct http http;
    struct bytes origin; // `https://host:port`
    struct bytes host;   // as the header has it
    struct bytes path;   // before a key, encoded: `/BUCKET/PREFIX/`, `/PREFIX/`
    struct bytes bucket; // the same for the bucket itself: `/BUCKET`, `/`
    struct bytes prefix; // of keys in the bucket: `PREFIX/`, or nothing
};

struct s3_request {
    const char *method;
    const char *key;     // below the prefix; NULL: the bucket itself
    const char *query;   // encoded, sorted; NULL: none
    const char *range;   // NULL: the whole
    bool only_if_absent; // If-None-Match: *
    bool is_sent_once;   // a connection that was kept is not used: libcurl would repeat the request if it has died
    struct slice body;
    size_t answer_max;
};

// `root` is `s3://BUCKET/PREFIX`. 0 or -errno with the reason; nothing is asked yet.
int s3_open(struct s3 *s3, const char *root, const struct access *access, struct reason *why);
void s3_close(struct s3 *s3);

// 0: an answer of 2xx. Others as in objects.h; *is_unsure (may be NULL): an attempt before the last one had no answer,
// or one that says nothing, so with -EEXIST or -ENOENT it may be this request itself that had come through.
int s3_send(
    struct s3 *s3, const struct s3_request *request, struct http_answer *answer, bool *is_unsure, struct reason *why);
// What an answer of 2xx may still hold: the error of a request that took long. 0, or as s3_send.
int s3_error_within(const struct s3_request *request, const struct http_answer *answer, struct reason *why);
