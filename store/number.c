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
