// Ids, the store's own and given ones: FILES.md A2, A3.
#include "tests/store/store_fixture.h"

static struct fixture f;

static uint64_t last(void)
{
    return tenant_end(f.tenant).position;
}

static long position_of(struct slice id)
{
    uint64_t position = 0;
    int error = history_position_of(&f.reader, id, &position);
    return error ? error : (long)position;
}

// Every id of the log is there once and finds its event.
static void check_ids(void)
{
    for (uint64_t position = 1; position <= last(); position++) {
        char id[80];
        snprintf(id, sizeof id, "%.*s", SLICE_ARG(id_of(&f, position)));
        CHECK_INT(position_of(slice_of(id)), position);
        CHECK(name_is_given_id(slice_of(id)));
        for (uint64_t other = 1; other < position; other++)
            CHECK(!slice_is(id_of(&f, other), id));
    }
}

static const char event_one[] = "{'id':'evt_one','type':'Contact.Created','target':'contact_a','data':{'n':1,'s':'x'},"
                                "'metadata':{'previous_length':0,'k':1},'version':1}";

static void again(void)
{
    CHECK_INT(append(&f, event_one), 0);
    uint64_t position = last();
    BYTES_AUTO receipt = {0};
    bytes_add_slice(&receipt, bytes_slice(&f.receipts));
    CHECK_INT(event(&f, "contact_a", "Contact.Updated", "{'n':2}"), 0);
    static const char *const same[] = {
        event_one,
        " { 'id':'evt_one', 'data':{ 'n': 1 , 's':'x' }, 'target':'contact_a','type':'contact.created',"
        "'metadata':{'previous_length':0,\n'k':1}}",
        "{'id':'evt_one','type':'Contact.Created','target':'contact_a','data':{'n':1,'s':'x'},'actor':'user_test',"
        "'metadata':{'previous_length':0,'k':1},'version':77,'tenant':'acme'}",
    };
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++) {
            CHECK_INT(append(&f, same[i]), 0);
            CHECK(slice_equal(bytes_slice(&f.receipts), bytes_slice(&receipt)));
            CHECK_INT(last(), position + 1);
        }
        fixture_reopen(&f);
    }
    CHECK_INT(position_of(SLICE("evt_one")), position);
}

static void other_content(void)
{
    static const char *const other[] = {
        "{'id':'evt_one','type':'Contact.Qualified','target':'contact_a','data':{'n':1,'s':'x'},"
        "'metadata':{'previous_length':0,'k':1}}",
        "{'id':'evt_one','type':'Contact.Created','target':'contact_b','data':{'n':1,'s':'x'},"
        "'metadata':{'previous_length':0,'k':1}}",
        "{'id':'evt_one','type':'Contact.Created','target':'contact_a','data':{'n':2,'s':'x'},"
        "'metadata':{'previous_length':0,'k':1}}",
        "{'id':'evt_one','type':'Contact.Created','target':'contact_a','data':{'s':'x','n':1},"
        "'metadata':{'previous_length':0,'k':1}}",
        "{'id':'evt_one','type':'Contact.Created','target':'contact_a',"
        "'metadata':{'previous_length':0,'k':1}}",
        "{'id':'evt_one','type':'Contact.Created','target':'contact_a','data':{'n':1,'s':'x'},"
        "'metadata':{'previous_length':0,'k':2}}",
        "{'id':'evt_one','type':'Contact.Created','target':'contact_a','data':{'n':1,'s':'x'}}",
        "{'id':'evt_one','type':'Contact.Created','target':'contact_a','data':{'n':1,'s':'x'},'actor':'user_b',"
        "'metadata':{'previous_length':0,'k':1}}",
    };
    uint64_t before = last();
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        CHECK_INT(append(&f, other[i]), -EEXIST);
        CHECK(strstr(f.why, "evt_one"));
    }
    CHECK_INT(last(), before);
}

static void twice_in_one(void)
{
    uint64_t before = last();
    CHECK_INT(append(&f, "{'id':'evt_t','type':'was_seen','target':'order_t','data':{'a':1}}"
                         "{'id':'evt_t','type':'was_seen','target':'order_t','data':{'a': 1}}"
                         "{'id':'evt_u','type':'was_seen','target':'order_t'}"),
        0);
    CHECK_INT(last(), before + 2);
    CHECK_INT(count_lines(bytes_slice(&f.receipts)), 3);
    struct slice first = bytes_slice(&f.receipts);
    first.size = (size_t)((char *)memchr(first.at, '\n', first.size) - first.at) + 1;
    CHECK(!memcmp(first.at, first.at + first.size, first.size));
    CHECK_INT(append(&f, "{'id':'evt_v','type':'was_seen','target':'order_t','data':{'a':1}}"
                         "{'id':'evt_v','type':'was_seen','target':'order_t','data':{'a':2}}"),
        -EEXIST);
    CHECK_INT(f.line, 2);
    CHECK_INT(last(), before + 2);
}

