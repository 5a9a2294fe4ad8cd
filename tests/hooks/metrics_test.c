// Metrics are what going through all states, or all events, gives: whatever was added, undone, or stopped in between.
#include "tests/hooks/hook_fixture.h"

#include <math.h>

#define DEALS 40

static const char *const stages[] = {"Lead", "Won", "Lost"};

// ---- the model: what a program gets that goes through everything

struct deal {
    bool there;
    int stage;
    bool has_value; // a number
    bool has_field; // something that is not null
    int64_t thousandths;
};

struct model {
    struct deal deals[DEALS];
    int64_t closed_events, closed_thousandths; // Deal.Closed with a number
};

// A number in one of its spellings, a text that looks like one, null, or nothing at all.
static void choose_value(struct deal *d, char out[static 64])
{
    d->thousandths = (int64_t)chance(2000001) - 1000000;
    d->has_value = d->has_field = true;
    long long n = (long long)d->thousandths;
    switch (chance(7)) {
    case 0:
        snprintf(out, 64, "%llde-3", n);
        return;
    case 1:
        snprintf(out, 64, "%s%lld.%03llde0", n < 0 ? "-" : "", llabs(n) / 1000, llabs(n) % 1000);
        return;
    case 2:
        d->has_value = false;
        snprintf(out, 64, "'%lld'", n);
        return;
    case 3:
        d->has_value = d->has_field = false;
        snprintf(out, 64, "null");
        return;
    case 4: // values that many have
        d->thousandths = (int64_t)chance(3) * 500;
        snprintf(out, 64, "%lld.%lld0", (long long)d->thousandths / 1000, (long long)d->thousandths % 1000 / 100);
        return;
    default:
        snprintf(out, 64, "%s%lld.%03lld", n < 0 ? "-" : "", llabs(n) / 1000, llabs(n) % 1000);
    }
}

// As JSON prints a number: no zeros at the end.
static void print_thousandths(char out[static 64], int64_t n)
{
    int size =
        snprintf(out, 64, "%s%lld.%03lld", n < 0 ? "-" : "", llabs((long long)n) / 1000, llabs((long long)n) % 1000);
    while (out[size - 1] == '0')
        out[--size] = '\0';
    if (out[size - 1] == '.')
        out[--size] = '\0';
}

// One event of a random deal, and what it makes of the model.
static void happen(struct model *m, struct bytes *text)
{
    unsigned i = (unsigned)chance(DEALS);
    struct deal *d = &m->deals[i];
    char value[64];
    const char *type = "Updated";
    if (!d->there) {
        *d = (struct deal){.there = true, .stage = (int)chance(3)};
        choose_value(d, value);
        bytes_printf(text, "{'type':'Deal.Created','target':'deal_%u','data':{'stage':'%s','value':%s}}", i,
            stages[d->stage], value);
        return;
    }
    switch (chance(6)) {
    case 0:
        d->there = false;
        bytes_printf(text, "{'type':'Deal.Deleted','target':'deal_%u'}", i);
        return;
    case 1:
        d->stage = (int)chance(3);
        bytes_printf(text, "{'type':'Deal.Advanced','target':'deal_%u','data':{'stage':'%s'}}", i, stages[d->stage]);
        return;
    case 2:
        bytes_printf(text, "{'type':'Deal.Updated','target':'deal_%u','data':{'note':%u}}", i, (unsigned)chance(9));
        return;
    case 3:
        type = "Closed";
        break;
    }
    choose_value(d, value);
    if (*type == 'C' && d->has_value) {
        m->closed_events++;
        m->closed_thousandths += d->thousandths;
    }
    bytes_printf(text, "{'type':'Deal.%s','target':'deal_%u','data':{'value':%s}}", type, i, value);
}

// ---- metrics and what they must be

static const struct {
    const char *name, *text;
} metrics[] = {
    {"deals", "{'aggregate':'count','type':'Deal'}"},
    {"leads", "{'aggregate':'count','type':'deal','filter':{'stage':'Lead'}}"},
    {"valued", "{'aggregate':'count','type':'Deal','field':'value'}"},
    {"total", "{'aggregate':'sum','type':'Deal','field':'value'}"},
    {"won", "{'aggregate':'sum','type':'Deal','field':'value','filter':'stage=Won,value>=0'}"},
    {"mean", "{'aggregate':'avg','type':'Deal','field':'value'}"},
    {"least", "{'aggregate':'min','type':'Deal','field':'value'}"},
    {"most", "{'aggregate':'max','type':'Deal','field':'value','filter':{'stage':{'$ne':'Lost'}}}"},
    {"closed", "{'aggregate':'count','events':'Deal.Closed','filter':{'data.value':{'$gte':-1e9}}}"},
    {"closed_sum", "{'aggregate':'sum','events':['Deal.closed'],'field':'data.value'}"},
};
#define METRICS (sizeof metrics / sizeof *metrics)

