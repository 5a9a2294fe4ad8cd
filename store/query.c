#include "store/query.h"

#include "store/envelope.h"

#include <errno.h>
#include <stdlib.h>

// A choice with more terms than this is checked on the rows.
#define TERMS_MAX 1024u
// More matches than this are put in order by walking over the window, fewer are sorted.
#define SORTED_MAX 2048u
// So few events of an entity are looked at themselves for their actor.
#define LOOKED_AT_MAX 64u

struct query_term {
    struct term_row row;
    uint32_t choice;       // which one it belongs to; DAMAGED for events that could not be read
    uint32_t next_segment; // where the last walk ended, and how many events it knew of until there
    uint64_t next_count;
    uint64_t next_row; // the segment of the first row from there on; UINT64_MAX: none
};
#define DAMAGED   UINT32_MAX
#define HOLDS_ALL UINT8_MAX

// Per position of a window: how many choices hold so far (in their order), and the size.
struct query_room {
    uint8_t holds[QUERY_WINDOW]; // HOLDS_ALL: found in memory
    uint8_t term_holds[SEGMENT_TERMS_ROOM];
    uint32_t sizes[QUERY_WINDOW];
    uint32_t found[QUERY_WINDOW]; // places that hold
    uint32_t found_count;
    uint32_t unsure[QUERY_WINDOW]; // places of events that the index could not read
    uint32_t unsure_count;
    struct query_match matches[QUERY_WINDOW];
};

// What is asked of a window.
struct window {
    struct query *query;
    struct query_room *room;
    uint64_t first, last;
    uint64_t next;
};

void query_room_free(struct query_room *room)
{
    free(room);
}

void query_init(struct query *query, struct reader *reader, const struct filter *filter)
{
    *query = (struct query){.reader = reader, .filter = filter};
}

void query_close(struct query *q)
{
    free(q->terms);
    *q = (struct query){0};
}

static int say(struct query *q, int error)
{
    if (error == -EIO)
        fprintf(stderr, "factfs: tenant %s: %s\n", q->reader->tenant->name, engine_error(q->reader->engine));
    return error;
}

static int damaged_term(struct query *q, const struct query_term *term)
{
    fprintf(stderr, "factfs: tenant %s: damaged: rows of term %u in the index are missing\n", q->reader->tenant->name,
        term->row.id);
    return -EIO;
}

// ---- bounds

int query_bounds(struct query *q, uint64_t *first, uint64_t *last)
{
    uint64_t position = 0;
    int error = 0;
    *first = 1;
    *last = UINT64_MAX;
    if (q->filter->after_us != INT64_MIN) {
        error = history_position_at(q->reader, q->filter->after_us - 1, &position);
        *first = position + 1;
    }
    if (error || q->filter->before_us == INT64_MAX)
        return error;
    struct log_end end = tenant_end(q->reader->tenant);
    error = history_position_at(q->reader, q->filter->before_us - 1, &position);
    if (!error && (position < end.position || end.at_us >= q->filter->before_us))
        *last = position;
    return error;
}

// ---- one event

static bool choice_matches(const struct filter_choice *choice, struct slice text)
{
    for (uint32_t i = 0; i < choice->count; i++) {
        const struct filter_value *value = &choice->values[i];
        if (choice->key == FILTER_TYPE ? filter_type_matches(value, text) : slice_equal(value->text, text))
            return true;
    }
    return false;
}

int query_matches_row(const struct filter *filter, const struct event_row *row, bool *matches)
{
    struct event event;
    BYTES_AUTO actor = {0};
    int error = envelope_read(row->line, &event, &actor);
    if (error)
        return error;
    char term[NAME_TERM_MAX];
    struct slice type_term = {.at = term, .size = name_type_term(term, event.type, event.target)};
    *matches = true;
    for (uint32_t i = 0; *matches && i < filter->choice_count; i++) {
        const struct filter_choice *choice = &filter->choices[i];
        *matches = choice_matches(choice, choice->key == FILTER_TYPE     ? type_term
                                          : choice->key == FILTER_ENTITY ? event.target
                                                                         : event.actor);
    }
    return 0;
}

// An event that is looked at itself. What cannot be read may match.
static int matches_at(struct window *w, uint32_t at, bool *matches)
{
    struct event_row row;
    int error = history_event(w->query->reader, w->first + at, &row);
    *matches = true;
    if (!error)
        error = query_matches_row(w->query->filter, &row, matches);
    if (error && error != -EIO)
        return error;
    w->room->sizes[at] = error ? 0 : (uint32_t)row.line.size + 1;
    return 0;
}

// ---- terms of the index

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
        if (!choice || choice_matches(choice, text))
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

static bool has_entity(const struct filter *filter)
{
    for (uint32_t i = 0; i < filter->choice_count; i++)
        if (filter->choices[i].key == FILTER_ENTITY)
            return true;
    return false;
}

