// Signatures by Standard Webhooks. The vectors are those that its libraries are tested with.
#include "hooks/deliveries/signature.h"
#include "tests/store/check.h"

#include <errno.h>

#define BODY_1 "{\"test\": 2432232314}"
#define ID_1   "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define KEY_1  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static const struct {
    const char *key, *id, *body;
    int64_t timestamp_s;
    const char *signature;
} vectors[] = {
    {KEY_1, ID_1, BODY_1, 1614265330, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
    {"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        "{\"email\":\"test@example.com\",\"username\":\"test_user\"}", 1649367553,
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="},
    {"whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==", ID_1, BODY_1,
        1614265330, "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="},
    {KEY_1, ID_1, "", 1614265330, "v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A="},
};

static void signs_the_vectors(void)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct signature_key key;
        BYTES_AUTO out = {0};
        CHECK_INT(signature_read_key(&key, slice_of(vectors[i].key), NULL), 0);
        CHECK_INT(
            signature_add(&out, &key, 1, slice_of(vectors[i].id), vectors[i].timestamp_s, slice_of(vectors[i].body)),
            0);
        CHECK_TEXT(bytes_slice(&out), vectors[i].signature);
    }
}

static void signs_by_all_keys(void)
{
    struct signature_key keys[3];
    BYTES_AUTO out = {0};
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(signature_read_key(&keys[i], slice_of(vectors[i == 1 ? 2 : 0].key), NULL), 0);
    CHECK_INT(signature_add(&out, keys, 3, slice_of(ID_1), 1614265330, slice_of(BODY_1)), 0);
    CHECK_TEXT(bytes_slice(&out),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== "
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void takes_a_key_without_padding(void)
{
    struct signature_key with, without;
    CHECK_INT(signature_read_key(&with, SLICE("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGA=="), NULL), 0);
    CHECK_INT(signature_read_key(&without, SLICE("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGA"), NULL), 0);
    CHECK_INT(with.size, 25);
    CHECK(!memcmp(&with, &without, sizeof with));
    for (unsigned i = 0; i < 25; i++)
        CHECK_INT(with.bytes[i], i);
}

static void refuses_what_is_no_key(void)
{
    static const char *const wrong[] = {"", "whsec_", "whsec", "geheim", "whsec_!!!!", "whsec_MfKQ",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct signature_key key;
        struct reason why = {0};
        if (signature_read_key(&key, slice_of(wrong[i]), &why) != -EINVAL)
            printf("#   taken: %s\n", wrong[i]);
        CHECK_INT(signature_read_key(&key, slice_of(wrong[i]), &why), -EINVAL);
        CHECK(why.text[0]);
        CHECK(strlen(wrong[i]) < 8 || !strstr(why.text, wrong[i]));
    }
}

static void makes_a_new_key_each_time(void)
{
    struct signature_key key;
    BYTES_AUTO one = {0}, two = {0};
    CHECK_INT(signature_make_key(&one), 0);
    CHECK_INT(signature_make_key(&two), 0);
    CHECK_INT(signature_read_key(&key, bytes_slice(&one), NULL), 0);
    CHECK_INT(key.size, 32);
    CHECK(!slice_equal(bytes_slice(&one), bytes_slice(&two)));
}

int main(void)
{
    TEST("a signature is that of the published vectors, v1 and v1a, an empty body too", signs_the_vectors);
    TEST("each key signs, in their order", signs_by_all_keys);
    TEST("a key is read without padding too", takes_a_key_without_padding);
    TEST("what is no key is refused, with a reason that does not show it", refuses_what_is_no_key);
    TEST("a key that is made can be read, and is another one each time", makes_a_new_key_each_time);
    return check_end("signature");
}
