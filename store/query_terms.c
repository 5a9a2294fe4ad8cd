#include "store/query_terms.h"

#include "store/name.h"

#include <errno.h>
#include <stdlib.h>

// A choice with more terms than this is checked on the rows.
#define TERMS_MAX 1024u

// ---- which terms

static int add_term(struct query *q, uint32_t choice, const struct term_row *row)
{
    if (q->term_count == q->term_room) {
        size_t room = q->term_room ? 2 * q->term_room : 8;
        struct query_term *terms = realloc(q->terms, room * sizeof *terms);
        if (!terms)
            return -ENOMEM;
        q->terms = terms;
        q->term_room = room;
    }
    q->terms[q->term_count++] = (struct query_term){.row = *row, .choice = choice, .next_segment = UINT32_MAX};
    return 0;
}

static int resolve_exact(struct query *q, uint32_t choice, enum term_kind kind, struct slice text)
{
    struct term_row row;
    int error = engine_term(q->reader->engine, kind, text, &row);
    if (error)
        return error == -ENOENT ? 0 : error;
    return add_term(q, choice, &row);
}

// Types with a wildcard: all of a noun stand together; those of a verb are looked for among all.
static int resolve_types(struct query *q, uint32_t number, const struct filter_choice *choice, struct slice noun)
{
    struct engine *engine = q->reader->engine;
    char from[NAME_TERM_MAX];
    memcpy(from, noun.at, noun.size);
    from[noun.size] = '.';
    size_t before = q->term_count;
    int error =
        engine_terms_start(engine, TERM_TYPE, (struct slice){.at = from, .size = noun.size ? noun.size + 1 : 0});
    struct slice text;
    struct term_row row;
    int found = 0;
    while (!error && !q->on_rows[number] && (found = engine_terms_next(engine, &text, &row)) == 1) {
        if (noun.size && (text.size <= noun.size || memcmp(text.at, from, noun.size + 1) != 0))
            break;
        if (!choice || query_choice_holds(choice, text))
            error = add_term(q, number, &row);
        q->on_rows[number] = q->term_count - before > TERMS_MAX;
    }
    engine_terms_end(engine);
    if (q->on_rows[number])
        q->term_count = before;
    return error ? error : found < 0 ? found : 0;
}

// The noun that all values of a choice share, if any of them has a wildcard; whole types are looked up one by one.
static int resolve_choice(struct query *q, uint32_t number)
{
    const struct filter_choice *choice = &q->filter->choices[number];
    bool wild = false, one_noun = true;
    for (uint32_t i = 0; choice->key == FILTER_TYPE && i < choice->count; i++) {
        wild = wild || !choice->values[i].noun.size || !choice->values[i].verb.size;
        one_noun = one_noun && slice_equal(choice->values[i].noun, choice->values[0].noun);
    }
    if (wild)
        return resolve_types(q, number, choice, one_noun ? choice->values[0].noun : SLICE(""));
    int error = 0;
    for (uint32_t i = 0; !error && i < choice->count; i++) {
        const struct filter_value *value = &choice->values[i];
        BYTES_AUTO type = {0};
        if (choice->key == FILTER_TYPE) {
            bytes_add_slice(&type, value->noun);
            bytes_add_char(&type, '.');
            bytes_add_slice(&type, value->verb);
            error = type.failed ? -ENOMEM : resolve_exact(q, number, TERM_TYPE, bytes_slice(&type));
        } else {
            error = resolve_exact(q, number, TERM_ACTOR, value->text);
        }
    }
    return error;
}

bool query_has_entity(const struct filter *filter)
{
    for (uint32_t i = 0; i < filter->choice_count; i++)
        if (filter->choices[i].key == FILTER_ENTITY)
            return true;
    return false;
}

int query_resolve(struct query *q, uint64_t posted)
{
    if (q->resolved == posted + 1)
        return 0;
    q->term_count = 0;
    memset(q->on_rows, 0, sizeof q->on_rows);
    int error = resolve_exact(q, QUERY_DAMAGED, TERM_DAMAGED, SLICE(""));
    bool entity = query_has_entity(q->filter);
    for (uint32_t i = 0; !error && i < q->filter->choice_count; i++) {
        enum filter_key key = q->filter->choices[i].key;
        // Types of an entity's events are known with their places.
        if (key == FILTER_ACTOR || (key == FILTER_TYPE && !entity))
            error = resolve_choice(q, i);
    }
    if (!error && !q->filter->choice_count)
        error = resolve_types(q, 0, NULL, SLICE(""));
    q->resolved = error ? 0 : posted + 1;
    return error;
}

