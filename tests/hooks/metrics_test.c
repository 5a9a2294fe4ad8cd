// Metrics are what going through all states, or all events, gives: whatever was added, undone, or stopped in between.
#include "tests/hooks/hook_fixture.h"
#include "tests/store/faulty_disk.h"

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

// Opens a copy of the store as a crash would leave it.
static void crash_copy(struct fixture *f, struct fixture *copy)
{
    directory_make(copy->path);
    directory_copy(f->path, copy->path);
    fixture_start(copy);
}

static void agree_after_crash(void)
{
    struct fixture f = {.reactor = &hooks_reactor}, copy = {.reactor = &hooks_reactor};
    struct model m = {0};
    fixture_open(&f);
    for (size_t i = 0; i < METRICS; i++)
        define(&f, i);
    for (unsigned i = 0; i < 60; i++)
        write_some(&f, &m);
    // What is kept of the metrics is from here.
    fixture_reopen(&f);
    for (unsigned i = 0; i < 60; i++)
        write_some(&f, &m);
    crash_copy(&f, &copy);
    check_all(&copy, &m);
    for (unsigned i = 0; i < 30; i++)
        write_some(&copy, &m);
    check_all(&copy, &m);
    fixture_close(&copy);
    fixture_close(&f);
}

// Writes, and changes of definitions, that the disk does not take.
static void faulty(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    struct model m = {0};
    unsigned failed = 0;
    fixture_open(&f);
    for (size_t i = 0; i < METRICS; i++)
        define(&f, i);
    quiet(true);
    for (unsigned i = 0; i < 200 && check_ok; i++) {
        struct model tried = m;
        BYTES_AUTO text = {0};
        for (unsigned k = 0; k < 5; k++)
            happen(&tried, &text);
        bytes_add_char(&text, '\0');
        disk_fail_at(1 + (long)chance(6), chance(2) ? DISK_FULL : DISK_BROKEN, false);
        if (i % 5 == 4) {
            // Of the same name with another meaning, and back.
            bool other = chance(2);
            int error = save_hook(&f, &metric_kind, "total.json", other ? metrics[0].text : metrics[3].text);
            disk_fail_at(0, DISK_FULL, false);
            failed += error != 0;
            while (save_hook(&f, &metric_kind, "total.json", metrics[3].text))
                failed++;
        } else if (append(&f, text.at) == 0) {
            m = tried;
        } else {
            failed++;
        }
        disk_fail_at(0, DISK_FULL, false);
        wait_for_metrics(&f);
        check_all(&f, &m);
    }
    quiet(false);
    CHECK(failed > 50);
    fixture_reopen(&f);
    wait_for_metrics(&f);
    check_all(&f, &m);
    fixture_close(&f);
}

// A tenant of the last version has neither rows nor the table for them.
static void older(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    struct model m = {0};
    fixture_open(&f);
    for (size_t i = 0; i < METRICS; i++)
        define(&f, i);
    for (unsigned i = 0; i < 60; i++)
        write_some(&f, &m);
    fixture_stop(&f);
    file_sql(f.path, "acme.db", "DROP TABLE metric; DELETE FROM mark WHERE one = 4");
    fixture_start(&f);
    wait_for_metrics(&f);
    check_all(&f, &m);
    fixture_stop(&f);
    // One that is damaged is counted anew, too.
    quiet(true);
    file_sql(f.path, "acme.db", "UPDATE metric SET numbers = numbers || 'x'");
    fixture_start(&f);
    wait_for_metrics(&f);
    check_all(&f, &m);
    quiet(false);
    fixture_close(&f);
}

// What is kept of metrics is of use, but no event must depend on it.
static void unwritable(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    fixture_open(&f);
    REQUIRE(append(&f, "{'type':'Deal.Created','target':'deal_1','data':{'value':5}}"));
    fixture_stop(&f);
    file_sql(f.path, "acme.db", "DROP TABLE metric; CREATE TABLE metric(damaged)");
    quiet(true);
    fixture_start(&f);
    // A definition is written with what is kept of it: it is refused, once.
    CHECK_INT(save_hook(&f, &metric_kind, "x.json", "{'aggregate':'sum','type':'Deal','field':'value'}"), -EIO);
    CHECK_INT(save_hook(&f, &metric_kind, "x.json", "{'aggregate':'sum','type':'Deal','field':'value'}"), 0);
    CHECK_INT(append(&f, "{'type':'Deal.Created','target':'deal_2','data':{'value':2}}"), 0);
    CHECK_TEXT(value_of(&f, "x"), "7");
    fixture_stop(&f);
    file_sql(f.path, "acme.db", "DROP TABLE metric");
    fixture_start(&f);
    wait_for_metrics(&f);
    CHECK_TEXT(value_of(&f, "x"), "7");
    quiet(false);
    fixture_close(&f);
}

