// The scanner: what RFC 8259 and RFC 3629 allow and refuse, where a value ends, and that text may be cut anywhere.
#include "store/json.h"
#include "tests/store/check.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

// What a scanner made of a text.
struct outcome {
    size_t values; // how many ended
    size_t end;    // behind the last of them
    size_t wrong;  // index of the byte that was refused; SIZE_MAX when none was
    bool idle;
};

// Scans pieces of `size` bytes, the first one of `first` bytes. Each is a copy of just its size, so that a sanitizer
// sees a read past it.
static struct outcome scan_in_pieces(struct slice text, size_t first, size_t size, struct reason *why)
{
    struct json_scanner s;
    json_scanner_init(&s);
    struct outcome o = {.wrong = SIZE_MAX};
    for (size_t at = 0, end = first; at < text.size; end += size) {
        if (end > text.size)
            end = text.size;
        size_t piece_size = end - at, from = 0;
        char *piece = malloc(piece_size ? piece_size : 1);
        memcpy(piece, text.at + at, piece_size);
        enum json_found found = JSON_VALUE;
        while (found == JSON_VALUE) {
            size_t used = SIZE_MAX;
            found = json_scan(&s, piece + from, piece_size - from, &used, why);
            if (found == JSON_MORE)
                CHECK_INT(used, piece_size - from);
            from += used;
            if (found == JSON_VALUE) {
                o.values++;
                o.end = at + from;
                CHECK(json_scanner_idle(&s));
            }
        }
        free(piece);
        at += from;
        if (found == JSON_WRONG) {
            o.wrong = at;
            return o;
        }
    }
    o.idle = json_scanner_idle(&s);
    return o;
}

static struct outcome scan(struct slice text, struct reason *why)
{
    return scan_in_pieces(text, text.size, text.size, why);
}

static bool outcome_same(struct outcome a, struct outcome b)
{
    return a.values == b.values && a.end == b.end && a.wrong == b.wrong && a.idle == b.idle;
}

static void show(const char *what, struct slice text)
{
    check_ok = false;
    printf("#   %s: ", what);
    for (size_t i = 0; i < text.size && i < 80; i++)
        printf(text.at[i] >= ' ' && text.at[i] < 0x7F ? "%c" : "\\x%02X", (uint8_t)text.at[i]);
    printf("\n");
}

struct accepted {
    struct slice text;
    size_t values, end;
};

#define ONE(literal)                                                                                                   \
    {                                                                                                                  \
        {(literal), sizeof(literal) - 1}, 1, sizeof(literal) - 1                                                       \
    }
#define SOME(literal, n, where)                                                                                        \
    {                                                                                                                  \
        {(literal), sizeof(literal) - 1}, (n), (where)                                                                 \
    }

