// The lake's files in a bucket: over the strict stub, which also fails on demand as no
// other server does, and over versitygw, if tests/lake/servers has it.
#include "hooks/lake/objects_s3.h"

#include "store/when.h"
#include "tests/lake/servers.h"

#include <errno.h>
#include <pthread.h>

static struct server stub;
static struct access access_of; // of the server that is asked
static struct objects *bucket;

static struct slice random_bytes(size_t size)
{
    static char all[20 << 20];
    static uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < size; i += 8) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        memcpy(all + i, &state, size - i < 8 ? size - i : 8);
    }
    return (struct slice){.at = all, .size = size};
}

static void check_content(const char *key, struct slice expected)
{
    BYTES_AUTO content = {0};
    struct reason why = {0};
    CHECK_INT(objects_get(bucket, key, &content, &why), 0);
    if (!slice_equal(bytes_slice(&content), expected))
        printf("#   %s: %zu bytes, not the %zu; %s\n", key, content.size, expected.size, why.text);
    CHECK(slice_equal(bytes_slice(&content), expected));
}

static int put_text(const char *key, const char *text, enum objects_flags flags)
{
    struct reason why = {0};
    int error = objects_put(bucket, key, slice_of(text), flags, &why);
    CHECK(!error == !why.text[0]);
    return error;
}

// ---- what any server does

static void what_is_put_is_read(void)
{
    char part[5] = {0};
    uint64_t size;
    CHECK_INT(put_text("a/one", "0123456789", 0), 0);
    check_content("a/one", SLICE("0123456789"));
    CHECK_INT(objects_size(bucket, "a/one", &size, NULL), 0);
    CHECK_INT(size, 10);
    CHECK_INT(objects_get_range(bucket, "a/one", 3, part, 4, NULL), 0);
    CHECK_TEXT(slice_of(part), "3456");
    CHECK_INT(objects_get_range(bucket, "a/one", 8, part, 4, NULL), -EIO);
    CHECK_INT(objects_get_range(bucket, "a/one", 80, part, 4, NULL), -EIO);
    CHECK_INT(put_text("a/one", "anew", 0), 0);
    check_content("a/one", SLICE("anew"));
    CHECK_INT(put_text("a/empty", "", 0), 0);
    check_content("a/empty", SLICE(""));
}

static void what_is_not_there_is_not_there(void)
{
    BYTES_AUTO content = {0};
    uint64_t size;
    char part[4];
    struct reason why = {0};
    CHECK_INT(objects_get(bucket, "nowhere", &content, &why), -ENOENT);
    CHECK(strstr(why.text, "nowhere"));
    CHECK_INT(content.size, 0);
    CHECK_INT(objects_get_range(bucket, "nowhere", 0, part, 4, NULL), -ENOENT);
    CHECK_INT(objects_size(bucket, "nowhere", &size, NULL), -ENOENT);
    CHECK_INT(objects_remove(bucket, "nowhere", NULL), 0);
}

static void put_if_absent_is_refused_when_present(void)
{
    CHECK_INT(put_text("once", "first", OBJECTS_ABSENT), 0);
    CHECK_INT(put_text("once", "second", OBJECTS_ABSENT), -EEXIST);
    check_content("once", SLICE("first"));
}

static void any_key_comes_back(void)
{
    static const char odd[] = "odd/a b/\xc3\xa9+()!*'~=,@&$;:<\">%41/x";
    CHECK_INT(put_text(odd, "odd", 0), 0);
    check_content(odd, SLICE("odd"));
    CHECK_INT(objects_remove(bucket, odd, NULL), 0);
}

struct seen {
    int count;
    unsigned char sizes[251];
    bool removes;
    int end_at;
};

