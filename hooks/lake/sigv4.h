// Signing requests by AWS's Signature Version 4, with the payload's hash, as S3 and what speaks like it want it.
//     Authorization: AWS4-HMAC-SHA256 Credential=ID/DAY/REGION/SERVICE/aws4_request, SignedHeaders=…, Signature=…
// The signature is over the request as it is sent: path and query are given percent-encoded, once. Plain data; any
// thread.
#pragma once

#include "store/bytes.h"

#define SIGV4_DATE_SIZE 17 // 20130524T000000Z
#define SIGV4_HASH_SIZE 65 // 64 hex digits

struct sigv4_key {
    const char *id;
    const char *secret;
    const char *region;
    const char *service;
};

struct sigv4_header {
    const char *name; // in small letters
    struct slice value;
};

struct sigv4_request {
    const char *method;
    struct slice path;                  // `/` and what follows
    struct slice query;                 // NAME=VALUE&…, sorted; a `=` even where there is no value
    const struct sigv4_header *headers; // all of them are signed; sorted by name; `host` and `x-amz-date` among them
    size_t header_count;
    const char *payload_hash;
};

// Writes a moment as the header x-amz-date has it.
void sigv4_date(char date[static SIGV4_DATE_SIZE], int64_t at_us);
// Writes the SHA-256 of a payload. 0 or -EIO when OpenSSL cannot.
int sigv4_hash(char hash[static SIGV4_HASH_SIZE], struct slice payload);
// Appends the value of the header Authorization. 0, -ENOMEM, or -EIO when OpenSSL cannot.
int sigv4_sign(struct bytes *out, const struct sigv4_request *request, const struct sigv4_key *key,
    const char date[static SIGV4_DATE_SIZE]);
