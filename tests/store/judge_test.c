// What the writer accepts, what it records and what it refuses: FILES.md A3, A4, A6 to A9, A11, A13.
#include "tests/store/store_fixture.h"

static struct fixture f;

// Refused, in words, and the log did not grow.
#define CHECK_REFUSED(append, expected)                                                                                \
    do {                                                                                                               \
        uint64_t before_ = tenant_end(f.tenant).position;                                                              \
        CHECK_INT(append, expected);                                                                                   \
        CHECK(f.why[0]);                                                                                               \
        CHECK_INT(tenant_end(f.tenant).position, before_);                                                             \
    } while (0)

static uint64_t last(void)
{
    return tenant_end(f.tenant).position;
}

// ---- existence

static void created_once(void)
{
    CHECK_INT(event(&f, "contact_once", "Contact.Created", "{'a':1}"), 0);
    CHECK_REFUSED(event(&f, "contact_once", "Contact.Created", "{'a':1}"), -EEXIST);
    CHECK_REFUSED(event(&f, "contact_once", "contact.created", "{}"), -EEXIST);
    CHECK_INT(event(&f, "deal_bare", "Deal.Closed", "{}"), 0);
    CHECK_REFUSED(event(&f, "deal_bare", "Deal.Created", "{}"), -EEXIST);
    CHECK_INT(event(&f, "order_bare", "was_placed", "{}"), 0);
    CHECK_REFUSED(event(&f, "order_bare", "Order.Created", "{}"), -EEXIST);
    CHECK_JSON(state_of(&f, "contact_once"), "{'a':1}");
}

static void first_events(void)
{
    static const char *const changes[] = {"Contact.Updated", "Contact.Deleted", "Contact.RolledBack", "contact.updated",
        "contact.deleted", "contact.rolledback"};
    for (size_t i = 0; i < 6; i++) {
        CHECK_REFUSED(event(&f, "contact_none", changes[i], "{}"), -ENOENT);
        CHECK_TEXT(state_of(&f, "contact_none"), "ENOENT");
    }
    CHECK_INT(event(&f, "contact_any", "Contact.Qualified", "{'stage':{'after':'x'}}"), 0);
    CHECK_JSON(state_of(&f, "contact_any"), "{'stage':{'after':'x'}}");
    CHECK_INT(event(&f, "contact_snake", "updated", "{'a':1}"), 0);
    CHECK_JSON(state_of(&f, "contact_snake"), "{'a':1}");
}

static void after_deleted(void)
{
    CHECK_INT(event(&f, "contact_gone", "Contact.Created", "{'a':1,'b':2}"), 0);
    CHECK_INT(event(&f, "contact_gone", "Contact.Deleted", "{'reason':'x','a':{'before':9}}"), 0);
    CHECK_JSON(data_of(&f, last()), "{'reason':'x','a':{'before':9}}");
    CHECK_TEXT(state_of(&f, "contact_gone"), "deleted");
    static const char *const others[] = {
        "Contact.Updated", "Contact.Deleted", "Contact.RolledBack", "Contact.Qualified", "was_called", "called"};
    for (size_t i = 0; i < 6; i++)
        CHECK_REFUSED(event(&f, "contact_gone", others[i], "{}"), -ENOENT);
    CHECK_INT(event(&f, "contact_gone", "Contact.Created", "{'c':3}"), 0);
    CHECK_JSON(member_of(line_of(&f, last()), "version"), "3");
    CHECK_JSON(state_of(&f, "contact_gone"), "{'c':3}");
    CHECK_JSON(state_at(&f, "contact_gone", 1), "{'a':1,'b':2}");
    CHECK_TEXT(state_at(&f, "contact_gone", 2), "deleted");
}

static void in_one_batch(void)
{
    CHECK_INT(append(&f, "[{'type':'Contact.Created','target':'contact_batch','data':{'a':1}},"
                         "{'type':'Contact.Updated','target':'contact_batch','data':{'a':{'before':1,'after':2}}},"
                         "{'type':'Contact.Deleted','target':'contact_batch'},"
                         "{'type':'Contact.Created','target':'contact_batch','data':{'b':1}}]"),
        0);
    CHECK_INT(version_of(&f, "contact_batch"), 4);
    CHECK_JSON(state_of(&f, "contact_batch"), "{'b':1}");
    CHECK_REFUSED(append(&f, "{'type':'Contact.Deleted','target':'contact_batch'}\n"
                             "{'type':'Contact.Updated','target':'contact_batch'}"),
        -ENOENT);
    CHECK_JSON(state_of(&f, "contact_batch"), "{'b':1}");
}

