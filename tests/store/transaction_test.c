// What a commit adds, and that what is refused leaves nothing behind: all or nothing, of each submission alone.
#include "tests/store/log_check.h"

// Lets submissions gather while the writer waits in its observer, so that the next commit takes them together.
static atomic_bool hold;
static sem_t held, let_go;

static void observe(void *context, struct tenant *tenant, const struct committed *changes, size_t count, bool rejected)
{
    (void)context, (void)tenant, (void)changes, (void)count, (void)rejected;
    if (atomic_exchange(&hold, false)) {
        sem_post(&held);
        sem_wait(&let_go);
    }
}

static struct fixture f = {.observer = observe};

static uint64_t last(void)
{
    return tenant_end(f.tenant).position;
}

static void post_kept(struct submission *s)
{
    sem_post(s->context);
}

// Submits all at once, so that they share a commit; their errors.
static void together(const char *const *texts, unsigned count, int *errors)
{
    struct submission *all[64], *first = fixture_events(&f, SLICE("{\"type\":\"was_held\",\"target\":\"order_h\"}"));
    sem_t answered;
    sem_init(&answered, 0, 0);
    first->answer = post_kept;
    first->context = &answered;
    hold = true;
    tenant_submit(f.tenant, first);
    sem_wait(&held);
    for (unsigned i = 0; i < count; i++) {
        all[i] = fixture_events(&f, slice_of(json_of(texts[i])));
        REQUIRE(!all[i]);
        all[i]->answer = post_kept;
        all[i]->context = &answered;
        tenant_submit(f.tenant, all[i]);
    }
    sem_post(&let_go);
    for (unsigned i = 0; i < count + 1; i++)
        sem_wait(&answered);
    for (unsigned i = 0; i < count; i++) {
        errors[i] = all[i]->error;
        submission_free(all[i]);
    }
    submission_free(first);
    sem_destroy(&answered);
}

// ---- a refused batch

static void leaves_nothing(void)
{
    CHECK_INT(event(&f, "contact_a", "Contact.Created", "{'n':1}"), 0);
    struct log_end before = tenant_end(f.tenant);
    BYTES_AUTO stream = {0};
    bytes_add_slice(&stream, stream_of(&f, NULL));
    static const char *const endings[] = {"{'type':'Contact.Created','target':'contact_a'}",
        "{'type':'Contact.Updated','target':'contact_a','version':2}",
        "{'type':'Contact.Updated','target':'contact_a','data':{'n':{'before':1}}}",
        "{'type':'Contact.Updated','target':'contact_b','data':{'n':'a -> b'}}",
        "{'type':'Deal.Deleted','target':'deal_none'}"};
    for (size_t i = 0; i < 5; i++) {
        CHECK(append_of(&f,
            "[{'type':'Contact.Updated','target':'contact_a','data':{'n':2},'id':'evt_x'},"
            "{'type':'Contact.Created','target':'contact_b','data':{'n':'x'}},"
            "{'type':'Contact.WentAway','target':'contact_b','id':'evt_y'},%s]",
            endings[i]));
        CHECK_INT(f.line, 4);
        struct log_end after = tenant_end(f.tenant);
        CHECK(after.position == before.position && after.size_bytes == before.size_bytes &&
              after.at_us == before.at_us && after.entities_at_us == before.entities_at_us);
        CHECK(after.rejected_bytes > before.rejected_bytes);
        CHECK(slice_equal(bytes_slice(&stream), stream_of(&f, NULL)));
        CHECK_JSON(state_of(&f, "contact_a"), "{'n':1}");
        CHECK_INT(version_of(&f, "contact_a"), 1);
        CHECK_TEXT(state_of(&f, "contact_b"), "ENOENT");
        uint64_t position;
        CHECK_INT(history_position_of(&f.reader, SLICE("evt_x"), &position), -ENOENT);
    }
    CHECK_INT(event(&f, "contact_b", "Contact.wentaway", "{}"), 0);
    CHECK_JSON(type_of(&f, last()), "'Contact.Wentaway'");
    CHECK_INT(last(), before.position + 1);
    CHECK_INT(append(&f, "{'type':'Contact.Updated','target':'contact_a','data':{'n':3},'id':'evt_x','version':2}"), 0);
    check_log(&f);
}

