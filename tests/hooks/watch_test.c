// Watches: which definitions are taken, and what they have to tell as values come. Expected news follow from HOOKS.md E
// on paper.
#include "hooks/metrics/watch.h"
#include "tests/store/check.h"

#include <errno.h>

static const char *const taken[] = {
    "{\"metric\":\"churn_rate\",\"threshold\":3.0,\"direction\":\"above\"}",
    "{\"metric\":\"mrr\",\"threshold\":-1e3,\"direction\":\"below\",\"severity\":\"low\",\"action\":\"retain\","
    "\"type\":\"revenue\",\"name\":\"n\",\"description\":\"d\"}",
    " { \"metric\" : \"a_1\" , \"threshold\" : 0 , \"direction\" : \"cross\" , \"action\" : null } \n",
};

static const struct {
    const char *text, *word;
} refused[] = {
    {"", "empty"},
    {"[]", "object"},
    {"{\"threshold\":3,\"direction\":\"above\"}", "metric is missing"},
    {"{\"metric\":\"mrr\",\"direction\":\"above\"}", "threshold is missing"},
    {"{\"metric\":\"mrr\",\"threshold\":3}", "direction is missing"},
    {"{\"metric\":\"mrr\",\"treshold\":3,\"direction\":\"above\"}", "unknown member \"treshold\""},
    {"{\"metric\":\"mrr\",\"threshold\":\"3\",\"direction\":\"above\"}", "threshold must be a number"},
    {"{\"metric\":\"mrr\",\"threshold\":1e5000,\"direction\":\"above\"}", "threshold is too large"},
    {"{\"metric\":\"m-r\",\"threshold\":3,\"direction\":\"above\"}", "metric must be the name"},
    {"{\"metric\":7,\"threshold\":3,\"direction\":\"above\"}", "metric must be a string"},
    {"{\"metric\":\"mrr\",\"threshold\":3,\"direction\":\"up\"}", "direction must be"},
    {"{\"metric\":\"mrr\",\"threshold\":3,\"direction\":\"above\",\"severity\":1}", "severity must be a string"},
    {"{\"metric\":\"mrr\",\"threshold\":3,\"direction\":\"above\",\"action\":{}}", "action must be a string"},
    {"{\"metric\":\"mrr\",\"threshold\":3,\"direction\":\"above\",\"direction\":\"below\"}", "direction"},
};

static void takes_definitions(void)
{
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        struct watch w;
        struct reason why = {0};
        int error = watch_read(&w, slice_of(taken[i]), &why);
        if (error) {
            check_ok = false;
            printf("#   %s: %s\n", taken[i], why.text);
            continue;
        }
        watch_free(&w);
    }
}

static void refuses_definitions(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct watch w;
        struct reason why = {0};
        CHECK_INT(watch_read(&w, slice_of(refused[i].text), &why), -EINVAL);
        if (strstr(why.text, refused[i].word))
            continue;
        check_ok = false;
        printf("#   %s: \"%s\" does not hold \"%s\"\n", refused[i].text, why.text, refused[i].word);
    }
}

// ---- values that come one after the other

// Each value, and behind it what is expected: `+` it is raised, `-` it is resolved, `.` there is nothing to tell; then
// whether it stands, `!` or `_`.
static void follows(const char *direction, const char *const *values, const char *expected)
{
    struct watch w;
    struct watch_standing standing = {0};
    char text[120], saw[64] = "";
    snprintf(text, sizeof text, "{\"metric\":\"m\",\"threshold\":100.0,\"direction\":\"%s\"}", direction);
    CHECK_INT(watch_read(&w, slice_of(text), NULL), 0);
    for (size_t i = 0; values[i]; i++) {
        FRACTION_AUTO value = {0};
        enum watch_news news;
        if (strcmp(values[i], "null"))
            CHECK_INT(fraction_read(&value, slice_of(values[i])), 0);
        CHECK_INT(watch_step(&w, &standing, &value, (int64_t)i + 1, &news), 0);
        saw[2 * i] = ".+-"[news];
        saw[2 * i + 1] = watch_is_raised(&w, &standing) ? '!' : '_';
        if (news == WATCH_RAISED)
            CHECK_INT(standing.since_us, (int64_t)i + 1);
    }
    watch_free(&w);
    CHECK_TEXT(slice_of(saw), expected);
}

#define FOLLOWS(direction, expected, ...) follows(direction, (const char *const[]){__VA_ARGS__, NULL}, expected)

static void above(void)
{
    FOLLOWS("above", "._._+!.!-_", "0", "100", "100.1", "200", "100");
    FOLLOWS("above", "._+!-_+!", "0", "200", "0", "200");
    FOLLOWS("above", "+!-_._+!", "101", "null", "null", "101");
}

static void below(void)
{
    FOLLOWS("below", "._._+!.!-_", "200", "100", "99.9", "0", "100");
    FOLLOWS("below", "+!-_+!", "0", "200", "0");
    FOLLOWS("below", "+!-_._+!", "1", "null", "null", "1");
}

