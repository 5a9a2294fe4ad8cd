// Signing requests as Standard Webhooks 1.0.0 says, so that a receiver knows who sent them and when.
//     webhook-signature: v1,<base64 of HMAC-SHA256> [v1a,<base64 of Ed25519> …]
//     over the bytes  ID.TIMESTAMP.BODY
// The text of a key: `whsec_` + base64 of 24 to 64 bytes (HMAC), or `whsk_` + base64 of an Ed25519 seed, with or
// without its public key behind it. Plain data; any thread.
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

#define SIGNATURE_KEY_MAX 64

struct signature_key {
    bool is_ed25519;
    size_t size;
    unsigned char bytes[SIGNATURE_KEY_MAX];
};

// 0, or -EINVAL with a reason that says how to make a key, and never shows it.
int signature_read_key(struct signature_key *key, struct slice text, struct reason *why);
// Appends the text of a new HMAC key. 0 or -EIO when there is no randomness.
int signature_make_key(struct bytes *text);
// Forgets a key's bytes.
void signature_forget_key(struct signature_key *key);

// Appends the header's value: a signature by each key, in their order. 0 or -EIO when OpenSSL cannot.
int signature_add(struct bytes *out, const struct signature_key *keys, size_t count, struct slice id,
    int64_t timestamp_s, struct slice body);
