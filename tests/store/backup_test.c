// Backup and restore: what was acknowledged before is there, each tenant as of one moment; and killed at any step, the
// old backup or the new one stands, or the directory says what to do.
#include "store/backup.h"

#include "store/proof.h"
#include "store/stage.h"
#include "tests/store/store_fixture.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

// ---- a process that ends at a chosen step: each change of the directory is one

#define KILLED 77

static unsigned steps, last_step;

static void step(void)
{
    if (++steps == last_step)
        _exit(KILLED);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    step();
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

int unlinkat(int dir, const char *name, int flags)
{
    step();
    return (int)syscall(SYS_unlinkat, dir, name, flags);
}

int fsync(int fd)
{
    step();
    return (int)syscall(SYS_fsync, fd);
}

// ---- stores and backups

static struct fixture f;
static char base[80], backup[96], restored[96], copy[96];
static const struct backup_progress silent;

static int back_up(void)
{
    struct backup_made made;
    struct reason why = {0};
    int error = backup_make(f.path, backup, &silent, &made, &why);
    if (error)
        printf("# %s\n", why.text);
    return error;
}

static int restore(struct reason *why)
{
    struct backup_made made;
    *why = (struct reason){0};
    return backup_restore(backup, restored, &silent, &made, why);
}

static void make_other(void)
{
    struct tenant_info info = {.name = "other", .mode = 0755};
    if (store_find(f.store, SLICE("other"), &info) == -ENOENT)
        REQUIRE(store_make(f.store, &info));
    struct tenant *acme = f.tenant;
    REQUIRE(store_get(f.store, info.number, &f.tenant));
    REQUIRE(event(&f, "thing_1", "was_seen", "{}"));
    store_put(f.store, f.tenant);
    f.tenant = acme;
}

// Events of both tenants, the second's times a million; -errno when the store does not open.
static long events_of(const char *path, struct reason *why)
{
    struct store *store;
    *why = (struct reason){0};
    int error = store_open(&store, path, NULL, NULL, why);
    if (error)
        return error;
    long events = 0, unit = 1;
    for (const char *const *name = (const char *const[]){"acme", "other", NULL}; *name; name++, unit *= 1000000) {
        struct tenant_info info;
        struct tenant *tenant;
        if (store_find(store, slice_of(*name), &info) || store_get(store, info.number, &tenant))
            continue;
        events += (long)tenant_end(tenant).position * unit;
        store_put(store, tenant);
    }
    store_close(store);
    return events;
}

// Of a copy: to open a directory may change it.
static long events_in_copy(const char *path, struct reason *why)
{
    directory_remove(copy);
    REQUIRE(mkdir(copy, 0755));
    directory_copy(path, copy);
    return events_of(copy, why);
}

static bool says_run_again(const struct reason *why)
{
    return text_has(slice_of(why->text), "run it again") || text_has(slice_of(why->text), "it is not empty");
}

static bool proven(const char *path)
{
    struct survey survey;
    struct reason why = {0};
    bool good = true;
    REQUIRE(survey_open(&survey, path, &why));
    for (uint32_t i = 0; i < survey.count; i++) {
        char file[512];
        struct proof proof;
        survey_file(&survey, survey.tenants[i].name, file);
        struct proof_subject subject = {
            .path = file, .mode = survey.mode, .number = survey.tenants[i].number, .sqids = &survey.sqids};
        good &= proof_make(&subject, &proof) == 0;
        if (proof.log.text[0] || proof.beside.text[0])
            printf("# %s: %s%s\n", survey.tenants[i].name, proof.log.text, proof.beside.text);
    }
    survey_close(&survey);
    return good;
}

// ---- beside writers

static atomic_bool stop;
static atomic_ulong acknowledged;

static void *write_on(void *unused)
{
    for (unsigned i = 0; !stop; i++) {
        REQUIRE(append_of(&f, "{'type':'was_seen','target':'order_%u','data':{'n':%u}}", i % 300, i));
        acknowledged++;
    }
    return unused;
}

static void beside_writers(void)
{
    pthread_t writer;
    acknowledged = tenant_end(f.tenant).position;
    REQUIRE(pthread_create(&writer, NULL, write_on, NULL));
    struct bytes streams[6] = {0};
    for (int i = 0; i < 6; i++) {
        unsigned long before = acknowledged;
        while (acknowledged < before + 200)
            usleep(1000);
        before = acknowledged;
        CHECK_INT(back_up(), 0);
        CHECK(proven(backup));
        struct fixture own = {0};
        directory_remove(copy);
        REQUIRE(mkdir(copy, 0755));
        directory_copy(backup, copy);
        snprintf(own.path, sizeof own.path, "%s", copy);
        fixture_start(&own);
        CHECK(tenant_end(own.tenant).position >= before);
        bytes_add_slice(&streams[i], stream_of(&own, NULL));
        fixture_stop(&own);
        fixture_free_texts(&own);
    }
    stop = true;
    pthread_join(writer, NULL);
    struct slice all = stream_of(&f, NULL);
    for (int i = 0; i < 6; i++) {
        CHECK(streams[i].size && streams[i].size <= all.size && memcmp(streams[i].at, all.at, streams[i].size) == 0);
        bytes_free(&streams[i]);
    }
}

static void restores(void)
{
    struct reason why = {0}, opened;
    CHECK_INT(back_up(), 0);
    CHECK_INT(restore(&why), 0);
    CHECK_TEXT(slice_of(why.text), "");
    CHECK(proven(restored));
    struct fixture own = {0};
    snprintf(own.path, sizeof own.path, "%s", restored);
    fixture_start(&own);
    CHECK(slice_equal(stream_of(&own, NULL), stream_of(&f, NULL)));
    fixture_stop(&own);
    fixture_free_texts(&own);
    // And never onto something.
    long events = events_of(restored, &opened);
    CHECK_INT(restore(&why), -ENOTEMPTY);
    CHECK_INT(events_of(restored, &opened), events);
    directory_remove(restored);
}

// ---- killed

// Runs it in a child that ends at a step; true when it came to its end before.
static bool run_until(unsigned at, int run(void))
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        steps = 0;
        last_step = at;
        _exit(run() ? 1 : 0);
    }
    int status;
    REQUIRE(waitpid(child, &status, 0) != child);
    REQUIRE(!WIFEXITED(status) || WEXITSTATUS(status) == 1);
    return WEXITSTATUS(status) == 0;
}

