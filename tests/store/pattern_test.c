// Regular expressions: against those of the C library, which are another implementation of the same standard, and that
// no expression takes long.
#include "store/pattern.h"
#include "store/when.h"
#include "tests/store/check.h"

#include <errno.h>
#include <locale.h>
#include <regex.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static int matches(const char *expression, const char *text)
{
    struct pattern *pattern;
    struct reason why = {0};
    int error = pattern_compile(&pattern, slice_of(expression), &why);
    if (error)
        return error;
    int found = pattern_matches(pattern, slice_of(text), NULL);
    pattern_free(pattern);
    return found;
}

static int matches_by_library(const char *expression, const char *text)
{
    regex_t regex;
    if (regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB))
        return -EINVAL;
    int found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static bool is_ascii(const char *text)
{
    while (*text > 0)
        text++;
    return !*text;
}

static void agrees(const char *expression, const char *text)
{
    // Classes are those of ASCII; the library's are the locale's.
    if (strstr(expression, "[:") && !is_ascii(text))
        return;
    int found = matches(expression, text), expected = matches_by_library(expression, text);
    if (found == expected)
        return;
    check_ok = false;
    printf("#   %s on \"%s\" is %d, not %d\n", expression, text, found, expected);
}

static const char *const texts[] = {"", "a", "b", "ab", "ba", "aab", "abab", "aaaaaaaaab", "Ali", "Alibaba", "ali",
    "x1y22", "2026-01-15", "a.b", "a\\b", "(a)", "ä", "äö", "a ä b", "日本", "\t a", "AZ", "a\nb", "[x]", "-", "^a",
    "a$"};

static void finds_what_the_library_finds(void)
{
    static const char *const expressions[] = {"a", "^Ali", "b$", "^$", "", "a*b", "a+b", "a?b", "^a{2}b", "^a{2,}b",
        "^a{3,5}b", "^(ab){2}$", "^(ab){0}$", "(a|b)(a|b)$", "a|^b", "^(a|ab)(b|bab)$", "(|a)b", ".", "^.$", "^..$",
        "[ab]$", "[^a]", "[a-c]", "[]a]", "[^]a]", "[a-]", "[]-a]", "[[:digit:]]+-", "^[[:alpha:]]+$",
        "^[[:upper:][:lower:]]+$", "[[:space:]]", "[[:punct:]]", "^[[:xdigit:]]+$", "[[:blank:]]a", "[[:alnum:]_]",
        "\\.", "\\\\", "\\(a\\)", "\\[x\\]", "\\^a", "a\\$", "ä", "[äö]", "^[^a]$", "日.", "(a*)*", "(a*)+b",
        "((a|b)*)*$", "^(a?){3}$", "x[0-9]y[0-9]{2}", "(^a|b)", "a(^b)", "(a$)b", "^(((((a)))))$", "a{1}{2}",
        "(a{0,2}){2}b", "^a*$|^b*$"};
    for (size_t e = 0; e < COUNT(expressions); e++)
        for (size_t t = 0; t < COUNT(texts); t++)
            agrees(expressions[e], texts[t]);
}

// Expressions of a few letters, from a generator that gives the same each time.
static void finds_what_the_library_finds_for_expressions_made_at_random(void)
{
    static const char *const parts[] = {
        "a", "b", "c", ".", "[ab]", "[^a]", "(a|b)", "(ab)", "(a|bc|)", "^", "$", "(b*)", "ä", "[äö]"};
    static const char *const repetitions[] = {"", "", "", "*", "+", "?", "{2}", "{1,3}", "{0,1}", "{2,}"};
    static const char letters[][3] = {"a", "b", "c", "ä"};
    uint64_t random = 88172645463325252;
    for (int round = 0; round < 30000 && check_ok; round++) {
        char expression[200] = "", text[64] = "";
#define NEXT(n) (random ^= random << 13, random ^= random >> 7, random ^= random << 17, random % (n))
        for (uint64_t i = 0, count = 1 + NEXT(5); i < count; i++) {
            const char *part = parts[NEXT(COUNT(parts))];
            strcat(expression, part);
            // A repeated anchor means one thing here and another there: nobody says what it should.
            if (part[0] != '^' && part[0] != '$')
                strcat(expression, repetitions[NEXT(COUNT(repetitions))]);
            if (i + 1 < count && NEXT(6) == 0)
                strcat(expression, "|");
        }
        for (uint64_t i = 0, count = NEXT(9); i < count; i++)
            strcat(text, letters[NEXT(COUNT(letters))]);
        agrees(expression, text);
    }
}

