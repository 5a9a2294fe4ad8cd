#include "hooks/lake/expire.h"

#include "hooks/lake/metadata.h"
#include "hooks/lake/reach.h"
#include "hooks/lake/removals.h"
#include "hooks/lake/step.h"
#include "hooks/lake/stop.h"
#include "store/grow.h"
#include "store/json.h"
#include "store/when.h"

#include <errno.h>
#include <stdlib.h>

// ---- which snapshots go

struct snapshot {
    int64_t id, parent, at_us;
    struct slice text;
    bool stays;
};

struct snapshots {
    struct snapshot *all; // by id
    size_t count, room;
};

static int by_id(const void *a, const void *b)
{
    const struct snapshot *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static struct snapshot *find_snapshot(const struct snapshots *s, int64_t id)
{
    struct snapshot key = {.id = id};
    return s->count ? bsearch(&key, s->all, s->count, sizeof key, by_id) : NULL;
}

static int read_snapshots(struct snapshots *s, struct slice metadata, struct reason *why)
{
    struct slice all, text;
    if (!json_member(metadata, "snapshots", &all) || json_kind(all) != JSON_ARRAY)
        return 0;
    for (struct json_cursor c = json_enter(all); json_next_element(&c, &text);) {
        struct snapshot one = {.text = text, .parent = NO_SNAPSHOT};
        if (json_kind(text) != JSON_OBJECT || !metadata_number(text, "snapshot-id", &one.id) ||
            !metadata_number(text, "timestamp-ms", &one.at_us))
            return reason_set(why, -EIO, "a snapshot of the table has no id or no time");
        metadata_number(text, "parent-snapshot-id", &one.parent);
        one.at_us *= 1000;
        if (!GROW(s->all, s->count, s->room))
            return -ENOMEM;
        s->all[s->count++] = one;
    }
    qsort(s->all, s->count, sizeof *s->all, by_id);
    return 0;
}

// The snapshot and the last `most` that it came from, itself counted, stay.
static void keep_ancestors(struct snapshots *s, int64_t id, size_t most)
{
    struct snapshot *at = find_snapshot(s, id);
    for (size_t i = 0; at && i < most && i < s->count; i++, at = find_snapshot(s, at->parent))
        at->stays = true;
}

// Others may have named snapshots; what they named stays, with all that it came from.
static void keep_named(struct snapshots *s, struct slice metadata)
{
    struct slice refs, name, ref;
    int64_t id;
    if (!json_member(metadata, "refs", &refs) || json_kind(refs) != JSON_OBJECT)
        return;
    for (struct json_cursor c = json_enter(refs); json_next_member(&c, &name, &ref);) {
        if (!json_key_is(name, "main") && json_kind(ref) == JSON_OBJECT && metadata_number(ref, "snapshot-id", &id))
            keep_ancestors(s, id, SIZE_MAX);
    }
}

static size_t choose(struct snapshots *s, struct slice metadata, const struct expire_policy *policy)
{
    int64_t since_us = when_now_us() - policy->age_us;
    size_t going = 0, kept = policy->snapshots_kept ? policy->snapshots_kept : 1;
    keep_ancestors(s, metadata_current(metadata), kept);
    keep_named(s, metadata);
    for (size_t i = 0; i < s->count; i++) {
        // Also one that main does not come from: somebody may be at work.
        s->all[i].stays = s->all[i].stays || s->all[i].at_us >= since_us;
        going += !s->all[i].stays;
    }
    return going;
}

// ---- what they alone reach

static int reach_all(struct committer *c, const struct snapshots *s, struct reach *reach, struct reason *why)
{
    int error = 0;
    for (size_t i = 0; !error && i < s->count; i++) {
        if (stop_is_set(c->stop))
            return -ECANCELED;
        if (s->all[i].stays)
            error = reach_walk(c, s->all[i].text, &(struct reach_walk){.seen = reach}, why);
    }
    return error;
}

struct noting {
    struct committer *committer;
    struct removals *removals;
    int64_t at_us;
    uint64_t count;
};

static int note(void *context, struct slice name)
{
    struct noting *n = context;
    BYTES_AUTO uri = {0};
    bytes_add_slice(&uri, name);
    bytes_add_char(&uri, '\0');
    if (uri.failed)
        return -ENOMEM;
    const char *key = objects_key(n->committer->table.objects, uri.at);
    if (!key)
        return 0;
    n->count++;
    return removals_add(n->removals, n->at_us, slice_of(key));
}

static int note_files(struct committer *c, const struct snapshots *s, struct noting *noting, struct reason *why)
{
    REACH_AUTO live = {0};
    REACH_AUTO seen = {0};
    struct reach_walk walk = {.seen = &seen, .except = &live, .also_deleted = true, .visit = note, .context = noting};
    int error = reach_all(c, s, &live, why);
    for (size_t i = 0; !error && i < s->count; i++) {
        if (stop_is_set(c->stop))
            return -ECANCELED;
        if (!s->all[i].stays)
            error = reach_walk(c, s->all[i].text, &walk, why);
    }
    return error ? error : removals_save(noting->removals, why);
}

static int remove_snapshots(struct committer *c, const struct snapshots *s, struct reason *why)
{
    BYTES_AUTO requirements = {0};
    BYTES_AUTO updates = {0};
    const char *comma = "";
    bytes_printf(&requirements, "[{\"type\":\"assert-table-uuid\",\"uuid\":\"%s\"}]", c->journal.table);
    bytes_add_text(&updates, "[{\"action\":\"remove-snapshots\",\"snapshot-ids\":[");
    for (size_t i = 0; i < s->count; i++) {
        if (!s->all[i].stays) {
            bytes_printf(&updates, "%s%lld", comma, (long long)s->all[i].id);
            comma = ",";
        }
    }
    bytes_add_text(&updates, "]}]");
    lake_step("expiring");
    bool failed = requirements.failed || updates.failed;
    int error = failed ? -ENOMEM : committer_change(c, bytes_slice(&requirements), bytes_slice(&updates), why);
    lake_step("expired");
    return error;
}

static int expire_snapshots(struct committer *c, const struct expire_policy *policy, struct removals *removals,
    struct expired *expired, struct reason *why)
{
    struct snapshots s = {0};
    struct noting noting = {.committer = c, .removals = removals, .at_us = when_now_us() + policy->grace_us};
    int error = read_snapshots(&s, committer_metadata(c), why);
    size_t going = error ? 0 : choose(&s, committer_metadata(c), policy);
    if (!error && going) {
        error = note_files(c, &s, &noting, why);
        expired->noted += noting.count;
        if (!error)
            error = remove_snapshots(c, &s, why);
        if (!error)
            expired->snapshots += going;
    }
    free(s.all);
    return error;
}

// ---- what may go by now

static bool is_due(const struct removals *removals)
{
    struct removal at = {.rest = bytes_slice(&removals->lines)};
    int64_t now_us = when_now_us();
    while (removals_next(&at)) {
        if (at.at_us <= now_us)
            return true;
    }
    return false;
}

struct sweep_of_due {
    struct committer *committer;
    struct reach live, kept; // what the table reaches; what stays noted
    struct removals left;
    int64_t now_us, again_us;
    uint64_t *removed;
};

// A file that a snapshot still reaches, since that could not be removed, stays noted for the next time.
static int look_at_due(struct sweep_of_due *s, const struct removal *at, struct reason *why)
{
    bool stays = true;
    int error = 0;
    if (at->at_us <= s->now_us) {
        error =
            stop_is_set(s->committer->stop) ? -ECANCELED : reach_remove(s->committer, &s->live, at->key, &stays, why);
        *s->removed += !error && !stays;
    }
    if ((stays || error) && reach_add(&s->kept, at->key))
        removals_add(&s->left, at->at_us <= s->now_us && !error ? s->again_us : at->at_us, at->key);
    return error;
}

// Those that are due are looked at; behind an error all stay as they are.
static int look_at_all_due(struct sweep_of_due *s, const struct removals *removals, struct reason *why)
{
    struct removal at = {.rest = bytes_slice(&removals->lines)};
    int error = 0;
    while (!error && removals_next(&at))
        error = look_at_due(s, &at, why);
    while (removals_next(&at))
        removals_add(&s->left, at.at_us, at.key);
    return s->left.lines.failed || s->kept.failed ? -ENOMEM : error;
}

static int remove_due(struct committer *c, const struct expire_policy *policy, struct removals *removals,
    struct expired *expired, struct reason *why)
{
    struct sweep_of_due s = {.committer = c, .left = *removals, .now_us = when_now_us(), .removed = &expired->removed};
    if (!is_due(removals))
        return 0;
    s.left.lines = (struct bytes){0};
    s.again_us = s.now_us + policy->grace_us;
    int error = reach_hint(c, why);
    if (!error)
        error = reach_table(c, &s.live, why);
    if (!error) {
        error = look_at_all_due(&s, removals, why);
        if (!s.left.lines.failed && !s.kept.failed) {
            bytes_free(&removals->lines);
            removals->lines = s.left.lines;
            removals->changed = true;
            s.left.lines = (struct bytes){0};
            int saved = removals_save(removals, why);
            error = error ? error : saved;
        }
    }
    bytes_free(&s.left.lines);
    reach_clear(&s.live);
    reach_clear(&s.kept);
    return error;
}

// ---- documents of metadata

struct documents {
    struct committer *committer;
    uint64_t first_kept, *removed;
    struct reason *why;
};

static int see_document(void *context, struct slice key, uint64_t size_bytes, int64_t changed_at_us)
{
    struct documents *d = context;
    uint64_t number;
    char name[64];
    (void)size_bytes, (void)changed_at_us;
    if (!lake_document_number(key, &number) || number >= d->first_kept)
        return 0;
    snprintf(name, sizeof name, "%.*s", SLICE_ARG(key));
    lake_step("removing");
    int error = objects_remove(d->committer->table.objects, name, d->why);
    *d->removed += !error;
    return error;
}

static int remove_documents(
    struct committer *c, const struct expire_policy *policy, struct expired *expired, struct reason *why)
{
    if (c->table.number <= policy->documents_kept)
        return 0;
    struct documents d = {.committer = c,
        .first_kept = c->table.number - policy->documents_kept,
        .removed = &expired->removed,
        .why = why};
    int error = reach_hint(c, why);
    return error ? error : objects_list(c->table.objects, "metadata/v", see_document, &d, why);
}

int expire(struct committer *c, const struct expire_policy *policy, struct expired *expired, struct reason *why)
{
    struct removals removals;
    *expired = (struct expired){0};
    // A change whose outcome is not known yet.
    if (c->journal.lines.size)
        return 0;
    int error = removals_open(&removals, c->journal.path, why);
    if (!error)
        error = remove_due(c, policy, &removals, expired, why);
    if (!error)
        error = expire_snapshots(c, policy, &removals, expired, why);
    if (!error)
        error = remove_documents(c, policy, expired, why);
    removals_close(&removals);
    return error;
}
