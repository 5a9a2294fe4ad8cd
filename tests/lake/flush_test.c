// Flushes: what is in the table afterwards, whatever dies, answers late, or writes in between.
#include "tests/lake/rounds.h"

static struct rounds r;

static void flushes_what_is_new(void)
{
    CHECK(!rounds_run(&r, 1500, 0)); // over midnight
    rounds_check(&r, true);
    CHECK(!rounds_run(&r, 0, 0));
    rounds_check(&r, true);
    CHECK(!rounds_run(&r, 7, 0));
    rounds_check(&r, true);
}

// Each step is reached: the first round that is not killed has gone through all of them.
static void killed_at_every_step(void)
{
    unsigned stop_at = 1;
    for (bool killed = true; killed && check_ok; stop_at++) {
        killed = rounds_run(&r, 3, stop_at);
        if (killed)
            CHECK(!rounds_run(&r, 1, 0));
        rounds_check(&r, true);
        if (!check_ok)
            printf("# after a kill at step %u\n", stop_at);
    }
    CHECK(stop_at > 12);
}

// … and again in what puts that right.
static void killed_at_two_steps(void)
{
    for (unsigned round = 0; round < 6 && check_ok; round++) {
        unsigned first = 1 + (unsigned)chance(18), second = 1 + (unsigned)chance(18);
        rounds_run(&r, 2, first);
        rounds_run(&r, 1, second);
        CHECK(!rounds_run(&r, 1, 0));
        rounds_check(&r, true);
        if (!check_ok)
            printf("# after kills at steps %u and %u\n", first, second);
    }
}

// ---- a catalog that answers otherwise than it did

enum answer {
    AS_IT_IS,
    LOST_BUT_DONE,
    LOST_AND_NOT_DONE,
    LOST_AND_DONE_LATER,
    REFUSED_BUT_DONE,
    FOREIGN_FIRST,
    FOREIGN_SNAPSHOT
};

struct strange_catalog {
    struct lake_catalog catalog;
    struct lake_catalog *inner;
    enum answer answers[4]; // to the commits, one after the other
    unsigned commits, loads;
    atomic_bool *stops;                           // set by each load: whoever waits for an answer gives up
    struct bytes late_requirements, late_updates; // of LOST_AND_DONE_LATER
    struct lake_table late;
};

static struct strange_catalog *strange(struct lake_catalog *catalog)
{
    return (struct strange_catalog *)catalog;
}

static int strange_load(struct lake_catalog *catalog, struct lake_table *table, struct reason *why)
{
    struct strange_catalog *s = strange(catalog);
    s->loads++;
    if (s->stops && s->commits) {
        atomic_store(s->stops, true);
        return reason_set(why, -EIO, "nobody answers");
    }
    int error = lake_catalog_load(s->inner, table, why);
    // What was lost comes in only now, after somebody has looked.
    if (s->late_updates.size && s->loads > 1) {
        struct reason ignored = {0};
        lake_catalog_commit(
            s->inner, bytes_slice(&s->late_requirements), bytes_slice(&s->late_updates), &s->late, &ignored);
        bytes_clear(&s->late_updates);
    }
    return error;
}

static enum commit_outcome strange_create(struct lake_catalog *catalog, struct slice schema, struct slice spec,
    struct slice properties, struct lake_table *table, struct reason *why)
{
    return lake_catalog_create(strange(catalog)->inner, schema, spec, properties, table, why);
}

