// Ticks: each operation, each kind of value, what does not fit, and what is refused
// when it is read. The expected states follow from the words of the header.
#include "store/json.h"
#include "store/tick.h"
#include "store/when.h"
#include "tests/store/store_fixture.h"

static struct arena arena;
static struct reason why, misfit;
static struct bytes out;

static const struct tick *tick(const char *text)
{
    static const struct where root = {.name = {"handler", 7}};
    const struct tick *read = NULL;
    why = (struct reason){0};
    return tick_read(&read, slice_of(json_of(text)), &root, &arena, &why) ? NULL : read;
}

// The state that a tick makes of a state and an event's data; what did not fit is in `misfit`.
static struct slice run_with(const char *text, const char *state, const char *data, const char *metadata)
{
    const struct tick *t = tick(text);
    struct event event = {.type = SLICE("was_placed"),
        .target = SLICE("order_abc:1"),
        .actor = SLICE("user_ann_b"),
        .at_us = INT64_C(1705312800) * WHEN_US_PER_SECOND + 999999,
        .data = slice_of(json_of(data)),
        .metadata = slice_of(json_of(metadata))};
    misfit = (struct reason){0};
    bytes_clear(&out);
    if (!t)
        return slice_of(why.text);
    int error = tick_run(t, slice_of(json_of(state)), &event, &out, &misfit);
    return error ? error_text(error) : bytes_slice(&out);
}

static struct slice run(const char *text, const char *state, const char *data)
{
    return run_with(text, state, data, "");
}

#define RUNS(written, state, data, expected)                                                                           \
    do {                                                                                                               \
        CHECK_JSON(run(written, state, data), expected);                                                               \
        CHECK_TEXT(slice_of(misfit.text), "");                                                                         \
    } while (0)

// It is left out: nothing changes, and the reason is told.
#define MISFITS(written, state, data, reason)                                                                          \
    do {                                                                                                               \
        CHECK_JSON(run(written, state, data), state);                                                                  \
        CHECK_JSON(slice_of(misfit.text), reason);                                                                     \
    } while (0)

#define REFUSED(written, reason)                                                                                       \
    do {                                                                                                               \
        CHECK(!tick(written));                                                                                         \
        CHECK_JSON(slice_of(why.text), reason);                                                                        \
    } while (0)

static void sets(void)
{
    RUNS("{'set':{'target':'status','value':'active'}}", "{'a':1,'status':'x','b':2}", "{}",
        "{'a':1,'status':'active','b':2}");
    RUNS("{'set':{'target':'','value':'$.data'}}", "{'a':1}", "{'b':1.10}", "{'b':1.10}");
    RUNS("{'set':{'target':'a.b.c','value':[1, {'x': null}]}}", "{}", "{}", "{'a':{'b':{'c':[1,{'x':null}]}}}");
    RUNS("{'set':{'target':'a.b','value':1}}", "{'a':{'c':2,'b':{'d':1}},'z':0}", "{}", "{'a':{'c':2,'b':1},'z':0}");
    MISFITS("{'set':{'target':'a.b','value':1}}", "{'a':[1]}", "{}",
        "state.a.b: there is something else than an object on the way");
    MISFITS("{'set':{'target':'','value':'$.data.x'}}", "{'a':1}", "{'x':5}", "state: the whole state is an object");
}

static void merges(void)
{
    RUNS("{'merge':{'target':'','value':'$.data'}}", "{'a':1,'b':{'x':1}}", "{'b':{'y':2},'c':3}",
        "{'a':1,'b':{'y':2},'c':3}");
    RUNS("{'merge':{'target':'p.q','value':{'x':1}}}", "{}", "{}", "{'p':{'q':{'x':1}}}");
    RUNS("{'merge':{'target':'p','value':'$.data'}}", "{'p':{'x':0}}", "{'x':1}", "{'p':{'x':1}}");
    MISFITS("{'merge':{'target':'p','value':'$.data'}}", "{'p':1}", "{'x':1}",
        "state.p: only an object is merged into an object");
}

static void appends(void)
{
    const char *append = "{'append':{'target':'items','value':'$.data.item'}}";
    RUNS(append, "{}", "{'item':{'sku':'A'}}", "{'items':[{'sku':'A'}]}");
    RUNS(append, "{'items':[1],'n':0}", "{'item':1}", "{'items':[1,1],'n':0}");
    MISFITS(append, "{'items':'x'}", "{'item':1}", "state.items: is no array to append to");
    const char *unique = "{'append_unique':{'target':'tags','value':'$.data.tag'}}";
    RUNS(unique, "{}", "{'tag':'a'}", "{'tags':['a']}");
    RUNS(unique, "{'tags':['a',{'n':1.0}]}", "{'tag':'\\u0061'}", "{'tags':['a',{'n':1.0}]}");
    RUNS(unique, "{'tags':['a',{'n':1.0}]}", "{'tag':{'n':1}}", "{'tags':['a',{'n':1.0}]}");
    RUNS(unique, "{'tags':['a']}", "{'tag':'b'}", "{'tags':['a','b']}");
}

