// The store: its tenants, who may open it, what it refuses.
#include "tests/store/store_fixture.h"

#include <sys/wait.h>

static char path[96];
static struct store *store;
static struct reason why;

static int open_store(void)
{
    why.text[0] = '\0';
    return store_open(&store, path, NULL, NULL, &why);
}

static void reopen(void)
{
    store_close(store);
    REQUIRE(open_store());
}

// The number of a new tenant, or -errno.
static long make(const char *name)
{
    struct tenant_info info = {.uid = 1000, .gid = 100, .mode = 0750};
    snprintf(info.name, sizeof info.name, "%s", name);
    int error = store_make(store, &info);
    return error ? error : (long)info.number;
}

static long number_of(const char *name)
{
    struct tenant_info info;
    int error = store_find(store, slice_of(name), &info);
    return error ? error : (long)info.number;
}

// Appends an event to a tenant, or a refusal.
static int append_to(long number, const char *target, bool refused)
{
    struct fixture f = {0};
    int error = store_get(store, (uint32_t)number, &f.tenant);
    if (error)
        return error;
    error = event(&f, target, refused ? "Contact.Deleted" : "was_seen", "{}");
    store_put(store, f.tenant);
    fixture_free_texts(&f);
    return error;
}

static uint64_t events_of(long number)
{
    struct tenant *tenant;
    if (store_get(store, (uint32_t)number, &tenant))
        return UINT64_MAX;
    uint64_t position = tenant_end(tenant).position;
    store_put(store, tenant);
    return position;
}

// ---- tenants

static void remembered(void)
{
    int64_t now_us = when_now_us();
    CHECK_INT(make("acme"), 1);
    CHECK_INT(make("globex"), 2);
    CHECK_INT(make("acme"), -EEXIST);
    for (int round = 0; round < 2; round++) {
        struct tenant_info info = {0};
        CHECK_INT(store_find(store, SLICE("acme"), &info), 0);
        CHECK(info.number == 1 && info.uid == 1000 && info.gid == 100 && info.mode == 0750);
        CHECK(info.made_at_us >= now_us && info.made_at_us < now_us + 60 * WHEN_US_PER_SECOND);
        CHECK_INT(store_info(store, 2, &info), 0);
        CHECK_TEXT(slice_of(info.name), "globex");
        CHECK_INT(store_from(store, 0, &info), 0);
        CHECK_INT(info.number, 1);
        CHECK_INT(store_from(store, 2, &info), 0);
        CHECK_INT(info.number, 2);
        CHECK_INT(store_from(store, 3, &info), -ENOENT);
        CHECK_INT(store_info(store, 0, &info), -ENOENT);
        CHECK_INT(store_info(store, 3, &info), -ENOENT);
        CHECK_INT(store_info(store, UINT32_MAX, &info), -ENOENT);
        CHECK_INT(store_find(store, SLICE("acm"), &info), -ENOENT);
        struct tenant *tenant;
        CHECK_INT(store_get(store, 3, &tenant), -ENOENT);
        CHECK_INT(store_get(store, 0, &tenant), -ENOENT);
        reopen();
    }
}

static void changed(void)
{
    struct tenant_info info = {0};
    CHECK_INT(store_find(store, SLICE("acme"), &info), 0);
    info.uid = 7;
    info.gid = 8;
    info.mode = 0700;
    CHECK_INT(store_change(store, &info), 0);
    for (int round = 0; round < 2; round++) {
        struct tenant_info found = {0};
        CHECK_INT(store_find(store, SLICE("acme"), &found), 0);
        CHECK(found.uid == 7 && found.gid == 8 && found.mode == 0700 && found.number == 1);
        CHECK_INT(found.made_at_us, info.made_at_us);
        reopen();
    }
}

static void numbers(void)
{
    CHECK_INT(make("c"), 3);
    CHECK_INT(store_remove(store, "c"), 0);
    CHECK_INT(make("c"), 4);
    CHECK_INT(store_remove(store, "c"), 0);
    reopen();
    CHECK_INT(make("d"), 5);
    CHECK_INT(number_of("c"), -ENOENT);
}

static void removed(void)
{
    CHECK_INT(store_remove(store, "none"), -ENOENT);
    long number = make("e");
    CHECK_INT(append_to(number, "contact_x", true), -ENOENT);
    struct tenant *tenant;
    CHECK_INT(store_get(store, (uint32_t)number, &tenant), 0);
    CHECK_INT(store_remove(store, "e"), -EBUSY);
    CHECK_INT(number_of("e"), number);
    store_put(store, tenant);
    CHECK_INT(store_remove(store, "e"), 0);
    CHECK_INT(number_of("e"), -ENOENT);
    CHECK_INT(store_get(store, (uint32_t)number, &tenant), -ENOENT);
    number = make("e");
    CHECK_INT(events_of(number), 0);
    CHECK_INT(append_to(number, "contact_x", false), 0);
    CHECK_INT(store_remove(store, "e"), -ENOTEMPTY);
    reopen();
    CHECK_INT(store_remove(store, "e"), -ENOTEMPTY);
    CHECK_INT(events_of(number), 1);
}

