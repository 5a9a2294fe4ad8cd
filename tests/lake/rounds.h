// Flushes that are ended by SIGKILL at a step, each in a process of its own, and what must be so afterwards: the table
// has each event once, byte for byte, and nothing lies about that it does not name.
//
// The store and the lake are in one directory. The test's own process never has the store open: a child's threads would
// be missing.
#pragma once

#include "hooks/lake/check.h"
#include "hooks/lake/compact.h"
#include "hooks/lake/expire.h"
#include "hooks/lake/flush.h"
#include "hooks/lake/metadata.h"
#include "hooks/lake/step.h"
#include "store/grow.h"
#include "tests/store/store_fixture.h"

#include <signal.h>
#include <sys/wait.h>

struct rounds {
    struct fixture f;
    struct lake_options options;
    unsigned appended; // events, in all rounds
    bool compacts;     // small files are merged after each flush
    // … and what this lets go goes; NULL: nothing.
    const struct expire_policy *expires;
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
    fixture_free_texts(&r->f);
}

// What an import brings, in one submission.
static inline void rounds_import(struct rounds *r, struct bytes *events)
{
    struct rerun rerun = {0};
    bytes_add_char(events, '\0');
    r->f.rerun = &rerun;
    REQUIRE(append(&r->f, events->at));
    r->f.rerun = NULL;
    rerun_free(&rerun);
}

// Events of two days and two entities, of moments that only go forward.
static inline void rounds_append(struct rounds *r, unsigned count)
{
    BYTES_AUTO events = {0};
    for (unsigned n = r->appended; n < r->appended + count; n++)
        bytes_printf(&events,
            "{'type':'was_seen','target':'order_%u','id':'e%u','actor':'user "
            "\\u00e9','timestamp':'2026-01-%02uT%02u:%02u:00Z',"
            "'data':{'n':%u.10}%s}",
            n % 2, n, 1 + n / 1440 % 28, n / 60 % 24, n % 60, n, n % 3 ? "" : ",'metadata':{'x':1}");
    if (count)
        rounds_import(r, &events);
}

static inline int rounds_flush(struct rounds *r, struct reason *why)
{
    struct committer c;
    struct flush_result done = {0};
    int error = committer_open(&c, &r->options, r->f.path, store_alphabet(r->f.store), NULL, why);
    if (!error)
        error = flush_run(&c, r->f.store, &r->f.number, 1, &done, why);
    struct compactor compactor = {0};
    struct compact_result merged = {0};
    if (!error && r->compacts)
        error = compact_run(&compactor, &c, when_now_us(), &merged, why);
    // What the first lets go, the second removes.
    struct expired expired;
    for (int i = 0; i < 2 && !error && r->expires; i++)
        error = expire(&c, r->expires, &expired, why);
    committer_close(&c);
    return error;
}

