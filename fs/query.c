#include "fs/query.h"

#include "fs/attr.h"

#include "fs/query_stream.h"
#include "fs/refuse.h"
#include "fs/search.h"
#include "store/result.h"

#include <errno.h>
#include <stdlib.h>

// A result from its end on, as it was at some position.
struct descent {
    struct result result;
    uint64_t checked; // up to here nothing came since; 0: none
};

struct query_memory {
    struct result stream; // all that matches, in the order of the log
    struct descent latest, other;
    // What others may be told meanwhile.
    atomic_uint_fast64_t stream_bytes;
    atomic_int_fast64_t stream_at_us;
    uint64_t told; // the notifier's: up to here watchers know
};

void query_memory_free(struct query_memory *m)
{
    if (!m)
        return;
    result_close(&m->stream);
    result_close(&m->latest.result);
    result_close(&m->other.result);
    free(m);
}

static bool is_search(const struct visit *v)
{
    return v->desk->reader == TENANT_READER_SEARCH;
}

// ---- names

static int take_view(struct visit *v, struct filter *filter, uint64_t end)
{
    struct query_memory *memory = calloc(1, sizeof *memory);
    if (!memory) {
        filter_free(filter);
        free(filter);
        return -ENOMEM;
    }
    result_ascend(&memory->stream, filter, 1);
    memory->stream.ends = search_ends;
    memory->told = end;
    // The memory's filter lives as long as the view does.
    struct view words = {.kind = NODE_QUERY, .tenant = v->node.tenant, .filter = filter, .query = memory};
    return view_take(v->mount->views, &words, &v->found);
}

int query_lookup(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    struct reason why = {0};
    struct filter *filter = calloc(1, sizeof *filter);
    int error = filter ? filter_parse(filter, FILTER_QUERY, name, &why) : -ENOMEM;
    if (error) {
        free(filter);
        return error == -ENOENT ? refuse_filter(v, "query", name, &why) : error;
    }
    bool normal = slice_equal(filter->text, name);
    error = take_view(v, filter, tenant_end(v->tenant).position);
    if (error)
        return error;
    *id = node_view_id(normal ? NODE_QUERY : NODE_QUERY_ALIAS, v->found->slot, 0);
    *timeout_s = TIMEOUT_FOREVER_S;
    return 0;
}

uint64_t query_shown(const struct visit *v)
{
    uint64_t hash = slice_hash(v->view->filter->text) + v->node.number * 0x9e3779b97f4a7c15u;
    return node_id(v->node.kind, v->node.tenant, (hash ^ hash >> 41) & ((UINT64_C(1) << NODE_NUMBER_BITS) - 1));
}

// ---- looking

// The stream as far as it is needed: to its end, or until it has so many events.
static int look(struct visit *v, uint64_t position, uint64_t enough)
{
    struct query_memory *m = v->view->query;
    int error = result_look(&m->stream, v->reader, position, enough);
    struct event_row row;
    if (!error && m->stream.latest && enough == UINT64_MAX) {
        error = history_event(v->reader, m->stream.latest, &row);
        // Of one that is damaged the time does not matter.
        atomic_store(&m->stream_at_us, error ? 0 : row.at_us);
        error = error == -EIO ? 0 : error;
    }
    atomic_store(&m->stream_bytes, m->stream.bytes);
    return error;
}

static int descend(struct visit *v, struct descent *d, uint64_t position)
{
    result_close(&d->result);
    d->checked = 0;
    result_descend(&d->result, v->view->filter, position);
    d->result.ends = search_ends;
    int error = result_look(&d->result, v->reader, 0, v->view->filter->limit);
    if (!error)
        d->checked = position;
    return error;
}

// The result from its end on, as things stand.
static int descend_now(struct visit *v)
{
    struct descent *d = &v->view->query->latest;
    uint64_t end = tenant_end(v->tenant).position;
    bool come = true;
    int error = d->checked ? result_any(v->reader, v->view->filter, d->checked, end, &come) : 0;
    if (!error && come)
        return descend(v, d, end);
    if (!error)
        d->checked = end;
    return error;
}

int query_state(struct visit *v, uint64_t *number)
{
    struct query_memory *m = v->view->query;
    const struct filter *filter = v->view->filter;
    uint64_t end = tenant_end(v->tenant).position, count, bytes, last = 0;
    int error = 0;
    if (!is_search(v)) {
        error = -EAGAIN;
    } else if (filter->descending) {
        error = descend_now(v);
        last = m->latest.result.latest;
    } else {
        error = look(v, end, filter->limit);
        if (!error)
            error = result_part(&m->stream, v->reader, end, filter->limit, &count, &bytes, &last);
    }
    *number = last & UINT32_MAX;
    return error;
}