// ---- their postings

static int damaged_term(struct query *q, const struct query_term *term)
{
    fprintf(stderr, "factfs: tenant %s: damaged: rows of term %u in the index are missing\n", q->reader->tenant->name,
        term->row.id);
    return -EIO;
}

// Takes what a row of postings has within the positions.
static void take_posting(struct window *w, const struct query_term *term, struct posting *posting, uint64_t first,
    uint64_t last, uint8_t step)
{
    struct posted_event event = {0};
    uint64_t base = segment_first(posting->segment);
    while (posting_next(posting, &event)) {
        uint64_t position = base + event.position;
        if (position < first || position > last)
            continue;
        uint32_t at = (uint32_t)(position - w->first);
        if (term->choice == QUERY_DAMAGED)
            w->room->unsure[w->room->unsure_count++] = at;
        else
            find_place(w->room, step, at, event.size_bytes);
    }
}

// How many events of the term stand before a segment.
static int count_before(struct query *q, const struct query_term *term, uint32_t segment, uint64_t *count)
{
    struct posting before;
    int error = engine_posting_before(q->reader->engine, term->row.id, segment, &before);
    *count = error ? 0 : before.count_before + before.count;
    return error == -ENOENT ? 0 : error;
}

// Walks along the term's rows of the segments that hold `first` to `last`. A row that is missing is noticed by the
// counts of those around it.
static int walk_term(struct window *w, struct query_term *term, uint64_t first, uint64_t last, uint8_t step)
{
    struct query *q = w->query;
    struct engine *engine = q->reader->engine;
    uint32_t from = segment_of(first), to = segment_of(last);
    uint64_t count = term->next_count;
    int error = 0;
    if (term->next_segment == from && term->next_row > to) {
        term->next_segment = to + 1;
        return 0;
    }
    if (from > term->row.last_segment) {
        term->next_row = UINT64_MAX;
        return 0;
    }
    if (term->next_segment != from)
        error = count_before(q, term, from, &count);
    if (!error)
        error = engine_postings_start(engine, term->row.id, from);
    struct posting posting = {0};
    int found = 0;
    while (!error && (found = engine_postings_next(engine, &posting)) == 1 && posting.count_before == count &&
           posting.segment <= to) {
        count += posting.count;
        take_posting(w, term, &posting, first, last, step);
    }
    engine_postings_end(engine);
    if (error || found < 0)
        return query_say(q, error ? error : found);
    if (count != (found ? posting.count_before : term->row.count))
        return damaged_term(q, term);
    term->next_segment = to + 1;
    term->next_count = count;
    term->next_row = found ? posting.segment : UINT64_MAX;
    return 0;
}

int query_walk(struct window *w, uint32_t choice, uint64_t first, uint64_t last, uint8_t step)
{
    struct query *q = w->query;
    uint64_t next = UINT64_MAX;
    // What is asked for is on disk.
    int error = engine_read_begin(q->reader->engine);
    for (size_t i = 0; !error && i < q->term_count; i++) {
        struct query_term *term = &q->terms[i];
        if (term->choice != choice)
            continue;
        error = walk_term(w, term, first, last, step);
        if (term->next_row != UINT64_MAX && segment_first(term->next_row) < next)
            next = segment_first(term->next_row);
    }
    engine_read_end(q->reader->engine);
    // Behind what is indexed anything may come, and so it may in what is left of a segment.
    uint64_t posted = q->resolved - 1;
    if (last + 1 < segment_first(segment_of(last) + 1))
        next = last + 1;
    if (next > posted + 1)
        next = posted + 1;
    if (next > w->next)
        w->next = next;
    return error;
}

// ---- their order

static uint64_t count_of(const struct query *q, uint32_t choice)
{
    uint64_t count = 0;
    for (size_t i = 0; i < q->term_count; i++)
        count += q->terms[i].choice == choice ? q->terms[i].row.count : 0;
    return count;
}

// The choices that the index tells, the rarest first.
uint32_t query_rank(const struct query *q, bool entity, uint32_t ranked[static FILTER_CHOICES_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < q->filter->choice_count; i++) {
        enum filter_key key = q->filter->choices[i].key;
        if (key == FILTER_ENTITY || (key == FILTER_TYPE && entity) || q->on_rows[i])
            continue;
        uint32_t at = count++;
        for (; at && count_of(q, ranked[at - 1]) > count_of(q, i); at--)
            ranked[at] = ranked[at - 1];
        ranked[at] = i;
    }
    return count;
}
