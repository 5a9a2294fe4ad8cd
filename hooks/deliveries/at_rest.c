#include "hooks/deliveries/at_rest.h"

#include "hooks/deliveries/queue.h"
#include "hooks/deliveries/report.h"
#include "hooks/hooks.h"
#include "store/json.h"

#include <errno.h>

static int show_one(struct reader *reader, const struct hook_kind *kind, const struct hook_row *row, struct bytes *out)
{
    struct reason why = {0};
    struct slice stem;
    if (!hook_stem(kind, row->name, &stem))
        return 0;
    BYTES_AUTO text = {0}, name = {0};
    bytes_add_slice(&text, row->text);
    bytes_add_slice(&name, stem);
    struct queue *q = queue_new(kind, row->number);
    int error = !q || text.failed || name.failed ? -ENOMEM : 0;
    if (!error)
        error = queue_restore(q, reader);
    if (!error)
        error = queue_define(q, bytes_slice(&name), bytes_slice(&text), row->position, &why);
    int64_t now_us = when_now_us();
    while (!error && queue_scan(q, reader, tenant_end(reader->tenant).position, now_us))
        ;
    if (!error) {
        json_quote(out, bytes_slice(&name));
        bytes_add_char(out, ':');
        report_status(out, q, q->events + q->counted_events, queue_oldest_us(q, reader), now_us);
        bytes_add_char(out, ',');
    }
    if (q)
        queue_free(q);
    return error;
}

static int show_folder(struct reader *reader, const struct hook_kind *kind, struct bytes *out)
{
    struct hook_row row = {0};
    int error;
    bytes_printf(out, "\"%s\":{", kind->folder);
    while (!(error = history_hook_from(reader, row.number + 1, &row))) {
        uint64_t number = row.number;
        if (slice_is(row.folder, kind->folder))
            error = show_one(reader, kind, &row, out);
        if (error)
            return error;
        row.number = number;
    }
    out->size -= out->at && out->at[out->size - 1] == ',';
    bytes_add_char(out, '}');
    return error == -ENOENT ? 0 : error;
}

int at_rest_show(struct reader *reader, struct bytes *out)
{
    bytes_add_char(out, '{');
    int error = show_folder(reader, &webhook_kind, out);
    bytes_add_char(out, ',');
    if (!error)
        error = show_folder(reader, &integration_kind, out);
    bytes_add_char(out, '}');
    return error ? error : out->failed ? -ENOMEM : 0;
}
