// Exact comparison of numbers as text. The expected order follows from arithmetic on paper.
#include "store/number.h"
#include "tests/store/check.h"

struct pair {
    const char *a, *b;
};

static void compares(struct slice a, struct slice b, int expected)
{
    int order = number_compare(a, b), back = number_compare(b, a);
    if (order == expected && back == -expected)
        return;
    check_ok = false;
    printf(
        "#   %.*s and %.*s compare as %d and back as %d, not %d\n", SLICE_ARG(a), SLICE_ARG(b), order, back, expected);
}

static void compare_all(const struct pair *pairs, size_t count, int expected)
{
    for (size_t i = 0; i < count; i++)
        compares(slice_of(pairs[i].a), slice_of(pairs[i].b), expected);
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void equal_spellings(void)
{
    static const struct pair pairs[] = {
        {"1", "1"},
        {"1", "1.0"},
        {"1", "10e-1"},
        {"1", "0.1e1"},
        {"1", "0.01E+2"},
        {"1", "1000e-3"},
        {"1", "1e0"},
        {"1", "1e-0"},
        {"1", "1e+000"},
        {"-1", "-1.000"},
        {"-1", "-0.1e1"},
        {"0.1", "1e-1"},
        {"0.1", "0.10"},
        {"10", "1e1"},
        {"10", "1e01"},
        {"10", "1e00000000000000000000000001"},
        {"10.01", "1001e-2"},
        {"10.01", "0.0001001e5"},
        {"100", "1.00e2"},
        {"1e400", "10e399"},
        {"1e400", "0.001e403"},
        {"12345678901234567890", "1234567890123456789e1"},
        {"12345678901234567890", "12345678901234567890.000"},
        {"12345678901234567890", "1.2345678901234567890e19"},
        {"1e99999999999999999", "10e99999999999999998"},
    };
    compare_all(pairs, COUNT(pairs), 0);
}

static void zeros(void)
{
    static const struct pair pairs[] = {
        {"0", "-0"},
        {"0", "0.0"},
        {"0", "-0.000"},
        {"0", "0e5"},
        {"0", "0e-5"},
        {"-0e99999999999999999999", "0"},
        {"0.00e400", "0"},
    };
    compare_all(pairs, COUNT(pairs), 0);
}

static void ascending(void)
{
    static const char *const numbers[] = {
        "-1e99999999999999999999",
        "-1e400",
        "-12345678901234567891",
        "-12345678901234567890",
        "-10",
        "-9.99",
        "-1.5",
        "-1.05",
        "-1",
        "-0.9",
        "-1e-400",
        "-1e-99999999999999999999",
        "0",
        "1e-99999999999999999999",
        "1e-400",
        "0.09",
        "0.1",
        "0.11",
        "0.9999999999999999999999999999",
        "1",
        "1.0000000000000000000000000001",
        "1.05",
        "1.5",
        "2",
        "9",
        "9.99",
        "10",
        "10.01",
        "99",
        "100",
        "123",
        "124",
        "9007199254740992",
        "9007199254740993",
        "12345678901234567890",
        "12345678901234567891",
        "1e400",
        "1.1e400",
        "2e400",
        "1e401",
        "1e99999999999999999",
        "2e99999999999999999",
        "1e999999999999999999",
    };
    for (size_t i = 0; i < COUNT(numbers); i++)
        for (size_t j = i + 1; j < COUNT(numbers); j++)
            compares(slice_of(numbers[i]), slice_of(numbers[j]), -1);
}

static void capped_exponents(void)
{
    static const struct pair pairs[] = {
        {"1e100000000000000000", "1e999999999999999999999"},
        {"-1e100000000000000000", "-1e999999999999999999999"},
        {"1e-100000000000000000", "1e-999999999999999999999"},
    };
    compare_all(pairs, COUNT(pairs), 0);
}

// 1000…0 with a million zeros is 1e1000000, and one more in its last place is more.
static void long_numbers(void)
{
    enum { ZEROS = 1000000 };
    char *digits = malloc(ZEROS + 1);
    digits[0] = '1';
    memset(digits + 1, '0', ZEROS);
    struct slice number = {.at = digits, .size = ZEROS + 1};
    compares(number, SLICE("1e1000000"), 0);
    compares(number, SLICE("1e1000001"), -1);
    digits[ZEROS] = '1';
    compares(number, SLICE("1e1000000"), 1);
    free(digits);
}

// The slice is the end of a buffer of just its size, so that a sanitizer sees a read past it.
static void no_read_past_the_end(void)
{
    static const char *const numbers[] = {"1", "-1", "1.5", "1e5", "1e-5", "0", "-0"};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        size_t size = strlen(numbers[i]);
        char *copy = malloc(size);
        memcpy(copy, numbers[i], size);
        CHECK_INT(number_compare((struct slice){.at = copy, .size = size}, SLICE("10000000")), -1);
        free(copy);
    }
}

