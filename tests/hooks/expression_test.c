// Expressions over metrics: what they are worth, what is refused and where. Expected values follow from arithmetic on
// paper.
#include "hooks/metrics/expression.h"
#include "tests/store/check.h"

#include <errno.h>

static const struct {
    const char *name, *value;
} metrics[] = {
    {"mrr", "48500"}, {"activeSubscriptions", "127"}, {"zero", "0"}, {"none", NULL}, {"a", "2"}, {"b_2", "3"}};

static const char *value_of(struct slice name)
{
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        if (slice_is(name, metrics[i].name))
            return metrics[i].value;
    return NULL;
}

static void is_worth(const char *text, const char *expected)
{
    ARENA_AUTO arena = {0};
    BYTES_AUTO out = {0};
    FRACTION_AUTO result = {0};
    struct fraction values[EXPRESSION_NAMES_MAX] = {0};
    const struct fraction *found[EXPRESSION_NAMES_MAX];
    struct expression e;
    struct reason why = {0};
    int error = expression_read(&e, slice_of(text), &arena, &why);
    if (error) {
        check_ok = false;
        printf("#   %s was refused: %s\n", text, why.text);
        return;
    }
    for (size_t i = 0; i < e.name_count; i++) {
        const char *value = value_of(e.names[i]);
        if (value)
            CHECK_INT(fraction_read(&values[i], slice_of(value)), 0);
        found[i] = &values[i];
    }
    CHECK_INT(expression_compute(&e, found, &result), 0);
    CHECK_INT(fraction_print(&out, &result), 0);
    for (size_t i = 0; i < e.name_count; i++)
        fraction_free(&values[i]);
    if (!slice_is(bytes_slice(&out), expected)) {
        check_ok = false;
        printf("#   %s is %.*s, not %s\n", text, SLICE_ARG(bytes_slice(&out)), expected);
    }
}

static void computes(void)
{
    is_worth("mrr / activeSubscriptions", "381.8897637795276");
    is_worth("mrr*12", "582000");
    is_worth("1 + 2 * 3", "7");
    is_worth("(1 + 2) * 3", "9");
    is_worth("10 - 4 - 3", "3");
    is_worth("24 / 4 / 3", "2");
    is_worth("2 * 6 / 4", "3");
    is_worth("-a + 5", "3");
    is_worth("-a * -b_2", "6");
    is_worth("- - a", "2");
    is_worth("5 - -2", "7");
    is_worth("-(1 + a) * 2", "-6");
    is_worth("  1.5e1 \t+0.5E-1\n", "15.05");
    is_worth("0.1 + 0.2", "0.3");
    is_worth("1 / 3 * 3", "1");
    is_worth("100 * (a - b_2) / a", "-50");
    is_worth("a", "2");
    is_worth("((((7))))", "7");
}

static void null_and_zero(void)
{
    is_worth("none + 1", "null");
    is_worth("none * 0", "null");
    is_worth("-none", "null");
    is_worth("mrr / zero", "null");
    is_worth("1 / (mrr / zero)", "null");
    is_worth("0 / 0", "null");
    is_worth("1 / (1 / 3 * 3 - 1)", "null");
    is_worth("zero / mrr", "0");
    is_worth("unknown", "null");
}

static void lists_its_names(void)
{
    ARENA_AUTO arena = {0};
    struct expression e;
    CHECK_INT(expression_read(&e, SLICE("mrr / (nrr + mrr) - A1_ * 2"), &arena, NULL), 0);
    CHECK_INT(e.name_count, 3);
    CHECK_TEXT(e.names[0], "mrr");
    CHECK_TEXT(e.names[1], "nrr");
    CHECK_TEXT(e.names[2], "A1_");
    CHECK_INT(expression_read(&e, SLICE("1 + 2"), &arena, NULL), 0);
    CHECK_INT(e.name_count, 0);
}

