#include "store/when.h"

#include "store/name.h"

#include <errno.h>
#include <time.h>

#define SECONDS_PER_DAY INT64_C(86400)
#define US_PER_DAY      (SECONDS_PER_DAY * WHEN_US_PER_SECOND)
#define DAYS_TO_EPOCH   719162                        // from 0001-01-01 to 1970-01-01
#define WHEN_FIRST_US   (-DAYS_TO_EPOCH * US_PER_DAY) // 0001-01-01T00:00:00Z
#define WHEN_LAST_US    (2932897 * US_PER_DAY - 1)    // 9999-12-31T23:59:59.999999Z

// ---- the calendar: Gregorian throughout, also before it was invented

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

// Days from 0001-01-01 to the first of January.
static unsigned days_before_year(unsigned year)
{
    unsigned past = year - 1;
    return past * 365 + past / 4 - past / 100 + past / 400;
}

// Days from the first of January to the first of `month` (1 to 13).
static unsigned days_before_month(unsigned year, unsigned month)
{
    static const unsigned short days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    return days[month - 1] + (month > 2 && is_leap(year) ? 1u : 0u);
}

unsigned when_days_in_month(unsigned year, unsigned month)
{
    return days_before_month(year, month + 1) - days_before_month(year, month);
}

// ---- printing

#define DAY_TEXT_SIZE 11 // 2026-01-16T

static void put_digits(char *at, unsigned number, size_t count)
{
    for (; count-- > 0; number /= 10)
        at[count] = (char)('0' + number % 10);
}

static void print_day(char out[static DAY_TEXT_SIZE], unsigned days_since_0001)
{
    // The mean year is 146097 / 400 days long, which is never off by more than one year.
    unsigned year = (unsigned)(days_since_0001 * UINT64_C(400) / 146097) + 1;
    if (days_before_year(year) > days_since_0001)
        year--;
    if (days_before_year(year + 1) <= days_since_0001)
        year++;
    unsigned day = days_since_0001 - days_before_year(year);
    unsigned month = 12;
    while (days_before_month(year, month) > day)
        month--;
    put_digits(out, year, 4);
    out[4] = '-';
    put_digits(out + 5, month, 2);
    out[7] = '-';
    put_digits(out + 8, day - days_before_month(year, month) + 1, 2);
    out[10] = 'T';
}

size_t when_print(char out[static WHEN_TEXT_MAX], int64_t at_us)
{
    static _Thread_local struct {
        int64_t start_us;
        char text[DAY_TEXT_SIZE + 1];
    } day = {.start_us = 0, .text = "1970-01-01T"};

    if (at_us < WHEN_FIRST_US)
        at_us = WHEN_FIRST_US;
    if (at_us > WHEN_LAST_US)
        at_us = WHEN_LAST_US;
    if (at_us < day.start_us || at_us - day.start_us >= US_PER_DAY) {
        unsigned days = (unsigned)((at_us - WHEN_FIRST_US) / US_PER_DAY);
        print_day(day.text, days);
        day.start_us = WHEN_FIRST_US + days * US_PER_DAY;
    }
    uint64_t of_day_us = (uint64_t)(at_us - day.start_us);
    unsigned second = (unsigned)(of_day_us / 1000000), fraction_us = (unsigned)(of_day_us % 1000000);

    memcpy(out, day.text, DAY_TEXT_SIZE);
    put_digits(out + 11, second / 3600, 2);
    out[13] = ':';
    put_digits(out + 14, second / 60 % 60, 2);
    out[16] = ':';
    put_digits(out + 17, second % 60, 2);
    size_t size = 19;
    if (fraction_us) {
        bool whole_ms = fraction_us % 1000 == 0;
        out[size++] = '.';
        if (whole_ms)
            put_digits(out + size, fraction_us / 1000, 3);
        else
            put_digits(out + size, fraction_us, 6);
        size += whole_ms ? 3 : 6;
    }
    out[size++] = 'Z';
    return size;
}

void when_quote(struct bytes *out, int64_t at_us)
{
    char text[WHEN_TEXT_MAX];
    bytes_add_char(out, '"');
    bytes_add(out, text, when_print(text, at_us));
    bytes_add_char(out, '"');
}

int64_t when_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * WHEN_US_PER_SECOND + now.tv_nsec / 1000;
}

#define NS_PER_SECOND INT64_C(1000000000)

int64_t when_steady_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_SECOND + t.tv_nsec;
}

struct timespec when_steady(int64_t at_ns)
{
    return (struct timespec){.tv_sec = at_ns / NS_PER_SECOND, .tv_nsec = at_ns % NS_PER_SECOND};
}

// ---- reading

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_char(struct slice *rest, char c)
{
    if (!rest->size || rest->at[0] != c)
        return false;
    rest->at++;
    rest->size--;
    return true;
}

static bool take_digits(struct slice *rest, size_t count, unsigned *number)
{
    if (rest->size < count)
        return false;
    unsigned n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(rest->at[i]))
            return false;
        n = n * 10 + (unsigned)(rest->at[i] - '0');
    }
    rest->at += count;
    rest->size -= count;
    *number = n;
    return true;
}

// One to six digits behind the point; more of them count for nothing where they may be.
static bool take_fraction(struct slice *rest, bool finer, unsigned *fraction_us)
{
    unsigned us = 0, scale = 1000000, digit;
    while ((scale > 1 || finer) && take_digits(rest, 1, &digit)) {
        scale /= 10;
        us += digit * scale;
    }
    *fraction_us = us;
    return scale < 1000000;
}

// A moment as its digits say it, whether or not there is such a day or hour.
struct fields {
    unsigned year, month, day, hour, minute, second, fraction_us;
    unsigned offset_hour, offset_minute;
    int offset_sign; // 1 is east of Greenwich
};

