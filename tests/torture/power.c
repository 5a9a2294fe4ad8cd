// Power cuts at the store's level, on the VFS of cut_vfs.h.
//     power self DIR [--cuts N] [--seed X]     plain SQLite, synced (nothing may be lost) and not synced (much must be)
//     power store DIR [--cuts N] [--seed X]    the store: its events, its index, its tenants
// A child works until the power fails, noting in DIR/acks what was acknowledged; then a second child opens what is left
// and compares.
#include "store/chain.h"
#include "store/history.h"
#include "store/store.h"
#include "store/stream.h"
#include "tests/bench/bench.h"
#include "tests/torture/cut_vfs.h"

#include <sys/wait.h>

#define WORK_S 60 // a child that takes longer has hung

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

// FULL does not make the end of the journal last with which a new file is brought to WAL.
static sqlite3 *self_open(const char *dir, const char *mode)
{
    char path[4096], sql[256];
    snprintf(path, sizeof path, "%s/self.db", dir);
    sqlite3 *db;
    self_check(NULL, sqlite3_open(path, &db));
    snprintf(sql, sizeof sql, "PRAGMA synchronous=%s; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=20;", mode);
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
    if (!whole && strcmp(mode, "EXTRA") == 0)
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
    uint64_t extra = self_cuts(dir, "EXTRA", seed, cuts), off = self_cuts(dir, "OFF", seed, cuts);
    printf("{\"seed\":%llu,\"cuts\":%llu,\"lost_extra\":%llu,\"lost_off\":%llu}\n", (unsigned long long)seed,
        (unsigned long long)cuts, (unsigned long long)extra, (unsigned long long)off);
    return extra == 0 && off > cuts / 10 ? EXIT_SUCCESS : EXIT_FAILURE;
}

// ---- the store
//
// Every event holds its own position as "token", and the positions of the first and the last event of its submission.
// So the log must read token 1, 2, 3 … and end with a whole submission, whatever happened.

#define STORE_ENTITIES 12u
#define STORE_ROUND    25 // cuts until the store is made anew
#define MADE_SIZE      16 // bytes of a name in DIR/made

struct answers {
    pthread_mutex_t lock;
    pthread_cond_t all;
    unsigned open;
    int acks;
};

static void entity_of_token(uint64_t token, char out[static 16])
{
    uint64_t state = token, number = random_next(&state) % STORE_ENTITIES;
    snprintf(out, 16, "%s_k%u", number % 2 ? "tick" : "order", (unsigned)number);
}

static void store_answer(struct submission *s)
{
    struct answers *answers = s->context;
    if (s->kind == SUBMIT_EVENTS && s->error)
        die("an event was refused: %s", s->why.text);
    if (s->kind == SUBMIT_EVENTS) {
        uint64_t last = (uint64_t)strtoull(s->path.at, NULL, 10); // the path is not shown of what is accepted
        char expected[64];
        snprintf(expected, sizeof expected, "\"position\":%llu}\n", (unsigned long long)last);
        size_t size = strlen(expected);
        if (s->receipts.size < size || memcmp(s->receipts.at + s->receipts.size - size, expected, size) != 0)
            die("event %llu: its receipt is %.*s", (unsigned long long)last, (int)s->receipts.size, s->receipts.at);
        if (answers->acks >= 0)
            ack_add(answers->acks, last);
    }
    submission_free(s);
    pthread_mutex_lock(&answers->lock);
    if (--answers->open == 0)
        pthread_cond_signal(&answers->all);
    pthread_mutex_unlock(&answers->lock);
}

static struct submission *submission_begin(enum submission_kind kind, struct answers *answers, uint64_t last)
{
    struct submission *s = submission_new(kind);
    char text[24];
    int size = snprintf(text, sizeof text, "%llu", (unsigned long long)last) + 1;
    if (!s || !(s->path = arena_copy(&s->arena, (struct slice){.at = text, .size = (size_t)size})).at)
        die("out of memory");
    s->answer = store_answer;
    s->context = answers;
    pthread_mutex_lock(&answers->lock);
    answers->open++;
    pthread_mutex_unlock(&answers->lock);
    return s;
}

