#include "hooks/metrics/decimal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMB        1000000000u
#define LIMB_DIGITS 9
// Whole numbers with more digits than these, and 0 behind the last one, are printed with an exponent; as JavaScript
// does.
#define PLAIN_DIGITS 21
#define PLAIN_ZEROS  6
// Past these an exponent says no more: nothing so far away is taken.
#define EXPONENT_MAX INT64_C(1000000000000)

static const uint32_t powers[LIMB_DIGITS] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

// ---- limbs

static uint32_t *limbs_of(struct decimal *d)
{
    return d->many ? d->many : d->few;
}

static const uint32_t *limbs(const struct decimal *d)
{
    return d->many ? d->many : d->few;
}

static int32_t high(const struct decimal *d)
{
    return d->low + (int32_t)d->count;
}

void decimal_free(struct decimal *d)
{
    free(d->many);
    *d = (struct decimal){0};
}

static int reserve(struct decimal *d, uint32_t count)
{
    if (count <= (d->many ? d->room : DECIMAL_FEW))
        return 0;
    uint32_t room = count * 2;
    uint32_t *many = reallocarray(d->many, room, sizeof *many);
    if (!many)
        return -ENOMEM;
    if (!d->many)
        memcpy(many, d->few, sizeof d->few);
    d->many = many;
    d->room = room;
    return 0;
}

// Makes limbs from `low` up to `top` at least, with zeros where there were none; trim takes those away again.
static int widen(struct decimal *d, int32_t low, int32_t top)
{
    if (!d->count)
        d->low = low;
    uint32_t below = low < d->low ? (uint32_t)(d->low - low) : 0;
    uint32_t above = top > high(d) ? (uint32_t)(top - high(d)) : 0;
    int error = reserve(d, below + d->count + above);
    if (error)
        return error;
    uint32_t *all = limbs_of(d);
    memmove(all + below, all, d->count * sizeof *all);
    memset(all, 0, below * sizeof *all);
    memset(all + below + d->count, 0, above * sizeof *all);
    d->low -= (int32_t)below;
    d->count += below + above;
    return 0;
}

static void trim(struct decimal *d)
{
    uint32_t *all = limbs_of(d), zeros = 0;
    while (d->count && !all[d->count - 1])
        d->count--;
    while (zeros < d->count && !all[zeros])
        zeros++;
    d->count -= zeros;
    d->low += (int32_t)zeros;
    if (zeros)
        memmove(all, all + zeros, d->count * sizeof *all);
    if (!d->count) {
        d->low = 0;
        d->negative = false;
    }
}

static int64_t floor_divide(int64_t a, int64_t by)
{
    return a / by - (a % by < 0);
}

// ---- reading

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int64_t read_exponent(const char *at, const char *end)
{
    bool negative = at < end && *at == '-';
    int64_t value = 0;
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    for (; at < end && value < EXPONENT_MAX; at++)
        value = value * 10 + (*at - '0');
    return negative ? -value : value;
}

// A number as 0.d1d2…dn · 10^point, d1 and dn not 0. A zero has no digits.
struct written {
    const char *first, *last; // d1 and dn; the point may stand between them
    int64_t digits, point;
    bool negative;
};

static struct written read_written(struct slice number)
{
    const char *at = number.at, *end = at + number.size;
    struct written w = {.negative = at < end && *at == '-'};
    int64_t place = 0, behind_point = 0, first_place = 0, last_place = 0;
    bool fraction = false;
    for (at += w.negative; at < end && (is_digit(*at) || *at == '.'); at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        place++;
        behind_point += fraction;
        if (*at == '0')
            continue;
        if (!w.first) {
            w.first = at;
            first_place = place;
        }
        w.last = at;
        last_place = place;
    }
    if (!w.first)
        return (struct written){0};
    w.digits = last_place - first_place + 1;
    w.point = place - behind_point - first_place + 1;
    if (at < end)
        w.point += read_exponent(at + 1, end);
    return w;
}

// A whole number, and behind the point so many units of its only limb there. This takes no memory.
static void set(struct decimal *d, bool negative, uint64_t whole, uint32_t behind)
{
    const uint32_t parts[] = {
        behind, (uint32_t)(whole % LIMB), (uint32_t)(whole / LIMB % LIMB), (uint32_t)(whole / LIMB / LIMB)};
    _Static_assert(sizeof parts <= sizeof d->few, "it takes no memory");
    memcpy(limbs_of(d), parts, sizeof parts);
    d->negative = negative;
    d->low = -1;
    d->count = sizeof parts / sizeof *parts;
    trim(d);
}