// `HH:MM`
static bool take_clock(struct slice *rest, unsigned *hour, unsigned *minute)
{
    return take_digits(rest, 2, hour) && take_char(rest, ':') && take_digits(rest, 2, minute);
}

// Has the text the form of a moment? `finer`: it may have more than six digits behind the point.
static bool read_fields(struct slice text, bool finer, struct fields *f)
{
    struct slice rest = text;
    *f = (struct fields){0};
    if (!take_digits(&rest, 4, &f->year) || !take_char(&rest, '-') || !take_digits(&rest, 2, &f->month) ||
        !take_char(&rest, '-') || !take_digits(&rest, 2, &f->day))
        return false;
    if (take_char(&rest, 'T')) {
        if (!take_clock(&rest, &f->hour, &f->minute))
            return false;
        if (take_char(&rest, ':')) {
            if (!take_digits(&rest, 2, &f->second))
                return false;
            if (take_char(&rest, '.') && !take_fraction(&rest, finer, &f->fraction_us))
                return false;
        }
    }
    if (take_char(&rest, 'Z'))
        return !rest.size;
    f->offset_sign = take_char(&rest, '+') ? 1 : take_char(&rest, '-') ? -1 : 0;
    if (f->offset_sign && !take_clock(&rest, &f->offset_hour, &f->offset_minute))
        return false;
    return !rest.size;
}

static int fields_moment(const struct fields *f, int64_t *at_us)
{
    if (f->year < 1 || f->month < 1 || f->month > 12 || f->day < 1 || f->day > when_days_in_month(f->year, f->month))
        return -EINVAL;
    if (f->hour > 23 || f->minute > 59 || f->second > 59 || f->offset_hour > 23 || f->offset_minute > 59)
        return -EINVAL;
    int64_t days = (int64_t)days_before_year(f->year) + days_before_month(f->year, f->month) + f->day - 1;
    int64_t seconds = (days - DAYS_TO_EPOCH) * SECONDS_PER_DAY + f->hour * 3600 + f->minute * 60 + f->second;
    seconds -= f->offset_sign * (int)(f->offset_hour * 3600 + f->offset_minute * 60);
    int64_t us = seconds * WHEN_US_PER_SECOND + f->fraction_us;
    if (us < WHEN_FIRST_US || us > WHEN_LAST_US)
        return -EINVAL;
    *at_us = us;
    return 0;
}

int when_parse_moment(struct slice text, int64_t *at_us)
{
    struct fields fields;
    return read_fields(text, false, &fields) ? fields_moment(&fields, at_us) : -EINVAL;
}

int when_parse_timestamp(struct slice text, int64_t *at_us)
{
    struct fields fields;
    int error = read_fields(text, true, &fields) ? fields_moment(&fields, at_us) : -EINVAL;
    return error || *at_us > WHEN_LAST_US - US_PER_DAY ? -EINVAL : 0;
}

static size_t count_digits(struct slice s)
{
    size_t count = 0;
    while (count < s.size && is_digit(s.at[count]))
        count++;
    return count;
}

// The one spelling of a number from 1 to `most`; `digits` holds nothing but digits.
static int read_number(struct slice digits, int64_t most, int64_t *number)
{
    int64_t n = 0;
    if (digits.at[0] == '0')
        return -EINVAL;
    for (size_t i = 0; i < digits.size; i++) {
        n = n * 10 + (digits.at[i] - '0');
        if (n > most)
            return -EINVAL;
    }
    *number = n;
    return 0;
}

// `v3`: a v and digits.
static bool has_version_form(struct slice text)
{
    if (text.size < 2 || text.at[0] != 'v')
        return false;
    return count_digits((struct slice){.at = text.at + 1, .size = text.size - 1}) == text.size - 1;
}

static int parse_version(struct slice text, struct when *when)
{
    int64_t version;
    int error = read_number((struct slice){.at = text.at + 1, .size = text.size - 1}, NAME_VERSION_MAX, &version);
    if (!error)
        *when = (struct when){.kind = WHEN_VERSION, .version = (uint32_t)version};
    return error;
}

// `90m-ago`: the unit in microseconds, or 0.
static int64_t ago_unit_us(struct slice text)
{
    size_t digits = count_digits(text);
    struct slice rest = {.at = text.at + digits, .size = text.size - digits};
    if (!digits)
        return 0;
    if (slice_equal(rest, SLICE("m-ago")))
        return 60 * WHEN_US_PER_SECOND;
    if (slice_equal(rest, SLICE("h-ago")))
        return 3600 * WHEN_US_PER_SECOND;
    return slice_equal(rest, SLICE("d-ago")) ? US_PER_DAY : 0;
}

static int parse_ago(struct slice text, int64_t unit_us, struct when *when)
{
    int64_t count;
    struct slice digits = {.at = text.at, .size = count_digits(text)};
    int error = read_number(digits, INT64_MAX / 10 / unit_us, &count);
    if (!error)
        *when = (struct when){.kind = WHEN_AGO, .ago_us = count * unit_us};
    return error;
}

int when_parse(struct slice text, struct when *when)
{
    struct fields fields;
    if (read_fields(text, false, &fields)) {
        *when = (struct when){.kind = WHEN_MOMENT};
        return fields_moment(&fields, &when->at_us);
    }
    int64_t unit_us = ago_unit_us(text);
    if (unit_us)
        return parse_ago(text, unit_us, when);
    if (has_version_form(text))
        return parse_version(text, when);
    if (!name_is_imported_id(text))
        return -EINVAL;
    *when = (struct when){.kind = WHEN_EVENT, .id = text};
    return 0;
}
