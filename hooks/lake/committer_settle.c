// What a change has left, once it is known what became of it.
#include "hooks/lake/committer.h"
#include "hooks/lake/metadata.h"
#include "hooks/lake/step.h"
#include "store/json.h"

#include <errno.h>

struct settling {
    struct committer *committer;
    struct slice lines; // of one change
    bool any_commit;
    bool open;   // an attempt may still come in
    bool landed; // one has
};

// Is it the list of a snapshot that the table has?
static bool is_listed(const struct committer *c, struct slice key)
{
    struct slice all, snapshot;
    size_t root = strlen(c->table.objects->root);
    if (!json_member(committer_metadata(c), "snapshots", &all) || json_kind(all) != JSON_ARRAY)
        return false;
    struct json_cursor cursor = json_enter(all);
    while (json_next_element(&cursor, &snapshot)) {
        BYTES_AUTO uri = {0};
        if (metadata_text(snapshot, "manifest-list", &uri) && uri.size == root + 1 + key.size &&
            !memcmp(uri.at + root + 1, key.at, key.size) && !memcmp(uri.at, c->table.objects->root, root))
            return true;
    }
    return false;
}

static bool is_noted(const struct settling *s, struct slice uri)
{
    size_t root = strlen(s->committer->table.objects->root);
    struct journal_line line = {.rest = s->lines};
    while (journal_next(&line))
        if (!line.is_commit && uri.size == root + 1 + line.key.size &&
            !memcmp(uri.at + root + 1, line.key.at, line.key.size))
            return true;
    return false;
}

static int see_entry(void *context, const struct manifest_entry *entry)
{
    struct settling *s = context;
    s->landed = s->landed || (entry->status != ENTRY_DELETED && is_noted(s, entry->file.path));
    return 0;
}

// A snapshot may have been expired since it came in: then what it brought is still in the current one.
static int look_for_files(struct settling *s, struct reason *why)
{
    ARENA_AUTO arena = {0};
    struct manifest *rows;
    size_t count;
    int error = committer_manifests(s->committer, &arena, &rows, &count, why);
    for (size_t i = 0; !error && !s->landed && i < count; i++) {
        s->landed = is_noted(s, rows[i].path);
        if (!s->landed)
            error = committer_manifest(s->committer, &rows[i], see_entry, s, why);
    }
    return error;
}

static void look_at_commits(struct settling *s)
{
    const struct committer *c = s->committer;
    int64_t current = metadata_current(committer_metadata(c));
    struct journal_line line = {.rest = s->lines};
    while (journal_next(&line)) {
        if (!line.is_commit)
            continue;
        s->any_commit = true;
        s->landed = s->landed || is_listed(c, line.key);
        s->open = s->open || line.parent == current;
    }
}

static bool is_list(const struct settling *s, struct slice key)
{
    struct journal_line line = {.rest = s->lines};
    while (journal_next(&line))
        if (line.is_commit && slice_equal(line.key, key))
            return true;
    return false;
}

// Of a change that came in all stays but the lists of the attempts that did not.
static int remove_noted(struct settling *s, struct reason *why)
{
    struct committer *c = s->committer;
    struct journal_line line = {.rest = s->lines};
    int error = 0;
    while (!error && journal_next(&line)) {
        if (line.is_commit || (s->landed && (!is_list(s, line.key) || is_listed(c, line.key))))
            continue;
        BYTES_AUTO key = {0};
        bytes_add_slice(&key, line.key);
        bytes_add_char(&key, '\0');
        error = key.failed ? -ENOMEM : objects_remove(c->table.objects, key.at, why);
        lake_step("removed");
    }
    return error;
}

// *open: it cannot be known yet.
static int settle_change(struct settling *s, bool *open, struct reason *why)
{
    look_at_commits(s);
    int error = s->any_commit && !s->landed ? look_for_files(s, why) : 0;
    if (!error && s->open && !s->landed) {
        *open = true;
        return 0;
    }
    return error ? error : remove_noted(s, why);
}

int committer_settle(struct committer *c, struct reason *why)
{
    struct slice rest = bytes_slice(&c->journal.lines), lines;
    bool open = false;
    int error = 0;
    while (!error && journal_next_change(&rest, &lines)) {
        struct settling s = {.committer = c, .lines = lines};
        error = settle_change(&s, &open, why);
    }
    lake_step("settled");
    return error || open ? error : journal_clear(&c->journal, why);
}
