// Whole states: a written document (FILES.md D1 to D3) and a rollback (D6).
#include "tests/store/store_fixture.h"

static struct fixture f;

static uint64_t last(void)
{
    return tenant_end(f.tenant).position;
}

// ---- documents

static void difference_is_an_event(void)
{
    CHECK_INT(event(&f, "contact_a", "Contact.Created", "{'name':'x','n':1.10,'o':{'p':[1]}}"), 0);
    uint64_t before = last();
    f.actor = "agent_7";
    CHECK_INT(write_document(&f, "contact_a", 1, "{'n':1.10,'name':'y','o':{'p':[1]},'new':12345678901234567890}"), 0);
    f.actor = NULL;
    CHECK_INT(last(), before + 1);
    CHECK_INT(f.version, 2);
    CHECK_JSON(type_of(&f, last()), "'Contact.Updated'");
    CHECK_JSON(member_of(line_of(&f, last()), "actor"), "'agent_7'");
    CHECK_JSON(data_of(&f, last()), "{'name':{'before':'x','after':'y'},'new':{'after':12345678901234567890}}");
    CHECK_JSON(member_of(line_of(&f, last()), "metadata"), "");
    CHECK_JSON(state_of(&f, "contact_a"), "{'name':'y','n':1.10,'o':{'p':[1]},'new':12345678901234567890}");
    CHECK_INT(write_document(&f, "contact_a", 2, "{'o':{'p':[1]}}"), 0);
    CHECK_JSON(
        data_of(&f, last()), "{'name':{'before':'y'},'n':{'before':1.10},'new':{'before':12345678901234567890}}");
    CHECK_JSON(state_of(&f, "contact_a"), "{'o':{'p':[1]}}");
}

static void no_difference(void)
{
    uint64_t before = last();
    CHECK_INT(write_document(&f, "contact_a", 3, "{'$id':'x','o':{'p':[1.0]},'$version':1,'\\u0024x':0}"), 0);
    CHECK_INT(f.version, 3);
    CHECK_INT(last(), before);
}

static void laid_out(void)
{
    const char *pretty = "{\n  '$id': 'contact_a',\n  'o': {\n    'p': [\n      1,\n      2\n    ]\n  },\n"
                         "  's': 'a  b',\n  'new': { 'q' : { } }\n}\n";
    CHECK_INT(write_document(&f, "contact_a", 3, pretty), 0);
    CHECK_JSON(data_of(&f, last()),
        "{'o':{'before':{'p':[1]},'after':{'p':[1,2]}},'s':{'after':'a  b'},'new':{'after':{'q':{}}}}");
    CHECK_JSON(state_of(&f, "contact_a"), "{'o':{'p':[1,2]},'s':'a  b','new':{'q':{}}}");
    CHECK_INT(write_document(&f, "contact_new", 0, pretty), 0);
    CHECK_JSON(data_of(&f, last()), "{'o':{'p':[1,2]},'s':'a  b','new':{'q':{}}}");
    CHECK_INT(count_lines(stream_of(&f, NULL)), last());
}

static void changed_since(void)
{
    uint64_t before = last();
    for (uint32_t base = 0; base < 8; base++)
        if (base != 4)
            CHECK_INT(write_document(&f, "contact_a", base, "{'x':1}"), -ESTALE);
    CHECK_INT(write_document(&f, "contact_none", 1, "{'x':1}"), -ESTALE);
    CHECK_TEXT(state_of(&f, "contact_none"), "ENOENT");
    CHECK_INT(last(), before);
    CHECK(f.why[0]);
}

static void becomes_created(void)
{
    CHECK_INT(write_document(&f, "contact_c", 0, "{'a':1,'$version':7}"), 0);
    CHECK_JSON(type_of(&f, last()), "'Contact.Created'");
    CHECK_JSON(data_of(&f, last()), "{'a':1}");
    CHECK_INT(f.version, 1);
    CHECK_INT(write_document(&f, "contact_empty", 0, "{}"), 0);
    CHECK_JSON(state_of(&f, "contact_empty"), "{}");
    CHECK_INT(event(&f, "contact_c", "Contact.Deleted", "{}"), 0);
    CHECK_INT(write_document(&f, "contact_c", 2, "{'b':2}"), 0);
    CHECK_JSON(type_of(&f, last()), "'Contact.Created'");
    CHECK_JSON(state_of(&f, "contact_c"), "{'b':2}");
    CHECK_INT(f.version, 3);
    uint64_t id;
    CHECK_INT(tenant_reserve(f.tenant, SLICE("contact_r"), &id), 0);
    CHECK_INT(write_document(&f, "contact_r", 0, "{'a':1}"), 0);
    CHECK_JSON(type_of(&f, last()), "'Contact.Created'");
}

