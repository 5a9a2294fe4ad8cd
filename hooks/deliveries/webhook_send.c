// What a webhook is sent: one event a request, by Standard Webhooks.
#include "hooks/deliveries/payload.h"
#include "hooks/deliveries/webhook.h"

#include <errno.h>

// The event's id, unless an imported one has a byte that an id of a webhook must not have: then the id that its
// position would have.
static void add_id(struct bytes *out, const struct outgoing *o)
{
    const struct tenant *tenant = o->reader->tenant;
    uint64_t numbers[2] = {tenant->number, o->position};
    char own[SQID_TEXT_MAX];
    for (size_t i = 0; i < o->event.id.size; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", o->event.id.at[i])) {
            bytes_add_text(out, "evt_");
            bytes_add(out, own, sqid_encode(tenant->sqids, numbers, 2, own));
            return;
        }
    bytes_add_slice(out, o->event.id);
}

static int add_headers(const struct webhook *w, struct transfer *t, const struct outgoing *o)
{
    BYTES_AUTO id = {0}, signature = {0};
    int64_t now_s = o->now_us / WHEN_US_PER_SECOND;
    add_id(&id, o);
    int error = signature_add(&signature, w->key_count ? w->keys : w->receiver.made_key,
        w->key_count ? w->key_count : 1, bytes_slice(&id), now_s, bytes_slice(&t->body));
    if (error)
        return error;
    bool added = !id.failed && transfer_print_header(t, "webhook-id: %.*s", SLICE_ARG(bytes_slice(&id))) &&
                 transfer_print_header(t, "webhook-timestamp: %lld", (long long)now_s) &&
                 transfer_print_header(t, "webhook-signature: %.*s", SLICE_ARG(bytes_slice(&signature)));
    for (size_t i = 0; added && i < w->header_count; i++)
        added = transfer_add_header(t, w->headers[i]);
    return added ? 0 : -ENOMEM;
}

int webhook_add(const struct receiver *receiver, struct transfer *t, const struct outgoing *o)
{
    const struct webhook *w = (const struct webhook *)receiver;
    int error = 0;
    if (t->body.size)
        return RECEIVER_ELSEWHERE;
    if (w->sends_line)
        bytes_add_slice(&t->body, o->line);
    else
        error = payload_add(&t->body, o->reader, o->entity, o->line);
    if (!error && t->body.failed)
        error = -ENOMEM;
    if (!error)
        error = add_headers(w, t, o);
    return error ? error : RECEIVER_FITS;
}