static int see(void *context, struct slice key, uint64_t size_bytes, int64_t changed_at_us)
{
    struct seen *seen = context;
    unsigned number = 0;
    char name[64];
    snprintf(name, sizeof name, "%.*s", SLICE_ARG(key));
    CHECK_INT(sscanf(name, "many/k-%u", &number), 1);
    CHECK(number < 251 && seen->sizes[number] == 0);
    seen->sizes[number < 251 ? number : 0] = (unsigned char)(size_bytes + 1);
    CHECK(llabs(when_now_us() - changed_at_us) < 120 * WHEN_US_PER_SECOND);
    if (seen->removes)
        CHECK_INT(objects_remove(bucket, name, NULL), 0);
    return ++seen->count == seen->end_at ? -ECANCELED : 0;
}

static void lists_page_by_page(void)
{
    char key[32];
    struct seen all = {0}, some = {0}, first = {.end_at = 3}, removed = {.removes = true}, none = {0};
    for (unsigned i = 0; i < 251; i++) {
        snprintf(key, sizeof key, "many/k-%03u", i);
        if (objects_put(bucket, key, SLICE("xxxxxxxxxx"), 0, NULL))
            CHECK(false);
    }
    CHECK_INT(put_text("many.not", "x", 0), 0);
    CHECK_INT(objects_list(bucket, "many/", see, &all, NULL), 0);
    CHECK_INT(all.count, 251);
    CHECK_INT(all.sizes[250], 11);
    CHECK_INT(objects_list(bucket, "many/k-01", see, &some, NULL), 0);
    CHECK_INT(some.count, 10);
    CHECK_INT(objects_list(bucket, "many/", see, &first, NULL), -ECANCELED);
    CHECK_INT(first.count, 3);
    CHECK_INT(objects_list(bucket, "many/", see, &removed, NULL), 0);
    CHECK_INT(removed.count, 251);
    CHECK_INT(objects_list(bucket, "many/", see, &none, NULL), 0);
    CHECK_INT(none.count, 0);
}

static int see_one(void *context, struct slice key, uint64_t size_bytes, int64_t changed_at_us)
{
    (void)size_bytes, (void)changed_at_us;
    bytes_add_slice(context, key);
    return 0;
}

static void a_key_is_listed_as_it_is(void)
{
    BYTES_AUTO listed = {0};
    CHECK_INT(put_text("amp/a&b <c> \"d\" 'e' \xc3\xa9=+%41", "x", 0), 0);
    CHECK_INT(objects_list(bucket, "amp/a&b <", see_one, &listed, NULL), 0);
    CHECK_TEXT(bytes_slice(&listed), "amp/a&b <c> \"d\" 'e' \xc3\xa9=+%41");
}

static int upload_in_pieces(const char *key, struct slice content, size_t piece, enum objects_flags flags)
{
    struct upload *upload;
    uint64_t size;
    int error = upload_begin(bucket, key, &upload, NULL);
    CHECK_INT(error, 0);
    for (size_t at = 0; !error && at < content.size; at += piece)
        error = upload_add(upload, content.at + at, content.size - at < piece ? content.size - at : piece, NULL);
    CHECK_INT(error, 0);
    if (!(flags & OBJECTS_ABSENT))
        CHECK_INT(objects_size(bucket, key, &size, NULL), -ENOENT);
    return upload_finish(upload, flags, NULL);
}

static void an_upload_is_there_when_it_is_finished(void)
{
    static const size_t sizes[] = {0, 3, 8 << 20, (8 << 20) + 1, (19 << 20) + 7};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char key[32];
        struct slice content = random_bytes(sizes[i]);
        snprintf(key, sizeof key, "up/%zu", i);
        CHECK_INT(upload_in_pieces(key, content, 1000003, 0), 0);
        check_content(key, content);
    }
    CHECK_INT(upload_in_pieces("up/1", SLICE("abc"), 1, OBJECTS_ABSENT), -EEXIST);
    CHECK_INT(upload_in_pieces("up/4", random_bytes(9 << 20), 1 << 20, OBJECTS_ABSENT), -EEXIST);
    CHECK_INT(upload_in_pieces("up/new", random_bytes(9 << 20), 1 << 20, OBJECTS_ABSENT), 0);
}

