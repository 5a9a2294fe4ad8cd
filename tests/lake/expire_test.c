// Expiry and orphans: what goes, what stays, and that a kill at any step costs nothing that is needed.
#include "hooks/lake/compact.h"
#include "hooks/lake/expire.h"
#include "hooks/lake/orphans.h"
#include "hooks/lake/reach.h"
#include "tests/lake/rounds.h"

static struct rounds r;

#define KEPT 3

static const struct expire_policy at_once = {.age_us = 0, .snapshots_kept = KEPT, .documents_kept = 5, .grace_us = 0};
static const struct expire_policy later = {
    .age_us = 0, .snapshots_kept = KEPT, .documents_kept = 5, .grace_us = INT64_C(3600000000)};

// ---- runs of a child

// Of the removals, which are all alike, the first three are steps.
static void kill_at_step(const char *step)
{
    static unsigned removals;
    if (strcmp(step, "removing") || ++removals <= 3)
        rounds_kill(step);
}

struct job {
    const struct expire_policy *policy; // NULL: none
    bool compact;
    unsigned times;
};

static int work(struct committer *c, const struct job *job, struct expired *expired, struct reason *why)
{
    static struct compactor compactor;
    struct compact_result merged = {0};
    int error = committer_load(c, false, why);
    if (!error)
        error = committer_settle(c, why);
    if (!error && job->compact)
        error = compact_run(&compactor, c, when_now_us() + INT64_C(200) * 365 * 86400 * 1000000, &merged, why);
    for (unsigned i = 0; !error && i < job->times; i++)
        error = expire(c, job->policy, expired, why);
    return error;
}

// As the store's own process does it, killed at a step (0: at none). True when it was. What was done at last is in
// *expired, when it was not.
static bool run(const struct job *job, unsigned stop_at, struct expired *expired)
{
    int told[2];
    struct expired none;
    REQUIRE(pipe(told));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct committer c;
        struct reason why = {0};
        struct expired done = {0};
        fixture_start(&r.f);
        REQUIRE(committer_open(&c, &r.options, r.f.path, store_alphabet(r.f.store), NULL, &why));
        rounds_stop_at = stop_at;
        lake_at_step = kill_at_step;
        int error = work(&c, job, &done, &why);
        if (error)
            printf("# %s: %s\n", strerror(-error), why.text);
        fflush(stdout);
        REQUIRE(write(told[1], &done, sizeof done) != sizeof done);
        committer_close(&c);
        fixture_stop(&r.f);
        _exit(error != 0);
    }
    close(told[1]);
    bool killed = rounds_killed(pid);
    if (read(told[0], expired ? expired : &none, sizeof none) != sizeof none)
        CHECK(killed);
    close(told[0]);
    return killed;
}

static void flush_times(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        CHECK(!rounds_run(&r, 2, 0));
}

// ---- the table as it is

struct there {
    struct objects *objects;
    unsigned named, missing;
};

static int is_there(void *context, struct slice name)
{
    struct there *t = context;
    char uri[512];
    uint64_t size;
    snprintf(uri, sizeof uri, "%.*s", SLICE_ARG(name));
    t->named++;
    if (objects_size(t->objects, objects_key(t->objects, uri), &size, NULL)) {
        t->missing++;
        printf("# missing: %s\n", uri);
    }
    return 0;
}

static int count_file(void *context, struct slice key, uint64_t size_bytes, int64_t changed_at_us)
{
    unsigned *count = context;
    uint64_t number;
    (void)size_bytes, (void)changed_at_us;
    *count += !lake_document_number(key, &number) && !slice_is(key, LAKE_HINT);
    return 0;
}

// Every file that any snapshot of the table names is there; *others counts those that none does.
static void check_reached(unsigned *others)
{
    struct rounds_look l;
    struct slice snapshot;
    REACH_AUTO seen = {0};
    struct reason why = {0};
    unsigned count = 0;
    rounds_look_begin(&r, &l);
    struct there there = {.objects = l.c.table.objects};
    struct reach_walk walk = {.seen = &seen, .visit = is_there, .context = &there};
    for (struct json_cursor cursor = json_enter(rounds_snapshots(&l.c)); json_next_element(&cursor, &snapshot);)
        CHECK_INT(reach_walk(&l.c, snapshot, &walk, &why), 0);
    CHECK_INT(there.missing, 0);
    CHECK_INT(objects_list(l.c.table.objects, "", count_file, &count, NULL), 0);
    *others = count - there.named;
    rounds_look_end(&l);
}

static unsigned count_others(void)
{
    unsigned others;
    check_reached(&others);
    return others;
}

