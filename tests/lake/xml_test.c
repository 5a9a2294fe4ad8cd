// What of XML the answers of S3 need.
#include "hooks/lake/xml.h"
#include "tests/store/check.h"

static const char listing[] =
    "<?xml version=\"1.0\"?>\n<ListBucketResult "
    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><KeyCount>2</KeyCount>"
    "<Keys/><Contents>\n<Key>a&amp;b/&lt;x&gt;&quot;&apos;&#65;&#x42;&nix;&</Key><Size>1</Size></Contents>"
    "<Contents ><Key></Key><Size>22</Size></Contents ></ListBucketResult>";

static void finds_elements_by_their_whole_name(void)
{
    struct slice rest = SLICE(listing), contents, key;
    BYTES_AUTO text = {0};
    CHECK(xml_find(rest, "Key", &key)); // neither <KeyCount> nor <Keys/>
    xml_decode(&text, key);
    CHECK_TEXT(bytes_slice(&text), "a&b/<x>\"'AB&nix;&");
    CHECK(xml_find(rest, "Keys", &key) && key.size == 0);
    CHECK(!xml_find(rest, "Siz", &key));
    CHECK(!xml_find(rest, "Token", &key));
    CHECK(xml_next(&rest, "Contents", &contents));
    CHECK(xml_next(&rest, "Contents", &contents));
    CHECK(xml_find(contents, "Size", &key));
    CHECK_TEXT(key, "22");
    CHECK(xml_find(contents, "Key", &key) && key.size == 0);
    CHECK(!xml_next(&rest, "Contents", &contents));
}

static void takes_any_beginning_of_a_text(void)
{
    for (size_t size = 0; size < sizeof listing - 1; size++) {
        char *copy = malloc(size + 1); // its end is the end of its memory
        memcpy(copy, listing, size);
        struct slice rest = {.at = copy, .size = size}, found;
        BYTES_AUTO text = {0};
        while (xml_next(&rest, "Key", &found))
            xml_decode(&text, found);
        xml_decode(&text, rest);
        CHECK(!text.failed);
        free(copy);
    }
}

static void writes_what_it_reads(void)
{
    BYTES_AUTO out = {0}, back = {0};
    xml_encode(&out, SLICE("\"a\"<&>'"));
    CHECK_TEXT(bytes_slice(&out), "&quot;a&quot;&lt;&amp;&gt;&apos;");
    xml_decode(&back, bytes_slice(&out));
    CHECK_TEXT(bytes_slice(&back), "\"a\"<&>'");
}

int main(void)
{
    TEST("elements are found by their whole name, entities decoded", finds_elements_by_their_whole_name);
    TEST("a text that breaks off anywhere is read to its end and not beyond", takes_any_beginning_of_a_text);
    TEST("what is written is read again", writes_what_it_reads);
    return check_end("xml");
}
