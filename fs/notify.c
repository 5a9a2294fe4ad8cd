#include "fs/notify.h"

#include "fs/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

// Notes that wait, at most; beyond, single names are not told any more.
#define NOTES_MAX 65536u

struct note {
    uint32_t tenant;
    uint64_t entity;                      // 0: the tenant itself
    uint32_t first_version, last_version; // 0: only the streams grew
    bool rejected;
    bool changed; // owner or mode
};

struct notifier {
    struct mount *mount;
    pthread_t thread;
    bool started;
    pid_t thread_id;

    pthread_mutex_t lock;
    pthread_cond_t filled;
    bool stop;
    struct note *notes; // (lock)
    size_t count, room;
    struct waiter *waiters; // (lock)
    bool look;              // (lock) a waiter may have to be answered
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
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->filled, NULL);
    *notifier = n;
    return 0;
}

void notifier_close(struct notifier *n)
{
    if (!n)
        return;
    pthread_mutex_destroy(&n->lock);
    pthread_cond_destroy(&n->filled);
    free(n->notes);
    free(n);
}

bool notifier_is_caller(const struct notifier *n, fuse_req_t req)
{
    return n->thread_id && fuse_req_ctx(req)->pid == n->thread_id;
}

bool notifier_creates(const struct notifier *n, fuse_req_t req, fuse_ino_t parent, struct slice name)
{
    // The thread waits for this request, so what it set stands still.
    return notifier_is_caller(n, req) && n->creating_in == parent && slice_equal(n->creating, name);
}

// ---- notes

// Under the lock.
static void add_note(struct notifier *n, struct note note)
{
    struct note *last = n->count ? &n->notes[n->count - 1] : NULL;
    if (last && last->tenant == note.tenant && last->entity == note.entity && !note.changed && !last->changed) {
        last->rejected |= note.rejected;
        if (note.first_version && last->last_version + 1 == note.first_version) {
            last->last_version = note.last_version;
            return;
        }
        if (!note.first_version)
            return;
    }
    if (n->count == n->room) {
        size_t room = n->room ? n->room * 2 : 256;
        struct note *notes = n->count < NOTES_MAX ? reallocarray(n->notes, room, sizeof *notes) : NULL;
        if (!notes)
            return;
        n->notes = notes;
        n->room = room;
    }
    n->notes[n->count++] = note;
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

static bool watched(const struct notifier *n, uint32_t tenant, const struct committed *change)
{
    return known(n, NODE_EVENTS, tenant, change->entity) || known(n, NODE_STREAM, tenant, change->entity) ||
           known(n, NODE_STATE, tenant, change->entity) ||
           (change->first_version == 1 && known(n, NODE_TENANT, tenant, 0));
}

void notifier_committed(
    void *context, struct tenant *tenant, const struct committed *changes, size_t count, bool rejected)
{
    struct mount *mount = context;
    struct notifier *n = mount->notifier;
    uint32_t number = tenant->number;
    bool created = false;
    for (size_t i = 0; i < count; i++) {
        drop_attributes(n, NODE_EVENTS, number, changes[i].entity);
        drop_attributes(n, NODE_ENTITY, number, changes[i].entity);
        created |= changes[i].first_version == 1;
    }
    if (created)
        drop_attributes(n, NODE_TENANT, number, 0);

    pthread_mutex_lock(&n->lock);
    n->look = n->waiters != NULL;
    bool stream_known = known(n, NODE_TENANT_STREAM, number, 0) || known(n, NODE_REJECTED, number, 0);
    if (stream_known && (count || rejected))
        add_note(n, (struct note){.tenant = number, .rejected = rejected});
    for (size_t i = 0; i < count; i++)
        if (watched(n, number, &changes[i]))
            add_note(n, (struct note){.tenant = number,
                            .entity = changes[i].entity,
                            .first_version = changes[i].first_version,
                            .last_version = changes[i].last_version});
    bool wake = n->count || n->look;
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

// ---- what the thread does on its own mount

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
    return path->tenant_size + NAME_ENTITY_MAX + NAME_EVENT_FILE_MAX + 16 < sizeof path->text;
}

static const char *below(struct path *path, size_t size, const char *name)
{
    snprintf(path->text + size, sizeof path->text - size, "/%s", name);
    return path->text;
}

// IN_MODIFY and IN_CLOSE_WRITE.
static void touch(const char *path)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
        return;
    }
    futimens(fd, times);
    close(fd);
}

static int create(const char *path, bool directory)
{
    if (directory)
        return mkdir(path, 0755) ? errno : 0;
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0444);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