static const struct accepted accepted[] = {
    ONE("{}"),
    ONE("[]"),
    ONE(" \t\r\n{ \t\r\n}"),
    ONE("[ \t\r\n]"),
    ONE("{\"a\":1}"),
    ONE(" { \"a\" : 1 , \"b\" : [ ] }"),
    ONE("{\"\":\"\"}"),
    ONE("{\"a\":1,\"a\":1}"),
    ONE("[true,false,null]"),
    ONE("[[],{},[[]],[{}],{\"a\":{}}]"),
    ONE("[0,-0,1,-1,10,123456789012345678901234567890]"),
    ONE("[0.0,-0.10,1.5,0e0,0E+0,1e-10,1.5E400,-1.25e+007]"),
    ONE("[ 1 , 2\n,\t3\r]"),
    ONE("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
    ONE("[\"\\u0000\\u001f\\uABCD\\uabcd\"]"),
    ONE("[\"\\uD83D\\uDE00\"]"),
    ONE("[\"\\uD800\",\"\\uDFFF\\uD800\",\"\\uD800\\u0041\"]"),
    ONE("{\"\\u0061\\n\":1}"),
    ONE("[\"\x7F\"]"),
    ONE("[\"\xC2\x80\xDF\xBF\"]"),
    ONE("[\"\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\"]"),
    ONE("[\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"]"),
    ONE("[\"\xEF\xBB\xBF\"]"),
    ONE("{\"\xD0\xBA\xD0\xBB\":\"\xE2\x82\xAC and plain text that is longer than a block\"}"),
    ONE("[\"{}[],:\\\"{\"]"),
    SOME("{}{}", 2, 4),
    SOME("{}[]", 2, 4),
    SOME("[][]{}", 3, 6),
    SOME("{} \n\t[1]\r\n", 2, 8),
    SOME("{\"a\":1}\n{\"a\":2}\n{\"a\"", 2, 15),
    SOME("", 0, 0),
    SOME(" \n\r\t", 0, 0),
    SOME("{", 0, 0),
    SOME("[[[", 0, 0),
    SOME("[\"", 0, 0),
    SOME("[\"\\", 0, 0),
    SOME("[\"\\u12", 0, 0),
    SOME("[\"\xE2\x82", 0, 0),
    SOME("[-", 0, 0),
    SOME("[1e", 0, 0),
    SOME("[tr", 0, 0),
    SOME("{\"a\"", 0, 0),
    SOME("{\"a\":", 0, 0),
    SOME("{\"a\":1,", 0, 0),
};

static void accepts(void)
{
    for (size_t i = 0; i < COUNT(accepted); i++) {
        const struct accepted *a = &accepted[i];
        struct reason why = {0};
        struct outcome o = scan(a->text, &why);
        if (o.wrong != SIZE_MAX || o.values != a->values || o.end != a->end || why.text[0])
            show(why.text[0] ? why.text : "values or end differ", a->text);
    }
}

struct refused {
    struct slice text;
    size_t wrong;
    const char *word; // stands in the reason
};

#define WRONG(literal, where, word)                                                                                    \
    {                                                                                                                  \
        {(literal), sizeof(literal) - 1}, (where), (word)                                                              \
    }

static const struct refused refused[] = {
    // the top level
    WRONG("1", 0, "an object or an array"),
    WRONG("-1", 0, "found -"),
    WRONG("\"a\"", 0, "found \""),
    WRONG("true", 0, "found t"),
    WRONG(" null", 1, "found n"),
    WRONG("x", 0, "found x"),
    WRONG(",", 0, "found ,"),
    WRONG("]", 0, "found ]"),
    WRONG("}", 0, "found }"),
    WRONG("{},{}", 2, "found ,"),
    WRONG("{}1", 2, "found 1"),
    WRONG("[]]", 2, "found ]"),
    WRONG("\0", 0, "byte 0x00"),
    WRONG("\f{}", 0, "byte 0x0C"),
    WRONG("\xEF\xBB\xBF{}", 0, "byte order mark"),
    WRONG("\xFE\xFF", 0, "byte 0xFE"),
    WRONG("\xC2\xA0{}", 0, "byte 0xC2"),
    WRONG("{}\xEF\xBB\xBF", 2, "byte order mark"),
    // objects and arrays
    WRONG("[1,]", 3, "a value"),
    WRONG("[,1]", 1, "a value or ]"),
    WRONG("[1,,2]", 3, "a value"),
    WRONG("[1 2]", 3, "a comma"),
    WRONG("[1:2]", 2, "a comma"),
    WRONG("[1}", 2, "a comma"),
    WRONG("[}", 1, "a value or ]"),
    WRONG("[\"a\":1]", 4, "a comma"),
    WRONG("[\v]", 1, "byte 0x0B"),
    WRONG("[1\xC2\xA0]", 2, "byte 0xC2"),
    WRONG("[/**/]", 1, "found /"),
    WRONG("[#]", 1, "found #"),
    WRONG("{\"a\":1,}", 7, "a key in double quotes"),
    WRONG("{,}", 1, "a key in double quotes or }"),
    WRONG("{]", 1, "a key in double quotes or }"),
    WRONG("{a:1}", 1, "a key in double quotes or }"),
    WRONG("{'a':1}", 1, "a key in double quotes or }"),
    WRONG("{1:1}", 1, "a key in double quotes or }"),
    WRONG("{null:1}", 1, "a key in double quotes or }"),
    WRONG("{\"a\"}", 4, "a colon"),
    WRONG("{\"a\",1}", 4, "a colon"),
    WRONG("{\"a\" 1}", 5, "a colon"),
    WRONG("{\"a\":}", 5, "a value"),
    WRONG("{\"a\"::1}", 5, "a value"),
    WRONG("{\"a\":1]", 6, "a comma"),
    WRONG("{\"a\":1 \"b\":2}", 7, "a comma"),
    WRONG("{\"a\":1:2}", 6, "a comma"),
    WRONG("{\"a\":[}", 6, "a value or ]"),
    // literals
    WRONG("[tru]", 4, "true, false or null"),
    WRONG("[True]", 1, "a value or ]"),
    WRONG("[nul\0]", 4, "true, false or null"),
    WRONG("[nil]", 2, "true, false or null"),
    WRONG("[truee]", 5, "a comma"),
    WRONG("[fals3]", 5, "true, false or null"),
    WRONG("[NaN]", 1, "a value or ]"),
    WRONG("[Infinity]", 1, "a value or ]"),
    WRONG("[-Infinity]", 2, "a digit behind -"),
    WRONG("[undefined]", 1, "a value or ]"),
    // numbers
    WRONG("[01]", 2, "leading 0"),
    WRONG("[-01]", 3, "leading 0"),
    WRONG("[00]", 2, "leading 0"),
    WRONG("[1.]", 3, "behind the decimal point"),
    WRONG("[1.e5]", 3, "behind the decimal point"),
    WRONG("[0.-1]", 3, "behind the decimal point"),
    WRONG("[.5]", 1, "a value or ]"),
    WRONG("[+1]", 1, "a value or ]"),
    WRONG("[-]", 2, "a digit behind -"),
    WRONG("[--1]", 2, "a digit behind -"),
    WRONG("[-.5]", 2, "a digit behind -"),
    WRONG("[- 1]", 2, "a digit behind -"),
    WRONG("[1e]", 3, "an exponent"),
    WRONG("[1e+]", 4, "exponent"),
    WRONG("[1E-]", 4, "exponent"),
    WRONG("[1e.5]", 3, "an exponent"),
    WRONG("[1e+-5]", 4, "exponent"),
    WRONG("[1e5.5]", 4, "a comma"),
    WRONG("[1e5e5]", 4, "a comma"),
    WRONG("[1.5.5]", 4, "a comma"),
    WRONG("[1-2]", 2, "a comma"),
    WRONG("[1_000]", 2, "a comma"),
    WRONG("[0x1F]", 2, "a comma"),
    WRONG("[1f]", 2, "a comma"),
    WRONG("[\xEF\xBC\x91]", 1, "byte 0xEF"),
    // strings
    WRONG("['a']", 1, "a value or ]"),
    WRONG("[\"a\"b\"]", 4, "a comma"),
    WRONG("[\"\n\"]", 2, "a control character"),
    WRONG("[\"a\tb\"]", 3, "byte 0x09"),
    WRONG("[\"\0\"]", 2, "byte 0x00"),
    WRONG("[\"\x1F\"]", 2, "byte 0x1F"),
    WRONG("{\"\r\":1}", 2, "a control character"),
    WRONG("[\"\\x41\"]", 3, "behind a backslash"),
    WRONG("[\"\\a\"]", 3, "behind a backslash"),
    WRONG("[\"\\'\"]", 3, "behind a backslash"),
    WRONG("[\"\\U0041\"]", 3, "behind a backslash"),
    WRONG("[\"\\\0\"]", 3, "behind a backslash"),
    WRONG("[\"\\\n\"]", 3, "behind a backslash"),
    WRONG("[\"\\\xC3\xA9\"]", 3, "behind a backslash"),
    WRONG("{\"\\q\":1}", 3, "behind a backslash"),
    WRONG("[\"\\u12\"]", 6, "four hex digits"),
    WRONG("[\"\\u\"]", 4, "four hex digits"),
    WRONG("[\"\\u00G0\"]", 6, "four hex digits"),
    WRONG("[\"\\u-123\"]", 4, "four hex digits"),
    WRONG("[\"\\uD83D\\u\"]", 10, "four hex digits"),
    // UTF-8
    WRONG("[\"\x80\"]", 2, "not UTF-8"),
    WRONG("[\"\xBF\"]", 2, "not UTF-8"),
    WRONG("[\"\xC0\xAF\"]", 2, "not UTF-8"),
    WRONG("[\"\xC1\xBF\"]", 2, "not UTF-8"),
    WRONG("[\"\xE9\"]", 3, "not UTF-8"),
    WRONG("[\"\xC3\x28\"]", 3, "not UTF-8"),
    WRONG("[\"\xE0\x9F\xBF\"]", 3, "not UTF-8"),
    WRONG("[\"\xED\xA0\x80\"]", 3, "not UTF-8"),
    WRONG("[\"\xED\xBF\xBF\"]", 3, "not UTF-8"),
    WRONG("[\"\xE2\x82\"]", 4, "not UTF-8"),
    WRONG("[\"\xE2\x82\x28\"]", 4, "not UTF-8"),
    WRONG("[\"\xF0\x8F\xBF\xBF\"]", 3, "not UTF-8"),
    WRONG("[\"\xF0\x9F\x98\"]", 5, "not UTF-8"),
    WRONG("[\"\xF4\x90\x80\x80\"]", 3, "not UTF-8"),
    WRONG("[\"\xF5\x80\x80\x80\"]", 2, "not UTF-8"),
    WRONG("[\"\xFF\"]", 2, "not UTF-8"),
    WRONG("{\"\xFC\x80\":1}", 2, "not UTF-8"),
    WRONG("[\"\xC3\xA9\xA9\"]", 4, "not UTF-8"),
};

static void refuses(void)
{
    for (size_t i = 0; i < COUNT(refused); i++) {
        const struct refused *r = &refused[i];
        struct reason why = {0};
        struct outcome o = scan(r->text, &why);
        if (o.wrong == SIZE_MAX || o.wrong != r->wrong || !strstr(why.text, r->word)) {
            show("refused", r->text);
            printf("#     at %zd, not %zu: %s\n", (ssize_t)o.wrong, r->wrong, why.text);
        }
    }
}

// The code point that a sequence of `size` bytes spells by the bit layout alone; UINT32_MAX when a byte does not fit.
static uint32_t spelled(const uint8_t *at, size_t size)
{
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0}, lead_mask[] = {0, 0, 0xE0, 0xF0, 0xF8};
    if ((at[0] & lead_mask[size]) != lead[size])
        return UINT32_MAX;
    uint32_t code = at[0] & (uint8_t)~lead_mask[size];
    for (size_t i = 1; i < size; i++) {
        if (at[i] >> 6 != 2)
            return UINT32_MAX;
        code = code << 6 | (at[i] & 0x3F);
    }
    return code;
}

