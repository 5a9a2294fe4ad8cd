// Sqids against the vectors that sqids.org's implementations publish; those for other alphabets, lengths and large
// numbers were computed with the Python package (sqids 0.5, blocklist=[]).
#include "store/sqid.h"
#include "tests/store/check.h"

#include <errno.h>

#define COUNT(array)   (unsigned)(sizeof(array) / sizeof *(array))
#define NUMBERS(...)   ((const uint64_t[]){__VA_ARGS__}), COUNT(((const uint64_t[]){__VA_ARGS__}))
#define OTHER_ALPHABET "0123456789ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba"

static struct sqids sqids;

static void use(const char *alphabet, unsigned length_min)
{
    CHECK_INT(sqids_init(&sqids, alphabet, length_min), 0);
}

static void check_both_ways(const uint64_t *numbers, unsigned count, const char *id)
{
    char out[SQID_TEXT_MAX];
    uint64_t again[SQID_NUMBERS_MAX] = {0};
    CHECK_TEXT(((struct slice){.at = out, .size = sqid_encode(&sqids, numbers, count, out)}), id);
    CHECK_INT(sqid_decode(&sqids, slice_of(id), again), count);
    CHECK(memcmp(again, numbers, count * sizeof *again) == 0);
}

static void check_refused(const char *id)
{
    uint64_t numbers[SQID_NUMBERS_MAX];
    int count = sqid_decode(&sqids, slice_of(id), numbers);
    if (count != -EINVAL)
        printf("#   \"%s\" is read\n", id);
    CHECK_INT(count, -EINVAL);
}

static void published(void)
{
    static const char *const digits[] = {"bM", "Uk", "gb", "Ef", "Vq", "uw", "OI", "AX", "p6", "nJ"};
    use(SQID_DEFAULT_ALPHABET, 0);
    for (uint64_t i = 0; i < COUNT(digits); i++)
        check_both_ways(&i, 1, digits[i]);
    check_both_ways(NUMBERS(0, 0), "SvIz");
    check_both_ways(NUMBERS(0, 1), "n3qa");
    check_both_ways(NUMBERS(1, 2, 3), "86Rf07");
    // This one is on the published list of blocked words, which we do without.
    check_both_ways(NUMBERS(4572721), "aho1e");
}

