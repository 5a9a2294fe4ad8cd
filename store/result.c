#include "store/result.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct result_window {
    uint64_t first, last; // positions
    uint64_t offset;      // of its first match in the file
    uint64_t count_before;
};

struct result_match {
    uint64_t position;
    uint64_t offset;
};

// The matches of some windows of one result, in a row.
struct result_hand {
    uint64_t serial;        // of the result; 0: none
    size_t window, windows; // the first, and how many
    struct result_match *matches;
    size_t count, room;
};

// Windows begin at multiples of this, so that one that was looked at in pieces becomes one again.
#define WINDOW QUERY_WINDOW
// A line that is so near behind the last is reached by walking along.
#define NEAR 16u

void result_hand_free(struct result_hand *hand)
{
    if (hand)
        free(hand->matches);
    free(hand);
}

static void init(struct result *r, const struct filter *filter)
{
    static atomic_uint_fast64_t serials;
    *r = (struct result){.serial = atomic_fetch_add(&serials, 1) + 1};
    query_init(&r->query, NULL, filter);
}

void result_ascend(struct result *r, const struct filter *filter, uint64_t first)
{
    init(r, filter);
    r->first = first;
    r->scanned = first - 1;
}

void result_descend(struct result *r, const struct filter *filter, uint64_t first)
{
    init(r, filter);
    r->first = first;
    r->scanned = first + 1;
    r->descending = true;
}

void result_close(struct result *r)
{
    query_close(&r->query);
    free(r->windows);
    *r = (struct result){0};
}

// ---- looking

static uint64_t block_of(uint64_t position)
{
    return (position - 1) / WINDOW;
}

static int make_window(struct result *r)
{
    if (r->window_count < r->window_room)
        return 0;
    size_t room = r->window_room ? 2 * r->window_room : 4;
    struct result_window *windows = realloc(r->windows, room * sizeof *windows);
    if (!windows)
        return -ENOMEM;
    r->windows = windows;
    r->window_room = room;
    return 0;
}

static int make_matches(struct result_hand *hand, size_t matches)
{
    if (matches <= hand->room)
        return 0;
    size_t room = hand->room ? hand->room : 16;
    while (room < matches)
        room *= 2;
    struct result_match *all = realloc(hand->matches, room * sizeof *all);
    if (!all)
        return -ENOMEM;
    hand->matches = all;
    hand->room = room;
    return 0;
}

// Puts matches behind those at hand, in the order of the file.
static void hold(struct result *r, const struct query_match *found, size_t count, uint64_t offset)
{
    struct result_hand *hand = r->query.reader->hand;
    for (size_t i = 0; i < count; i++) {
        const struct query_match *match = &found[r->descending ? count - 1 - i : i];
        hand->matches[hand->count++] = (struct result_match){.position = match->position, .offset = offset};
        offset += match->size_bytes;
    }
}

static bool is_at_hand(const struct result *r, size_t window)
{
    const struct result_hand *hand = r->query.reader->hand;
    return hand && hand->serial == r->serial && window - hand->window < hand->windows;
}

// May what is found now stand behind what is at hand? A result that begins takes the hand.
static int reach(struct result *r, bool same, size_t count, bool *reached)
{
    struct reader *reader = r->query.reader;
    if (!reader->hand && !(reader->hand = calloc(1, sizeof *reader->hand)))
        return -ENOMEM;
    struct result_hand *hand = reader->hand;
    if (!r->window_count) {
        hand->serial = r->serial;
        hand->window = hand->windows = hand->count = 0;
    }
    *reached = hand->serial == r->serial && hand->window + hand->windows == r->window_count &&
               (!same || hand->windows) && hand->count + count <= WINDOW;
    return *reached ? make_matches(hand, hand->count + count) : 0;
}

// Takes in what was found between two positions: as a window of its own, or, ascending, as more of the last one.
static int take(struct result *r, uint64_t first, uint64_t last, const struct query_match *found, size_t count)
{
    if (!count)
        return 0;
    struct result_window *at_end = r->window_count ? &r->windows[r->window_count - 1] : NULL;
    bool same = !r->descending && at_end && block_of(at_end->first) == block_of(first), reached = false;
    int error = same ? 0 : make_window(r);
    if (!error)
        error = reach(r, same, count, &reached);
    if (error)
        return error;
    if (same)
        at_end->last = last;
    else
        r->windows[r->window_count++] =
            (struct result_window){.first = first, .last = last, .offset = r->bytes, .count_before = r->count};
    struct result_hand *hand = r->query.reader->hand;
    if (reached) {
        hold(r, found, count, r->bytes);
        hand->windows += !same;
    } else if (hand->serial == r->serial && hand->window + hand->windows == r->window_count) {
        // The last window that it has is not whole any more.
        hand->serial = 0;
    }
    r->count += count;
    for (size_t i = 0; i < count; i++) {
        r->bytes += found[i].size_bytes;
        r->damaged += found[i].damaged;
        r->latest = found[i].position > r->latest ? found[i].position : r->latest;
    }
    return 0;
}

