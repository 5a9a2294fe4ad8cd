// Moments as people write them: what is taken means what the C library says it means, and comes back when printed.
#include "store/name.h"
#include "store/when.h"
#include "tests/fuzz/fuzz.h"

#include <time.h>

// 9999-12-31T00:00:00Z, less the widest offset.
#define LAST_DAY_US (INT64_C(253402214400000000) - 24 * 3600 * WHEN_US_PER_SECOND)

// The same by timegm(3), for a text that was taken: all digits stand where they must.
static int64_t moment_by_library(struct slice text)
{
    char copy[64];
    struct tm parts = {.tm_mday = 1};
    int taken = 0, hours = 0, minutes = 0;
    char sign = 0;
    CLAIM(text.size < sizeof copy);
    memcpy(copy, text.at, text.size);
    copy[text.size] = '\0';
    const char *at = copy;
    sscanf(at, "%4d-%2d-%2d%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &taken);
    CLAIM(taken == 10);
    at += taken;
    int64_t fraction_us = 0;
    if (*at == 'T') {
        sscanf(at, "T%2d:%2d%n", &parts.tm_hour, &parts.tm_min, &taken);
        at += taken;
        if (*at == ':') {
            sscanf(at, ":%2d%n", &parts.tm_sec, &taken);
            at += taken;
        }
        if (*at == '.') {
            int64_t unit_us = 100000;
            for (at++; *at >= '0' && *at <= '9'; at++, unit_us /= 10)
                fraction_us += (*at - '0') * unit_us;
        }
    }
    if (*at == '+' || *at == '-') {
        sscanf(at, "%c%2d:%2d%n", &sign, &hours, &minutes, &taken);
        at += taken;
    } else if (*at == 'Z') {
        at++;
    }
    CLAIM(*at == '\0');
    parts.tm_year -= 1900;
    parts.tm_mon--;
    int64_t offset_s = (hours * 60 + minutes) * 60;
    return (timegm(&parts) - (sign == '-' ? -offset_s : offset_s)) * WHEN_US_PER_SECOND + fraction_us;
}

static void try_moment(int64_t at_us)
{
    char text[WHEN_TEXT_MAX], again[WHEN_TEXT_MAX];
    int64_t read_us, read_again_us;
    size_t size = when_print(text, at_us);
    CLAIM(size == 20 || size == 24 || size == 27);
    CLAIM(when_parse_moment((struct slice){.at = text, .size = size}, &read_us) == 0);
    // Out of range it is cut, and then stays.
    if (at_us >= INT64_C(-62135596800000000) && at_us < INT64_C(253402300800000000))
        CLAIM(read_us == at_us);
    CLAIM(when_print(again, read_us) == size && memcmp(text, again, size) == 0);
    CLAIM(when_parse_moment((struct slice){.at = again, .size = size}, &read_again_us) == 0);
    CLAIM(read_again_us == read_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = input_slice(data, size);
    int64_t at_us;
    if (size >= sizeof at_us) {
        memcpy(&at_us, data, sizeof at_us);
        try_moment(at_us);
    }
    bool is_moment = when_parse_moment(text, &at_us) == 0;
    if (is_moment) {
        int64_t stamp_us;
        CLAIM(at_us == moment_by_library(text));
        try_moment(at_us);
        CLAIM(when_parse_timestamp(text, &stamp_us) ? at_us >= LAST_DAY_US : stamp_us == at_us);
    }
    struct when when;
    if (when_parse(text, &when)) {
        CLAIM(!is_moment);
        return 0;
    }
    CLAIM(is_moment == (when.kind == WHEN_MOMENT));
    char written[64];
    switch (when.kind) {
    case WHEN_MOMENT:
        CLAIM(when.at_us == at_us);
        break;
    case WHEN_AGO:
        CLAIM(when.ago_us > 0 && when.ago_us % (60 * WHEN_US_PER_SECOND) == 0);
        break;
    case WHEN_VERSION:
        snprintf(written, sizeof written, "v%u", when.version);
        CLAIM(when.version >= 1 && when.version <= NAME_VERSION_MAX && slice_is(text, written));
        break;
    case WHEN_EVENT:
        CLAIM(slice_equal(when.id, text) && name_is_imported_id(text));
        break;
    }
    return 0;
}
