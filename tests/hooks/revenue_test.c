// The built-in metrics are what a program gets that reads all events and looks at the subscriptions of now and of 30
// days ago: whatever came by import or append, was refused, or was stopped in between.
#include "tests/hooks/hook_fixture.h"

#include <math.h>

#define SUBSCRIPTIONS 12
#define PRICES        3
#define VERSIONS_MAX  400
#define DAY_US        (INT64_C(86400) * WHEN_US_PER_SECOND)

// ---- the model: all versions of everything

struct version {
    int64_t at_us;
    bool there;
    int status;   // of a subscription
    int price;    // -1: it has an amount itself
    int amount;   // of this, or of a price
    int interval; // the same
    int times;    // intervalCount; 0: none is given
    int quantity; // 0: none is given
};

struct history {
    struct version all[VERSIONS_MAX];
    unsigned count;
};

struct model {
    struct history subscriptions[SUBSCRIPTIONS], prices[PRICES];
};

static const struct {
    const char *text;
    bool active, canceled;
} statuses[] = {
    {"Active", true, false},
    {"pastdue", true, false},
    {"Renewed", true, false},
    {NULL, true, false},
    {"Trialing", false, false},
    {"Paused", false, false},
    {"Canceled", false, true},
    {"cancelled", false, true},
};
#define STATUSES (int)(sizeof statuses / sizeof *statuses)

static const struct {
    const char *text;
    int months; // 0: it does not come again
} intervals[] = {{"Monthly", 1}, {"quarter", 3}, {"Yearly", 12}, {"OneTime", 0}};

static const struct version *version_at(const struct history *h, int64_t at_us)
{
    const struct version *found = NULL;
    for (unsigned i = 0; i < h->count && h->all[i].at_us <= at_us; i++)
        found = &h->all[i];
    return found && found->there ? found : NULL;
}

static bool is_active(const struct version *v)
{
    return v && statuses[v->status].active;
}

static double monthly(const struct model *m, const struct version *v, int64_t at_us)
{
    const struct version *pays = v->price < 0 ? v : version_at(&m->prices[v->price], at_us);
    if (!pays || !intervals[pays->interval].months)
        return 0;
    double months = intervals[pays->interval].months * (pays->times ? pays->times : 1);
    return (double)pays->amount / 100 * (v->quantity ? v->quantity : 1) / months;
}

static void check_number(struct fixture *f, const char *name, bool known, double expected)
{
    char text[80];
    struct slice shown = {0};
    // What has become old is looked at a moment later.
    for (int tries = 0; tries < 2000; tries++) {
        shown = value_of(f, name);
        snprintf(text, sizeof text, "%.*s", SLICE_ARG(shown));
        if (known ? shown.at[0] != 'n' && fabs(strtod(text, NULL) - expected) < 1e-6 : slice_is(shown, "null"))
            return;
        usleep(1000);
    }
    check_ok = false;
    printf("#   %s is %s, not %.9g (known %d)\n", name, text, expected, known);
}

static void check_all(struct fixture *f, const struct model *m)
{
    int64_t now_us = when_now_us(), then_us = now_us - 30 * DAY_US;
    double mrr = 0, mrr_then = 0, kept = 0;
    int active = 0, active_then = 0, churned = 0;
    for (int i = 0; i < SUBSCRIPTIONS; i++) {
        const struct version *now = version_at(&m->subscriptions[i], now_us);
        const struct version *then = version_at(&m->subscriptions[i], then_us);
        active += is_active(now);
        mrr += is_active(now) ? monthly(m, now, now_us) : 0;
        if (!is_active(then))
            continue;
        active_then++;
        mrr_then += monthly(m, then, then_us);
        churned += !now || statuses[now->status].canceled;
        kept += is_active(now) ? monthly(m, now, now_us) : 0;
    }
    check_number(f, "mrr", true, mrr);
    check_number(f, "activeSubscriptions", true, active);
    check_number(f, "churn_rate", active_then, active_then ? 100.0 * churned / active_then : 0);
    check_number(f, "nrr", mrr_then > 0, mrr_then > 0 ? kept / mrr_then : 0);
}

