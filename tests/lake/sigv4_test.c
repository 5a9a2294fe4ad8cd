// Signatures of requests to S3. The vectors are AWS's: the suite of Signature Version 4, and the examples in the
// reference of S3's API.
#include "hooks/lake/sigv4.h"
#include "tests/store/check.h"

#define EMPTY   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define WELCOME "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"

static const struct sigv4_key suite = {
    "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service"};
static const struct sigv4_key s3 = {
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "s3"};

static const struct {
    const struct sigv4_key *key;
    const char *date, *method, *path, *query, *payload_hash;
    const char *headers[5][2]; // name, value
    const char *signature;
} vectors[] = {
    {&suite, "20150830T123600Z", "GET", "/", "", EMPTY,
        {{"host", "example.amazonaws.com"}, {"x-amz-date", "20150830T123600Z"}},
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {&suite, "20150830T123600Z", "POST", "/", "", EMPTY,
        {{"host", "example.amazonaws.com"}, {"x-amz-date", "20150830T123600Z"}},
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {&s3, "20130524T000000Z", "GET", "/test.txt", "", EMPTY,
        {{"host", "examplebucket.s3.amazonaws.com"}, {"range", "bytes=0-9"}, {"x-amz-content-sha256", EMPTY},
            {"x-amz-date", "20130524T000000Z"}},
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {&s3, "20130524T000000Z", "PUT", "/test%24file.text", "", WELCOME,
        {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"host", "examplebucket.s3.amazonaws.com"},
            {"x-amz-content-sha256", WELCOME}, {"x-amz-date", "20130524T000000Z"},
            {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {&s3, "20130524T000000Z", "GET", "/", "lifecycle=", EMPTY,
        {{"host", "examplebucket.s3.amazonaws.com"}, {"x-amz-content-sha256", EMPTY},
            {"x-amz-date", "20130524T000000Z"}},
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {&s3, "20130524T000000Z", "GET", "/", "max-keys=2&prefix=J", EMPTY,
        {{"host", "examplebucket.s3.amazonaws.com"}, {"x-amz-content-sha256", EMPTY},
            {"x-amz-date", "20130524T000000Z"}},
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static void signs_the_vectors(void)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct sigv4_header headers[5];
        size_t count = 0;
        BYTES_AUTO out = {0};
        for (; count < 5 && vectors[i].headers[count][0]; count++)
            headers[count] =
                (struct sigv4_header){vectors[i].headers[count][0], slice_of(vectors[i].headers[count][1])};
        struct sigv4_request request = {vectors[i].method, slice_of(vectors[i].path), slice_of(vectors[i].query),
            headers, count, vectors[i].payload_hash};
        CHECK_INT(sigv4_sign(&out, &request, vectors[i].key, vectors[i].date), 0);
        CHECK(out.size > 64);
        CHECK_TEXT(((struct slice){.at = out.at + out.size - 64, .size = 64}), vectors[i].signature);
    }
}

static void makes_the_whole_header(void)
{
    struct sigv4_header headers[] = {
        {"host", SLICE("example.amazonaws.com")}, {"x-amz-date", SLICE("20150830T123600Z")}};
    struct sigv4_request request = {"GET", SLICE("/"), SLICE(""), headers, 2, EMPTY};
    BYTES_AUTO out = {0};
    CHECK_INT(sigv4_sign(&out, &request, &suite, "20150830T123600Z"), 0);
    CHECK_TEXT(bytes_slice(&out), "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                                  "SignedHeaders=host;x-amz-date, "
                                  "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

static void prints_dates_and_hashes(void)
{
    char date[SIGV4_DATE_SIZE], hash[SIGV4_HASH_SIZE];
    sigv4_date(date, INT64_C(1440938160999999));
    CHECK_TEXT(slice_of(date), "20150830T123600Z");
    CHECK_INT(sigv4_hash(hash, SLICE("")), 0);
    CHECK_TEXT(slice_of(hash), EMPTY);
    CHECK_INT(sigv4_hash(hash, SLICE("Welcome to Amazon S3.")), 0);
    CHECK_TEXT(slice_of(hash), WELCOME);
}

int main(void)
{
    TEST("a signature is that of AWS's published vectors", signs_the_vectors);
    TEST("the header names key, day, region, service and what is signed", makes_the_whole_header);
    TEST("dates and hashes are printed as the headers have them", prints_dates_and_hashes);
    return check_end("sigv4");
}