static void utf8(void)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    for (unsigned first = 0x80; first <= 0xFF; first++) {
        for (unsigned second = 0; second <= 0xFF; second++) {
            for (size_t size = 2; size <= 4; size++) {
                uint8_t text[] = {'[', '"', (uint8_t)first, (uint8_t)second, 0xBF, 0x80, '"', ']'};
                memmove(text + 2 + size, text + 6, 2);
                uint32_t code = spelled(text + 2, size);
                bool right = code >= least[size] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
                struct slice slice = {.at = (const char *)text, .size = size + 4};
                if ((scan(slice, NULL).values == 1) != right)
                    show(right ? "refused" : "accepted", slice);
            }
        }
    }
}

// Whatever the scanner skips in blocks, it sees each byte that ends a run.
static void every_place_in_a_block(void)
{
    static const char specials[] = {'"', '\\', '\n', '\0', '\x1F', '\x80', '\xFF', '\xC3'};
    for (size_t length = 1; length <= 40; length++) {
        for (size_t place = 0; place < length; place++) {
            for (size_t i = 0; i < sizeof specials; i++) {
                char text[64] = "[\"";
                memset(text + 2, i % 2 ? '~' : ' ', length);
                text[2 + place] = specials[i];
                memcpy(text + 2 + length, "!!\"]", 4);
                // A quote ends the string, so that the byte behind it is wrong; \, and \xC3 want another one behind.
                bool at_next = strchr("\"\\\xC3", specials[i]) && specials[i];
                struct slice slice = {.at = text, .size = length + 6};
                struct outcome o = scan(slice, NULL);
                size_t wrong = 2 + place + at_next;
                if (specials[i] == '"' && i % 2 == 0)
                    while (text[wrong] == ' ')
                        wrong++;
                if (o.wrong != wrong)
                    show("a byte was missed", slice);
            }
        }
    }
}

