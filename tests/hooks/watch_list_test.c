// Alerts in a log are those that reading it event by event gives, whatever was refused, undone or stopped in between.
#include "hooks/metrics/watch_list.h"
#include "tests/hooks/hook_fixture.h"

#define DEALS 4

// ---- the model: what a program gets that reads the log

struct model {
    bool there[DEALS];
    int64_t values[DEALS];
    int64_t total;
    int count;

    int up, down, side, mean; // raised, or on which side
    char expected[8][64];     // alerts that must come next
    unsigned first, last;
};

static void expect(struct model *m, const char *name, bool raised)
{
    snprintf(
        m->expected[m->last++ % 8], sizeof m->expected[0], "Alert.%s alert_%s", raised ? "Raised" : "Resolved", name);
}

static void turn(struct model *m, int *now, bool raised, const char *name)
{
    if (*now == raised)
        return;
    *now = raised;
    expect(m, name, raised);
}

// In the order of their names.
static void look(struct model *m)
{
    int side = m->total > 50 ? 1 : m->total < 50 ? -1 : m->side;
    turn(m, &m->down, m->total < 20, "down");
    // More than 30 on average; of none it is nothing.
    turn(m, &m->mean, m->count && m->total > 30 * (int64_t)m->count, "mean");
    if (m->side && side != m->side)
        expect(m, "side", true);
    m->side = side;
    turn(m, &m->up, m->total > 100, "up");
}

// Where a number stands behind a word in a line.
static int64_t number_behind(struct slice line, const char *word)
{
    const char *at = memmem(line.at, line.size, word, strlen(word));
    return at ? strtoll(at + strlen(word), NULL, 10) : INT64_MIN;
}

static bool has(struct slice line, const char *word)
{
    return memmem(line.at, line.size, word, strlen(word)) != NULL;
}

// An event of a deal: its value, or that it goes.
static void take(struct model *m, struct slice line)
{
    int64_t deal = number_behind(line, "\"target\":\"deal_");
    int64_t value = has(line, "\"after\":") ? number_behind(line, "\"after\":") : number_behind(line, "\"value\":");
    if (m->there[deal])
        m->total -= m->values[deal];
    m->count -= m->there[deal];
    m->there[deal] = !has(line, "Deal.Deleted");
    m->values[deal] = value;
    m->total += m->there[deal] ? value : 0;
    m->count += m->there[deal];
    look(m);
}

static void read_line(struct model *m, struct slice line)
{
    char saw[64] = "nothing";
    if (has(line, "\"type\":\"Alert."))
        snprintf(saw, sizeof saw, "Alert.%s alert_%s", has(line, "Alert.Raised") ? "Raised" : "Resolved",
            has(line, "alert_up")     ? "up"
            : has(line, "alert_down") ? "down"
            : has(line, "alert_mean") ? "mean"
                                      : "side");
    bool is_alert = strcmp(saw, "nothing") != 0;
    const char *wanted = m->first < m->last ? m->expected[m->first % 8] : "nothing";
    if (is_alert || m->first < m->last) {
        if (strcmp(saw, wanted) != 0) {
            check_ok = false;
            printf("#   %s was expected: %.*s\n", wanted, SLICE_ARG(line));
        }
        m->first += m->first < m->last;
    }
    if (!is_alert && has(line, "\"target\":\"deal_"))
        take(m, line);
}

static void read_log(struct fixture *f, struct model *m, uint64_t from)
{
    for (uint64_t position = from; check_ok; position++) {
        struct event_row row;
        if (history_event(&f->reader, position, &row))
            break;
        read_line(m, row.line);
    }
    CHECK_INT(m->first, m->last);
}

// ---- what happens

static void add_event(struct bytes *text, bool there[static DEALS])
{
    unsigned deal = (unsigned)chance(DEALS);
    bool deletes = there[deal] && chance(6) == 0;
    if (deletes)
        bytes_printf(text, "{'type':'Deal.Deleted','target':'deal_%u'}", deal);
    else
        bytes_printf(text, "{'type':'Deal.%s','target':'deal_%u','data':{'value':%d}}",
            there[deal] ? "Changed" : "Created", deal, (int)chance(120) - 20);
    there[deal] = !deletes;
}

// A batch of some events; one that fails at its end leaves nothing, nor does the handler of a lead.
static void happen(struct fixture *f, bool there[static DEALS])
{
    BYTES_AUTO text = {0};
    bool kept[DEALS];
    memcpy(kept, there, sizeof kept);
    bool fails = chance(5) == 0;
    bytes_add_char(&text, '[');
    for (uint64_t left = 1 + chance(4); left; left--) {
        add_event(&text, there);
        bytes_add_char(&text, ',');
    }
    bytes_add_text(&text, fails            ? "{'type':'Deal.Created','target':'lead_1'}]"
                          : chance(4) == 0 ? "{'type':'Lead.Arrived','target':'lead_1'}]"
                                           : "{'type':'Note.Taken','target':'note_1'}]");
    bytes_add_char(&text, '\0');
    int error = append(f, text.at);
    CHECK_INT(error != 0, fails);
    if (fails)
        memcpy(there, kept, sizeof kept);
}

