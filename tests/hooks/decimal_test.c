// Exact sums of decimals: against Python's (decimal_vectors.h), against whole numbers of 128 bits, and by what must
// hold of any numbers.
#include "hooks/metrics/decimal.h"
#include "tests/hooks/decimal_vectors.h"
#include "tests/store/check.h"

#include <errno.h>

static int compute(char operation, const struct decimal *a, const struct decimal *b, struct bytes *out)
{
    DECIMAL_AUTO result = {0};
    int error = operation == '*' ? decimal_multiply(&result, a, b) : decimal_copy(&result, a);
    if (error || operation == '/')
        return error ? error : decimal_print_quotient(out, a, b);
    if (operation != '*')
        error = operation == '+' ? decimal_add(&result, b) : decimal_subtract(&result, b);
    if (!error)
        decimal_print(out, &result);
    return error;
}

static void computes_as_python_does(void)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        DECIMAL_AUTO a = {0};
        DECIMAL_AUTO b = {0};
        BYTES_AUTO out = {0};
        CHECK_INT(decimal_read(&a, slice_of(vectors[i].a)), 0);
        CHECK_INT(decimal_read(&b, slice_of(vectors[i].b)), 0);
        CHECK_INT(compute(vectors[i].operation, &a, &b, &out), 0);
        if (slice_is(bytes_slice(&out), vectors[i].result))
            continue;
        check_ok = false;
        printf("#   %s %c %s is %.*s, not %s\n", vectors[i].a, vectors[i].operation, vectors[i].b,
            SLICE_ARG(bytes_slice(&out)), vectors[i].result);
    }
}

