// Values of metrics as fractions. Expected values follow from arithmetic on paper.
#include "hooks/metrics/fraction.h"
#include "tests/store/check.h"

static void read(struct fraction *f, const char *text)
{
    fraction_clear(f);
    if (strcmp(text, "null"))
        CHECK_INT(fraction_read(f, slice_of(text)), 0);
}

static void computes(const char *a, char operation, const char *b, const char *expected)
{
    FRACTION_AUTO x = {0};
    FRACTION_AUTO y = {0};
    FRACTION_AUTO result = {0};
    BYTES_AUTO out = {0};
    read(&x, a);
    read(&y, b);
    CHECK_INT(fraction_compute(&result, &x, (enum fraction_operation)operation, &y), 0);
    CHECK_INT(fraction_print(&out, &result), 0);
    if (!slice_is(bytes_slice(&out), expected)) {
        check_ok = false;
        printf("#   %s %c %s is %.*s, not %s\n", a, operation, b, SLICE_ARG(bytes_slice(&out)), expected);
    }
}

static void the_four_operations(void)
{
    computes("0.1", '+', "0.2", "0.3");
    computes("1e15", '-', "1e15", "0");
    computes("1.5", '*', "-2", "-3");
    computes("7", '/', "8", "0.875");
    computes("5", '/', "-3", "-1.6666666666666667");
    computes("48500", '/', "127", "381.8897637795276");
}

static void null_stays_null(void)
{
    for (const char *operation = "+-*/"; *operation; operation++) {
        computes("null", *operation, "5", "null");
        computes("5", *operation, "null", "null");
        computes("0", *operation, "null", "null");
    }
    computes("5", '/', "0", "null");
    computes("0", '/', "0", "null");
    computes("0", '/', "5", "0");
}

// 1/3 · 3 − 1 is 0, not almost.
static void nothing_is_rounded_meanwhile(void)
{
    FRACTION_AUTO one = {0};
    FRACTION_AUTO three = {0};
    FRACTION_AUTO third = {0};
    FRACTION_AUTO back = {0};
    FRACTION_AUTO rest = {0};
    BYTES_AUTO out = {0};
    read(&one, "1");
    read(&three, "3");
    CHECK_INT(fraction_compute(&third, &one, FRACTION_DIVIDE, &three), 0);
    CHECK_INT(fraction_compute(&back, &third, FRACTION_MULTIPLY, &three), 0);
    CHECK_INT(fraction_same(&back, &one), 1);
    CHECK_INT(fraction_compute(&rest, &back, FRACTION_SUBTRACT, &one), 0);
    CHECK_INT(fraction_print(&out, &rest), 0);
    CHECK_TEXT(bytes_slice(&out), "0");
}

static int order_of(const char *a_over, const char *a_under, const char *b)
{
    FRACTION_AUTO x = {0};
    FRACTION_AUTO y = {0};
    FRACTION_AUTO z = {0};
    FRACTION_AUTO quotient = {0};
    int order = 9;
    read(&x, a_over);
    read(&y, a_under);
    read(&z, b);
    CHECK_INT(fraction_compute(&quotient, &x, FRACTION_DIVIDE, &y), 0);
    CHECK_INT(fraction_compare(&quotient, &z, &order), 0);
    return order;
}

static void comparison_is_exact(void)
{
    CHECK_INT(order_of("10", "3", "3.3333333333333333333333"), 1);
    CHECK_INT(order_of("10", "3", "3.3333333333333333333334"), -1);
    CHECK_INT(order_of("12", "4", "3.0"), 0);
    CHECK_INT(order_of("-1", "3", "0"), -1);
    CHECK_INT(order_of("1", "-3", "-0.3"), -1);
}

static void sameness_knows_null(void)
{
    FRACTION_AUTO none = {0};
    FRACTION_AUTO zero = {0};
    read(&zero, "0");
    CHECK_INT(fraction_same(&none, &none), 1);
    CHECK_INT(fraction_same(&none, &zero), 0);
    CHECK_INT(fraction_same(&zero, &zero), 1);
}

static void whole_numbers_keep_all_digits(void)
{
    FRACTION_AUTO f = {0};
    BYTES_AUTO out = {0};
    read(&f, "12345678901234567890123456789012345678901234567890.1");
    CHECK_INT(fraction_print(&out, &f), 0);
    CHECK_TEXT(bytes_slice(&out), "12345678901234567890123456789012345678901234567890.1");
}

// Values of values grow without end only up to here.
static void what_grows_too_large_is_null(void)
{
    FRACTION_AUTO f = {0};
    FRACTION_AUTO square = {0};
    int order;
    read(&f, "1.23456789");
    for (int i = 0; i < 64; i++) {
        CHECK_INT(fraction_compute(&square, &f, FRACTION_MULTIPLY, &f), 0);
        if (!fraction_is_null(&square))
            CHECK_INT(fraction_compare(&square, &f, &order), 0);
        CHECK_INT(fraction_copy(&f, &square), 0);
    }
    CHECK(fraction_is_null(&f));
    CHECK_INT(fraction_read(&f, SLICE("1e5000")), 0);
    CHECK(fraction_is_null(&f));
}

int main(void)
{
    TEST("the four operations are exact", the_four_operations);
    TEST("what is computed with null, or divided by 0, is null", null_stays_null);
    TEST("a third, three times, is one", nothing_is_rounded_meanwhile);
    TEST("fractions are compared as they are, not as they are printed", comparison_is_exact);
    TEST("null is the same as null alone", sameness_knows_null);
    TEST("a sum is printed with all its digits", whole_numbers_keep_all_digits);
    TEST("a value with too many digits is null", what_grows_too_large_is_null);
    return check_end("fraction");
}
