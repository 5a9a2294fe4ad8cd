#include "fs/notify.h"

#include "fs/herald.h"
#include "fs/query.h"
#include "fs/waiter.h"
#include "fs/watches.h"
#include "store/day.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

// Notes that wait, at most; beyond, single names are not told any more.
#define NOTES_MAX 16384u
// More notes than this within a while: busy.
#define QUIET_NOTES 48u
#define WHILE_NS    INT64_C(100000000)
// With more inodes of queries than this, only those that somebody watches are told.
#define QUERIES_TOLD 64u

struct note {
    uint32_t tenant;
    uint64_t entity;                        // 0: the tenant itself
    uint32_t first_version, last_version;   // 0: only the streams grew
    bool grown, rejected, declared;         // of the tenant: its stream, its rejected, its spec.json
    bool changed;                           // owner or mode
    uint64_t first_position, last_position; // of the tenant's events that are told of; 0: none
    uint32_t day;                           // of the last one
};

struct notes {
    struct note *all;
    size_t count, room;
};

struct notifier {
    struct mount *mount;
    pthread_t thread;
    bool started;
    struct herald herald;

    pthread_mutex_t lock;
    pthread_cond_t filled;
    atomic_bool stop;
    struct notes notes; // (lock)
    bool look;          // (lock) somebody who waits may have to be answered
    bool press;         // (lock) the kernel must forget views
    // the thread's own
    struct watches watches;
    dev_t device; // of the mount; 0: not known yet
    bool busy;
    size_t recent;     // notes since the while began
    int64_t while_ns;  // when it began
    int64_t looked_ns; // when it last looked who watches
    struct notes held; // that wait for the next look
    // (lock) the name that the thread is about to create
    uint64_t creating_in;
    struct slice creating;
};

int notifier_open(struct notifier **notifier, struct mount *mount)
{
    struct notifier *n = calloc(1, sizeof *n);
    if (!n)
        return -ENOMEM;
    n->mount = mount;
    int error = herald_open(&n->herald);
    if (error) {
        free(n);
        return error;
    }
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->filled, NULL);
    *notifier = n;
    return 0;
}

void notifier_close(struct notifier *n)
{
    if (!n)
        return;
    herald_close(&n->herald);
    pthread_mutex_destroy(&n->lock);
    pthread_cond_destroy(&n->filled);
    watches_free(&n->watches);
    free(n->notes.all);
    free(n->held.all);
    free(n);
}

void notifier_wake(void *context)
{
    struct notifier *n = context;
    pthread_mutex_lock(&n->lock);
    n->look = true;
    pthread_mutex_unlock(&n->lock);
    pthread_cond_signal(&n->filled);
}

void notifier_press(void *context)
{
    struct notifier *n = context;
    pthread_mutex_lock(&n->lock);
    n->press = true;
    pthread_mutex_unlock(&n->lock);
    pthread_cond_signal(&n->filled);
}

bool notifier_is_caller(struct notifier *n, fuse_req_t req)
{
    return fuse_req_ctx(req)->pid == n->herald.process;
}

bool notifier_creates(struct notifier *n, fuse_req_t req, fuse_ino_t parent, struct slice name)
{
    if (!notifier_is_caller(n, req))
        return false;
    pthread_mutex_lock(&n->lock);
    bool creates = n->creating_in == parent && slice_equal(n->creating, name);
    pthread_mutex_unlock(&n->lock);
    return creates;
}

// ---- notes

// Beyond the bound (but for what the kernel would keep for ever), or without memory, it is lost.
static void push_note(struct notes *notes, struct note note)
{
    if (notes->count == notes->room) {
        size_t room = notes->room ? notes->room * 2 : 256;
        struct note *all =
            notes->count < NOTES_MAX || note.changed ? reallocarray(notes->all, room, sizeof *all) : NULL;
        if (!all)
            return;
        notes->all = all;
        notes->room = room;
    }
    notes->all[notes->count++] = note;
}

// Under the lock.
static void add_note(struct notifier *n, struct note note)
{
    struct note *last = n->notes.count ? &n->notes.all[n->notes.count - 1] : NULL;
    if (last && last->tenant == note.tenant && last->entity == note.entity && !note.changed && !last->changed) {
        last->grown |= note.grown;
        last->rejected |= note.rejected;
        last->declared |= note.declared;
        if (note.grown) {
            last->first_position = last->first_position ? last->first_position : note.first_position;
            last->last_position = note.last_position;
            last->day = note.day;
        }
        if (note.first_version && last->last_version + 1 == note.first_version) {
            last->last_version = note.last_version;
            return;
        }
        if (!note.first_version)
            return;
    }
    push_note(&n->notes, note);
}

