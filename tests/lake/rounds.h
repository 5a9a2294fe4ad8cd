// Flushes that are ended by SIGKILL at a step, each in a process of its own, and what must be so afterwards: the table
// has each event once, byte for byte, and nothing lies about that it does not name.
//
// The store and the lake are in one directory. The test's own process never has the store open: a child's threads would
// be missing.
#pragma once

#include "hooks/lake/check.h"
#include "hooks/lake/flush.h"
#include "hooks/lake/metadata.h"
#include "hooks/lake/step.h"
#include "tests/store/store_fixture.h"

#include <signal.h>
#include <sys/wait.h>

struct rounds {
    struct fixture f;
    struct lake_options options;
    unsigned appended; // events, in all rounds
};

static unsigned rounds_stop_at, rounds_step; // of the child

static inline void rounds_kill(const char *step)
{
    (void)step;
    if (++rounds_step == rounds_stop_at)
        kill(getpid(), SIGKILL);
}

static inline void rounds_open(struct rounds *r)
{
    directory_make(r->f.path);
    char store[96];
    memcpy(store, r->f.path, sizeof store);
    r->options = lake_options_usual();
    snprintf(r->options.place, sizeof r->options.place, "%.80s-lake", store);
}

static inline void rounds_close(struct rounds *r)
{
    BYTES_AUTO command = {0};
    bytes_printf(&command, "rm -rf %s %s", r->f.path, r->options.place);
    bytes_add_char(&command, '\0');
    REQUIRE(system(command.at));
}

// Events of two days and two entities, of moments that only go forward.
static inline void rounds_append(struct rounds *r, unsigned count)
{
    struct rerun rerun = {0};
    r->f.rerun = &rerun;
    for (unsigned i = 0; i < count; i++) {
        unsigned n = r->appended + i;
        REQUIRE(append_of(&r->f,
            "{'type':'was_seen','target':'order_%u','id':'e%u','actor':'user "
            "\\u00e9','timestamp':'2026-01-%02uT%02u:%02u:00Z',"
            "'data':{'n':%u.10}%s}",
            n % 2, n, 1 + n / 1440 % 28, n / 60 % 24, n % 60, n, n % 3 ? "" : ",'metadata':{'x':1}"));
    }
    r->f.rerun = NULL;
    rerun_free(&rerun);
}

static inline int rounds_flush(struct rounds *r, struct reason *why)
{
    struct committer c;
    struct flush_result done = {0};
    int error = committer_open(&c, &r->options, r->f.path, store_alphabet(r->f.store), NULL, why);
    if (!error)
        error = flush_run(&c, r->f.store, &r->f.number, 1, &done, why);
    committer_close(&c);
    return error;
}

// Appends and flushes in a child that is killed at a step (0: at none). True when it was.
static inline bool rounds_run(struct rounds *r, unsigned count, unsigned stop_at)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct reason why = {0};
        fixture_start(&r->f);
        rounds_append(r, count);
        rounds_stop_at = stop_at;
        lake_at_step = rounds_kill;
        int error = rounds_flush(r, &why);
        if (error)
            printf("# flush: %s: %s\n", strerror(-error), why.text);
        fflush(stdout);
        fixture_stop(&r->f);
        _exit(error != 0);
    }
    int status;
    REQUIRE(pid < 0 || waitpid(pid, &status, 0) != pid);
    r->appended += count;
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    CHECK(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return killed;
}

// ---- what must be so

struct rounds_seen {
    struct rounds *rounds;
    uint64_t files, rows;
};

static inline void rounds_take(void *context, const struct check_tenant *tenant)
{
    struct rounds_seen *seen = context;
    seen->files += tenant->files;
    seen->rows += tenant->rows;
    if (tenant->wrong.text[0]) {
        check_ok = false;
        printf("# %s: %s\n", tenant->name, tenant->wrong.text);
    }
    CHECK_INT(tenant->position, seen->rounds->appended);
}

struct rounds_count {
    uint64_t data, avro;
};

static inline int rounds_see(void *context, struct slice key, uint64_t size_bytes, int64_t changed_at_us)
{
    struct rounds_count *count = context;
    (void)size_bytes, (void)changed_at_us;
    count->data += key.size > 5 && !memcmp(key.at, "data/", 5);
    count->avro += key.size > 5 && !memcmp(key.at + key.size - 5, ".avro", 5);
    return 0;
}

// The files that the table names, and no others.
static inline void rounds_check_files(struct committer *c, uint64_t data_files)
{
    struct rounds_count count = {0};
    struct reason why = {0};
    struct slice snapshots;
    struct manifest *rows;
    size_t manifests;
    ARENA_AUTO arena = {0};
    CHECK_INT(objects_list(c->table.objects, "", rounds_see, &count, &why), 0);
    CHECK_INT(committer_manifests(c, &arena, &rows, &manifests, &why), 0);
    CHECK(json_member(bytes_slice(&c->table.metadata), "snapshots", &snapshots));
    CHECK_INT(count.data, data_files);
    CHECK_INT(count.avro, manifests + json_count(snapshots));
}

static inline void rounds_check(struct rounds *r, bool files)
{
    struct survey survey;
    struct committer c = {.journal.fd = -1};
    struct reason why = {0};
    struct rounds_seen seen = {.rounds = r};
    REQUIRE(survey_open(&survey, r->f.path, &why));
    CHECK_INT(committer_open(&c, &r->options, NULL, survey.alphabet, NULL, &why), 0);
    CHECK_INT(committer_load(&c, false, &why), 0);
    struct check check = {.committer = &c, .survey = &survey, .tenant = rounds_take, .context = &seen};
    CHECK_INT(check_run(&check, &why), 0);
    CHECK(check.whole);
    CHECK_INT(seen.rows, r->appended);
    if (files)
        rounds_check_files(&c, seen.files);
    if (why.text[0])
        printf("# %s\n", why.text);
    committer_close(&c);
    survey_close(&survey);
}
