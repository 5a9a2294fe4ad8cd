#include "hooks/lake/sigv4.h"

#include "store/when.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define DAY_SIZE  8

struct digest {
    unsigned char at[SHA256_DIGEST_LENGTH];
};

static struct slice digest_slice(const struct digest *digest)
{
    return (struct slice){.at = (const char *)digest->at, .size = sizeof digest->at};
}

static void add_hex(char out[static SIGV4_HASH_SIZE], const struct digest *digest)
{
    for (size_t i = 0; i < sizeof digest->at; i++)
        snprintf(out + 2 * i, 3, "%02x", digest->at[i]);
}

void sigv4_date(char date[static SIGV4_DATE_SIZE], int64_t at_us)
{
    time_t second = (time_t)when_second(at_us);
    struct tm utc;
    gmtime_r(&second, &utc);
    strftime(date, SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &utc);
}

int sigv4_hash(char hash[static SIGV4_HASH_SIZE], struct slice payload)
{
    struct digest digest;
    if (EVP_Digest(payload.at, payload.size, digest.at, NULL, EVP_sha256(), NULL) != 1)
        return -EIO;
    add_hex(hash, &digest);
    return 0;
}

static int hmac(struct digest *out, struct slice key, struct slice text)
{
    bool made = HMAC(EVP_sha256(), key.at, (int)key.size, (const unsigned char *)text.at, text.size, out->at, NULL);
    return made ? 0 : -EIO;
}

// The key of a day, a region and a service, which is all that signs.
static int make_signing_key(struct digest *out, const struct sigv4_key *key, struct slice day)
{
    BYTES_AUTO secret = {0};
    bytes_printf(&secret, "AWS4%s", key->secret);
    if (secret.failed)
        return -ENOMEM;
    const struct slice steps[] = {day, slice_of(key->region), slice_of(key->service), SLICE("aws4_request")};
    int error = hmac(out, bytes_slice(&secret), steps[0]);
    for (size_t i = 1; !error && i < sizeof steps / sizeof *steps; i++) {
        struct digest from = *out;
        error = hmac(out, digest_slice(&from), steps[i]);
    }
    OPENSSL_cleanse(secret.at, secret.size);
    return error;
}

static void add_signed_headers(struct bytes *out, const struct sigv4_request *request)
{
    for (size_t i = 0; i < request->header_count; i++)
        bytes_printf(out, "%s%s", i ? ";" : "", request->headers[i].name);
}

static void add_canonical_request(struct bytes *out, const struct sigv4_request *request)
{
    bytes_printf(out, "%s\n%.*s\n%.*s\n", request->method, SLICE_ARG(request->path), SLICE_ARG(request->query));
    for (size_t i = 0; i < request->header_count; i++)
        bytes_printf(out, "%s:%.*s\n", request->headers[i].name, SLICE_ARG(request->headers[i].value));
    bytes_add_char(out, '\n');
    add_signed_headers(out, request);
    bytes_printf(out, "\n%s", request->payload_hash);
}

int sigv4_sign(struct bytes *out, const struct sigv4_request *request, const struct sigv4_key *key,
    const char date[static SIGV4_DATE_SIZE])
{
    BYTES_AUTO canonical = {0}, scope = {0}, text = {0};
    struct digest signing_key, signature;
    char hash[SIGV4_HASH_SIZE];
    struct slice day = {.at = date, .size = DAY_SIZE};
    add_canonical_request(&canonical, request);
    bytes_printf(&scope, "%.*s/%s/%s/aws4_request", SLICE_ARG(day), key->region, key->service);
    if (canonical.failed || scope.failed)
        return -ENOMEM;
    int error = sigv4_hash(hash, bytes_slice(&canonical));
    if (error)
        return error;
    bytes_printf(&text, ALGORITHM "\n%s\n%.*s\n%s", date, SLICE_ARG(bytes_slice(&scope)), hash);
    if (text.failed)
        return -ENOMEM;
    error = make_signing_key(&signing_key, key, day);
    if (!error)
        error = hmac(&signature, digest_slice(&signing_key), bytes_slice(&text));
    OPENSSL_cleanse(&signing_key, sizeof signing_key);
    if (error)
        return error;
    add_hex(hash, &signature);
    bytes_printf(out, ALGORITHM " Credential=%s/%.*s, SignedHeaders=", key->id, SLICE_ARG(bytes_slice(&scope)));
    add_signed_headers(out, request);
    bytes_printf(out, ", Signature=%s", hash);
    return out->failed ? -ENOMEM : 0;
}
