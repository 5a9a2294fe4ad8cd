#include "store/number.h"

#define EXPONENT_DIGITS_MAX 17
#define EXPONENT_MAX        100000000000000000 // 10^17

// A number as 0.d1d2d3… * 10^point, d1 not 0. A zero has no digits.
struct decimal {
    const char *at; // the first digit that is not 0
    const char *end;
    int64_t point;
    bool negative;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int64_t exponent_read(const char *at, const char *end)
{
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    while (at < end && *at == '0')
        at++;
    int64_t value = EXPONENT_MAX;
    if (end - at <= EXPONENT_DIGITS_MAX)
        for (value = 0; at < end && is_digit(*at); at++)
            value = value * 10 + (*at - '0');
    return negative ? -value : value;
}

static struct decimal decimal_read(struct slice number)
{
    const char *at = number.at, *end = at + number.size;
    struct decimal d = {.negative = at < end && *at == '-'};
    if (d.negative)
        at++;

    bool fraction = false;
    for (; at < end && (is_digit(*at) || *at == '.'); at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        if (!d.at && *at != '0')
            d.at = at;
        if (d.at && !fraction)
            d.point++;
        else if (!d.at && fraction)
            d.point--;
    }
    d.end = at;
    if (!d.at)
        return (struct decimal){0};
    if (at < end)
        d.point += exponent_read(at + 1, end);
    return d;
}

// The next digit of the two that are still to come; past the end all are 0.
static char digit_next(struct decimal *d)
{
    if (d->at < d->end && *d->at == '.')
        d->at++;
    return d->at < d->end ? *d->at++ : '0';
}

static int digits_compare(struct decimal a, struct decimal b)
{
    while (a.at < a.end || b.at < b.end) {
        char x = digit_next(&a), y = digit_next(&b);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

int number_compare(struct slice a, struct slice b)
{
    if (slice_equal(a, b))
        return 0;
    struct decimal x = decimal_read(a), y = decimal_read(b);
    if (!x.at && !y.at)
        return 0;
    if (!x.at)
        return y.negative ? 1 : -1;
    if (!y.at || x.negative != y.negative)
        return x.negative ? -1 : 1;

    int magnitude = x.point != y.point ? (x.point < y.point ? -1 : 1) : digits_compare(x, y);
    return x.negative ? -magnitude : magnitude;
}

// ---- whole numbers

bool number_is_whole(struct slice number)
{
    struct decimal d = decimal_read(number);
    for (int64_t i = 0; d.at && d.at < d.end; i++)
        if (digit_next(&d) != '0' && i >= d.point)
            return false;
    return true;
}

bool number_count(struct slice number, uint64_t *count)
{
    struct decimal d = decimal_read(number);
    *count = 0;
    if (!d.at)
        return true;
    if (d.negative || !number_is_whole(number))
        return false;
    for (int64_t i = 0; i < d.point; i++) {
        uint64_t digit = (uint64_t)(digit_next(&d) - '0');
        if (*count > (UINT64_MAX - digit) / 10) {
            *count = UINT64_MAX;
            return true;
        }
        *count = *count * 10 + digit;
    }
    return true;
}

// ---- sums

// A number as digits before and behind the point, aligned with another one's.
struct aligned {
    char digits[NUMBER_SUM_DIGITS];
    bool negative;
};

// How many decimals a number is written with, its exponent taken into account.
static int64_t decimals(struct decimal d)
{
    int64_t digits = 0;
    for (; d.at && d.at < d.end; digits++)
        digit_next(&d);
    return digits - d.point;
}

static void align(struct aligned *a, struct decimal d, int64_t whole, int64_t all)
{
    a->negative = d.negative;
    for (int64_t i = 0; i < all; i++)
        a->digits[i] = d.at && i >= whole - d.point ? (char)(digit_next(&d) - '0') : 0;
}

static void add_digits(struct aligned *a, const struct aligned *b, int64_t all)
{
    int carry = 0;
    for (int64_t i = all; i-- > 0;) {
        int sum = a->digits[i] + b->digits[i] + carry;
        a->digits[i] = (char)(sum % 10);
        carry = sum / 10;
    }
}

// a - b, where a is not the smaller one.
static void subtract_digits(struct aligned *a, const struct aligned *b, int64_t all)
{
    int borrow = 0;
    for (int64_t i = all; i-- > 0;) {
        int difference = a->digits[i] - b->digits[i] - borrow;
        borrow = difference < 0;
        a->digits[i] = (char)(difference + borrow * 10);
    }
}

static void print_aligned(struct bytes *out, const struct aligned *a, int64_t whole, int64_t all)
{
    int64_t first = 0;
    bool zero = true;
    while (first + 1 < whole && !a->digits[first])
        first++;
    for (int64_t i = 0; zero && i < all; i++)
        zero = !a->digits[i];
    if (a->negative && !zero)
        bytes_add_char(out, '-');
    for (int64_t i = first; i < all; i++) {
        if (i == whole)
            bytes_add_char(out, '.');
        bytes_add_char(out, (char)('0' + a->digits[i]));
    }
}

bool number_add(struct bytes *out, struct slice a, struct slice b, bool subtract)
{
    struct decimal x = decimal_read(a), y = decimal_read(b);
    if (subtract)
        y.negative = y.at && !y.negative;
    int64_t x_decimals = decimals(x), y_decimals = decimals(y);
    int64_t fraction = x_decimals > y_decimals ? x_decimals : y_decimals;
    int64_t whole = x.point > y.point ? x.point : y.point;
    if (fraction < 0)
        fraction = 0;
    // One more for what is carried, which is also the 0 before the point.
    whole = (whole < 0 ? 0 : whole) + 1;
    if (whole > NUMBER_SUM_DIGITS || fraction > NUMBER_SUM_DIGITS - whole)
        return false;
    struct aligned sum, other;
    align(&sum, x, whole, whole + fraction);
    align(&other, y, whole, whole + fraction);
    if (sum.negative == other.negative) {
        add_digits(&sum, &other, whole + fraction);
    } else if (memcmp(sum.digits, other.digits, (size_t)(whole + fraction)) >= 0) {
        subtract_digits(&sum, &other, whole + fraction);
    } else {
        subtract_digits(&other, &sum, whole + fraction);
        sum = other;
    }
    print_aligned(out, &sum, whole, whole + fraction);
    return !out->failed;
}