// Waits for a child that ends well or is killed at a step. True when it was killed.
static inline bool rounds_killed(pid_t pid)
{
    int status;
    REQUIRE(pid < 0 || waitpid(pid, &status, 0) != pid);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    CHECK(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return killed;
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
    r->appended += count;
    return rounds_killed(pid);
}

// ---- the table as it is, beside whoever has the store

struct rounds_look {
    struct survey survey;
    struct committer c;
};

static inline void rounds_look_begin(const struct rounds *r, struct rounds_look *l)
{
    struct reason why = {0};
    *l = (struct rounds_look){.c.journal.fd = -1};
    int error = survey_open(&l->survey, r->f.path, &why);
    if (!error)
        error = committer_open(&l->c, &r->options, NULL, l->survey.alphabet, NULL, &why);
    if (!error)
        error = committer_load(&l->c, false, &why);
    if (error)
        printf("# %s\n", why.text);
    REQUIRE(error);
}

static inline void rounds_look_end(struct rounds_look *l)
{
    committer_close(&l->c);
    survey_close(&l->survey);
}

// All snapshots of the table, as an array.
static inline struct slice rounds_snapshots(struct committer *c)
{
    struct slice all;
    REQUIRE(!json_member(committer_metadata(c), "snapshots", &all));
    return all;
}

// ---- what must be so

struct rounds_seen {
    struct rounds *rounds;
    uint64_t rows;
};

static inline void rounds_take(void *context, const struct check_tenant *tenant)
{
    struct rounds_seen *seen = context;
    seen->rows += tenant->rows;
    if (tenant->wrong.text[0]) {
        check_ok = false;
        printf("# %s: %s\n", tenant->name, tenant->wrong.text);
    }
    CHECK_INT(tenant->position, seen->rounds->appended);
}

// The names of files, each once.
struct rounds_names {
    char (*all)[240];
    size_t count, room;
};

static inline void rounds_name(struct rounds_names *names, struct slice name)
{
    REQUIRE(!GROW(names->all, names->count, names->room));
    snprintf(names->all[names->count++], sizeof *names->all, "%.*s", SLICE_ARG(name));
}

static inline int rounds_by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static inline void rounds_sort(struct rounds_names *names)
{
    size_t kept = 0;
    if (names->count)
        qsort(names->all, names->count, sizeof *names->all, rounds_by_name);
    for (size_t i = 0; i < names->count; i++)
        if (!kept || strcmp(names->all[kept - 1], names->all[i]) != 0)
            memmove(names->all[kept++], names->all[i], sizeof *names->all);
    names->count = kept;
}

static inline int rounds_see(void *context, struct slice key, uint64_t size_bytes, int64_t changed_at_us)
{
    (void)size_bytes, (void)changed_at_us;
    bool metadata =
        key.size > 5 && (!memcmp(key.at + key.size - 5, ".json", 5) || !memcmp(key.at + key.size - 5, ".text", 5));
    if (!metadata)
        rounds_name(context, key);
    return 0;
}

struct rounds_walk {
    struct rounds_names names;
    struct objects *objects;
};

static inline void rounds_named(struct rounds_walk *walk, struct slice uri)
{
    char text[400];
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(uri));
    const char *key = objects_key(walk->objects, text);
    REQUIRE(!key);
    rounds_name(&walk->names, slice_of(key));
}

static inline int rounds_entry(void *context, const struct manifest_entry *entry)
{
    if (entry->status != ENTRY_DELETED)
        rounds_named(context, entry->file.path);
    return 0;
}

// All that any snapshot of the table is made of.
static inline void rounds_walk_snapshots(struct committer *c, struct rounds_walk *walk)
{
    struct slice snapshot;
    struct reason why = {0};
    struct json_cursor cursor = json_enter(rounds_snapshots(c));
    while (json_next_element(&cursor, &snapshot)) {
        BYTES_AUTO uri = {0};
        BYTES_AUTO file = {0};
        ARENA_AUTO arena = {0};
        struct manifest *rows;
        size_t count;
        CHECK(metadata_text(snapshot, "manifest-list", &uri));
        rounds_named(walk, bytes_slice(&uri));
        CHECK_INT(objects_get(c->table.objects, walk->names.all[walk->names.count - 1], &file, &why), 0);
        CHECK_INT(manifest_list_read(bytes_slice(&file), &arena, &rows, &count, &why), 0);
        for (size_t i = 0; i < count; i++) {
            rounds_named(walk, rows[i].path);
            CHECK_INT(committer_manifest(c, &rows[i], rounds_entry, walk, &why), 0);
        }
    }
}

// The files that the table names, and no others.
static inline void rounds_check_files(struct committer *c)
{
    struct rounds_walk walk = {.objects = c->table.objects};
    struct rounds_names there = {0};
    struct reason why = {0};
    rounds_walk_snapshots(c, &walk);
    CHECK_INT(objects_list(c->table.objects, "", rounds_see, &there, &why), 0);
    rounds_sort(&walk.names);
    rounds_sort(&there);
    CHECK_INT(there.count, walk.names.count);
    for (size_t i = 0; i < there.count && i < walk.names.count; i++)
        CHECK_TEXT(slice_of(there.all[i]), walk.names.all[i]);
    free(walk.names.all);
    free(there.all);
}

static inline void rounds_check(struct rounds *r, bool files)
{
    struct rounds_look l;
    struct reason why = {0};
    struct rounds_seen seen = {.rounds = r};
    rounds_look_begin(r, &l);
    struct check check = {.committer = &l.c, .survey = &l.survey, .tenant = rounds_take, .context = &seen};
    CHECK_INT(check_run(&check, &why), 0);
    CHECK(check.whole);
    CHECK_INT(seen.rows, r->appended);
    if (files)
        rounds_check_files(&l.c);
    if (why.text[0])
        printf("# %s\n", why.text);
    rounds_look_end(&l);
}