static void prints_every_digit(void)
{
    static const char *const same[] = {"0", "1", "-1", "48500", "0.3", "4.2", "12345678901234567890", "-0.000001",
        "1e-7", "1e21", "100000000000000000000", "1e400", "-1.5e-300", "123456789.123456789", "999999999", "1000000000",
        "0.12345678901234567890123456789012345678901234567890123456789",
        "123456789012345678901234567890123456789012345678901234567890.5"};
    static const struct {
        const char *text, *shortest;
    } others[] = {{"-0", "0"}, {"1.10", "1.1"}, {"10e-1", "1"}, {"1E+2", "100"}, {"0.00e99999999999999999", "0"},
        {"1e20", "100000000000000000000"}, {"100e19", "1e21"}, {"0.0000010", "0.000001"}, {"12e-8", "1.2e-7"}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        DECIMAL_AUTO d = {0};
        BYTES_AUTO out = {0};
        CHECK_INT(decimal_read(&d, slice_of(same[i])), 0);
        decimal_print(&out, &d);
        CHECK_TEXT(bytes_slice(&out), same[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        DECIMAL_AUTO d = {0};
        BYTES_AUTO out = {0};
        CHECK_INT(decimal_read(&d, slice_of(others[i].text)), 0);
        decimal_print(&out, &d);
        CHECK_TEXT(bytes_slice(&out), others[i].shortest);
    }
}

// ---- against 128 bits: numbers with 12 decimals, as whole numbers of their last place

#define DECIMALS 12

static uint64_t dice = 0x9e3779b97f4a7c15u;

static uint64_t roll(void)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return dice;
}

// Up to 10^18, and often small or round.
static int64_t roll_number(void)
{
    int64_t number = (int64_t)(roll() % 1000000000000000000u);
    for (uint64_t cut = roll() % 18; cut; cut--)
        number /= 10;
    for (uint64_t zeros = roll() % 4; zeros && number < 100000000000000; zeros--)
        number *= 1000;
    return roll() % 2 ? -number : number;
}

// The number number · 10^-DECIMALS.
static void write_number(struct bytes *out, __int128 number)
{
    char text[48];
    char *at = text + sizeof text;
    __int128 rest = number < 0 ? -number : number;
    for (int digits = 0; digits <= DECIMALS || rest; digits++, rest /= 10) {
        if (digits == DECIMALS)
            *--at = '.';
        *--at = (char)('0' + (int)(rest % 10));
    }
    if (number < 0)
        bytes_add_char(out, '-');
    bytes_add(out, at, (size_t)(text + sizeof text - at));
}

static void read_number(struct decimal *d, __int128 number)
{
    BYTES_AUTO text = {0};
    write_number(&text, number);
    CHECK_INT(decimal_read(d, bytes_slice(&text)), 0);
}

static void adds_as_whole_numbers_do(void)
{
    DECIMAL_AUTO sum = {0};
    DECIMAL_AUTO more = {0};
    DECIMAL_AUTO expected = {0};
    __int128 whole = 0;
    for (int i = 0; i < 100000 && check_ok; i++) {
        int64_t number = i % 7 ? roll_number() : (int64_t)(whole % 1000000000000000000);
        bool add = roll() % 2;
        read_number(&more, number);
        CHECK_INT(add ? decimal_add(&sum, &more) : decimal_subtract(&sum, &more), 0);
        __int128 before = whole;
        whole += add ? number : -(__int128)number;
        read_number(&expected, whole);
        CHECK_INT(decimal_compare(&sum, &expected), 0);
        CHECK_INT(decimal_is_zero(&sum), whole == 0);
        read_number(&expected, before);
        CHECK_INT(decimal_compare(&sum, &expected), (whole > before) - (whole < before));
    }
}

// Whatever the order in which they are taken away, nothing is left.
static void leaves_nothing(void)
{
    enum { COUNT = 500 };
    static const char *const long_ones[] = {"1e15", "-1e15", "1e400", "3e-400", "1e999", "-7e-1000", "0.1", "0.2",
        "12345678901234567890.12345678901234567890", "5e-324"};
    char texts[COUNT][48];
    DECIMAL_AUTO sum = {0};
    DECIMAL_AUTO number = {0};
    for (int i = 0; i < COUNT; i++) {
        BYTES_AUTO text = {0};
        if (i % 5)
            write_number(&text, roll_number());
        else
            bytes_add_text(&text, long_ones[roll() % 10]);
        snprintf(texts[i], sizeof texts[i], "%.*s", SLICE_ARG(bytes_slice(&text)));
        CHECK_INT(decimal_read(&number, slice_of(texts[i])), 0);
        CHECK_INT(decimal_add(&sum, &number), 0);
    }
    CHECK(!decimal_is_zero(&sum));
    for (int left = COUNT; left; left--) {
        int taken = (int)(roll() % (uint64_t)left);
        CHECK_INT(decimal_read(&number, slice_of(texts[taken])), 0);
        CHECK_INT(decimal_subtract(&sum, &number), 0);
        memcpy(texts[taken], texts[left - 1], sizeof texts[0]);
    }
    CHECK(decimal_is_zero(&sum));
}

// ---- bounds

static void refuses_what_is_too_far_from_the_point(void)
{
    static const char *const taken[] = {"1e1099", "9.9e1099", "1e-1100", "0.1e-1099", "0e5000", "1.0e1099"};
    static const char *const refused[] = {
        "1e1100", "1e-1101", "1.5e-1100", "1e99999999999999999999", "-1e1000000", "1e-99999999999999999999"};
    DECIMAL_AUTO d = {0};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        CHECK_INT(decimal_read(&d, slice_of(taken[i])), 0);
    decimal_set(&d, 7);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        CHECK_INT(decimal_read(&d, slice_of(refused[i])), -ERANGE);
    BYTES_AUTO out = {0};
    decimal_print(&out, &d);
    CHECK_TEXT(bytes_slice(&out), "7");
}

// The digits of the smallest double, all 1074 places of them: 2^-1074 = 5^1074 · 10^-1074.
static void the_smallest_double_fits(void)
{
    DECIMAL_AUTO d = {0};
    DECIMAL_AUTO half = {0};
    DECIMAL_AUTO product = {0};
    CHECK_INT(decimal_read(&half, SLICE("0.5")), 0);
    decimal_set(&d, 1);
    for (int i = 0; i < 1074; i++) {
        CHECK_INT(decimal_multiply(&product, &d, &half), 0);
        CHECK_INT(decimal_copy(&d, &product), 0);
    }
    BYTES_AUTO text = {0};
    decimal_print(&text, &d);
    CHECK_INT(decimal_read(&product, bytes_slice(&text)), 0);
    CHECK_INT(decimal_compare(&product, &d), 0);
}

// Zeros at the ends say nothing, however many there are.
static void takes_zeros_without_end(void)
{
    enum { ZEROS = 100000 };
    BYTES_AUTO text = {0};
    BYTES_AUTO out = {0};
    DECIMAL_AUTO d = {0};
    bytes_add_text(&text, "12.5");
    for (int i = 0; i < ZEROS; i++)
        bytes_add_char(&text, '0');
    CHECK_INT(decimal_read(&d, bytes_slice(&text)), 0);
    decimal_print(&out, &d);
    CHECK_TEXT(bytes_slice(&out), "12.5");
}

static void products_have_an_end(void)
{
    DECIMAL_AUTO d = {0};
    DECIMAL_AUTO square = {0};
    int error = decimal_read(&d, SLICE("1e999"));
    for (int i = 0; !error && i < 64; i++) {
        error = decimal_multiply(&square, &d, &d);
        if (!error)
            error = decimal_copy(&d, &square);
    }
    CHECK_INT(error, -ERANGE);
    error = decimal_read(&d, SLICE("1.0000000000000000000000000000000000000000000001"));
    for (int i = 0; !error && i < 64; i++) {
        error = decimal_multiply(&square, &d, &d);
        if (!error)
            error = decimal_copy(&d, &square);
    }
    CHECK_INT(error, -ERANGE);
}

static void divides_by_small_numbers(void)
{
    static const struct {
        const char *number;
        uint32_t by;
        unsigned places;
        const char *result;
    } all[] = {{"1", 3, 10, "0.3333333333"}, {"2", 3, 9, "0.666666666"}, {"-1", 8, 3, "-0.125"}, {"10", 3, 0, "3"},
        {"1e20", 7, 5, "14285714285714285714.28571"}, {"0.00000000001", 3, 10, "0"}, {"123.456789", 1, 2, "123.45"},
        {"1e-30", 3, 4, "0"}, {"37", 37, 36, "1"}, {"0", 9, 9, "0"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        DECIMAL_AUTO d = {0};
        BYTES_AUTO out = {0};
        CHECK_INT(decimal_read(&d, slice_of(all[i].number)), 0);
        CHECK_INT(decimal_divide(&d, all[i].by, all[i].places), 0);
        decimal_print(&out, &d);
        CHECK_TEXT(bytes_slice(&out), all[i].result);
    }
}

int main(void)
{
    TEST("sums, differences, products and quotients are those of Python", computes_as_python_does);
    TEST("a number is printed as the shortest one with all its digits", prints_every_digit);
    TEST("sums and comparisons are those of whole numbers", adds_as_whole_numbers_do);
    TEST("what was added and is taken away in another order leaves nothing", leaves_nothing);
    TEST("a number with digits too far from the point is refused, and changes nothing",
        refuses_what_is_too_far_from_the_point);
    TEST("the smallest double fits, with all its digits", the_smallest_double_fits);
    TEST("zeros at the end of a number do not count", takes_zeros_without_end);
    TEST("a product that would have too many digits is refused", products_have_an_end);
    TEST("division by a small number drops what is behind so many places", divides_by_small_numbers);
    return check_end("decimal");
}
