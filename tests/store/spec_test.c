// What a tenant declares: reading it, and which spec is in force where: each event is judged and folded by the one
// before it, in memory, from snapshots and after opening anew.
#include "store/spec.h"
#include "tests/store/store_fixture.h"

static struct fixture f;

// Saves spec.json as a whole.
static int declare(const char *text)
{
    struct submission *s = whole_state(&f, SUBMIT_SPEC, "", json_of(text));
    s->base_spec = declared_last(f.tenant);
    return fixture_submit(&f, s);
}

static void reads(const char *text, const char *reason)
{
    SPEC_AUTO spec = NULL;
    struct reason why = {0};
    int error = spec_read(slice_of(json_of(text)), &spec, &why);
    CHECK_INT(error, *reason ? -EINVAL : 0);
    // Quotes of both kinds are one here.
    CHECK_JSON(slice_of(json_of(why.text)), reason);
}

static void forms(void)
{
    reads("{}", "");
    reads(" {'nouns':{}} \n", "");
    reads(
        "{'nouns':{'Contact':{'name':'string!','n':'number?##','t':'string[]!','s':'A | B!','o':'-> Order.of','b':'<- "
        "Contact.o[]','do':'Done','create':null,'update':null,'delete':null}},'aggregate_types':{'order':{'events':{}}}"
        "}",
        "");
    reads("{'spec':{'aggregate_types':{'order':{'events':{'was_placed':{'schema':{},'handler':[],'implications':[]}}}},"
          "'agent_types':['user'],'target_types':[],'modules':{'cache':['order']},'geo_types':{},'singletons':[]}}",
        "");
    reads("", "the document is empty: {} declares nothing");
    reads("{'nouns':{}", "the document is not complete");
    reads("{}{}", "there is more behind the document\"s end");
    reads("[]", "a spec is an object such as {'nouns':{}}");
    reads("{'nouns':[]}", "nouns: must be an object of nouns");
    reads("{'nouns':{'Contact':7}}", "nouns.Contact: a noun is an object of fields and verbs");
    reads("{'nouns':{'Big Deal':{}}}", "nouns.Big Deal: a noun is one word with a capital, such as Contact");
    reads("{'nouns':{'A':{'x':'-> B'}}}", "nouns.A.x: B is not declared");
    reads("{'nouns':{'A':{'two words':'Said'}}}", "nouns.A.two words: a verb is one word of at most 200 bytes");
    char name[202], text[300];
    for (size_t size = 200; size <= 201; size++) {
        memset(name, 'v', size);
        name[size] = '\0';
        snprintf(text, sizeof text, "{'nouns':{'A':{'%s':'Said'}}}", name);
        SPEC_AUTO spec = NULL;
        struct reason why = {0};
        CHECK_INT(spec_read(slice_of(json_of(text)), &spec, &why), size > 200 ? -EINVAL : 0);
    }
    reads(
        "{'nouns':{'A':{'x':'->'}}}", "nouns.A.x: '->' is no reference such as '-> Contact' or '-> Company.contacts'");
    reads("{'nouns':{'A':{'x':'P | Q | P'}}}", "nouns.A.x: P stands in it twice");
    reads("{'nouns':{'A':{'$x':'string'}}}", "nouns.A.$x: a field has a name, which does not begin with $");
    reads("{'spec':{'spec':{}}}",
        "spec.spec: is not known: a spec has nouns, aggregate_types, agent_types, target_types, singletons");
    reads("{'spec':{'aggregate_types':{'big_order':{'events':{}}}}}",
        "spec.aggregate_types.big_order: a type of entities has letters and digits alone: it ends at the first _ of an "
        "id");
    reads("{'aggregate_types':{'order':{'events':{'Placed':{}}}}}",
        "aggregate_types.order.events.Placed: an event\"s name is of the form was_placed");
    reads("{'aggregate_types':{'order':{'events':{'was_placed':{'schema':{'minimum':'x'}}}}}}",
        "aggregate_types.order.events.was_placed.schema.minimum: 'x' is no number");
    reads("{'aggregate_types':{'order':{'events':{'was_placed':{'handler':[{'map':{}}]}}}}}",
        "aggregate_types.order.events.was_placed.handler[0].map: is not known: set merge append append_unique remove "
        "increment decrement are");
    reads("{'aggregate_types':{'order':{'events':{'was_placed':{'implications':[{}]}}}}}",
        "aggregate_types.order.events.was_placed.implications: are not carried out here: a handler in hooks/ does what "
        "follows");
    reads("{'modules':{'sagas':{}}}", "modules.sagas: is not known here");
}