static int resolve(struct query *q, uint64_t posted)
{
    if (q->resolved == posted + 1)
        return 0;
    q->term_count = 0;
    memset(q->on_rows, 0, sizeof q->on_rows);
    int error = resolve_exact(q, DAMAGED, TERM_DAMAGED, SLICE(""));
    bool entity = has_entity(q->filter);
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

// ---- what is found in a window

static void find_place(struct query_room *room, uint8_t step, uint32_t at, uint32_t size_bytes)
{
    if (room->holds[at] != step)
        return;
    room->holds[at] = (uint8_t)(step + 1);
    room->sizes[at] = size_bytes;
    if (step == 0)
        room->found[room->found_count++] = at;
}

static void keep_holding(struct query_room *room, uint8_t steps)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < room->found_count; i++) {
        uint32_t at = room->found[i];
        if (room->holds[at] == steps || room->holds[at] == HOLDS_ALL)
            room->found[kept++] = at;
        else
            room->holds[at] = 0;
    }
    room->found_count = kept;
}

static void find_for_sure(struct query_room *room, uint32_t at, uint32_t size_bytes)
{
    room->holds[at] = HOLDS_ALL;
    room->sizes[at] = size_bytes;
    room->found[room->found_count++] = at;
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
        if (term->choice == DAMAGED)
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
        return say(q, error ? error : found);
    if (count != (found ? posting.count_before : term->row.count))
        return damaged_term(q, term);
    term->next_segment = to + 1;
    term->next_count = count;
    term->next_row = found ? posting.segment : UINT64_MAX;
    return 0;
}