static void save_watch(struct fixture *f, const char *name, const char *metric, int threshold, const char *direction)
{
    char text[120];
    snprintf(text, sizeof text, "{'metric':'%s','threshold':%d,'direction':'%s'}", metric, threshold, direction);
    CHECK_INT(save_hook(f, &watch_kind, name, text), 0);
}

static void alerts_follow_the_log(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    struct model m = {.down = 1, .side = -1};
    bool there[DEALS] = {0};
    fixture_open(&f);
    CHECK_INT(save_hook(&f, &metric_kind, "total.json", "{'aggregate':'sum','type':'Deal','field':'value'}"), 0);
    CHECK_INT(save_hook(&f, &metric_kind, "average.json", "{'aggregate':'avg','type':'Deal','field':'value'}"), 0);
    wait_for_metrics(&f);
    save_watch(&f, "up.json", "total", 100, "above");
    save_watch(&f, "down.json", "total", 20, "below");
    save_watch(&f, "side.json", "total", 50, "cross");
    save_watch(&f, "mean.json", "average", 30, "above");
    // What it writes crosses all of them, and is undone.
    CHECK_INT(save_hook(&f, hook_kind_of(&hooks_reactor, SLICE("handlers")), "Lead.arrived.js",
                  "(lead, $) => { $.Deal.create({ value: 5000 }); $.Deal.create({ value: -9000 }); throw 1 }"),
        0);
    uint64_t from = tenant_end(f.tenant).position + 1;
    for (int i = 0; i < 500 && check_ok; i++) {
        happen(&f, there);
        if (chance(60) == 0)
            fixture_reopen(&f);
    }
    read_log(&f, &m, from);
    CHECK(m.last > 150);
    fixture_close(&f);
}

// ---- imports

// An import and an append at the same time: mostly, one transaction takes both.
static void import_and_append(struct fixture *f, const char *imported, const char *appended)
{
    struct rerun file = {0};
    sem_t answered;
    sem_init(&answered, 0, 0);
    f->rerun = &file;
    struct submission *both[2] = {fixture_events(f, slice_of(json_of(imported)))};
    f->rerun = NULL;
    both[1] = fixture_events(f, slice_of(json_of(appended)));
    for (int i = 0; i < 2; i++) {
        both[i]->answer = fixture_post;
        both[i]->context = &answered;
        tenant_submit(f->tenant, both[i]);
    }
    for (int i = 0; i < 2; i++)
        while (sem_wait(&answered))
            ;
    for (int i = 0; i < 2; i++) {
        CHECK_INT(both[i]->error, 0);
        submission_free(both[i]);
    }
    sem_destroy(&answered);
    rerun_free(&file);
}

static void imports_raise_nothing(void)
{
    struct fixture f = {.reactor = &hooks_reactor};
    struct event_row row;
    unsigned raised = 0, resolved = 0;
    fixture_open(&f);
    CHECK_INT(save_hook(&f, &metric_kind, "total.json", "{'aggregate':'sum','type':'Deal','field':'value'}"), 0);
    save_watch(&f, "up.json", "total", 100, "above");
    for (int i = 0; i < 30; i++) {
        char text[160];
        snprintf(text, sizeof text,
            "{'type':'Deal.Came','target':'deal_%d','data':{'value':900},'actor':'a','timestamp':'2040-01-01T00:00:%"
            "02dZ'}",
            i, i);
        import_and_append(&f, text, "{'type':'Note.Taken','target':'note_1'}");
        snprintf(text, sizeof text, "{'type':'Deal.Lost','target':'deal_%d','data':{'value':0}}", i);
        CHECK_INT(append(&f, text), 0);
    }
    for (uint64_t position = 1; !history_event(&f.reader, position, &row); position++) {
        raised += has(row.line, "\"type\":\"Alert.Raised\"");
        resolved += has(row.line, "\"type\":\"Alert.Resolved\"");
    }
    CHECK_INT(raised, 0);
    CHECK_INT(resolved, 30);
    fixture_close(&f);
}

int main(void)
{
    TEST("alerts are those that reading the log gives", alerts_follow_the_log);
    TEST("an import raises nothing, whatever is committed with it", imports_raise_nothing);
    return check_end("watch_list");
}
