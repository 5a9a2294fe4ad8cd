#include "store/rerun.h"

#include "store/grow.h"
#include "store/transaction.h"

#include <errno.h>

void rerun_free(struct rerun *r)
{
    free(r->log);
    free(r->passed);
    *r = (struct rerun){0};
}

// ---- the contents of events

static int hash_content(struct transaction *tx, struct slice type, struct slice target, struct slice actor,
    struct slice data, unsigned char content[static RERUN_CONTENT_SIZE])
{
    // None of the parts holds a line's end.
    const struct slice parts[] = {type, target, actor, data};
    unsigned char hash[CHAIN_SIZE] = {0};
    BYTES_AUTO text = {0};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        bytes_add_slice(&text, parts[i]);
        bytes_add_char(&text, '\n');
    }
    int error = text.failed ? -ENOMEM : chain_next(&tx->chain, hash, bytes_slice(&text));
    memcpy(content, hash, RERUN_CONTENT_SIZE);
    return error;
}

static int hash_line(struct transaction *tx, struct slice line, unsigned char content[static RERUN_CONTENT_SIZE])
{
    struct event event;
    BYTES_AUTO actor = {0};
    int error = envelope_read(line, &event, &actor);
    return error ? error : hash_content(tx, event.type, event.target, event.actor, event.data, content);
}

// ---- the events of a moment

// The last position before a moment; 0 when there is none.
static int position_before(struct transaction *tx, int64_t at_us, uint64_t *position)
{
    for (size_t i = tx->count; i-- > 0;)
        if (tx->additions[i].place.at_us < at_us) {
            *position = tx->additions[i].place.position;
            return 0;
        }
    return history_position_at(&tx->reader, at_us - 1, position);
}

void rerun_go_to(struct rerun *r, const struct transaction *tx, int64_t at_us)
{
    if (r->begun && r->at_us == at_us)
        return;
    // Forwards, nothing of the new moment is before what was looked at.
    if (at_us < r->at_us)
        r->looked = 0;
    if (!tx->end.position || at_us > tx->end.at_us)
        r->looked = tx->end.position;
    r->begun = true;
    r->at_us = at_us;
    r->count = r->free = r->next = r->passed_count = 0;
}

static bool take_passed(struct rerun *r, uint64_t position)
{
    for (uint32_t i = 0; i < r->passed_count; i++) {
        if (r->passed[i] != position)
            continue;
        r->passed_count--;
        memmove(r->passed + i, r->passed + i + 1, (r->passed_count - i) * sizeof *r->passed);
        return true;
    }
    return false;
}

// Looks at one more event of the moment: 1 when it is one that the file may have, 0 when there is none, or -errno.
static int look(struct rerun *r, struct transaction *tx)
{
    struct event_row row;
    while (r->looked < tx->end.position) {
        int error = transaction_event(tx, r->looked + 1, &row);
        if (!error && row.at_us < r->at_us) {
            error = position_before(tx, r->at_us, &r->looked);
            if (!error && r->looked < tx->end.position)
                error = transaction_event(tx, r->looked + 1, &row);
        }
        if (error || r->looked == tx->end.position || row.at_us > r->at_us)
            return error;
        if (take_passed(r, row.position)) {
            r->looked++;
            continue;
        }
        if (!GROW(r->log, r->count, r->room))
            return -ENOMEM;
        struct rerun_event *event = &r->log[r->count];
        *event = (struct rerun_event){.position = row.position};
        error = hash_line(tx, row.line, event->content);
        if (error)
            return error;
        r->looked++;
        r->count++;
        r->free++;
        return 1;
    }
    return 0;
}

static bool take(struct rerun *r, uint32_t i, const unsigned char *content, uint64_t *position)
{
    struct rerun_event *event = &r->log[i];
    if (event->taken || memcmp(event->content, content, RERUN_CONTENT_SIZE) != 0)
        return false;
    event->taken = true;
    *position = event->position;
    r->next = i + 1;
    if (--r->free == 0)
        r->count = r->next = 0;
    return true;
}

int rerun_find(struct rerun *r, struct transaction *tx, const struct draft *draft, uint64_t *position)
{
    unsigned char content[RERUN_CONTENT_SIZE];
    if (!r->free && r->looked == tx->end.position)
        return -ENOENT;
    int found = hash_content(tx, draft->type.text, draft->target, draft->actor, draft->data, content);
    if (found)
        return found;
    for (uint32_t n = 0; n < r->count; n++)
        if (take(r, (r->next + n) % r->count, content, position))
            return 0;
    while ((found = look(r, tx)) == 1)
        if (take(r, r->count - 1, content, position))
            return 0;
    return found ? found : -ENOENT;
}

int rerun_pass(struct rerun *r, uint64_t position)
{
    if (r->looked >= position) {
        // It may be among those that were looked at.
        for (uint32_t i = 0; i < r->count; i++)
            if (r->log[i].position == position && !r->log[i].taken) {
                r->log[i].taken = true;
                r->free--;
            }
        return 0;
    }
    if (r->looked + 1 == position) {
        r->looked = position;
        return 0;
    }
    if (!GROW(r->passed, r->passed_count, r->passed_room))
        return -ENOMEM;
    r->passed[r->passed_count++] = position;
    return 0;
}

// ---- undoing

static void *copied(const void *from, size_t size)
{
    void *copy = malloc(size ? size : 1);
    if (copy && size)
        memcpy(copy, from, size);
    return copy;
}

int rerun_save(struct rerun *r, struct rerun *saved)
{
    r->restored = false;
    rerun_free(saved);
    *saved = *r;
    saved->log = copied(r->log, r->count * sizeof *r->log);
    saved->passed = copied(r->passed, r->passed_count * sizeof *r->passed);
    saved->room = r->count;
    saved->passed_room = r->passed_count;
    if (saved->log && saved->passed)
        return 0;
    rerun_free(saved);
    return -ENOMEM;
}

void rerun_restore(struct rerun *r, struct rerun *saved)
{
    if (!saved->log)
        return;
    rerun_free(r);
    *r = *saved;
    *saved = (struct rerun){0};
}