static int walk_choice(struct window *w, uint32_t choice, uint64_t first, uint64_t last, uint8_t step)
{
    struct query *q = w->query;
    uint64_t next = UINT64_MAX;
    int error = 0;
    for (size_t i = 0; !error && i < q->term_count; i++) {
        struct query_term *term = &q->terms[i];
        if (term->choice != choice)
            continue;
        error = walk_term(w, term, first, last, step);
        if (term->next_row != UINT64_MAX && segment_first(term->next_row) < next)
            next = segment_first(term->next_row);
    }
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

// ---- the index

static uint64_t count_of(const struct query *q, uint32_t choice)
{
    uint64_t count = 0;
    for (size_t i = 0; i < q->term_count; i++)
        count += q->terms[i].choice == choice ? q->terms[i].row.count : 0;
    return count;
}

// The choices that the index tells, the rarest first.
static uint32_t rank_choices(const struct query *q, bool entity, uint32_t ranked[static FILTER_CHOICES_MAX])
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

// Is the choice one that the index does not help with?
static bool any_on_rows(const struct query *q)
{
    return memchr(q->on_rows, 1, sizeof q->on_rows);
}

// What the index has found is looked at itself, for the choices that the index does not tell.
static int check_rows(struct window *w, uint64_t last)
{
    struct query_room *room = w->room;
    uint32_t kept = 0;
    int error = 0;
    if (!any_on_rows(w->query))
        return 0;
    for (uint32_t i = 0; i < room->found_count; i++) {
        uint32_t at = room->found[i];
        bool matches = true;
        if (!error && w->first + at <= last)
            error = matches_at(w, at, &matches);
        if (matches)
            room->found[kept++] = at;
        else
            room->holds[at] = 0;
    }
    room->found_count = kept;
    return error;
}

// Positions whose postings are on disk.
static int find_posted(struct window *w, uint64_t first, uint64_t last)
{
    struct query *q = w->query;
    uint32_t ranked[FILTER_CHOICES_MAX];
    uint32_t count = rank_choices(q, false, ranked);
    if (!q->filter->choice_count)
        ranked[count++] = 0;
    int error = walk_choice(w, DAMAGED, first, last, 0);
    uint64_t damage = w->next;
    w->next = 0;
    for (uint32_t i = 0; !error && i < count && (i == 0 || w->room->found_count); i++)
        error = walk_choice(w, ranked[i], first, last, (uint8_t)i);
    if (damage < w->next)
        w->next = damage;
    keep_holding(w->room, (uint8_t)count);
    return error ? error : check_rows(w, last);
}

// ---- segments in memory

// Which terms of a segment hold every choice of their kind.
static void mark_terms(const struct query *q, const struct segment *s, uint8_t *holds)
{
    uint32_t types = 0, actors = 0;
    memset(holds, 0, s->term_count);
    for (uint32_t i = 0; i < q->filter->choice_count; i++) {
        const struct filter_choice *choice = &q->filter->choices[i];
        uint8_t step = (uint8_t)(choice->key == FILTER_TYPE ? types++ : actors++);
        for (uint32_t k = 0; choice->key == FILTER_ACTOR && k < choice->count; k++) {
            int number = segment_find(s, TERM_ACTOR, choice->values[k].text);
            if (number >= 0 && holds[number] == step)
                holds[number]++;
        }
        for (uint32_t k = 0; choice->key == FILTER_TYPE && k < s->term_count; k++)
            if (holds[k] == step && s->terms[k].kind == TERM_TYPE && choice_matches(choice, s->terms[k].text))
                holds[k]++;
    }
    for (uint32_t k = 0; k < s->term_count; k++) {
        uint32_t steps = s->terms[k].kind == TERM_TYPE ? types : actors;
        holds[k] = s->terms[k].kind != TERM_DAMAGED && holds[k] == steps;
    }
}

static void find_in_segment(struct window *w, const struct segment *s, uint64_t last)
{
    uint8_t *holds = w->room->term_holds;
    uint64_t base = segment_first(s->number);
    mark_terms(w->query, s, holds);
    for (uint32_t i = base < w->first ? (uint32_t)(w->first - base) : 0; i < s->count && base + i <= last; i++) {
        const struct segment_event *e = &s->events[i];
        uint32_t at = (uint32_t)(base + i - w->first);
        if (s->terms[e->type].kind == TERM_DAMAGED) {
            w->room->unsure[w->room->unsure_count++] = at;
        } else if (holds[e->type] && holds[e->actor]) {
            find_for_sure(w->room, at, e->size_bytes);
        }
    }
}

// What memory has of the window; *posted and *memory tell where the index on disk ends and memory begins.
static void find_in_memory(struct window *w, bool look, uint64_t *posted, uint64_t *memory)
{
    struct tenant *t = w->query->reader->tenant;
    pthread_mutex_lock(&t->lock);
    const struct index *index = &t->index;
    *posted = index->posted;
    *memory = index->first ? segment_first(index->first->number) : t->end.position + 1;
    for (const struct segment *s = index->first; look && s; s = s->next)
        if (segment_first(s->number) <= w->last && segment_first(s->number + 1) > w->first)
            find_in_segment(w, s, w->last);
    pthread_mutex_unlock(&t->lock);
}

// ---- the log itself

static int find_on_rows(struct window *w, uint64_t first, uint64_t last)
{
    struct query *q = w->query;
    struct engine *engine = q->reader->engine;
    int error = 0;
    for (uint64_t position = first; !error && position <= last;) {
        struct event_row row;
        int found = engine_events_start(engine, position);
        while (!error && found >= 0 && position <= last && (found = engine_events_next(engine, &row)) == 1) {
            bool matches = false;
            uint32_t at = (uint32_t)(position - w->first);
            if (query_matches_row(q->filter, &row, &matches))
                w->room->unsure[w->room->unsure_count++] = at;
            if (matches)
                find_for_sure(w->room, at, (uint32_t)row.line.size + 1);
            position++;
        }
        engine_events_end(engine);
        if (found == -ENOMEM)
            error = found;
        else if (found != 1 && position <= last)
            w->room->unsure[w->room->unsure_count++] = (uint32_t)(position++ - w->first);
    }
    return error;
}

// Events that the index could not read: here is whether they can be read now.
static int settle_unsure(struct window *w)
{
    struct query_room *room = w->room;
    int error = 0;
    for (uint32_t i = 0; !error && i < room->unsure_count; i++) {
        bool matches;
        uint32_t at = room->unsure[i];
        error = matches_at(w, at, &matches);
        if (!error && matches)
            find_for_sure(room, at, room->sizes[at]);
    }
    return error;
}

// ---- entities

// The versions of an entity within the window whose types match.
static int find_versions(struct window *w, struct slice name)
{
    struct query *q = w->query;
    struct head head;
    uint32_t version;
    int error = history_head(q->reader, name, &head);
    if (error || !head.version)
        return error == -ENOENT ? 0 : error;
    error = history_version_at(q->reader, head.id, w->first - 1, &version);
    struct chunk page = {0};
    for (uint64_t position = 0; !error && position <= w->last && version < head.version;) {
        error = history_page(q->reader, head.id, version + 1, &page);
        for (uint32_t i = 0; !error && i < page.count && version < head.version; i++) {
            const struct event_place *place = &page.events[i];
            position = place->position;
            if (position > w->last) {
                w->next = position < w->next ? position : w->next;
                break;
            }
            version++;
            char term[NAME_TERM_MAX];
            struct slice type = history_type(q->reader, place->type);
            struct slice type_term = {.at = term, .size = name_type_term(term, type, name)};
            bool matches = true;
            for (uint32_t k = 0; matches && k < q->filter->choice_count; k++)
                matches = q->filter->choices[k].key != FILTER_TYPE || choice_matches(&q->filter->choices[k], type_term);
            if (matches)
                find_place(w->room, 0, (uint32_t)(position - w->first), place->size_bytes);
        }
    }
    return error;
}

// Of several conditions on the entity, only what all of them name can match.
static bool is_in_every_choice(const struct filter *filter, struct slice entity)
{
    for (uint32_t i = 0; i < filter->choice_count; i++)
        if (filter->choices[i].key == FILTER_ENTITY && !choice_matches(&filter->choices[i], entity))
            return false;
    return true;
}

static int check_actors(struct window *w, uint64_t posted)
{
    struct query *q = w->query;
    struct query_room *room = w->room;
    uint32_t ranked[FILTER_CHOICES_MAX], count = rank_choices(q, true, ranked), kept = 0;
    int error = 0;
    uint64_t last = w->last < posted ? w->last : posted, next = w->next;
    bool indexed = last >= w->first && room->found_count > LOOKED_AT_MAX;
    for (uint32_t i = 0; !error && indexed && i < count; i++)
        error = walk_choice(w, ranked[i], w->first, last, (uint8_t)(i + 1));
    w->next = next;
    for (uint32_t i = 0; !error && i < room->found_count; i++) {
        uint32_t at = room->found[i];
        bool matches = count == 0 || (indexed && room->holds[at] == count + 1);
        room->holds[at] = 0;
        if (count && (!indexed || w->first + at > posted))
            error = matches_at(w, at, &matches);
        if (matches)
            room->found[kept++] = at;
    }
    room->found_count = kept;
    return error;
}

static int find_entities(struct window *w, uint64_t posted)
{
    const struct filter *filter = w->query->filter;
    int error = 0;
    bool first = true;
    w->next = UINT64_MAX;
    for (uint32_t i = 0; i < filter->choice_count; i++) {
        const struct filter_choice *choice = &filter->choices[i];
        if (choice->key != FILTER_ENTITY || !first)
            continue;
        first = false;
        for (uint32_t k = 0; !error && k < choice->count; k++)
            if (is_in_every_choice(filter, choice->values[k].text))
                error = find_versions(w, choice->values[k].text);
    }
    return error ? error : check_actors(w, posted);
}

// ---- the window

static int by_place(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void put_in_order(struct window *w)
{
    struct query_room *room = w->room;
    if (room->found_count <= SORTED_MAX) {
        qsort(room->found, room->found_count, sizeof *room->found, by_place);
    } else {
        for (uint32_t i = 0; i < room->found_count; i++)
            room->holds[room->found[i]] = 1;
        uint32_t count = 0;
        for (uint32_t at = 0; at <= w->last - w->first; at++)
            if (room->holds[at])
                room->found[count++] = at;
    }
    for (uint32_t i = 0; i < room->found_count; i++) {
        uint32_t at = room->found[i], size = room->sizes[at];
        room->holds[at] = 0;
        room->matches[i] =
            (struct query_match){.position = w->first + at, .size_bytes = size ? size : 1, .damaged = !size};
    }
}

static int find_all(struct window *w)
{
    struct query *q = w->query;
    uint64_t posted, memory;
    bool entity = has_entity(q->filter);
    find_in_memory(w, !entity, &posted, &memory);
    int error = resolve(q, posted);
    if (error)
        return say(q, error);
    w->next = w->last + 1;
    if (entity)
        return find_entities(w, posted);
    // From here on memory has it, up to where it begins the index on disk; what lies between only the log tells.
    uint32_t ranked[FILTER_CHOICES_MAX];
    bool only_rows = q->filter->choice_count ? !rank_choices(q, false, ranked) : any_on_rows(q);
    uint64_t on_disk = only_rows ? 0 : posted;
    if (w->first <= on_disk)
        error = find_posted(w, w->first, w->last < on_disk ? w->last : on_disk);
    uint64_t first = w->first > on_disk ? w->first : on_disk + 1;
    uint64_t last = w->last < memory ? w->last : memory - 1;
    if (!error && first <= last)
        error = find_on_rows(w, first, last);
    if (!error)
        error = settle_unsure(w);
    if (w->last >= on_disk)
        w->next = 0;
    return error;
}

int query_window(
    struct query *q, uint64_t first, uint64_t last, const struct query_match **matches, size_t *count, uint64_t *next)
{
    if (!q->reader->room && !(q->reader->room = calloc(1, sizeof *q->reader->room)))
        return -ENOMEM;
    struct window w = {.query = q, .room = q->reader->room, .first = first, .last = last};
    w.room->found_count = w.room->unsure_count = 0;
    int error = find_all(&w);
    if (error) {
        // What was begun is forgotten.
        memset(w.room->holds, 0, sizeof w.room->holds);
        w.room->found_count = 0;
    }
    put_in_order(&w);
    *matches = w.room->matches;
    *count = w.room->found_count;
    *next = w.next > last ? w.next : last + 1;
    return error;
}
