#include "hooks/deliveries/signature.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#define HMAC_KEY_MIN  24
#define HMAC_KEY_MADE 32
#define ED25519_SEED  32
#define ED25519_PAIR  64

static const char how_to_make_one[] = "make one with: echo whsec_$(head -c 32 /dev/urandom | base64 -w 0)";

// ---- base64

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

// Decodes; padding may be missing. The size, or -EINVAL.
static int base64_decode(struct slice text, unsigned char *out, size_t room)
{
    while (text.size && text.at[text.size - 1] == '=')
        text.size--;
    uint32_t bits = 0;
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        int digit = base64_digit(text.at[i]);
        if (digit < 0)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 == 0)
            continue;
        if (size == room)
            return -EINVAL;
        out[size++] = (unsigned char)(bits >> (6 - i % 4 * 2));
    }
    return text.size % 4 == 1 ? -EINVAL : (int)size;
}

static void base64_add(struct bytes *out, const unsigned char *from, size_t size)
{
    char *to = bytes_reserve(out, (size + 2) / 3 * 4 + 1);
    if (to)
        out->size += (size_t)EVP_EncodeBlock((unsigned char *)to, from, (int)size);
}

// ---- keys

static bool has_prefix(struct slice text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && !memcmp(text.at, prefix, size);
}

int signature_read_key(struct signature_key *key, struct slice text, struct reason *why)
{
    *key = (struct signature_key){.is_ed25519 = has_prefix(text, "whsk_")};
    if (!key->is_ed25519 && !has_prefix(text, "whsec_"))
        return reason_set(why, -EINVAL, "secret must begin with whsec_ or whsk_; %s", how_to_make_one);
    size_t prefix = key->is_ed25519 ? strlen("whsk_") : strlen("whsec_");
    int size = base64_decode(
        (struct slice){.at = text.at + prefix, .size = text.size - prefix}, key->bytes, sizeof key->bytes);
    if (key->is_ed25519 && size != ED25519_SEED && size != ED25519_PAIR)
        return reason_set(why, -EINVAL, "secret: behind whsk_ stands base64 of 32 or 64 bytes, an Ed25519 key");
    if (!key->is_ed25519 && size < HMAC_KEY_MIN)
        return reason_set(why, -EINVAL, "secret: behind whsec_ stands base64 of 24 to 64 bytes; %s", how_to_make_one);
    key->size = key->is_ed25519 ? ED25519_SEED : (size_t)size;
    return 0;
}

int signature_make_key(struct bytes *text)
{
    unsigned char random[HMAC_KEY_MADE];
    if (RAND_bytes(random, sizeof random) != 1)
        return -EIO;
    bytes_add_text(text, "whsec_");
    base64_add(text, random, sizeof random);
    OPENSSL_cleanse(random, sizeof random);
    return text->failed ? -ENOMEM : 0;
}

void signature_forget_key(struct signature_key *key)
{
    OPENSSL_cleanse(key, sizeof *key);
}

// ---- signatures

static int add_hmac(struct bytes *out, const struct signature_key *key, struct slice content)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!HMAC(EVP_sha256(), key->bytes, (int)key->size, (const unsigned char *)content.at, content.size, digest, &size))
        return -EIO;
    bytes_add_text(out, "v1,");
    base64_add(out, digest, size);
    return 0;
}

static int add_ed25519(struct bytes *out, const struct signature_key *key, struct slice content)
{
    unsigned char signature[64];
    size_t size = sizeof signature;
    EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->bytes, key->size);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool signs = pair && context && EVP_DigestSignInit(context, NULL, NULL, NULL, pair) == 1 &&
                 EVP_DigestSign(context, signature, &size, (const unsigned char *)content.at, content.size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pair);
    if (!signs)
        return -EIO;
    bytes_add_text(out, "v1a,");
    base64_add(out, signature, size);
    return 0;
}

int signature_add(struct bytes *out, const struct signature_key *keys, size_t count, struct slice id,
    int64_t timestamp_s, struct slice body)
{
    BYTES_AUTO content = {0};
    bytes_add_slice(&content, id);
    bytes_printf(&content, ".%lld.", (long long)timestamp_s);
    bytes_add_slice(&content, body);
    if (content.failed)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (i)
            bytes_add_char(out, ' ');
        int error = (keys[i].is_ed25519 ? add_ed25519 : add_hmac)(out, &keys[i], bytes_slice(&content));
        if (error)
            return error;
    }
    return out->failed ? -ENOMEM : 0;
}