// As compaction by others does: another snapshot of the same files.
static void add_foreign_snapshot(struct lake_catalog *catalog, struct lake_table *table)
{
    struct slice metadata = bytes_slice(&table->metadata), snapshot;
    struct reason why = {0};
    int64_t sequence = 0;
    BYTES_AUTO list = {0};
    BYTES_AUTO updates = {0};
    static int64_t id = 4242;
    CHECK(metadata_snapshot(metadata, metadata_current(metadata), &snapshot));
    CHECK(metadata_text(snapshot, "manifest-list", &list));
    metadata_number(metadata, "last-sequence-number", &sequence);
    id++;
    bytes_printf(&updates,
        "[{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":%lld,\"parent-snapshot-id\":%lld,"
        "\"sequence-number\":%lld,\"timestamp-ms\":0,\"manifest-list\":\"%.*s\",\"schema-id\":0,"
        "\"summary\":{\"operation\":\"replace\"}}},"
        "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":%lld}]",
        (long long)id, (long long)metadata_current(metadata), (long long)sequence + 1, SLICE_ARG(bytes_slice(&list)),
        (long long)id);
    CHECK_INT(lake_catalog_commit(catalog, SLICE("[]"), bytes_slice(&updates), table, &why), COMMIT_DONE);
}

static enum commit_outcome strange_commit(struct lake_catalog *catalog, struct slice requirements, struct slice updates,
    struct lake_table *table, struct reason *why)
{
    struct strange_catalog *s = strange(catalog);
    enum answer answer = s->commits < 4 ? s->answers[s->commits] : AS_IT_IS;
    struct lake_table copy = {0};
    s->commits++;
    if (answer == AS_IT_IS)
        return lake_catalog_commit(s->inner, requirements, updates, table, why);
    if (answer == LOST_AND_NOT_DONE)
        return COMMIT_UNKNOWN;
    if (answer == LOST_AND_DONE_LATER) {
        s->loads = 0;
        bytes_add_slice(&s->late_requirements, requirements);
        bytes_add_slice(&s->late_updates, updates);
        CHECK_INT(lake_catalog_load(s->inner, &s->late, why), 0);
        return COMMIT_UNKNOWN;
    }
    CHECK_INT(lake_catalog_load(s->inner, &copy, why), 0);
    if (answer == FOREIGN_SNAPSHOT)
        add_foreign_snapshot(s->inner, &copy);
    if (answer == FOREIGN_FIRST)
        CHECK_INT(lake_catalog_commit(s->inner, SLICE("[]"),
                      SLICE("[{\"action\":\"set-properties\",\"updates\":{\"foreign\":\"was here\"}}]"), &copy, why),
            COMMIT_DONE);
    enum commit_outcome outcome =
        lake_catalog_commit(s->inner, requirements, updates, answer >= FOREIGN_FIRST ? table : &copy, why);
    lake_table_clear(&copy);
    return answer >= FOREIGN_FIRST ? outcome : answer == LOST_BUT_DONE ? COMMIT_UNKNOWN : COMMIT_CONFLICT;
}

static void strange_close(struct lake_catalog *catalog)
{
    lake_catalog_close(strange(catalog)->inner);
}

static const struct lake_catalog_kind strange_kind = {
    .load = strange_load, .create = strange_create, .commit = strange_commit, .close = strange_close};

// Flushes three new events through a catalog that answers so; then as always.
static void flush_with(enum answer first, enum answer second)
{
    struct strange_catalog s = {.catalog.kind = &strange_kind, .answers = {first, second}};
    struct committer c;
    struct flush_result done = {0};
    struct reason why = {0};
    fixture_start(&r.f);
    rounds_append(&r, 3);
    r.appended += 3;
    CHECK_INT(committer_open(&c, &r.options, r.f.path, store_alphabet(r.f.store), NULL, &why), 0);
    s.inner = c.catalog;
    c.catalog = &s.catalog;
    int error = flush_run(&c, r.f.store, &r.f.number, 1, &done, &why);
    CHECK_INT(error, 0);
    if (error)
        printf("# %s\n", why.text);
    CHECK(!c.journal.lines.size);
    CHECK(s.commits >= 1);
    committer_close(&c);
    bytes_free(&s.late_requirements);
    bytes_free(&s.late_updates);
    lake_table_clear(&s.late);
    fixture_stop(&r.f);
    rounds_check(&r, true);
}

static void answer_lost_after_the_commit(void)
{
    flush_with(LOST_BUT_DONE, AS_IT_IS);
}