static bool known(const struct notifier *n, enum node_kind kind, uint32_t tenant, uint64_t number)
{
    return known_has(n->mount->known, node_id(kind, tenant, number));
}

// Drops the attributes that the kernel keeps of a directory; at once, so that whoever is answered sees the new ones.
static void drop_attributes(const struct notifier *n, enum node_kind kind, uint32_t tenant, uint64_t number)
{
    if (known(n, kind, tenant, number))
        fuse_lowlevel_notify_inval_inode(n->mount->session, node_id(kind, tenant, number), -1, 0);
}

// Does anybody ask for one of the inodes that a note tells of, its own or the directory above?
typedef bool is_asked(const struct notifier *n, enum node_kind kind, uint32_t tenant, uint64_t number);

static bool note_asked(const struct notifier *n, const struct note *note, is_asked *asked)
{
    uint32_t tenant = note->tenant;
    uint64_t entity = note->entity;
    if ((!entity || note->first_version == 1) && asked(n, NODE_TENANT, tenant, 0))
        return true;
    if (!entity && note->grown && known_queries(n->mount->known))
        return true;
    if (!entity && note->declared && asked(n, NODE_SPEC, tenant, 0))
        return true;
    if (!entity)
        return asked(n, NODE_TENANT_STREAM, tenant, 0) || asked(n, NODE_REJECTED, tenant, 0) ||
               asked(n, NODE_LOG, tenant, 0) || asked(n, NODE_DAY, tenant, note->day);
    return asked(n, NODE_ENTITY, tenant, entity) || asked(n, NODE_EVENTS, tenant, entity) ||
           asked(n, NODE_STREAM, tenant, entity) || asked(n, NODE_STATE, tenant, entity);
}

// Under the lock.
static void add_known_note(struct notifier *n, struct note note)
{
    if (note_asked(n, &note, known))
        add_note(n, note);
}

void notifier_committed(
    void *context, struct tenant *tenant, const struct committed *changes, size_t count, bool rejected)
{
    struct mount *mount = context;
    struct notifier *n = mount->notifier;
    uint32_t number = tenant->number;
    struct log_end end = tenant_end(tenant);
    uint64_t events = 0;
    bool created = false;
    for (size_t i = 0; i < count; i++) {
        events += changes[i].last_version - changes[i].first_version + 1;
        drop_attributes(n, NODE_EVENTS, number, changes[i].entity);
        drop_attributes(n, NODE_ENTITY, number, changes[i].entity);
        created |= changes[i].first_version == 1;
    }
    if (created)
        drop_attributes(n, NODE_TENANT, number, 0);

    pthread_mutex_lock(&n->lock);
    n->look |= waiting_any(n->mount->waiting);
    if (count || rejected)
        add_known_note(n, (struct note){.tenant = number,
                              .grown = count != 0,
                              .rejected = rejected,
                              .declared = declared_last(tenant) > end.position - events,
                              .first_position = end.position + 1 - events,
                              .last_position = end.position,
                              .day = day_of(end.at_us)});
    for (size_t i = 0; i < count; i++)
        add_known_note(n, (struct note){.tenant = number,
                              .entity = changes[i].entity,
                              .first_version = changes[i].first_version,
                              .last_version = changes[i].last_version});
    bool wake = n->notes.count || n->look;
    pthread_mutex_unlock(&n->lock);
    if (wake)
        pthread_cond_signal(&n->filled);
}

void notifier_tenant_changed(struct notifier *n, const struct tenant_info *info)
{
    pthread_mutex_lock(&n->lock);
    add_note(n, (struct note){.tenant = info->number, .changed = true});
    pthread_mutex_unlock(&n->lock);
    pthread_cond_signal(&n->filled);
}

// ---- what is done on the own mount

// Must it be told of this inode?
static bool wanted(const struct notifier *n, enum node_kind kind, uint32_t tenant, uint64_t number)
{
    return n->busy ? watches_has(&n->watches, node_id(kind, tenant, number)) : known(n, kind, tenant, number);
}

struct path {
    char text[PATH_MAX];
    size_t tenant_size, entity_size; // of the text up to there
};