static void an_aborted_upload_leaves_nothing(void)
{
    struct upload *upload;
    uint64_t size;
    for (int parts = 0; parts < 2; parts++) {
        struct slice content = random_bytes(parts ? 17 << 20 : 5);
        CHECK_INT(upload_begin(bucket, "aborted", &upload, NULL), 0);
        CHECK_INT(upload_add(upload, content.at, content.size, NULL), 0);
        upload_abort(upload);
        CHECK_INT(objects_size(bucket, "aborted", &size, NULL), -ENOENT);
    }
}

static void a_wrong_secret_is_refused_and_not_shown(void)
{
    struct access wrong;
    struct objects *o;
    BYTES_AUTO content = {0};
    struct reason why = {0};
    CHECK_INT(access_copy(&wrong, &access_of), 0);
    CHECK_INT(access_set(&wrong, ACCESS_SECRET, "not-the-secret"), 0);
    CHECK_INT(objects_s3_open(&o, "s3://lake/warehouse/t", &wrong, NULL), 0);
    CHECK_INT(objects_get(o, "a/one", &content, &why), -EACCES);
    CHECK(why.text[0] && !strstr(why.text, "not-the-secret"));
    objects_close(o);
    access_clear(&wrong);
}

static void keys_lie_below_the_root(void)
{
    BYTES_AUTO content = {0};
    struct objects *above;
    CHECK_INT(objects_s3_open(&above, "s3://lake/warehouse/", &access_of, NULL), 0);
    CHECK_TEXT(slice_of(above->root), "s3://lake/warehouse");
    CHECK_INT(put_text("below", "here", 0), 0);
    CHECK_INT(objects_get(above, "t/below", &content, NULL), 0);
    CHECK_TEXT(bytes_slice(&content), "here");
    objects_close(above);
}

static void an_unknown_bucket_is_no_missing_key(void)
{
    BYTES_AUTO content = {0};
    struct objects *other;
    struct reason why = {0};
    CHECK_INT(objects_s3_open(&other, "s3://nobucket/x", &access_of, NULL), 0);
    CHECK_INT(objects_get(other, "a", &content, &why), -EIO);
    CHECK(strstr(why.text, "NoSuchBucket"));
    objects_close(other);
}

// A bucket is made by a PUT of it: no part of what the lake needs, so it is asked for by hand.
static void make_bucket(void)
{
    struct objects *all;
    CHECK_INT(objects_s3_open(&all, "s3://lake", &access_of, NULL), 0);
    CHECK_INT(objects_put(all, "", SLICE(""), 0, NULL), 0);
    objects_close(all);
}

static void test_server(void)
{
    TEST("a bucket is made", make_bucket);
    CHECK_INT(objects_s3_open(&bucket, "s3://lake/warehouse/t", &access_of, NULL), 0);
    TEST("what is put is read again, whole, in part, and its size", what_is_put_is_read);
    TEST("a key that is not there is ENOENT, and removing it no error", what_is_not_there_is_not_there);
    TEST("put only if absent puts once, and leaves what is there", put_if_absent_is_refused_when_present);
    TEST("a key of any letters comes back", any_key_comes_back);
    TEST("a listing goes on page by page, while keys are removed too", lists_page_by_page);
    TEST("a key is listed as it is, whatever XML makes of it", a_key_is_listed_as_it_is);
    TEST("an upload of any size is there whole, but only when it is finished", an_upload_is_there_when_it_is_finished);
    TEST("an upload that is given up leaves nothing", an_aborted_upload_leaves_nothing);
    TEST("a wrong secret is EACCES, and is not shown", a_wrong_secret_is_refused_and_not_shown);
    TEST("keys lie below the root", keys_lie_below_the_root);
    TEST("a bucket that is not there is an error, not an empty one", an_unknown_bucket_is_no_missing_key);
}