static void answer_lost_without_a_commit(void)
{
    flush_with(LOST_AND_NOT_DONE, AS_IT_IS);
}

static void answer_lost_and_the_commit_late(void)
{
    flush_with(LOST_AND_DONE_LATER, AS_IT_IS);
    flush_with(LOST_AND_DONE_LATER, LOST_BUT_DONE);
}

static void conflict_with_itself(void)
{
    flush_with(REFUSED_BUT_DONE, AS_IT_IS);
}

static void conflict_with_others(void)
{
    flush_with(FOREIGN_FIRST, AS_IT_IS);
    flush_with(FOREIGN_FIRST, FOREIGN_FIRST);
    flush_with(LOST_AND_NOT_DONE, FOREIGN_FIRST);
    flush_with(FOREIGN_SNAPSHOT, AS_IT_IS);
    flush_with(FOREIGN_SNAPSHOT, LOST_BUT_DONE);
    flush_with(LOST_AND_DONE_LATER, FOREIGN_SNAPSHOT);
}

// The answer is lost, nobody answers any more, and the daemon ends; the commit comes in when the next one has started.
static void nothing_goes_while_it_is_unknown(void)
{
    atomic_bool stop = false;
    struct strange_catalog s = {.catalog.kind = &strange_kind, .answers = {LOST_AND_DONE_LATER}, .stops = &stop};
    struct committer c;
    struct flush_result done = {0};
    struct reason why = {0};
    fixture_start(&r.f);
    rounds_append(&r, 3);
    r.appended += 3;
    CHECK_INT(committer_open(&c, &r.options, r.f.path, store_alphabet(r.f.store), &stop, &why), 0);
    s.inner = c.catalog;
    c.catalog = &s.catalog;
    CHECK_INT(flush_run(&c, r.f.store, &r.f.number, 1, &done, &why), -EINPROGRESS);
    CHECK(c.journal.lines.size > 0);
    c.catalog = s.inner;
    committer_close(&c);

    why = (struct reason){0};
    CHECK_INT(committer_open(&c, &r.options, r.f.path, store_alphabet(r.f.store), NULL, &why), 0);
    CHECK_INT(committer_load(&c, false, &why), 0);
    CHECK_INT(committer_settle(&c, &why), 0);
    CHECK(c.journal.lines.size > 0);
    s.late.objects = c.table.objects;
    CHECK_INT(
        lake_catalog_commit(c.catalog, bytes_slice(&s.late_requirements), bytes_slice(&s.late_updates), &s.late, &why),
        COMMIT_DONE);
    CHECK_INT(flush_run(&c, r.f.store, &r.f.number, 1, &done, &why), 0);
    CHECK_INT(done.rows, 0);
    CHECK(!c.journal.lines.size);
    committer_close(&c);
    bytes_free(&s.late_requirements);
    bytes_free(&s.late_updates);
    lake_table_clear(&s.late);
    fixture_stop(&r.f);
    rounds_check(&r, true);
}

static void stop_at_a_file(const char *step);
static atomic_bool told_to_stop;

static void told_to_stop_in_a_flush(void)
{
    struct committer c;
    struct flush_result done = {0};
    struct reason why = {0};
    fixture_start(&r.f);
    rounds_append(&r, 5000); // more than is read of the log at a time
    r.appended += 5000;
    CHECK_INT(committer_open(&c, &r.options, r.f.path, store_alphabet(r.f.store), &told_to_stop, &why), 0);
    lake_at_step = stop_at_a_file;
    CHECK_INT(flush_run(&c, r.f.store, &r.f.number, 1, &done, &why), -ECANCELED);
    lake_at_step = NULL;
    CHECK_INT(done.rows, 0);
    committer_close(&c);
    fixture_stop(&r.f);
    CHECK(!rounds_run(&r, 0, 0));
    rounds_check(&r, true);
}

static void stop_at_a_file(const char *step)
{
    (void)step;
    atomic_store(&told_to_stop, true);
}