static bool tenant_path(const struct notifier *n, uint32_t tenant, struct path *path)
{
    struct tenant_info info;
    if (store_info(n->mount->store, tenant, &info))
        return false;
    path->tenant_size = (size_t)snprintf(path->text, sizeof path->text, "%s/%s", n->mount->point, info.name);
    return path->tenant_size + FILTER_TEXT_MAX + NAME_EVENT_FILE_MAX + 16 < sizeof path->text;
}

static const char *below(struct path *path, size_t size, const char *name)
{
    snprintf(path->text + size, sizeof path->text - size, "/%s", name);
    return path->text;
}

// IN_CREATE (and IN_CLOSE_WRITE of a file) for what is there already: lookups of this name by the herald find nothing,
// so the kernel asks to create it.
static void announce(struct notifier *n, const char *path, uint64_t parent, struct slice name, bool directory)
{
    pthread_mutex_lock(&n->lock);
    n->creating_in = parent;
    n->creating = name;
    pthread_mutex_unlock(&n->lock);
    if (herald_create(&n->herald, path, directory) == -EEXIST) {
        // Somebody has looked it up meanwhile.
        fuse_lowlevel_notify_inval_entry(n->mount->session, parent, name.at, name.size);
        herald_create(&n->herald, path, directory);
    }
    pthread_mutex_lock(&n->lock);
    n->creating_in = 0;
    pthread_mutex_unlock(&n->lock);
}

static void announce_events(struct notifier *n, struct reader *reader, const struct note *note, struct path *path)
{
    uint64_t parent = node_id(NODE_EVENTS, note->tenant, note->entity);
    size_t size = strlen(below(path, path->entity_size, "events"));
    struct chunk page = {0};
    for (uint32_t version = note->first_version; version <= note->last_version; version++) {
        if (version < page.first || version >= page.first + page.count)
            if (history_page(reader, note->entity, version, &page))
                return;
        char name[NAME_EVENT_FILE_MAX + 1];
        struct slice type = history_type(reader, page.events[version - page.first].type);
        size_t name_size = name_event_file(name, version, type);
        name[name_size] = '\0';
        announce(n, below(path, size, name), parent, (struct slice){.at = name, .size = name_size}, false);
    }
}

// Announces the names that a note tells of.
static void announce_note(struct notifier *n, struct reader *reader, const struct note *note, struct path *path)
{
    char name[NAME_ENTITY_MAX + 1];
    size_t size;
    if (!note->first_version || history_name(reader, note->entity, name, &size))
        return;
    name[size] = '\0';
    path->entity_size = path->tenant_size + 1 + size;
    below(path, path->tenant_size, name);
    if (note->first_version == 1 && wanted(n, NODE_TENANT, note->tenant, 0))
        announce(n, path->text, node_id(NODE_TENANT, note->tenant, 0), (struct slice){.at = name, .size = size}, true);
    if (wanted(n, NODE_EVENTS, note->tenant, note->entity))
        announce_events(n, reader, note, path);
}

// A file that somebody watches, itself or by its directory.
static void touch_file(struct notifier *n, struct path *path, size_t size, const char *name, bool is_watched)
{
    if (is_watched)
        herald_touch(&n->herald, below(path, size, name));
}

// The days of log/ that events came to: one that began with them is announced.
static void touch_days(struct notifier *n, struct reader *reader, const struct note *note, struct path *path)
{
    bool by_log = wanted(n, NODE_LOG, note->tenant, 0);
    if (!by_log && !wanted(n, NODE_DAY, note->tenant, note->day))
        return;
    struct day_part part = {0};
    struct event_row row;
    char name[DAY_NAME_SIZE + 1] = "";
    size_t size = strlen(below(path, path->tenant_size, "log"));
    for (uint64_t at = note->first_position; at && at <= note->last_position; at = part.last_position + 1) {
        if (n->stop || history_event(reader, at, &row) || day_find(reader, day_of(row.at_us), &part))
            return;
        uint32_t day = day_of(row.at_us);
        day_name(name, day);
        if (by_log && part.first_position >= note->first_position)
            announce(n, below(path, size, name), node_id(NODE_LOG, note->tenant, 0),
                (struct slice){.at = name, .size = DAY_NAME_SIZE}, false);
        else
            touch_file(n, path, size, name, by_log || wanted(n, NODE_DAY, note->tenant, day));
    }
}