static const struct {
    const char *text, *reason;
} refused[] = {
    {"", "column 1: a number, a name, ( or - is expected, but it ends here"},
    {"   ", "column 4: a number, a name, ( or - is expected, but it ends here"},
    {"mrr /", "column 6: a number, a name, ( or - is expected, but it ends here"},
    {"mrr mrr", "column 5: an operator or the end is expected, not m"},
    {"mrr % 2", "column 5: an operator or the end is expected, not %"},
    {"+ 1", "column 1: a number, a name, ( or - is expected, not +"},
    {"(1 + 2", "column 7: an operator or ) is expected, but it ends here"},
    {"(1 + 2]", "column 7: an operator or ) is expected, not ]"},
    {"1 + 2)", "column 6: an operator or the end is expected, not )"},
    {"()", "column 2: a number, a name, ( or - is expected, not )"},
    {"1.", "column 3: a digit is expected behind the point"},
    {".5", "column 1: a number, a name, ( or - is expected, not ."},
    {"1e", "column 2: a number's exponent is expected behind e"},
    {"3x", "column 2: a name begins with a letter, and a number has none"},
    {"_a", "column 1: a number, a name, ( or - is expected, not _"},
    {"a.b", "column 2: an operator or the end is expected, not ."},
    {"1 + 1e5000", "column 5: the number is too large or too small"},
    {"a \xc3\xa4", "column 3: an operator or the end is expected"},
};

static void refuses(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ARENA_AUTO arena = {0};
        struct expression e;
        struct reason why = {0};
        CHECK_INT(expression_read(&e, slice_of(refused[i].text), &arena, &why), -EINVAL);
        CHECK_TEXT(slice_of(why.text), refused[i].reason);
    }
}

// A text of JSON may have zeros in it.
static void refuses_zeros(void)
{
    const struct slice texts[] = {SLICE("1e\0005"), SLICE("1\0"), SLICE("\0"), SLICE("1 +\0 2")};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ARENA_AUTO arena = {0};
        struct expression e;
        CHECK_INT(expression_read(&e, texts[i], &arena, NULL), -EINVAL);
    }
}

static void refuses_repeated(const char *begin, const char *middle, const char *end, size_t times, const char *word)
{
    ARENA_AUTO arena = {0};
    BYTES_AUTO text = {0};
    struct expression e;
    struct reason why = {0};
    for (size_t i = 0; i < times; i++)
        bytes_add_text(&text, begin);
    bytes_add_text(&text, middle);
    for (size_t i = 0; i < times; i++)
        bytes_add_text(&text, end);
    CHECK_INT(expression_read(&e, bytes_slice(&text), &arena, &why), -EINVAL);
    CHECK(strstr(why.text, word));
}

static void has_bounds(void)
{
    refuses_repeated("(", "1", ")", EXPRESSION_DEPTH_MAX + 1, "deeply");
    refuses_repeated("-", "1", "", 1000000, "deeply");
    refuses_repeated("1+", "1", "", 1000, "long");
    refuses_repeated("a", "b", "", 63, "63 characters");
    BYTES_AUTO text = {0};
    for (unsigned i = 0; i <= EXPRESSION_NAMES_MAX; i++)
        bytes_printf(&text, "%sm%u", i ? "+" : "", i);
    bytes_add_char(&text, '\0');
    refuses_repeated("", text.at, "", 1, "64 metrics");
}

// As deep and as wide as it may be: the stack that it is computed on holds it.
static void the_deepest_is_computed(void)
{
    BYTES_AUTO text = {0};
    for (unsigned i = 0; i < EXPRESSION_DEPTH_MAX; i++)
        bytes_add_text(&text, "1+2*(");
    bytes_add_text(&text, "1+2*3");
    for (unsigned i = 0; i < EXPRESSION_DEPTH_MAX; i++)
        bytes_add_char(&text, ')');
    bytes_add_char(&text, '\0');
    // x → 1 + 2x, 65 times, from 3: 2^65 · 4 − 1
    is_worth(text.at, "147573952589676412927");
}

static void names(void)
{
    CHECK(expression_is_name(SLICE("mrr")));
    CHECK(expression_is_name(SLICE("A_1")));
    CHECK(!expression_is_name(SLICE("")));
    CHECK(!expression_is_name(SLICE("1a")));
    CHECK(!expression_is_name(SLICE("_a")));
    CHECK(!expression_is_name(SLICE("a-b")));
    CHECK(expression_is_name(SLICE("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123")));
    CHECK(!expression_is_name(SLICE("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234")));
}

int main(void)
{
    TEST("operators bind as they do on paper", computes);
    TEST("a null operand and a division by 0 make null", null_and_zero);
    TEST("an expression knows the metrics that it uses", lists_its_names);
    TEST("what is none is refused with the column", refuses);
    TEST("a zero in the text is none of its signs", refuses_zeros);
    TEST("depth, length and names have bounds", has_bounds);
    TEST("the deepest expression is computed", the_deepest_is_computed);
    TEST("names begin with a letter and have up to 63 characters", names);
    return check_end("expression");
}
