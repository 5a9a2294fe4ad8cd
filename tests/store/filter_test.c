// FILTERs of query/ and find/: what is taken, its one normal form, and why the others are refused.
#include "store/filter.h"
#include "store/name.h"
#include "tests/store/check.h"

#include <errno.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

// Expected texts are written down from the rules in filter.h.
static void check_normal(enum filter_grammar grammar, const char *text, const char *expected)
{
    FILTER_AUTO filter;
    struct reason why = {0};
    int error = filter_parse(&filter, grammar, slice_of(text), &why);
    if (error)
        printf("#   %s: %s\n", text, why.text);
    CHECK_INT(error, 0);
    CHECK_TEXT(filter.text, expected);

    FILTER_AUTO again;
    CHECK_INT(filter_parse(&again, grammar, filter.text, NULL), 0);
    CHECK_TEXT(again.text, expected);
}

static const struct {
    const char *text, *normal;
} queries[] = {
    {"type=Deal.Closed", "type=Deal.Closed"},
    {"type=deal.closed", "type=Deal.Closed"},
    {"type=DEAL.CLOSED", "type=Deal.Closed"},
    {"type=LineItem.PaidOut", "type=Lineitem.Paidout"},
    {"type=Deal.*", "type=Deal.*"},
    {"type=deal.*", "type=Deal.*"},
    {"type=*.created", "type=*.Created"},
    {"type=*", "type=*.*"},
    {"type=*.*", "type=*.*"},
    {"type=Subscription.Canceled", "type=Subscription.Cancelled"},
    {"type=Subscription.Cancelled", "type=Subscription.Cancelled"},
    {"type=order.was_canceled", "type=order.was_cancelled"},
    {"type=order.was_placed", "type=order.was_placed"},
    {"type=Order.Was_Placed", "type=order.was_placed"},
    {"type=was_placed", "type=was_placed"},
    {"type=*.was_placed", "type=was_placed"},
    {"type=shipped", "type=*.Shipped"},
    {"type=Deal.Won|Deal.Lost", "type=Deal.Lost|Deal.Won"},
    {"type=Deal.Won|deal.won|Deal.Won", "type=Deal.Won"},
    {"type=%44eal%2eWon", "type=Deal.Won"},
    {"type=Deal.Won,type=Deal.Lost", "type=Deal.Lost,type=Deal.Won"},
    {"type=Deal.Won,type=deal.won", "type=Deal.Won"},
    {"entity=deal_a", "entity=deal_a"},
    {"entity=deal_b|deal_a|deal_b", "entity=deal_a|deal_b"},
    {"entity=Deal_A", "entity=Deal_A"},
    {"actor=agent_a", "actor=agent_a"},
    {"actor=Jos\xc3\xa9 P%C3%a9rez", "actor=Jos\xc3\xa9 P\xc3\xa9rez"},
    {"actor=a%2Cb", "actor=a%2Cb"},
    {"actor=a%7cb|c", "actor=a%7Cb|c"},
    {"actor=100%25", "actor=100%25"},
    {"actor=a*", "actor=a*"},
    {"actor=a=b", "actor=a=b"},
    {"after=2026-01-15", "after=2026-01-15"},
    {"after=2026-01-15T00:00:00Z", "after=2026-01-15"},
    {"after=2026-01-15T10:00", "after=2026-01-15T10:00:00Z"},
    {"after=2026-01-15T10:00:00.5+01:00", "after=2026-01-15T09:00:00.500Z"},
    {"after=2026-01-15,after=2026-01-14", "after=2026-01-15"},
    {"before=2026-01-15,before=2026-01-14", "before=2026-01-14"},
    {"limit=50", "limit=50"},
    {"limit=50,limit=7", "limit=7"},
    {"limit=999999999999999999", "limit=999999999999999999"},
    {"order=desc", "order=desc"},
    {"order=asc", "order=asc"},
    {"order=asc,limit=5", "limit=5"},
    {"order=desc,order=desc", "order=desc"},
    {"order=desc,limit=5,before=2026-02-01,after=2026-01-15,actor=a,entity=deal_a,type=*.Created",
        "type=*.Created,entity=deal_a,actor=a,after=2026-01-15,before=2026-02-01,limit=5,order=desc"},
    {"actor=b|a,actor=a", "actor=a,actor=a|b"},
};

static void queries_have_one_form(void)
{
    for (size_t i = 0; i < COUNT(queries); i++)
        check_normal(FILTER_QUERY, queries[i].text, queries[i].normal);
}