static void look(struct notifier *n)
{
    if (!n->device)
        herald_device(&n->herald, n->mount->point, &n->device);
    watches_look(&n->watches, n->device);
    n->looked_ns = when_steady_ns();
}

// Says that streams of queries grew: of those that hold something new.
static void touch_queries(struct notifier *n, struct reader *reader, uint32_t tenant, struct path *path)
{
    size_t queries = known_queries(n->mount->known);
    bool watched_alone = n->busy || queries > QUERIES_TOLD;
    if (!queries)
        return;
    if (watched_alone && when_steady_ns() - n->looked_ns > WHILE_NS)
        look(n);
    size_t size = path->tenant_size;
    uint32_t at = 0;
    for (struct view *view; !n->stop && (view = view_next(n->mount->views, tenant, NODE_QUERY, &at));) {
        uint64_t directory = node_view_id(NODE_QUERY, view->slot, 0);
        uint64_t stream = node_view_id(NODE_QUERY_STREAM, view->slot, 0);
        bool told = watched_alone ? watches_has(&n->watches, directory) || watches_has(&n->watches, stream)
                                  : known_has(n->mount->known, directory) || known_has(n->mount->known, stream);
        if (told && query_grew(view, reader)) {
            snprintf(path->text + size, sizeof path->text - size, "/query/%.*s/stream", SLICE_ARG(view->filter->text));
            herald_touch(&n->herald, path->text);
        }
        view_drop(n->mount->views, view);
    }
    path->text[size] = '\0';
}

// Says that streams and documents grew or changed.
static void touch_note(struct notifier *n, struct reader *reader, const struct note *note, struct path *path)
{
    char name[NAME_ENTITY_MAX + 1];
    size_t size;
    bool by_tenant = wanted(n, NODE_TENANT, note->tenant, 0);
    if (!note->entity) {
        if (note->grown)
            touch_file(
                n, path, path->tenant_size, "stream", by_tenant || wanted(n, NODE_TENANT_STREAM, note->tenant, 0));
        touch_days(n, reader, note, path);
        if (note->grown)
            touch_queries(n, reader, note->tenant, path);
        if (note->declared)
            touch_file(n, path, path->tenant_size, "spec.json", by_tenant || wanted(n, NODE_SPEC, note->tenant, 0));
        if (note->rejected)
            touch_file(n, path, path->tenant_size, "rejected", by_tenant || wanted(n, NODE_REJECTED, note->tenant, 0));
        return;
    }
    if (history_name(reader, note->entity, name, &size))
        return;
    name[size] = '\0';
    below(path, path->tenant_size, name);
    path->entity_size = path->tenant_size + 1 + size;
    bool by_entity = wanted(n, NODE_ENTITY, note->tenant, note->entity);
    touch_file(n, path, path->entity_size, "stream", by_entity || wanted(n, NODE_STREAM, note->tenant, note->entity));
    touch_file(
        n, path, path->entity_size, "state.json", by_entity || wanted(n, NODE_STATE, note->tenant, note->entity));
}

struct drop {
    struct notifier *notifier;
    uint32_t tenant;
};

// What the kernel has of a tenant has another owner or mode now.
static void drop_known(void *context, uint64_t id)
{
    struct drop *drop = context;
    struct node node = node_of(id);
    // Which tenant an inode of a view belongs to is not worth a search.
    if (node_is_view(node.kind) || node.tenant == drop->tenant)
        fuse_lowlevel_notify_inval_inode(drop->notifier->mount->session, id, -1, 0);
}