// IN_CREATE (and IN_CLOSE_WRITE of a file) for what is there already: lookups of this name by this thread find nothing,
// so the kernel asks to create it.
static void announce(struct notifier *n, const char *path, uint64_t parent, struct slice name, bool directory)
{
    pthread_mutex_lock(&n->lock);
    n->creating_in = parent;
    n->creating = name;
    pthread_mutex_unlock(&n->lock);
    if (create(path, directory) == EEXIST) {
        // Somebody has looked it up meanwhile.
        fuse_lowlevel_notify_inval_entry(n->mount->session, parent, name.at, name.size);
        create(path, directory);
    }
    pthread_mutex_lock(&n->lock);
    n->creating_in = 0;
    pthread_mutex_unlock(&n->lock);
}

static void announce_events(struct notifier *n, struct reader *reader, const struct note *note, struct path *path)
{
    uint64_t parent = node_id(NODE_EVENTS, note->tenant, note->entity);
    size_t size = path->entity_size + strlen(below(path, path->entity_size, "events")) - path->entity_size;
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
    if (note->first_version == 1 && known(n, NODE_TENANT, note->tenant, 0))
        announce(n, path->text, node_id(NODE_TENANT, note->tenant, 0), (struct slice){.at = name, .size = size}, true);
    if (known(n, NODE_EVENTS, note->tenant, note->entity))
        announce_events(n, reader, note, path);
}

