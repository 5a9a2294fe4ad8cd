// The fields of a document as a flat list: what is within objects has a path, `owner.name`. An array is one value, and
// so is an empty object. Members of the document that begin with `$` are the store's, and left out.
#pragma once

#include "store/arena.h"

struct leaf {
    struct slice path;  // names joined by `.`; a name that would mislead as it stands in JSON: a."b.c"
    struct slice value; // without white space
};

struct leaves {
    struct leaf *all; // in the order of the document
    size_t count, room;
    struct leaf **sorted; // by path
    struct arena arena;
};

// Reads a document, valid JSON, which is copied. An empty text is no document and has no fields. 0 or -ENOMEM; after an
// error there is nothing to free.
int leaves_read(struct leaves *leaves, struct slice document);
void leaves_free(struct leaves *leaves);
#define LEAVES_AUTO __attribute__((cleanup(leaves_free))) struct leaves
// NULL when there is no such field.
struct leaf *leaves_find(const struct leaves *leaves, struct slice path);
