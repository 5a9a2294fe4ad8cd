#include "cli/show.h"

#include "cli/terminal.h"
#include "store/json.h"
#include "store/when.h"

#include <time.h>

void show_time(struct bytes *out, struct slice timestamp, bool utc)
{
    int64_t at_us;
    struct tm parts;
    char text[48];
    size_t size = 0;
    if (when_parse_moment(timestamp, &at_us) == 0) {
        time_t second = (time_t)when_second(at_us);
        if (utc ? gmtime_r(&second, &parts) : localtime_r(&second, &parts))
            size = strftime(text, sizeof text - 1, utc ? "%FT%TZ" : "%FT%T%z", &parts);
    }
    if (!size) {
        bytes_add_slice(out, timestamp);
        return;
    }
    if (!utc && size > 2) {
        memmove(text + size - 1, text + size - 2, 2);
        text[size++ - 2] = ':';
    }
    bytes_add(out, text, size);
}

// Would the text, shown without quotes, be taken for another kind of value or for several?
static bool text_misleads(struct slice text)
{
    if (text.size == 0 || text.at[0] == ' ' || text.at[text.size - 1] == ' ' || slice_is(text, "∅"))
        return true;
    if (memmem(text.at, text.size, ", ", 2) || memmem(text.at, text.size, " → ", strlen(" → ")))
        return true;
    struct json_scanner scanner;
    size_t used;
    json_scanner_init(&scanner);
    return json_scan(&scanner, "[", 1, &used, NULL) == JSON_MORE &&
           json_scan(&scanner, text.at, text.size, &used, NULL) == JSON_MORE &&
           json_scan(&scanner, "]", 1, &used, NULL) == JSON_VALUE;
}

void show_value(struct bytes *out, struct bytes *decoded, struct slice value, size_t most)
{
    bytes_clear(decoded);
    if (json_kind(value) == JSON_STRING) {
        json_decode(decoded, value);
        if (text_misleads(bytes_slice(decoded))) {
            bytes_clear(decoded);
            bytes_add_slice(decoded, value);
        }
    } else {
        json_minify(decoded, value);
    }
    terminal_add(out, bytes_slice(decoded), most);
}

struct slice show_member(struct bytes *decoded, struct slice object, const char *name)
{
    struct slice value;
    if (!json_member(object, name, &value) || json_kind(value) != JSON_STRING)
        return SLICE("-");
    bytes_clear(decoded);
    json_decode(decoded, value);
    return bytes_slice(decoded);
}
