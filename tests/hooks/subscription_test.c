// What subscriptions pay a month. Expected amounts follow from HOOKS.md D9 and D10 on paper.
#include "hooks/metrics/fraction.h"
#include "hooks/metrics/subscription.h"
#include "tests/store/check.h"

static void tells_active_ones(void)
{
    static const char *const active[] = {"{}", "{\"status\":null}", "{\"status\":\"Active\"}",
        "{\"status\":\"active\"}", "{\"status\":\"PastDue\"}", "{\"status\":\"PASTDUE\"}",
        "{\"status\":\"Reactivated\"}", "{\"status\":\"Upgraded\"}", "{\"status\":\"Downgraded\"}",
        "{\"status\":\"renewed\"}", "{\"plan\":\"pro\"}"};
    static const char *const others[] = {"{\"status\":\"Trialing\"}", "{\"status\":\"Paused\"}",
        "{\"status\":\"Incomplete\"}", "{\"status\":\"Canceled\"}", "{\"status\":\"Cancelled\"}", "{\"status\":\"\"}",
        "{\"status\":true}", "{\"status\":\"Activ\"}", "{\"status\":\"Actives\"}", "{\"status\":[\"Active\"]}"};
    for (size_t i = 0; i < sizeof active / sizeof *active; i++)
        CHECK(subscription_is_active(slice_of(active[i])));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK(!subscription_is_active(slice_of(others[i])));
}

// Adds up what all of them pay a month.
static void pay(const char *const (*all)[2], size_t count, const char *expected)
{
    DECIMAL_AUTO sum = {0};
    DECIMAL_AUTO parts = {0};
    DECIMAL_AUTO unit = {0};
    FRACTION_AUTO value = {0};
    BYTES_AUTO out = {0};
    for (size_t i = 0; i < count; i++) {
        CHECK_INT(subscription_monthly(slice_of(all[i][0]), slice_of(all[i][1]), &parts), 0);
        CHECK_INT(decimal_add(&sum, &parts), 0);
    }
    CHECK_INT(decimal_set(&unit, SUBSCRIPTION_PARTS), 0);
    CHECK_INT(fraction_set(&value, &sum, &unit), 0);
    CHECK_INT(fraction_print(&out, &value), 0);
    if (!slice_is(bytes_slice(&out), expected)) {
        check_ok = false;
        printf("#   %s …: %.*s, not %s\n", all[0][0], SLICE_ARG(bytes_slice(&out)), expected);
    }
}

static void one_pays(const char *fields, const char *price, const char *expected)
{
    const char *const all[][2] = {{fields, price}};
    pay(all, 1, expected);
}

static void intervals(void)
{
    one_pays("{\"amount\":49.9}", "", "49.9");
    one_pays("{\"amount\":120,\"interval\":\"Monthly\"}", "", "120");
    one_pays("{\"amount\":120,\"interval\":\"Quarterly\"}", "", "40");
    one_pays("{\"amount\":120,\"interval\":\"Yearly\"}", "", "10");
    one_pays("{\"amount\":120,\"interval\":\"month\"}", "", "120");
    one_pays("{\"amount\":120,\"interval\":\"quarter\"}", "", "40");
    one_pays("{\"amount\":120,\"interval\":\"YEAR\"}", "", "10");
    one_pays("{\"amount\":120,\"interval\":\"OneTime\"}", "", "0");
    one_pays("{\"amount\":120,\"interval\":\"Weekly\"}", "", "0");
    one_pays("{\"amount\":120,\"interval\":null}", "", "120");
    one_pays("{\"amount\":120,\"interval\":\"month\",\"intervalCount\":6}", "", "20");
    one_pays("{\"amount\":120,\"interval\":\"Yearly\",\"intervalCount\":2}", "", "5");
    one_pays("{\"amount\":120,\"intervalCount\":0}", "", "120");
    one_pays("{\"amount\":99,\"interval\":\"Yearly\"}", "", "8.25");
    one_pays("{\"amount\":100,\"interval\":\"Yearly\"}", "", "8.333333333333334");
}

static void amounts(void)
{
    one_pays("{\"amount\":10,\"quantity\":3}", "", "30");
    one_pays("{\"amount\":0.1,\"quantity\":3}", "", "0.3");
    one_pays("{\"amount\":10,\"quantity\":0}", "", "0");
    one_pays("{\"amount\":10,\"quantity\":null}", "", "10");
    one_pays("{\"amount\":\"10\"}", "", "0");
    one_pays("{\"amount\":-5}", "", "-5");
    one_pays("{\"plan\":\"pro\"}", "", "0");
    one_pays("{\"amount\":12345678901234567890.12}", "", "12345678901234567890.12");
}

static void own_fields_go_first(void)
{
    one_pays("{\"price\":\"price_1\"}", "{\"amount\":1200,\"interval\":\"Yearly\"}", "100");
    one_pays("{\"price\":\"price_1\",\"quantity\":2}", "{\"amount\":1200,\"interval\":\"Yearly\"}", "200");
    one_pays("{\"price\":\"price_1\",\"amount\":600}", "{\"amount\":1200,\"interval\":\"Yearly\"}", "50");
    one_pays("{\"price\":\"price_1\",\"interval\":\"month\"}", "{\"amount\":1200,\"interval\":\"Yearly\"}", "1200");
    one_pays("{\"price\":\"price_1\"}", "{\"amount\":30,\"interval\":\"month\",\"intervalCount\":3}", "10");
    one_pays("{\"price\":\"price_1\"}", "{\"amount\":30,\"interval\":\"OneTime\"}", "0");
    // The quantity is the subscription's alone.
    one_pays("{\"price\":\"price_1\"}", "{\"amount\":30,\"quantity\":9}", "30");
}

// Thirds add up to whole numbers; also those of intervals that nothing divides.
static void sums_are_whole_again(void)
{
    const char *const thirds[][2] = {{"{\"amount\":10,\"interval\":\"Quarterly\"}", ""},
        {"{\"amount\":10,\"interval\":\"Quarterly\"}", ""}, {"{\"amount\":10,\"interval\":\"Quarterly\"}", ""}};
    pay(thirds, 3, "10");
    const char *const twelfths[][2] = {{"{\"amount\":1,\"interval\":\"Yearly\",\"quantity\":7}", ""},
        {"{\"amount\":5,\"interval\":\"Yearly\"}", ""}, {"{\"amount\":0.1}", ""}};
    pay(twelfths, 3, "1.1");
    one_pays("{\"amount\":37,\"interval\":\"month\",\"intervalCount\":37}", "", "1");
    one_pays("{\"amount\":1,\"interval\":\"month\",\"intervalCount\":37}", "", "0.02702702702702703");
}

static void knows_its_price(void)
{
    struct slice id;
    CHECK(subscription_price(SLICE("{\"price\":\"price_9\"}"), &id));
    CHECK_TEXT(id, "\"price_9\"");
    CHECK(!subscription_price(SLICE("{\"price\":9}"), &id));
    CHECK(!subscription_price(SLICE("{}"), &id));
}

int main(void)
{
    TEST("an active subscription is told by its status", tells_active_ones);
    TEST("an amount is divided by the months of its interval", intervals);
    TEST("an amount is a JSON number, times the quantity", amounts);
    TEST("own fields go before those of the price", own_fields_go_first);
    TEST("thirds and twelfths add up without a rest", sums_are_whole_again);
    TEST("a subscription points to its price", knows_its_price);
    return check_end("subscription");
}
