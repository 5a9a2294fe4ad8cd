// Events that happened elsewhere (FILES.md H1): ids of any kind, found from memory and from disk; moments in order; a
// second run, whatever was killed or undone between.
#include "store/identity.h"
#include "tests/store/store_fixture.h"

static struct fixture f;
static struct rerun file; // the open file that the next import comes through

static uint64_t last(void)
{
    return tenant_end(f.tenant).position;
}

static void next_file(void)
{
    rerun_free(&file);
}

// All events of the text in one submission through `file`. 0 or -errno; see also f.why, f.line and f.receipts.
static int import(const char *events)
{
    f.rerun = &file;
    int error = append(&f, events);
    f.rerun = NULL;
    return error;
}

__attribute__((format(printf, 1, 2))) static int import_of(const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return import(text);
}

static long position_of(const char *id)
{
    uint64_t position = 0;
    int error = history_position_of(&f.reader, slice_of(id), &position);
    return error ? error : (long)position;
}

#define MEMBERS "'type':'was_seen','target':'order_1'"

static void in_order(void)
{
    CHECK_INT(import("{" MEMBERS ",'id':'a','timestamp':'1969-07-20T20:17:40Z'}"
                     "{" MEMBERS ",'id':'b','timestamp':'1969-07-20T20:17:40Z'}"
                     "{" MEMBERS ",'id':'c','timestamp':'1969-07-20T21:17:39+01:00'}"),
        -EINVAL);
    CHECK_INT(f.line, 3);
    CHECK(strstr(f.why, "1969-07-20T20:17:39Z goes back behind 1969-07-20T20:17:40Z"));
    CHECK_INT(last(), 0);
    CHECK_INT(position_of("a"), -ENOENT);
    CHECK_INT(import("{" MEMBERS ",'id':'a','timestamp':'1969-07-20T20:17:40Z'}"
                     "{" MEMBERS ",'id':'b','timestamp':'1969-07-20T20:17:40Z'}"),
        0);
    CHECK_INT(moment_of(&f, 2), INT64_C(-14182940000000));
    CHECK_INT(import("{" MEMBERS ",'id':'c','timestamp':'1969-07-20T20:17:39.999999Z'}"), -EINVAL);
    CHECK_INT(f.line, 1);
    CHECK_INT(last(), 2);
}

// In memory, after a sweep, after opening again.
static void ids_are_found(void)
{
    uint64_t before = last();
    for (unsigned i = 0; i < 3000; i++)
        CHECK_INT(import_of("{" MEMBERS ",'id':'x-%u.%u:y','timestamp':'1970-01-01'}", i % 7, i), 0);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 3000; i += 11) {
            char id[64];
            snprintf(id, sizeof id, "x-%u.%u:y", i % 7, i);
            CHECK_INT(position_of(id), before + i + 1);
            CHECK_INT(import_of("{" MEMBERS ",'id':'%s','timestamp':'1970-01-01'}", id), 0);
            CHECK_INT(import_of("{" MEMBERS ",'id':'%s','timestamp':'1970-01-02'}", id), -EEXIST);
        }
        CHECK_INT(position_of("x-1.2:y"), -ENOENT);
        CHECK_INT(last(), before + 3000);
        fixture_reopen(&f);
    }
}

// The id that the store itself would give the event of a position.
static const char *own(uint64_t position, char id[static 80])
{
    uint64_t numbers[] = {f.tenant->number, position};
    size_t size = sqid_encode(f.tenant->sqids, numbers, 2, id + 4);
    memcpy(id, "evt_", 4);
    id[4 + size] = '\0';
    return id;
}

static void own_ids(void)
{
    char id[80], other[80];
    uint64_t first = last() + 1;
    // The one of its own position, of one before it, of one to come.
    CHECK_INT(import_of("{" MEMBERS ",'id':'%s','timestamp':'1971-01-01'}", own(first, id)), 0);
    CHECK_INT(position_of(id), first);
    CHECK_INT(import_of("{" MEMBERS ",'id':'%s','timestamp':'1971-01-01'}", own(first + 3, id)), 0);
    CHECK_INT(import_of("{" MEMBERS ",'timestamp':'1971-01-01','data':{'n':3}}"), 0);
    CHECK_INT(import_of("{" MEMBERS ",'timestamp':'1971-01-01','data':{'n':4}}"), 0);
    CHECK_INT(import_of("{" MEMBERS ",'id':'%s','timestamp':'1971-01-01'}", own(first + 1, other)), 0);
    for (unsigned round = 0; round < 2; round++) {
        CHECK_INT(position_of(own(first, id)), first);
        CHECK_INT(position_of(own(first + 3, id)), first + 1);
        CHECK_INT(position_of(own(first + 2, id)), first + 2);
        CHECK_INT(position_of(own(first + 1, id)), first + 4);
        for (uint64_t a = first; a <= last(); a++)
            for (uint64_t b = first; b < a; b++) {
                snprintf(id, sizeof id, "%.*s", SLICE_ARG(id_of(&f, a)));
                CHECK(!slice_is(id_of(&f, b), id));
            }
        fixture_reopen(&f);
    }
    uint64_t end = last();
    CHECK_INT(import_of("{" MEMBERS ",'id':'%s','timestamp':'1971-01-01'}", own(first + 3, id)), 0);
    CHECK_INT(import_of("{" MEMBERS ",'id':'%s','timestamp':'1971-01-01'}", own(first, id)), 0);
    CHECK_INT(import_of("{" MEMBERS ",'id':'%s','timestamp':'1971-01-01','data':{'n':9}}", own(first, id)), -EEXIST);
    CHECK_INT(last(), end);
}