static const struct {
    const char *text, *normal;
} finds[] = {
    {"type=Contact", "type=Contact"},
    {"type=CONTACT", "type=Contact"},
    {"type!=contact", "type!=Contact"},
    {"stage=Lead,type=Contact", "type=Contact,stage=Lead"},
    {"type=Contact,stage=Lead,value>=1000,owner.name~^Ali", "type=Contact,owner.name~^Ali,stage=Lead,value>=1000"},
    {"a=1,a=1", "a=1"},
    {"a=1,a=1.0", "a=1,a=1.0"},
    {"a=x|y", "a=x|y"},
    {"a%2eb.c=1", "a%2Eb.c=1"},
    {"a.%62=1", "a.b=1"},
    {"a%3d%3c=1", "a%3D%3C=1"},
    {"a>%3Db", "a>%3Db"},
    {"a>=b", "a>=b"},
    {"a==b", "a==b"},
    {"a=~b", "a=~b"},
    {"a!=b", "a!=b"},
    {"a~x%2cy", "a~x%2Cy"},
    {"a=%0a", "a=%0A"},
    {"%74ype=x", "%74ype=x"},
    {"type.a=x", "type.a=x"},
    {"a.type=x", "a.type=x"},
    {"when<2026-01-15", "when<2026-01-15"},
};

static void finds_have_one_form(void)
{
    for (size_t i = 0; i < COUNT(finds); i++)
        check_normal(FILTER_FIND, finds[i].text, finds[i].normal);
}

struct refusal {
    enum filter_grammar grammar;
    const char *text, *part; // of the reason
};

static const struct refusal refusals[] = {
    {FILTER_QUERY, "", "byte 1: a condition is missing"},
    {FILTER_QUERY, ",", "byte 1: a condition is missing"},
    {FILTER_QUERY, "limit=5,", "byte 9: a condition is missing"},
    {FILTER_QUERY, "limit=5,,order=asc", "byte 9: a condition is missing"},
    {FILTER_QUERY, "type", "byte 1: \"type\" is not key=value"},
    {FILTER_QUERY, "limit=5,typ=Deal.*", "byte 9: unknown key \"typ\"; keys are type"},
    {FILTER_QUERY, "Type=Deal.*", "unknown key \"Type\""},
    {FILTER_QUERY, "ty%70e=Deal.*", "unknown key"},
    {FILTER_QUERY, "limit>5", "is not key=value"},
    {FILTER_QUERY, "type=", "byte 6: type has an empty value"},
    {FILTER_QUERY, "entity=", "byte 8: entity has an empty value"},
    {FILTER_QUERY, "actor=a|", "byte 9: actor has an empty value"},
    {FILTER_QUERY, "actor=|a", "byte 7: actor has an empty value"},
    {FILTER_QUERY, "after=", "byte 7: after has an empty value"},
    {FILTER_QUERY, "before=", "before has an empty value"},
    {FILTER_QUERY, "limit=", "limit has an empty value"},
    {FILTER_QUERY, "order=", "order has an empty value"},
    {FILTER_QUERY, "type=Deal", "for all events of a noun: Deal.*"},
    {FILTER_QUERY, "type=De*.Closed", "* stands for a whole half"},
    {FILTER_QUERY, "type=Deal.C*", "* stands for a whole half"},
    {FILTER_QUERY, "type=order.was_*", "* stands for a whole half"},
    {FILTER_QUERY, "type=**", "* stands for a whole half"},
    {FILTER_QUERY, "type=.Closed", "neither Noun.Verb"},
    {FILTER_QUERY, "type=Deal.", "neither Noun.Verb"},
    {FILTER_QUERY, "type=.", "neither Noun.Verb"},
    {FILTER_QUERY, "type=Deal.Clo sed", "neither Noun.Verb"},
    {FILTER_QUERY, "type=Deal.Closed.x", "neither Noun.Verb"},
    {FILTER_QUERY, "type=Deal.Won|Deal", "byte 15: \"Deal\""},
    {FILTER_QUERY, "type=or_der.placed", "neither Noun.Verb"},
    {FILTER_QUERY, "type=Deal.Won%7CDeal.Lost", "neither Noun.Verb"},
    {FILTER_QUERY, "entity=deal", "is not the id of an entity"},
    {FILTER_QUERY, "entity=*", "is not the id of an entity"},
    {FILTER_QUERY, "entity=deal_a%2Fb", "is not the id of an entity"},
    {FILTER_QUERY, "actor=a%2Fb", "is not an actor"},
    {FILTER_QUERY, "actor=a%0Ab", "is not an actor"},
    {FILTER_QUERY, "actor=a%", "byte 8: % is followed by two hexadecimal digits"},
    {FILTER_QUERY, "actor=a%4", "% is followed by two hexadecimal digits"},
    {FILTER_QUERY, "actor=%4g", "% is followed by two hexadecimal digits"},
    {FILTER_QUERY, "actor=%00", "% is followed by two hexadecimal digits"},
    {FILTER_QUERY, "actor=%ff", "byte 7: this is not UTF-8"},
    {FILTER_QUERY, "actor=\xff", "not text in UTF-8"},
    {FILTER_QUERY, "after=yesterday", "byte 7: \"yesterday\" is not a moment"},
    {FILTER_QUERY, "after=2026-02-30", "is not a moment"},
    {FILTER_QUERY, "after=2026-01-15t10:00", "is not a moment"},
    {FILTER_QUERY, "before=2026-01-15T24:00", "is not a moment"},
    {FILTER_QUERY, "before=7d-ago", "is not a moment"},
    {FILTER_QUERY, "after=2026-01-15|2026-01-16", "is not a moment"},
    {FILTER_QUERY, "limit=0", "is not a number from 1"},
    {FILTER_QUERY, "limit=05", "is not a number from 1"},
    {FILTER_QUERY, "limit=-1", "is not a number from 1"},
    {FILTER_QUERY, "limit=1e3", "is not a number from 1"},
    {FILTER_QUERY, "limit=1000000000000000000", "is not a number from 1"},
    {FILTER_QUERY, "order=up", "byte 7: order is asc or desc, not \"up\""},
    {FILTER_QUERY, "order=DESC", "order is asc or desc"},
    {FILTER_QUERY, "order=asc,order=desc", "byte 17: order cannot be both"},
    {FILTER_FIND, "", "a condition is missing"},
    {FILTER_FIND, "stage", "byte 6: \"stage\" is not key OP value"},
    {FILTER_FIND, "stage!Lead", "is not key OP value"},
    {FILTER_FIND, "a=1,stage=", "byte 11: \"stage\" has an empty value"},
    {FILTER_FIND, "value>=", "\"value\" has an empty value"},
    {FILTER_FIND, "=5", "byte 1: a name is missing in the path"},
    {FILTER_FIND, "a..b=5", "byte 3: a name is missing in the path \"a..b\""},
    {FILTER_FIND, "a.=5", "a name is missing"},
    {FILTER_FIND, "type>Contact", "type is compared by = or != alone"},
    {FILTER_FIND, "type~Con", "type is compared by = or != alone"},
    {FILTER_FIND, "type=Contact.*", "is not a type of entities"},
    {FILTER_FIND, "type=*", "is not a type of entities"},
    {FILTER_FIND, "a=%zz", "% is followed by two hexadecimal digits"},
    {FILTER_FIND, "a%=1", "% is followed by two hexadecimal digits"},
    {FILTER_FIND, "a=%c0%80", "this is not UTF-8"},
};