static void removes(void)
{
    const char *where = "{'remove':{'target':'entries','where':{'id':'$.data.id'}}}";
    RUNS(where, "{'entries':[{'id':1,'x':1},{'id':2},{'id':1.0},7,{}]}", "{'id':1}", "{'entries':[{'id':2},7,{}]}");
    RUNS(where, "{'entries':[{'id':1}]}", "{'id':1}", "{'entries':[]}");
    RUNS(where, "{'a':1}", "{'id':1}", "{'a':1}");
    RUNS("{'remove':{'target':'entries','where':{'a\\u0000b':1}}}", "{'entries':[{'a':1},{'a\\u0000b':1}]}", "{}",
        "{'entries':[{'a':1}]}");
    MISFITS(where, "{'entries':{}}", "{'id':1}", "state.entries: is no array to remove from");
    RUNS("{'remove':{'target':'tags','value':'x'}}", "{'tags':['a','x','x']}", "{}", "{'tags':['a']}");
    RUNS("{'remove':{'target':'a.b'}}", "{'a':{'b':1,'c':2}}", "{}", "{'a':{'c':2}}");
    RUNS("{'remove':{'target':'a'}}", "{'a':1}", "{}", "{}");
    RUNS("{'remove':{'target':'a.b'}}", "{'a':1}", "{}", "{'a':1}");
}

static void counts(void)
{
    RUNS("{'increment':{'target':'n'}}", "{}", "{}", "{'n':1}");
    RUNS("{'decrement':{'target':'n'}}", "{'n':0}", "{}", "{'n':-1}");
    RUNS("{'increment':{'target':'t.sum','value':'$.data.x'}}", "{'t':{'sum':0.1}}", "{'x':0.2}", "{'t':{'sum':0.3}}");
    RUNS("{'decrement':{'target':'n','value':'$.data.x'}}", "{'n':12345678901234567890}", "{'x':1}",
        "{'n':12345678901234567889}");
    MISFITS("{'increment':{'target':'n'}}", "{'n':'1'}", "{}", "state.n: only a number is added to a number");
    MISFITS("{'increment':{'target':'n','value':'$.data.x'}}", "{'n':1}", "{'x':'1'}",
        "state.n: only a number is added to a number");
    MISFITS("{'increment':{'target':'n'}}", "{'n':1e5000}", "{}", "state.n: the sum would have too many digits");
}