static void define(struct fixture *f, size_t i)
{
    char name[80];
    snprintf(name, sizeof name, "%s.json", metrics[i].name);
    if (save_hook(f, &metric_kind, name, metrics[i].text))
        printf("# %s: %s\n", name, f->why);
    REQUIRE(f->error);
}

static void check_number(struct fixture *f, const char *name, bool known, int64_t thousandths)
{
    char text[64] = "null";
    if (known)
        print_thousandths(text, thousandths);
    if (!slice_is(value_of(f, name), text))
        printf("#   of %s:\n", name);
    CHECK_TEXT(value_of(f, name), text);
}

static void check_all(struct fixture *f, const struct model *m)
{
    int64_t count = 0, leads = 0, fields = 0, values = 0, sum = 0, won = 0, least = INT64_MAX, most = INT64_MIN;
    for (unsigned i = 0; i < DEALS; i++) {
        const struct deal *d = &m->deals[i];
        if (!d->there)
            continue;
        count++;
        leads += d->stage == 0;
        fields += d->has_field;
        if (!d->has_value)
            continue;
        values++;
        sum += d->thousandths;
        won += d->stage == 1 && d->thousandths >= 0 ? d->thousandths : 0;
        least = d->thousandths < least ? d->thousandths : least;
        most = d->stage != 2 && d->thousandths > most ? d->thousandths : most;
    }
    check_number(f, "deals", true, count * 1000);
    check_number(f, "leads", true, leads * 1000);
    check_number(f, "valued", true, fields * 1000);
    check_number(f, "total", true, sum);
    check_number(f, "won", true, won);
    check_number(f, "least", values, least);
    check_number(f, "most", most != INT64_MIN, most);
    check_number(f, "closed", true, m->closed_events * 1000);
    check_number(f, "closed_sum", true, m->closed_thousandths);
    char mean[64] = "";
    struct slice shown = value_of(f, "mean");
    snprintf(mean, sizeof mean, "%.*s", SLICE_ARG(shown));
    if (!values)
        CHECK_TEXT(shown, "null");
    else
        CHECK(fabs(strtod(mean, NULL) - (double)sum / 1000 / (double)values) < 1e-9);
}

// ---- tests

// A write of some events; one in four is refused as a whole, by its last.
static void write_some(struct fixture *f, struct model *m)
{
    struct model tried = *m;
    BYTES_AUTO text = {0};
    bool wrong = chance(4) == 0;
    bytes_add_char(&text, '[');
    for (unsigned i = 0, count = 1 + (unsigned)chance(6); i < count; i++) {
        bytes_add_text(&text, i ? "," : "");
        happen(&tried, &text);
    }
    if (wrong)
        bytes_add_text(&text, ",{'type':'Deal.Updated','target':'deal_missing','data':{'value':1}}");
    bytes_add(&text, "]", 2);
    CHECK_INT(append(f, text.at), wrong ? -ENOENT : 0);
    if (!wrong)
        *m = tried;
}

static void agree(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    struct model m = {0};
    fixture_open(&f);
    for (size_t i = 0; i < METRICS; i++)
        define(&f, i);
    for (unsigned i = 0; i < 500 && check_ok; i++) {
        write_some(&f, &m);
        check_all(&f, &m);
    }
    fixture_close(&f);
}

static void agree_later(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    struct model m = {0};
    fixture_open(&f);
    for (unsigned i = 0; i < 100; i++)
        write_some(&f, &m);
    for (size_t i = 0; i < METRICS; i++) {
        define(&f, i);
        write_some(&f, &m);
    }
    wait_for_metrics(&f);
    check_all(&f, &m);
    fixture_reopen(&f);
    wait_for_metrics(&f);
    check_all(&f, &m);
    fixture_close(&f);
}