static void of_snake_case(void)
{
    CHECK_INT(event(&f, "order_1", "was_placed", "{'a':1}"), 0);
    CHECK_INT(write_document(&f, "order_1", 1, "{'a':{'before':1,'after':2}}"), 0);
    CHECK_JSON(type_of(&f, last()), "'Order.Updated'");
    CHECK_JSON(data_of(&f, last()), "{'a':{'before':1,'after':{'before':1,'after':2}}}");
    CHECK_JSON(state_of(&f, "order_1"), "{'a':{'before':1,'after':2}}");
    CHECK_INT(event(&f, "order_1", "was_closed", "{'b':'x -> y'}"), 0);
    CHECK_JSON(state_of(&f, "order_1"), "{'a':{'before':1,'after':2},'b':'x -> y'}");
}

static void in_its_spelling(void)
{
    CHECK_INT(event(&f, "myThing_1", "MyThing.Created", "{'a':1}"), 0);
    CHECK_INT(write_document(&f, "myThing_1", 1, "{'a':2}"), 0);
    CHECK_JSON(type_of(&f, last()), "'MyThing.Updated'");
    CHECK_INT(event(&f, "lead_1", "LEAD.UPDATED", "{}"), -ENOENT);
    CHECK_INT(event(&f, "lead_1", "Lead.Created", "{}"), 0);
    CHECK_INT(event(&f, "lead_1", "LEAD.UPDATED", "{}"), 0);
    CHECK_INT(write_document(&f, "lead_1", 2, "{'a':2}"), 0);
    CHECK_JSON(type_of(&f, last()), "'LEAD.UPDATED'");
}

// ---- rollback

static void to_a_version(void)
{
    CHECK_INT(event(&f, "contact_b", "Contact.Created", "{'a':1,'b':2.50,'c':3}"), 0);
    CHECK_INT(event(&f, "contact_b", "Contact.Updated", "{'a':{'before':1},'b':3,'d':4}"), 0);
    CHECK_INT(roll_back(&f, "contact_b", "v1"), 0);
    CHECK_INT(f.version, 3);
    CHECK_JSON(type_of(&f, last()), "'Contact.Updated'");
    CHECK_JSON(data_of(&f, last()), "{'d':{'before':4},'a':{'after':1},'b':{'before':3,'after':2.50}}");
    CHECK_JSON(member_of(line_of(&f, last()), "metadata"), "{'rollbackTo':'v1'}");
    CHECK_JSON(state_of(&f, "contact_b"), "{'b':2.50,'c':3,'a':1}");
    uint64_t before = last();
    CHECK_INT(roll_back(&f, "contact_b", "v1"), 0);
    CHECK_INT(roll_back(&f, "contact_b", "v3"), 0);
    CHECK_INT(last(), before);
    CHECK_INT(f.version, 3);
}

static void to_a_moment(void)
{
    uint64_t first = last() - 2;
    char when[80], expected[120];
    // With an offset: what is recorded is UTC.
    char printed[WHEN_TEXT_MAX];
    size_t size = when_print(printed, moment_of(&f, first + 1));
    snprintf(when, sizeof when, "%.*s+00:00", (int)size - 1, printed);
    CHECK_INT(roll_back(&f, "contact_b", when), 0);
    CHECK_JSON(state_of(&f, "contact_b"), "{'b':3,'c':3,'d':4}");
    snprintf(expected, sizeof expected, "{'rollbackTo':'%.*s'}", (int)size, printed);
    CHECK_JSON(member_of(line_of(&f, last()), "metadata"), expected);
    snprintf(when, sizeof when, "%.*s", SLICE_ARG(id_of(&f, first)));
    CHECK_INT(roll_back(&f, "contact_b", when), 0);
    snprintf(expected, sizeof expected, "{'rollbackTo':'%s'}", when);
    CHECK_JSON(member_of(line_of(&f, last()), "metadata"), expected);
    CHECK(json_equal(state_of(&f, "contact_b"), slice_of(json_of("{'a':1,'b':2.50,'c':3}"))));
    // Just after the event of another entity.
    CHECK_INT(event(&f, "contact_other", "Contact.Created", "{}"), 0);
    snprintf(when, sizeof when, "%.*s", SLICE_ARG(id_of(&f, last())));
    CHECK_INT(event(&f, "contact_b", "Contact.Updated", "{'z':1}"), 0);
    CHECK_INT(roll_back(&f, "contact_b", when), 0);
    CHECK(json_equal(state_of(&f, "contact_b"), slice_of(json_of("{'a':1,'b':2.50,'c':3}"))));
}