static void any_name(void)
{
    static const char *const names[] = {"store", "lock", "catalog", "db", "tenant", "factfs", "0", "a-wal", "a-", "a",
        "store-wal", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        long number = make(names[i]);
        CHECK(number > 0);
        CHECK_INT(append_to(number, "contact_x", false), 0);
    }
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            CHECK_INT(events_of(number_of(names[i])), 1);
        CHECK_INT(number_of("acme"), 1);
        reopen();
    }
}

// ---- open tenants

static unsigned count_open_files(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(dir));) {
        char file[512] = "", link[300];
        snprintf(link, sizeof link, "/proc/self/fd/%s", entry->d_name);
        ssize_t size = readlink(link, file, sizeof file - 1);
        count += size > 3 && !strcmp(file + size - 3, ".db");
    }
    closedir(dir);
    return count;
}

static void idle(void)
{
    enum { MANY = 60 };
    long all[MANY];
    struct tenant *tenants[MANY], *again;
    reopen();
    for (int i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "idle-%d", i);
        all[i] = make(name);
        CHECK_INT(store_get(store, (uint32_t)all[i], &tenants[i]), 0);
    }
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(append_to(all[i], "contact_x", false), 0);
        CHECK_INT(store_get(store, (uint32_t)all[i], &again), 0);
        CHECK(again == tenants[i]);
        store_put(store, again);
    }
    CHECK_INT(count_open_files(), MANY);
    for (int i = 0; i < MANY; i++)
        store_put(store, tenants[i]);
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(events_of(all[i]), 1);
        CHECK_INT(append_to(all[i], "contact_y", false), 0);
    }
    CHECK_INT(append_to(make("idle-more"), "contact_y", false), 0);
    CHECK(count_open_files() <= 20);
    for (int i = 0; i < 200; i++) {
        CHECK_INT(events_of(all[chance(MANY)]), 2);
        CHECK(count_open_files() <= 20);
    }
}

static void in_use(void)
{
    struct tenant *used, *again;
    long number = number_of("idle-0");
    CHECK_INT(store_get(store, (uint32_t)number, &used), 0);
    for (int i = 1; i < 40; i++) {
        char name[32];
        snprintf(name, sizeof name, "idle-%d", i);
        CHECK_INT(events_of(number_of(name)), 2);
    }
    CHECK_INT(store_get(store, (uint32_t)number, &again), 0);
    CHECK(used == again);
    CHECK_INT(tenant_end(used).position, 2);
    store_put(store, used);
    store_put(store, used);
}

// An event that was answered must be there, whatever is being removed meanwhile.
static char contested[32];
static atomic_bool stop;

static void *append_while_removed(void *argument)
{
    uint64_t *lost = argument;
    while (!stop) {
        long number = number_of(contested);
        if (number < 0 || append_to(number, "contact_x", false))
            continue;
        *lost = number_of(contested) != number || events_of(number) != 1;
        stop = true;
    }
    return NULL;
}

static void removed_while_used(void)
{
    uint64_t lost = 0;
    for (int round = 0; round < 25 && !lost; round++) {
        pthread_t thread;
        stop = false;
        snprintf(contested, sizeof contested, "contested-%d", round);
        pthread_create(&thread, NULL, append_while_removed, &lost);
        while (!stop) {
            make(contested);
            store_remove(store, contested);
        }
        pthread_join(thread, NULL);
        CHECK_INT(lost, 0);
        CHECK_INT(events_of(number_of(contested)), 1);
    }
}

static atomic_uint answered, failed;

static void count_answer(struct submission *s)
{
    failed += s->error != 0;
    answered++;
    submission_free(s);
}

static void closing_answers(void)
{
    struct fixture f = {0};
    long number = make("closing");
    CHECK_INT(store_get(store, (uint32_t)number, &f.tenant), 0);
    for (int i = 0; i < 2000; i++) {
        struct submission *s = fixture_events(&f, slice_of(json_of("{'type':'was_seen','target':'order_c'}")));
        s->answer = count_answer;
        tenant_submit(f.tenant, s);
    }
    store_put(store, f.tenant);
    reopen();
    CHECK_INT(answered, 2000);
    CHECK_INT(failed, 0);
    CHECK_INT(events_of(number), 2000);
}

// ---- what is refused

