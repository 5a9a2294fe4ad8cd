#include "fs/view.h"

#include "fs/query.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

// A slot is an index into the table, and above it how often the index was used: so the number of a view that is gone
// does not come back soon.
#define INDEX_BITS  16
#define INDEX_MASK  ((1u << INDEX_BITS) - 1)
#define USES_MASK   ((1u << (NODE_SLOT_BITS - INDEX_BITS)) - 1)
#define BUCKETS_MAX 4096u
_Static_assert(VIEWS_MAX == 1u << INDEX_BITS, "every view has an index");

struct entry {
    struct view view;
    uint64_t holders;
    uint64_t hash;
    struct entry *next; // in its bucket
};

struct place {
    struct entry *entry; // NULL: free
    uint32_t uses;
    uint32_t next_free;
};

// All but `max`, `press` and its context is guarded by `lock`.
struct views {
    pthread_mutex_t lock;
    uint32_t max, count;
    struct place *places;
    uint32_t first_free, last_free;
    struct entry *buckets[BUCKETS_MAX];
    void (*press)(void *context);
    void *context;
};

int views_open(struct views **opened, uint32_t max, void (*press)(void *), void *context)
{
    struct views *views = calloc(1, sizeof *views);
    struct place *places = calloc(max, sizeof *places);
    if (!views || !places) {
        free(views);
        free(places);
        return -ENOMEM;
    }
    pthread_mutex_init(&views->lock, NULL);
    views->places = places;
    views->max = max;
    views->press = press;
    views->context = context;
    // The longest free is used first.
    for (uint32_t i = 0; i < max; i++)
        places[i].next_free = i + 1;
    views->last_free = max - 1;
    *opened = views;
    return 0;
}

static void drop_filter(struct filter *filter)
{
    if (filter)
        filter_free(filter);
    free(filter);
}

static void free_entry(struct entry *entry)
{
    query_memory_free(entry->view.query);
    drop_filter(entry->view.filter);
    free(entry);
}

void views_close(struct views *views)
{
    if (!views)
        return;
    // The kernel does not take back what it has when it is unmounted.
    for (uint32_t i = 0; i < views->max; i++)
        if (views->places[i].entry)
            free_entry(views->places[i].entry);
    free(views->places);
    pthread_mutex_destroy(&views->lock);
    free(views);
}

static struct slice text_of(const struct view *words)
{
    return words->filter ? words->filter->text : (struct slice){0};
}

static uint64_t hash_of(const struct view *words)
{
    uint64_t hash = slice_hash(text_of(words));
    hash = (hash ^ words->position) * 0x9e3779b97f4a7c15u;
    hash = (hash ^ ((uint64_t)words->tenant << 8 | words->kind)) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

static bool has_words(const struct view *view, const struct view *words)
{
    return view->kind == words->kind && view->tenant == words->tenant && view->position == words->position &&
           slice_equal(text_of(view), text_of(words));
}

static struct entry *find(const struct views *views, const struct view *words, uint64_t hash)
{
    struct entry *entry = views->buckets[hash % BUCKETS_MAX];
    while (entry && (entry->hash != hash || !has_words(&entry->view, words)))
        entry = entry->next;
    return entry;
}

static void add(struct views *views, struct entry *entry)
{
    uint32_t index = views->first_free;
    struct place *place = &views->places[index];
    views->first_free = place->next_free;
    views->count++;
    place->entry = entry;
    entry->view.slot = (place->uses++ & USES_MASK) << INDEX_BITS | index;
    struct entry **bucket = &views->buckets[entry->hash % BUCKETS_MAX];
    entry->next = *bucket;
    *bucket = entry;
}

static void take_out(struct views *views, struct entry *entry)
{
    struct entry **link = &views->buckets[entry->hash % BUCKETS_MAX];
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    uint32_t index = entry->view.slot & INDEX_MASK;
    views->places[index].entry = NULL;
    views->places[index].next_free = views->max;
    if (views->count == views->max)
        views->first_free = index;
    else
        views->places[views->last_free].next_free = index;
    views->last_free = index;
    views->count--;
}

int view_take(struct views *views, const struct view *words, struct view **view)
{
    uint64_t hash = hash_of(words);
    int error = 0;
    pthread_mutex_lock(&views->lock);
    struct entry *entry = find(views, words, hash), *fresh = NULL;
    if (!entry && views->count == views->max) {
        error = -ENFILE;
    } else if (!entry) {
        entry = fresh = malloc(sizeof *entry);
        error = entry ? 0 : -ENOMEM;
        if (entry) {
            *entry = (struct entry){.view = *words, .hash = hash};
            add(views, entry);
        }
    }
    if (entry) {
        entry->holders++;
        *view = &entry->view;
    }
    bool pressed = (fresh || error == -ENFILE) && views->count > views->max / 4 * 3;
    pthread_mutex_unlock(&views->lock);
    if (!fresh) {
        query_memory_free(words->query);
        drop_filter(words->filter);
    }
    if (pressed)
        views->press(views->context);
    return error;
}

// Under the lock.
static struct entry *of_slot(const struct views *views, uint32_t slot)
{
    uint32_t index = slot & INDEX_MASK;
    struct entry *entry = index < views->max ? views->places[index].entry : NULL;
    return entry && entry->view.slot == slot ? entry : NULL;
}

struct view *view_hold(struct views *views, uint32_t slot)
{
    pthread_mutex_lock(&views->lock);
    struct entry *entry = of_slot(views, slot);
    if (entry)
        entry->holders++;
    pthread_mutex_unlock(&views->lock);
    return entry ? &entry->view : NULL;
}

static void release(struct views *views, uint32_t slot, uint64_t count)
{
    pthread_mutex_lock(&views->lock);
    struct entry *entry = of_slot(views, slot);
    if (entry) {
        entry->holders -= count < entry->holders ? count : entry->holders;
        if (entry->holders)
            entry = NULL;
        else
            take_out(views, entry);
    }
    pthread_mutex_unlock(&views->lock);
    if (entry)
        free_entry(entry);
}

void view_drop(struct views *views, struct view *view)
{
    if (view)
        release(views, view->slot, 1);
}

void views_know(struct views *views, uint64_t id)
{
    struct node node = node_of(id);
    if (node_is_view(node.kind))
        view_hold(views, node.slot);
}

void views_forget(struct views *views, uint64_t id, uint64_t count)
{
    struct node node = node_of(id);
    if (node_is_view(node.kind))
        release(views, node.slot, count);
}

struct view *view_next(struct views *views, uint32_t tenant, enum node_kind kind, uint32_t *at)
{
    struct view *view = NULL;
    pthread_mutex_lock(&views->lock);
    for (; !view && *at < views->max; ++*at) {
        struct entry *entry = views->places[*at].entry;
        if (!entry || entry->view.tenant != tenant || entry->view.kind != kind)
            continue;
        entry->holders++;
        view = &entry->view;
    }
    pthread_mutex_unlock(&views->lock);
    return view;
}

uint32_t views_tenant_from(struct views *views, uint32_t from)
{
    uint32_t found = 0;
    pthread_mutex_lock(&views->lock);
    for (uint32_t i = 0; i < views->max; i++) {
        const struct entry *entry = views->places[i].entry;
        if (entry && entry->view.tenant >= from && (!found || entry->view.tenant < found))
            found = entry->view.tenant;
    }
    pthread_mutex_unlock(&views->lock);
    return found;
}
