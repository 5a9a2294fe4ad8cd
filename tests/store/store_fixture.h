// A store in a directory of its own for the tests of what is above the engine: it has one tenant, `acme`, with a
// reader. Events are given as JSON text; each append waits for its answer. What is asked comes back as text, or as the
// name of the error (`ENOENT`), so that a test is one line: CHECK_TEXT(state_of(&f, "contact_a"), "{\"n\":1}"); What
// fails here without being asked about ends the program: nothing behind it could be believed.
#pragma once

#include "store/history.h"
#include "store/json.h"
#include "store/store.h"
#include "store/stream.h"
#include "tests/store/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALL UINT32_MAX

struct fixture {
    char path[96];
    struct store *store;
    struct tenant *tenant;
    uint32_t number;
    struct reader reader;
    tenant_observer *observer;
    void *observer_context;
    const struct reactor *reactor; // NULL: nothing reacts
    const char *entity;            // whose `append` is written to; NULL: the tenant's
    const char *actor;             // NULL: user_test
    struct rerun *rerun;           // what is appended comes through this file of an import; NULL: it does not

    // the last answer
    int error;
    unsigned line;
    uint32_t version;
    char why[sizeof(struct reason)];
    struct bytes receipts;

    struct bytes texts[16]; // what was answered as text, the oldest overwritten
    unsigned next_text;
};

#define REQUIRE(zero)                                                                                                  \
    do {                                                                                                               \
        long long e_ = (long long)(zero);                                                                              \
        if (e_) {                                                                                                      \
            printf("Bail out! %s:%d: %s is %lld\n", __FILE__, __LINE__, #zero, e_);                                    \
            exit(EXIT_FAILURE);                                                                                        \
        }                                                                                                              \
    } while (0)

// ---- text

// The text with " for each '; it lives until 16 others were made.
static inline const char *json_of(const char *text)
{
    static struct bytes texts[16];
    static unsigned next;
    struct bytes *out = &texts[next++ % 16];
    bytes_clear(out);
    bytes_add(out, text, strlen(text) + 1);
    for (size_t i = 0; i < out->size; i++)
        if (out->at[i] == '\'')
            out->at[i] = '"';
    return out->at;
}

#define CHECK_JSON(actual, text) CHECK_TEXT(actual, json_of(text))

// ---- chance, the same in each run

static uint64_t chance_state = 88172645463325252u;

static inline uint64_t chance(uint64_t below)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (chance_state >> 11) % below;
}

// ---- the directory

static inline void directory_make(char path[static 96])
{
    const char *base = getenv("TMPDIR");
    snprintf(path, 96, "%.60s/factfs-test-XXXXXX", base && *base ? base : "/tmp");
    REQUIRE(mkdtemp(path) == NULL);
}