static void whole_numbers(void)
{
    static const char *const whole[] = {"0", "-0", "0.0e-9", "1.0", "10e-1", "1e400", "-7", "123.4500e2"};
    static const char *const others[] = {"0.5", "1e-1", "-1.0001", "123.456e2", "10.1e-1", "1e-400"};
    for (size_t i = 0; i < COUNT(whole); i++)
        CHECK(number_is_whole(slice_of(whole[i])));
    for (size_t i = 0; i < COUNT(others); i++)
        CHECK(!number_is_whole(slice_of(others[i])));
    uint64_t count;
    CHECK(number_count(SLICE("12.0e1"), &count) && count == 120);
    CHECK(number_count(SLICE("-0"), &count) && count == 0);
    CHECK(number_count(SLICE("18446744073709551615"), &count) && count == UINT64_MAX);
    CHECK(number_count(SLICE("18446744073709551616"), &count) && count == UINT64_MAX);
    CHECK(number_count(SLICE("1e99999999999999999999"), &count) && count == UINT64_MAX);
    CHECK(!number_count(SLICE("-1"), &count));
    CHECK(!number_count(SLICE("1.5"), &count));
}

static void sums(void)
{
    static const struct {
        const char *a, *b, *sum, *difference;
    } all[] = {
        {"0", "0", "0", "0"},
        {"1", "2", "3", "-1"},
        {"0.1", "0.2", "0.3", "-0.1"},
        {"1.10", "2", "3.10", "-0.90"},
        {"-5", "3", "-2", "-8"},
        {"5", "-5.00", "0.00", "10.00"},
        {"999999999999999999999999", "1", "1000000000000000000000000", "999999999999999999999998"},
        {"1e3", "1e-3", "1000.001", "999.999"},
        {"12345678901234567890.5", "0.5", "12345678901234567891.0", "12345678901234567890.0"},
        {"-0", "0.00", "0", "0"},
        {"-0.5", "0.25", "-0.25", "-0.75"},
        {"99.95", "0.05", "100.00", "99.90"},
        {"1E+2", "-1", "99", "101"},
    };
    for (size_t i = 0; i < COUNT(all); i++) {
        BYTES_AUTO sum = {0};
        BYTES_AUTO difference = {0};
        CHECK(number_add(&sum, slice_of(all[i].a), slice_of(all[i].b), false));
        CHECK_TEXT(bytes_slice(&sum), all[i].sum);
        CHECK(number_add(&difference, slice_of(all[i].a), slice_of(all[i].b), true));
        CHECK_TEXT(bytes_slice(&difference), all[i].difference);
    }
    BYTES_AUTO out = {0};
    CHECK(number_add(&out, SLICE("1e998"), SLICE("1"), false) && out.size == 999);
    CHECK(!number_add(&out, SLICE("1e1000"), SLICE("1"), false));
    CHECK(!number_add(&out, SLICE("1"), SLICE("1e-1000"), false));
    CHECK(!number_add(&out, SLICE("1e99999999999999999999"), SLICE("1e-99999999999999999999"), false));
}

int main(void)
{
    TEST("one number in several spellings is equal", equal_spellings);
    TEST("all zeros are equal, whatever their sign and exponent", zeros);
    TEST("numbers that differ in the last of many digits, or beyond a double, have their exact order", ascending);
    TEST("exponents of more than 17 digits count as 10^17", capped_exponents);
    TEST("a million digits compare exactly", long_numbers);
    TEST("a whole number is one in any spelling, and counts up to what 64 bits hold", whole_numbers);
    TEST("sums and differences are exact, with as many decimals as are written", sums);
    TEST("nothing behind the last digit is read", no_read_past_the_end);
    return check_end("number");
}