// ---- logs

static void more_days_than_a_commit_takes(void)
{
    struct rounds many = {0};
    struct reason why = {0};
    BYTES_AUTO events = {0};
    rounds_open(&many);
    fixture_start(&many.f);
    many.appended = FLUSH_FILES_MAX + 20;
    for (unsigned n = 0; n < many.appended; n++) {
        char day[16];
        time_t at_s = (time_t)n * 86400;
        struct tm tm;
        strftime(day, sizeof day, "%Y-%m-%d", gmtime_r(&at_s, &tm));
        bytes_printf(&events, "{'type':'was_seen','target':'order_1','id':'d%u','timestamp':'%s'}", n, day);
    }
    rounds_import(&many, &events);
    CHECK_INT(rounds_flush(&many, &why), 0);
    fixture_stop(&many.f);
    rounds_check(&many, true);
    struct rounds_look l;
    rounds_look_begin(&many, &l);
    CHECK_INT(json_count(rounds_snapshots(&l.c)), 2);
    rounds_look_end(&l);
    rounds_close(&many);
}

// What is before the damage is flushed, what is behind it waits, and another tenant goes on.
static void a_damaged_event(void)
{
    struct rounds hurt = {0};
    struct reason why = {0};
    struct tenant_info other = {.name = "other", .uid = 1000, .gid = 1000, .mode = 0755};
    rounds_open(&hurt);
    fixture_start(&hurt.f);
    rounds_append(&hurt, 8);
    hurt.appended = 8;
    REQUIRE(store_make(hurt.f.store, &other));
    fixture_stop(&hurt.f);
    file_sql(
        hurt.f.path, "acme.db", "UPDATE event SET line = replace(line, '\"n\":4.10', '\"n\":5.10') WHERE position = 5");
    fixture_start(&hurt.f);
    struct tenant *tenant = hurt.f.tenant, *second;
    REQUIRE(store_get(hurt.f.store, other.number, &second));
    hurt.f.tenant = second;
    REQUIRE(event(&hurt.f, "order_1", "was_seen", "{}"));
    hurt.f.tenant = tenant;
    store_put(hurt.f.store, second);
    struct committer c;
    struct flush_result done = {0};
    uint32_t tenants[] = {hurt.f.number, other.number};
    uint64_t position = 0;
    quiet(true);
    CHECK_INT(committer_open(&c, &hurt.options, hurt.f.path, store_alphabet(hurt.f.store), NULL, &why), 0);
    for (int twice = 0; twice < 2; twice++) {
        why = (struct reason){0};
        CHECK_INT(flush_run(&c, hurt.f.store, tenants, 2, &done, &why), -EIO);
        CHECK(strstr(why.text, "event 5 of acme"));
        CHECK_INT(done.rows, 5);
    }
    CHECK_INT(committer_position(&c, "acme", &position, &why), 0);
    CHECK_INT(position, 4);
    CHECK_INT(committer_position(&c, "other", &position, &why), 0);
    CHECK_INT(position, 1);
    quiet(false);
    committer_close(&c);
    fixture_stop(&hurt.f);
    rounds_close(&hurt);
}

// ---- what is refused

static int flush_once(struct rounds *rounds, struct reason *why)
{
    fixture_start(&rounds->f);
    int error = rounds_flush(rounds, why);
    fixture_stop(&rounds->f);
    return error;
}

static void two_stores_crossed(void)
{
    struct rounds other = {0};
    struct reason why = {0};
    rounds_open(&other);
    memcpy(other.options.place, r.options.place, sizeof r.options.place);
    CHECK_INT(flush_once(&other, &why), -EXDEV);
    CHECK(strstr(why.text, "another store"));
    other.options.place[0] = '\0';
    snprintf(other.options.place, sizeof other.options.place, "%s-none", other.f.path);
    rounds_close(&other);
    rounds_check(&r, true);
}

