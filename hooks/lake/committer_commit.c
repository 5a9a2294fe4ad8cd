// One change of the table, attempted until it is known to be in it, or out of it.
#include "hooks/lake/committer.h"
#include "hooks/lake/metadata.h"
#include "hooks/lake/step.h"
#include "hooks/lake/stop.h"
#include "store/json.h"
#include "store/when.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define ATTEMPTS_MAX  10u
#define WAIT_LEAST_MS 50u
#define WAIT_MOST_MS  5000u
#define KEY_MAX       160

int commit_begin(struct committer *c, struct commit *commit, const char *operation, struct reason *why)
{
    *commit = (struct commit){.operation = operation};
    uint64_t number;
    int error = uuid_make(commit->id);
    if (error || getrandom(&number, sizeof number, 0) != sizeof number)
        return -EIO;
    // Readers that keep numbers as doubles shall have it exact.
    commit->snapshot = (int64_t)(number >> 11) | 1;
    return journal_begin(&c->journal, why);
}

void commit_clear(struct commit *commit)
{
    bytes_free(&commit->properties);
    bytes_free(&commit->summary);
}

// Waits before the attempt with this number. False when told to stop.
static bool wait_before(const struct committer *c, unsigned attempt)
{
    unsigned ms = attempt < 8 ? WAIT_LEAST_MS << attempt : WAIT_MOST_MS;
    return stop_wait(c->stop, ms < WAIT_MOST_MS ? ms : WAIT_MOST_MS);
}

static void add_count(struct bytes *out, const char *name, int64_t n)
{
    if (n)
        bytes_printf(out, ",\"%s\":\"%lld\"", name, (long long)n);
}

static void add_total(struct bytes *out, struct slice parent, const char *name, int64_t added, int64_t removed)
{
    bytes_printf(out, ",\"%s\":\"%lld\"", name, (long long)(metadata_total(parent, name) + added - removed));
}

static void add_summary(struct bytes *out, const struct commit *commit, struct slice parent)
{
    bytes_printf(out, "{\"operation\":\"%s\",\"factfs.commit-id\":\"%s\"", commit->operation, commit->id);
    if (commit->summary.size) {
        bytes_add_char(out, ',');
        bytes_add_slice(out, bytes_slice(&commit->summary));
    }
    add_count(out, "added-data-files", commit->added.files);
    add_count(out, "added-records", commit->added.rows);
    add_count(out, "added-files-size", commit->added.bytes);
    add_count(out, "deleted-data-files", commit->removed.files);
    add_count(out, "deleted-records", commit->removed.rows);
    add_count(out, "removed-files-size", commit->removed.bytes);
    add_count(out, "changed-partition-count", commit->partitions);
    add_total(out, parent, "total-data-files", commit->added.files, commit->removed.files);
    add_total(out, parent, "total-records", commit->added.rows, commit->removed.rows);
    add_total(out, parent, "total-files-size", commit->added.bytes, commit->removed.bytes);
    add_total(out, parent, "total-delete-files", 0, 0);
    add_total(out, parent, "total-position-deletes", 0, 0);
    add_total(out, parent, "total-equality-deletes", 0, 0);
    bytes_add_char(out, '}');
}

// What an attempt goes on from, and what it adds.
struct attempt {
    int64_t parent, sequence, at_ms;
    struct slice parent_snapshot; // .at NULL: there is none
    char list[KEY_MAX];
    struct bytes requirements, updates;
};

static void add_snapshot(
    struct bytes *out, const struct committer *c, const struct commit *commit, const struct attempt *a)
{
    bytes_printf(out, "{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":%lld,", (long long)commit->snapshot);
    if (a->parent != NO_SNAPSHOT)
        bytes_printf(out, "\"parent-snapshot-id\":%lld,", (long long)a->parent);
    bytes_printf(out, "\"sequence-number\":%lld,\"timestamp-ms\":%lld,\"manifest-list\":", (long long)a->sequence,
        (long long)a->at_ms);
    BYTES_AUTO uri = {0};
    bytes_printf(&uri, "%s/%s", c->table.objects->root, a->list);
    json_quote(out, bytes_slice(&uri));
    bytes_printf(out, ",\"schema-id\":%lld,\"summary\":", (long long)c->layout.id);
    add_summary(out, commit, a->parent_snapshot);
    bytes_add_text(out, "}}");
    out->failed = out->failed || uri.failed;
}

static void add_requirements(struct bytes *out, const struct committer *c, int64_t parent)
{
    bytes_printf(out,
        "[{\"type\":\"assert-table-uuid\",\"uuid\":\"%s\"},"
        "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":",
        c->journal.table);
    if (parent == NO_SNAPSHOT)
        bytes_add_text(out, "null}]");
    else
        bytes_printf(out, "%lld}]", (long long)parent);
}

static int make_attempt(const struct committer *c, const struct commit *commit, struct attempt *a)
{
    add_requirements(&a->requirements, c, a->parent);
    bytes_add_char(&a->updates, '[');
    add_snapshot(&a->updates, c, commit, a);
    bytes_printf(&a->updates,
        ",{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":%lld}",
        (long long)commit->snapshot);
    if (commit->properties.size) {
        bytes_add_text(&a->updates, ",{\"action\":\"set-properties\",\"updates\":{");
        bytes_add_slice(&a->updates, bytes_slice(&commit->properties));
        bytes_add_text(&a->updates, "}}");
    }
    bytes_add_char(&a->updates, ']');
    bool failed = a->requirements.failed || a->updates.failed || commit->properties.failed || commit->summary.failed;
    return failed ? -ENOMEM : 0;
}