static void padded(void)
{
    static const struct {
        unsigned length_min;
        const char *id;
    } cases[] = {
        {0, "86Rf07"},
        {6, "86Rf07"},
        {7, "86Rf07x"},
        {8, "86Rf07xd"},
        {10, "86Rf07xd4z"},
        {13, "86Rf07xd4zBmi"},
        {62, "86Rf07xd4zBmiJXQG6otHEbew02c3PWsUOLZxADhCpKj7aVFv9I8RquYrNlSTM"},
        {64, "86Rf07xd4zBmiJXQG6otHEbew02c3PWsUOLZxADhCpKj7aVFv9I8RquYrNlSTMyf"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        use(SQID_DEFAULT_ALPHABET, cases[i].length_min);
        check_both_ways(NUMBERS(1, 2, 3), cases[i].id);
    }
    check_both_ways(NUMBERS(0), "bMZn4Y5Fq8QTCJoLjxPvGfB9Dh6mlz1Sgcu0KpkMyOEiIdrsHRW2VZtweX3aA7UN");
}

static void large_numbers(void)
{
    use(SQID_DEFAULT_ALPHABET, 0);
    check_both_ways(NUMBERS(1, 1000000), "XMbV73I");
    check_both_ways(NUMBERS(UINT64_MAX), "eIkvoXH40Lmd");
    check_both_ways(
        NUMBERS(UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX), "uVoXMBEQLmb52fsgFn1aiX5hYGnESpC8dsf2FTajm8pLsVWK");
}

static void own_alphabet(void)
{
    use(OTHER_ALPHABET, 8);
    check_both_ways(NUMBERS(1, 1), "GkqjzJdE");
    check_both_ways(NUMBERS(7, 123456789), "chJWjjrB");
    check_both_ways(NUMBERS(3, 42, 1), "VJ2EGXZG");
}

static void only_canonical(void)
{
    use(SQID_DEFAULT_ALPHABET, 0);
    check_refused("");
    check_refused("8");
    check_refused("86Rf07x");    // filled up, though nothing asks for it
    check_refused("86Rf07xd4z"); // the same
    check_refused("86Rf07 ");    // not in the alphabet
    check_refused("86Rf0\xc3\xa9");
    check_refused("bMM"); // a leading digit of 0

    use(SQID_DEFAULT_ALPHABET, 10);
    check_refused("86Rf07");      // too short
    check_refused("86Rf07xd4a");  // filled up with something else
    check_refused("86Rf07xd4zB"); // too long
}

// All texts of two and three characters: what is read is what is written.
static void every_short_text(void)
{
    static const char letters[] = SQID_DEFAULT_ALPHABET;
    use(letters, 0);
    unsigned read = 0;
    for (unsigned i = 0; i < 62 * 62 * 62 + 62 * 62; i++) {
        char text[] = {letters[i % 62], letters[i / 62 % 62], letters[i / 62 / 62 % 62]};
        struct slice id = {.at = text, .size = i < 62 * 62 ? 2 : 3};
        uint64_t numbers[SQID_NUMBERS_MAX];
        int count = sqid_decode(&sqids, id, numbers);
        if (count < 0)
            continue;
        char again[SQID_TEXT_MAX];
        struct slice written = {.at = again, .size = sqid_encode(&sqids, numbers, (unsigned)count, again)};
        CHECK(slice_equal(written, id));
        read++;
    }
    // 61 numbers of one digit and 61 * 60 of two; no id of two numbers has fewer than four characters.
    CHECK_INT(read, 61 + 61 * 60);
}

static void too_large(void)
{
    use(SQID_DEFAULT_ALPHABET, 0);
    check_refused("srUCvge1qFS1"); // 2^64, as the Python package writes it
    check_refused("G1E7OKpb62dZ"); // 2^64 + 1
    check_refused("bMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM"); // 65 characters
}

static void too_many(void)
{
    use(SQID_DEFAULT_ALPHABET, 0);
    check_refused("4JOuloIsr6"); // [0, 0, 0, 0, 0]
}

static void bad_alphabets(void)
{
    struct sqids s;
    CHECK_INT(sqids_init(&s, "", 0), -EINVAL);
    CHECK_INT(sqids_init(&s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ012345678", 0), -EINVAL);
    CHECK_INT(sqids_init(&s, SQID_DEFAULT_ALPHABET "a", 0), -EINVAL);
    CHECK_INT(sqids_init(&s, "aacdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 0), -EINVAL);
    CHECK_INT(sqids_init(&s, "/bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 0), -EINVAL);
    CHECK_INT(sqids_init(&s, SQID_DEFAULT_ALPHABET, SQID_TEXT_MAX + 1), -EINVAL);
}

static void random_alphabets(void)
{
    char first[SQID_ALPHABET_SIZE + 1], second[SQID_ALPHABET_SIZE + 1];
    CHECK_INT(sqids_shuffle(first), 0);
    CHECK_INT(sqids_shuffle(second), 0);
    CHECK_INT(strlen(first), SQID_ALPHABET_SIZE);
    CHECK(strcmp(first, second) != 0);
    use(second, 0);
    use(first, 0);
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t numbers[] = {i % 7, i * i * i, ~i}, again[SQID_NUMBERS_MAX];
        char out[SQID_TEXT_MAX];
        size_t size = sqid_encode(&sqids, numbers, 3, out);
        CHECK_INT(sqid_decode(&sqids, (struct slice){.at = out, .size = size}, again), 3);
        CHECK(memcmp(again, numbers, sizeof numbers) == 0);
    }
}

int main(void)
{
    TEST("the published vectors are met", published);
    TEST("a least length is filled up as published", padded);
    TEST("numbers of 64 bits keep all their bits", large_numbers);
    TEST("an alphabet in another order makes other ids", own_alphabet);
    TEST("only the one text that stands for numbers is read", only_canonical);
    TEST("each short text is refused or comes back the same", every_short_text);
    TEST("numbers beyond 64 bits are refused", too_large);
    TEST("more numbers than asked for are refused", too_many);
    TEST("an alphabet must be an order of the default one", bad_alphabets);
    TEST("a random alphabet is whole and never the same", random_alphabets);
    return check_end("sqid");
}