// Most numbers are short: 48500, -0.3, 1200.50. False, and nothing has changed: this one is not.
static bool read_short(struct decimal *d, struct slice number)
{
    const char *at = number.at, *end = at + number.size;
    bool negative = at < end && *at == '-';
    uint64_t whole = 0;
    uint32_t behind = 0;
    int places = 0;
    if (number.size > 18)
        return false;
    for (at += negative; at < end && is_digit(*at); at++)
        whole = whole * 10 + (uint64_t)(*at - '0');
    if (at < end && *at == '.')
        for (at++; at < end && is_digit(*at) && places < LIMB_DIGITS; at++, places++)
            behind += powers[LIMB_DIGITS - 1 - places] * (uint32_t)(*at - '0');
    if (at < end)
        return false;
    set(d, negative, whole, behind);
    return true;
}

int decimal_read(struct decimal *d, struct slice number)
{
    if (read_short(d, number))
        return 0;
    struct written w = read_written(number);
    if (w.first && (w.point > DECIMAL_PLACES || w.digits - w.point > DECIMAL_PLACES))
        return -ERANGE;
    int32_t low = (int32_t)floor_divide(w.point - w.digits, LIMB_DIGITS);
    int32_t top = (int32_t)floor_divide(w.point - 1, LIMB_DIGITS) + 1;
    int error = w.first ? reserve(d, (uint32_t)(top - low)) : 0;
    if (error)
        return error;
    set(d, false, 0, 0);
    if (!w.first)
        return 0;
    widen(d, low, top);
    d->negative = w.negative;
    int64_t place = w.point - 1;
    for (const char *at = w.first; at <= w.last; at++) {
        if (*at == '.')
            continue;
        int64_t limb = floor_divide(place, LIMB_DIGITS);
        limbs_of(d)[limb - low] += powers[place - limb * LIMB_DIGITS] * (uint32_t)(*at - '0');
        place--;
    }
    return 0;
}

int decimal_set(struct decimal *d, uint64_t number)
{
    set(d, false, number, 0);
    return 0;
}

int decimal_copy(struct decimal *d, const struct decimal *from)
{
    int error = reserve(d, from->count);
    if (error)
        return error;
    memcpy(limbs_of(d), limbs(from), from->count * sizeof *from->few);
    d->negative = from->negative;
    d->low = from->low;
    d->count = from->count;
    return 0;
}

// ---- sums

// Without their signs.
static int compare_sizes(const struct decimal *a, const struct decimal *b)
{
    if (!a->count || !b->count)
        return (a->count != 0) - (b->count != 0);
    if (high(a) != high(b))
        return high(a) < high(b) ? -1 : 1;
    for (uint32_t i = 1; i <= a->count || i <= b->count; i++) {
        uint32_t x = i <= a->count ? limbs(a)[a->count - i] : 0;
        uint32_t y = i <= b->count ? limbs(b)[b->count - i] : 0;
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    return a->negative ? -compare_sizes(a, b) : compare_sizes(a, b);
}

// The limbs of `more` begin at limb `at` of `all`, which has room for what is carried.
static void add_limbs(uint32_t *all, uint32_t at, const struct decimal *more)
{
    uint32_t carry = 0;
    for (uint32_t i = 0; i < more->count || carry; i++) {
        uint32_t limb = all[at + i] + (i < more->count ? limbs(more)[i] : 0) + carry;
        carry = limb >= LIMB;
        all[at + i] = carry ? limb - LIMB : limb;
    }
}

// `all` is not smaller than `less`.
static void subtract_limbs(uint32_t *all, uint32_t at, const struct decimal *less)
{
    uint32_t borrow = 0;
    for (uint32_t i = 0; i < less->count || borrow; i++) {
        uint32_t taken = (i < less->count ? limbs(less)[i] : 0) + borrow;
        borrow = all[at + i] < taken;
        all[at + i] += (borrow ? LIMB : 0) - taken;
    }
}

// The same where `less` is larger, and nothing of `all` stands outside of its limbs: less - all.
static void subtract_from(uint32_t *all, uint32_t count, uint32_t at, const struct decimal *less)
{
    uint32_t borrow = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t from = i >= at && i - at < less->count ? limbs(less)[i - at] : 0, taken = all[i] + borrow;
        borrow = from < taken;
        all[i] = from + (borrow ? LIMB : 0) - taken;
    }
}

