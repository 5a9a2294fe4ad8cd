#include "hooks/lake/objects_s3.h"

#include "hooks/lake/s3.h"
#include "hooks/lake/uri.h"
#include "hooks/lake/xml.h"
#include "store/when.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ANSWER_BYTES_MAX  ((size_t)1 << 20)
#define LISTING_BYTES_MAX ((size_t)8 << 20)
#define OBJECT_BYTES_MAX  ((size_t)1 << 30)

struct objects_s3 {
    struct objects objects;
    struct s3 s3;
    struct http_answer answer; // of the last request
};

static struct objects_s3 *in_bucket(struct objects *objects)
{
    return (struct objects_s3 *)objects;
}

// A request whose answer holds nothing but, perhaps, an error.
static int tell(struct objects_s3 *o, struct s3_request request, bool *is_unsure, struct reason *why)
{
    request.answer_max = ANSWER_BYTES_MAX;
    return s3_send(&o->s3, &request, &o->answer, is_unsure, why);
}

// ---- reading

static int get(struct objects *objects, const char *key, struct bytes *out, struct reason *why)
{
    struct objects_s3 *o = in_bucket(objects);
    struct s3_request request = {.method = "GET", .key = key, .answer_max = OBJECT_BYTES_MAX};
    int error = s3_send(&o->s3, &request, &o->answer, NULL, why);
    if (error)
        return error;
    bytes_add_slice(out, bytes_slice(&o->answer.body));
    bytes_trim(&o->answer.body, ANSWER_BYTES_MAX);
    return out->failed ? -ENOMEM : 0;
}

static int get_range(
    struct objects *objects, const char *key, uint64_t offset, void *to, size_t size, struct reason *why)
{
    struct objects_s3 *o = in_bucket(objects);
    char range[64];
    if (!size)
        return 0;
    snprintf(range, sizeof range, "bytes=%llu-%llu", (unsigned long long)offset, (unsigned long long)offset + size - 1);
    struct s3_request request = {.method = "GET", .key = key, .range = range, .answer_max = size};
    int error = s3_send(&o->s3, &request, &o->answer, NULL, why);
    if (error)
        return error;
    if (o->answer.status != 206 || o->answer.body.size != size)
        return reason_set(why, -EIO, "S3: %.100s: %zu bytes came of the %zu from %llu on (status %u)", key,
            o->answer.body.size, size, (unsigned long long)offset, o->answer.status);
    memcpy(to, o->answer.body.at, size);
    bytes_trim(&o->answer.body, ANSWER_BYTES_MAX);
    return 0;
}

static int size_of(struct objects *objects, const char *key, uint64_t *size_bytes, struct reason *why)
{
    struct objects_s3 *o = in_bucket(objects);
    int error = tell(o, (struct s3_request){.method = "HEAD", .key = key}, NULL, why);
    if (error)
        return error;
    if (o->answer.length < 0)
        return reason_set(why, -EIO, "S3: %.100s: an answer without a length", key);
    *size_bytes = (uint64_t)o->answer.length;
    return 0;
}

// ---- listing

struct listing {
    struct objects_s3 *o;
    objects_visit *visit;
    void *context;
    struct bytes page, token, key, text;
};

static void listing_free(struct listing *l)
{
    struct bytes *const all[] = {&l->page, &l->token, &l->key, &l->text};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        bytes_free(all[i]);
}

static bool take_text(struct slice within, const char *name, struct bytes *out)
{
    struct slice content;
    bytes_clear(out);
    if (!xml_find(within, name, &content))
        return false;
    xml_decode(out, content);
    return true;
}

static bool take_number(struct slice within, const char *name, struct bytes *text, uint64_t *number)
{
    char *end = NULL;
    if (!take_text(within, name, text) || !text->size)
        return false;
    bytes_add_char(text, '\0');
    errno = 0;
    *number = text->failed ? 0 : strtoull(text->at, &end, 10);
    return end && !*end && !errno;
}