// ---- guards

static void versions(void)
{
    CHECK_REFUSED(append(&f, "{'type':'Contact.Created','target':'contact_v','version':2}"), -ESTALE);
    CHECK_INT(append(&f, "{'type':'Contact.Created','target':'contact_v','version':1}"), 0);
    CHECK_REFUSED(append(&f, "{'type':'Contact.Updated','target':'contact_v','version':1}"), -ESTALE);
    CHECK_REFUSED(append(&f, "{'type':'Contact.Updated','target':'contact_v','version':3}"), -ESTALE);
    CHECK_REFUSED(append(&f, "{'type':'Contact.Updated','target':'contact_v','version':99999999}"), -ESTALE);
    CHECK_INT(append(&f, "{'type':'Contact.Updated','target':'contact_v','version':2}"
                         "{'type':'Contact.Updated','target':'contact_v','version':3}"),
        0);
    CHECK_INT(version_of(&f, "contact_v"), 3);
}

static int guarded(const char *type, unsigned previous_length)
{
    return append_of(&f, "{'type':'%s','target':'contact_l','metadata':{'previous_length':%u}}", type, previous_length);
}

static void lengths(void)
{
    CHECK_REFUSED(guarded("Contact.Created", 1), -ESTALE);
    CHECK_INT(guarded("Contact.Created", 0), 0);
    CHECK_JSON(member_of(line_of(&f, last()), "metadata"), "{'previous_length':0}");
    CHECK_REFUSED(guarded("Contact.Updated", 0), -ESTALE);
    CHECK_REFUSED(guarded("Contact.Updated", 2), -ESTALE);
    CHECK_INT(guarded("Contact.Updated", 1), 0);
    CHECK_REFUSED(append(&f, "{'type':'Contact.Updated','target':'contact_l','version':3,"
                             "'metadata':{'previous_length':1}}"),
        -ESTALE);
}

static void order_of_judgement(void)
{
    CHECK_INT(append(&f, "{'type':'Contact.Created','target':'contact_o','id':'evt_o','data':{'a':1}}"), 0);
    // A known id, before everything else.
    CHECK_INT(append(&f, "{'type':'Contact.Created','target':'contact_o','id':'evt_o','data':{'a':1},'version':9}"), 0);
    CHECK_REFUSED(append(&f, "{'type':'Contact.Updated','target':'contact_o','id':'evt_o','version':9}"), -EEXIST);
    CHECK_REFUSED(append(&f, "{'type':'Deal.Updated','target':'deal_none','id':'evt_o'}"), -EEXIST);
    // Existence, before version and before.
    CHECK_REFUSED(append(&f, "{'type':'Contact.Created','target':'contact_o','id':'evt_p','version':9}"), -EEXIST);
    CHECK_REFUSED(
        append(&f, "{'type':'Deal.Updated','target':'deal_none','version':9,'data':{'a':{'before':1}}}"), -ENOENT);
    CHECK_REFUSED(
        append(&f, "{'type':'Contact.Updated','target':'contact_o','data':{'a':{'before':2,'after':3}}}"), -ESTALE);
    // Form, before all of them.
    CHECK_REFUSED(append(&f, "{'type':'Contact.Created','target':'contact_o','id':'evt_o','dta':{}}"), -EINVAL);
}

static void first_error(void)
{
    CHECK_REFUSED(append(&f, "{'type':'Contact.Created','target':'contact_f'}"
                             "{'type':'Contact.Updated','target':'contact_f','version':7}"
                             "{'type':'Contact.Created','target':'contact_f'}"
                             "{'type':'Deal.Updated','target':'deal_none'}"),
        -ESTALE);
    CHECK_INT(f.line, 2);
    CHECK_TEXT(state_of(&f, "contact_f"), "ENOENT");
}

// ---- what is recorded