// ---- windows

#define WINDOW_EVENTS 400

struct moment_of_event {
    int64_t at_us, value;
};

struct window_model {
    struct moment_of_event all[2 * WINDOW_EVENTS];
    unsigned count;
};

static void print_event(struct window_model *m, int64_t at_us, struct bytes *text)
{
    struct moment_of_event *e = &m->all[m->count++];
    *e = (struct moment_of_event){.at_us = at_us, .value = (int64_t)chance(50)};
    bytes_printf(text, "{'type':'Page.Viewed','target':'page_%u','actor':'user_test','data':{'ms':%lld},'timestamp':",
        (unsigned)chance(5), (long long)e->value);
    when_quote(text, at_us);
    bytes_add_text(text, "}");
}

// What the values are at a moment: count, sum, least and most of the last hour.
static void print_window(const struct window_model *m, int64_t now_us, char out[static 100])
{
    long long count = 0, sum = 0, least = INT64_MAX, most = -1;
    for (unsigned i = 0; i < m->count; i++) {
        long long value = m->all[i].value;
        if (m->all[i].at_us <= now_us - 3600 * WHEN_US_PER_SECOND)
            continue;
        count++;
        sum += value;
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    if (count)
        snprintf(out, 100, "%lld %lld %lld %lld", count, sum, least, most);
    else
        snprintf(out, 100, "0 0 null null");
}

// Right now, or a moment ago: what leaves is looked at some times a second.
static void check_window(struct fixture *f, const struct window_model *m)
{
    char expected[100], shown[100];
    for (int tries = 0; tries < 200; tries++) {
        snprintf(shown, sizeof shown, "%.*s %.*s %.*s %.*s", SLICE_ARG(value_of(f, "w_count")),
            SLICE_ARG(value_of(f, "w_sum")), SLICE_ARG(value_of(f, "w_least")), SLICE_ARG(value_of(f, "w_most")));
        print_window(m, when_now_us(), expected);
        if (!strcmp(shown, expected))
            return;
        usleep(5000);
    }
    check_ok = false;
    printf("#   the window is %s, not %s\n", shown, expected);
}

static void import_all(struct fixture *f, struct bytes *text)
{
    struct rerun file = {0};
    bytes_add_char(text, '\0');
    f->rerun = &file;
    CHECK_INT(append(f, text->at), 0);
    f->rerun = NULL;
    rerun_free(&file);
}

static const char *const window_metrics[][2] = {
    {"w_count.json", "{'aggregate':'count','events':'Page.*','window':'1h'}"},
    {"w_sum.json", "{'aggregate':'sum','events':'Page.Viewed','field':'data.ms','window':'60m'}"},
    {"w_least.json", "{'aggregate':'min','events':'*','field':'data.ms','window':'3600s'}"},
    {"w_most.json", "{'aggregate':'max','events':'Page.viewed','field':'data.ms','window':'1h'}"},
};

static void define_windows(struct fixture *f)
{
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(save_hook(f, &metric_kind, window_metrics[i][0], window_metrics[i][1]), 0);
}

static void windows(void)
{
    struct fixture f = {.reactor = &hooks_reactor}, copy = {.reactor = &hooks_reactor};
    struct window_model m = {0};
    BYTES_AUTO text = {0};
    int64_t begin_us = when_now_us() - 3600 * WHEN_US_PER_SECOND;
    fixture_open(&f);
    // What has left long ago, what leaves while the test runs, some each 10 ms, and what stays.
    for (unsigned i = 0; i < 50; i++)
        print_event(&m, begin_us - 3600 * WHEN_US_PER_SECOND + i, &text);
    for (unsigned i = 0; i < 200; i++)
        print_event(&m, begin_us + 10000 * (int64_t)i, &text);
    for (unsigned i = 0; i < 100; i++)
        print_event(&m, begin_us + 1800 * WHEN_US_PER_SECOND + i, &text);
    import_all(&f, &text);
    define_windows(&f);
    check_window(&f, &m);
    for (unsigned i = 0; i < 20 && check_ok; i++) {
        // Refused: what left meanwhile does not come back for long.
        CHECK_INT(append(&f, "[{'type':'Page.Viewed','target':'page_1','data':{'ms':99}},{'type':'Page.Updated','"
                             "target':'page_x'}]"),
            -ENOENT);
        check_window(&f, &m);
        CHECK_INT(append(&f, "{'type':'Page.Viewed','target':'page_1','data':{'ms':7}}"), 0);
        m.all[m.count++] = (struct moment_of_event){.at_us = when_now_us(), .value = 7};
        check_window(&f, &m);
    }
    crash_copy(&f, &copy);
    check_window(&copy, &m);
    fixture_close(&copy);
    fixture_reopen(&f);
    check_window(&f, &m);
    while (when_now_us() < begin_us + 3600 * WHEN_US_PER_SECOND + 2100000)
        usleep(50000);
    check_window(&f, &m);
    CHECK_TEXT(value_of(&f, "w_count"), "120");
    fixture_close(&f);
}

// What leaves takes the least with it, more often than others are kept next to it, and no event comes meanwhile.
static void window_extremes(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    BYTES_AUTO text = {0};
    int64_t begin_us = when_now_us() - 3600 * WHEN_US_PER_SECOND + 400000;
    fixture_open(&f);
    for (int i = 0; i <= 3000; i++) {
        int64_t at_us = i < 3000 ? begin_us + 200 * (int64_t)i : begin_us + 60 * WHEN_US_PER_SECOND;
        bytes_printf(&text, "{'type':'Page.Viewed','target':'page_1','actor':'a','data':{'ms':%d},'timestamp':", i);
        when_quote(&text, at_us);
        bytes_add_text(&text, "}");
    }
    atomic_store(&f.tenant->rest_ns, 3600 * INT64_C(1000000000));
    import_all(&f, &text);
    define_windows(&f);
    for (int tries = 0; tries < 3000 && !slice_is(value_of(&f, "w_least"), "3000"); tries++)
        usleep(1000);
    CHECK_TEXT(value_of(&f, "w_least"), "3000");
    CHECK_TEXT(value_of(&f, "w_count"), "1");
    fixture_close(&f);
}

// ---- extremes

// More numbers than are kept, taken away from the extreme on: it is found anew, again and again.
static void extremes(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    BYTES_AUTO text = {0};
    enum { COUNT = 3000 };
    fixture_open(&f);
    REQUIRE(save_hook(&f, &metric_kind, "least.json", "{'aggregate':'min','type':'Deal','field':'n'}"));
    REQUIRE(save_hook(&f, &metric_kind, "most.json", "{'aggregate':'max','type':'Deal','field':'n'}"));
    for (int i = 0; i < COUNT; i++)
        bytes_printf(&text, "{'type':'Deal.Created','target':'deal_%d','data':{'n':%d}}", i, i);
    bytes_add_char(&text, '\0');
    REQUIRE(append(&f, text.at));
    for (int first = 0; first < COUNT - 100; first += 100) {
        char expected[20];
        bytes_clear(&text);
        for (int i = first; i < first + 100; i++)
            bytes_printf(&text, "{'type':'Deal.Deleted','target':'deal_%d'}", i);
        bytes_add_char(&text, '\0');
        CHECK_INT(append(&f, text.at), 0);
        wait_for_metrics(&f);
        snprintf(expected, sizeof expected, "%d", first + 100);
        CHECK_TEXT(value_of(&f, "least"), expected);
        CHECK_TEXT(value_of(&f, "most"), "2999");
    }
    fixture_close(&f);
}

// A tenant that nobody uses is closed when others are: not one in which a watch waits for time alone.
static void awaited(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    struct tenant_info info = {.uid = 1000, .gid = 1000, .mode = 0755};
    struct tenant *other, *open;
    fixture_open(&f);
    CHECK_INT(save_hook(&f, &metric_kind, "seen.json", "{'aggregate':'count','events':'Page.*','window':'1s'}"), 0);
    CHECK_INT(save_hook(&f, &watch_kind, "quiet.json", "{'metric':'seen','threshold':1,'direction':'below'}"), 0);
    CHECK_INT(append(&f, "{'type':'Page.Viewed','target':'page_1'}"), 0);
    uint64_t position = tenant_end(f.tenant).position;
    reader_close(&f.reader);
    store_put(f.store, f.tenant);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(info.name, sizeof info.name, "other%u", i);
        REQUIRE(store_make(f.store, &info));
        REQUIRE(store_get(f.store, info.number, &other));
        store_put(f.store, other);
    }
    int error = store_get_open(f.store, f.number, &open);
    CHECK_INT(error, 0);
    for (unsigned tries = 0; !error && tries < 3000 && tenant_end(open).position == position; tries++)
        usleep(1000);
    REQUIRE(store_get(f.store, f.number, &f.tenant));
    if (!error)
        store_put(f.store, open);
    REQUIRE(reader_open(&f.reader, f.tenant, &(struct reason){0}));
    CHECK_TEXT(type_of(&f, position + 1), "\"Alert.Raised\"");
    fixture_close(&f);
}

