// `$.events.list`: what was committed, from the index of queries, and what this transaction added.
#include "hooks/handlers/dollar.h"

#include "store/filter.h"
#include "store/query.h"

#include <errno.h>

#define LIST_DEFAULT 1000u

// A condition of a filter of query/, its value encoded.
static void add_condition(struct bytes *filter, const char *key, const struct bytes *value, bool alternatives)
{
    if (!value->size)
        return;
    bytes_printf(filter, "%s%s=", filter->size ? "," : "", key);
    for (size_t i = 0; i < value->size; i++) {
        unsigned char c = (unsigned char)value->at[i];
        if (c < 0x20 || c == ',' || c == '/' || c == '%' || c == 0x7f || (c == '|' && !alternatives))
            bytes_printf(filter, "%%%02X", c);
        else
            bytes_add_char(filter, (char)c);
    }
}

struct listing {
    JSContext *context;
    JSValue list;
    uint64_t count, limit;
};

static int add_listed(struct listing *l, struct slice line)
{
    JSValue value = convert_read(l->context, &call_of(l->context)->numbers, line);
    if (JS_IsException(value) || JS_SetPropertyInt64(l->context, l->list, (int64_t)l->count, value) < 0)
        return -1;
    return ++l->count < l->limit;
}

static bool in_time(const struct filter *filter, int64_t at_us)
{
    return at_us >= filter->after_us && at_us < filter->before_us;
}

// The events of this transaction.
static int list_added(struct listing *l, const struct filter *filter)
{
    struct transaction *tx = call_of(l->context)->tx;
    int go_on = 1;
    for (size_t i = 0; go_on == 1 && i < tx->count; i++) {
        size_t at = filter->descending ? tx->count - 1 - i : i;
        struct event_row row;
        bool matches;
        int error = transaction_event(tx, tx->published.position + 1 + at, &row);
        if (!error)
            error = query_matches_row(filter, &row, &matches);
        if (error) {
            throw_refusal(l->context, error, NULL);
            return -1;
        }
        if (matches && in_time(filter, row.at_us))
            go_on = add_listed(l, row.line);
    }
    return go_on;
}

static int list_window(struct listing *l, struct query *q, uint64_t first, uint64_t last, uint64_t *next)
{
    struct transaction *tx = call_of(l->context)->tx;
    const struct query_match *matches;
    size_t count;
    int error = query_window(q, first, last, &matches, &count, next);
    BYTES_AUTO positions = {0};
    // What a window answers lives until the reader is used again.
    if (!error)
        bytes_add(&positions, matches, count * sizeof *matches);
    if (!error && positions.failed)
        error = -ENOMEM;
    int go_on = 1;
    for (size_t i = 0; !error && go_on == 1 && i < count; i++) {
        struct query_match match;
        struct event_row row;
        size_t at = q->filter->descending ? count - 1 - i : i;
        memcpy(&match, positions.at + at * sizeof match, sizeof match);
        error = match.damaged ? -EIO : history_event(&tx->reader, match.position, &row);
        if (!error)
            go_on = machine_exhausted(l->context) ? -1 : add_listed(l, row.line);
    }
    if (error) {
        throw_refusal(l->context, error, NULL);
        return -1;
    }
    return go_on;
}

// Those that were committed before.
static int list_published(struct listing *l, const struct filter *filter)
{
    struct transaction *tx = call_of(l->context)->tx;
    struct query q;
    uint64_t first, last, next = 0;
    int go_on = 1;
    query_init(&q, &tx->reader, filter);
    int error = query_bounds(&q, &first, &last);
    uint64_t end = tx->bounded ? tx->horizon : tx->published.position;
    if (!error && last > end)
        last = end;
    if (error) {
        throw_refusal(l->context, error, NULL);
        go_on = -1;
    }
    // Windows from the end that the order begins at.
    while (go_on == 1 && first && first <= last) {
        uint64_t from = first, to = last;
        if (filter->descending && last - first >= QUERY_WINDOW)
            from = last - QUERY_WINDOW + 1;
        else if (last - first >= QUERY_WINDOW)
            to = first + QUERY_WINDOW - 1;
        go_on = machine_exhausted(l->context) ? -1 : list_window(l, &q, from, to, &next);
        if (filter->descending) {
            last = from - 1;
        } else {
            first = next > to ? next : to + 1;
        }
    }
    query_close(&q);
    return go_on;
}

JSValue dollar_list_events(JSContext *context, JSValueConst this, int count, JSValueConst *arguments)
{
    static const char *const keys[] = {"type", "entity", "target", "actor", "after", "before", "order"};
    JSValueConst options = count ? arguments[0] : JS_UNDEFINED;
    struct listing l = {.context = context, .limit = LIST_DEFAULT};
    BYTES_AUTO text = {0};
    FILTER_AUTO filter = {0};
    struct reason why = {0};
    (void)this;
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
        BYTES_AUTO value = {0};
        if (!take_member(context, options, keys[i], &value))
            return JS_EXCEPTION;
        add_condition(&text, i == 2 ? "entity" : keys[i], &value, i == 0);
    }
    if (!take_number(context, options, "limit", &l.limit))
        return JS_EXCEPTION;
    int error = filter_parse(&filter, FILTER_QUERY, text.size ? bytes_slice(&text) : SLICE("order=asc"), &why);
    if (error)
        return throw_refusal(context, error == -ENOENT ? -EINVAL : error, &why);
    l.list = JS_NewArray(context);
    if (!l.limit)
        return l.list;
    int go_on = filter.descending ? list_added(&l, &filter) : list_published(&l, &filter);
    if (go_on == 1)
        go_on = filter.descending ? list_published(&l, &filter) : list_added(&l, &filter);
    if (go_on < 0) {
        JS_FreeValue(context, l.list);
        return JS_EXCEPTION;
    }
    return l.list;
}
