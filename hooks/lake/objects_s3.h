// The files of the lake in a bucket (objects.h).
//
// What had no answer is asked again, so it may come through twice; since a key has one content, that shows as nothing
// but a key that is there already. `put` then compares what is there with what it brought, `finish` the size: a key
// that is uploaded must be one that nobody else gives.
#pragma once

#include "hooks/lake/access.h"
#include "hooks/lake/objects.h"

// `root` is `s3://BUCKET/PREFIX`; nothing is asked yet. `access` is copied.
int objects_s3_open(struct objects **objects, const char *root, const struct access *access, struct reason *why);