// ---- nouns

static bool sets(
    const struct noun *noun, const char *verb, const char *fields, struct slice *field, struct slice *value)
{
    return noun_verb_sets(noun, noun_find_event(noun, slice_of(verb)),
        fields ? slice_of(json_of(fields)) : (struct slice){0}, field, value);
}

static void verbs(void)
{
    SPEC_AUTO spec = NULL;
    struct slice field, value;
    REQUIRE(
        spec_read(slice_of(json_of(
                      "{'nouns':{'Plan':{'status':'string','stage':'Open | Cancelled','tags':'Done | Won[]',"
                      "'cancel':'Canceled','finish':'Done','pin':'Pinned'},'Note':{'state':'X | Y','pin':'Pinned'}}}")),
            &spec, NULL));
    const struct noun *plan = spec_noun(spec, SLICE("PLAN")), *note = spec_noun(spec, SLICE("note"));
    CHECK(plan && note && !spec_noun(spec, SLICE("pla")));
    // The first choice that has it, Canceled or Cancelled.
    CHECK(sets(plan, "CANCELLED", "{'status':'x'}", &field, &value));
    CHECK_TEXT(field, "stage");
    CHECK_TEXT(value, "Cancelled");
    // A list is no choice; else the first of stage, status, state that the entity has and that can hold it …
    CHECK(sets(plan, "Done", "{'state':1,'status':'x'}", &field, &value));
    CHECK_TEXT(field, "status");
    CHECK_TEXT(value, "Done");
    CHECK(sets(plan, "Done", "{'state':1}", &field, &value));
    CHECK_TEXT(field, "state");
    // … else that is declared.
    CHECK(sets(plan, "Pinned", NULL, &field, &value));
    CHECK_TEXT(field, "status");
    CHECK(!sets(note, "Pinned", NULL, &field, &value));
    CHECK_TEXT(noun_find_action(plan, SLICE("Finish"))->event, "Done");
    CHECK(!noun_find_action(plan, SLICE("done")));
    char spelling[NAME_TYPE_MAX];
    CHECK_TEXT(spec_spelling(spec, SLICE("PLAN.cancelled"), spelling), "Plan.Canceled");
    CHECK_TEXT(spec_spelling(spec, SLICE("pLAN.created"), spelling), "Plan.created");
    CHECK_TEXT(spec_spelling(spec, SLICE("was_x"), spelling), "was_x");
}

// ---- in force

#define COUNTS(by)                                                                                                     \
    "{'aggregate_types':{'order':{'events':{'was_counted':{'handler':[{'increment':{'target':'n','value':" by "}}]}}}" \
    "}}"

static void position_decides(void)
{
    CHECK_INT(event(&f, "order_1", "was_counted", "{'n':7}"), 0);
    uint64_t free = tenant_end(f.tenant).position;
    CHECK_INT(declare(COUNTS("1")), 0);
    for (int i = 0; i < 100; i++)
        REQUIRE(event(&f, "order_1", "was_counted", "{}"));
    CHECK_INT(declare(COUNTS("1000")), 0);
    for (int i = 0; i < 100; i++)
        REQUIRE(event(&f, "order_1", "was_counted", "{}"));
    CHECK_INT(declare("{}"), 0);
    CHECK_INT(event(&f, "order_1", "was_counted", "{'n':'merged'}"), 0);
    // In memory, then from the log and its snapshots.
    for (int round = 0; round < 3; round++) {
        CHECK_JSON(state_at(&f, "order_1", 1), "{'n':7}");
        CHECK_JSON(state_at(&f, "order_1", 2), "{'n':8}");
        CHECK_JSON(state_at(&f, "order_1", 101), "{'n':107}");
        CHECK_JSON(state_at(&f, "order_1", 102), "{'n':1107}");
        CHECK_JSON(state_at(&f, "order_1", 201), "{'n':100107}");
        CHECK_JSON(state_at(&f, "order_1", 202), "{'n':'merged'}");
        for (uint32_t version = 2; version <= 201; version++) {
            char expected[40];
            unsigned late = version > 101 ? version - 101 : 0;
            snprintf(expected, sizeof expected, "{'n':%u}", 7 + (version - 1 - late) + late * 1000);
            CHECK_JSON(state_at(&f, "order_1", version), expected);
        }
        fixture_reopen(&f);
    }
    CHECK(free == 1);
}

