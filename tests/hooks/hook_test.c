// What becomes of a change of a hook that fails late.
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

int main(void)
{
    TEST("a change of a hook that fails after its row was written leaves nothing", leaves_no_row);
    return check_end("hook");
}