static void cut_anywhere(void)
{
    struct slice texts[COUNT(accepted) + COUNT(refused)];
    for (size_t i = 0; i < COUNT(accepted); i++)
        texts[i] = accepted[i].text;
    for (size_t i = 0; i < COUNT(refused); i++)
        texts[COUNT(accepted) + i] = refused[i].text;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct slice text = texts[i];
        struct outcome whole = scan(text, NULL);
        for (size_t first = 0; first <= text.size; first++)
            if (!outcome_same(whole, scan_in_pieces(text, first, text.size, NULL)))
                show("differs when cut in two", text);
        for (size_t size = 1; size <= 3; size++)
            if (!outcome_same(whole, scan_in_pieces(text, size, size, NULL)))
                show("differs in small pieces", text);
    }
}

static void depth(void)
{
    static const char *const opens[] = {"[", "{\"a\":"};
    for (size_t i = 0; i < COUNT(opens); i++) {
        size_t size = strlen(opens[i]);
        BYTES_AUTO text = {0};
        for (int level = 0; level < 1000; level++)
            bytes_add_text(&text, opens[i]);
        struct outcome o = scan(bytes_slice(&text), NULL);
        CHECK_INT(o.wrong, SIZE_MAX);

        struct reason why = {0};
        bytes_add_text(&text, opens[i]);
        o = scan(bytes_slice(&text), &why);
        CHECK_INT(o.wrong, 1000 * size);
        CHECK(strstr(why.text, "1000 levels"));

        text.size -= size;
        bytes_add_text(&text, "1");
        for (int level = 0; level < 1000; level++)
            bytes_add_char(&text, i ? '}' : ']');
        o = scan(bytes_slice(&text), NULL);
        CHECK_INT(o.values, 1);
        CHECK_INT(o.end, text.size);
    }
}