static void check_snapshots(size_t expected)
{
    struct rounds_look l;
    rounds_look_begin(&r, &l);
    CHECK_INT(json_count(rounds_snapshots(&l.c)), expected);
    rounds_look_end(&l);
}

// ---- tests

static void old_snapshots_go_and_their_files_after_the_grace(void)
{
    struct expired done;
    flush_times(9);
    CHECK(!run(&(struct job){.compact = true}, 0, NULL));
    check_snapshots(10);
    CHECK_INT(count_others(), 0);
    CHECK(!run(&(struct job){.policy = &later, .times = 2}, 0, &done));
    CHECK_INT(done.removed, 0);
    check_snapshots(KEPT);
    CHECK_INT(count_others(), 7); // their lists; what else they name, the others do too
    rounds_check(&r, false);
}

static void nothing_goes_while_it_is_young(void)
{
    struct expired done;
    struct expire_policy usual = expire_policy_usual(), many = at_once;
    flush_times(2);
    check_snapshots(KEPT + 2);
    CHECK(!run(&(struct job){.policy = &usual, .times = 1}, 0, &done));
    CHECK_INT(done.snapshots, 0);
    usual.snapshots_kept = 1; // they are not a day old
    CHECK(!run(&(struct job){.policy = &usual, .times = 1}, 0, &done));
    CHECK_INT(done.snapshots, 0);
    many.snapshots_kept = KEPT + 2; // they are the last ones
    CHECK(!run(&(struct job){.policy = &many, .times = 1}, 0, &done));
    CHECK_INT(done.snapshots, 0);
    check_snapshots(KEPT + 2);
}

static void what_is_due_goes(void)
{
    struct expired done;
    CHECK(!run(&(struct job){.policy = &at_once, .times = 1}, 0, &done));
    CHECK_INT(done.snapshots, 2);
    CHECK_INT(done.noted, 20); // two lists, and of each of nine flushes the file that was merged and its manifest
    check_snapshots(KEPT);
    CHECK(!run(&(struct job){.policy = &at_once, .times = 1}, 0, &done));
    CHECK(done.removed > 0);
    rounds_check(&r, false);
}

static void documents_go_but_the_last(void)
{
    struct rounds_look l;
    struct expired done;
    BYTES_AUTO hint = {0};
    CHECK(!run(&(struct job){.policy = &at_once, .times = 2}, 0, &done));
    rounds_look_begin(&r, &l);
    uint64_t last = l.c.table.number, size;
    char key[64], number[24];
    for (uint64_t n = 1; n <= last; n++) {
        snprintf(key, sizeof key, "metadata/v%llu.metadata.json", (unsigned long long)n);
        CHECK_INT(objects_size(l.c.table.objects, key, &size, NULL), n + 5 >= last ? 0 : -ENOENT);
    }
    snprintf(number, sizeof number, "%llu", (unsigned long long)last);
    CHECK_INT(objects_get(l.c.table.objects, LAKE_HINT, &hint, NULL), 0);
    CHECK_TEXT(bytes_slice(&hint), number);
    rounds_look_end(&l);
}

// A hint that is behind names a document whose files go: it comes first.
static void the_hint_is_put_right_before_anything_goes(void)
{
    struct rounds_look l;
    BYTES_AUTO hint = {0};
    flush_times(KEPT + 1);
    CHECK(!run(&(struct job){.policy = &at_once, .times = 1}, 0, NULL));
    rounds_look_begin(&r, &l);
    CHECK_INT(objects_put(l.c.table.objects, LAKE_HINT, SLICE("9"), 0, NULL), 0);
    rounds_look_end(&l);
    struct expire_policy no_documents = at_once; // which see to the hint, too
    no_documents.documents_kept = 100000;
    CHECK(!run(&(struct job){.policy = &no_documents, .times = 1}, 0, NULL));
    rounds_look_begin(&r, &l);
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)l.c.table.number);
    CHECK_INT(objects_get(l.c.table.objects, LAKE_HINT, &hint, NULL), 0);
    CHECK_TEXT(bytes_slice(&hint), number);
    rounds_look_end(&l);
}