// Removes a directory that holds nothing but files.
static inline void directory_remove(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char file[512];
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        unlink(file);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

static inline void file_copy(const char *from, const char *to)
{
    static char block[65536];
    FILE *in = fopen(from, "re"), *out = fopen(to, "we");
    REQUIRE(!in || !out);
    for (size_t size; (size = fread(block, 1, sizeof block, in));)
        REQUIRE(fwrite(block, 1, size, out) != size);
    fclose(in);
    REQUIRE(fclose(out));
}

static inline void directory_copy(const char *from, const char *to)
{
    DIR *dir = opendir(from);
    REQUIRE(!dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char source[512], target[512];
        snprintf(source, sizeof source, "%.96s/%s", from, entry->d_name);
        snprintf(target, sizeof target, "%.96s/%s", to, entry->d_name);
        if (entry->d_name[0] != '.')
            file_copy(source, target);
    }
    closedir(dir);
}

// Changes a file of the directory by SQL, behind the store's back.
static inline void file_sql(const char *directory, const char *name, const char *sql)
{
    char path[200];
    sqlite3 *db;
    char *message = NULL;
    snprintf(path, sizeof path, "%.96s/%s", directory, name);
    REQUIRE(sqlite3_open(path, &db));
    if (sqlite3_exec(db, sql, NULL, NULL, &message))
        printf("# %s: %s\n", sql, message);
    REQUIRE(message);
    sqlite3_close(db);
}

// Changes one bit of a file, where chance wants it, or now and then (`bytes`) a whole byte. Where.
static inline off_t file_flip(const char *path, bool bytes)
{
    struct stat file;
    unsigned char byte;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    REQUIRE(fd < 0 || fstat(fd, &file));
    off_t at = (off_t)chance((uint64_t)file.st_size);
    REQUIRE(pread(fd, &byte, 1, at) != 1);
    byte ^= (unsigned char)(!bytes || chance(2) ? 1u << chance(8) : 1 + chance(255));
    REQUIRE(pwrite(fd, &byte, 1, at) != 1);
    close(fd);
    return at;
}

// What the store says on stderr about damage is not shown until `quiet(false)`.
static inline void quiet(bool on)
{
    static int saved = -1;
    fflush(stderr);
    if (on && saved < 0) {
        saved = dup(STDERR_FILENO);
        REQUIRE(!freopen("/dev/null", "w", stderr));
    } else if (!on && saved >= 0) {
        dup2(saved, STDERR_FILENO);
        close(saved);
        saved = -1;
    }
}

// ---- opening and closing

static inline void fixture_start(struct fixture *f)
{
    struct reason why = {0};
    struct tenant_info info = {.name = "acme", .uid = 1000, .gid = 1000, .mode = 0755};
    int error = store_open(&f->store, f->path, f->observer, f->observer_context, &why);
    if (error)
        printf("# %s\n", why.text);
    REQUIRE(error);
    store_set_reactor(f->store, f->reactor);
    if (store_find(f->store, SLICE("acme"), &info) == -ENOENT)
        REQUIRE(store_make(f->store, &info));
    f->number = info.number;
    REQUIRE(store_get(f->store, f->number, &f->tenant));
    REQUIRE(reader_open(&f->reader, f->tenant, &why));
}

static inline void fixture_stop(struct fixture *f)
{
    reader_close(&f->reader);
    store_put(f->store, f->tenant);
    store_close(f->store);
}

// 0, or why the tenant, which may be damaged, cannot be opened; the store is closed then.
static inline int fixture_try(struct fixture *f)
{
    struct reason why = {0};
    struct tenant_info info;
    REQUIRE(store_open(&f->store, f->path, NULL, NULL, &why));
    REQUIRE(store_find(f->store, SLICE("acme"), &info));
    int error = store_get(f->store, info.number, &f->tenant);
    if (error) {
        store_close(f->store);
        return error;
    }
    REQUIRE(reader_open(&f->reader, f->tenant, &why));
    return 0;
}

// `f` may have its observer set.
static inline void fixture_open(struct fixture *f)
{
    directory_make(f->path);
    fixture_start(f);
}

static inline void fixture_reopen(struct fixture *f)
{
    fixture_stop(f);
    fixture_start(f);
}

// Opens a copy of the whole store.
static inline void fixture_copy(struct fixture *f, struct fixture *copy)
{
    fixture_stop(f);
    directory_make(copy->path);
    directory_copy(f->path, copy->path);
    fixture_start(f);
    fixture_start(copy);
}

static inline void fixture_free_texts(struct fixture *f)
{
    bytes_free(&f->receipts);
    for (unsigned i = 0; i < 16; i++)
        bytes_free(&f->texts[i]);
}

static inline void fixture_close(struct fixture *f)
{
    fixture_stop(f);
    directory_remove(f->path);
    fixture_free_texts(f);
}

// ---- submitting

static inline void fixture_post(struct submission *s)
{
    sem_post(s->context);
}

// Submits, waits for the answer and keeps it; frees the submission. The error.
static inline int fixture_submit(struct fixture *f, struct submission *s)
{
    sem_t answered;
    sem_init(&answered, 0, 0);
    s->answer = fixture_post;
    s->context = &answered;
    tenant_submit(f->tenant, s);
    while (sem_wait(&answered))
        ;
    sem_destroy(&answered);
    f->error = s->error;
    f->line = s->line;
    f->version = s->version;
    memcpy(f->why, s->why.text, sizeof f->why);
    bytes_clear(&f->receipts);
    bytes_add_slice(&f->receipts, bytes_slice(&s->receipts));
    submission_free(s);
    return f->error;
}

static inline int submission_add(struct submission *s, struct slice value, const struct draft_origin *origin)
{
    unsigned i = s->draft_count;
    if ((i & (i - 1)) == 0) {
        size_t room = i ? 2 * i : 1;
        struct draft *drafts = arena_get(&s->arena, room * sizeof *drafts);
        struct slice *inputs = arena_get(&s->arena, room * sizeof *inputs);
        REQUIRE(!drafts || !inputs);
        if (i) {
            memcpy(drafts, s->drafts, i * sizeof *drafts);
            memcpy(inputs, s->inputs, i * sizeof *inputs);
        }
        s->drafts = drafts;
        s->inputs = inputs;
    }
    s->inputs[i] = arena_copy(&s->arena, value);
    s->drafts[i].line = s->line = i + 1;
    int error = draft_read(&s->drafts[i], s->inputs[i], origin, &s->arena, &s->why);
    if (!error) {
        s->draft_count++;
        s->line = 0;
    }
    return error;
}

// The events of a text: JSON values one after the other, the elements of an array each. NULL, with f->error, f->line
// and f->why, when one of them is not well formed.
static inline struct submission *fixture_events(struct fixture *f, struct slice text)
{
    struct submission *s = submission_new(SUBMIT_EVENTS);
    struct draft_origin origin = {.tenant = SLICE("acme"),
        .entity = slice_of(f->entity ? f->entity : ""),
        .actor = slice_of(f->actor ? f->actor : "user_test"),
        .imports = f->rerun != NULL};
    struct json_scanner scanner;
    json_scanner_init(&scanner);
    s->wants_receipts = true;
    s->rerun = f->rerun;
    s->path = SLICE("append");
    int error = 0;
    for (size_t used; !error && text.size; text.at += used, text.size -= used) {
        enum json_found found = json_scan(&scanner, text.at, text.size, &used, &s->why);
        if (found == JSON_MORE && json_scanner_idle(&scanner))
            break;
        if (found != JSON_VALUE) {
            error = -EINVAL;
            break;
        }
        struct slice value = {.at = text.at, .size = used}, element;
        if (json_kind(value) != JSON_ARRAY)
            error = submission_add(s, value, &origin);
        struct json_cursor c = json_enter(value);
        while (json_kind(value) == JSON_ARRAY && !error && json_next_element(&c, &element))
            error = submission_add(s, element, &origin);
    }
    if (!error)
        return s;
    f->error = error;
    f->line = s->line;
    memcpy(f->why, s->why.text, sizeof f->why);
    submission_free(s);
    return NULL;
}

static inline int append_slice(struct fixture *f, struct slice events)
{
    struct submission *s = fixture_events(f, events);
    return s ? fixture_submit(f, s) : f->error;
}

// All events of the text in one submission. 0 or -errno; see also f->why, f->line and f->receipts.
static inline int append(struct fixture *f, const char *events)
{
    return append_slice(f, slice_of(json_of(events)));
}

__attribute__((format(printf, 2, 3))) static inline int append_of(struct fixture *f, const char *format, ...)
{
    char *events;
    va_list args;
    va_start(args, format);
    REQUIRE(vasprintf(&events, format, args) < 0);
    va_end(args);
    int error = append(f, events);
    free(events);
    return error;
}

// One event.
static inline int event(struct fixture *f, const char *target, const char *type, const char *data)
{
    return append_of(f, "{'type':'%s','target':'%s','data':%s}", type, target, data);
}

static inline struct submission *whole_state(
    struct fixture *f, enum submission_kind kind, const char *entity, const char *text)
{
    struct submission *s = submission_new(kind);
    s->entity = arena_copy(&s->arena, slice_of(entity));
    s->actor = arena_copy(&s->arena, slice_of(f->actor ? f->actor : "user_test"));
    s->document = arena_copy(&s->arena, slice_of(text));
    s->path = SLICE("state.json");
    return s;
}

static inline int write_document(struct fixture *f, const char *entity, uint32_t base_version, const char *document)
{
    struct submission *s = whole_state(f, SUBMIT_DOCUMENT, entity, json_of(document));
    s->base_version = base_version;
    return fixture_submit(f, s);
}

static inline int roll_back(struct fixture *f, const char *entity, const char *when)
{
    struct submission *s = whole_state(f, SUBMIT_ROLLBACK, entity, when);
    s->when_text = s->document;
    REQUIRE(when_parse(s->when_text, &s->when));
    return fixture_submit(f, s);
}

// ---- asking

static inline struct bytes *next_text(struct fixture *f)
{
    struct bytes *text = &f->texts[f->next_text++ % 16];
    bytes_clear(text);
    return text;
}

static inline struct slice error_text(int error)
{
    return slice_of(strerrorname_np(-error));
}

// The line of an event, without its newline.
static inline struct slice line_of(struct fixture *f, uint64_t position)
{
    struct event_row row;
    struct bytes *text = next_text(f);
    int error = history_event(&f->reader, position, &row);
    if (error)
        return error_text(error);
    bytes_add_slice(text, row.line);
    return bytes_slice(text);
}

// A member of an object as it stands there, strings with their quotes; empty when there is none.
static inline struct slice member_of(struct slice object, const char *name)
{
    struct slice value;
    return object.size && object.at[0] == '{' && json_member(object, name, &value) ? value : SLICE("");
}

static inline struct slice data_of(struct fixture *f, uint64_t position)
{
    return member_of(line_of(f, position), "data");
}

static inline struct slice type_of(struct fixture *f, uint64_t position)
{
    return member_of(line_of(f, position), "type");
}

// A string member without its quotes.
static inline struct slice text_member(struct slice object, const char *name)
{
    struct slice quoted = member_of(object, name);
    return quoted.size < 2 ? quoted : (struct slice){.at = quoted.at + 1, .size = quoted.size - 2};
}

static inline struct slice id_of(struct fixture *f, uint64_t position)
{
    return text_member(line_of(f, position), "id");
}

static inline int64_t moment_of(struct fixture *f, uint64_t position)
{
    int64_t at_us = INT64_MIN;
    when_parse_moment(text_member(line_of(f, position), "timestamp"), &at_us);
    return at_us;
}

static inline uint64_t entity_id(struct fixture *f, const char *entity)
{
    struct head head = {0};
    return history_head(&f->reader, slice_of(entity), &head) ? 0 : head.id;
}

static inline uint32_t version_of(struct fixture *f, const char *entity)
{
    struct head head = {0};
    return history_head(&f->reader, slice_of(entity), &head) ? 0 : head.version;
}

// The fields of an entity at a version, ALL for now; `deleted` when it is gone.
static inline struct slice state_at(struct fixture *f, const char *entity, uint32_t version)
{
    STATE_AUTO state = NULL;
    struct head head;
    struct bytes *text = next_text(f);
    int error = history_head(&f->reader, slice_of(entity), &head);
    if (!error)
        error = history_state(&f->reader, head.id, version == ALL ? head.version : version, &state);
    if (error)
        return error_text(error);
    if (!state->alive)
        return SLICE("deleted");
    bytes_add_slice(text, state->fields);
    return bytes_slice(text);
}

static inline struct slice state_of(struct fixture *f, const char *entity)
{
    return state_at(f, entity, ALL);
}

// The version that WHEN names, or -errno.
static inline long resolve(struct fixture *f, const char *entity, const char *when, bool *forever)
{
    struct head head;
    struct when read;
    uint32_t version;
    int error = history_head(&f->reader, slice_of(entity), &head);
    if (!error)
        error = when_parse(slice_of(when), &read);
    if (!error)
        error = history_resolve(&f->reader, head.id, &read, &version, forever);
    return error ? error : (long)version;
}

// A whole stream: of an entity, or of the tenant (NULL).
static inline struct slice stream_of(struct fixture *f, const char *entity)
{
    struct bytes *text = next_text(f);
    struct stream_place place = {0};
    uint64_t id = entity ? entity_id(f, entity) : 0;
    for (;;) {
        char *to = bytes_reserve(text, 65536);
        size_t got = 0;
        int error = entity ? stream_read_entity(&f->reader, id, &place, text->size, to, 65536, &got)
                           : stream_read_log(&f->reader, &place, text->size, to, 65536, &got);
        if (error)
            return error_text(error);
        if (!got)
            return bytes_slice(text);
        text->size += got;
    }
}

static inline struct slice rejected_of(struct fixture *f)
{
    struct bytes *text = next_text(f);
    struct stream_place place = {0};
    char *to = bytes_reserve(text, 1 << 20);
    size_t got = 0;
    int error = stream_read_rejected(&f->reader, &place, 0, to, 1 << 20, &got);
    text->size = got;
    return error ? error_text(error) : bytes_slice(text);
}

static inline uint64_t count_lines(struct slice text)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < text.size; i++)
        lines += text.at[i] == '\n';
    return lines;
}

// Does the text hold this one?
static inline bool text_has(struct slice text, const char *part)
{
    return memmem(text.at, text.size, part, strlen(part)) != NULL;
}