static void from_handlers(void)
{
    CHECK_INT(
        declare("{'aggregate_types':{'box':{'events':{'was_opened':{'handler':{'set':{'target':'open','value':true}}},"
                "'was_seen':{'handler':[]},'was_filled':{}}}}}"),
        0);
    CHECK_INT(event(&f, "box_1", "was_opened", "{'x':1}"), 0);
    CHECK_JSON(state_of(&f, "box_1"), "{'open':true}");
    CHECK_INT(event(&f, "box_1", "was_seen", "{'x':1}"), 0);
    CHECK_JSON(state_of(&f, "box_1"), "{'open':true}");
    CHECK_INT(event(&f, "box_1", "was_filled", "{'x':1}"), 0);
    CHECK_JSON(state_of(&f, "box_1"), "{'open':true,'x':1}");
    CHECK_INT(event(&f, "box_2", "was_seen", "{'x':1}"), 0);
    CHECK_JSON(state_of(&f, "box_2"), "{}");
    fixture_reopen(&f);
    CHECK_JSON(state_at(&f, "box_1", 2), "{'open':true}");
    CHECK_JSON(state_at(&f, "box_2", 1), "{}");
    CHECK_JSON(state_of(&f, "order_1"), "{'n':'merged'}");
}

static void misfit_refuses(void)
{
    CHECK_INT(declare(COUNTS("'$.data.by'")), 0);
    uint64_t before = tenant_end(f.tenant).position;
    CHECK_INT(event(&f, "order_2", "was_counted", "{}"), -EINVAL);
    CHECK_TEXT(slice_of(f.why), "state.n: $.data.by leads nowhere");
    CHECK_INT(event(&f, "order_2", "was_counted", "{'by':1.10}"), 0);
    CHECK_INT(append(&f, "{'type':'was_counted','target':'order_2','data':{'by':2}}"
                         "{'type':'was_counted','target':'order_2','data':{'by':'x'}}"),
        -EINVAL);
    CHECK_INT(f.line, 2);
    CHECK_INT(tenant_end(f.tenant).position, before + 1);
    CHECK_JSON(state_of(&f, "order_2"), "{'n':1.10}");
}

static void guarded(void)
{
    uint64_t base = declared_last(f.tenant);
    struct submission *s = whole_state(&f, SUBMIT_SPEC, "", "{}");
    s->base_spec = base - 1;
    CHECK_INT(fixture_submit(&f, s), -ESTALE);
    // What is wrong in itself is told first.
    s = whole_state(&f, SUBMIT_SPEC, "", "{]");
    s->base_spec = base - 1;
    CHECK_INT(fixture_submit(&f, s), -EINVAL);
    CHECK_INT(declared_last(f.tenant), base);
}