// ---- events

// The event that makes an entity so, from its last version, as data.
static void print_data(const struct version *v, bool is_price, struct bytes *out)
{
    bytes_add_text(out, "{");
    if (!is_price && v->price >= 0)
        bytes_printf(out, "'price':'price_%d','amount':null,'interval':null,'intervalCount':null", v->price);
    else
        bytes_printf(out, "'price':null,'amount':%d.%02d,'interval':'%s','intervalCount':", v->amount / 100,
            v->amount % 100, intervals[v->interval].text);
    if (is_price || v->price < 0)
        bytes_printf(out, v->times ? "%d" : "null", v->times);
    if (!is_price) {
        bytes_printf(out, v->quantity ? ",'quantity':%d" : ",'quantity':null", v->quantity);
        bytes_printf(out, statuses[v->status].text ? ",'status':'%s'" : ",'status':null", statuses[v->status].text);
    }
    bytes_add_text(out, "}");
}

// Something happens to one of them at a moment; 0: it is appended now.
static void happen(struct model *m, int64_t at_us, struct bytes *text)
{
    bool is_price = chance(6) == 0;
    unsigned i = (unsigned)chance(is_price ? PRICES : SUBSCRIPTIONS);
    struct history *h = is_price ? &m->prices[i] : &m->subscriptions[i];
    const struct version *last = h->count ? &h->all[h->count - 1] : NULL;
    bool there = last && last->there;
    struct version v = {.at_us = at_us ? at_us : when_now_us(),
        .there = !there || chance(6),
        .status = (int)chance(STATUSES),
        .price = chance(2) ? (int)chance(PRICES) : -1,
        .amount = (int)chance(100000),
        .interval = (int)chance(4),
        .times = (int)chance(4),
        .quantity = (int)chance(4)};
    REQUIRE(h->count == VERSIONS_MAX);
    h->all[h->count++] = v;
    const char *noun = is_price ? "Price" : "Subscription";
    bytes_printf(text, "{'type':'%s.%s','target':'%s_%u'", noun,
        !v.there ? "Deleted"
        : there  ? "Updated"
                 : "Created",
        is_price ? "price" : "subscription", i);
    if (at_us) {
        bytes_add_text(text, ",'actor':'user_test','timestamp':");
        when_quote(text, at_us);
    }
    if (v.there) {
        bytes_add_text(text, ",'data':");
        print_data(&v, is_price, text);
    }
    bytes_add_text(text, "}");
}

static void import(struct fixture *f, struct model *m, int64_t from_us, int64_t to_us, unsigned count)
{
    struct rerun file = {0};
    BYTES_AUTO text = {0};
    for (unsigned i = 0; i < count; i++)
        happen(m, from_us + (to_us - from_us) * i / count, &text);
    bytes_add_char(&text, '\0');
    f->rerun = &file;
    CHECK_INT(append(f, text.at), 0);
    f->rerun = NULL;
    rerun_free(&file);
}

// A write of some events, one in four refused by its last.
static void write_some(struct fixture *f, struct model *m)
{
    struct model *tried = malloc(sizeof *tried);
    BYTES_AUTO text = {0};
    bool wrong = chance(4) == 0;
    *tried = *m;
    bytes_add_char(&text, '[');
    for (unsigned i = 0, count = 1 + (unsigned)chance(4); i < count; i++) {
        bytes_add_text(&text, i ? "," : "");
        happen(tried, 0, &text);
    }
    if (wrong)
        bytes_add_text(&text, ",{'type':'Deal.Updated','target':'deal_missing','data':{}}");
    bytes_add(&text, "]", 2);
    CHECK_INT(append(f, text.at), wrong ? -ENOENT : 0);
    if (!wrong)
        *m = *tried;
    free(tried);
}

static struct model *fresh_model(void)
{
    struct model *m = calloc(1, sizeof *m);
    REQUIRE(!m);
    return m;
}