// ---- what only the stub does

static int put_under(const char *fault, const char *text, enum objects_flags flags)
{
    static unsigned number;
    char key[32];
    snprintf(key, sizeof key, "fault/%u", number++);
    stub_fault(&stub, fault);
    int error = put_text(key, text, flags);
    stub_fault(&stub, NULL);
    if (error == 0)
        check_content(key, slice_of(text));
    else if (error != -EINPROGRESS)
        CHECK_INT(objects_get(bucket, key, &(struct bytes){0}, NULL), -ENOENT);
    return error;
}

static void a_lost_answer_is_asked_for_again(void)
{
    static const char *const kinds[] = {
        "500", "500-after", "503", "429", "cut", "cut-after", "hang", "hang-after", "html502", "conflict", "half"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char fault[64];
        snprintf(fault, sizeof fault, "%s 1 PUT fault", kinds[i]);
        for (int absent = 0; absent < 2; absent++) {
            int error = put_under(fault, kinds[i], absent ? OBJECTS_ABSENT : 0);
            if (error)
                printf("#   %s: %d\n", fault, error);
            CHECK_INT(error, 0);
        }
    }
}

static void no_answer_at_all_is_unknown(void)
{
    CHECK_INT(put_under("500-after 99 PUT fault", "x", 0), -EINPROGRESS);
    CHECK_INT(put_under("cut 99 PUT fault", "x", OBJECTS_ABSENT), -EINPROGRESS);
    CHECK_INT(put_under("cut-after 1 PUT fault\n403 99 PUT fault", "x", 0), -EINPROGRESS);
    CHECK_INT(put_under("cut-after 1 PUT fault\n500 99 GET fault", "x", OBJECTS_ABSENT), -EINPROGRESS);
}

static void a_refusal_is_certain(void)
{
    CHECK_INT(put_under("403 1 PUT fault", "x", 0), -EACCES);
    CHECK_INT(put_under("400 1 PUT fault", "x", 0), -EIO);
    CHECK_INT(put_under("507 1 PUT fault", "x", 0), -ENOSPC);
    CHECK_INT(put_under("429 99 PUT fault", "x", 0), -EIO);
}

static void somebody_else_was_first(void)
{
    CHECK_INT(put_text("rival", "theirs", 0), 0);
    stub_fault(&stub, "cut 1 PUT rival");
    CHECK_INT(put_text("rival", "mine", OBJECTS_ABSENT), -EEXIST);
    CHECK_INT(put_text("rival", "theirs, and longer than mine", OBJECTS_ABSENT), -EEXIST);
    stub_fault(&stub, NULL);
    check_content("rival", SLICE("theirs"));
}

static void half_a_body_is_read_again(void)
{
    struct slice content = random_bytes(300000);
    char part[1000];
    CHECK_INT(objects_put(bucket, "half", content, 0, NULL), 0);
    stub_fault(&stub, "half 2 GET half");
    check_content("half", content);
    stub_fault(&stub, "half 1 GET half\ncut 1 GET half\nhang 1 GET half\n502 1 GET half");
    CHECK_INT(objects_get_range(bucket, "half", 7, part, sizeof part, NULL), 0);
    CHECK(!memcmp(part, content.at + 7, sizeof part));
    stub_fault(&stub, "500 99 GET half");
    CHECK_INT(objects_get(bucket, "half", &(struct bytes){0}, NULL), -EIO);
    stub_fault(&stub, "html502 1 GET prefix");
    struct bytes listed = {0};
    CHECK_INT(objects_list(bucket, "half", see_one, &listed, NULL), 0);
    CHECK_TEXT(bytes_slice(&listed), "half");
    bytes_free(&listed);
    stub_fault(&stub, NULL);
}