static void submit_events(
    struct tenant *tenant, struct answers *answers, uint64_t first, unsigned count, uint64_t *random)
{
    struct submission *s = submission_begin(SUBMIT_EVENTS, answers, first + count - 1);
    s->wants_receipts = true;
    s->draft_count = count;
    s->drafts = arena_get(&s->arena, count * sizeof *s->drafts);
    s->inputs = arena_get(&s->arena, count * sizeof *s->inputs);
    if (!s->drafts || !s->inputs)
        die("out of memory");
    struct draft_origin origin = {.tenant = tenant_name(tenant), .actor = SLICE("user_root")};
    for (unsigned i = 0; i < count; i++) {
        char entity[16], id[64] = "", text[16384];
        uint64_t r = random_next(random);
        entity_of_token(first + i, entity);
        if (r % 8 == 0)
            snprintf(id, sizeof id, "\"id\":\"evt_given%llu\",", (unsigned long long)(first + i));
        // A tenth of the events are large, so that the write-ahead log is moved into the file now and then.
        int pad = (int)((r >> 8) % (r % 10 ? 200 : 12000));
        int size = snprintf(text, sizeof text,
            "{%s\"type\":\"%s\",\"target\":\"%s\",\"data\":{\"token\":%llu,\"first\":%llu,\"last\":%llu,\"pad\":\"%.*"
            "s\"}}",
            id, entity[0] == 't' ? "Tick.Counted" : "was_counted", entity, (unsigned long long)(first + i),
            (unsigned long long)first, (unsigned long long)(first + count - 1), pad, words_text + (r >> 32) % 4096);
        s->inputs[i] = arena_copy(&s->arena, (struct slice){.at = text, .size = (size_t)size});
        s->drafts[i] = (struct draft){.line = i + 1};
        if (draft_read(&s->drafts[i], s->inputs[i], &origin, &s->arena, &s->why) < 0)
            die("an event is not read: %s", s->why.text);
    }
    tenant_submit(tenant, s);
}

static void submit_refusal(struct tenant *tenant, struct answers *answers)
{
    struct submission *s = submission_begin(SUBMIT_REFUSAL, answers, 0);
    s->error = -EINVAL;
    s->input = SLICE("{\"type\":");
    reason_set(&s->why, -EINVAL, "half a value");
    tenant_submit(tenant, s);
}

static void answers_wait(struct answers *answers)
{
    pthread_mutex_lock(&answers->lock);
    while (answers->open)
        pthread_cond_wait(&answers->all, &answers->lock);
    pthread_mutex_unlock(&answers->lock);
}

static struct store *store_at(const char *dir)
{
    char path[4096];
    struct reason why = {0};
    struct store *store;
    snprintf(path, sizeof path, "%s/store", dir);
    if (store_open(&store, path, NULL, NULL, &why) < 0)
        die("the store cannot be opened: %s", why.text);
    return store;
}

static struct tenant *tenant_at(struct store *store, const char *name, bool make)
{
    struct tenant_info info = {.mode = 0755};
    struct tenant *tenant;
    int error = store_find(store, slice_of(name), &info);
    if (error == -ENOENT && make) {
        snprintf(info.name, sizeof info.name, "%s", name);
        error = store_make(store, &info);
    }
    if (!error)
        error = store_get(store, info.number, &tenant);
    if (error)
        die("the tenant %s: %s", name, strerror(-error));
    return tenant;
}

static int made_open(const char *dir, int flags)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/made", dir);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        die("%s: %s", path, strerror(errno));
    return fd;
}

// A tenant of its own with one event; noted when both were answered.
static void store_make_another(struct store *store, const char *dir, uint64_t number, uint64_t *random)
{
    char name[MADE_SIZE] = "";
    snprintf(name, sizeof name, "t%llu", (unsigned long long)number);
    struct answers answers = {.lock = PTHREAD_MUTEX_INITIALIZER, .all = PTHREAD_COND_INITIALIZER, .acks = -1};
    struct tenant *tenant = tenant_at(store, name, true);
    // The power may have failed after an earlier try.
    if (!tenant_end(tenant).position)
        submit_events(tenant, &answers, 1, 1, random);
    answers_wait(&answers);
    store_put(store, tenant);
    int fd = made_open(dir, O_WRONLY | O_APPEND);
    if (write(fd, name, sizeof name) != sizeof name)
        die("made: %s", strerror(errno));
    close(fd);
}

