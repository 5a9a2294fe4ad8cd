// Views: what names stand for that no number can say, a filter below query/ and find/ or the tenant at a past moment.
// The table gives each a slot, which is part of its inodes' numbers (node.h).
//
// A view is kept while somebody holds it: the kernel, once for each time that it was given one of its inodes and has
// not forgotten it; an open file; a running request. Then its slot goes back, and its number is not used again for some
// hundred views. So an inode never comes to mean something else under whoever has it.
//
//     lookup ─▶ view_take: the view of these words, found or made ─▶ reply_entry: views_know ─▶ … ─▶ views_forget
//
// The table is bounded. When three quarters of it are taken `press` is called: the kernel must be told to forget what
// nobody uses (notify.h).
//
// To add a kind of file that belongs to a view:
//   1. node.h: its kinds, behind NODE_MOMENT. The directory that a filter names has number 0, like its files.
//   2. tree.c: looking the name up parses it and calls view_take; the inode is node_view_id(kind, view->slot, 0). What
//      is in the directory is a `fixed` table, in its row of `directories`. A name that does not parse: refuse_filter.
//   3. attr.c, file.c (file_kind_of) and requests.c as for every kind; v->view is the view, v->node.tenant its tenant.
//   4. search.h: node_is_slow, if its handlers read much.
//
// Any thread.
#pragma once

#include "fs/node.h"
#include "store/filter.h"

// The most that a table can have; a mount has VIEWS_USUAL unless told otherwise (-o views=N).
#define VIEWS_MAX   65536u
#define VIEWS_USUAL 16384u

struct query_memory;

struct view {
    uint32_t slot;
    // The words, by which it is found.
    enum node_kind kind; // of its directory
    uint32_t tenant;
    uint64_t position;     // as things stood just after it; 0: now
    struct filter *filter; // by its normal form; NULL: none. Constant, and freed with the view
    // What belongs to it, and is freed with it.
    struct query_memory *query; // below query/ (query.h)
    // The finds' thread alone (search.h): what its file of states holds (found.h).
    uint64_t measured_position; // as things stood just after it; 0: not known
    uint64_t measured_bytes;
};

struct views;

int views_open(struct views **views, uint32_t max, void (*press)(void *context), void *context);
void views_close(struct views *views);

// The view of these words, made if there is none; it is held. The filter, which malloc gave, and the memory of
// a query are the table's in any case. 0, -ENFILE when the table is full, -ENOMEM.
int view_take(struct views *views, const struct view *words, struct view **view);
// The view of a slot, held; NULL when there is none.
struct view *view_hold(struct views *views, uint32_t slot);
// One holder less; NULL is no view.
void view_drop(struct views *views, struct view *view);

// The kernel was given this inode once more, or takes it back; no more than nothing for what is no view's.
void views_know(struct views *views, uint64_t id);
void views_forget(struct views *views, uint64_t id, uint64_t count);

// The next view of a tenant and a kind, held; *at is 0 at first, and where to go on then. NULL behind the last.
struct view *view_next(struct views *views, uint32_t tenant, enum node_kind kind, uint32_t *at);

// The smallest number of at least `from` of a tenant that has a view; 0 when there is none.
uint32_t views_tenant_from(struct views *views, uint32_t from);