// The directories that views are found in. The kernel forgets one, and with it whatever below it nobody uses.
static void forget_views(const struct notifier *n, uint32_t tenant)
{
    static const char *const names[] = {"asof", "find", "query"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        fuse_lowlevel_notify_inval_entry(
            n->mount->session, node_id(NODE_TENANT, tenant, 0), names[i], strlen(names[i]));
}

static void forget_all_views(struct notifier *n)
{
    for (uint32_t tenant = 0; !n->stop && (tenant = views_tenant_from(n->mount->views, tenant + 1));)
        forget_views(n, tenant);
}

static int by_tenant_and_entity(const void *a, const void *b)
{
    const struct note *x = a, *y = b;
    if (x->tenant != y->tenant)
        return x->tenant < y->tenant ? -1 : 1;
    return (x->entity > y->entity) - (x->entity < y->entity);
}

typedef void note_work(struct notifier *n, struct reader *reader, const struct note *note, struct path *path);

static void work_on(struct notifier *n, const struct note *note, note_work *work)
{
    struct tenant *tenant;
    struct reader *reader;
    struct path path;
    if (!tenant_path(n, note->tenant, &path) || store_get(n->mount->store, note->tenant, &tenant))
        return;
    if (history_reader(tenant, TENANT_READER_NOTIFIER, &reader) == 0)
        work(n, reader, note, &path);
    store_put(n->mount->store, tenant);
}

// Is anybody there for it? Busy, by what was seen at the last look.
static bool note_wanted(const struct notifier *n, const struct note *note)
{
    return note->changed || note_asked(n, note, wanted);
}

static void tell(struct notifier *n, struct note *notes, size_t count)
{
    // The streams of tenants first: most subscribers wait there. Then names, then each entity once.
    if (count)
        qsort(notes, count, sizeof *notes, by_tenant_and_entity);
    for (size_t i = 0; i < count && !n->stop; i++) {
        if (notes[i].changed)
            known_each(n->mount->known, drop_known, &(struct drop){.notifier = n, .tenant = notes[i].tenant});
        else if (!notes[i].entity)
            work_on(n, &notes[i], touch_note);
    }
    for (size_t i = 0; i < count && !n->stop; i++)
        if (notes[i].entity)
            work_on(n, &notes[i], announce_note);
    for (size_t i = 0; i < count && !n->stop; i++)
        if (notes[i].entity && (i + 1 == count || by_tenant_and_entity(&notes[i], &notes[i + 1])))
            work_on(n, &notes[i], touch_note);
}

// The end of a while: looks who watches, tells them what was held, and finds out whether it is still busy.
static void end_while(struct notifier *n, int64_t now)
{
    if (n->busy) {
        look(n);
        size_t kept = 0;
        for (size_t i = 0; i < n->held.count; i++)
            if (note_wanted(n, &n->held.all[i]))
                n->held.all[kept++] = n->held.all[i];
        tell(n, n->held.all, kept);
        n->held.count = 0;
        n->busy = n->recent > QUIET_NOTES;
    }
    n->recent = 0;
    n->while_ns = now;
}

static void take_notes(struct notifier *n, struct note *notes, size_t count)
{
    int64_t now = when_steady_ns();
    if (now - n->while_ns > WHILE_NS)
        end_while(n, now);
    n->recent += count;
    if (!n->busy && n->recent > QUIET_NOTES) {
        n->busy = true;
        look(n);
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (note_wanted(n, &notes[i]))
            notes[kept++] = notes[i];
        else if (n->busy)
            push_note(&n->held, notes[i]);
    }
    tell(n, notes, kept);
}

// ---- the thread

// Waits for something to do, or for the end of a busy while.
static void wait_for_work(struct notifier *n)
{
    if (!n->busy) {
        pthread_cond_wait(&n->filled, &n->lock);
        return;
    }
    struct timespec end = when_steady(n->while_ns + WHILE_NS + 1);
    pthread_cond_clockwait(&n->filled, &n->lock, CLOCK_MONOTONIC, &end);
}

static void *run(void *context)
{
    struct notifier *n = context;
    struct notes taken = {0};
    pthread_mutex_lock(&n->lock);
    while (!n->stop) {
        if (!n->notes.count && !n->look && !n->press)
            wait_for_work(n);
        // The two lists change places.
        struct notes filled = n->notes;
        n->notes = taken;
        n->notes.count = 0;
        taken = filled;
        bool look_at_waiters = n->look;
        n->look = false;
        bool forget = n->press;
        n->press = false;
        pthread_mutex_unlock(&n->lock);
        if (look_at_waiters)
            waiting_answer(n->mount->waiting);
        if (forget)
            forget_all_views(n);
        take_notes(n, taken.all, taken.count);
        pthread_mutex_lock(&n->lock);
    }
    pthread_mutex_unlock(&n->lock);
    free(taken.all);
    waiting_end(n->mount->waiting);
    return NULL;
}

int notifier_start(struct notifier *n)
{
    int error = -pthread_create(&n->thread, NULL, run, n);
    n->started = !error;
    return error;
}

void notifier_stop(struct notifier *n)
{
    if (!n || !n->started)
        return;
    pthread_mutex_lock(&n->lock);
    n->stop = true;
    pthread_mutex_unlock(&n->lock);
    pthread_cond_signal(&n->filled);
    pthread_join(n->thread, NULL);
    n->started = false;
}
