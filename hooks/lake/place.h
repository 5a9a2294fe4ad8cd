// Where the lake is to be kept, as `-o lake=` names it: a directory, a bucket, or what a catalog says. All that is
// known of the kinds of places stands in place.c.
//
//     DIR                       files, and no catalog but they themselves (catalog_dir.c)
//     s3://BUCKET/PREFIX        the same in a bucket
//     rest+https://HOST/…       an Iceberg REST catalog
#pragma once

#include "hooks/lake/catalog.h"

#include <stdatomic.h>

struct lake_options;

// Can this be a place at all? Nothing is asked or made. Appends it as it is kept, a directory as an absolute path. 0,
// or -EINVAL with the reason.
int place_read(struct bytes *out, const char *text, struct reason *why);
// Is it a directory of this machine?
bool place_is_directory(const char *place);
// Once *stop is set, whatever waits for an answer breaks off. 0 or -errno with the reason.
int place_open(
    struct lake_catalog **catalog, const struct lake_options *options, const atomic_bool *stop, struct reason *why);