static void changes_of_a_field(void)
{
    CHECK_INT(event(&f, "contact_c", "Contact.Created", "{'stage':'Lead','n':1.10,'a':{'after':1}}"), 0);
    CHECK_JSON(data_of(&f, last()), "{'stage':'Lead','n':1.10,'a':{'after':1}}");
    CHECK_INT(event(&f, "contact_c", "Contact.Qualified", "{'stage':'Lead -> Won','n':12345678901234567890}"), 0);
    CHECK_JSON(data_of(&f, last()),
        "{'stage':{'before':'Lead','after':'Won'},'n':{'before':1.10,'after':12345678901234567890}}");
    CHECK_INT(event(&f, "contact_c", "Contact.Qualified", "{'new':1e400,'n':{'before':12345678901234567890.0}}"), 0);
    CHECK_JSON(data_of(&f, last()), "{'new':{'after':1e400},'n':{'before':12345678901234567890}}");
    CHECK_JSON(state_of(&f, "contact_c"), "{'stage':'Won','a':{'after':1},'new':1e400}");
    CHECK_INT(event(&f, "contact_c", "Contact.RolledBack", "{'new':2}"), 0);
    CHECK_JSON(data_of(&f, last()), "{'new':{'before':1e400,'after':2}}");
    CHECK_INT(event(&f, "contact_c", "was_called", "{'stage':'Won -> Lost','new':{'before':9}}"), 0);
    CHECK_JSON(data_of(&f, last()), "{'stage':'Won -> Lost','new':{'before':9}}");
    CHECK_JSON(state_of(&f, "contact_c"), "{'stage':'Won -> Lost','a':{'after':1},'new':{'before':9}}");
}

static void exact_payloads(void)
{
    const char *payload = "{'big':12345678901234567890,'m':1.10,'e':1e400,'z':-0.0,'s':'\\u00e9\\u0000\\ud800 "
                          "\xc3\xa9','o':{'b':[1,{}],'a':{}},'':null}";
    CHECK_INT(event(&f, "contact_x", "Contact.Created", payload), 0);
    CHECK_JSON(data_of(&f, last()), payload);
    CHECK_JSON(state_of(&f, "contact_x"), payload);
    CHECK_INT(append(&f, " { 'target' : 'contact_x' ,\n 'data' : { 'm' : [ 1 , 2 ] } , 'type' : 'was_seen' } "), 0);
    CHECK_JSON(data_of(&f, last()), "{'m':[1,2]}");
    CHECK_INT(count_lines(stream_of(&f, "contact_x")), 2);
}

static void whole_line(void)
{
    f.actor = "agent_mR4nVkTw";
    CHECK_INT(append(&f, "{'metadata':{'why' : 'x'},'data':{'a':1},'target':'contact_w','type':'contact.created',"
                         "'id':'evt_w'}"),
        0);
    f.actor = NULL;
    struct slice line = line_of(&f, last()), at = text_member(line, "timestamp");
    char expected[512];
    snprintf(expected, sizeof expected,
        "{'id':'evt_w','type':'Contact.Created','target':'contact_w','actor':'agent_mR4nVkTw','timestamp':'%.*s',"
        "'data':{'a':1},'tenant':'acme','version':1,'metadata':{'why':'x'}}",
        SLICE_ARG(at));
    CHECK_JSON(line, expected);
    int64_t now_us = when_now_us(), at_us = moment_of(&f, last());
    CHECK(at_us <= now_us && at_us > now_us - 60 * WHEN_US_PER_SECOND);
}

static void first_spelling(void)
{
    CHECK_INT(event(&f, "ship_a", "Ship.RolledOut", "{}"), 0);
    CHECK_INT(event(&f, "ship_a", "ship.rolledout", "{}"), 0);
    CHECK_JSON(type_of(&f, last()), "'Ship.RolledOut'");
    CHECK_INT(event(&f, "ship_b", "SHIP.ROLLEDOUT", "{}"), 0);
    CHECK_JSON(type_of(&f, last()), "'Ship.RolledOut'");
    CHECK_INT(event(&f, "order_s", "order.WAS_placed", "{}"), 0);
    CHECK_JSON(type_of(&f, last()), "'was_placed'");
    fixture_reopen(&f);
    CHECK_INT(event(&f, "ship_c", "ship.Rolledout", "{}"), 0);
    CHECK_JSON(type_of(&f, last()), "'Ship.RolledOut'");
}