// What there is is counted in the background: appends go on, and the value comes when all is counted.
static void background(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    BYTES_AUTO text = {0};
    enum { COUNT = 20000 };
    char expected[40];
    fixture_open(&f);
    for (int i = 0; i < COUNT; i++)
        bytes_printf(&text, "{'type':'Deal.Created','target':'deal_%d','data':{'n':%d}}", i, i);
    bytes_add_char(&text, '\0');
    REQUIRE(append(&f, text.at));
    // From the disk it takes longer.
    fixture_reopen(&f);
    CHECK_INT(save_hook(&f, &metric_kind, "sum.json", "{'aggregate':'sum','type':'Deal','field':'n'}"), 0);
    CHECK_TEXT(value_of(&f, "sum"), "null");
    struct bytes *state = next_text(&f);
    metrics_show(metrics_of_fixture(&f), state);
    CHECK(text_has(bytes_slice(state), "\"rebuilding\",\"progress\":0."));
    long long sum = (long long)COUNT * (COUNT - 1) / 2;
    unsigned appended = 0;
    for (; slice_is(value_of(&f, "sum"), "null") && appended < 5000; appended++) {
        // What is counted already, and what is not.
        unsigned deal = appended % 2 ? COUNT - 1 - appended : appended;
        CHECK_INT(append_of(&f, "{'type':'Deal.Updated','target':'deal_%u','data':{'n':1}}", deal), 0);
        sum += 1 - (long long)deal;
        // It goes on from where it was.
        if (appended == 3)
            fixture_reopen(&f);
    }
    CHECK(appended > 3);
    wait_for_metrics(&f);
    snprintf(expected, sizeof expected, "%lld", sum);
    CHECK_TEXT(value_of(&f, "sum"), expected);
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
    disk_install();
    TEST("metrics are what a count of all states and events gives, whatever was refused in between", agree);
    TEST("a metric that is defined later counts what there is, also after the store was opened again", agree_later);
    TEST("after a crash they are what they were, and go on so", agree_after_crash);
    TEST("what the disk does not take changes none, be it events or definitions", faulty);
    TEST("a store that keeps nothing of them, or something damaged, counts anew", older);
    TEST("no event fails twice because what is kept of metrics cannot be written", unwritable);
    TEST("a window has the events of its time, whatever leaves while others come or are refused", windows);
    TEST("what leaves a window may take its extreme with it, without an event", window_extremes);
    TEST("the least and the greatest are known again when those next to them are gone", extremes);
    TEST("a large tenant is counted in the background while appends go on", background);
    TEST("a tenant in which a watch waits for time alone stays open", awaited);
    TEST("a metric follows its definition, its name and its end", changes);
    TEST("a pattern that names no noun leaves out what is recorded of hooks", not_itself);
    TEST("a definition that cannot be meant is refused, with what is wrong", refuses);
    return check_end("metrics");
}
