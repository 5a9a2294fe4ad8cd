// Power cuts at the store's level, on the VFS of cut_vfs.h.
//     power self DIR [--cuts N] [--seed X]     plain SQLite: durable commits survive, commits that are not synced do
//     not
// A child works until the power fails, noting in DIR/acks what was acknowledged; then a second child opens what is left
// and compares.
#include "tests/bench/bench.h"
#include "tests/torture/cut_vfs.h"

#include <sys/wait.h>

#define WORK_S 60 // a child that takes longer has hung

struct acks {
    uint64_t *numbers;
    size_t count;
};

static int acks_open(const char *dir, int flags)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/acks", dir);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        die("%s: %s", path, strerror(errno));
    return fd;
}

static void ack_add(int fd, uint64_t number)
{
    if (write(fd, &number, sizeof number) != sizeof number)
        die("acks: %s", strerror(errno));
}

static uint64_t acks_last(const char *dir)
{
    int fd = acks_open(dir, O_RDWR | O_CREAT);
    struct stat st;
    uint64_t number = 0;
    if (fstat(fd, &st) < 0)
        die("acks: %s", strerror(errno));
    off_t whole = st.st_size / (off_t)sizeof number * (off_t)sizeof number;
    if (whole && pread(fd, &number, sizeof number, whole - (off_t)sizeof number) != sizeof number)
        die("acks: %s", strerror(errno));
    close(fd);
    return number;
}

// Runs `work` in a child; returns its exit status. A child that is ended by a signal or hangs is a failure.
static int child_run(void (*work)(const char *dir, const char *mode, uint64_t seed, uint64_t cut_at), const char *dir,
    const char *mode, uint64_t seed, uint64_t cut_at)
{
    fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        die("fork: %s", strerror(errno));
    if (child == 0) {
        alarm(WORK_S);
        work(dir, mode, seed, cut_at);
        _exit(EXIT_SUCCESS);
    }
    int status;
    if (waitpid(child, &status, 0) != child)
        die("wait: %s", strerror(errno));
    if (WIFSIGNALED(status))
        die("seed %llu: a child was ended by signal %d", (unsigned long long)seed, WTERMSIG(status));
    return WEXITSTATUS(status);
}

// ---- plain SQLite

static void self_check(sqlite3 *db, int result)
{
    if (result != SQLITE_OK && result != SQLITE_DONE && result != SQLITE_ROW)
        die("sqlite: %s", sqlite3_errmsg(db));
}

