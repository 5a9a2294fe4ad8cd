#include "store/pattern.h"

#include "store/utf8.h"

#include <errno.h>
#include <stdlib.h>

// The expression as a program for a machine that is in all its possible steps at once. Jumps are relative, so that a
// part can be moved and repeated.
enum kind { CHARACTER, ANY, SET, BEGIN, END, SPLIT, JUMP, MATCH };

struct step {
    enum kind kind;
    uint32_t character; // CHARACTER; of a SET its number
    int first, second;  // SPLIT; JUMP goes to `first`
};

// Of characters beyond ASCII.
struct range {
    uint32_t low, high;
};

struct set {
    bool negated;
    uint32_t ascii[4];     // a bit a character
    uint32_t first, count; // of its ranges
};

// Where the machine is: steps, each once.
struct places {
    uint32_t *all;
    uint32_t count;
};

struct pattern {
    struct step steps[PATTERN_STEPS_MAX + 1];
    uint32_t count;
    struct set sets[PATTERN_STEPS_MAX];
    uint32_t set_count;
    struct bytes ranges; // struct range, those of a set together
    // of a run
    uint32_t now[PATTERN_STEPS_MAX + 1], next[PATTERN_STEPS_MAX + 1], waiting[2 * PATTERN_STEPS_MAX + 4];
    uint64_t seen[PATTERN_STEPS_MAX + 1]; // the character at which a step was added last, from 1
};

struct compiler {
    struct pattern *pattern;
    const char *start, *at, *end;
    struct reason *why;
};

// ---- characters

// The next character, and moves behind it; a byte that begins none stands for itself.
static uint32_t take_character(const char **at, const char *end)
{
    const unsigned char *s = (const unsigned char *)*at;
    uint8_t low, high;
    uint8_t more = utf8_lead(s[0], &low, &high);
    bool whole = more && end - *at > more && s[1] >= low && s[1] <= high;
    for (uint8_t i = 2; whole && i <= more; i++)
        whole = (s[i] & 0xC0) == 0x80;
    uint32_t c = s[0];
    if (!whole) {
        *at += 1;
        // Apart from all characters.
        return c < 0x80 ? c : 0x110000 + c;
    }
    c &= 0x3Fu >> more;
    for (uint8_t i = 1; i <= more; i++)
        c = c << 6 | (s[i] & 0x3F);
    *at += more + 1;
    return c;
}

// ---- compiling

static int wrong(struct compiler *c, const char *what)
{
    return reason_set(c->why, -EINVAL, "the expression: %s, at its byte %zu", what, (size_t)(c->at - c->start) + 1);
}

static bool is_next(const struct compiler *c, char wanted)
{
    return c->at < c->end && *c->at == wanted;
}

static int too_large(struct compiler *c)
{
    return wrong(c, "too large with all its repetitions");
}

static int add_step(struct compiler *c, struct step step)
{
    struct pattern *p = c->pattern;
    if (p->count == PATTERN_STEPS_MAX)
        return too_large(c);
    p->steps[p->count++] = step;
    return 0;
}

// Puts a split before the part that begins at `start`.
static int put_split(struct compiler *c, uint32_t start, int second)
{
    struct pattern *p = c->pattern;
    int error = add_step(c, (struct step){0});
    if (error)
        return error;
    memmove(p->steps + start + 1, p->steps + start, (p->count - 1 - start) * sizeof *p->steps);
    p->steps[start] = (struct step){.kind = SPLIT, .first = 1, .second = second};
    return 0;
}

static int make_optional(struct compiler *c, uint32_t start)
{
    return put_split(c, start, (int)(c->pattern->count - start) + 1);
}

static int make_star(struct compiler *c, uint32_t start)
{
    int size = (int)(c->pattern->count - start);
    int error = put_split(c, start, size + 2);
    return error ? error : add_step(c, (struct step){.kind = JUMP, .first = -(size + 1)});
}

static int make_plus(struct compiler *c, uint32_t start)
{
    int size = (int)(c->pattern->count - start);
    return add_step(c, (struct step){.kind = SPLIT, .first = -size, .second = 1});
}

static int add_copy(struct compiler *c, uint32_t start, uint32_t size)
{
    struct pattern *p = c->pattern;
    if (p->count + size > PATTERN_STEPS_MAX)
        return too_large(c);
    memcpy(p->steps + p->count, p->steps + start, size * sizeof *p->steps);
    p->count += size;
    return 0;
}

// The part at `start` from `least` to `most` times; most -1: without end.
static int make_repeated(struct compiler *c, uint32_t start, int least, int most)
{
    struct pattern *p = c->pattern;
    uint32_t size = p->count - start, last = start;
    int error = 0;
    if (!most)
        p->count = start;
    if (!least && most)
        return most < 0 ? make_star(c, start) : make_repeated(c, start, 1, most) ?: make_optional(c, start);
    for (int i = 1; !error && i < least; i++) {
        last = p->count;
        error = add_copy(c, start, size);
    }
    if (!error && most < 0)
        error = make_plus(c, last);
    for (int i = least; !error && i < most; i++) {
        last = p->count;
        error = add_copy(c, start, size);
        if (!error)
            error = make_optional(c, last);
    }
    return error;
}

