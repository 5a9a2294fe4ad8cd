#include "hooks/document.h"

#include "store/json.h"
#include "store/when.h"

#include <errno.h>

#define SPAN_MAX_S (INT64_C(365000) * 86400)

int document_check(struct slice text, struct reason *why)
{
    struct json_scanner scanner;
    size_t used = 0;
    json_scanner_init(&scanner);
    enum json_found found = json_scan(&scanner, text.at, text.size, &used, why);
    if (found == JSON_WRONG)
        return -EINVAL;
    if (found == JSON_MORE)
        return reason_set(why, -EINVAL, json_scanner_idle(&scanner) ? "it is empty" : "its JSON is not complete");
    struct slice rest = {.at = text.at + used, .size = text.size - used};
    for (size_t i = 0; i < rest.size; i++)
        if (!strchr(" \t\r\n", rest.at[i]) || !rest.at[i])
            return reason_set(why, -EINVAL, "something stands behind its object");
    struct slice value = {.at = text.at, .size = used};
    if (json_kind(value) != JSON_OBJECT)
        return reason_set(why, -EINVAL, "it must be an object");
    return json_refuse_duplicates(value, why);
}

int document_text(struct slice value, const char *member, struct arena *arena, struct slice *text, struct reason *why)
{
    if (json_kind(value) != JSON_STRING)
        return reason_set(why, -EINVAL, "%s must be a string", member);
    BYTES_AUTO decoded = {0};
    json_decode(&decoded, value);
    if (decoded.failed)
        return -ENOMEM;
    if (!decoded.size)
        return reason_set(why, -EINVAL, "%s is empty", member);
    *text = arena_copy(arena, bytes_slice(&decoded));
    return text->at ? 0 : -ENOMEM;
}

static int64_t seconds_of(char unit)
{
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

int document_span(struct slice value, const char *member, int64_t *span_us, struct reason *why)
{
    int64_t count = 0;
    // Of a string, the quotes aside: digits and a unit.
    size_t digits = json_kind(value) == JSON_STRING && value.size > 3 ? value.size - 3 : 0;
    bool is_span = digits > 0 && value.at[1] != '0';
    for (size_t i = 1; is_span && i <= digits; i++) {
        is_span = value.at[i] >= '0' && value.at[i] <= '9' && count < SPAN_MAX_S;
        count = count * 10 + (value.at[i] - '0');
    }
    int64_t unit_s = is_span ? seconds_of(value.at[digits + 1]) : 0;
    if (!unit_s || count > SPAN_MAX_S / unit_s)
        return reason_set(why, -EINVAL, "%s must be a time such as \"90s\", \"30m\", \"1h\" or \"30d\"", member);
    *span_us = count * unit_s * WHEN_US_PER_SECOND;
    return 0;
}

int document_unknown(struct slice key, struct reason *why)
{
    return reason_set(why, -EINVAL, "unknown member %.*s", (int)(key.size < 80 ? key.size : 80), key.at);
}