static int put_list(struct committer *c, struct commit *commit, struct attempt *a, struct reason *why)
{
    ARENA_AUTO arena = {0};
    BYTES_AUTO file = {0};
    struct manifest *old, *rows;
    size_t old_count, count;
    int error = committer_manifests(c, &arena, &old, &old_count, why);
    if (!error)
        error = commit->list(commit->context, old, old_count, &arena, &rows, &count, why);
    if (error)
        return error;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].sequence < 0)
            rows[i].sequence = a->sequence;
        if (rows[i].min_sequence < 0)
            rows[i].min_sequence = a->sequence;
    }
    struct manifest_list_head head = {.snapshot = commit->snapshot, .parent = a->parent, .sequence = a->sequence};
    error = manifest_list_write(&file, &head, rows, count);
    return error ? error : committer_put(c, a->list, bytes_slice(&file), why);
}

static enum commit_outcome attempt(
    struct committer *c, struct commit *commit, unsigned number, int *error, struct reason *why)
{
    struct attempt a = {.parent = metadata_current(committer_metadata(c)), .at_ms = when_now_us() / 1000};
    int64_t before_ms = 0;
    metadata_number(committer_metadata(c), "last-sequence-number", &a.sequence);
    metadata_number(committer_metadata(c), "last-updated-ms", &before_ms);
    a.sequence++;
    if (a.at_ms < before_ms)
        a.at_ms = before_ms;
    if (!metadata_snapshot(committer_metadata(c), a.parent, &a.parent_snapshot))
        a.parent_snapshot = (struct slice){0};
    snprintf(a.list, sizeof a.list, "metadata/snap-%lld-%u-%s.avro", (long long)commit->snapshot, number, commit->id);
    enum commit_outcome outcome = COMMIT_FAILED;
    *error = put_list(c, commit, &a, why);
    if (!*error)
        *error = make_attempt(c, commit, &a);
    if (!*error)
        *error = journal_commit(&c->journal, a.parent, a.list, why);
    lake_step("committing");
    if (!*error)
        outcome =
            lake_catalog_commit(c->catalog, bytes_slice(&a.requirements), bytes_slice(&a.updates), &c->table, why);
    lake_step("committed");
    if (outcome == COMMIT_FAILED && !*error)
        *error = reason_set(why, -EIO, "the table cannot be changed");
    bytes_free(&a.requirements);
    bytes_free(&a.updates);
    return outcome;
}

// Until it answers. 0, -ECANCELED, -EINPROGRESS when it does not, or what forbids to go on.
static int load_again(struct committer *c, struct reason *why)
{
    int error = -EIO;
    struct reason said = {0};
    for (unsigned i = 0; i < ATTEMPTS_MAX; i++) {
        said = (struct reason){0};
        error = committer_load(c, false, &said);
        if (!error || error == -EXDEV || error == -ENOTSUP)
            break;
        if (!wait_before(c, i))
            return -ECANCELED;
        error = -EINPROGRESS;
    }
    return error ? reason_set(why, error, "%s", said.text) : 0;
}

static int take_outcome(
    struct committer *c, struct commit *commit, enum commit_outcome outcome, unsigned number, struct reason *why)
{
    struct slice snapshot;
    struct reason first = outcome == COMMIT_UNKNOWN ? *why : (struct reason){0};
    if (!wait_before(c, number))
        return outcome == COMMIT_UNKNOWN ? -EINPROGRESS : -ECANCELED;
    int error = load_again(c, &first);
    if (error) {
        *why = first;
        return error == -ECANCELED && outcome == COMMIT_UNKNOWN ? -EINPROGRESS : error;
    }
    if (metadata_snapshot(committer_metadata(c), commit->snapshot, &snapshot))
        return 1;
    return commit->holds(commit->context, c, why);
}

int committer_commit(struct committer *c, struct commit *commit, struct reason *why)
{
    bool unknown = false;
    int error = commit->holds(commit->context, c, why);
    if (error)
        return error == 1 ? 0 : error;
    for (unsigned number = 0; !error && number < ATTEMPTS_MAX; number++) {
        struct reason said = {0};
        enum commit_outcome outcome = attempt(c, commit, number, &error, &said);
        if (outcome == COMMIT_DONE)
            return committer_recognise(c, why);
        if (outcome == COMMIT_FAILED)
            return reason_set(why, unknown ? -EINPROGRESS : error, "%s", said.text);
        unknown = unknown || outcome == COMMIT_UNKNOWN;
        error = take_outcome(c, commit, outcome, number, &said);
        if (error < 0)
            return reason_set(why, error, "%s", said.text);
        if (error == 1)
            return 0;
    }
    return reason_set(why, error ? error : -EBUSY, "others change the table all the time");
}
