// The scanner of json.h: a state machine over bytes, so that a value may be cut anywhere.
#include "store/json.h"
#include "store/utf8.h"

#include <errno.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

// What may come next. Those up to AFTER stand between tokens, where white space may be.
enum state {
    TOP,
    VALUE,
    FIRST_VALUE, // or the end of the array
    KEY,
    FIRST_KEY, // or the end of the object
    COLON,
    AFTER, // a value in a container has ended

    STRING,
    ESCAPE,
    HEX,      // `rest` digits of \u
    SEQUENCE, // `rest` bytes of UTF-8

    LITERAL,
    MINUS,
    ZERO,
    WHOLE,
    POINT,
    FRACTION,
    EXPONENT,
    EXPONENT_SIGN,
    EXPONENT_DIGITS,

    IN_KEY = 0x40, // added to STRING, ESCAPE, HEX, SEQUENCE: the string is a key
};

static const char *const expected[] = {
    [TOP] = "an object or an array",
    [VALUE] = "a value",
    [FIRST_VALUE] = "a value or ]",
    [KEY] = "a key in double quotes",
    [FIRST_KEY] = "a key in double quotes or }",
    [COLON] = "a colon behind the key",
    [AFTER] = "a comma or the end of the object or array",
    [STRING] = "the rest of a string",
    [ESCAPE] = "one of \"\\/bfnrtu behind a backslash",
    [HEX] = "four hex digits behind \\u",
    [SEQUENCE] = "the rest of a UTF-8 sequence",
    [LITERAL] = "true, false or null",
    [MINUS] = "a digit behind -",
    [ZERO] = "the end of a number (no digits behind a leading 0)",
    [WHOLE] = "the rest of a number",
    [POINT] = "a digit behind the decimal point",
    [FRACTION] = "the rest of a number",
    [EXPONENT] = "an exponent",
    [EXPONENT_SIGN] = "the digits of an exponent",
    [EXPONENT_DIGITS] = "the rest of an exponent",
};

static void explain(int state, uint8_t byte, struct reason *why)
{
    state &= ~IN_KEY;
    if (state == STRING && byte >= 0x80)
        reason_set(why, -EINVAL, "not UTF-8: no character begins with byte 0x%02X", byte);
    else if (state == STRING)
        reason_set(why, -EINVAL, "a control character, byte 0x%02X, in a string: write it as an escape", byte);
    else if (state == SEQUENCE)
        reason_set(why, -EINVAL, "not UTF-8: byte 0x%02X within a character", byte);
    else if (state == TOP && byte == 0xEF)
        reason_set(why, -EINVAL, "not JSON: expected %s, found byte 0xEF (a byte order mark?)", expected[TOP]);
    else if (byte > ' ' && byte < 0x7F)
        reason_set(why, -EINVAL, "not JSON: expected %s, found %c", expected[state], byte);
    else
        reason_set(why, -EINVAL, "not JSON: expected %s, found byte 0x%02X", expected[state], byte);
}

static inline bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_hex(uint8_t c)
{
    uint8_t lower = c | 0x20;
    return is_digit(c) || (lower >= 'a' && lower <= 'f');
}

static inline bool is_plain(uint8_t c)
{
    return c >= ' ' && c < 0x80 && c != '"' && c != '\\';
}

// Behind the plain ASCII of a string that `at` stands in.
static inline const uint8_t *plain_end(const uint8_t *at, const uint8_t *end)
{
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i special =
            _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')), _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
        // As signed bytes those above ASCII are less than a space, too.
        unsigned stop = (unsigned)_mm_movemask_epi8(_mm_or_si128(special, _mm_cmplt_epi8(block, _mm_set1_epi8(' '))));
        if (stop)
            return at + __builtin_ctz(stop);
    }
#else
    const uint64_t ones = UINT64_MAX / 0xFF, tops = ones << 7;
    for (; end - at >= 8; at += 8) {
        uint64_t block;
        memcpy(&block, at, sizeof block);
        uint64_t quote = block ^ ones * '"', backslash = block ^ ones * '\\';
        uint64_t stop = block | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | (block - ones * ' ');
        if (stop & tops)
            break;
    }
#endif
    while (at < end && is_plain(*at))
        at++;
    return at;
}

// Behind the whole characters above ASCII; on the first byte of one that is cut or wrong.
static inline const uint8_t *characters_end(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at >= 0x80) {
        uint8_t low, high, rest = utf8_lead(*at, &low, &high);
        if (!rest || end - at <= rest || at[1] < low || at[1] > high || (rest > 1 && (at[2] & 0xC0) != 0x80) ||
            (rest > 2 && (at[3] & 0xC0) != 0x80))
            return at;
        at += rest + 1;
    }
    return at;
}

// Behind the text of a string up to its end, an escape, or a byte that wants a closer look.
static inline const uint8_t *text_end(const uint8_t *at, const uint8_t *end)
{
    for (at = plain_end(at, end); at < end && *at >= 0x80; at = plain_end(at, end)) {
        const uint8_t *next = characters_end(at, end);
        if (next == at)
            break;
        at = next;
    }
    return at;
}