static void what_others_named_stays(void)
{
    struct rounds_look l;
    struct slice snapshot;
    int64_t id = 0, seen;
    BYTES_AUTO text = {0};
    flush_times(KEPT + 2);
    rounds_look_begin(&r, &l);
    size_t before = json_count(rounds_snapshots(&l.c));
    struct json_cursor cursor = json_enter(rounds_snapshots(&l.c));
    REQUIRE(!json_next_element(&cursor, &snapshot) || !metadata_number(snapshot, "snapshot-id", &id));
    // As another writer would have it.
    struct slice metadata = committer_metadata(&l.c);
    const char *refs = memmem(metadata.at, metadata.size, "\"refs\":{", 8);
    REQUIRE(!refs);
    size_t head = (size_t)(refs - metadata.at) + 8;
    bytes_add(&text, metadata.at, head);
    bytes_printf(&text, "\"kept\":{\"snapshot-id\":%lld,\"type\":\"tag\"},", (long long)id);
    bytes_add(&text, metadata.at + head, metadata.size - head);
    char key[64];
    snprintf(key, sizeof key, "metadata/v%llu.metadata.json", (unsigned long long)l.c.table.number + 1);
    CHECK_INT(objects_put(l.c.table.objects, key, bytes_slice(&text), OBJECTS_ABSENT, NULL), 0);
    rounds_look_end(&l);
    CHECK(!run(&(struct job){.policy = &at_once, .times = 2}, 0, NULL));
    rounds_look_begin(&r, &l);
    CHECK_INT(json_count(rounds_snapshots(&l.c)), KEPT + 1);
    CHECK(before > KEPT + 1);
    CHECK(
        metadata_snapshot(committer_metadata(&l.c), id, &snapshot) && metadata_number(snapshot, "snapshot-id", &seen));
    rounds_look_end(&l);
    count_others();
}

// Each step is reached: the first round that is not killed has gone through all of them.
static void killed_at_every_step(void)
{
    unsigned stop_at = 1;
    for (bool killed = true; killed && check_ok; stop_at++) {
        flush_times(1);
        killed = run(&(struct job){.policy = &at_once, .compact = stop_at % 3 == 0, .times = 2}, stop_at, NULL);
        count_others(); // nothing that is named is missing
        rounds_check(&r, false);
        if (!check_ok)
            printf("# after a kill at step %u\n", stop_at);
    }
    CHECK(stop_at > 6);
    CHECK(!run(&(struct job){.policy = &at_once, .times = 3}, 0, NULL));
    rounds_check(&r, false);
}

// ---- orphans

static int take_orphan(void *context, struct slice key, uint64_t size_bytes, int64_t changed_at_us)
{
    unsigned *count = context;
    (void)key, (void)size_bytes, (void)changed_at_us;
    ++*count;
    return 0;
}

static unsigned search(int64_t grace_us, bool remove)
{
    struct rounds_look l;
    unsigned count = 0;
    struct reason why = {0};
    rounds_look_begin(&r, &l);
    CHECK_INT(orphans_find(&l.c, grace_us, remove, take_orphan, &count, &why), 0);
    rounds_look_end(&l);
    return count;
}

static void orphans_are_what_nothing_names(void)
{
    struct rounds_look l;
    CHECK_INT(search(0, true), 7); // whose hour of the first test is not over
    CHECK_INT(count_others(), 0);
    rounds_look_begin(&r, &l);
    CHECK_INT(objects_put(l.c.table.objects, "data/tenant=x/stray.parquet", SLICE("PAR1"), 0, NULL), 0);
    CHECK_INT(objects_put(l.c.table.objects, "metadata/stray.avro", SLICE("Obj1"), 0, NULL), 0);
    CHECK_INT(objects_put(l.c.table.objects, "metadata/00001-theirs.metadata.json", SLICE("{}"), 0, NULL), 0);
    CHECK_INT(objects_put(l.c.table.objects, "README", SLICE("mine"), 0, NULL), 0);
    rounds_look_end(&l);
    CHECK_INT(search(ORPHANS_GRACE_US, true), 0);
    CHECK_INT(search(0, false), 2);
    CHECK_INT(search(0, true), 2);
    CHECK_INT(search(0, false), 0);
    CHECK_INT(count_others(), 2); // theirs and README
    rounds_check(&r, false);
}

int main(void)
{
    rounds_open(&r);
    TEST("old snapshots go, and their files stay for the grace", old_snapshots_go_and_their_files_after_the_grace);
    TEST("nothing goes that is young, or among the last", nothing_goes_while_it_is_young);
    TEST("what is due goes with the next expiry", what_is_due_goes);
    TEST("of the documents of metadata the last ones stay, and what the hint names", documents_go_but_the_last);
    TEST("a hint that is behind is put right before anything goes", the_hint_is_put_right_before_anything_goes);
    TEST("what others have named stays", what_others_named_stays);
    TEST("a kill at any step of expiry loses nothing that is named", killed_at_every_step);
    TEST("orphans are found and removed, after their grace, and nothing else is", orphans_are_what_nothing_names);
    rounds_close(&r);
    return check_end("expire");
}
