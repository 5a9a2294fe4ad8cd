#include "hooks/lake/options.h"

#include "hooks/lake/file.h"
#include "hooks/lake/journal.h"
#include "hooks/lake/place.h"

#include <errno.h>
#include <limits.h>
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

static const struct {
    const char *name;
    bool is_file; // made absolute: the daemon may stand elsewhere when it opens it
} settings[LAKE_SETTINGS] = {
    [LAKE_KEYS] = {"lake_keys", true},
    [LAKE_CA] = {"lake_ca", true},
    [LAKE_ENDPOINT] = {"lake_endpoint", false},
    [LAKE_REGION] = {"lake_region", false},
    [LAKE_WAREHOUSE] = {"lake_warehouse", false},
    [LAKE_TABLE] = {"lake_table", false},
};

static int take_setting(struct lake_options *o, enum lake_setting setting, const char *value, struct reason *why)
{
    const char *name = settings[setting].name;
    char path[PATH_MAX];
    if (!*value || strpbrk(value, "\r\n"))
        return reason_set(why, -EINVAL, "%s: a word is needed", name);
    if (settings[setting].is_file && !realpath(value, path))
        return reason_set(why, -errno, "%s: %s: %s", name, value, strerror(errno));
    const char *taken = settings[setting].is_file ? path : value;
    if (strlen(taken) >= sizeof o->settings[setting])
        return reason_set(why, -EINVAL, "%s: this is too long", name);
    strcpy(o->settings[setting], taken);
    return 0;
}

static int take_maintenance(struct lake_options *o, const char *text, struct reason *why)
{
    o->kept_by_others = strcmp(text, "external") == 0;
    if (o->kept_by_others || strcmp(text, "self") == 0)
        return 0;
    return reason_set(why, -EINVAL, "lake_maintenance: self or external, not %s", text);
}

int lake_option(struct lake_options *o, const char *option, struct reason *why)
{
    const char *value;
    for (enum lake_setting i = 0; i < LAKE_SETTINGS; i++) {
        if ((value = value_of(option, settings[i].name)))
            return take_setting(o, i, value, why);
    }
    if ((value = value_of(option, "lake")))
        return take_place(o, value, why);
    if ((value = value_of(option, "lake_flush_seconds")))
        return take_seconds(o, value, why);
    if ((value = value_of(option, "lake_flush_bytes")))
        return take_bytes(o, value, why);
    if ((value = value_of(option, "lake_maintenance")))
        return take_maintenance(o, value, why);
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

int lake_place_remember(const char *store, const struct lake_options *o, struct reason *why)
{
    char path[512];
    BYTES_AUTO text = {0};
    place_path(store, path);
    bytes_printf(&text, "lake=%s\n", o->place);
    for (enum lake_setting i = 0; i < LAKE_SETTINGS; i++)
        if (o->settings[i][0])
            bytes_printf(&text, "%s=%s\n", settings[i].name, o->settings[i]);
    int error = text.failed ? -ENOMEM : file_replace(path, bytes_slice(&text));
    return error ? reason_set(why, error, "%s: %s", path, strerror(-error)) : 0;
}

int lake_place_recall(const char *store, struct lake_options *options, struct reason *why)
{
    char path[512], line[sizeof options->place + 64];
    int error = 0;
    place_path(store, path);
    FILE *file = fopen(path, "re");
    if (!file)
        return reason_set(
            why, -errno, errno == ENOENT ? "%s never had a lake (-o lake=)" : "%s/lake cannot be read", store);
    while (!error && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        error = lake_option(options, line, why);
    }
    fclose(file);
    if (!error && !options->place[0])
        error = -EINVAL;
    return error ? reason_set(why, -EIO, "%s does not say where the lake is", path) : 0;
}