static int visit_one(struct listing *l, struct slice contents, struct reason *why)
{
    size_t prefix_size = l->o->s3.prefix.size;
    uint64_t size_bytes;
    int64_t changed_at_us;
    if (!take_text(contents, "Key", &l->key) || l->key.size < prefix_size)
        return reason_set(why, -EIO, "S3: a listing without keys");
    if (!take_number(contents, "Size", &l->text, &size_bytes))
        return reason_set(why, -EIO, "S3: a listing without sizes");
    if (!take_text(contents, "LastModified", &l->text) || when_parse_moment(bytes_slice(&l->text), &changed_at_us))
        return reason_set(why, -EIO, "S3: a listing without times");
    if (l->key.failed || l->text.failed)
        return -ENOMEM;
    struct slice key = {.at = l->key.at + prefix_size, .size = l->key.size - prefix_size};
    return l->visit(l->context, key, size_bytes, changed_at_us);
}

static int ask_for_page(struct listing *l, const char *prefix, struct reason *why)
{
    BYTES_AUTO query = {0};
    if (l->token.size) {
        bytes_add_text(&query, "continuation-token=");
        uri_encode(&query, bytes_slice(&l->token));
        bytes_add_char(&query, '&');
    }
    bytes_add_text(&query, "list-type=2&prefix=");
    uri_encode(&query, bytes_slice(&l->o->s3.prefix));
    uri_encode(&query, slice_of(prefix));
    bytes_add_char(&query, '\0');
    if (query.failed)
        return -ENOMEM;
    struct s3_request request = {.method = "GET", .query = query.at, .answer_max = LISTING_BYTES_MAX};
    int error = s3_send(&l->o->s3, &request, &l->o->answer, NULL, why);
    if (error)
        return error == -ENOENT ? -EIO : error;
    bytes_clear(&l->page);
    bytes_add_slice(&l->page, bytes_slice(&l->o->answer.body));
    return l->page.failed ? -ENOMEM : 0;
}

static int visit_page(struct listing *l, bool *is_last, struct reason *why)
{
    struct slice page = bytes_slice(&l->page), rest = page, contents;
    if (!take_text(page, "IsTruncated", &l->text))
        return reason_set(why, -EIO, "S3: this is no listing");
    *is_last = !slice_is(bytes_slice(&l->text), "true");
    take_text(page, "NextContinuationToken", &l->token);
    if (!*is_last && !l->token.size)
        return reason_set(why, -EIO, "S3: a listing that does not say how it goes on");
    while (xml_next(&rest, "Contents", &contents)) {
        int result = visit_one(l, contents, why);
        if (result)
            return result;
    }
    return 0;
}

static int list(struct objects *objects, const char *prefix, objects_visit *visit, void *context, struct reason *why)
{
    struct listing l = {.o = in_bucket(objects), .visit = visit, .context = context};
    int result = 0;
    for (bool is_last = false; !result && !is_last;) {
        result = ask_for_page(&l, prefix, why);
        if (!result)
            result = visit_page(&l, &is_last, why);
    }
    listing_free(&l);
    return result;
}

// ---- writing

// There is a key already. Is it what an attempt without an answer has put there?
static int compare(struct objects_s3 *o, const char *key, struct slice content, struct reason *why)
{
    struct s3_request request = {.method = "GET", .key = key, .answer_max = content.size};
    int error = s3_send(&o->s3, &request, &o->answer, NULL, NULL);
    if (error && error != -EFBIG)
        return reason_set(why, -EINPROGRESS, "S3: %.100s: it is not known whether it was put", key);
    if (error || !slice_equal(bytes_slice(&o->answer.body), content))
        return reason_set(why, -EEXIST, "%.100s is there already", key);
    return 0;
}

static int put(
    struct objects *objects, const char *key, struct slice content, enum objects_flags flags, struct reason *why)
{
    struct objects_s3 *o = in_bucket(objects);
    bool only_if_absent = flags & OBJECTS_ABSENT, is_unsure;
    struct reason said = {0};
    struct s3_request request = {.method = "PUT", .key = key, .only_if_absent = only_if_absent, .body = content};
    int error = tell(o, request, &is_unsure, &said);
    // libcurl repeats a request by itself when a connection that was kept has died, so this is never sure.
    if (error == -EEXIST && only_if_absent)
        return compare(o, key, content, why);
    if (error == -ENOENT)
        error = -EIO;
    return error ? reason_set(why, error, "%s", said.text) : 0;
}