static void second_opener(void)
{
    struct store *second;
    struct reason reason = {0};
    CHECK_INT(store_open(&second, path, NULL, NULL, &reason), -EBUSY);
    CHECK(strstr(reason.text, path) && strstr(reason.text, "in use"));
    pid_t child = fork();
    if (child == 0) {
        struct reason words = {0};
        int error = store_open(&second, path, NULL, NULL, &words);
        _exit(error == -EBUSY && words.text[0] ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK_INT(status, 0);
    CHECK_INT(make("still-open"), number_of("still-open"));
}

static void newer_format(void)
{
    long number = make("newer");
    CHECK_INT(append_to(number, "contact_x", false), 0);
    store_close(store);
    file_sql(path, "newer.db", "PRAGMA user_version=3");
    REQUIRE(open_store());
    struct tenant *tenant;
    quiet(true);
    CHECK_INT(store_get(store, (uint32_t)number, &tenant), -EINVAL);
    quiet(false);
    CHECK_INT(append_to(make("old"), "contact_x", false), 0);
    store_close(store);
    file_sql(path, "newer.db", "PRAGMA user_version=2");

    file_sql(path, "catalog", "PRAGMA user_version=3");
    CHECK_INT(open_store(), -EINVAL);
    CHECK(strstr(why.text, "newer"));
    file_sql(path, "catalog", "PRAGMA user_version=1");
    REQUIRE(open_store());
    CHECK_INT(events_of(number), 1);
}

static void long_name(void)
{
    store_close(store);
    file_sql(path, "catalog", "INSERT INTO tenant VALUES(60000, printf('%064d', 0), 0, 0, 493, 0)");
    CHECK_INT(open_store(), -EIO);
    CHECK(why.text[0]);
    file_sql(path, "catalog", "DELETE FROM tenant WHERE number = 60000");
    REQUIRE(open_store());
}

static void write_file(const char *name, const char *text)
{
    char file[200];
    snprintf(file, sizeof file, "%s/%s", path, name);
    FILE *out = fopen(file, "we");
    fputs(text, out);
    fclose(out);
}

static bool has_file(const char *name)
{
    char file[200];
    snprintf(file, sizeof file, "%s/%s", path, name);
    return access(file, F_OK) == 0;
}

static void no_store(void)
{
    char own[96];
    store_close(store);
    memcpy(own, path, sizeof own);
    directory_make(path);
    write_file("notes.txt", "mine");
    CHECK_INT(open_store(), -EINVAL);
    CHECK(strstr(why.text, path));
    CHECK(has_file("notes.txt") && !has_file("catalog") && !has_file("lock"));
    directory_remove(path);
    mkdir(path, 0700);
    file_sql(path, "catalog", "CREATE TABLE other(x)");
    CHECK_INT(open_store(), -EINVAL);
    CHECK(why.text[0]);
    write_file(
        "catalog", "a text file that is long enough to be a database, and with a name that would be right for it");
    int error = open_store();
    CHECK(error == -EINVAL || error == -EIO);
    CHECK(why.text[0]);
    directory_remove(path);
    // It is made, but not its parents.
    snprintf(path + strlen(path), sizeof path - strlen(path), "/b");
    CHECK_INT(open_store(), -ENOENT);
    CHECK(strstr(why.text, path));
    memcpy(path, own, sizeof own);
    REQUIRE(open_store());
}

static void a_fresh_file_system(void)
{
    char own[96], lost[120];
    store_close(store);
    memcpy(own, path, sizeof own);
    directory_make(path);
    snprintf(lost, sizeof lost, "%s/lost+found", path);
    mkdir(lost, 0700);
    CHECK_INT(open_store(), 0);
    store_close(store);
    CHECK_INT(open_store(), 0);
    store_close(store);
    rmdir(lost);
    directory_remove(path);
    memcpy(path, own, sizeof own);
    REQUIRE(open_store());
}

static void one_file(void)
{
    long number = make("whole");
    CHECK_INT(append_to(number, "contact_x", false), 0);
    store_close(store);
    char file[200];
    struct stat wal;
    snprintf(file, sizeof file, "%s/whole.db-wal", path);
    CHECK(stat(file, &wal) || wal.st_size == 0);
    REQUIRE(open_store());
}

int main(void)
{
    directory_make(path);
    REQUIRE(open_store());
    TEST("tenants are remembered", remembered);
    TEST("owner and mode of a tenant can be changed", changed);
    TEST("a tenant's number is never used again", numbers);
    TEST("a tenant can be removed while nothing was recorded in it and nobody uses it", removed);
    TEST("a tenant can have any tenant's name", any_name);
    TEST("tenants that nobody uses are closed when there are many, and open again", idle);
    TEST("a tenant in use stays open", in_use);
    TEST("an answered event is never removed with its tenant", removed_while_used);
    TEST("closing the store commits and answers what was submitted", closing_answers);
    TEST("a second opener is refused in words", second_opener);
    TEST("a newer format is refused in words, of one tenant for it alone", newer_format);
    TEST("a damaged catalog with a name that is too long by one is refused", long_name);
    TEST("what is no store is refused in words and left alone", no_store);
    TEST("a fresh file system may become a store", a_fresh_file_system);
    TEST("a closed tenant is one file", one_file);
    store_close(store);
    directory_remove(path);
    return check_end("store");
}