static void table_that_is_gone(void)
{
    struct reason why = {0};
    char away[5000];
    snprintf(away, sizeof away, "%s-away", r.options.place);
    REQUIRE(rename(r.options.place, away));
    CHECK_INT(flush_once(&r, &why), -EXDEV);
    CHECK(strstr(why.text, "is gone"));
    BYTES_AUTO command = {0};
    bytes_printf(&command, "rm -rf %s", r.options.place);
    bytes_add_char(&command, '\0');
    REQUIRE(system(command.at));
    REQUIRE(rename(away, r.options.place));
    rounds_check(&r, true);
}

// A store restored from an earlier backup must not go on in a table that has more.
static void log_that_was_set_back(void)
{
    struct rounds back = {.options = r.options, .appended = r.appended};
    struct reason why = {0};
    directory_make(back.f.path);
    directory_copy(r.f.path, back.f.path);
    BYTES_AUTO lake = {0};
    bytes_printf(&lake, "%s/lake", back.f.path); // a directory, that was copied as a file
    bytes_add_char(&lake, '\0');
    unlink(lake.at);
    CHECK(!rounds_run(&r, 2, 0));
    CHECK_INT(flush_once(&back, &why), -ENXIO);
    CHECK(strstr(why.text, "the log has"));
    // The same length, other events.
    fixture_start(&back.f);
    REQUIRE(event(&back.f, "order_x", "was_seen", "{'other':1}"));
    REQUIRE(event(&back.f, "order_x", "was_seen", "{'other':2}"));
    fixture_stop(&back.f);
    why = (struct reason){0};
    CHECK_INT(flush_once(&back, &why), -ENXIO);
    CHECK(strstr(why.text, "another one in the table"));
    BYTES_AUTO command = {0};
    bytes_printf(&command, "rm -rf %s", back.f.path);
    bytes_add_char(&command, '\0');
    REQUIRE(system(command.at));
    fixture_free_texts(&back.f);
    rounds_check(&r, true);
}

static void column_added_half_way(void)
{
    CHECK(!rounds_run(&r, 2, 0));
    r.options.hash = true;
    CHECK(!rounds_run(&r, 2, 0));
    rounds_check(&r, true);
    struct rounds_look l;
    rounds_look_begin(&r, &l);
    CHECK_INT(l.c.layout.id, 1);
    const struct lake_column *hash = layout_column(&l.c.layout, "hash");
    CHECK(hash && hash->id == 11 && !hash->required);
    rounds_look_end(&l);
}

int main(void)
{
    rounds_open(&r);
    TEST("each event is in the table once, a file a day, and a flush of nothing adds nothing", flushes_what_is_new);
    TEST("a flush killed at any step is put right by the next", killed_at_every_step);
    TEST("… and so is one killed while that is done", killed_at_two_steps);
    TEST("an answer that is lost after the commit was made adds nothing twice", answer_lost_after_the_commit);
    TEST("an answer that is lost with the commit loses nothing", answer_lost_without_a_commit);
    TEST("a commit that comes in after it was asked for again adds nothing twice", answer_lost_and_the_commit_late);
    TEST("nothing is removed while it is unknown what became of it, be the daemon another",
        nothing_goes_while_it_is_unknown);
    TEST("a flush that is told to stop leaves nothing behind", told_to_stop_in_a_flush);
    TEST("more days than a commit takes are several commits", more_days_than_a_commit_takes);
    TEST("a damaged event holds its own tenant up, and no other", a_damaged_event);
    TEST("a conflict with one's own lost answer adds nothing twice", conflict_with_itself);
    TEST("a commit goes on from what others have changed", conflict_with_others);
    TEST("the table of another store is refused", two_stores_crossed);
    TEST("a table that is gone is not begun anew", table_that_is_gone);
    TEST("a log that was set back, or is another one, is refused", log_that_was_set_back);
    TEST("a column that is added half way leaves what was there, and is in what follows", column_added_half_way);
    rounds_close(&r);
    return check_end("flush_test");
}