static void self_exec(sqlite3 *db, const char *sql)
{
    self_check(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static int64_t self_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    self_check(db, sqlite3_prepare_v2(db, sql, -1, &statement, NULL));
    self_check(db, sqlite3_step(statement));
    int64_t number = sqlite3_column_int64(statement, 0);
    self_check(db, sqlite3_finalize(statement));
    return number;
}

static sqlite3 *self_open(const char *dir, const char *mode)
{
    char path[4096], sql[256];
    snprintf(path, sizeof path, "%s/self.db", dir);
    sqlite3 *db;
    self_check(NULL, sqlite3_open(path, &db));
    snprintf(sql, sizeof sql, "PRAGMA journal_mode=WAL; PRAGMA synchronous=%s; PRAGMA wal_autocheckpoint=20;", mode);
    self_exec(db, sql);
    self_exec(db, "CREATE TABLE IF NOT EXISTS event(position INTEGER PRIMARY KEY, text TEXT, mirror TEXT UNIQUE)");
    return db;
}

static void self_work(const char *dir, const char *mode, uint64_t seed, uint64_t cut_at)
{
    cut_vfs_register(seed, cut_at);
    int acks = acks_open(dir, O_WRONLY | O_APPEND);
    sqlite3 *db = self_open(dir, mode);
    for (uint64_t random = seed;;) {
        int64_t last = self_number(db, "SELECT coalesce(max(position), 0) FROM event");
        self_exec(db, "BEGIN");
        for (uint64_t i = 0, count = 1 + random_next(&random) % 8; i < count; i++) {
            char sql[128];
            snprintf(sql, sizeof sql, "INSERT INTO event VALUES(%lld, hex(randomblob(%llu)), hex(randomblob(16)))",
                (long long)++last, (unsigned long long)(random_next(&random) % 900));
            self_exec(db, sql);
        }
        self_exec(db, "COMMIT");
        ack_add(acks, (uint64_t)last);
        if (random_next(&random) % 40 == 0) {
            self_check(db, sqlite3_close(db));
            db = self_open(dir, mode);
        }
    }
}

// Exits with 0 when all that was acknowledged is there and the database is whole.
static void self_verify(const char *dir, const char *mode, uint64_t seed, uint64_t cut_at)
{
    (void)seed;
    (void)cut_at;
    char path[4096];
    snprintf(path, sizeof path, "%s/self.db", dir);
    uint64_t acknowledged = acks_last(dir);
    sqlite3 *db;
    if (sqlite3_open(path, &db) != SQLITE_OK)
        _exit(EXIT_FAILURE);
    sqlite3_stmt *statement;
    static const char question[] = "SELECT (SELECT group_concat(integrity_check) FROM pragma_integrity_check), "
                                   "count(*), coalesce(max(position), 0) FROM event";
    bool whole = sqlite3_prepare_v2(db, question, -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0 &&
                 sqlite3_column_int64(statement, 1) == sqlite3_column_int64(statement, 2) &&
                 (uint64_t)sqlite3_column_int64(statement, 2) >= acknowledged;
    // A table that was never committed is right as long as nothing was acknowledged.
    whole = whole || (!acknowledged && strcmp(sqlite3_errmsg(db), "no such table: event") == 0);
    if (!whole && strcmp(mode, "FULL") == 0)
        fprintf(stderr, "# %llu were acknowledged; sqlite: %s\n", (unsigned long long)acknowledged, sqlite3_errmsg(db));
    _exit(whole ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void self_remove(const char *dir)
{
    static const char *const names[] = {"acks", "self.db", "self.db-wal", "self.db-shm", "self.db-journal"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
}

// Returns after how many of `cuts` something acknowledged was lost.
static uint64_t self_cuts(const char *dir, const char *mode, uint64_t seed, uint64_t cuts)
{
    uint64_t lost = 0, random = seed;
    self_remove(dir);
    for (uint64_t i = 0; i < cuts; i++) {
        (void)acks_last(dir);
        // Every third cut comes early, while the database is made or recovered.
        uint64_t cut_at = 1 + random_next(&random) % (i % 3 ? 400 : 12);
        if (child_run(self_work, dir, mode, seed + i, cut_at) != CUT_STATUS)
            die("seed %llu: the work ended before the cut", (unsigned long long)(seed + i));
        if (child_run(self_verify, dir, mode, seed + i, 0) != EXIT_SUCCESS) {
            lost++;
            self_remove(dir);
        } else if (i % 20 == 19) {
            self_remove(dir);
        }
    }
    self_remove(dir);
    return lost;
}

static int self_test(const char *dir, uint64_t seed, uint64_t cuts)
{
    uint64_t full = self_cuts(dir, "FULL", seed, cuts), off = self_cuts(dir, "OFF", seed, cuts);
    printf("{\"seed\":%llu,\"cuts\":%llu,\"lost_full\":%llu,\"lost_off\":%llu}\n", (unsigned long long)seed,
        (unsigned long long)cuts, (unsigned long long)full, (unsigned long long)off);
    return full == 0 && off > cuts / 10 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        die("usage: power self DIR [--cuts N] [--seed X]");
    uint64_t seed = option_number(argc, argv, "--seed", 1), cuts = option_number(argc, argv, "--cuts", 200);
    if (strcmp(argv[1], "self") == 0)
        return self_test(argv[2], seed, cuts);
    die("power %s: no such subject", argv[1]);
}