// The position that an inode's number means: the last one of those bits.
static uint64_t position_of(const struct visit *v)
{
    uint64_t end = tenant_end(v->tenant).position;
    uint64_t position = (end & ~(uint64_t)UINT32_MAX) | v->node.number;
    return position > end && position > UINT32_MAX ? position - UINT32_MAX - 1 : position;
}

// The result that the visited file shows a part of, and which part.
static int find_part(struct visit *v, struct result **result, uint64_t *count, uint64_t *bytes)
{
    struct query_memory *m = v->view->query;
    const struct filter *filter = v->view->filter;
    uint64_t position = position_of(v), last;
    if (!filter->descending) {
        *result = &m->stream;
        int error = look(v, position, filter->limit);
        return error ? error : result_part(*result, v->reader, position, filter->limit, count, bytes, &last);
    }
    struct descent *d = m->latest.checked && m->latest.result.latest == position ? &m->latest : &m->other;
    int error = 0;
    if (!d->checked || d->result.latest != position)
        error = descend(v, d, position);
    *result = &d->result;
    return error ? error : result_part(*result, v->reader, UINT64_MAX, filter->limit, count, bytes, &last);
}

static size_t print_count(uint64_t count, char out[static 32])
{
    return (size_t)snprintf(out, 32, "%llu\n", (unsigned long long)count);
}

static int measure_stream(struct visit *v, uint64_t *size, int64_t *at_us)
{
    struct query_memory *m = v->view->query;
    int error = is_search(v) ? look(v, tenant_end(v->tenant).position, UINT64_MAX) : 0;
    *size = atomic_load(&m->stream_bytes);
    *at_us = atomic_load(&m->stream_at_us);
    return error;
}

int query_measure(struct visit *v, uint64_t *size, int64_t *at_us)
{
    char text[32];
    struct result *result;
    uint64_t count = 0, bytes = 0, position = position_of(v);
    *size = 0;
    *at_us = 0;
    if (v->node.kind == NODE_QUERY_STREAM)
        return measure_stream(v, size, at_us);
    if (v->node.kind == NODE_QUERY_FOLLOW)
        return 0;
    struct event_row row;
    int error = is_search(v) ? 0 : -EAGAIN;
    if (!error && position) {
        error = history_event(v->reader, position, &row);
        *at_us = error ? 0 : row.at_us;
        error = error == -EIO ? 0 : error;
    }
    if (!error)
        error = find_part(v, &result, &count, &bytes);
    *size = v->node.kind == NODE_QUERY_COUNT ? print_count(count, text) : bytes;
    return error;
}

int query_read(struct visit *v, size_t size, uint64_t offset)
{
    struct bytes *answer = &v->desk->answer;
    struct result *result = NULL;
    uint64_t count, bytes;
    char text[32];
    bytes_clear(answer);
    int error = find_part(v, &result, &count, &bytes);
    if (error)
        return error;
    if (v->node.kind == NODE_QUERY_COUNT) {
        // Whether what is damaged matches nobody knows.
        if (result->damaged)
            return -EIO;
        size_t length = print_count(count, text);
        if (offset < length)
            bytes_add(answer, text + offset, length - (size_t)offset < size ? length - (size_t)offset : size);
        return answer->failed ? -ENOMEM : 0;
    }
    if (offset >= bytes)
        return 0;
    if (size > bytes - offset)
        size = (size_t)(bytes - offset);
    char *to = bytes_reserve(answer, size);
    size_t got = 0;
    if (to)
        error = result_read(result, v->reader, offset, bytes, to, size, &got);
    answer->size = got;
    return to ? error : -ENOMEM;
}

// ---- for others

struct result *query_stream(struct view *view)
{
    return &view->query->stream;
}

int query_look(struct visit *v)
{
    return look(v, tenant_end(v->tenant).position, UINT64_MAX);
}

bool query_grew(struct view *view, struct reader *reader)
{
    struct query_memory *m = view->query;
    uint64_t end = tenant_end(reader->tenant).position;
    bool has = false;
    if (m->told >= end)
        return false;
    // What cannot be known is told.
    int error = result_any(reader, view->filter, m->told, end, &has);
    m->told = end;
    return error || has;
}