// In one transaction: what is undone is not in force, what was accepted is.
static void within_a_transaction(void)
{
    const char *changed =
        "{'type':'Spec.Updated','target':'spec_acme','data':{'spec.json':'{\\u0022aggregate_types\\u0022:{"
        "\\u0022cup\\u0022:{\\u0022events\\u0022:{\\u0022was_filled\\u0022:{\\u0022handler\\u0022:[]}}}}}'}}";
    uint64_t before = declared_last(f.tenant);
    CHECK_INT(append_of(&f, "%s{'type':'was_counted','target':'order_2','data':{'by':1}}", changed), -EINVAL);
    CHECK_INT(declared_last(f.tenant), before);
    CHECK_INT(event(&f, "order_2", "was_counted", "{'by':1}"), 0);
    CHECK_INT(append_of(&f,
                  "{'type':'was_counted','target':'order_2','data':{'by':1}}%s{'type':'was_filled','target':"
                  "'cup_1','data':{'x':1}}",
                  changed),
        0);
    CHECK_INT(declared_last(f.tenant), tenant_end(f.tenant).position - 1);
    CHECK_JSON(state_of(&f, "cup_1"), "{}");
    CHECK_JSON(state_of(&f, "order_2"), "{'n':3.10}");
    CHECK_INT(event(&f, "order_2", "was_counted", "{'by':1}"), -EINVAL);
}

// Ids are known before anything is judged by a spec.
static void known_again(void)
{
    CHECK_INT(declare("{}"), 0);
    const char *given = "{'id':'evt_a','type':'was_seen','target':'dog_1','data':{}}";
    CHECK_INT(append(&f, given), 0);
    CHECK_INT(declare("{'nouns':{}}"), 0);
    uint64_t before = tenant_end(f.tenant).position;
    CHECK_INT(append(&f, given), 0);
    CHECK_INT(event(&f, "dog_1", "was_seen", "{}"), -EINVAL);
    CHECK_INT(tenant_end(f.tenant).position, before);
}

// ---- damage

// What does not depend on a damaged spec goes on; what does is an I/O error, until there is another spec.
static void damaged(void)
{
    char text[200];
    CHECK_INT(declare(COUNTS("1")), 0);
    CHECK_INT(event(&f, "order_d", "was_counted", "{}"), 0);
    CHECK_INT(declare("{'nouns':{'Thing':{}},'aggregate_types':{'order':{'events':{'was_counted':{}}}}}"), 0);
    uint64_t position = declared_last(f.tenant);
    CHECK_INT(event(&f, "order_d", "was_counted", "{'x':1}"), 0);
    CHECK_INT(event(&f, "thing_d", "Thing.Created", "{'n':1}"), 0);
    fixture_stop(&f);
    snprintf(text, sizeof text, "UPDATE event SET line = replace(line, 'Thing', 'Thong') WHERE position = %llu",
        (unsigned long long)position);
    file_sql(f.path, "acme.db", text);
    quiet(true);
    fixture_start(&f);
    CHECK_JSON(state_at(&f, "order_d", 1), "{'n':1}");
    CHECK_TEXT(state_at(&f, "order_d", 2), "EIO");
    CHECK_JSON(state_of(&f, "thing_d"), "{'n':1}");
    CHECK_INT(event(&f, "thing_d", "Thing.Updated", "{'n':2}"), -EIO);
    CHECK_INT(declare("{'nouns':{'Thing':{}}}"), 0);
    CHECK_INT(event(&f, "thing_d", "Thing.Updated", "{'n':2}"), 0);
    CHECK_JSON(state_of(&f, "thing_d"), "{'n':2}");
    fixture_reopen(&f);
    CHECK_JSON(state_of(&f, "thing_d"), "{'n':2}");
    CHECK_JSON(state_at(&f, "order_d", 1), "{'n':1}");
    quiet(false);
}

int main(void)
{
    TEST("a document is read as a whole or refused with a path", forms);
    TEST("a verb belongs to a field, and has a spelling", verbs);
    fixture_open(&f);
    TEST("each event is folded by the spec that was in force at its position", position_decides);
    TEST("a handler says what an event does, [] that it does nothing; without one its data is merged", from_handlers);
    TEST("an event that does not fit its handler is refused", misfit_refuses);
    TEST("a spec that was made of another one than the last is stale", guarded);
    TEST("within a transaction a spec counts from its event on, and not if it is undone", within_a_transaction);
    TEST("a known id is known whatever the spec says", known_again);
    TEST("a damaged spec keeps from nothing that does not depend on it", damaged);
    fixture_close(&f);
    return check_end("spec");
}