static void refused(void)
{
    for (size_t i = 0; i < COUNT(refusals); i++) {
        const struct refusal *r = &refusals[i];
        struct filter filter;
        struct reason why = {0};
        int error = filter_parse(&filter, r->grammar, slice_of(r->text), &why);
        if (error != -ENOENT || !strstr(why.text, r->part))
            printf("#   \"%s\" gives %d, %s\n", r->text, error, why.text);
        CHECK_INT(error, -ENOENT);
        CHECK(strstr(why.text, r->part));
        if (!error)
            filter_free(&filter);
    }
}

static void long_ones(void)
{
    char text[FILTER_TEXT_MAX + 2] = "a=";
    memset(text + 2, 'x', sizeof text - 2);
    FILTER_AUTO filter;
    CHECK_INT(filter_parse(&filter, FILTER_FIND, (struct slice){.at = text, .size = FILTER_TEXT_MAX}, NULL), 0);
    struct filter none;
    struct reason why = {0};
    CHECK_INT(filter_parse(&none, FILTER_FIND, (struct slice){.at = text, .size = FILTER_TEXT_MAX + 1}, &why), -ENOENT);
    CHECK(strstr(why.text, "has 1025 bytes"));

    // 204 verbs of 4 bytes and their `|`, which the normal form gives a `*.` each.
    BYTES_AUTO verbs = {0};
    bytes_add_text(&verbs, "type=a000");
    for (int i = 1; i < 204; i++)
        bytes_printf(&verbs, "|a%03d", i);
    CHECK(verbs.size <= FILTER_TEXT_MAX);
    why = (struct reason){0};
    CHECK_INT(filter_parse(&none, FILTER_QUERY, bytes_slice(&verbs), &why), -ENOENT);
    CHECK(strstr(why.text, "in its normal form"));
    CHECK_INT(filter_parse(&none, FILTER_QUERY, (struct slice){.at = "a=\0", .size = 3}, NULL), -ENOENT);
}