// Enough events for states to be kept on the way.
static void long_batches(void)
{
    for (int round = 0; round < 2; round++) {
        BYTES_AUTO text = {0};
        for (int n = 0; n < 300; n++)
            bytes_printf(
                &text, "{\"type\":\"was_counted\",\"target\":\"order_long\",\"data\":{\"n\":%d}}", 2 * n + round);
        if (round == 0)
            bytes_add_text(&text, "{\"type\":\"Order.Created\",\"target\":\"order_long\"}");
        CHECK_INT(append_slice(&f, bytes_slice(&text)), round ? 0 : -EEXIST);
    }
    fixture_reopen(&f);
    for (uint32_t version = 1; version <= 300; version++) {
        char state[32];
        snprintf(state, sizeof state, "{'n':%u}", 2 * version - 1);
        CHECK_JSON(state_at(&f, "order_long", version), state);
    }
}

static void between_others(void)
{
    static const char *const texts[] = {
        "{'type':'Ship.Created','target':'ship_1','data':{'n':1},'id':'evt_s1'}",
        ("{'type':'Ship.SetSail','target':'ship_1','data':{'n':{'before':1,'after':2}}}"
         "{'type':'Ship.Created','target':'ship_2'}{'type':'Ship.Created','target':'ship_1'}"),
        "{'type':'Ship.Updated','target':'ship_1','data':{'n':{'before':1,'after':3}},'version':2}",
        "{'type':'Ship.Updated','target':'ship_2'}",
        "{'type':'ship.setsail','target':'ship_2','id':'evt_s2'}{'type':'Ship.Created','target':'ship_2'}",
        "{'type':'ship.SETSAIL','target':'ship_1','id':'evt_s2','version':3,'metadata':{'previous_length':2}}",
        "{'type':'Ship.Created','target':'ship_1','data':{'n':1},'id':'evt_s1'}",
        "{'type':'Ship.Created','target':'ship_1','data':{'n':2},'id':'evt_s1'}",
        "{'type':'Ship.Deleted','target':'ship_1','version':4}",
    };
    int errors[9];
    uint64_t before = last();
    together(texts, 9, errors);
    static const int expected[] = {0, -EEXIST, 0, -ENOENT, -EEXIST, 0, 0, -EEXIST, 0};
    for (int i = 0; i < 9; i++)
        CHECK_INT(errors[i], expected[i]);
    CHECK_INT(last(), before + 1 + 4);
    CHECK_TEXT(state_of(&f, "ship_1"), "deleted");
    CHECK_JSON(state_at(&f, "ship_1", 3), "{'n':3}");
    CHECK_TEXT(state_of(&f, "ship_2"), "ENOENT");
    CHECK_JSON(type_of(&f, last() - 1), "'Ship.SETSAIL'");
    check_log(&f);
    fixture_reopen(&f);
    CHECK_TEXT(state_of(&f, "ship_1"), "deleted");
    CHECK_TEXT(state_of(&f, "ship_2"), "ENOENT");
    CHECK_INT(event(&f, "ship_3", "Ship.setSail", "{}"), 0);
    CHECK_JSON(type_of(&f, last()), "'Ship.SETSAIL'");
    check_log(&f);
}

// Submissions of a few random events each, many in a commit, against a model that knows only rules.
static void at_random(void)
{
    enum { THINGS = 12, ROUNDS = 60, TOGETHER = 24 };
    int numbers[THINGS], versions[THINGS];
    memset(versions, 0, sizeof versions);
    for (int round = 0; round < ROUNDS; round++) {
        static char texts[TOGETHER][2048];
        const char *all[TOGETHER];
        int expected[TOGETHER], errors[TOGETHER];
        uint64_t events = last() + 1;
        for (int i = 0; i < TOGETHER; i++) {
            int saved[2][THINGS];
            memcpy(saved[0], numbers, sizeof numbers);
            memcpy(saved[1], versions, sizeof versions);
            size_t at = 0;
            unsigned count = 1 + (unsigned)chance(5), done = 0;
            expected[i] = 0;
            for (unsigned k = 0; k < count; k++) {
                unsigned thing = (unsigned)chance(THINGS);
                bool create = chance(3) == 0;
                int before = chance(4) ? numbers[thing] : 77, after = (int)chance(1000);
                at += (size_t)snprintf(texts[i] + at, sizeof texts[i] - at,
                    create ? "{'type':'Thing.Created','target':'thing_%u','data':{'n':%d}}"
                           : "{'type':'Thing.Updated','target':'thing_%u','data':{'n':{'after':%d,'before':%d}}}",
                    thing, after, before);
                if (expected[i])
                    continue;
                expected[i] = create && versions[thing]  ? -EEXIST
                              : create                   ? 0
                              : !versions[thing]         ? -ENOENT
                              : before != numbers[thing] ? -ESTALE
                                                         : 0;
                numbers[thing] = after;
                versions[thing]++;
                done++;
            }
            if (expected[i]) {
                memcpy(numbers, saved[0], sizeof numbers);
                memcpy(versions, saved[1], sizeof versions);
            } else {
                events += done;
            }
            all[i] = texts[i];
        }
        together(all, TOGETHER, errors);
        for (int i = 0; i < TOGETHER; i++)
            CHECK_INT(errors[i], expected[i]);
        CHECK_INT(last(), events);
        for (int thing = 0; thing < THINGS; thing++) {
            char name[32], state[32];
            snprintf(name, sizeof name, "thing_%d", thing);
            snprintf(state, sizeof state, versions[thing] ? "{'n':%d}" : "ENOENT", numbers[thing]);
            CHECK_JSON(state_of(&f, name), state);
            CHECK_INT(version_of(&f, name), versions[thing]);
        }
        if (round % 20 == 10)
            fixture_reopen(&f);
    }
    check_log(&f);
}

