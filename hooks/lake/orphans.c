#include "hooks/lake/orphans.h"

#include "hooks/lake/reach.h"
#include "hooks/lake/stop.h"
#include "store/when.h"

#include <errno.h>

struct orphan_search {
    struct committer *committer;
    struct reach live;
    int64_t before_us;
    bool remove;
    objects_visit *visit;
    void *context;
    struct reason *why;
};

static bool ends_with(struct slice text, const char *end)
{
    size_t size = strlen(end);
    return text.size >= size && !memcmp(text.at + text.size - size, end, size);
}

// Documents of metadata, and the hint, are no orphans: which of them is in force, the catalog knows.
static bool is_document(struct slice key)
{
    return ends_with(key, ".metadata.json") || ends_with(key, ".text");
}

static int see_file(void *context, struct slice key, uint64_t size_bytes, int64_t changed_at_us)
{
    struct orphan_search *s = context;
    bool stays;
    if (stop_is_set(s->committer->stop))
        return -ECANCELED;
    if (changed_at_us >= s->before_us || is_document(key))
        return 0;
    BYTES_AUTO uri = {0};
    bytes_printf(&uri, "%s/%.*s", s->committer->table.objects->root, SLICE_ARG(key));
    if (uri.failed)
        return -ENOMEM;
    if (reach_has(&s->live, bytes_slice(&uri)))
        return 0;
    int error = s->visit ? s->visit(s->context, key, size_bytes, changed_at_us) : 0;
    if (!error && s->remove)
        error = reach_remove(s->committer, &s->live, key, &stays, s->why);
    return error;
}

// What the journal still names may come into the table yet.
static int reach_journal(struct committer *c, struct reach *live)
{
    struct slice rest = bytes_slice(&c->journal.lines), lines;
    while (journal_next_change(&rest, &lines)) {
        struct journal_line line = {.rest = lines};
        while (journal_next(&line)) {
            BYTES_AUTO uri = {0};
            bytes_printf(&uri, "%s/%.*s", c->table.objects->root, SLICE_ARG(line.key));
            if (uri.failed)
                return -ENOMEM;
            reach_add(live, bytes_slice(&uri));
        }
    }
    return live->failed ? -ENOMEM : 0;
}

int orphans_find(
    struct committer *c, int64_t grace_us, bool remove, objects_visit *visit, void *context, struct reason *why)
{
    struct orphan_search s = {.committer = c,
        .before_us = when_now_us() - grace_us,
        .remove = remove,
        .visit = visit,
        .context = context,
        .why = why};
    int error = remove ? reach_hint(c, why) : 0;
    if (!error)
        error = reach_table(c, &s.live, why);
    if (!error)
        error = reach_journal(c, &s.live);
    if (!error)
        error = objects_list(c->table.objects, "data/", see_file, &s, why);
    if (!error)
        error = objects_list(c->table.objects, "metadata/", see_file, &s, why);
    reach_clear(&s.live);
    return error;
}

struct printing {
    struct bytes *out;
    uint64_t count, size_bytes;
};

static int print_one(void *context, struct slice key, uint64_t size_bytes, int64_t changed_at_us)
{
    struct printing *p = context;
    (void)changed_at_us;
    p->count++;
    p->size_bytes += size_bytes;
    // A name may be anything: a line stays a line.
    for (size_t i = 0; i < key.size; i++)
        bytes_add_char(p->out, key.at[i] < ' ' || key.at[i] == 0x7f ? '?' : key.at[i]);
    bytes_printf(p->out, " %llu\n", (unsigned long long)size_bytes);
    return p->out->failed ? -ENOMEM : 0;
}

int orphans_print(struct committer *c, bool remove, struct bytes *out, struct reason *why)
{
    struct printing p = {.out = out};
    int error = committer_load(c, false, why);
    if (!error && c->journal.fd >= 0)
        error = committer_settle(c, why);
    if (!error)
        error = orphans_find(c, ORPHANS_GRACE_US, remove, print_one, &p, why);
    if (!error)
        bytes_printf(out, "%llu files, %llu bytes%s\n", (unsigned long long)p.count, (unsigned long long)p.size_bytes,
            remove ? ": removed" : "");
    return error;
}