static void parsed_query(void)
{
    FILTER_AUTO f;
    CHECK_INT(
        filter_parse(&f, FILTER_QUERY,
            SLICE("actor=a%2Cb,type=Deal.*|was_placed,after=2026-01-15,before=2026-01-16,limit=9,order=desc"), NULL),
        0);
    CHECK_INT(f.choice_count, 2);
    CHECK_INT(f.choices[0].key, FILTER_TYPE);
    CHECK_INT(f.choices[0].count, 2);
    CHECK_TEXT(f.choices[0].values[0].noun, "deal");
    CHECK_TEXT(f.choices[0].values[0].verb, "");
    CHECK_TEXT(f.choices[0].values[1].noun, "");
    CHECK_TEXT(f.choices[0].values[1].verb, "was_placed");
    CHECK_INT(f.choices[1].key, FILTER_ACTOR);
    CHECK_TEXT(f.choices[1].values[0].text, "a,b");
    CHECK_INT(f.after_us, INT64_C(1768435200000000));
    CHECK_INT(f.before_us, INT64_C(1768521600000000));
    CHECK_INT(f.limit, 9);
    CHECK(f.descending);
}

static void parsed_find(void)
{
    FILTER_AUTO f;
    CHECK_INT(filter_parse(&f, FILTER_FIND, SLICE("type=Contact,a%2Eb.c<=-1.5e3,d>2026-01-15,e!=007,f~x"), NULL), 0);
    CHECK_INT(f.field_count, 5);
    CHECK(f.fields[0].is_type);
    CHECK_TEXT(f.fields[0].value, "contact");
    CHECK_INT(f.fields[1].step_count, 2);
    CHECK_TEXT(f.fields[1].steps[0], "a.b");
    CHECK_TEXT(f.fields[1].steps[1], "c");
    CHECK_INT(f.fields[1].op, FILTER_LESS_EQUAL);
    CHECK(f.fields[1].is_number && !f.fields[1].is_moment);
    CHECK_INT(f.fields[2].op, FILTER_GREATER);
    CHECK(f.fields[2].is_moment && !f.fields[2].is_number);
    CHECK_INT(f.fields[2].at_us, INT64_C(1768435200000000));
    CHECK_INT(f.fields[3].op, FILTER_NOT_EQUAL);
    CHECK(!f.fields[3].is_number && !f.fields[3].is_moment);
    CHECK_INT(f.fields[4].op, FILTER_LIKE);
}

static void check_matches(const char *filter, const char *type, const char *entity, bool expected)
{
    FILTER_AUTO f;
    BYTES_AUTO text = {0};
    bytes_printf(&text, "type=%s", filter);
    CHECK_INT(filter_parse(&f, FILTER_QUERY, bytes_slice(&text), NULL), 0);
    char term[NAME_TERM_MAX];
    struct slice t = {.at = term, .size = name_type_term(term, slice_of(type), slice_of(entity))};
    bool found = filter_type_matches(&f.choices[0].values[0], t);
    if (found != expected)
        printf("#   %s and %s of %s\n", filter, type, entity);
    CHECK_INT(found, expected);
}

static void types_match(void)
{
    check_matches("Deal.Closed", "Deal.Closed", "deal_a", true);
    check_matches("deal.CLOSED", "Deal.Closed", "deal_a", true);
    check_matches("Deal.Closed", "Deal.Closed", "DEAL_a", true);
    check_matches("Deal.*", "Deal.Closed", "deal_a", true);
    check_matches("*.Closed", "Deal.Closed", "deal_a", true);
    check_matches("Deal.Close", "Deal.Closed", "deal_a", false);
    check_matches("Dea.Closed", "Deal.Closed", "deal_a", false);
    check_matches("order.was_placed", "was_placed", "order_1", true);
    check_matches("Order.*", "was_placed", "order_1", true);
    check_matches("was_placed", "was_placed", "order_1", true);
    check_matches("basket.was_placed", "was_placed", "order_1", false);
    check_matches("shipped", "shipped", "order_1", true);
    check_matches("Sub.Canceled", "Sub.Cancelled", "sub_1", true);
    check_matches("Sub.Cancelled", "Sub.Canceled", "sub_1", true);
    check_matches("sub.was_cancelled", "was_canceled", "sub_1", true);
    check_matches("*", "was_canceled", "sub_1", true);
}

int main(void)
{
    TEST("a query has one normal form", queries_have_one_form);
    TEST("a find has one normal form", finds_have_one_form);
    TEST("what is no filter is refused with the reason and the place", refused);
    TEST("a filter has at most 1024 bytes", long_ones);
    TEST("a query is read into choices, bounds, limit and order", parsed_query);
    TEST("a find is read into paths, operators, numbers and moments", parsed_find);
    TEST("types match regardless of case, by halves, and with either spelling of cancelled", types_match);
    return check_end("filter");
}