// ---- tests

static void agree(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    struct model *m = fresh_model();
    int64_t now_us = when_now_us();
    fixture_open(&f);
    check_all(&f, m);
    for (int day = -60; day < -1 && check_ok; day += 6) {
        import(&f, m, now_us + day * DAY_US, now_us + (day + 6) * DAY_US - DAY_US / 2, 25);
        check_all(&f, m);
    }
    for (int i = 0; i < 80 && check_ok; i++) {
        write_some(&f, m);
        check_all(&f, m);
    }
    free(m);
    fixture_close(&f);
}

static void agree_after(void)
{
    struct fixture f = {.reactor = &hooks_reactor}, copy = {.reactor = &hooks_reactor};
    struct model *m = fresh_model();
    int64_t now_us = when_now_us();
    fixture_open(&f);
    import(&f, m, now_us - 50 * DAY_US, now_us - DAY_US, 200);
    fixture_reopen(&f);
    check_all(&f, m);
    for (int i = 0; i < 30; i++)
        write_some(&f, m);
    // As a crash leaves it: what was kept of metrics is as it was when the store was opened.
    directory_make(copy.path);
    directory_copy(f.path, copy.path);
    fixture_start(&copy);
    check_all(&copy, m);
    write_some(&copy, m);
    check_all(&copy, m);
    fixture_close(&copy);
    fixture_close(&f);
    free(m);
}

// More subscriptions have a price than are remembered.
static void many(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    BYTES_AUTO text = {0};
    enum { COUNT = REVENUE_LINKS_MAX + 100 };
    fixture_open(&f);
    bytes_add_text(&text, "{'type':'Price.Created','target':'price_pro','data':{'amount':1}}");
    for (int i = 0; i < COUNT; i++)
        bytes_printf(
            &text, "{'type':'Subscription.Created','target':'subscription_%d','data':{'price':'price_pro'}}", i);
    bytes_add_char(&text, '\0');
    REQUIRE(append(&f, text.at));
    check_number(&f, "mrr", true, COUNT);
    CHECK_INT(event(&f, "price_pro", "Price.Updated", "{'amount':3}"), 0);
    check_number(&f, "mrr", true, 3 * COUNT);
    CHECK_INT(event(&f, "subscription_7", "Subscription.Deleted", "{}"), 0);
    check_number(&f, "mrr", true, 3 * (COUNT - 1));
    fixture_reopen(&f);
    CHECK_INT(event(&f, "price_pro", "Price.Deleted", "{}"), 0);
    check_number(&f, "mrr", true, 0);
    check_number(&f, "activeSubscriptions", true, COUNT - 1);
    fixture_close(&f);
}

static void replaced(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    fixture_open(&f);
    REQUIRE(append(
        &f, "{'type':'Subscription.Created','target':'subscription_1','data':{'amount':120,'interval':'Yearly'}}"));
    CHECK_TEXT(value_of(&f, "mrr"), "10");
    CHECK_INT(save_hook(&f, &metric_kind, "mrr.json", "{'aggregate':'count','type':'Subscription'}"), 0);
    CHECK_TEXT(value_of(&f, "mrr"), "1");
    CHECK_INT(save_hook(&f, &metric_kind, "arr.json", "{'expression':'mrr * 12'}"), 0);
    CHECK_TEXT(value_of(&f, "arr"), "12");
    CHECK_INT(remove_hook(&f, &metric_kind, "mrr.json"), 0);
    CHECK_TEXT(value_of(&f, "mrr"), "10");
    CHECK_TEXT(value_of(&f, "arr"), "120");
    fixture_close(&f);
}

int main(void)
{
    TEST("mrr, subscriptions, churn and retention are what a look at all of them gives", agree);
    TEST("they are so after the store was opened again, be it closed or as a crash left it", agree_after);
    TEST("a price that more have than are remembered lets all be counted anew", many);
    TEST("a file replaces what is built in, and brings it back when it goes", replaced);
    return check_end("revenue");
}