static void store_work(const char *dir, const char *mode, uint64_t seed, uint64_t cut_at)
{
    (void)mode;
    cut_vfs_register(seed, cut_at);
    words_init();
    struct answers answers = {.lock = PTHREAD_MUTEX_INITIALIZER,
        .all = PTHREAD_COND_INITIALIZER,
        .acks = acks_open(dir, O_WRONLY | O_APPEND)};
    struct store *store = store_at(dir);
    struct tenant *tenant = tenant_at(store, "acme", true);
    uint64_t random = seed, next = tenant_end(tenant).position + 1;
    for (;;) {
        for (uint64_t i = 0, count = 1 + random_next(&random) % 8; i < count; i++) {
            unsigned events = random_next(&random) % 4 ? 1 : 1 + (unsigned)(random_next(&random) % 6);
            submit_events(tenant, &answers, next, events, &random);
            next += events;
        }
        if (random_next(&random) % 16 == 0)
            submit_refusal(tenant, &answers);
        if (random_next(&random) % 4)
            answers_wait(&answers);
        if (random_next(&random) % 60 == 0)
            store_make_another(store, dir, next, &random);
        if (random_next(&random) % 100 == 0) {
            answers_wait(&answers);
            store_put(store, tenant);
            store_close(store);
            store = store_at(dir);
            tenant = tenant_at(store, "acme", false);
        }
    }
}

// The number behind "name":, or of its change the one behind "after":.
static uint64_t line_number(struct slice line, const char *name)
{
    char key[32];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = memmem(line.at, line.size, key, strlen(key));
    if (!at)
        die("no %s in %.*s", key, SLICE_ARG(line));
    at += strlen(key);
    if (*at == '{' && !(at = memmem(at, (size_t)(line.at + line.size - at), "\"after\":", 8)))
        die("no \"after\" of %s in %.*s", key, SLICE_ARG(line));
    return strtoull(strpbrk(at, "0123456789"), NULL, 10);
}

struct entity_seen {
    struct bytes lines;
    uint64_t token;
    uint32_t version;
};

// The log by position: tokens, chain, versions; and what belongs to each entity.
static void log_verify(struct reader *reader, struct log_end end, struct entity_seen seen[static STORE_ENTITIES])
{
    struct chain chain;
    unsigned char hash[CHAIN_SIZE] = {0};
    uint64_t offset = 0, last = 0;
    if (chain_open(&chain) < 0)
        die("no SHA-256");
    for (uint64_t position = 1; position <= end.position; position++) {
        struct event_row row;
        int error = history_event(reader, position, &row);
        if (error)
            die("event %llu: %s", (unsigned long long)position, strerror(-error));
        if (chain_next(&chain, hash, row.line) || memcmp(hash, row.hash, CHAIN_SIZE) != 0)
            die("the chain breaks at %llu", (unsigned long long)position);
        uint64_t token = line_number(row.line, "token"), state = token;
        struct entity_seen *e = &seen[random_next(&state) % STORE_ENTITIES];
        if (token != position || row.position != position || row.offset != offset)
            die("at %llu stands token %llu", (unsigned long long)position, (unsigned long long)token);
        if (row.version != ++e->version || line_number(row.line, "version") != row.version)
            die("at %llu: version %u where %u is due", (unsigned long long)position, row.version, e->version);
        e->token = token;
        last = line_number(row.line, "last");
        bytes_add_slice(&e->lines, row.line);
        bytes_add_char(&e->lines, '\n');
        offset += row.line.size + 1;
    }
    if (last != end.position)
        die("the log ends at %llu, within a submission up to %llu", (unsigned long long)end.position,
            (unsigned long long)last);
    if (offset != end.size_bytes)
        die("the stream has %llu bytes, its lines %llu", (unsigned long long)end.size_bytes,
            (unsigned long long)offset);
    chain_close(&chain);
}

// An entity as its own index and its state tell it.
static void entity_verify(struct reader *reader, unsigned number, const struct entity_seen *seen)
{
    char name[16], token[32];
    snprintf(name, sizeof name, "%s_k%u", number % 2 ? "tick" : "order", number);
    struct head head;
    int error = history_head(reader, slice_of(name), &head);
    if (error == -ENOENT && !seen->version)
        return;
    if (error || head.version != seen->version || head.size_bytes != seen->lines.size)
        die("%s: %s: version %u of %u, %llu of %zu bytes", name, strerror(-error), head.version, seen->version,
            (unsigned long long)head.size_bytes, seen->lines.size);
    char *text = allocate(seen->lines.size + 1, 1);
    size_t got;
    struct stream_place place = {0};
    error = stream_read_entity(reader, head.id, &place, 0, text, seen->lines.size + 1, &got);
    if (error || got != seen->lines.size || memcmp(text, seen->lines.at, got) != 0)
        die("%s: its stream is not its part of the log", name);
    free(text);
    STATE_AUTO state = NULL;
    error = history_state(reader, head.id, head.version, &state);
    snprintf(token, sizeof token, "\"token\":%llu,", (unsigned long long)seen->token);
    if (error || !memmem(state->fields.at, state->fields.size, token, strlen(token)))
        die("%s: its state lacks %s", name, token);
}