static void idle(void)
{
    struct json_scanner s;
    json_scanner_init(&s);
    CHECK(json_scanner_idle(&s));
    static const struct step {
        const char *text;
        enum json_found found;
        bool idle;
    } steps[] = {
        {"", JSON_MORE, true},
        {" \n", JSON_MORE, true},
        {"{", JSON_MORE, false},
        {" ", JSON_MORE, false},
        {"}", JSON_VALUE, true},
        {"\n", JSON_MORE, true},
        {"[\"", JSON_MORE, false},
        {"\"", JSON_MORE, false},
        {"]", JSON_VALUE, true},
    };
    for (size_t i = 0; i < COUNT(steps); i++) {
        size_t used;
        CHECK_INT(json_scan(&s, steps[i].text, strlen(steps[i].text), &used, NULL), steps[i].found);
        CHECK_INT(used, strlen(steps[i].text));
        CHECK_INT(json_scanner_idle(&s), steps[i].idle);
    }
    size_t used;
    CHECK_INT(json_scan(&s, NULL, 0, &used, NULL), JSON_MORE);
}

static void stops_behind_each_value(void)
{
    struct json_scanner s;
    json_scanner_init(&s);
    struct slice text = SLICE("{\"a\":[1]} [2]x");
    size_t used;
    CHECK_INT(json_scan(&s, text.at, text.size, &used, NULL), JSON_VALUE);
    CHECK_INT(used, 9);
    CHECK_INT(json_scan(&s, text.at + 9, text.size - 9, &used, NULL), JSON_VALUE);
    CHECK_INT(used, 4);
    CHECK_INT(json_scan(&s, text.at + 13, text.size - 13, &used, NULL), JSON_WRONG);
    CHECK_INT(used, 0);
    json_scanner_init(&s);
    CHECK_INT(json_scan(&s, "{}", 2, &used, NULL), JSON_VALUE);
}

int main(void)
{
    TEST("objects and arrays of RFC 8259 are accepted, one behind the other, and text that is not yet whole", accepts);
    TEST("what cannot become JSON is refused at the byte that makes it so, and the reason names it", refuses);
    TEST("exactly the sequences of RFC 3629 are UTF-8", utf8);
    TEST("a special byte is seen in every place of a string", every_place_in_a_block);
    TEST("text cut at any byte gives the same values, or is refused at the same byte", cut_anywhere);
    TEST("1000 levels are accepted, the 1001st is refused at its bracket", depth);
    TEST("the scanner is idle between values only", idle);
    TEST("a scan stops behind each value and goes on with the next", stops_behind_each_value);
    return check_end("json_scan");
}