static void killed_in_backup(void)
{
    struct reason why;
    CHECK_INT(back_up(), 0);
    unsigned stood = 0, asked = 0, new_ones = 0;
    bool ended = false;
    for (unsigned at = 1; !ended; at++) {
        long before = events_in_copy(backup, &why);
        REQUIRE(event(&f, "order_1", "was_seen", "{}"));
        make_other();
        ended = run_until(at, back_up);
        long now = events_in_copy(backup, &why);
        // Both tenants are as they were, or both as they are.
        CHECK(now == before || now == before + 1000001 || (now == -EINVAL && says_run_again(&why)));
        stood += now == before;
        asked += now == -EINVAL;
        new_ones += now == before + 1000001;
        CHECK_INT(back_up(), 0);
        CHECK_INT(events_in_copy(backup, &why), before + 1000001);
        // Nothing is left over.
        char left[160];
        snprintf(left, sizeof left, "%s/acme.db.new", backup);
        CHECK(access(left, F_OK) != 0);
        REQUIRE(at > 100);
    }
    CHECK(stood >= 3 && asked >= 3 && new_ones >= 1);
}

static int restore_quietly(void)
{
    struct reason why;
    return restore(&why);
}

static void killed_in_restore(void)
{
    struct reason why;
    CHECK_INT(back_up(), 0);
    long events = events_in_copy(backup, &why);
    unsigned asked = 0;
    bool ended = false;
    for (unsigned at = 1; !ended; at++) {
        ended = run_until(at, restore_quietly);
        long now = events_in_copy(restored, &why);
        CHECK(now == events || (now == -EINVAL && says_run_again(&why)));
        asked += now == -EINVAL;
        int error = restore(&why);
        CHECK(error == 0 || (now == events && error == -ENOTEMPTY));
        CHECK_INT(events_of(restored, &why), events);
        directory_remove(restored);
        REQUIRE(at > 100);
    }
    CHECK(asked >= 5);
}

static void refuses_strangers(void)
{
    struct backup_made made;
    struct reason why = {0};
    char strange[160];
    REQUIRE(mkdir(restored, 0755));
    snprintf(strange, sizeof strange, "%s/letter.txt", restored);
    FILE *file = fopen(strange, "we");
    REQUIRE(!file || fclose(file));
    CHECK_INT(backup_make(f.path, restored, &silent, &made, &why), -ENOTEMPTY);
    CHECK(text_has(slice_of(why.text), "letter.txt"));
    CHECK_INT(restore(&why), -ENOTEMPTY);
    CHECK_INT(access(strange, F_OK), 0);
    directory_remove(restored);
    // A store that somebody has open.
    why = (struct reason){0};
    CHECK_INT(backup_make(backup, f.path, &silent, &made, &why), -EBUSY);
    CHECK(text_has(slice_of(why.text), "in use"));
}

int main(void)
{
    char made[96];
    directory_make(made);
    snprintf(base, sizeof base, "%.79s", made);
    snprintf(backup, sizeof backup, "%s/b", base);
    snprintf(restored, sizeof restored, "%s/r", base);
    snprintf(copy, sizeof copy, "%s/c", base);
    fixture_open(&f);
    for (int i = 0; i < 500; i++)
        REQUIRE(event(&f, i % 2 ? "order_1" : "order_2", "was_seen", "{'n':1}"));
    make_other();
    TEST("a backup beside writers has all that was acknowledged before, as of one moment", beside_writers);
    TEST("a restored store is the backup, and nothing is written over", restores);
    TEST("killed at any step, the old backup stands, or the new one, or it says to run it again", killed_in_backup);
    TEST("a restore that was killed at any step says to run it again, and that ends it", killed_in_restore);
    TEST("a directory of something else, and a store in use, are left alone", refuses_strangers);
    fixture_close(&f);
    directory_remove(backup);
    directory_remove(copy);
    rmdir(base);
    return check_end("backup");
}