static void refuses_what_is_no_expression(void)
{
    static const char *const expressions[] = {"(", ")", "a)", "(a", "[", "[a", "[]", "[b-a]", "*", "+a", "(*)", "|+",
        "a{", "a{x}", "a{2", "a{3,2}", "a{256}", "a{,2}", "\\", "\\d", "\\w", "(a)\\1", "[[:none:]]", "[[.a.]]",
        "[[=a=]]"};
    for (size_t e = 0; e < COUNT(expressions); e++)
        if (matches(expressions[e], "a") != -EINVAL) {
            check_ok = false;
            printf("#   %s is not refused\n", expressions[e]);
        }
    struct reason why = {0};
    struct pattern *pattern;
    CHECK_INT(pattern_compile(&pattern, SLICE("a\0b"), &why), -EINVAL);
}

static void says_what_is_wrong_and_where(void)
{
    struct reason why = {0};
    struct pattern *pattern;
    CHECK_INT(pattern_compile(&pattern, SLICE("ab(c"), &why), -EINVAL);
    CHECK(strstr(why.text, "parenthesis") && strstr(why.text, "byte 5"));
}

static void a_byte_that_is_no_utf_8_is_one_character(void)
{
    CHECK_INT(matches("^a.b$", "a\xff"
                               "b"),
        1);
    CHECK_INT(matches("^a..b$", "a\xff"
                                "b"),
        0);
    CHECK_INT(matches("\xff", "\xc3\xbf"), 0);
}

static void repetitions_that_make_it_too_large_are_refused(void)
{
    CHECK_INT(matches("a{255}", "a"), 0);
    CHECK_INT(matches("(a{255}){255}", "a"), -EINVAL);
    CHECK_INT(matches("((((a{9}){9}){9}){9}){9}", "a"), -EINVAL);
    CHECK_INT(
        matches(
            "([\xc3\xa0-\xc3\xa1\xc3\xa4-\xc3\xa5\xc3\xa8-\xc3\xa9\xc3\xac-\xc3\xad\xc3\xb0-\xc3\xb1]{100}){4}", "a"),
        -EINVAL);
}

static void ranges_are_of_characters(void)
{
    CHECK_INT(matches("^[\xc3\xa4-\xc3\xb6]+$", "\xc3\xa4\xc3\xb6\xc3\xa9"), 1);
    CHECK_INT(matches("[\xc3\xa4-\xc3\xb6]", "a\xc3\xbc"), 0);
    CHECK_INT(matches("^[a-\xc3\xb6]+$", "az\xc3\xa4"), 1);
    CHECK_INT(matches("^[a-\xc3\xb6]+$", "A"), 0);
}

// What takes a matcher that tries all ways longer than anybody lives.
static void no_expression_takes_long(void)
{
    static const char *const expressions[] = {"(a*)*b", "(a+)+$b", "(a|a)*b", "(a|aa)+c", "((a*)*)*c",
        "(.*)*(.*)*(.*)*x", "(a?){100}a{100}c", "(.?){240}c", "([^b]{0,240})c", "^(((a|b)*)*)*c"};
    static char text[20001];
    memset(text, 'a', sizeof text - 1);
    for (size_t e = 0; e < COUNT(expressions); e++) {
        int64_t start_ns = when_steady_ns();
        CHECK_INT(matches(expressions[e], text), 0);
        // Some 20 ns for each of at most 500 steps at each character.
        int64_t took_ms = (when_steady_ns() - start_ns) / 1000000;
        if (took_ms > 3000) {
            check_ok = false;
            printf("#   %s takes %lld ms\n", expressions[e], (long long)took_ms);
        }
    }
}

static bool always(void)
{
    return true;
}

static void a_long_text_can_be_given_up(void)
{
    struct pattern *pattern;
    static char text[100000];
    memset(text, 'a', sizeof text);
    CHECK_INT(pattern_compile(&pattern, SLICE("b"), NULL), 0);
    CHECK_INT(pattern_matches(pattern, (struct slice){.at = text, .size = sizeof text}, always), -EINTR);
    pattern_free(pattern);
}

int main(void)
{
    setlocale(LC_ALL, "C.UTF-8");
    TEST("an expression finds what the C library finds", finds_what_the_library_finds);
    TEST("the same for expressions made at random", finds_what_the_library_finds_for_expressions_made_at_random);
    TEST("what is no expression is refused", refuses_what_is_no_expression);
    TEST("a refusal says what is wrong and where", says_what_is_wrong_and_where);
    TEST("a byte that is no UTF-8 is one character, and no other", a_byte_that_is_no_utf_8_is_one_character);
    TEST("ranges are of characters, not of bytes", ranges_are_of_characters);
    TEST("repetitions that make an expression too large are refused", repetitions_that_make_it_too_large_are_refused);
    TEST("no expression takes long", no_expression_takes_long);
    TEST("a long text can be given up", a_long_text_can_be_given_up);
    return check_end("pattern");
}