// ---- moments

static void moments_never_go_back(void)
{
    uint64_t first = last() + 1;
    for (int i = 0; i < 200; i++)
        CHECK_INT(append(&f, "{'type':'was_seen','target':'order_m'}{'type':'was_seen','target':'order_n'}"), 0);
    for (uint64_t position = first; position < last(); position++)
        CHECK(moment_of(&f, position) <= moment_of(&f, position + 1));
}

// ---- limits

static void deep_and_large(void)
{
    BYTES_AUTO text = {0};
    bytes_add_text(&text, "{\"type\":\"was_seen\",\"target\":\"order_big\",\"data\":{\"s\":\"");
    memset(bytes_reserve(&text, 1 << 20), 'x', 1 << 20);
    text.size += 1 << 20;
    bytes_add_text(&text, "\",\"deep\":");
    for (int i = 0; i < 990; i++)
        bytes_add_char(&text, '[');
    for (int i = 0; i < 990; i++)
        bytes_add_char(&text, ']');
    bytes_add_text(&text, "}}");
    CHECK_INT(append_slice(&f, bytes_slice(&text)), 0);
    size_t data_at = (size_t)((char *)memmem(text.at, text.size, "{\"s\"", 4) - text.at);
    struct slice data = {.at = text.at + data_at, .size = text.size - data_at - 1};
    CHECK(slice_equal(data_of(&f, last()), data));
    fixture_reopen(&f);
    CHECK(slice_equal(state_of(&f, "order_big"), data));
    check_log(&f);
}

static void many_types(void)
{
    BYTES_AUTO text = {0};
    unsigned known = 0;
    for (unsigned n = 0; n < 65000; n++)
        bytes_printf(&text, "{\"type\":\"verb%u\",\"target\":\"order_types\"}", n);
    CHECK_INT(append_slice(&f, bytes_slice(&text)), 0);
    uint64_t before = last();
    bytes_clear(&text);
    for (unsigned n = 0; n < 1000; n++)
        bytes_printf(&text, "{\"type\":\"late%u\",\"target\":\"order_types\"}", n);
    CHECK_INT(append_slice(&f, bytes_slice(&text)), -EMSGSIZE);
    CHECK(f.why[0]);
    CHECK_INT(last(), before);
    // None of the refused ones took a place.
    while (known < 1000 && append_of(&f, "{'type':'late%u','target':'order_types'}", 999 - known) == 0)
        known++;
    CHECK(known > 400 && known < 537);
    CHECK_INT(append(&f, "{'type':'LATE.X','target':'order_types'}"), -EINVAL);
    CHECK_INT(append(&f, "{'type':'late999','target':'order_types'}"), 0);
    CHECK_INT(append(&f, "{'type':'was_never_seen','target':'order_types'}"), -EMSGSIZE);
}

int main(void)
{
    sem_init(&held, 0, 0);
    sem_init(&let_go, 0, 0);
    fixture_open(&f);
    TEST("a refused batch leaves no event, entity, id, type, state or moment", leaves_nothing);
    TEST("a long refused batch leaves no state behind", long_batches);
    TEST("a refused submission leaves those that share its commit as they are", between_others);
    TEST("random submissions, many in a commit, are judged one after the other", at_random);
    TEST("moments never go back", moments_never_go_back);
    TEST("an event of a mebibyte, a thousand levels deep, comes back as it was", deep_and_large);
    TEST("a tenant has at most 65,536 types, and says so", many_types);
    fixture_close(&f);
    sem_destroy(&held);
    sem_destroy(&let_go);
    return check_end("transaction");
}
