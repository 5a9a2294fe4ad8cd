// What becomes of changes of hooks that are refused, or fail late.
#include "hooks/metrics/watch_list.h"
#include "tests/hooks/hook_fixture.h"

#define DEFINITION "{'metric':'mrr','threshold':1,'direction':'above'}"

static bool fails;

static int fail(void *self, struct transaction *tx, enum hook_change change, const struct hook_row *row)
{
    (void)self, (void)tx, (void)change, (void)row;
    return fails ? -EIO : 0;
}

// Its row was written before: it would have the number of an event that never was, which the next hook gets.
static void leaves_no_row(void)
{
    struct hook_kind kind = watch_kind;
    const struct hook_kind *const kinds[] = {&kind, NULL};
    struct reactor reactor = hooks_reactor;
    struct fixture f = {.reactor = &reactor};
    struct hook_row row;
    kind.follow = fail;
    reactor.kinds = kinds;
    fixture_open(&f);
    fails = true;
    quiet(true);
    CHECK_INT(save_hook(&f, &kind, "a.json", DEFINITION), -EIO);
    quiet(false);
    CHECK_INT(history_hook(&f.reader, SLICE("watches"), SLICE("a.json"), &row), -ENOENT);
    CHECK_INT(tenant_end(f.tenant).position, 0);
    fails = false;
    CHECK_INT(save_hook(&f, &kind, "b.json", DEFINITION), 0);
    CHECK_INT(history_hook(&f.reader, SLICE("watches"), SLICE("b.json"), &row), 0);
    CHECK_INT(row.number, 1);
    fails = true;
    quiet(true);
    CHECK_INT(remove_hook(&f, &kind, "b.json"), -EIO);
    quiet(false);
    CHECK_INT(history_hook(&f.reader, SLICE("watches"), SLICE("b.json"), &row), 0);
    CHECK_INT(tenant_end(f.tenant).position, 1);
    fails = false;
    CHECK_INT(remove_hook(&f, &kind, "b.json"), 0);
    CHECK_INT(history_hook(&f.reader, SLICE("watches"), SLICE("b.json"), &row), -ENOENT);
    fixture_close(&f);
}

// The name of the n-th hook of a kind.
static const char *name_of(const struct hook_kind *kind, unsigned n)
{
    static char names[2][64];
    static unsigned next;
    char *name = names[next++ % 2];
    snprintf(name, sizeof names[0], "%sn%u%s", kind == &handler_kind ? "Deal.closed." : "", n, kind->extension);
    return name;
}

static void fill(const struct hook_kind *kind, const char *text, const char *other)
{
    struct fixture f = {.reactor = &hooks_reactor};
    fixture_open(&f);
    for (unsigned i = 0; i < 1000 && check_ok; i++)
        CHECK_INT(save_hook(&f, kind, name_of(kind, i), text), 0);
    CHECK_INT(save_hook(&f, kind, name_of(kind, 1000), text), -ENOSPC);
    CHECK(strstr(f.why, "at most 1000"));
    CHECK_INT(save_hook(&f, kind, name_of(kind, 7), other), 0);
    CHECK_INT(change_hook(&f, HOOK_RENAME, kind, name_of(kind, 7), name_of(kind, 1000), ""), 0);
    CHECK_INT(save_hook(&f, kind, name_of(kind, 7), text), -ENOSPC);
    CHECK_INT(remove_hook(&f, kind, name_of(kind, 1000)), 0);
    CHECK_INT(save_hook(&f, kind, name_of(kind, 7), text), 0);
    fixture_close(&f);
}

static void full(void)
{
    fill(&metric_kind, "{'aggregate':'count','type':'Deal'}", "{'aggregate':'count','type':'Lead'}");
    fill(&watch_kind, DEFINITION, "{'metric':'mrr','threshold':2,'direction':'above'}");
    fill(&handler_kind, "() => {}", "() => 1");
}

int main(void)
{
    TEST("a tenant that has as many hooks as it may can change and rename them, but not have another one", full);
    TEST("a change of a hook that fails after its row was written leaves nothing", leaves_no_row);
    return check_end("hook");
}