static int take_count(struct compiler *c, int *count)
{
    int value = 0;
    if (c->at == c->end || *c->at < '0' || *c->at > '9')
        return wrong(c, "braces hold one or two counts, as in {2,5}");
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        value = value * 10 + (*c->at - '0');
        if (value > PATTERN_REPEAT_MAX)
            return wrong(c, "a count is at most 255");
    }
    *count = value;
    return 0;
}

static int take_braces(struct compiler *c, uint32_t start)
{
    int least, most, error = take_count(c, &least);
    most = least;
    if (!error && is_next(c, ',')) {
        c->at++;
        most = -1;
        if (!is_next(c, '}'))
            error = take_count(c, &most);
    }
    if (error)
        return error;
    if (!is_next(c, '}'))
        return wrong(c, "a brace is not closed");
    c->at++;
    if (most >= 0 && most < least)
        return wrong(c, "the second count is less than the first");
    return make_repeated(c, start, least, most);
}

static int add_range(struct compiler *c, uint32_t low, uint32_t high)
{
    struct set *set = &c->pattern->sets[c->pattern->set_count];
    for (; low < 0x80 && low <= high; low++)
        set->ascii[low / 32] |= 1u << low % 32;
    if (low > high)
        return 0;
    bytes_add(&c->pattern->ranges, &(struct range){.low = low, .high = high}, sizeof(struct range));
    set->count++;
    return c->pattern->ranges.failed ? -ENOMEM : 0;
}

// [:digit:], behind its `[:`.
static int take_class(struct compiler *c)
{
    static const struct {
        const char *name;
        char ranges[8]; // pairs
    } classes[] = {
        {"alnum:]", "09AZaz"},
        {"alpha:]", "AZaz"},
        {"blank:]", "\t\t  "},
        {"digit:]", "09"},
        {"graph:]", "!~"},
        {"lower:]", "az"},
        {"print:]", " ~"},
        {"punct:]", "!/:@[`{~"},
        {"space:]", "\t\r  "},
        {"upper:]", "AZ"},
        {"xdigit:]", "09AFaf"},
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        size_t size = strlen(classes[i].name);
        if ((size_t)(c->end - c->at) < size || memcmp(c->at, classes[i].name, size) != 0)
            continue;
        c->at += size;
        int error = 0;
        for (size_t pair = 0; !error && pair < sizeof classes[i].ranges && classes[i].ranges[pair]; pair += 2)
            error = add_range(c, (unsigned char)classes[i].ranges[pair], (unsigned char)classes[i].ranges[pair + 1]);
        return error;
    }
    return wrong(c, "no such class");
}

// One end of a range, or a character by itself.
static int take_member(struct compiler *c, uint32_t *member)
{
    if (c->end - c->at >= 2 && c->at[0] == '[' && (c->at[1] == '.' || c->at[1] == '='))
        return wrong(c, "[. .] and [= =] are not known");
    if (c->at == c->end)
        return wrong(c, "a bracket is not closed");
    *member = take_character(&c->at, c->end);
    return 0;
}

static int take_set(struct compiler *c)
{
    struct pattern *p = c->pattern;
    if (p->set_count == PATTERN_STEPS_MAX)
        return too_large(c);
    struct set *set = &p->sets[p->set_count];
    set->first = (uint32_t)(p->ranges.size / sizeof(struct range));
    set->negated = is_next(c, '^');
    c->at += set->negated;
    int error = 0;
    for (bool first = true; !error && (first || !is_next(c, ']')); first = false) {
        uint32_t low, high;
        if (c->end - c->at >= 2 && c->at[0] == '[' && c->at[1] == ':') {
            c->at += 2;
            error = take_class(c);
            continue;
        }
        error = take_member(c, &low);
        high = low;
        if (!error && c->end - c->at >= 2 && c->at[0] == '-' && c->at[1] != ']') {
            c->at++;
            error = take_member(c, &high);
        }
        if (!error && high < low)
            error = wrong(c, "a range ends before it begins");
        if (!error)
            error = add_range(c, low, high);
    }
    if (error)
        return error;
    c->at++;
    return add_step(c, (struct step){.kind = SET, .character = p->set_count++});
}

static int take_alternatives(struct compiler *c);

static int take_atom(struct compiler *c)
{
    char special = *c->at++;
    switch (special) {
    case '(': {
        int error = take_alternatives(c);
        if (!error && !is_next(c, ')'))
            error = wrong(c, "a parenthesis is not closed");
        c->at += !error;
        return error;
    }
    case '.':
        return add_step(c, (struct step){.kind = ANY});
    case '^':
        return add_step(c, (struct step){.kind = BEGIN});
    case '$':
        return add_step(c, (struct step){.kind = END});
    case '[':
        return take_set(c);
    case '*':
    case '+':
    case '?':
    case '{':
        c->at--;
        return wrong(c, "nothing stands before the repetition");
    case '\\':
        if (c->at == c->end || !strchr(".[]\\()*+?{}|^$/-\"", *c->at))
            return wrong(c, "\\ stands before special characters alone");
        return add_step(c, (struct step){.kind = CHARACTER, .character = (unsigned char)*c->at++});
    default:
        c->at--;
        return add_step(c, (struct step){.kind = CHARACTER, .character = take_character(&c->at, c->end)});
    }
}