static int upload_under(const char *fault)
{
    static unsigned number;
    char key[32];
    struct slice content = random_bytes(9 << 20);
    snprintf(key, sizeof key, "upload/%u", number++);
    stub_fault(&stub, fault);
    stub_forget_requests(&stub);
    int error = upload_in_pieces(key, content, 1 << 20, 0);
    stub_fault(&stub, NULL);
    if (error == 0)
        check_content(key, content);
    return error;
}

static void an_upload_comes_through_once(void)
{
    static const char *const faults[] = {"500 1 POST uploads=", "cut 1 POST uploads=", "500-after 1 PUT partNumber=1&",
        "hang 1 PUT partNumber=2&", "500 1 POST uploadId", "500-after 1 POST uploadId", "cut 1 POST uploadId",
        "cut-after 1 POST uploadId", "hang-after 1 POST uploadId", "conflict 1 POST uploadId"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        int error = upload_under(faults[i]);
        if (error)
            printf("#   %s: %d\n", faults[i], error);
        CHECK_INT(error, 0);
    }
}

static void an_upload_that_fails_is_taken_back(void)
{
    CHECK_INT(upload_under("within 99 POST uploadId"), -EIO);
    CHECK_INT(stub_count(&stub, "DELETE"), 1);
    CHECK_INT(upload_under("400 99 POST uploadId"), -EIO);
    CHECK_INT(stub_count(&stub, "DELETE"), 1);
    CHECK_INT(upload_under("500 99 POST uploadId"), -EINPROGRESS);
    CHECK_INT(stub_count(&stub, "DELETE"), 0);
}

static void a_session_token_is_signed(void)
{
    struct access access;
    struct objects *o;
    BYTES_AUTO content = {0};
    CHECK_INT(access_copy(&access, &access_of), 0);
    CHECK_INT(access_set(&access, ACCESS_SESSION, "a+token/of=AWS"), 0);
    CHECK_INT(objects_s3_open(&o, "s3://lake/warehouse/t", &access, NULL), 0);
    server_write(&stub, "session", "a+token/of=AWS");
    CHECK_INT(objects_put(o, "session", SLICE("x"), 0, NULL), 0);
    CHECK_INT(objects_get(bucket, "session", &content, NULL), -EACCES);
    server_write(&stub, "session", NULL);
    CHECK_INT(objects_get(o, "session", &content, NULL), -EACCES);
    objects_close(o);
    access_clear(&access);
}

static void *stop_soon(void *stop)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    atomic_store((atomic_bool *)stop, true);
    return NULL;
}

static void stopping_breaks_off(void)
{
    atomic_bool stop = false;
    struct access access;
    struct objects *o;
    pthread_t thread;
    CHECK_INT(access_copy(&access, &access_of), 0);
    access.stop = &stop;
    access.patience_ms = 60000;
    CHECK_INT(objects_s3_open(&o, "s3://lake/warehouse/t", &access, NULL), 0);
    stub_fault(&stub, "hang 99 PUT stopped");
    int64_t from_ns = when_steady_ns();
    pthread_create(&thread, NULL, stop_soon, &stop);
    CHECK_INT(objects_put(o, "stopped", SLICE("x"), 0, NULL), -EINPROGRESS);
    CHECK(when_steady_ns() - from_ns < INT64_C(3000000000));
    pthread_join(thread, NULL);
    stub_fault(&stub, NULL);
    objects_close(o);
    access_clear(&access);
}

static void a_server_that_is_gone_did_nothing(void)
{
    struct access access;
    struct objects *o;
    struct reason why = {0};
    CHECK_INT(access_copy(&access, &access_of), 0);
    CHECK_INT(access_set(&access, ACCESS_ENDPOINT, "http://127.0.0.1:1"), 0);
    CHECK_INT(objects_s3_open(&o, "s3://lake/warehouse/t", &access, NULL), 0);
    CHECK_INT(objects_put(o, "gone", SLICE("x"), OBJECTS_ABSENT, &why), -EIO);
    CHECK(strstr(why.text, "127.0.0.1:1"));
    objects_close(o);
    access_clear(&access);
}