static void changes(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    fixture_open(&f);
    REQUIRE(append(&f, "{'type':'Deal.Created','target':'deal_1','data':{'value':5,'cost':3}}"));
    CHECK_INT(save_hook(&f, &metric_kind, "x.json", "{'aggregate':'sum','type':'Deal','field':'value'}"), 0);
    CHECK_TEXT(value_of(&f, "x"), "5");
    CHECK_TEXT(type_of(&f, 2), "\"Metric.Created\"");
    CHECK_JSON(data_of(&f, 2), "{'aggregate':'sum','type':'Deal','field':'value'}");
    CHECK_INT(save_hook(&f, &metric_kind, "x.json", "{'aggregate':'sum','type':'Deal','field':'cost'}"), 0);
    CHECK_TEXT(value_of(&f, "x"), "3");
    CHECK_INT(change_hook(&f, HOOK_RENAME, &metric_kind, "x.json", "y.json", ""), 0);
    CHECK_TEXT(value_of(&f, "x"), "ENOENT");
    CHECK_TEXT(value_of(&f, "y"), "3");
    CHECK_INT(remove_hook(&f, &metric_kind, "y.json"), 0);
    CHECK_TEXT(value_of(&f, "y"), "ENOENT");
    fixture_close(&f);
}

// `*` does not count what the store records of hooks themselves.
static void not_itself(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    fixture_open(&f);
    REQUIRE(save_hook(&f, &metric_kind, "all.json", "{'aggregate':'count','events':'*'}"));
    REQUIRE(save_hook(&f, &metric_kind, "made.json", "{'aggregate':'count','events':'*.created'}"));
    REQUIRE(save_hook(&f, &metric_kind, "own.json", "{'aggregate':'count','events':'Metric.*'}"));
    REQUIRE(append(&f, "{'type':'Deal.Created','target':'deal_1'}{'type':'Deal.Closed','target':'deal_1'}"));
    CHECK_TEXT(value_of(&f, "all"), "2");
    CHECK_TEXT(value_of(&f, "made"), "1");
    CHECK_TEXT(value_of(&f, "own"), "3");
    fixture_close(&f);
}

static const struct {
    const char *text, *word;
} refused[] = {
    {"", "empty"},
    {"[]", "object"},
    {"{}", "aggregate"},
    {"{'aggregate':'count'}", "type"},
    {"{'aggregate':'median','type':'Deal'}", "count"},
    {"{'aggregate':'sum','type':'Deal'}", "field"},
    {"{'aggregate':'count','type':'Deal','events':'*'}", "exactly one"},
    {"{'aggregate':'count','type':'Deal','treshold':1}", "treshold"},
    {"{'aggregate':'count','type':'Deal','window':'1h'}", "window"},
    {"{'aggregate':'count','type':'De al'}", "noun"},
    {"{'aggregate':'count','events':'%'}", "pattern"},
    {"{'aggregate':'count','events':[]}", "events"},
    {"{'aggregate':'count','events':'*','window':'0s'}", "window"},
    {"{'aggregate':'count','events':'*','window':'30'}", "window"},
    {"{'aggregate':'count','events':'*','window':'1w'}", "window"},
    {"{'aggregate':'count','events':'*','interval':1}", "interval"},
    {"{'aggregate':'count','type':'Deal','filter':{'a':{'$gross':1}}}", "$gross"},
    {"{'aggregate':'count','type':'Deal','filter':7}", "filter"},
    {"{'aggregate':'count','type':'Deal','field':'a..b'}", "empty step"},
    {"{'aggregate':'count','type':'Deal','unit':1}", "unit"},
    {"{'expression':'1','type':'Deal'}", "alone"},
};

static void refuses(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    fixture_open(&f);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int error = save_hook(&f, &metric_kind, "x.json", refused[i].text);
        if (error != -EINVAL || !strstr(f.why, refused[i].word))
            printf("#   %s: %s\n", refused[i].text, f.why);
        CHECK_INT(error, -EINVAL);
        CHECK(strstr(f.why, refused[i].word));
    }
    CHECK_INT(save_hook(&f, &metric_kind, "1x.json", metrics[0].text), -EACCES);
    CHECK_INT(save_hook(&f, &metric_kind, "x-y.json", metrics[0].text), -EACCES);
    fixture_close(&f);
}

int main(void)
{
    TEST("metrics are what a count of all states and events gives, whatever was refused in between", agree);
    TEST("a metric that is defined later counts what there is, also after the store was opened again", agree_later);
    TEST("a metric follows its definition, its name and its end", changes);
    TEST("a pattern that names no noun leaves out what is recorded of hooks", not_itself);
    TEST("a definition that cannot be meant is refused, with what is wrong", refuses);
    return check_end("metrics");
}