static bool give_up(const struct result *r)
{
    return r->ends && r->ends();
}

static int ascend(struct result *r, uint64_t position, uint64_t enough)
{
    uint64_t first = 1, last = UINT64_MAX;
    int error = r->scanned < position ? query_bounds(&r->query, &first, &last) : 0;
    if (!error && r->scanned < position && r->scanned + 1 < first)
        r->scanned = first - 1 < position ? first - 1 : position;
    uint64_t end = last < position ? last : position;
    while (!error && r->scanned < end && r->count < enough) {
        if (give_up(r))
            return -EINTR;
        uint64_t from = r->scanned + 1, to = (block_of(from) + 1) * WINDOW, next;
        const struct query_match *found;
        size_t count;
        if (to > end)
            to = end;
        error = query_window(&r->query, from, to, &found, &count, &next);
        if (!error)
            error = take(r, from, to, found, count);
        if (!error)
            r->scanned = next - 1 < end ? next - 1 : end;
    }
    // Behind `before` nothing will match.
    if (!error && r->scanned >= end && r->scanned < position)
        r->scanned = position;
    return error;
}

static int descend(struct result *r, uint64_t enough)
{
    uint64_t first = 1, last = UINT64_MAX;
    int error = r->whole ? 0 : query_bounds(&r->query, &first, &last);
    if (!error && !r->whole && last < r->scanned - 1)
        r->scanned = last + 1;
    while (!error && !r->whole && r->count < enough) {
        if (give_up(r))
            return -EINTR;
        uint64_t to = r->scanned - 1, from = to ? block_of(to) * WINDOW + 1 : 1, next;
        if (from < first)
            from = first;
        if (to < from) {
            r->whole = true;
            break;
        }
        const struct query_match *found;
        size_t count;
        error = query_window(&r->query, from, to, &found, &count, &next);
        if (!error)
            error = take(r, from, to, found, count);
        if (!error)
            r->scanned = from;
    }
    return error;
}

int result_look(struct result *r, struct reader *reader, uint64_t position, uint64_t enough)
{
    r->query.reader = reader;
    return r->descending ? descend(r, enough) : ascend(r, position, enough);
}

int result_any(struct reader *reader, const struct filter *filter, uint64_t behind, uint64_t end, bool *any)
{
    struct result result;
    result_ascend(&result, filter, behind + 1);
    int error = result_look(&result, reader, end, 1);
    *any = result.count > 0;
    result_close(&result);
    return error;
}

// ---- a window at hand

static int take_in_hand(struct result *r, size_t number, const struct result_hand **hand)
{
    struct reader *reader = r->query.reader;
    if (!reader->hand && !(reader->hand = calloc(1, sizeof *reader->hand)))
        return -ENOMEM;
    *hand = reader->hand;
    if (is_at_hand(r, number))
        return 0;
    const struct result_window *w = &r->windows[number];
    const struct query_match *found;
    size_t count;
    uint64_t next;
    reader->hand->serial = 0;
    reader->hand->count = 0;
    int error = query_window(&r->query, w->first, w->last, &found, &count, &next);
    // It had some when it was looked at.
    if (!error)
        error = count ? make_matches(reader->hand, count) : -EIO;
    if (error)
        return error;
    hold(r, found, count, w->offset);
    reader->hand->serial = r->serial;
    reader->hand->window = number;
    reader->hand->windows = 1;
    return 0;
}

