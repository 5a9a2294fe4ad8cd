// Moments: expected microseconds were computed with Python's datetime and checked with `date -u -d TEXT +%s`.
#include "store/when.h"
#include "tests/store/check.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
    int64_t at_us;
    const char *text;
} moments[] = {
    {0, "1970-01-01T00:00:00Z"},
    {-1, "1969-12-31T23:59:59.999999Z"},
    {INT64_C(1768555800000000), "2026-01-16T09:30:00Z"},
    {INT64_C(1768555800500000), "2026-01-16T09:30:00.500Z"},
    {INT64_C(1768555800000001), "2026-01-16T09:30:00.000001Z"},
    {INT64_C(1768555800120000), "2026-01-16T09:30:00.120Z"},
    {INT64_C(1768555800123400), "2026-01-16T09:30:00.123400Z"},
    {INT64_C(1768607999999999), "2026-01-16T23:59:59.999999Z"},
    {INT64_C(1768608000000000), "2026-01-17T00:00:00Z"},
    {INT64_C(951782400000000), "2000-02-29T00:00:00Z"},
    {INT64_C(951868800000000), "2000-03-01T00:00:00Z"},
    {INT64_C(978220800000000), "2000-12-31T00:00:00Z"},
    {INT64_C(-2203891200000000), "1900-03-01T00:00:00Z"},
    {INT64_C(-2203977600000000), "1900-02-28T00:00:00Z"},
    {INT64_C(1709164800000000), "2024-02-29T00:00:00Z"},
    {INT64_C(-62135596800000000), "0001-01-01T00:00:00Z"},
    {INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z"},
};

static void check_printed(int64_t at_us, const char *expected)
{
    char out[WHEN_TEXT_MAX];
    CHECK_TEXT(((struct slice){.at = out, .size = when_print(out, at_us)}), expected);
}

static void printed(void)
{
    for (size_t i = 0; i < COUNT(moments); i++)
        check_printed(moments[i].at_us, moments[i].text);
    for (size_t i = COUNT(moments); i-- > 0;)
        check_printed(moments[i].at_us, moments[i].text);
}

static void printed_cut(void)
{
    check_printed(INT64_MIN, "0001-01-01T00:00:00Z");
    check_printed(INT64_C(-62135596800000001), "0001-01-01T00:00:00Z");
    check_printed(INT64_C(253402300800000000), "9999-12-31T23:59:59.999999Z");
    check_printed(INT64_MAX, "9999-12-31T23:59:59.999999Z");
}

// Every day of 1600 to 2399 against the calendar of libc.
static void printed_each_day(void)
{
    for (int64_t day = -135140; day < 157054; day++) {
        time_t seconds = day * 86400;
        struct tm tm;
        char expected[WHEN_TEXT_MAX];
        gmtime_r(&seconds, &tm);
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", &tm);
        check_printed(seconds * WHEN_US_PER_SECOND, expected);
        if (!check_ok)
            return;
    }
}

// Prints the two days that it is given, over and over.
static void *print_days(void *first)
{
    size_t at = *(size_t *)first;
    for (unsigned i = 0; i < 20000; i++)
        check_printed(moments[at + i % 2].at_us, moments[at + i % 2].text);
    return NULL;
}

static void printed_by_threads(void)
{
    pthread_t threads[2];
    size_t firsts[] = {7, 9};
    for (size_t i = 0; i < 2; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, print_days, &firsts[i]), 0);
    for (size_t i = 0; i < 2; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
}

static void check_moment(const char *text, int64_t expected_us)
{
    int64_t at_us = -7;
    int error = when_parse_moment(slice_of(text), &at_us);
    if (error || at_us != expected_us)
        printf("#   \"%s\"\n", text);
    CHECK_INT(error, 0);
    CHECK_INT(at_us, expected_us);

    struct when when = {0};
    CHECK_INT(when_parse(slice_of(text), &when), 0);
    CHECK_INT(when.kind, WHEN_MOMENT);
    CHECK_INT(when.at_us, expected_us);
}

static void read_forms(void)
{
    check_moment("2026-01-16", INT64_C(1768521600000000));
    check_moment("2026-01-16Z", INT64_C(1768521600000000));
    check_moment("2026-01-16+01:00", INT64_C(1768518000000000));
    check_moment("2026-01-16-01:00", INT64_C(1768525200000000));
    check_moment("2026-01-16T09:30", INT64_C(1768555800000000));
    check_moment("2026-01-16T09:30Z", INT64_C(1768555800000000));
    check_moment("2026-01-16T09:30+05:45", INT64_C(1768535100000000));
    check_moment("2026-01-16T09:30:00", INT64_C(1768555800000000));
    check_moment("2026-01-16T09:30:00Z", INT64_C(1768555800000000));
    check_moment("2026-01-16T01:30:00-08:00", INT64_C(1768555800000000));
    check_moment("2026-01-16T09:30:00-00:00", INT64_C(1768555800000000));
    check_moment("2026-01-16T23:59:59+23:59", INT64_C(1768521659000000));
    check_moment("2026-01-16T09:30:00.1", INT64_C(1768555800100000));
    check_moment("2026-01-16T09:30:00.12Z", INT64_C(1768555800120000));
    check_moment("2026-01-16T09:30:00.123+00:00", INT64_C(1768555800123000));
    check_moment("2026-01-16T09:30:00.1234Z", INT64_C(1768555800123400));
    check_moment("2026-01-16T09:30:00.12345Z", INT64_C(1768555800123450));
    check_moment("2026-01-16T09:30:00.000001Z", INT64_C(1768555800000001));
    check_moment("2026-01-16T00:00:00.000000Z", INT64_C(1768521600000000));
    check_moment("2024-02-29", INT64_C(1709164800000000));
}

static void read_printed(void)
{
    for (size_t i = 0; i < COUNT(moments); i++)
        check_moment(moments[i].text, moments[i].at_us);
}

static void check_no_moment(const char *text)
{
    int64_t at_us;
    int error = when_parse_moment(slice_of(text), &at_us);
    if (!error)
        printf("#   \"%s\" is read\n", text);
    CHECK_INT(error, -EINVAL);
}

static void refused_forms(void)
{
    static const char *const texts[] = {"", "2026", "2026-01", "2026-1-6", "26-01-16", "20260116", "2026-01-16T",
        "2026-01-16T09", "2026-01-16T0930", "2026-01-16 09:30", "2026-01-16t09:30", "2026-01-16T09:30z",
        "2026-01-16T09:30:", "2026-01-16T09:30:0", "2026-01-16T09:30:00.", "2026-01-16T09:30:00.Z",
        "2026-01-16T09:30:00,5", "2026-01-16T09:30:00.1234567", "2026-01-16T09:30.5", "2026-01-16T09:30:00+01",
        "2026-01-16T09:30:00+0100", "2026-01-16T09:30:00+1:00", "2026-01-16T09:30:00+01:00:00", "2026-01-16T09:30:00Z ",
        " 2026-01-16", "2026-01-16\n", "2026-01-16ZZ", "2026-01-16Z+01:00", "-2026-01-16", "+2026-01-16", "02026-01-16",
        "2026-01-16T+9:30", "2026-01-16T09:30:00 Z", "2026-W03-5", "2026-016"};
    for (size_t i = 0; i < COUNT(texts); i++)
        check_no_moment(texts[i]);
}

static const char *const no_such_moments[] = {"2026-02-30", "2026-02-29", "1900-02-29", "2026-04-31", "2026-00-10",
    "2026-13-10", "2026-01-00", "2026-01-32", "0000-01-01", "2026-01-16T24:00", "2026-01-16T24:00:00Z",
    "2026-01-16T09:60", "2026-01-16T23:59:60", "2026-01-16T09:30:61Z", "2026-01-16T09:30+24:00",
    "2026-01-16T09:30+01:60", "0001-01-01T00:00+00:01", "9999-12-31T23:59-00:01"};

static void refused_values(void)
{
    for (size_t i = 0; i < COUNT(no_such_moments); i++)
        check_no_moment(no_such_moments[i]);
}

static struct when parsed(const char *text)
{
    struct when when = {0};
    int error = when_parse(slice_of(text), &when);
    if (error)
        printf("#   \"%s\" is refused\n", text);
    CHECK_INT(error, 0);
    return when;
}

static void check_no_when(const char *text)
{
    struct when when;
    int error = when_parse(slice_of(text), &when);
    if (!error)
        printf("#   \"%s\" is read\n", text);
    CHECK_INT(error, -EINVAL);
}

static void agos(void)
{
    CHECK_INT(parsed("90m-ago").kind, WHEN_AGO);
    CHECK_INT(parsed("90m-ago").ago_us, INT64_C(5400000000));
    CHECK_INT(parsed("2h-ago").ago_us, INT64_C(7200000000));
    CHECK_INT(parsed("7d-ago").ago_us, INT64_C(604800000000));
    CHECK_INT(parsed("1000000d-ago").ago_us, INT64_C(86400000000000000));
    static const char *const texts[] = {"0m-ago", "07d-ago", "00h-ago", "99999999999999999999d-ago"};
    for (size_t i = 0; i < COUNT(texts); i++)
        check_no_when(texts[i]);
}

static void versions(void)
{
    CHECK_INT(parsed("v1").kind, WHEN_VERSION);
    CHECK_INT(parsed("v1").version, 1);
    CHECK_INT(parsed("v30").version, 30);
    CHECK_INT(parsed("v99999999").version, 99999999);
    static const char *const texts[] = {"v0", "v03", "v00000003", "v100000000", "v4294967297", "v18446744073709551617"};
    for (size_t i = 0; i < COUNT(texts); i++)
        check_no_when(texts[i]);
}

static void check_event(const char *id)
{
    struct when when = parsed(id);
    CHECK_INT(when.kind, WHEN_EVENT);
    CHECK_TEXT(when.id, id);
}

static void events(void)
{
    check_event("evt_tR8kJmNxP");
    check_event("evt_a_b-c");
    check_event("01HZX3K8Q2M7");
    check_event("order:17.2");
    check_event("v");
    check_event("V3");
    check_event("v3a");
    check_event("5w-ago");
    check_event("m-ago");
    check_event("2026-01-16T09:30:00Z-0001");
    char longest[130];
    memset(longest, 'a', sizeof longest);
    longest[128] = '\0';
    check_event(longest);
    longest[128] = 'a';
    longest[129] = '\0';
    check_no_when(longest);
}

static void no_events(void)
{
    static const char *const texts[] = {
        "", "a,b", "a b", "a/b", "2026-01-16 09:30", "2026-01-16+01", "\xc3\xa9", "a\n", "~"};
    for (size_t i = 0; i < COUNT(texts); i++)
        check_no_when(texts[i]);
    for (size_t i = 0; i < COUNT(no_such_moments); i++)
        check_no_when(no_such_moments[i]);
}

static void now(void)
{
    time_t before = time(NULL);
    int64_t now_us = when_now_us();
    time_t after = time(NULL);
    // time() may read a coarser clock, up to a tick behind.
    CHECK(now_us >= before * WHEN_US_PER_SECOND);
    CHECK(now_us < (after + 2) * WHEN_US_PER_SECOND);
}

static void timestamps(void)
{
    static const struct {
        const char *text;
        int64_t at_us;
    } taken[] = {
        {"1970-01-01", 0},
        {"1970-01-01T01:00:00.000+01:00", 0},
        {"1970-01-01T00:00:00.0000019Z", 1},
        {"1970-01-01T00:00:00.123456789Z", 123456},
        {"1969-12-31T23:59:59.99999999999999999999999999", -1},
        {"9999-12-30T23:59:59.999999Z", INT64_C(253402214399999999)},
    };
    static const char *const refused[] = {"9999-12-31", "9999-12-30T23:59:59.999999-00:01", "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.1x", "0000-01-01", "v3", "2h-ago", "", "1970-01-01 00:00:00", "1577872800"};
    int64_t at_us;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        at_us = 77;
        CHECK_INT(when_parse_timestamp(slice_of(taken[i].text), &at_us), 0);
        CHECK_INT(at_us, taken[i].at_us);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        CHECK_INT(when_parse_timestamp(slice_of(refused[i]), &at_us), -EINVAL);
    CHECK_INT(when_parse_moment(SLICE("1970-01-01T00:00:00.1234567Z"), &at_us), -EINVAL);
}

int main(void)
{
    TEST("a moment is printed with 0, 3 or 6 decimals, whatever was printed before", printed);
    TEST("moments outside the years 0001 to 9999 are cut", printed_cut);
    TEST("each day from 1600 to 2399 is printed as in libc's calendar", printed_each_day);
    TEST("threads print different days at once", printed_by_threads);
    TEST("all forms of a moment are read", read_forms);
    TEST("the timestamp of an event may be finer than a microsecond, which is cut", timestamps);
    TEST("what is printed is read back", read_printed);
    TEST("other forms are no moments", refused_forms);
    TEST("days and hours that do not exist are no moments", refused_values);
    TEST("minutes, hours and days ago have one spelling", agos);
    TEST("versions have one spelling", versions);
    TEST("ids of events are taken when they have no other form", events);
    TEST("what is neither a moment nor an id is refused", no_events);
    TEST("now is the clock of the system", now);
    return check_end("when");
}