static void values(void)
{
    static const struct {
        const char *value, *made;
    } all[] = {
        {"'$.data.a.b'", "[1]"},
        {"'$.key'", "'order:abc:1'"},
        {"'$.type'", "'was_placed'"},
        {"'$.metadata.timestamp'", "1705312800"},
        {"'$.metadata.actor'", "{'type':'user','id':'ann_b'}"},
        {"'$.metadata.actor.id'", "'ann_b'"},
        {"'$.metadata.actor.type'", "'user'"},
        {"'@.old.x'", "true"},
        {"{'$':'$.data.a'}", "{'b':[1]}"},
        {"{'id':'$.data.n','on':['$.type','x',{'y':'@.old'}]}", "{'id':2.50,'on':['was_placed','x',{'y':{'x':true}}]}"},
        {"{'gone':'$.data.none?','here':['$.data.none?',1]}", "{'here':[1]}"},
        {"'$5'", "'$5'"},
        {"'@home'", "'@home'"},
        {"'a \\u00e9'", "'a \\u00e9'"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char text[300], expected[300];
        snprintf(text, sizeof text, "{'set':{'target':'v','value':%s}}", all[i].value);
        snprintf(expected, sizeof expected, "{'old':{'x':true},'v':%s}", all[i].made);
        RUNS(text, "{'old':{'x':true}}", "{'a':{'b':[1]},'n':2.50}", expected);
    }
    const char *actor = "{'set':{'target':'v','value':'$.metadata.actor.id'}}";
    CHECK_JSON(run_with(actor, "{}", "{}", "{'actor':{'type':'user','id':'550e'}}"), "{'v':'550e'}");
    CHECK_JSON(run_with("{'set':{'target':'v','value':'$.metadata.target.id'}}", "{}", "{}", "{'target':{'id':'x'}}"),
        "{'v':'x'}");
}

static void nowhere(void)
{
    RUNS("{'set':{'target':'v','value':'$.data.x?'}}", "{'v':1}", "{}", "{'v':1}");
    RUNS("{'set':{'target':'v','value':'$.data.x?'}}", "{'v':1}", "{'x':null}", "{'v':null}");
    MISFITS("{'set':{'target':'v','value':'$.data.x'}}", "{'v':1}", "{}", "state.v: $.data.x leads nowhere");
    MISFITS("{'set':{'target':'v','value':{'a':['@.x.y']}}}", "{'x':1}", "{}", "state.v: @.x.y leads nowhere");
}

static void in_order(void)
{
    RUNS("[{'set':{'target':'a','value':1}},{'set':{'target':'b','value':'@.a'}},{'increment':{'target':'a'}}]", "{}",
        "{}", "{'a':2,'b':1}");
    RUNS("[]", "{'a':1}", "{'b':2}", "{'a':1}");
    // What does not fit leaves out its own operation, not the others.
    CHECK_JSON(run("[{'append':{'target':'a','value':1}},{'set':{'target':'b','value':2}}]", "{'a':1}", "{}"),
        "{'a':1,'b':2}");
}

// A state that would double, or go deeper, with each event stays within its bounds.
static void bounded(void)
{
    BYTES_AUTO state = {0};
    const struct tick *doubles = tick("{'set':{'target':'a','value':['@.a','@.a']}}");
    const struct tick *deepens = tick("{'set':{'target':'a','value':['@.a']}}");
    struct event event = {.type = SLICE("t"), .target = SLICE("o_1"), .actor = SLICE("u_1"), .data = SLICE("{}")};
    for (int round = 0; round < 2; round++) {
        bytes_clear(&state);
        bytes_add_text(&state, "{\"a\":1}");
        misfit = (struct reason){0};
        for (int i = 0; i < (round ? 1000 : 30); i++) {
            bytes_clear(&out);
            CHECK_INT(tick_run(round ? deepens : doubles, bytes_slice(&state), &event, &out, &misfit), 0);
            CHECK(out.size <= TICK_STATE_MAX);
            bytes_clear(&state);
            bytes_add_slice(&state, bytes_slice(&out));
        }
        CHECK_JSON(slice_of(misfit.text),
            round ? "state.a: the state would become too deep" : "state.a: the state would become too large");
        struct json_scanner scanner;
        size_t used;
        json_scanner_init(&scanner);
        CHECK_INT(json_scan(&scanner, state.at, state.size, &used, NULL), JSON_VALUE);
    }
}

static void refused(void)
{
    REFUSED("{'upsert':{'target':'a'}}",
        "handler.upsert: is not known: set merge append append_unique remove increment "
        "decrement are");
    REFUSED("[{'set':{'target':'a','value':1}},{'set':{'value':1}}]", "handler[1].set: target is missing");
    REFUSED("{'set':{'target':'a'}}", "handler.set: value is missing");
    REFUSED("{'set':{'target':'a','value':1},'merge':{}}",
        "handler: an operation is an object with one member such as {'set':{…}}");
    REFUSED("{'set':{'target':'a','valeu':1}}", "handler.set.valeu: is not known: set has target, value");
    REFUSED(
        "{'append':{'target':'','value':1}}", "handler.append: the whole state is an object: the target needs a name");
    REFUSED("{'set':{'target':'','value':1}}", "handler.set: value is no object");
    REFUSED("{'merge':{'target':'a','value':[1]}}", "handler.merge: value is no object");
    REFUSED("{'increment':{'target':'a','value':'x'}}", "handler.increment: value is no number");
    REFUSED("{'set':{'target':'a..b','value':1}}", "handler.set.target: the path 'a..b' has an empty step");
    REFUSED("{'set':{'target':'$id','value':1}}",
        "handler.set.target: names that begin with $ belong to the store, and a target has no @");
    REFUSED("{'set':{'target':'a','value':{'$merge':[]}}}",
        "handler.set.value.$merge: is not known: of names that begin with $, a value has {'$':path} alone");
    static const char *const paths[] = {"$.date", "$.data.", "$.key.x", "@.", "$.metadata..x"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char text[100];
        snprintf(text, sizeof text, "{'set':{'target':'a','value':['%s']}}", paths[i]);
        CHECK(!tick(text));
        CHECK(strstr(why.text, "handler.set.value[0]: "));
    }
    REFUSED("7", "handler: an operation is an object with one member such as {'set':{…}}");
}

int main(void)
{
    TEST("set puts a value at a path, making what is missing on the way", sets);
    TEST("merge puts the members of an object into one", merges);
    TEST("append and append_unique add to an array", appends);
    TEST("remove takes elements by members or by value, or the target itself", removes);
    TEST("increment and decrement are exact", counts);
    TEST("a value is what stands there, or what a path leads to", values);
    TEST("a path that leads nowhere does not fit, one with ? is left out", nowhere);
    TEST("operations follow each other", in_order);
    TEST("a state stays within its bounds of size and depth", bounded);
    TEST("what is wrong is refused when it is read, with its path", refused);
    bytes_free(&out);
    arena_free(&arena);
    return check_end("tick");
}