static void nowhere(void)
{
    char when[80];
    uint64_t before = last();
    static const char *const nowheres[] = {"v99", "2001-01-01", "2999-01-01", "evt_none", "7d-ago"};
    for (size_t i = 0; i < 5; i++) {
        CHECK_INT(roll_back(&f, "contact_b", nowheres[i]), -ENOENT);
        CHECK(f.why[0]);
    }
    snprintf(when, sizeof when, "%.*s", SLICE_ARG(id_of(&f, 1)));
    CHECK_INT(roll_back(&f, "contact_b", when), -ENOENT);
    CHECK_INT(roll_back(&f, "contact_none", "v1"), -ENOENT);
    CHECK_TEXT(state_of(&f, "contact_none"), "ENOENT");
    CHECK_INT(last(), before);
}

static void after_deletion(void)
{
    CHECK_INT(event(&f, "contact_d", "Contact.Created", "{'a':1,'b':2}"), 0);
    CHECK_INT(event(&f, "contact_d", "Contact.Deleted", "{'reason':'x'}"), 0);
    CHECK_INT(roll_back(&f, "contact_d", "v2"), -ENOENT);
    CHECK_INT(roll_back(&f, "contact_d", "v1"), 0);
    CHECK_JSON(type_of(&f, last()), "'Contact.Created'");
    CHECK_JSON(data_of(&f, last()), "{'a':1,'b':2}");
    CHECK_JSON(member_of(line_of(&f, last()), "metadata"), "{'rollbackTo':'v1'}");
    CHECK_JSON(state_of(&f, "contact_d"), "{'a':1,'b':2}");
    CHECK_INT(roll_back(&f, "contact_d", "v2"), -ENOENT);
    CHECK_INT(event(&f, "contact_d", "Contact.Updated", "{'a':5}"), 0);
    CHECK_INT(roll_back(&f, "contact_d", "v3"), 0);
    CHECK_JSON(type_of(&f, last()), "'Contact.Updated'");
    CHECK_JSON(state_of(&f, "contact_d"), "{'a':1,'b':2}");
}

static void anywhere(void)
{
    CHECK_INT(event(&f, "contact_e", "Contact.Created", "{}"), 0);
    for (uint32_t version = 2; version <= 300; version++) {
        char data[128];
        uint64_t key = chance(12);
        snprintf(data, sizeof data, chance(4) ? "{'k%u':%u.%u,'k%u':'x'}" : "{'k%u':{'before':null},'k%u':[%u]}",
            (unsigned)key, (unsigned)chance(5), (unsigned)chance(5), (unsigned)key + 20);
        // A before that does not hold is not what is tested here.
        if (event(&f, "contact_e", "Contact.Updated", data))
            version--;
    }
    for (int round = 0; round < 100; round++) {
        char when[16];
        uint32_t version = 1 + (uint32_t)chance(version_of(&f, "contact_e"));
        snprintf(when, sizeof when, "v%u", version);
        CHECK_INT(roll_back(&f, "contact_e", when), 0);
        CHECK(json_equal(state_of(&f, "contact_e"), state_at(&f, "contact_e", version)));
        if (round == 50)
            fixture_reopen(&f);
    }
}

int main(void)
{
    fixture_open(&f);
    TEST("the difference to a document is one Updated event", difference_is_an_event);
    TEST("a document that differs in nothing adds nothing", no_difference);
    TEST("a document that is laid out for people becomes one line", laid_out);
    TEST("a document of another version is stale", changed_since);
    TEST("a document of what is not there, deleted or reserved is Created", becomes_created);
    TEST("a document of a snake_case thing is Noun.Updated, and its members are plain values", of_snake_case);
    TEST("Updated is spelled as the tenant spells it", in_its_spelling);
    TEST("a rollback to a version is the difference to it", to_a_version);
    TEST("a rollback to a moment or an event", to_a_moment);
    TEST("there is no rollback to where nothing was", nowhere);
    TEST("a rollback after Deleted is Created", after_deletion);
    TEST("a rollback to any version restores its state", anywhere);
    fixture_close(&f);
    return check_end("judge_document");
}