static int remove_one(struct objects *objects, const char *key, struct reason *why)
{
    struct reason said = {0};
    int error = tell(in_bucket(objects), (struct s3_request){.method = "DELETE", .key = key}, NULL, &said);
    if (!error || error == -ENOENT)
        return 0;
    return reason_set(why, error, "%s", said.text);
}

// ---- uploads

// Every part but the last must have 5 MiB at least, and for some the same size.
#define PART_BYTES ((size_t)8 << 20)
#define PARTS_MAX  10000u

struct upload_s3 {
    struct upload upload;
    char *key;
    struct bytes part;  // that is not sent yet
    struct bytes id;    // of the upload, encoded; empty until a part is sent
    struct bytes parts; // those that are, as XML
    unsigned count;
    uint64_t size_bytes;
};

static struct upload_s3 *to_bucket(struct upload *upload)
{
    return (struct upload_s3 *)upload;
}

static void upload_free(struct upload_s3 *u)
{
    bytes_free(&u->part);
    bytes_free(&u->id);
    bytes_free(&u->parts);
    free(u->key);
    free(u);
}

static int begin(struct objects *objects, const char *key, struct upload **upload, struct reason *why)
{
    struct upload_s3 *u = calloc(1, sizeof *u);
    (void)why;
    if (u)
        u->key = strdup(key);
    if (!u || !u->key) {
        free(u);
        return -ENOMEM;
    }
    u->upload.objects = objects;
    *upload = &u->upload;
    return 0;
}

static int ask_for_id(struct upload_s3 *u, struct reason *why)
{
    struct objects_s3 *o = in_bucket(u->upload.objects);
    BYTES_AUTO id = {0};
    int error = tell(o, (struct s3_request){.method = "POST", .key = u->key, .query = "uploads="}, NULL, why);
    if (error)
        return error;
    if (!take_text(bytes_slice(&o->answer.body), "UploadId", &id) || !id.size)
        return reason_set(why, -EIO, "S3: %.100s: an upload without an id", u->key);
    uri_encode(&u->id, bytes_slice(&id));
    return id.failed || u->id.failed ? -ENOMEM : 0;
}

static int send_part(struct upload_s3 *u, struct reason *why)
{
    struct objects_s3 *o = in_bucket(u->upload.objects);
    BYTES_AUTO query = {0};
    if (u->count == PARTS_MAX)
        return reason_set(why, -EFBIG, "S3: %.100s: more than %u parts", u->key, PARTS_MAX);
    int error = u->id.size ? 0 : ask_for_id(u, why);
    if (error)
        return error;
    bytes_printf(&query, "partNumber=%u&uploadId=%.*s", u->count + 1, SLICE_ARG(bytes_slice(&u->id)));
    bytes_add_char(&query, '\0');
    if (query.failed)
        return -ENOMEM;
    error =
        tell(o, (struct s3_request){.method = "PUT", .key = u->key, .query = query.at, .body = bytes_slice(&u->part)},
            NULL, why);
    if (error)
        return error;
    bytes_printf(&u->parts, "<Part><PartNumber>%u</PartNumber><ETag>", ++u->count);
    xml_encode(&u->parts, slice_of(o->answer.etag));
    bytes_add_text(&u->parts, "</ETag></Part>");
    bytes_clear(&u->part);
    return u->parts.failed ? -ENOMEM : 0;
}

// Nothing is to be seen of an upload before it is finished: whatever a part came to, it is not done.
static int send_part_surely(struct upload_s3 *u, struct reason *why)
{
    int error = send_part(u, why);
    return error == -EINPROGRESS || error == -ENOENT ? -EIO : error;
}

static int add(struct upload *upload, const void *from, size_t size, struct reason *why)
{
    struct upload_s3 *u = to_bucket(upload);
    const char *at = from;
    u->size_bytes += size;
    while (size) {
        size_t taken = PART_BYTES - u->part.size < size ? PART_BYTES - u->part.size : size;
        bytes_add(&u->part, at, taken);
        if (u->part.failed)
            return -ENOMEM;
        at += taken;
        size -= taken;
        int error = u->part.size == PART_BYTES ? send_part_surely(u, why) : 0;
        if (error)
            return error;
    }
    return 0;
}

