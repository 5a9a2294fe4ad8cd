#include "store/query_terms.h"

#include "store/envelope.h"

#include <errno.h>
#include <stdlib.h>

// More matches than this are put in order by walking over the window, fewer are sorted.
#define SORTED_MAX 2048u
// So few events of an entity are looked at themselves for their actor.
#define LOOKED_AT_MAX 64u

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

int query_say(struct query *q, int error)
{
    return history_heard(q->reader, error);
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

bool query_choice_holds(const struct filter_choice *choice, struct slice text)
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
        *matches = query_choice_holds(choice, choice->key == FILTER_TYPE     ? type_term
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

// ---- the index

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
    uint32_t count = query_rank(q, false, ranked);
    if (!q->filter->choice_count)
        ranked[count++] = 0;
    int error = query_walk(w, QUERY_DAMAGED, first, last, 0);
    uint64_t damage = w->next;
    w->next = 0;
    for (uint32_t i = 0; !error && i < count && (i == 0 || w->room->found_count); i++)
        error = query_walk(w, ranked[i], first, last, (uint8_t)i);
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
            if (holds[k] == step && s->terms[k].kind == TERM_TYPE && query_choice_holds(choice, s->terms[k].text))
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
                matches =
                    q->filter->choices[k].key != FILTER_TYPE || query_choice_holds(&q->filter->choices[k], type_term);
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
        if (filter->choices[i].key == FILTER_ENTITY && !query_choice_holds(&filter->choices[i], entity))
            return false;
    return true;
}

static int check_actors(struct window *w, uint64_t posted)
{
    struct query *q = w->query;
    struct query_room *room = w->room;
    uint32_t ranked[FILTER_CHOICES_MAX], count = query_rank(q, true, ranked), kept = 0;
    int error = 0;
    uint64_t last = w->last < posted ? w->last : posted, next = w->next;
    bool indexed = last >= w->first && room->found_count > LOOKED_AT_MAX;
    for (uint32_t i = 0; !error && indexed && i < count; i++)
        error = query_walk(w, ranked[i], w->first, last, (uint8_t)(i + 1));
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
    bool entity = query_has_entity(q->filter);
    find_in_memory(w, !entity, &posted, &memory);
    int error = w->first <= posted ? query_resolve(q, posted) : 0;
    if (error)
        return query_say(q, error);
    w->next = w->last + 1;
    if (entity)
        return find_entities(w, posted);
    // From here on memory has it, up to where it begins the index on disk; what lies between only the log tells.
    uint32_t ranked[FILTER_CHOICES_MAX];
    bool only_rows = q->filter->choice_count ? !query_rank(q, false, ranked) : any_on_rows(q);
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
