// Filters over states, as MongoDB has them (HOOKS.md B21, B22).
#include "hooks/operators.h"
#include "tests/store/check.h"

#include <errno.h>
#include <regex.h>

static const char *const state =
    "{\"$id\":\"contact_1\",\"$version\":3,\"name\":\"Alice \\u0041\",\"stage\":\"Lead\",\"value\":1000,"
    "\"big\":12345678901234567890,\"price\":1.10,\"none\":null,\"yes\":true,\"at\":\"2026-01-15T12:00:00+02:00\","
    "\"tags\":[\"a\",\"b\",7],\"owner\":{\"name\":\"Bob\",\"n\":[1,2]},\"items\":[{\"sku\":\"x\",\"n\":1},{\"sku\":"
    "\"y\",\"n\":5}],"
    "\"pair\":[1,2],\"empty\":[]}";

static int regex(void *context, struct slice pattern, struct slice flags, struct slice text, struct reason *why)
{
    char pattern_text[100], subject[100];
    regex_t compiled;
    (void)context, (void)why;
    snprintf(pattern_text, sizeof pattern_text, "%.*s", SLICE_ARG(pattern));
    snprintf(subject, sizeof subject, "%.*s", SLICE_ARG(text));
    if (regcomp(&compiled, pattern_text, REG_EXTENDED | REG_NOSUB | (slice_is(flags, "i") ? REG_ICASE : 0)))
        return -EINVAL;
    int found = regexec(&compiled, subject, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

static const struct operators operators = {.regex = regex};

static void check(const char *filter, int expected)
{
    struct reason why = {0};
    int matched = operators_match(&operators, slice_of(filter), slice_of(state), &why);
    if (matched != expected)
        printf("#   of %s (%s)\n", filter, why.text);
    CHECK_INT(matched, expected);
    CHECK_INT(operators_check(&operators, slice_of(filter), &why), 0);
}

static void refuse(const char *filter, const char *said)
{
    struct reason why = {0};
    CHECK_INT(operators_check(&operators, slice_of(filter), &why), -EINVAL);
    if (!strstr(why.text, said))
        printf("#   of %s: %s\n", filter, why.text);
    CHECK(strstr(why.text, said));
}

static void equality(void)
{
    check("{}", 1);
    check("{\"stage\":\"Lead\"}", 1);
    check("{\"stage\":\"lead\"}", 0);
    check("{\"stage\":\"Lead\",\"value\":1000.0}", 1);
    check("{\"stage\":\"Lead\",\"value\":1}", 0);
    check("{\"big\":12345678901234567890}", 1);
    check("{\"big\":12345678901234567891}", 0);
    check("{\"price\":{\"$eq\":11e-1}}", 1);
    check("{\"name\":\"Alice A\"}", 1);
    check("{\"owner\":{\"n\":[1,2],\"name\":\"Bob\"}}", 1);
    check("{\"owner\":{\"name\":\"Bob\"}}", 0);
    check("{\"$id\":\"contact_1\",\"$version\":{\"$gte\":3}}", 1);
}

static void missing(void)
{
    check("{\"none\":null}", 1);
    check("{\"nowhere\":null}", 1);
    check("{\"stage\":null}", 0);
    check("{\"nowhere\":{\"$ne\":1}}", 1);
    check("{\"nowhere\":{\"$nin\":[1]}}", 1);
    check("{\"nowhere\":{\"$not\":{\"$gt\":1}}}", 1);
    check("{\"nowhere\":{\"$in\":[null]}}", 1);
    check("{\"nowhere\":{\"$in\":[1]}}", 0);
    check("{\"nowhere\":{\"$exists\":false}}", 1);
    check("{\"none\":{\"$exists\":false}}", 1);
    check("{\"none\":{\"$exists\":true}}", 0);
    check("{\"stage\":{\"$exists\":true}}", 1);
    check("{\"nowhere.at.all\":{\"$exists\":false}}", 1);
}

static void order(void)
{
    check("{\"value\":{\"$gt\":999,\"$lt\":1001}}", 1);
    check("{\"value\":{\"$gt\":1000}}", 0);
    check("{\"value\":{\"$gte\":1000,\"$lte\":1000}}", 1);
    check("{\"value\":{\"$gt\":\"999\"}}", 0);
    check("{\"stage\":{\"$gt\":\"Kead\"}}", 1);
    check("{\"stage\":{\"$lt\":5}}", 0);
    check("{\"big\":{\"$gt\":12345678901234567889}}", 1);
    check("{\"big\":{\"$gt\":12345678901234567890}}", 0);
    // By instant, not by text.
    check("{\"at\":{\"$gte\":\"2026-01-15T10:00:00Z\",\"$lte\":\"2026-01-15T10:00:00Z\"}}", 1);
    check("{\"at\":{\"$lt\":\"2026-01-15T11:00:00Z\"}}", 1);
    check("{\"at\":{\"$gt\":\"2026-01-15\"}}", 1);
    check("{\"yes\":{\"$gt\":false}}", 0);
    check("{\"none\":{\"$lte\":null}}", 0);
}

static void arrays(void)
{
    check("{\"tags\":\"a\"}", 1);
    check("{\"tags\":\"c\"}", 0);
    check("{\"tags\":{\"$gt\":6}}", 1);
    check("{\"tags\":{\"$ne\":\"a\"}}", 0);
    check("{\"tags\":{\"$nin\":[\"c\"]}}", 1);
    check("{\"pair\":[1,2]}", 1);
    check("{\"pair\":[2,1]}", 0);
    check("{\"pair\":{\"$in\":[[1,2]]}}", 1);
    check("{\"empty\":[]}", 1);
    check("{\"empty\":{\"$exists\":true}}", 1);
    check("{\"items.sku\":\"y\"}", 1);
    check("{\"items.sku\":{\"$ne\":\"x\"}}", 0);
    check("{\"items.sku\":{\"$ne\":\"z\"}}", 1);
    check("{\"items.n\":{\"$gt\":4}}", 1);
    check("{\"owner.n\":2}", 1);
    check("{\"owner.name\":\"Bob\"}", 1);
}

static void logic(void)
{
    check("{\"$or\":[{\"stage\":\"x\"},{\"value\":1000}]}", 1);
    check("{\"$or\":[]}", 0);
    check("{\"$and\":[{\"stage\":\"Lead\"},{\"value\":1}]}", 0);
    check("{\"$and\":[]}", 1);
    check("{\"value\":{\"$not\":{\"$gt\":5}}}", 0);
    check("{\"stage\":{\"$in\":[\"x\",\"Lead\"]}}", 1);
    check("{\"stage\":{\"$regex\":\"^Le\"}}", 1);
    check("{\"stage\":{\"$regex\":\"ea\"}}", 1);
    check("{\"stage\":{\"$regex\":\"^le\"}}", 0);
    check("{\"stage\":{\"$regex\":\"^le\",\"$flags\":\"i\"}}", 1);
    check("{\"stage\":{\"$not\":{\"$regex\":\"^X\"}}}", 1);
    check("{\"stage\":{\"$in\":[{\"$regex\":\"^L\"}]}}", 1);
    check("{\"value\":{\"$regex\":\"1\"}}", 0);
    check("{\"tags\":{\"$regex\":\"^b$\"}}", 1);
}

static void mistakes(void)
{
    refuse("{\"stage\":{\"$like\":\"x\"}}", "$like");
    refuse("{\"$nor\":[]}", "$nor");
    refuse("{\"nowhere\":1,\"a\":{\"$foo\":1}}", "$foo");
    refuse("{\"$or\":[{\"a\":1},{\"b\":{\"$bar\":1}}]}", "$bar");
    refuse("{\"a\":{\"$in\":1}}", "$in");
    refuse("{\"a\":{\"$exists\":1}}", "$exists");
    refuse("{\"a\":{\"$not\":1}}", "$not");
    refuse("{\"$or\":{}}", "$or");
    refuse("{\"$and\":[1]}", "a filter is an object");
    refuse("{\"a\":{\"$gt\":1,\"b\":2}}", "unknown operator");
    refuse("{\"a\":{\"$regex\":5}}", "$regex");
    refuse("[]", "a filter is an object");
}

static void deep(void)
{
    BYTES_AUTO filter = {0};
    struct reason why = {0};
    for (int i = 0; i < 500; i++)
        bytes_add_text(&filter, "{\"$and\":[");
    bytes_add_text(&filter, "{}");
    for (int i = 0; i < 500; i++)
        bytes_add_text(&filter, "]}");
    CHECK_INT(operators_match(&operators, bytes_slice(&filter), slice_of(state), &why), -EINVAL);
}

int main(void)
{
    TEST("equal is equal by value: exact decimals, escapes and member order aside", equality);
    TEST("a missing field is null, and what is not equal to anything", missing);
    TEST("order is within one type, of moments by instant", order);
    TEST("an array matches as a whole or by any element, and so do paths through it", arrays);
    TEST("conditions are joined, negated, and matched by expressions", logic);
    TEST("what is no filter is refused in words, wherever it stands", mistakes);
    TEST("a filter that is nested too deeply is refused", deep);
    return check_end("operators");
}