static int add_signed(struct decimal *sum, const struct decimal *more, bool negative)
{
    if (!more->count)
        return 0;
    int order = compare_sizes(sum, more);
    bool same_sign = !sum->count || sum->negative == negative;
    int32_t low = sum->count && sum->low < more->low ? sum->low : more->low;
    int32_t top = sum->count && high(sum) > high(more) ? high(sum) : high(more);
    int error = widen(sum, low, top + 1);
    if (error)
        return error;
    uint32_t at = (uint32_t)(more->low - sum->low);
    if (same_sign)
        add_limbs(limbs_of(sum), at, more);
    else if (order >= 0)
        subtract_limbs(limbs_of(sum), at, more);
    else
        subtract_from(limbs_of(sum), sum->count, at, more);
    if (same_sign || order < 0)
        sum->negative = negative;
    trim(sum);
    return 0;
}

int decimal_add(struct decimal *sum, const struct decimal *more)
{
    return add_signed(sum, more, more->negative);
}

int decimal_subtract(struct decimal *sum, const struct decimal *less)
{
    return add_signed(sum, less, !less->negative);
}

// ---- products and quotients

int decimal_multiply(struct decimal *product, const struct decimal *a, const struct decimal *b)
{
    int32_t low = a->low + b->low;
    if (a->count + b->count > DECIMAL_LIMBS_MAX || abs(low) > (int32_t)DECIMAL_LIMBS_MAX)
        return -ERANGE;
    int error = reserve(product, a->count + b->count);
    if (error)
        return error;
    product->count = 0;
    widen(product, low, low + (int32_t)(a->count + b->count));
    product->negative = a->negative != b->negative;
    uint32_t *all = limbs_of(product);
    for (uint32_t i = 0; i < a->count; i++) {
        uint64_t carry = 0;
        for (uint32_t k = 0; k < b->count || carry; k++) {
            uint64_t limb = all[i + k] + carry;
            if (k < b->count)
                limb += (uint64_t)limbs(a)[i] * limbs(b)[k];
            all[i + k] = (uint32_t)(limb % LIMB);
            carry = limb / LIMB;
        }
    }
    trim(product);
    return 0;
}

int decimal_divide(struct decimal *d, uint32_t by, unsigned places)
{
    int32_t low = (int32_t)floor_divide(-(int64_t)places, LIMB_DIGITS);
    if (!d->count)
        return 0;
    int error = widen(d, low, high(d) > low ? high(d) : low + 1);
    if (error)
        return error;
    uint32_t *all = limbs_of(d);
    uint64_t rest = 0;
    for (uint32_t i = d->count; i-- > 0;) {
        uint64_t limb = rest * LIMB + all[i];
        all[i] = (uint32_t)(limb / by);
        rest = limb % by;
    }
    // Limbs below hold more places than were asked for.
    uint32_t dropped = powers[(uint32_t)-low * LIMB_DIGITS - places];
    for (uint32_t i = 0; d->low + (int32_t)i < low; i++)
        all[i] = 0;
    all[low - d->low] -= all[low - d->low] % dropped;
    trim(d);
    return 0;
}

// Times 10^places.
static int shift(struct decimal *d, int64_t places)
{
    int64_t whole = floor_divide(places, LIMB_DIGITS);
    uint32_t by = powers[places - whole * LIMB_DIGITS];
    int error = by == 1 ? 0 : widen(d, d->low, high(d) + 1);
    if (error)
        return error;
    uint64_t carry = 0;
    for (uint32_t i = 0; by > 1 && i < d->count; i++) {
        uint64_t limb = (uint64_t)limbs(d)[i] * by + carry;
        limbs_of(d)[i] = (uint32_t)(limb % LIMB);
        carry = limb / LIMB;
    }
    d->low += (int32_t)whole;
    trim(d);
    return 0;
}

// ---- printing