static void undone(void)
{
    uint64_t before = last();
    CHECK_INT(import("{" MEMBERS ",'id':'u1','timestamp':'1972-01-01'}{" MEMBERS
                     ",'id':'u2','timestamp':'1972-01-01','version':1}"),
        -EINVAL);
    CHECK_INT(f.line, 2);
    CHECK_INT(position_of("u1"), -ENOENT);
    CHECK_INT(
        import("{" MEMBERS ",'id':'u1','timestamp':'1972-01-02'}{" MEMBERS ",'id':'u1','timestamp':'1972-01-02'}"), 0);
    CHECK_INT(last(), before + 1);
    CHECK_INT(position_of("u1"), before + 1);
    CHECK_INT(import("{" MEMBERS ",'id':'u1','timestamp':'1972-01-01'}"), -EEXIST);
}

static void without_ids(void)
{
    static const char text[] =
        "{" MEMBERS ",'timestamp':'1973-01-01'}{" MEMBERS ",'timestamp':'1973-01-01'}"
        "{" MEMBERS ",'timestamp':'1973-01-01','data':{'n':1}}{" MEMBERS ",'timestamp':'1973-01-02'}";
    uint64_t before = last();
    next_file();
    CHECK_INT(import(text), 0);
    CHECK_INT(last(), before + 4);
    next_file();
    CHECK_INT(import(text), 0);
    CHECK_INT(count_lines(bytes_slice(&f.receipts)), 4);
    CHECK(text_has(bytes_slice(&f.receipts), "\"position\":"));
    CHECK_INT(last(), before + 4);
    fixture_reopen(&f);
    next_file();
    CHECK_INT(import(text), 0);
    CHECK_INT(last(), before + 4);
    // The same file goes on: what it has had is not counted again.
    CHECK_INT(import("{" MEMBERS ",'timestamp':'1973-01-02'}"), 0);
    CHECK_INT(last(), before + 5);
    // A refused write takes back what it had counted, and the moment that it had come to.
    next_file();
    CHECK_INT(import("{" MEMBERS ",'timestamp':'1973-01-01'}"), 0);
    CHECK_INT(import("{" MEMBERS ",'timestamp':'1973-01-01'}{" MEMBERS ",'timestamp':'1973-01-02'}"
                     "{" MEMBERS ",'timestamp':'1973-01-03','version':1}"),
        -EINVAL);
    CHECK_INT(import("{" MEMBERS ",'timestamp':'1973-01-01'}{" MEMBERS ",'timestamp':'1973-01-02'}"
                     "{" MEMBERS ",'timestamp':'1973-01-02'}"),
        0);
    CHECK_INT(last(), before + 5);
    CHECK_INT(import("{" MEMBERS ",'timestamp':'1973-01-02'}"), 0);
    CHECK_INT(last(), before + 6);
    next_file();
    CHECK_INT(import("{" MEMBERS ",'timestamp':'1973-01-02'}{" MEMBERS ",'timestamp':'1973-01-02'}"), 0);
    CHECK_INT(
        import("{" MEMBERS ",'timestamp':'1973-01-02'}{" MEMBERS ",'timestamp':'1973-01-01','data':{'z':1}}"), -EINVAL);
    CHECK_INT(import("{" MEMBERS ",'timestamp':'1973-01-02'}"), 0);
    CHECK_INT(last(), before + 6);
}

// Any part of a file, then the whole of it, leaves the same log, whatever moments and contents its events share.
static void any_part(void)
{
    char events[24][128], text[4096];
    for (unsigned round = 0; round < 60; round++) {
        unsigned count = 1 + (unsigned)chance(24), hour = 0, cut = (unsigned)chance(count + 1);
        unsigned n[24];
        for (unsigned i = 0; i < count; i++) {
            char id[32] = "";
            hour += hour < 23 && chance(3) == 0;
            n[i] = (unsigned)chance(2);
            if (chance(3) == 0)
                snprintf(id, sizeof id, "'id':'r%u-%u',", round, i);
            snprintf(events[i], sizeof events[i],
                "{%s" MEMBERS ",'timestamp':'1974-%02u-%02uT%02u:00','data':{'n':%u}}", id, 1 + round / 28,
                1 + round % 28, hour, n[i]);
        }
        uint64_t before = last();
        for (unsigned run = 0; run < 3; run++) {
            unsigned end = run ? count : cut;
            next_file();
            for (unsigned i = 0; i < end;) {
                text[0] = '\0';
                for (unsigned part = 1 + (unsigned)chance(5); part && i < end; part--, i++)
                    strcat(text, events[i]);
                CHECK_INT(import(text), 0);
            }
            CHECK_INT(last(), before + end);
        }
        for (unsigned i = 0; i < count; i++)
            CHECK_TEXT(data_of(&f, before + 1 + i), n[i] ? "{\"n\":1}" : "{\"n\":0}");
        if (round % 16 == 0)
            fixture_reopen(&f);
    }
}

int main(void)
{
    fixture_open(&f);
    TEST("what goes back in time is refused by its line", in_order);
    TEST("ids of any kind are found, from memory and from disk", ids_are_found);
    TEST("ids that the store would make itself are never two events'", own_ids);
    TEST("what is undone leaves no id behind", undone);
    TEST("events without ids are counted, and taken back with what is refused", without_ids);
    TEST("a file that was half imported is completed by running it again, however it is cut", any_part);
    next_file();
    fixture_close(&f);
    return check_end("import");
}