// Says that streams and documents grew or changed.
static void touch_note(struct notifier *n, struct reader *reader, const struct note *note, struct path *path)
{
    char name[NAME_ENTITY_MAX + 1];
    size_t size;
    if (!note->entity) {
        if (known(n, NODE_TENANT_STREAM, note->tenant, 0))
            touch(below(path, path->tenant_size, "stream"));
        if (note->rejected && known(n, NODE_REJECTED, note->tenant, 0))
            touch(below(path, path->tenant_size, "rejected"));
        return;
    }
    if (history_name(reader, note->entity, name, &size))
        return;
    name[size] = '\0';
    below(path, path->tenant_size, name);
    path->entity_size = path->tenant_size + 1 + size;
    if (known(n, NODE_STREAM, note->tenant, note->entity))
        touch(below(path, path->entity_size, "stream"));
    if (known(n, NODE_STATE, note->tenant, note->entity))
        touch(below(path, path->entity_size, "state.json"));
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
    struct fuse_session *session = drop->notifier->mount->session;
    if (node.tenant != drop->tenant)
        return;
    fuse_lowlevel_notify_inval_inode(session, id, -1, 0);
    if (node.kind == NODE_EVENTS)
        fuse_lowlevel_notify_inval_entry(
            session, node_id(NODE_ENTITY, node.tenant, node.number), "events", strlen("events"));
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

static void tell(struct notifier *n, struct note *notes, size_t count)
{
    // The streams of tenants first: most subscribers wait there. Then names, then each entity once.
    for (size_t i = 0; i < count && !n->stop; i++) {
        if (notes[i].changed)
            known_each(n->mount->known, drop_known, &(struct drop){.notifier = n, .tenant = notes[i].tenant});
        else if (!notes[i].entity)
            work_on(n, &notes[i], touch_note);
    }
    for (size_t i = 0; i < count && !n->stop; i++)
        if (notes[i].entity)
            work_on(n, &notes[i], announce_note);
    qsort(notes, count, sizeof *notes, by_tenant_and_entity);
    for (size_t i = 0; i < count && !n->stop; i++)
        if (notes[i].entity && (i + 1 == count || by_tenant_and_entity(&notes[i], &notes[i + 1])))
            work_on(n, &notes[i], touch_note);
}

// ---- waiters

static void unlink_waiter(struct waiter *w)
{
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    w->link = NULL;
}

static void link_waiter(struct notifier *n, struct waiter *w)
{
    w->next = n->waiters;
    w->link = &n->waiters;
    if (n->waiters)
        n->waiters->link = &w->next;
    n->waiters = w;
}

static void interrupted(fuse_req_t req, void *data)
{
    // Only marks it: libfuse is still using the request.
    struct waiter *w = data;
    struct notifier *n = mount_of(req)->notifier;
    pthread_mutex_lock(&n->lock);
    w->interrupted = true;
    n->look = true;
    pthread_mutex_unlock(&n->lock);
    pthread_cond_signal(&n->filled);
}

int waiter_park_read(struct notifier *n, struct reader *reader, struct waiter *w)
{
    uint64_t end;
    fuse_req_interrupt_func(w->req, interrupted, w);
    pthread_mutex_lock(&n->lock);
    int error = w->interrupted || n->stop ? -EINTR : stream_end(reader, &w->node, &end);
    if (!error && end > w->offset)
        error = -EAGAIN;
    if (!error)
        link_waiter(n, w);
    pthread_mutex_unlock(&n->lock);
    if (error)
        fuse_req_interrupt_func(w->req, NULL, NULL);
    return error;
}

void waiter_park_poll(struct notifier *n, struct waiter *w, struct fuse_pollhandle *handle, uint64_t offset)
{
    pthread_mutex_lock(&n->lock);
    struct fuse_pollhandle *older = w->poll;
    w->poll = handle;
    w->offset = offset;
    if (!w->link)
        link_waiter(n, w);
    pthread_mutex_unlock(&n->lock);
    if (older)
        fuse_pollhandle_destroy(older);
}

void waiter_remove(struct notifier *n, struct waiter *w)
{
    pthread_mutex_lock(&n->lock);
    if (w->link)
        unlink_waiter(w);
    struct fuse_pollhandle *handle = w->poll;
    w->poll = NULL;
    pthread_mutex_unlock(&n->lock);
    if (handle)
        fuse_pollhandle_destroy(handle);
}

static void answer_read(struct reader *reader, struct waiter *w)
{
    fuse_req_t req = w->req;
    BYTES_AUTO text = {0};
    size_t got = 0;
    if (w->interrupted) {
        fuse_reply_err(req, EINTR);
        return;
    }
    int error = bytes_reserve(&text, w->size) ? 0 : -ENOMEM;
    if (!error)
        error = stream_read(reader, &w->node, &w->place, w->offset, text.at, w->size, &got);
    w->offset += got;
    if (error)
        fuse_reply_err(req, -error);
    else
        fuse_reply_buf(req, text.at, got);
}

// Takes the next waiter that has what it waits for out of the list; a poll is only told.
static struct waiter *next_ready(struct notifier *n, struct tenant **tenant, struct reader **reader)
{
    for (struct waiter *w = n->waiters, *next; w; w = next) {
        uint64_t end = 0;
        next = w->next;
        if (store_get(n->mount->store, w->node.tenant, tenant))
            continue;
        bool ready = history_reader(*tenant, TENANT_READER_NOTIFIER, reader) == 0 &&
                     (w->interrupted || (stream_end(*reader, &w->node, &end) == 0 && end > w->offset));
        if (ready && w->poll && !w->req) {
            fuse_lowlevel_notify_poll(w->poll);
            w->offset = end;
        } else if (ready) {
            unlink_waiter(w);
            return w;
        }
        store_put(n->mount->store, *tenant);
    }
    return NULL;
}

static void answer_waiters(struct notifier *n)
{
    struct tenant *tenant;
    struct reader *reader;
    for (;;) {
        pthread_mutex_lock(&n->lock);
        struct waiter *w = next_ready(n, &tenant, &reader);
        pthread_mutex_unlock(&n->lock);
        if (!w)
            return;
        answer_read(reader, w);
        store_put(n->mount->store, tenant);
    }
}

// Nobody will answer them any more.
static void interrupt_waiters(struct notifier *n)
{
    pthread_mutex_lock(&n->lock);
    for (struct waiter *w = n->waiters, *next; w; w = next) {
        next = w->next;
        if (!w->req)
            continue;
        unlink_waiter(w);
        fuse_reply_err(w->req, EINTR);
    }
    pthread_mutex_unlock(&n->lock);
}

// ---- the thread

static void *run(void *context)
{
    struct notifier *n = context;
    struct note *notes = NULL;
    size_t room = 0;
    n->thread_id = gettid();
    pthread_mutex_lock(&n->lock);
    while (!n->stop) {
        if (!n->count && !n->look) {
            pthread_cond_wait(&n->filled, &n->lock);
            continue;
        }
        // The two lists change places.
        struct note *taken = n->notes;
        size_t count = n->count, taken_room = n->room;
        n->notes = notes;
        n->room = room;
        n->count = 0;
        bool look = n->look;
        n->look = false;
        pthread_mutex_unlock(&n->lock);
        if (look)
            answer_waiters(n);
        tell(n, taken, count);
        notes = taken;
        room = taken_room;
        pthread_mutex_lock(&n->lock);
    }
    pthread_mutex_unlock(&n->lock);
    free(notes);
    interrupt_waiters(n);
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