static void a_certificate_is_verified(void)
{
    struct server by_tls;
    struct access access;
    struct objects *all;
    char certificate[PATH_MAX];
    struct reason why = {0};
    stub_start_tls(&by_tls, certificate);
    stub_access(&by_tls, &access);
    CHECK_INT(objects_s3_open(&all, "s3://lake", &access, NULL), 0);
    CHECK_INT(objects_put(all, "", SLICE(""), 0, &why), -EIO);
    CHECK(strstr(why.text, "certificate"));
    objects_close(all);
    access.ca_file = certificate;
    CHECK_INT(objects_s3_open(&all, "s3://lake", &access, NULL), 0);
    CHECK_INT(objects_put(all, "", SLICE(""), 0, NULL), 0);
    CHECK_INT(objects_put(all, "by/tls", SLICE("x"), OBJECTS_ABSENT, NULL), 0);
    objects_close(all);
    access_clear(&access);
    server_stop(&by_tls);
}

static void what_is_no_address_is_refused(void)
{
    static const char *const roots[] = {"", "lake", "file:///lake", "s3://", "s3:///x", "s3://ab/x", "s3://Bucket/x"};
    static const char *const endpoints[] = {
        "127.0.0.1:9000", "ftp://x", "http://", "http://user:pw@host", "http://h?x"};
    struct access access;
    struct objects *o;
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        CHECK_INT(objects_s3_open(&o, roots[i], &access_of, NULL), -EINVAL);
    CHECK_INT(access_copy(&access, &access_of), 0);
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        struct reason why = {0};
        access_set(&access, ACCESS_ENDPOINT, endpoints[i]);
        CHECK_INT(objects_s3_open(&o, "s3://lake/x", &access, &why), -EINVAL);
        CHECK(!strstr(why.text, "pw"));
    }
    access_set(&access, ACCESS_SECRET, NULL);
    CHECK_INT(objects_s3_open(&o, "s3://lake/x", &access, NULL), -EACCES);
    access_clear(&access);
}

static void test_faults(void)
{
    TEST("a write whose answer is lost is made sure of, whether it had come through or not",
        a_lost_answer_is_asked_for_again);
    TEST("a write that never has an answer is EINPROGRESS", no_answer_at_all_is_unknown);
    TEST("a write that is refused is certainly not done", a_refusal_is_certain);
    TEST("what somebody else has put is not taken for one's own", somebody_else_was_first);
    TEST("half a body, none, and no answer are read again", half_a_body_is_read_again);
    TEST("an upload whose answers are lost comes through once", an_upload_comes_through_once);
    TEST("an upload that fails is taken back, one that may have come through is not",
        an_upload_that_fails_is_taken_back);
    TEST("a session token is sent and signed", a_session_token_is_signed);
    TEST("who stops does not wait for an answer", stopping_breaks_off);
    TEST("a server that cannot be reached has done nothing", a_server_that_is_gone_did_nothing);
    TEST("a server whose certificate nobody vouches for is not spoken to", a_certificate_is_verified);
    TEST("what is no bucket or endpoint, or has no key, is refused", what_is_no_address_is_refused);
}

int main(void)
{
    char gateway[PATH_MAX];
    stub_start(&stub);
    stub_access(&stub, &access_of);
    printf("# the strict stub\n");
    test_server();
    test_faults();
    objects_close(bucket);
    access_clear(&access_of);
    server_stop(&stub);
    if (server_find("versitygw", "the same over versitygw", gateway)) {
        struct server s;
        versitygw_start(&s, gateway);
        versitygw_access(&s, &access_of);
        printf("# versitygw\n");
        test_server();
        objects_close(bucket);
        access_clear(&access_of);
        server_stop(&s);
    }
    return check_end("objects_s3");
}