static void of_a_refused_one(void)
{
    CHECK_INT(append(&f, "{'id':'evt_w','type':'was_seen','target':'order_t','data':{'a':1}}"
                         "{'type':'Order.Created','target':'order_t'}"),
        -EEXIST);
    CHECK_INT(position_of(SLICE("evt_w")), -ENOENT);
    CHECK_INT(append(&f, "{'id':'evt_w','type':'was_seen','target':'order_t','data':{'a':2}}"), 0);
    CHECK_INT(position_of(SLICE("evt_w")), last());
}

// A known event in a batch that is refused must stay known.
static void known_in_a_refused_one(void)
{
    long position = position_of(SLICE("evt_w"));
    CHECK_INT(append(&f, "{'id':'evt_w','type':'was_seen','target':'order_t','data':{'a':2}}"
                         "{'type':'Order.Created','target':'order_t'}"),
        -EEXIST);
    CHECK_INT(position_of(SLICE("evt_w")), position);
    CHECK_INT(append(&f, "{'id':'evt_w','type':'was_seen','target':'order_t','data':{'a':3}}"), -EEXIST);
}

// The text with the id for %s.
static void put_id(char *out, size_t size, const char *text, const char *id)
{
    const char *at = strstr(text, "%s");
    snprintf(out, size, "%.*s%s%s", (int)(at - text), text, id, at + 2);
}

static void own_again(void)
{
    CHECK_INT(event(&f, "contact_own", "Contact.Created", "{'a':1}"), 0);
    uint64_t position = last();
    char id[80];
    snprintf(id, sizeof id, "%.*s", SLICE_ARG(id_of(&f, position)));
    static const char *const others[] = {
        "{'id':'%s','type':'Contact.Created','target':'contact_own','data':{'a':2}}",
        "{'id':'%s','type':'Contact.Updated','target':'contact_own','data':{'a':1}}",
        "{'id':'%s','type':'Contact.Created','target':'contact_other','data':{'a':1}}",
        "{'id':'%s','type':'Contact.Created','target':'contact_own','data':{'a':1},'metadata':{}}",
        "{'id':'%s','type':'Contact.Created','target':'contact_own','data':{'a':1},'actor':'user_b'}",
    };
    char same[256], other[256];
    snprintf(same, sizeof same, "{'id':'%s','type':'Contact.Created','target':'contact_own','data':{ 'a':1}}", id);
    for (int round = 0; round < 2; round++) {
        CHECK_INT(append(&f, same), 0);
        CHECK_INT(last(), position);
        CHECK(text_has(bytes_slice(&f.receipts), id));
        for (size_t i = 0; i < 5; i++) {
            put_id(other, sizeof other, others[i], id);
            CHECK_INT(append(&f, other), -EEXIST);
        }
        CHECK_INT(last(), position);
        fixture_reopen(&f);
    }
}

// What own ids the store will make is seen in a copy of it, which goes on alone.
static void ids_to_come(struct fixture *copy, unsigned count, char ids[][80])
{
    for (unsigned i = 0; i < count; i++) {
        REQUIRE(event(copy, "order_copy", "was_seen", "{}"));
        snprintf(ids[i], 80, "%.*s", SLICE_ARG(id_of(copy, tenant_end(copy->tenant).position)));
    }
}

static void own_to_come(void)
{
    struct fixture copy = {0};
    char ids[8][80];
    fixture_copy(&f, &copy);
    ids_to_come(&copy, 8, ids);
    fixture_close(&copy);
    // The third and the fifth are given away before their time, the first one just in time.
    CHECK_INT(append_of(&f,
                  "{'id':'%s','type':'was_seen','target':'order_c'}{'id':'%s','type':'was_seen','target':'order_c'}",
                  ids[0], ids[4]),
        0);
    uint64_t first = last() - 1;
    CHECK_INT(
        append_of(&f, "{'id':'%s','type':'was_seen','target':'order_c'}{'type':'was_seen','target':'order_c'}", ids[7]),
        0);
    fixture_reopen(&f);
    for (int i = 0; i < 6; i++)
        CHECK_INT(event(&f, "order_c", "was_seen", "{}"), 0);
    CHECK_TEXT(id_of(&f, first), ids[0]);
    CHECK_TEXT(id_of(&f, first + 1), ids[4]);
    CHECK_TEXT(id_of(&f, first + 2), ids[7]);
    CHECK_TEXT(id_of(&f, first + 3), ids[3]);
    CHECK_TEXT(id_of(&f, first + 5), ids[5]);
    check_ids();
    // Given again, it is the event that has it.
    CHECK_INT(append_of(&f, "{'id':'%s','type':'was_seen','target':'order_c'}", ids[4]), 0);
    CHECK(text_has(bytes_slice(&f.receipts), ids[4]));
}