// The upload, or the key, is there no more or already. Has an attempt without an answer finished it?
static int look_whether_finished(struct upload_s3 *u, bool is_unsure, int error, struct reason *why)
{
    uint64_t size_bytes;
    int looked = size_of(u->upload.objects, u->key, &size_bytes, NULL);
    if (!looked && size_bytes == u->size_bytes && is_unsure)
        return 0;
    if (looked && looked != -ENOENT && is_unsure)
        return reason_set(why, -EINPROGRESS, "S3: %.100s: it is not known whether it was put", u->key);
    return error == -EEXIST ? reason_set(why, -EEXIST, "%.100s is there already", u->key)
                            : reason_set(why, -EIO, "S3: %.100s: the upload is gone", u->key);
}

static int complete(struct upload_s3 *u, enum objects_flags flags, struct reason *why)
{
    struct objects_s3 *o = in_bucket(u->upload.objects);
    BYTES_AUTO query = {0}, body = {0};
    bool is_unsure;
    struct reason said = {0};
    bytes_printf(&query, "uploadId=%.*s", SLICE_ARG(bytes_slice(&u->id)));
    bytes_add_char(&query, '\0');
    bytes_add_text(&body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    bytes_add_slice(&body, bytes_slice(&u->parts));
    bytes_add_text(&body, "</CompleteMultipartUpload>");
    if (query.failed || body.failed)
        return -ENOMEM;
    struct s3_request request = {.method = "POST",
        .key = u->key,
        .query = query.at,
        .only_if_absent = flags & OBJECTS_ABSENT,
        .is_sent_once = true,
        .body = bytes_slice(&body)};
    int error = tell(o, request, &is_unsure, &said);
    if (!error)
        return s3_error_within(&request, &o->answer, why);
    if (error == -EEXIST || error == -ENOENT)
        return look_whether_finished(u, is_unsure, error, why);
    return reason_set(why, error, "%s", said.text);
}

static void forget_parts(struct upload_s3 *u)
{
    BYTES_AUTO query = {0};
    bytes_printf(&query, "uploadId=%.*s", SLICE_ARG(bytes_slice(&u->id)));
    bytes_add_char(&query, '\0');
    if (u->id.size && !query.failed)
        tell(in_bucket(u->upload.objects), (struct s3_request){.method = "DELETE", .key = u->key, .query = query.at},
            NULL, NULL);
}

static int finish(struct upload *upload, enum objects_flags flags, struct reason *why)
{
    struct upload_s3 *u = to_bucket(upload);
    int error = 0;
    if (!u->id.size) {
        error = put(upload->objects, u->key, bytes_slice(&u->part), flags, why);
    } else {
        error = u->part.size ? send_part_surely(u, why) : 0;
        if (!error)
            error = complete(u, flags, why);
        if (error && error != -EINPROGRESS)
            forget_parts(u);
    }
    upload_free(u);
    return error;
}

static void abort_upload(struct upload *upload)
{
    forget_parts(to_bucket(upload));
    upload_free(to_bucket(upload));
}

// ---- the bucket

static void close_bucket(struct objects *objects)
{
    struct objects_s3 *o = in_bucket(objects);
    s3_close(&o->s3);
    http_answer_free(&o->answer);
    free(o->objects.root);
    free(o);
}

static const struct objects_kind in_s3 = {
    .put = put,
    .get = get,
    .get_range = get_range,
    .size = size_of,
    .list = list,
    .remove = remove_one,
    .begin = begin,
    .add = add,
    .finish = finish,
    .abort = abort_upload,
    .close = close_bucket,
};

int objects_s3_open(struct objects **objects, const char *root, const struct access *access, struct reason *why)
{
    struct objects_s3 *o = calloc(1, sizeof *o);
    char *name = strdup(root);
    if (!o || !name) {
        free(o);
        free(name);
        return -ENOMEM;
    }
    for (size_t size = strlen(name); size && name[size - 1] == '/';)
        name[--size] = '\0';
    o->objects = (struct objects){.kind = &in_s3, .root = name};
    int error = s3_open(&o->s3, name, access, why);
    if (error) {
        free(name);
        free(o);
        return error;
    }
    *objects = &o->objects;
    return 0;
}