// 0.DIGITS · 10^point, without zeros at the end.
static void print_digits(struct bytes *out, bool negative, struct slice digits, int64_t point)
{
    int64_t count = (int64_t)digits.size;
    if (!count) {
        bytes_add_char(out, '0');
        return;
    }
    if (negative)
        bytes_add_char(out, '-');
    if (point > count && point <= PLAIN_DIGITS) {
        bytes_add_slice(out, digits);
        for (int64_t i = count; i < point; i++)
            bytes_add_char(out, '0');
    } else if (point > 0 && point <= count) {
        bytes_add(out, digits.at, (size_t)point);
        if (point < count)
            bytes_add_char(out, '.');
        bytes_add(out, digits.at + point, (size_t)(count - point));
    } else if (point <= 0 && point > -PLAIN_ZEROS) {
        bytes_add_text(out, "0.");
        for (int64_t i = point; i < 0; i++)
            bytes_add_char(out, '0');
        bytes_add_slice(out, digits);
    } else {
        bytes_add_char(out, digits.at[0]);
        if (count > 1)
            bytes_add_char(out, '.');
        bytes_add(out, digits.at + 1, digits.size - 1);
        bytes_printf(out, "e%lld", (long long)point - 1);
    }
}

// Where the first digit stands: 10^(point - 1) is the largest power that it holds.
static int64_t point_of(const struct decimal *d)
{
    int64_t point = (int64_t)(high(d) - 1) * LIMB_DIGITS;
    for (uint32_t limb = limbs(d)[d->count - 1]; limb; limb /= 10)
        point++;
    return point;
}

void decimal_print(struct bytes *out, const struct decimal *d)
{
    BYTES_AUTO digits = {0};
    for (uint32_t i = d->count; i-- > 0;)
        bytes_printf(&digits, i + 1 == d->count ? "%u" : "%09u", limbs(d)[i]);
    while (digits.size && digits.at[digits.size - 1] == '0')
        digits.size--;
    out->failed = out->failed || digits.failed;
    print_digits(out, d->negative, bytes_slice(&digits), d->count ? point_of(d) : 0);
}

static bool is_exact(struct slice digits)
{
    return digits.size <= DECIMAL_QUOTIENT_DIGITS;
}

// The shortest text that is read as the double next to 0.DIGITS · 10^point; as it stands, cut, when there is none.
static void print_rounded(struct bytes *out, bool negative, struct slice digits, int64_t point)
{
    char text[64 + DECIMAL_QUOTIENT_DIGITS];
    snprintf(text, sizeof text, "0.%.*se%lld", SLICE_ARG(digits), (long long)point);
    double number = strtod(text, NULL);
    if (!isnormal(number)) {
        digits.size = 17;
        print_digits(out, negative, digits, point);
        return;
    }
    for (int precision = 14; precision < 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, number);
        if (strtod(text, NULL) == number)
            break;
    }
    // d.ddde±x: the first digit takes the place of the point.
    char *exponent = strchr(text, 'e');
    text[1] = text[0];
    digits = (struct slice){.at = text + 1, .size = (size_t)(exponent - text - 1)};
    while (digits.size > 1 && digits.at[digits.size - 1] == '0')
        digits.size--;
    print_digits(out, negative, digits, strtoll(exponent + 1, NULL, 10) + 1);
}

// Long division, a digit at a time: DIGITS of 0.DIGITS · 10^*point, one more than is exact when it goes on.
static int divide(struct decimal *rest, struct decimal *by, struct bytes *digits, int64_t *point)
{
    *point = point_of(rest) - point_of(by) + 1;
    int error = shift(by, *point - 1);
    if (!error && compare_sizes(rest, by) < 0) {
        --*point;
        error = shift(rest, 1);
    }
    while (!error && rest->count && is_exact(bytes_slice(digits))) {
        char digit = '0';
        for (; !error && compare_sizes(rest, by) >= 0; digit++)
            error = decimal_subtract(rest, by);
        bytes_add_char(digits, digit);
        if (!error)
            error = shift(rest, 1);
    }
    return digits->failed ? -ENOMEM : error;
}

int decimal_print_quotient(struct bytes *out, const struct decimal *over, const struct decimal *under)
{
    DECIMAL_AUTO rest = {0};
    DECIMAL_AUTO by = {0};
    BYTES_AUTO digits = {0};
    int64_t point = 0;
    bool negative = over->negative != under->negative;
    int error = decimal_copy(&rest, over);
    if (!error)
        error = decimal_copy(&by, under);
    rest.negative = by.negative = false;
    if (!error && rest.count)
        error = divide(&rest, &by, &digits, &point);
    if (error)
        return error;
    if (is_exact(bytes_slice(&digits)))
        print_digits(out, negative, bytes_slice(&digits), point);
    else
        print_rounded(out, negative, bytes_slice(&digits), point);
    return out->failed ? -ENOMEM : 0;
}
