#include "store/format.h"

#include "store/when.h"

static const char *const names[] = {
    [FORMAT_NONE] = "",
    [FORMAT_DATE_TIME] = "date-time",
    [FORMAT_DATE] = "date",
    [FORMAT_EMAIL] = "email",
    [FORMAT_URI] = "uri",
    [FORMAT_UUID] = "uuid",
};

enum format format_of(struct slice name)
{
    for (unsigned f = FORMAT_NONE + 1; f < sizeof names / sizeof *names; f++)
        if (slice_is(name, names[f]))
            return (enum format)f;
    return FORMAT_NONE;
}

const char *format_name(enum format format)
{
    return names[format];
}

// ---- characters

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alphanumeric(char c)
{
    return is_letter(c) || is_digit(c);
}

static bool is_one_of(char c, const char *all)
{
    return c && strchr(all, c);
}

// Takes the first byte if it is one of these.
static bool take(struct slice *text, const char *all)
{
    if (!text->size || !is_one_of(*text->at, all))
        return false;
    text->at++;
    text->size--;
    return true;
}

// Takes a number of exactly so many digits; -1 when there is none.
static int take_digits(struct slice *text, unsigned count)
{
    int number = 0;
    if (text->size < count)
        return -1;
    for (unsigned i = 0; i < count; i++) {
        if (!is_digit(text->at[i]))
            return -1;
        number = number * 10 + (text->at[i] - '0');
    }
    text->at += count;
    text->size -= count;
    return number;
}

// ---- moments

static bool take_date(struct slice *text)
{
    int year = take_digits(text, 4);
    bool dash = take(text, "-");
    int month = take_digits(text, 2);
    dash = take(text, "-") && dash;
    int day = take_digits(text, 2);
    return year >= 0 && dash && month >= 1 && month <= 12 && day >= 1 &&
           (unsigned)day <= when_days_in_month((unsigned)year, (unsigned)month);
}

// `Z`, `+01:00`: in minutes east of UTC.
static bool take_zone(struct slice *text, int *minutes)
{
    *minutes = 0;
    if (take(text, "Zz"))
        return true;
    bool west = text->size && *text->at == '-';
    if (!take(text, "+-"))
        return false;
    int hour = take_digits(text, 2);
    bool colon = take(text, ":");
    int minute = take_digits(text, 2);
    *minutes = (hour * 60 + minute) * (west ? -1 : 1);
    return hour >= 0 && hour <= 23 && colon && minute >= 0 && minute <= 59;
}

static bool take_time(struct slice *text)
{
    int zone;
    int hour = take_digits(text, 2);
    bool colon = take(text, ":");
    int minute = take_digits(text, 2);
    colon = take(text, ":") && colon;
    int second = take_digits(text, 2);
    if (!colon || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    if (take(text, ".")) {
        if (take_digits(text, 1) < 0)
            return false;
        while (take_digits(text, 1) >= 0)
            continue;
    }
    if (!take_zone(text, &zone))
        return false;
    // A leap second is the last one of a day in UTC.
    return second < 60 || ((hour * 60 + minute - zone) % 1440 + 1440) % 1440 == 1439;
}

static bool is_date(struct slice text)
{
    return take_date(&text) && !text.size;
}

static bool is_date_time(struct slice text)
{
    return take_date(&text) && take(&text, "Tt") && take_time(&text) && !text.size;
}

// ---- mailboxes

static bool is_atom_char(char c)
{
    return is_alphanumeric(c) || is_one_of(c, "!#$%&'*+-/=?^_`{|}~");
}

static bool is_dot_atom(struct slice text)
{
    bool may_end = false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] == '.' ? !may_end : !is_atom_char(text.at[i]))
            return false;
        may_end = text.at[i] != '.';
    }
    return may_end;
}

static bool is_quoted_local(struct slice text)
{
    if (text.size < 2 || text.at[0] != '"' || text.at[text.size - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < text.size; i++) {
        if (text.at[i] == '\\' && ++i + 1 >= text.size)
            return false;
        if (text.at[i] < ' ' || text.at[i] > '~' || (text.at[i] == '"' && text.at[i - 1] != '\\'))
            return false;
    }
    return true;
}

static bool is_domain(struct slice text)
{
    size_t label = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];
        bool ends = i + 1 == text.size || text.at[i + 1] == '.';
        if (c == '.' ? label == 0 : !is_alphanumeric(c) && (c != '-' || label == 0 || ends))
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0;
}

