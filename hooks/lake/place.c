#include "hooks/lake/place.h"

#include "hooks/lake/catalog_rest.h"
#include "hooks/lake/objects_s3.h"
#include "hooks/lake/options.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#define TABLE_DEFAULT "factfs.events"

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_bucket(const char *place)
{
    return begins(place, "s3://");
}

static bool is_rest(const char *place)
{
    return begins(place, "rest+https://") || begins(place, "rest+http://");
}

bool place_is_directory(const char *place)
{
    return place[0] == '/';
}

static int add_directory(struct bytes *out, const char *text, struct reason *why)
{
    char here[PATH_MAX];
    if (text[0] != '/' && !getcwd(here, sizeof here))
        return reason_set(why, -errno, "lake: %s: %s", text, strerror(errno));
    if (text[0] != '/')
        bytes_printf(out, "%s/", here);
    while (begins(text, "./"))
        text += 2;
    bytes_add_text(out, text);
    return 0;
}

int place_read(struct bytes *out, const char *text, struct reason *why)
{
    bool is_address = is_bucket(text) || is_rest(text);
    if (strpbrk(text, "\n\r"))
        return reason_set(why, -EINVAL, "lake: a line break is no part of a place");
    if (is_address && strpbrk(text, "@?# "))
        return reason_set(why, -EINVAL, "lake: keys and queries are no part of a place (lake_keys=, lake_warehouse=)");
    if (!is_address && strstr(text, "://"))
        return reason_set(
            why, -EINVAL, "lake: %s: neither a directory, nor s3://BUCKET/PREFIX, nor rest+https://HOST", text);
    if (!*text)
        return reason_set(why, -EINVAL, "lake: a place is needed");
    int error = 0;
    if (is_address)
        bytes_add_text(out, text);
    else
        error = add_directory(out, text, why);
    while (out->size > 1 && out->at[out->size - 1] == '/')
        out->size--;
    return out->failed ? -ENOMEM : error;
}

// ---- opening

static const char *said(const struct lake_options *options, enum lake_setting setting)
{
    return options->settings[setting][0] ? options->settings[setting] : NULL;
}

static int read_access(
    struct access *access, const struct lake_options *options, const atomic_bool *stop, struct reason *why)
{
    int error = access_read(access, said(options, LAKE_KEYS), why);
    if (!error && said(options, LAKE_ENDPOINT))
        error = access_set(access, ACCESS_ENDPOINT, said(options, LAKE_ENDPOINT));
    if (!error && said(options, LAKE_REGION))
        error = access_set(access, ACCESS_REGION, said(options, LAKE_REGION));
    access->ca_file = said(options, LAKE_CA);
    access->stop = stop;
    return error;
}

static int open_bucket(
    struct lake_catalog **catalog, const char *place, const struct access *access, struct reason *why)
{
    struct objects *objects;
    int error = objects_s3_open(&objects, place, access, why);
    return error ? error : lake_catalog_dir_open(catalog, objects, why);
}

static int open_rest(
    struct lake_catalog **catalog, const struct lake_options *options, const struct access *access, struct reason *why)
{
    const char *table = said(options, LAKE_TABLE);
    struct rest_place place = {.uri = options->place + strlen("rest+"),
        .warehouse = said(options, LAKE_WAREHOUSE),
        .table = table ? table : TABLE_DEFAULT};
    return lake_catalog_rest_open(catalog, &place, access, why);
}

static int open_directory(struct lake_catalog **catalog, const char *place, struct reason *why)
{
    struct objects *objects;
    int error = objects_dir_open(&objects, place, why);
    return error ? error : lake_catalog_dir_open(catalog, objects, why);
}

int place_open(
    struct lake_catalog **catalog, const struct lake_options *options, const atomic_bool *stop, struct reason *why)
{
    struct access access;
    if (place_is_directory(options->place))
        return open_directory(catalog, options->place, why);
    int error = read_access(&access, options, stop, why);
    if (!error)
        error = is_bucket(options->place) ? open_bucket(catalog, options->place, &access, why)
                                          : open_rest(catalog, options, &access, why);
    access_clear(&access);
    return error;
}
