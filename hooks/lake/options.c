#include "hooks/lake/options.h"

#include "hooks/lake/journal.h"
#include "hooks/lake/place.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SECONDS_MAX 86400u
#define BYTES_LEAST 1024u

// What stands behind `NAME=`; NULL when the option is another.
static const char *value_of(const char *option, const char *name)
{
    size_t size = strlen(name);
    return strncmp(option, name, size) == 0 && option[size] == '=' ? option + size + 1 : NULL;
}

static int take_place(struct lake_options *o, const char *text, struct reason *why)
{
    BYTES_AUTO place = {0};
    int error = place_read(&place, text, why);
    if (error)
        return error;
    if (place.size >= sizeof o->place)
        return reason_set(why, -EINVAL, "lake: the place has too long a name");
    memcpy(o->place, place.at, place.size);
    o->place[place.size] = '\0';
    return 0;
}

// A number, of bytes with K, M or G behind it if need be.
static int take_number(const char *name, const char *text, bool bytes, uint64_t *number, struct reason *why)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    static const char units[] = "KMG";
    const char *unit = bytes && *end ? strchr(units, *end) : NULL;
    if (unit && *number < UINT64_C(1) << 32) {
        *number <<= 10 * (unit - units + 1);
        end++;
    }
    if (text[0] < '0' || text[0] > '9' || *end || errno)
        return reason_set(why, -EINVAL, "%s: %s is no number%s", name, text, bytes ? " of bytes (64M)" : "");
    return 0;
}

static int take_seconds(struct lake_options *o, const char *text, struct reason *why)
{
    uint64_t seconds;
    int error = take_number("lake_flush_seconds", text, false, &seconds, why);
    if (!error && (seconds < 1 || seconds > SECONDS_MAX))
        error = reason_set(why, -EINVAL, "lake_flush_seconds: 1 to %u, not %s", SECONDS_MAX, text);
    if (!error)
        o->flush_seconds = (uint32_t)seconds;
    return error;
}

static int take_bytes(struct lake_options *o, const char *text, struct reason *why)
{
    int error = take_number("lake_flush_bytes", text, true, &o->flush_bytes, why);
    if (!error && o->flush_bytes < BYTES_LEAST)
        error = reason_set(why, -EINVAL, "lake_flush_bytes: %u or more, not %s", BYTES_LEAST, text);
    return error;
}

int lake_option(struct lake_options *o, const char *option, struct reason *why)
{
    const char *value;
    if ((value = value_of(option, "lake")))
        return take_place(o, value, why);
    if ((value = value_of(option, "lake_flush_seconds")))
        return take_seconds(o, value, why);
    if ((value = value_of(option, "lake_flush_bytes")))
        return take_bytes(o, value, why);
    if (strcmp(option, "lake_hash") == 0) {
        o->hash = true;
        return 0;
    }
    return strncmp(option, "lake", 4) ? -ENOENT : reason_set(why, -EINVAL, "there is no option %s", option);
}

// ---- the place that was last

static void place_path(const char *store, char path[static 512])
{
    char directory[480];
    journal_directory(store, directory);
    snprintf(path, 512, "%s/place", directory);
}

int lake_place_remember(const char *store, const char *place, struct reason *why)
{
    char path[512], fresh[520];
    place_path(store, path);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "we");
    bool written = file && fprintf(file, "%s\n", place) > 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    int error = written ? 0 : -errno;
    if (file && fclose(file) && !error)
        error = -errno;
    if (!error && rename(fresh, path))
        error = -errno;
    return error ? reason_set(why, error, "%s: %s", path, strerror(-error)) : 0;
}

int lake_place_recall(const char *store, char place[static 4096], struct reason *why)
{
    char path[512];
    place_path(store, path);
    FILE *file = fopen(path, "re");
    if (!file)
        return reason_set(
            why, -errno, errno == ENOENT ? "%s never had a lake (-o lake=)" : "%s/lake cannot be read", store);
    bool found = fgets(place, 4096, file) != NULL;
    fclose(file);
    if (!found)
        return reason_set(why, -EIO, "%s is empty", path);
    place[strcspn(place, "\n")] = '\0';
    return 0;
}