// An atom and what repeats it.
static int take_piece(struct compiler *c)
{
    uint32_t start = c->pattern->count;
    int error = take_atom(c);
    while (!error && c->at < c->end && strchr("*+?{", *c->at)) {
        char repetition = *c->at++;
        error = repetition == '*'   ? make_star(c, start)
                : repetition == '+' ? make_plus(c, start)
                : repetition == '?' ? make_optional(c, start)
                                    : take_braces(c, start);
    }
    return error;
}

static int take_alternatives(struct compiler *c)
{
    struct pattern *p = c->pattern;
    uint32_t start = p->count;
    int error = 0;
    while (!error && c->at < c->end && *c->at != '|' && *c->at != ')')
        error = take_piece(c);
    if (error || !is_next(c, '|'))
        return error;
    c->at++;
    error = put_split(c, start, (int)(p->count - start) + 2);
    uint32_t jump = p->count;
    if (!error)
        error = add_step(c, (struct step){.kind = JUMP});
    if (!error)
        error = take_alternatives(c);
    if (!error)
        p->steps[jump].first = (int)(p->count - jump);
    return error;
}

// What a character costs at most.
static uint32_t cost(const struct pattern *p)
{
    uint32_t sum = p->count;
    for (uint32_t i = 0; i < p->count; i++)
        if (p->steps[i].kind == SET)
            sum += p->sets[p->steps[i].character].count;
    return sum;
}

int pattern_compile(struct pattern **compiled, struct slice text, struct reason *why)
{
    struct pattern *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    struct compiler c = {.pattern = p, .start = text.at, .at = text.at, .end = text.at + text.size, .why = why};
    int error = memchr(text.at, '\0', text.size) ? wrong(&c, "it holds a zero") : take_alternatives(&c);
    if (!error && c.at < c.end)
        error = wrong(&c, "a parenthesis is closed that was not opened");
    if (!error && cost(p) > 2 * PATTERN_STEPS_MAX)
        error = too_large(&c);
    if (error) {
        pattern_free(p);
        return error;
    }
    p->steps[p->count++].kind = MATCH;
    *compiled = p;
    return 0;
}

void pattern_free(struct pattern *p)
{
    if (p)
        bytes_free(&p->ranges);
    free(p);
}

// ---- matching

static bool set_has(const struct pattern *p, uint32_t number, uint32_t character)
{
    const struct set *set = &p->sets[number];
    const struct range *ranges = (const void *)p->ranges.at;
    bool has = character < 0x80 && (set->ascii[character / 32] >> character % 32 & 1);
    for (uint32_t i = set->first; !has && i < set->first + set->count; i++)
        has = character >= ranges[i].low && character <= ranges[i].high;
    return has != set->negated;
}

static bool takes(const struct pattern *p, const struct step *step, uint32_t character)
{
    return step->kind == ANY || (step->kind == CHARACTER && step->character == character) ||
           (step->kind == SET && set_has(p, step->character, character));
}

// Adds a step, and all that can be reached from it without a character. True when that is the end of the expression.
static bool enter(struct pattern *p, struct places *places, uint32_t first, uint64_t number, bool is_last)
{
    uint32_t waiting = 0;
    p->waiting[waiting++] = first;
    while (waiting) {
        uint32_t at = p->waiting[--waiting];
        const struct step *step = &p->steps[at];
        if (p->seen[at] == number)
            continue;
        p->seen[at] = number;
        switch (step->kind) {
        case MATCH:
            return true;
        case SPLIT:
            p->waiting[waiting++] = (uint32_t)((int)at + step->second);
            p->waiting[waiting++] = (uint32_t)((int)at + step->first);
            break;
        case JUMP:
            p->waiting[waiting++] = (uint32_t)((int)at + step->first);
            break;
        case BEGIN:
            if (number == 1)
                p->waiting[waiting++] = at + 1;
            break;
        case END:
            if (is_last)
                p->waiting[waiting++] = at + 1;
            break;
        default:
            places->all[places->count++] = at;
        }
    }
    return false;
}

int pattern_matches(struct pattern *p, struct slice text, bool (*stops)(void))
{
    struct places now = {.all = p->now}, next = {.all = p->next};
    const char *at = text.at, *end = text.at + text.size;
    memset(p->seen, 0, sizeof p->seen);
    for (uint64_t number = 1;; number++) {
        // It may begin anywhere.
        if (enter(p, &now, 0, number, at == end))
            return 1;
        if (at == end)
            return 0;
        uint32_t character = take_character(&at, end);
        next.count = 0;
        for (uint32_t i = 0; i < now.count; i++)
            if (takes(p, &p->steps[now.all[i]], character) && enter(p, &next, now.all[i] + 1, number + 1, at == end))
                return 1;
        struct places old = now;
        now = next;
        next = old;
        if (number % 16384 == 0 && stops && stops())
            return -EINTR;
    }
}