static void spelling_of_a_refused_one(void)
{
    CHECK_REFUSED(append(&f, "{'type':'Ship.SETSAIL','target':'ship_a'}{'type':'Ship.SunkIt','target':'ship_a'}"
                             "{'type':'Ship.Created','target':'ship_a'}"),
        -EEXIST);
    CHECK_INT(event(&f, "ship_a", "Ship.SetSail", "{}"), 0);
    CHECK_JSON(type_of(&f, last()), "'Ship.SetSail'");
    CHECK_INT(append(&f, "{'type':'ship.sunkit','target':'ship_a'}{'type':'Ship.SunkIt','target':'ship_a'}"), 0);
    CHECK_JSON(type_of(&f, last()), "'Ship.Sunkit'");
}

// ---- receipts

static void receipts(void)
{
    CHECK_INT(append(&f, "{'type':'Contact.Created','target':'contact_r','id':'evt_r1'}"
                         "{'type':'Contact.Updated','target':'contact_r'}"),
        0);
    uint64_t second = last();
    char expected[512];
    snprintf(expected, sizeof expected,
        "{'id':'evt_r1','target':'contact_r','version':1,'position':%llu}\n"
        "{'id':'%.*s','target':'contact_r','version':2,'position':%llu}\n",
        (unsigned long long)second - 1, SLICE_ARG(id_of(&f, second)), (unsigned long long)second);
    CHECK_JSON(bytes_slice(&f.receipts), expected);

    CHECK_REFUSED(append(&f, "{'type':'Contact.Updated','target':'contact_r'}"
                             "{'type':'Contact.Updated','target':'contact_r','version':1}"),
        -ESTALE);
    struct slice receipt = bytes_slice(&f.receipts);
    CHECK_INT(count_lines(receipt), 1);
    CHECK_JSON(member_of(receipt, "error"), "'ESTALE'");
    CHECK_JSON(member_of(receipt, "line"), "2");
    CHECK(text_member(receipt, "reason").size);
    CHECK_INT(receipt.at[receipt.size - 1], '\n');
}

static void refusals_are_kept(void)
{
    size_t before = rejected_of(&f).size;
    const char *value = "{'type':'Contact.Created','target':'contact_r','data':{'x':1}}";
    CHECK_REFUSED(append(&f, value), -EEXIST);
    struct slice all = rejected_of(&f), line = {.at = all.at + before, .size = all.size - before};
    CHECK_INT(count_lines(line), 1);
    CHECK_JSON(member_of(line, "errno"), "'EEXIST'");
    CHECK_JSON(member_of(line, "line"), "1");
    CHECK_JSON(member_of(line, "path"), "'append'");
    BYTES_AUTO input = {0};
    json_decode(&input, member_of(line, "input"));
    CHECK_JSON(bytes_slice(&input), value);
    fixture_reopen(&f);
    CHECK(slice_equal(all, rejected_of(&f)));
}

int main(void)
{
    fixture_open(&f);
    TEST("Created on what exists is EEXIST", created_once);
    TEST("a first event may be any but Updated, Deleted and RolledBack", first_events);
    TEST("after Deleted only Created goes on, and the versions do", after_deleted);
    TEST("each event of a batch is judged behind those before it", in_one_batch);
    TEST("version is the one that the event must get", versions);
    TEST("previous_length is the number of events before", lengths);
    TEST("form, known id, existence, then version and before", order_of_judgement);
    TEST("the first wrong value of a batch is the answer", first_error);
    TEST("a change is recorded with before and after, all else as given", changes_of_a_field);
    TEST("numbers and strings come back as they were written", exact_payloads);
    TEST("the line is that of the contract", whole_line);
    TEST("a type keeps the spelling of its first event, also when opened again", first_spelling);
    TEST("a refused event spells no type", spelling_of_a_refused_one);
    TEST("a receipt for each event, or one that tells the error", receipts);
    TEST("a refusal is a line in rejected and stays there", refusals_are_kept);
    fixture_close(&f);
    return check_end("judge");
}