static bool is_address(struct slice text)
{
    if (text.size < 3 || text.at[0] != '[' || text.at[text.size - 1] != ']')
        return false;
    for (size_t i = 1; i + 1 < text.size; i++)
        if (!is_alphanumeric(text.at[i]) && !is_one_of(text.at[i], ".:-"))
            return false;
    return true;
}

static bool is_email(struct slice text)
{
    const char *at = memrchr(text.at, '@', text.size);
    if (!at || text.size > 254)
        return false;
    struct slice local = {.at = text.at, .size = (size_t)(at - text.at)};
    struct slice domain = {.at = at + 1, .size = text.size - local.size - 1};
    return local.size <= 64 && (is_dot_atom(local) || is_quoted_local(local)) &&
           (is_domain(domain) || is_address(domain));
}

// ---- references

// Is all of it unreserved, percent-encoded, or one of these?
static bool is_uri_text(struct slice text, const char *more)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];
        if (c == '%') {
            if (text.size - i < 3 || !is_hex(text.at[i + 1]) || !is_hex(text.at[i + 2]))
                return false;
            i += 2;
        } else if (!is_alphanumeric(c) && !is_one_of(c, "-._~!$&'()*+,;=") && !is_one_of(c, more)) {
            return false;
        }
    }
    return true;
}

// Cuts off what stands behind the first of these characters, and answers it; .at NULL when there is none.
static struct slice cut(struct slice *text, const char *all)
{
    size_t at = 0;
    while (at < text->size && !is_one_of(text->at[at], all))
        at++;
    if (at == text->size)
        return (struct slice){0};
    struct slice rest = {.at = text->at + at + 1, .size = text->size - at - 1};
    text->size = at;
    return rest;
}

static bool is_port(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!is_digit(text.at[i]))
            return false;
    return true;
}

static bool is_authority(struct slice text)
{
    const char *at = memrchr(text.at, '@', text.size);
    if (at) {
        struct slice user = {.at = text.at, .size = (size_t)(at - text.at)};
        if (!is_uri_text(user, ":"))
            return false;
        text = (struct slice){.at = at + 1, .size = text.size - user.size - 1};
    }
    if (text.size && text.at[0] == '[') {
        struct slice rest = cut(&text, "]");
        text.at++;
        text.size--;
        return rest.at && text.size && is_uri_text(text, ":") &&
               (!rest.size || (rest.at[0] == ':' && is_port((struct slice){.at = rest.at + 1, .size = rest.size - 1})));
    }
    struct slice port = cut(&text, ":");
    return is_uri_text(text, "") && (!port.at || is_port(port));
}

static bool is_uri(struct slice text)
{
    size_t scheme = 0;
    while (scheme < text.size && (is_alphanumeric(text.at[scheme]) || is_one_of(text.at[scheme], "+-.")))
        scheme++;
    if (!scheme || !is_letter(text.at[0]) || scheme == text.size || text.at[scheme] != ':')
        return false;
    struct slice rest = {.at = text.at + scheme + 1, .size = text.size - scheme - 1};
    struct slice fragment = cut(&rest, "#"), query = cut(&rest, "?");
    if (!is_uri_text(fragment, ":@/?") || !is_uri_text(query, ":@/?"))
        return false;
    if (rest.size >= 2 && rest.at[0] == '/' && rest.at[1] == '/') {
        struct slice authority = {.at = rest.at + 2, .size = rest.size - 2};
        cut(&authority, "/");
        rest = (struct slice){.at = authority.at + authority.size, .size = rest.size - 2 - authority.size};
        if (!is_authority(authority))
            return false;
    }
    return is_uri_text(rest, ":@/");
}

static bool is_uuid(struct slice text)
{
    if (text.size != 36)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23 ? text.at[i] != '-' : !is_hex(text.at[i]))
            return false;
    return true;
}

bool format_holds(enum format format, struct slice text)
{
    switch (format) {
    case FORMAT_DATE_TIME:
        return is_date_time(text);
    case FORMAT_DATE:
        return is_date(text);
    case FORMAT_EMAIL:
        return is_email(text);
    case FORMAT_URI:
        return is_uri(text);
    case FORMAT_UUID:
        return is_uuid(text);
    case FORMAT_NONE:
        break;
    }
    return true;
}
