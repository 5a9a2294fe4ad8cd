#include "store/declared.h"

#include "store/history.h"

#include <errno.h>

static void keep(struct declared *d, uint64_t position, struct spec *spec)
{
    for (unsigned i = 0; i < DECLARED_KEPT; i++)
        if (d->kept[i].position == position)
            return;
    spec_drop(d->kept[d->next].spec);
    d->kept[d->next].position = position;
    d->kept[d->next].spec = spec_hold(spec);
    d->next = (d->next + 1) % DECLARED_KEPT;
}

void declared_add(struct declared *d, uint64_t position, struct spec *spec)
{
    if (!d->first || position < d->first)
        d->first = position;
    if (position > d->last)
        d->last = position;
    if (spec)
        keep(d, position, spec);
}

void declared_clear(struct declared *d)
{
    for (unsigned i = 0; i < DECLARED_KEPT; i++)
        spec_drop(d->kept[i].spec);
    *d = (struct declared){0};
}

static struct spec *find_kept(struct tenant *t, uint64_t position)
{
    struct spec *found = NULL;
    pthread_mutex_lock(&t->lock);
    for (unsigned i = 0; !found && i < DECLARED_KEPT; i++)
        if (t->declared.kept[i].position == position)
            found = spec_hold(t->declared.kept[i].spec);
    pthread_mutex_unlock(&t->lock);
    return found;
}

int declared_read(const struct tenant *t, const struct event_row *row, struct spec **spec)
{
    struct event event;
    struct reason why = {0};
    BYTES_AUTO actor = {0};
    BYTES_AUTO text = {0};
    int error = envelope_read(row->line, &event, &actor);
    if (!error && !spec_recorded(&event, &text))
        error = reason_set(&why, -EIO, "it declares nothing");
    if (!error && text.failed)
        error = -ENOMEM;
    if (!error)
        error = spec_read(bytes_slice(&text), spec, &why);
    if (why.text[0])
        fprintf(stderr, "factfs: tenant %s: the spec of event %llu cannot be read: %s\n", t->name,
            (unsigned long long)row->position, why.text);
    return error == -EINVAL ? -EIO : error;
}

int declared_spec(struct reader *reader, uint64_t position, struct spec **spec)
{
    struct tenant *t = reader->tenant;
    *spec = find_kept(t, position);
    if (*spec)
        return 0;
    struct event_row row;
    int error = history_event(reader, position, &row);
    if (!error)
        error = declared_read(t, &row, spec);
    if (error)
        return error;
    pthread_mutex_lock(&t->lock);
    keep(&t->declared, position, *spec);
    pthread_mutex_unlock(&t->lock);
    return 0;
}

uint64_t declared_last(struct tenant *t)
{
    pthread_mutex_lock(&t->lock);
    uint64_t last = t->declared.last;
    pthread_mutex_unlock(&t->lock);
    return last;
}

void declared_span_end(struct declared_span *span)
{
    spec_drop(span->spec);
    *span = (struct declared_span){0};
}

static int find_span(struct reader *reader, uint64_t position, struct declared_span *span)
{
    struct tenant *t = reader->tenant;
    pthread_mutex_lock(&t->lock);
    uint64_t first = t->declared.first, last = t->declared.last;
    pthread_mutex_unlock(&t->lock);
    span->until = UINT64_MAX;
    span->from = last;
    if (last && position <= last) {
        span->until = first;
        span->from = 0;
    }
    if (position <= span->until)
        return 0;
    int error = engine_spec_before(reader->engine, position, &span->from);
    return error ? error : engine_spec_from(reader->engine, position, &span->until);
}

int declared_at(struct reader *reader, uint64_t position, struct declared_span *span)
{
    if (position > span->from && position <= span->until)
        return 0;
    declared_span_end(span);
    int error = find_span(reader, position, span);
    if (!error && span->from)
        error = declared_spec(reader, span->from, &span->spec);
    if (error)
        declared_span_end(span);
    return error == -ENOENT ? -EIO : error;
}
