// When the disk is full or fails: an answer of success means that the event is there for good, one of an error that it
// is not there and never will be; and when the disk works again, so does the store.
#include "tests/store/faulty_disk.h"
#include "tests/store/log_check.h"

static struct fixture f;

struct write {
    char id[32];
    int error;
};

static unsigned written;

// Three writes of two events each, at once.
static void write_some(struct write writes[static 3])
{
    struct submission *all[3];
    sem_t answered;
    sem_init(&answered, 0, 0);
    for (int i = 0; i < 3; i++) {
        char text[1024];
        snprintf(writes[i].id, sizeof writes[i].id, "evt_%u", ++written);
        snprintf(text, sizeof text,
            "{'type':'was_%u','target':'order_%u','id':'%s','data':{'x':'%0*u'}}"
            "{'type':'was_seen','target':'order_same'}",
            written % 7, written % 5, writes[i].id, 300, written);
        all[i] = fixture_events(&f, slice_of(json_of(text)));
        all[i]->answer = fixture_post;
        all[i]->context = &answered;
    }
    for (int i = 0; i < 3; i++)
        tenant_submit(f.tenant, all[i]);
    for (int i = 0; i < 3; i++)
        sem_wait(&answered);
    for (int i = 0; i < 3; i++) {
        writes[i].error = all[i]->error;
        submission_free(all[i]);
    }
    sem_destroy(&answered);
}

// `may_be`: what was refused may be there.
static void check_writes(struct fixture *in, const struct write writes[static 3], int expected, bool may_be)
{
    uint64_t position;
    for (int i = 0; i < 3; i++) {
        CHECK(writes[i].error == 0 || writes[i].error == expected);
        if (!writes[i].error || !may_be)
            CHECK_INT(
                history_position_of(&in->reader, slice_of(writes[i].id), &position), writes[i].error ? -ENOENT : 0);
    }
}

// What stands on the disk now, as if the machine had been switched off. A disk that did not sync and takes nothing any
// more may have what was refused: nobody can take it back.
static void check_switched_off(const struct write writes[static 3], int expected, bool may_be)
{
    struct fixture copy = {0};
    directory_make(copy.path);
    directory_copy(f.path, copy.path);
    fixture_start(&copy);
    check_writes(&copy, writes, expected, may_be);
    check_log(&copy);
    fixture_close(&copy);
}

static void fail_each(enum disk_fault fault, bool stays)
{
    int expected = fault == DISK_FULL ? -ENOSPC : -EIO;
    // How many writes there are depends on which submissions share a commit.
    unsigned missed = 0;
    for (long n = 1; missed < 5; n++) {
        struct write writes[3];
        disk_fail_at(n, fault, stays);
        write_some(writes);
        missed += disk_until_fault > 1 || (!stays && disk_until_fault == 1);
        disk_fail_at(0, fault, false);
        check_writes(&f, writes, expected, false);
        check_switched_off(writes, expected, fault == DISK_BROKEN && stays);
        if (n % 3 == 0)
            fixture_reopen(&f);
        check_writes(&f, writes, expected, false);
        write_some(writes);
        for (int i = 0; i < 3; i++)
            CHECK_INT(writes[i].error, 0);
    }
    check_log(&f);
}

static void full_once(void)
{
    fail_each(DISK_FULL, false);
}

static void full(void)
{
    fail_each(DISK_FULL, true);
}

static void broken_once(void)
{
    fail_each(DISK_BROKEN, false);
}

static void broken(void)
{
    fail_each(DISK_BROKEN, true);
}

static void refusals_are_kept(void)
{
    size_t before = rejected_of(&f).size;
    disk_fail_at(1, DISK_FULL, true);
    CHECK_INT(event(&f, "order_r", "was_seen", "{'n':1}"), -ENOSPC);
    CHECK(f.why[0]);
    CHECK_JSON(member_of(bytes_slice(&f.receipts), "error"), "'ENOSPC'");
    CHECK_INT(event(&f, "order_r", "Order.Deleted", "{'n':2}"), -ENOENT);
    CHECK_JSON(member_of(bytes_slice(&f.receipts), "error"), "'ENOENT'");
    disk_fail_at(0, DISK_FULL, false);
    CHECK_INT(event(&f, "order_r", "was_seen", "{'n':3}"), 0);
    struct slice all = rejected_of(&f), lines = {.at = all.at + before, .size = all.size - before};
    CHECK_INT(count_lines(lines), 2);
    CHECK(text_has(lines, json_of("'errno':'ENOSPC'")) && text_has(lines, json_of("'errno':'ENOENT'")));
}

// The index is brought up to the log when the tenant is closed: if that fails, at the next time.
static void closing(void)
{
    for (long n = 1; n < 40; n++) {
        BYTES_AUTO state = {0};
        struct write writes[3];
        write_some(writes);
        bytes_add_slice(&state, stream_of(&f, "order_same"));
        fixture_stop(&f);
        fixture_start(&f);
        write_some(writes);
        disk_fail_at(n, n % 2 ? DISK_FULL : DISK_BROKEN, n % 4 < 2);
        fixture_stop(&f);
        disk_fail_at(0, DISK_FULL, false);
        fixture_start(&f);
        check_writes(&f, writes, 0, false);
        struct slice stream = stream_of(&f, "order_same");
        CHECK(stream.size > state.size && !memcmp(stream.at, state.at, state.size));
    }
    check_log(&f);
}

int main(void)
{
    disk_install();
    fixture_open(&f);
    quiet(true);
    TEST("a disk that is full at any one write: ENOSPC, and nothing of it is there", full_once);
    TEST("a disk that stays full: the same, until there is space", full);
    TEST("any one write or sync that fails: EIO, and nothing of it is there", broken_once);
    TEST("a disk that stays broken: the same, until it works", broken);
    TEST("refusals wait in memory until the disk takes them", refusals_are_kept);
    TEST("a disk that fails while the tenant is closed costs nothing", closing);
    quiet(false);
    fixture_close(&f);
    return check_end("disk");
}
