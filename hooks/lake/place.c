#include "hooks/lake/place.h"

#include "hooks/lake/options.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

bool place_is_directory(const char *place)
{
    return place[0] == '/';
}

int place_read(struct bytes *out, const char *text, struct reason *why)
{
    char here[PATH_MAX];
    if (strpbrk(text, "\n\r"))
        return reason_set(why, -EINVAL, "lake: a line break is no part of a place");
    if (strstr(text, "://"))
        return reason_set(why, -EINVAL, "lake: %s: this version keeps a lake in a directory", text);
    if (!*text)
        return reason_set(why, -EINVAL, "lake: a directory is needed");
    if (text[0] != '/' && !getcwd(here, sizeof here))
        return reason_set(why, -errno, "lake: %s: %s", text, strerror(errno));
    if (text[0] != '/')
        bytes_printf(out, "%s/", here);
    while (begins(text, "./"))
        text += 2;
    bytes_add_text(out, text);
    while (out->size > 1 && out->at[out->size - 1] == '/')
        out->size--;
    return out->failed ? -ENOMEM : 0;
}

int place_open(
    struct lake_catalog **catalog, const struct lake_options *options, const atomic_bool *stop, struct reason *why)
{
    struct objects *objects;
    (void)stop;
    int error = objects_dir_open(&objects, options->place, why);
    return error ? error : lake_catalog_dir_open(catalog, objects, why);
}
