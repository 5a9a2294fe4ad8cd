#include "store/segment.h"

#include <errno.h>
#include <stdlib.h>

struct segment *segment_new(uint32_t number)
{
    struct segment *s = calloc(1, sizeof *s);
    if (s)
        s->number = number;
    return s;
}

void segment_free(struct segment *s)
{
    if (!s)
        return;
    free(s->events);
    free(s->terms);
    free(s->slots);
    arena_free(&s->texts);
    free(s);
}

static uint32_t slot_of(const struct segment *s, enum term_kind kind, struct slice text)
{
    return (uint32_t)(slice_hash(text) + (uint64_t)kind * 0x9e3779b9u) & (s->slot_count - 1);
}

int segment_find(const struct segment *s, enum term_kind kind, struct slice text)
{
    if (!s->slot_count)
        return -1;
    for (uint32_t slot = slot_of(s, kind, text); s->slots[slot]; slot = (slot + 1) & (s->slot_count - 1)) {
        const struct segment_term *term = &s->terms[s->slots[slot] - 1];
        if (term->kind == kind && slice_equal(term->text, text))
            return s->slots[slot] - 1;
    }
    return -1;
}

static void put_slot(struct segment *s, uint32_t number)
{
    uint32_t slot = slot_of(s, s->terms[number].kind, s->terms[number].text);
    while (s->slots[slot])
        slot = (slot + 1) & (s->slot_count - 1);
    s->slots[slot] = (uint16_t)(number + 1);
}

static bool grow_terms(struct segment *s)
{
    uint32_t room = s->term_room ? 2 * s->term_room : 64;
    struct segment_term *terms = realloc(s->terms, room * sizeof *terms);
    if (terms)
        s->terms = terms;
    uint16_t *slots = terms ? calloc(2 * room, sizeof *slots) : NULL;
    if (!slots)
        return false;
    free(s->slots);
    s->slots = slots;
    s->slot_count = 2 * room;
    s->term_room = room;
    for (uint32_t i = 0; i < s->term_count; i++)
        put_slot(s, i);
    return true;
}

// Terms that no event has are of events that were taken back: they go, and the others get new numbers.
static int renumber(struct segment *s)
{
    struct segment fresh = {.number = s->number, .next = s->next};
    int error = 0;
    for (uint32_t i = 0; !error && i < s->count; i++) {
        const struct segment_event *e = &s->events[i];
        const struct segment_term *type = &s->terms[e->type];
        error = type->kind == TERM_DAMAGED ? segment_put_damaged(&fresh, i)
                                           : segment_put(&fresh, i, e->size_bytes, type->text, s->terms[e->actor].text);
    }
    struct segment old = error ? fresh : *s;
    if (!error)
        *s = fresh;
    free(old.events);
    free(old.terms);
    free(old.slots);
    arena_free(&old.texts);
    return error;
}

static int term_number(struct segment *s, enum term_kind kind, struct slice text, uint16_t *number)
{
    int found = segment_find(s, kind, text);
    if (found < 0) {
        if (s->term_count == s->term_room && !grow_terms(s))
            return -ENOMEM;
        struct slice copy = arena_copy(&s->texts, text);
        if (!copy.at)
            return -ENOMEM;
        s->terms[s->term_count] = (struct segment_term){.kind = kind, .text = copy};
        put_slot(s, s->term_count);
        found = (int)s->term_count++;
    }
    *number = (uint16_t)found;
    return 0;
}

static int make_room(struct segment *s, uint32_t at)
{
    if (at < s->count)
        s->count = at;
    if (s->term_count + 2 > SEGMENT_TERMS_ROOM) {
        int error = renumber(s);
        if (error)
            return error;
    }
    if (at < s->event_room)
        return 0;
    uint32_t room = s->event_room ? 2 * s->event_room : 256;
    struct segment_event *events = realloc(s->events, room * sizeof *events);
    if (!events)
        return -ENOMEM;
    s->events = events;
    s->event_room = room;
    return 0;
}

int segment_put(struct segment *s, uint32_t at, uint32_t size_bytes, struct slice type_term, struct slice actor)
{
    struct segment_event event = {.size_bytes = size_bytes};
    int error = make_room(s, at);
    if (!error)
        error = term_number(s, TERM_TYPE, type_term, &event.type);
    if (!error)
        error = term_number(s, TERM_ACTOR, actor, &event.actor);
    if (error)
        return error;
    s->events[at] = event;
    s->count = at + 1;
    return 0;
}

int segment_put_damaged(struct segment *s, uint32_t at)
{
    struct segment_event event = {0};
    int error = make_room(s, at);
    if (!error)
        error = term_number(s, TERM_DAMAGED, SLICE(""), &event.type);
    if (error)
        return error;
    event.actor = event.type;
    s->events[at] = event;
    s->count = at + 1;
    return 0;
}