static inline const uint8_t *digits_end(const uint8_t *at, const uint8_t *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

static inline bool in_object(const struct json_scanner *s)
{
    unsigned level = s->depth - 1u;
    return s->object[level / 8] >> level % 8 & 1;
}

// False when that would be one level too many.
static inline bool descend(struct json_scanner *s, bool object)
{
    if (s->depth == JSON_DEPTH_MAX)
        return false;
    unsigned bit = 1u << s->depth % 8;
    uint8_t *bits = &s->object[s->depth / 8];
    *bits = (uint8_t)(object ? *bits | bit : *bits & ~bit);
    s->depth++;
    return true;
}

// The state that the first byte of a value leads to, or -1 when no value begins with it.
static inline int value_begin(struct json_scanner *s, uint8_t c)
{
    switch (c) {
    case '{':
        return descend(s, true) ? FIRST_KEY : -1;
    case '[':
        return descend(s, false) ? FIRST_VALUE : -1;
    case '"':
        return STRING;
    case '-':
        return MINUS;
    case '0':
        return ZERO;
    case 't':
        s->literal = "rue";
        return LITERAL;
    case 'f':
        s->literal = "alse";
        return LITERAL;
    case 'n':
        s->literal = "ull";
        return LITERAL;
    default:
        return c >= '1' && c <= '9' ? WHOLE : -1;
    }
}

// The state behind a byte of a number that is no further digit of its part; AFTER when the number ended before it.
static inline int number_next(int state, uint8_t c)
{
    switch (state) {
    case MINUS:
        return c == '0' ? ZERO : is_digit(c) ? WHOLE : -1;
    case ZERO:
        if (is_digit(c))
            return -1;
        // fall through
    case WHOLE:
        return c == '.' ? POINT : (c | 0x20) == 'e' ? EXPONENT : AFTER;
    case POINT:
        return is_digit(c) ? FRACTION : -1;
    case FRACTION:
        return (c | 0x20) == 'e' ? EXPONENT : AFTER;
    case EXPONENT:
        if (c == '+' || c == '-')
            return EXPONENT_SIGN;
        // fall through
    case EXPONENT_SIGN:
        return is_digit(c) ? EXPONENT_DIGITS : -1;
    default:
        return AFTER;
    }
}

void json_scanner_init(struct json_scanner *s)
{
    *s = (struct json_scanner){.state = TOP};
}

bool json_scanner_idle(const struct json_scanner *s)
{
    return s->state == TOP;
}

enum json_found json_scan(struct json_scanner *s, const char *text, size_t size, size_t *used, struct reason *why)
{
    *used = size;
    if (!size)
        return JSON_MORE;

    const uint8_t *const begin = (const uint8_t *)text, *const end = begin + size;
    const uint8_t *at = begin;
    int state = s->state;
    int next; // state, or -1: `*at` is wrong
    while (at < end) {
        uint8_t c = *at;
        if (state <= AFTER && is_space(c)) {
            at++;
            continue;
        }
        next = -1;
        switch (state) {
        case TOP:
            if (c == '{' || c == '[')
                next = value_begin(s, c);
            break;
        case FIRST_VALUE:
            if (c == ']') {
                next = AFTER;
                s->depth--;
                break;
            }
            // fall through
        case VALUE:
            next = value_begin(s, c);
            break;
        case FIRST_KEY:
            if (c == '}') {
                next = AFTER;
                s->depth--;
                break;
            }
            // fall through
        case KEY:
            if (c == '"')
                next = STRING | IN_KEY;
            break;
        case COLON:
            if (c == ':')
                next = VALUE;
            break;
        case AFTER:
            if (c == ',')
                next = in_object(s) ? KEY : VALUE;
            else if (c == (in_object(s) ? '}' : ']')) {
                next = AFTER;
                s->depth--;
            }
            break;

        case STRING:
        case STRING | IN_KEY:
            at = text_end(at, end);
            if (at == end)
                continue;
            c = *at;
            if (c == '"')
                next = state == STRING ? AFTER : COLON;
            else if (c == '\\')
                next = ESCAPE | (state & IN_KEY);
            else if (c >= 0x80 && (s->rest = utf8_lead(c, &s->low, &s->high)) > 0)
                next = SEQUENCE | (state & IN_KEY);
            break;
        case ESCAPE:
        case ESCAPE | IN_KEY:
            if (c == 'u') {
                next = HEX | (state & IN_KEY);
                s->rest = 4;
            } else if (c && strchr("\"\\/bfnrt", c)) {
                next = STRING | (state & IN_KEY);
            }
            break;
        case HEX:
        case HEX | IN_KEY:
            if (is_hex(c))
                next = --s->rest ? state : STRING | (state & IN_KEY);
            break;
        case SEQUENCE:
        case SEQUENCE | IN_KEY:
            if (c >= s->low && c <= s->high) {
                next = --s->rest ? state : STRING | (state & IN_KEY);
                s->low = 0x80;
                s->high = 0xBF;
            }
            break;

        case LITERAL:
            if (c == *s->literal)
                next = *++s->literal ? LITERAL : AFTER;
            break;
        case WHOLE:
        case FRACTION:
        case EXPONENT_DIGITS:
            at = digits_end(at, end);
            if (at == end)
                continue;
            c = *at;
            // fall through
        default:
            next = number_next(state, c);
            if (next == AFTER) {
                state = AFTER;
                continue;
            }
        }

        if (next < 0) {
            if (s->depth == JSON_DEPTH_MAX && (state == VALUE || state == FIRST_VALUE) && (c == '{' || c == '['))
                reason_set(why, -EINVAL, "more than %d levels of objects and arrays", JSON_DEPTH_MAX);
            else
                explain(state, c, why);
            *used = (size_t)(at - begin);
            return JSON_WRONG;
        }
        at++;
        state = next;
        if (state == AFTER && !s->depth) {
            s->state = TOP;
            *used = (size_t)(at - begin);
            return JSON_VALUE;
        }
    }
    s->state = (uint8_t)state;
    return JSON_MORE;
}