// The id that stands in for one that was given away may have been given away as well.
static void stand_ins_to_come(void)
{
    struct fixture copy = {0};
    char ids[3][80], stand_ins[3][80];
    fixture_copy(&f, &copy);
    ids_to_come(&copy, 3, ids);
    fixture_close(&copy);
    fixture_copy(&f, &copy);
    CHECK_INT(append_of(&copy, "{'id':'%s','type':'was_seen','target':'order_copy'}", ids[2]), 0);
    ids_to_come(&copy, 2, stand_ins);
    CHECK(strcmp(stand_ins[1], ids[2]) != 0);
    fixture_close(&copy);
    CHECK_INT(append_of(&f,
                  "{'id':'%s','type':'was_seen','target':'order_c'}{'id':'%s','type':'was_seen','target':'order_c'}",
                  stand_ins[1], ids[2]),
        0);
    CHECK_INT(event(&f, "order_c", "was_seen", "{}"), 0);
    CHECK_INT(event(&f, "order_c", "was_seen", "{}"), 0);
    check_ids();
}

static void stand_in_alone(void)
{
    struct fixture copy = {0};
    char ids[3][80], stand_ins[3][80];
    fixture_copy(&f, &copy);
    ids_to_come(&copy, 3, ids);
    fixture_close(&copy);
    fixture_copy(&f, &copy);
    CHECK_INT(append_of(&copy, "{'id':'%s','type':'was_seen','target':'order_copy'}", ids[2]), 0);
    ids_to_come(&copy, 2, stand_ins);
    fixture_close(&copy);
    CHECK_INT(append_of(&f, "{'id':'%s','type':'was_seen','target':'order_c'}", stand_ins[1]), 0);
    CHECK_INT(event(&f, "order_c", "was_seen", "{}"), 0);
    CHECK_INT(event(&f, "order_c", "was_seen", "{}"), 0);
    check_ids();
}

// The own id of a position whose event brought another one is nobody's.
static void own_of_a_given_one(void)
{
    struct fixture copy = {0};
    char ids[1][80];
    fixture_copy(&f, &copy);
    ids_to_come(&copy, 1, ids);
    fixture_close(&copy);
    CHECK_INT(append(&f, "{'id':'evt_own','type':'was_seen','target':'order_c'}"), 0);
    CHECK_INT(position_of(slice_of(ids[0])), -ENOENT);
    CHECK_INT(append_of(&f, "{'id':'%s','type':'was_seen','target':'order_c','data':{'n':1}}", ids[0]), 0);
    CHECK_INT(position_of(slice_of(ids[0])), last());
    CHECK_INT(append_of(&f, "{'id':'%s','type':'was_seen','target':'order_c','data':{'n':2}}", ids[0]), -EEXIST);
    check_ids();
}

// A refused event takes no id away.
static void to_come_but_refused(void)
{
    struct fixture copy = {0};
    char ids[3][80];
    fixture_copy(&f, &copy);
    ids_to_come(&copy, 3, ids);
    fixture_close(&copy);
    CHECK_INT(
        append_of(
            &f, "{'id':'%s','type':'was_seen','target':'order_c'}{'type':'Order.Created','target':'order_c'}", ids[1]),
        -EEXIST);
    CHECK_INT(append_of(&f, "{'id':'%s','type':'Order.Created','target':'order_c'}", ids[2]), -EEXIST);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(event(&f, "order_c", "was_seen", "{}"), 0);
        CHECK_TEXT(id_of(&f, last()), ids[i]);
    }
}

static void not_known(void)
{
    static const char *const ids[] = {
        "evt_", "evt_none", "evt_0", "x", "", "evt_one2", "evt_on", "EVT_one", "evt_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        CHECK_INT(position_of(slice_of(ids[i])), -ENOENT);
}

static void of_another_tenant(void)
{
    struct tenant_info info = {.name = "other", .mode = 0755};
    struct tenant *other, *own = f.tenant;
    struct reader reader = f.reader;
    struct reason why;
    BYTES_AUTO id = {0};
    CHECK_INT(store_make(f.store, &info), 0);
    REQUIRE(store_get(f.store, info.number, &other));
    REQUIRE(reader_open(&f.reader, other, &why));
    f.tenant = other;
    CHECK_INT(event(&f, "order_o", "was_seen", "{}"), 0);
    bytes_add_slice(&id, id_of(&f, 1));
    reader_close(&f.reader);
    store_put(f.store, other);
    f.tenant = own;
    f.reader = reader;
    CHECK_INT(position_of(bytes_slice(&id)), -ENOENT);
    for (uint64_t position = 1; position <= last(); position++)
        CHECK(!slice_equal(bytes_slice(&id), id_of(&f, position)));
}

int main(void)
{
    fixture_open(&f);
    TEST("the same event under its id again is a success that adds nothing", again);
    TEST("other content under a known id is EEXIST", other_content);
    TEST("the same id twice in one write is one event", twice_in_one);
    TEST("the id of a refused event is free", of_a_refused_one);
    TEST("a known id stays known when the batch that names it is refused", known_in_a_refused_one);
    TEST("an own id given back is known by its event", own_again);
    TEST("an own id that was given away before its time is made in another way", own_to_come);
    TEST("so is the one that stands in for it", stand_ins_to_come);
    TEST("and that one alone", stand_in_alone);
    TEST("the own id of an event that brought another one can be given", own_of_a_given_one);
    TEST("a refused event gives no own id away", to_come_but_refused);
    TEST("ids that nobody has find nothing", not_known);
    TEST("tenants do not share ids", of_another_tenant);
    fixture_close(&f);
    return check_end("judge_id");
}
