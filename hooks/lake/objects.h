// Where the files of the lake lie: a flat space of keys below a root, each key with one content. A directory or a
// bucket; who uses it cannot tell which.
//
// Keys are of [A-Za-z0-9._=/-], begin and end with no `/`, and none is another key plus `/…`. What is there does not
// change, but by `put` without OBJECTS_ABSENT: a reader sees the old content or the new one, never a part. What
// returned 0 is on stable storage.
//
// One thread at a time uses a root and what was begun in it. Results are 0 or -errno, with the reason in words (which
// names the key, never a secret):
//     -ENOENT       no such key
//     -EEXIST       OBJECTS_ABSENT, and there was one: it stands as it was
//     -EINPROGRESS  no answer came, or one that says nothing: it may have been done, or be done still. Only what writes
//                   answers so. What else is not 0 has certainly not been done.
//     -EACCES       refused: whoever is to be asked says that this user may not
//     others        as errno has them; trying again may help
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

struct objects;

enum objects_flags {
    OBJECTS_ABSENT = 1, // only if there is no such key yet
};

// A file that is written piece by piece. There is nothing under its key before `finish`.
struct upload {
    struct objects *objects;
    // what a kind keeps stands behind it
};

// Called for each key; anything but 0 ends the listing with it.
typedef int objects_visit(void *context, struct slice key, uint64_t size_bytes, int64_t changed_at_us);

struct objects_kind {
    int (*put)(struct objects *, const char *key, struct slice content, enum objects_flags, struct reason *why);
    // Appends the whole content. Never gives more than 1 GiB: -EFBIG.
    int (*get)(struct objects *, const char *key, struct bytes *out, struct reason *why);
    // Exactly these bytes, or an error: -EIO when the content ends before.
    int (*get_range)(struct objects *, const char *key, uint64_t offset, void *to, size_t size, struct reason *why);
    int (*size)(struct objects *, const char *key, uint64_t *size_bytes, struct reason *why);
    // The keys that begin with these letters, in any order. What `visit` adds or removes meanwhile may be seen or not.
    int (*list)(struct objects *, const char *prefix, objects_visit *visit, void *context, struct reason *why);
    // 0 also when there is none.
    int (*remove)(struct objects *, const char *key, struct reason *why);

    // The upload is freed by `finish`, whatever it answers, or by `abort`, which leaves nothing behind that could be
    // seen or that nobody would ever remove.
    int (*begin)(struct objects *, const char *key, struct upload **upload, struct reason *why);
    int (*add)(struct upload *, const void *from, size_t size, struct reason *why);
    int (*finish)(struct upload *, enum objects_flags, struct reason *why);
    void (*abort)(struct upload *);

    void (*close)(struct objects *);
};

// What each implementation begins with.
struct objects {
    const struct objects_kind *kind;
    // `file:///srv/lake/events`, `s3://bucket/prefix`, no `/` at the end: with `/` and a key behind it, how others call
    // the key. Owned by the implementation.
    char *root;
};

// Calls go through these, so that who calls reads as a sentence.
static inline int objects_put(
    struct objects *o, const char *key, struct slice content, enum objects_flags flags, struct reason *why)
{
    return o->kind->put(o, key, content, flags, why);
}

static inline int objects_get(struct objects *o, const char *key, struct bytes *out, struct reason *why)
{
    return o->kind->get(o, key, out, why);
}

static inline int objects_get_range(
    struct objects *o, const char *key, uint64_t offset, void *to, size_t size, struct reason *why)
{
    return o->kind->get_range(o, key, offset, to, size, why);
}

static inline int objects_size(struct objects *o, const char *key, uint64_t *size_bytes, struct reason *why)
{
    return o->kind->size(o, key, size_bytes, why);
}

static inline int objects_list(
    struct objects *o, const char *prefix, objects_visit *visit, void *context, struct reason *why)
{
    return o->kind->list(o, prefix, visit, context, why);
}

static inline int objects_remove(struct objects *o, const char *key, struct reason *why)
{
    return o->kind->remove(o, key, why);
}

static inline int upload_begin(struct objects *o, const char *key, struct upload **upload, struct reason *why)
{
    return o->kind->begin(o, key, upload, why);
}

static inline int upload_add(struct upload *u, const void *from, size_t size, struct reason *why)
{
    return u->objects->kind->add(u, from, size, why);
}

static inline int upload_finish(struct upload *u, enum objects_flags flags, struct reason *why)
{
    return u->objects->kind->finish(u, flags, why);
}

static inline void upload_abort(struct upload *u)
{
    if (u)
        u->objects->kind->abort(u);
}

static inline void objects_close(struct objects *o)
{
    if (o)
        o->kind->close(o);
}

// The key of a full name, `s3://bucket/prefix/KEY`; NULL when it lies elsewhere. Points into `uri`.
static inline const char *objects_key(const struct objects *o, const char *uri)
{
    size_t size = strlen(o->root);
    return strncmp(uri, o->root, size) == 0 && uri[size] == '/' ? uri + size + 1 : NULL;
}

// A directory, made if it is not there.
int objects_dir_open(struct objects **objects, const char *path, struct reason *why);