// The last of some things in the order of their offsets that begins at or before one; the first offset is given, and
// how far apart they stand.
static size_t last_at(const uint64_t *first, size_t stride_bytes, size_t count, uint64_t offset)
{
    size_t low = 0, high = count - 1;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (*(const uint64_t *)((const char *)first + middle * stride_bytes) <= offset)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static size_t window_at(const struct result *r, uint64_t offset)
{
    return last_at(&r->windows->offset, sizeof *r->windows, r->window_count, offset);
}

static size_t match_at(const struct result_hand *hand, uint64_t offset)
{
    return last_at(&hand->matches->offset, sizeof *hand->matches, hand->count, offset);
}

static uint64_t end_of(const struct result *r, size_t window)
{
    return window + 1 < r->window_count ? r->windows[window + 1].offset : r->bytes;
}

int result_part(struct result *r, struct reader *reader, uint64_t position, uint64_t most, uint64_t *count,
    uint64_t *bytes, uint64_t *last)
{
    *count = *bytes = *last = 0;
    r->query.reader = reader;
    if (position >= r->latest && most >= r->count) {
        *count = r->count;
        *bytes = r->bytes;
        *last = r->latest;
        return 0;
    }
    // The last window that begins within the part.
    size_t number = r->window_count;
    while (number && (r->windows[number - 1].first > position || r->windows[number - 1].count_before >= most))
        number--;
    if (!number)
        return 0;
    const struct result_hand *hand;
    int error = take_in_hand(r, number - 1, &hand);
    if (error)
        return error;
    uint64_t before = r->windows[number - 1].count_before;
    size_t begin = match_at(hand, r->windows[number - 1].offset), taken = begin;
    while (taken < hand->count && before + taken - begin < most && hand->matches[taken].position <= position &&
           hand->matches[taken].offset < end_of(r, number - 1))
        taken++;
    *count = before + taken - begin;
    *bytes = taken < hand->count ? hand->matches[taken].offset : end_of(r, number - 1);
    if (taken > begin) {
        *last = hand->matches[taken - 1].position;
        return 0;
    }
    if (number == 1)
        return 0;
    error = take_in_hand(r, number - 2, &hand);
    if (!error)
        *last = hand->matches[match_at(hand, r->windows[number - 1].offset - 1)].position;
    return error;
}

// ---- reading

// Where a walk along the log stands.
struct walk {
    struct engine *engine;
    bool begun; // a reading transaction
    bool on;
    uint64_t next;
};

static void stop(struct walk *walk)
{
    if (walk->on)
        engine_events_end(walk->engine);
    walk->on = false;
}

static void end_walk(struct walk *walk)
{
    stop(walk);
    if (walk->begun)
        engine_read_end(walk->engine);
    walk->begun = false;
}

// The row of a position; by walking on from the last one, when that is near.
static int walk_to(struct walk *walk, uint64_t position, struct event_row *row)
{
    if (!walk->on || position < walk->next || position - walk->next > NEAR) {
        stop(walk);
        int error = walk->begun ? 0 : engine_read_begin(walk->engine);
        walk->begun = !error;
        if (!error)
            error = engine_events_start(walk->engine, position);
        if (error)
            return error;
        walk->on = true;
        walk->next = position;
    }
    for (;;) {
        int found = engine_events_next(walk->engine, row);
        if (found == 1 && walk->next++ == position)
            return 0;
        if (found == 1)
            continue;
        // One on the way that is damaged is not what was asked for.
        bool at_it = walk->next == position;
        stop(walk);
        if (at_it)
            return found ? found : -EIO;
        return walk_to(walk, position, row);
    }
}

// Copies the part of a line and its newline that lies within [offset + *got, offset + size).
static void copy_line(struct slice line, uint64_t line_offset, uint64_t offset, char *to, size_t size, size_t *got)
{
    uint64_t skip = offset + *got - line_offset;
    if (skip < line.size) {
        size_t part = line.size - (size_t)skip < size - *got ? line.size - (size_t)skip : size - *got;
        memcpy(to + *got, line.at + skip, part);
        *got += part;
    }
    if (*got < size && offset + *got == line_offset + line.size)
        to[(*got)++] = '\n';
}

static int read_window(
    const struct result_hand *hand, struct walk *walk, uint64_t offset, char *to, size_t size, size_t *got)
{
    int error = 0;
    for (size_t i = match_at(hand, offset + *got); !error && i < hand->count && *got < size; i++) {
        struct event_row row;
        error = walk_to(walk, hand->matches[i].position, &row);
        if (!error)
            copy_line(row.line, hand->matches[i].offset, offset, to, size, got);
    }
    return error;
}

int result_read(
    struct result *r, struct reader *reader, uint64_t offset, uint64_t end, char *to, size_t size, size_t *got)
{
    *got = 0;
    r->query.reader = reader;
    if (end > r->bytes)
        end = r->bytes;
    if (offset >= end || !size)
        return 0;
    if (size > end - offset)
        size = (size_t)(end - offset);
    struct walk walk = {.engine = reader->engine};
    int error = 0;
    while (!error && *got < size) {
        size_t before = *got;
        size_t number = window_at(r, offset + *got);
        error = give_up(r) ? -EINTR : 0;
        // The search needs the connection.
        if (!is_at_hand(r, number))
            end_walk(&walk);
        const struct result_hand *hand = NULL;
        if (!error)
            error = take_in_hand(r, number, &hand);
        if (!error)
            error = read_window(hand, &walk, offset, to, size, got);
        // A line that is shorter than the index says.
        if (!error && *got == before)
            error = -EIO;
    }
    history_heard(reader, error);
    end_walk(&walk);
    // What was read before the damage is true.
    return *got ? 0 : error;
}