// It stands while the value is on the other side than at first.
static void cross(void)
{
    FOLLOWS("cross", "._+!.!+_+!", "0", "200", "300", "50", "101");
    FOLLOWS("cross", "._+!", "200", "0");
    // Equal, and null, keep the side.
    FOLLOWS("cross", "._._._+!", "0", "100", "0", "200");
    FOLLOWS("cross", "._._+!.!.!", "0", "null", "200", "null", "200");
    // What comes first has no side: the next that has one is no crossing.
    FOLLOWS("cross", "._._+!", "100", "200", "0");
    FOLLOWS("cross", "._._+!", "null", "0", "200");
}

// A third, three times over: no double is asked.
static void exact(void)
{
    struct watch w;
    struct watch_standing standing = {0};
    FRACTION_AUTO one = {0};
    FRACTION_AUTO three = {0};
    FRACTION_AUTO third = {0};
    enum watch_news news;
    CHECK_INT(
        watch_read(&w, SLICE("{\"metric\":\"m\",\"threshold\":0.33333333333333333333,\"direction\":\"above\"}"), NULL),
        0);
    CHECK_INT(fraction_read(&one, SLICE("1")), 0);
    CHECK_INT(fraction_read(&three, SLICE("3")), 0);
    CHECK_INT(fraction_compute(&third, &one, FRACTION_DIVIDE, &three), 0);
    CHECK_INT(watch_step(&w, &standing, &third, 1, &news), 0);
    CHECK_INT(news, WATCH_RAISED);
    watch_free(&w);
}

static void print(const char *text, const char *name, const char *value, const char *expected)
{
    struct watch w;
    BYTES_AUTO out = {0};
    CHECK_INT(watch_read(&w, slice_of(text), NULL), 0);
    // 2026-01-18T00:00:00Z
    watch_print_alert(&out, &w, slice_of(name), slice_of(value), 1768694400000000);
    CHECK_TEXT(bytes_slice(&out), expected);
    watch_free(&w);
}

static void alerts(void)
{
    // As the seed prints it.
    print("{\"metric\":\"churn_rate\",\"threshold\":3.0,\"direction\":\"above\",\"action\":\"retain\"}", "churn_spike",
        "4.2",
        "{\"type\":\"churn_spike\",\"severity\":\"high\",\"metric\":\"churn_rate\",\"value\":4.2,\"threshold\":3.0,"
        "\"action\":\"retain\",\"since\":\"2026-01-18T00:00:00Z\"}");
    print(
        "{\"metric\":\"mrr\",\"threshold\":1e3,\"direction\":\"below\",\"type\":\"a \\\"b\\\"\",\"severity\":\"low\"}",
        "x", "null",
        "{\"type\":\"a \\\"b\\\"\",\"severity\":\"low\",\"metric\":\"mrr\",\"value\":null,\"threshold\":1e3,"
        "\"action\":null,\"since\":\"2026-01-18T00:00:00Z\"}");
}

static bool same(const char *a, const char *b)
{
    struct watch x, y;
    CHECK_INT(watch_read(&x, slice_of(a), NULL), 0);
    CHECK_INT(watch_read(&y, slice_of(b), NULL), 0);
    bool answer = watch_same(&x, &y);
    watch_free(&x);
    watch_free(&y);
    return answer;
}

static void sameness(void)
{
    const char *one = "{\"metric\":\"m\",\"threshold\":3,\"direction\":\"above\"}";
    CHECK(same(one, "{\"direction\":\"above\",\"metric\":\"m\",\"threshold\":3,\"description\":\"other\"}"));
    CHECK(same(one, "{\"metric\":\"m\",\"threshold\":3,\"direction\":\"above\",\"severity\":\"high\"}"));
    CHECK(!same(one, "{\"metric\":\"m\",\"threshold\":4,\"direction\":\"above\"}"));
    CHECK(!same(one, "{\"metric\":\"m\",\"threshold\":3,\"direction\":\"below\"}"));
    CHECK(!same(one, "{\"metric\":\"n\",\"threshold\":3,\"direction\":\"above\"}"));
    CHECK(!same(one, "{\"metric\":\"m\",\"threshold\":3,\"direction\":\"above\",\"severity\":\"low\"}"));
    CHECK(!same(one, "{\"metric\":\"m\",\"threshold\":3,\"direction\":\"above\",\"action\":\"a\"}"));
    CHECK(!same(one, "{\"metric\":\"m\",\"threshold\":3,\"direction\":\"above\",\"type\":\"t\"}"));
}

int main(void)
{
    TEST("definitions are taken", takes_definitions);
    TEST("what is none is refused with the reason", refuses_definitions);
    TEST("above: raised once when more than the threshold, cleared at it", above);
    TEST("below: raised once when less than the threshold, cleared at it", below);
    TEST("cross: raised each time that the other side is reached", cross);
    TEST("a value is compared exactly", exact);
    TEST("an alert has the seed's seven members in its order", alerts);
    TEST("other words for people make no other watch", sameness);
    return check_end("watch");
}