static void made_verify(struct store *store, const char *dir)
{
    char name[MADE_SIZE];
    int fd = made_open(dir, O_RDONLY | O_CREAT);
    while (read(fd, name, sizeof name) == sizeof name) {
        struct tenant *tenant = tenant_at(store, name, false);
        uint64_t events = tenant_end(tenant).position;
        if (events != 1)
            die("the tenant %s has %llu events", name, (unsigned long long)events);
        store_put(store, tenant);
    }
    close(fd);
}

// With cut_at, the power fails again during the recovery.
static void store_verify(const char *dir, const char *mode, uint64_t seed, uint64_t cut_at)
{
    (void)mode;
    cut_vfs_register(seed, cut_at);
    struct store *store = store_at(dir);
    struct tenant *tenant = tenant_at(store, "acme", true);
    struct log_end end = tenant_end(tenant);
    uint64_t acknowledged = acks_last(dir);
    if (end.position < acknowledged)
        die("%llu events were acknowledged, %llu are there", (unsigned long long)acknowledged,
            (unsigned long long)end.position);
    struct reader reader;
    struct reason why = {0};
    if (reader_open(&reader, tenant, &why) < 0)
        die("no reader: %s", why.text);
    struct entity_seen seen[STORE_ENTITIES] = {0};
    log_verify(&reader, end, seen);
    for (unsigned i = 0; i < STORE_ENTITIES; i++)
        entity_verify(&reader, i, &seen[i]);
    reader_close(&reader);
    store_put(store, tenant);
    made_verify(store, dir);
    if (seed % 2)
        store_close(store); // else it is left as a crash leaves it
}

static void store_remove_all(const char *dir)
{
    char command[4200];
    snprintf(command, sizeof command, "rm -rf '%s/store' '%s/acks' '%s/made'", dir, dir, dir);
    if (system(command) != 0)
        die("%s: failed", command);
}

static int store_test(const char *dir, uint64_t seed, uint64_t cuts)
{
    uint64_t random = seed, acknowledged = 0, again = 0;
    for (uint64_t i = 0; i < cuts; i++) {
        if (i % STORE_ROUND == 0)
            store_remove_all(dir);
        uint64_t before = acks_last(dir);
        close(made_open(dir, O_RDWR | O_CREAT));
        // Some come early, while files are made or recovered; some late, when the log was moved into the file.
        static const uint64_t limits[] = {25, 300, 300, 3000};
        uint64_t cut_at = 1 + random_next(&random) % limits[random_next(&random) % 4];
        int status = child_run(store_work, dir, "", seed + i, cut_at);
        if (status != CUT_STATUS)
            die("seed %llu, cut %llu: the work ended with %d", (unsigned long long)seed, (unsigned long long)i, status);
        if (random_next(&random) % 4 == 0) {
            status = child_run(store_verify, dir, "", seed + i, 1 + random_next(&random) % 60);
            again += status == CUT_STATUS;
        }
        if (status == CUT_STATUS || status == EXIT_SUCCESS)
            status = child_run(store_verify, dir, "", seed + i, 0);
        if (status != EXIT_SUCCESS)
            die("seed %llu, cut %llu (at operation %llu)", (unsigned long long)seed, (unsigned long long)i,
                (unsigned long long)cut_at);
        acknowledged += acks_last(dir) - before;
    }
    printf("{\"seed\":%llu,\"cuts\":%llu,\"again\":%llu,\"events\":%llu}\n", (unsigned long long)seed,
        (unsigned long long)cuts, (unsigned long long)again, (unsigned long long)acknowledged);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        die("usage: power self|store DIR [--cuts N] [--seed X]");
    uint64_t seed = option_number(argc, argv, "--seed", 1), cuts = option_number(argc, argv, "--cuts", 200);
    if (strcmp(argv[1], "self") == 0)
        return self_test(argv[2], seed, cuts);
    if (strcmp(argv[1], "store") == 0)
        return store_test(argv[2], seed, cuts);
    die("power %s: no such subject", argv[1]);
}
