// Names of tenants, entities, types and files of events: what is taken, what is refused, what is stored.
#include "store/name.h"
#include "tests/store/check.h"

#include <errno.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void check_all(bool (*is)(struct slice), bool expected, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool found = is(slice_of(names[i]));
        if (found != expected)
            printf("#   \"%s\" is %s\n", names[i], found ? "taken" : "refused");
        CHECK_INT(found, expected);
    }
}
#define CHECK_TAKEN(is, ...)                                                                                           \
    check_all(is, true, (const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})))
#define CHECK_REFUSED(is, ...)                                                                                         \
    check_all(is, false, (const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})))

// `prefix` and then so many of `c` that it has `size` bytes. The text lives until the next call.
static const char *filled(const char *prefix, char c, size_t size)
{
    static char text[512];
    memset(text, c, size);
    memcpy(text, prefix, strlen(prefix));
    text[size] = '\0';
    return text;
}

static void tenants(void)
{
    CHECK_TAKEN(name_is_tenant, "acme", "a", "0", "7up", "a-b", "a-", "a--b");
    CHECK_REFUSED(name_is_tenant, "", "-a", "Acme", "a_b", "a.b", ".", "..", "a/b", "a b", "a\n", "\xc3\xa9");
    CHECK_TAKEN(name_is_tenant, filled("a", 'b', 63));
    CHECK_REFUSED(name_is_tenant, filled("a", 'b', 64));
    CHECK(!name_is_tenant((struct slice){.at = "a\0b", .size = 3}));
}

static void entities(void)
{
    CHECK_TAKEN(name_is_entity, "contact_fX9bL5nRd", "order_550e8400-e29b-41d4-a716-446655440000", "a_0", "T1_a.b:c-d",
        "A_a.", "deal_a..b");
    CHECK_REFUSED(name_is_entity, "", "contact", "contact_", "_a", "1a_b", "a__b", "a-b_c", "a.b_c", "a_.b", "a_-b",
        "a_:b", "a_b/c", "a_b c", "a_b\n", "a_\xc3\xa9", "\xc3\xa9_a", "a_b~");
    CHECK_TAKEN(name_is_entity, filled("contact_", 'x', NAME_ENTITY_MAX));
    CHECK_REFUSED(name_is_entity, filled("contact_", 'x', NAME_ENTITY_MAX + 1));
    CHECK(!name_is_entity((struct slice){.at = "a_b\0", .size = 4}));
    CHECK(!name_is_entity((struct slice){.at = NULL, .size = 0}));
    CHECK_TEXT(name_entity_noun(SLICE("contact_fX9bL5nRd")), "contact");
}

static void given_ids(void)
{
    CHECK_TAKEN(name_is_given_id, "evt_a", "evt_tR8kJmNxP", "evt__", "evt_-a", filled("evt_", 'x', 68));
    CHECK_REFUSED(name_is_given_id, "", "evt", "evt_", "Evt_a", "event_a", "a", "evt_a.b", "evt_a:b", "evt_a/b",
        "evt_a b", "evt_\xc3\xa9");
    CHECK_REFUSED(name_is_given_id, filled("evt_", 'x', 69));
}

static void imported_ids(void)
{
    CHECK_TAKEN(name_is_imported_id, "a", "550e8400-e29b-41d4-a716-446655440000", "a.b:c-d", "17", "evt_a_b", "...");
    CHECK_REFUSED(name_is_imported_id, "", "a/b", "a b", "a,b", "a\n", "\xc3\xa9");
    CHECK_TAKEN(name_is_imported_id, filled("a", 'x', 128));
    CHECK_REFUSED(name_is_imported_id, filled("a", 'x', 129));
}

static void actors(void)
{
    CHECK_TAKEN(name_is_actor, "agent_mR4nVkTw", "user_root", "Jos\xc3\xa9 P\xc3\xa9rez", "a", " ", "a\\b", "\"",
        "\xc2\xa0", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf");
    CHECK_REFUSED(name_is_actor, "", "a/b", "/", "a\nb", "\t", "\x1f", "\x7f", "\xc2\x80", "\xc2\x9f");
    CHECK_TAKEN(name_is_actor, filled("", 'x', NAME_ACTOR_MAX));
    CHECK_REFUSED(name_is_actor, filled("", 'x', NAME_ACTOR_MAX + 1));
    CHECK(!name_is_actor((struct slice){.at = "a\0b", .size = 3}));
}

static void actors_in_utf8(void)
{
    CHECK_REFUSED(name_is_actor, "\x80", "\xbf", "\xc3", "a\xc3", "\xc3z", "\xe2\x82", "\xe2\x82z", "\xf0\x9f\x98",
        "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff\xff\xff\xff");
}

// ---- types

static char out[NAME_TYPE_MAX];
static struct name_type type;
static struct reason reason;

static int read_type(const char *written, const char *entity)
{
    type = (struct name_type){0};
    reason = (struct reason){0};
    return name_read_type(slice_of(written), slice_of(entity), out, &type, &reason);
}

static void check_stored(const char *written, const char *entity, enum name_style style, const char *stored)
{
    int error = read_type(written, entity);
    if (error)
        printf("#   \"%s\": %s\n", written, reason.text);
    CHECK_INT(error, 0);
    CHECK_INT(type.style, style);
    CHECK_TEXT(type.text, stored);
    CHECK(type.text.at == out);

    // What is stored reads the same, and again.
    struct name_type again = name_stored_type(type.text);
    CHECK_INT(again.style, style);
    CHECK_INT(again.verb, type.verb);
    CHECK(slice_equal(again.noun, type.noun));
    CHECK(slice_equal(again.text, type.text));
    char second[NAME_TYPE_MAX];
    CHECK_INT(name_read_type(type.text, slice_of(entity), second, &again, NULL), 0);
    CHECK_TEXT(again.text, stored);
}

static void pascal_types(void)
{
    check_stored("Contact.Qualified", "contact_a", NAME_PASCAL, "Contact.Qualified");
    check_stored("contact.qualified", "contact_a", NAME_PASCAL, "Contact.Qualified");
    check_stored("contact.rolledOut", "contact_a", NAME_PASCAL, "Contact.RolledOut");
    check_stored("contact.rolledout", "contact_a", NAME_PASCAL, "Contact.Rolledout");
    check_stored("salesOrder.shipped", "SALESORDER_1", NAME_PASCAL, "SalesOrder.Shipped");
    check_stored("Contact.Qualified", "CONTACT_a", NAME_PASCAL, "Contact.Qualified");
    check_stored("a1.b2", "A1_x", NAME_PASCAL, "A1.B2");
    CHECK_TEXT(type.noun, "A1");
}

static void snake_types(void)
{
    check_stored("was_placed", "order_1", NAME_SNAKE, "was_placed");
    check_stored("placed_order", "order_1", NAME_SNAKE, "placed_order");
    check_stored("shipped", "order_1", NAME_SNAKE, "shipped");
    check_stored("order.was_placed", "order_1", NAME_SNAKE, "was_placed");
    check_stored("Order.Was_Placed", "order_1", NAME_SNAKE, "was_placed");
    check_stored("v2_a__b_", "order_1", NAME_SNAKE, "v2_a__b_");
    CHECK_INT(type.noun.size, 0);
    CHECK_INT(type.verb, NAME_OTHER);
}

static void verbs(void)
{
    static const struct {
        const char *written;
        enum name_verb verb;
    } cases[] = {
        {"Deal.Created", NAME_CREATED},
        {"deal.created", NAME_CREATED},
        {"deal.CREATED", NAME_CREATED},
        {"Deal.Updated", NAME_UPDATED},
        {"Deal.Deleted", NAME_DELETED},
        {"Deal.RolledBack", NAME_ROLLED_BACK},
        {"deal.rolledback", NAME_ROLLED_BACK},
        {"Deal.Closed", NAME_OTHER},
        {"Deal.Create", NAME_OTHER},
        {"created", NAME_OTHER},
        {"deal.was_created", NAME_OTHER},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        CHECK_INT(read_type(cases[i].written, "deal_1"), 0);
        CHECK_INT(type.verb, cases[i].verb);
    }
}

static void check_refused_for(const char *written, const char *first, const char *second)
{
    int error = read_type(written, "contact_a");
    bool said = strstr(reason.text, first) && strstr(reason.text, second);
    if (!error || !said)
        printf("#   \"%s\": %s\n", written, reason.text);
    CHECK_INT(error, -EINVAL);
    CHECK(said);
}

static void refused_types(void)
{
    static const char *const texts[] = {".", "contact.", ".qualified", "Contact.a.b", "Contact.Qualified ", "Shipped",
        "was_Placed", "WAS_PLACED", "_placed", "1st", "contact.1st", "contact._placed", "contact.was_placed-",
        "contact.1_a", "1contact.qualified", "con_tact.qualified", "contact-a.qualified", "contact.quali-fied",
        "was placed", "Contact/Qualified", "contact.qualifi\xc3\xa9", "*.Created", "Contact.*"};
    check_refused_for("", "empty", "");
    for (size_t i = 0; i < COUNT(texts); i++)
        check_refused_for(texts[i], texts[i], "Noun.Verb");
    CHECK_INT(name_read_type((struct slice){.at = "a\0b", .size = 3}, SLICE("a_1"), out, &type, NULL), -EINVAL);
}

static void long_types(void)
{
    char longest[NAME_TYPE_MAX + 1];
    memcpy(longest, filled("Contact.Q", 'x', NAME_TYPE_MAX), sizeof longest);
    check_stored(filled("contact.q", 'x', NAME_TYPE_MAX), "contact_a", NAME_PASCAL, longest);
    check_refused_for(filled("was_", 'x', NAME_TYPE_MAX + 1), "201", "200");
    check_refused_for(filled("contact.", '-', NAME_TYPE_MAX), "Noun.Verb", "was_placed");
}

static void other_nouns(void)
{
    check_refused_for("Deal.Closed", "\"Deal\"", "\"contact\"");
    check_refused_for("order.was_placed", "\"order\"", "\"contact\"");
    check_refused_for("contacts.created", "\"contacts\"", "\"contact\"");
    check_refused_for("c.created", "\"c\"", "\"contact\"");
    char written[NAME_TYPE_MAX + 1];
    snprintf(written, sizeof written, "%s.x", filled("n", 'n', 198));
    check_refused_for(written, "nnnn", "\"contact\"");
}

static void case_folded(void)
{
    char text[] = "............................";
    CHECK_INT(name_fold_case(text, SLICE("Contact.RolledBack")), 18);
    CHECK_TEXT(slice_of(text), "contact.rolledback..........");
    CHECK_INT(name_fold_case(text, SLICE("@AZ[`az{\xc3\x89")), 10);
    CHECK(memcmp(text, "@az[`az{\xc3\x89", 10) == 0);
    CHECK_INT(name_raise(text, SLICE("contactList")), 11);
    CHECK(memcmp(text, "ContactList", 11) == 0);
    CHECK_INT(name_raise(text, SLICE("")), 0);
}

static void voices(void)
{
    CHECK_INT(name_voice(SLICE("was_placed")), NAME_PASSIVE);
    CHECK_INT(name_voice(SLICE("were_placed")), NAME_PASSIVE);
    CHECK_INT(name_voice(SLICE("had_placed")), NAME_PASSIVE);
    CHECK_INT(name_voice(SLICE("placed_order")), NAME_ACTIVE);
    CHECK_INT(name_voice(SLICE("shipped")), NAME_ACTIVE);
    CHECK_INT(name_voice(SLICE("washed_car")), NAME_ACTIVE);
    CHECK_INT(name_voice(SLICE("was")), NAME_ACTIVE);
}

// ---- files of events

static void check_file(uint32_t version, const char *stored, const char *file)
{
    char text[NAME_EVENT_FILE_MAX];
    uint32_t number = 0;
    struct slice read = {0};
    CHECK_TEXT(((struct slice){.at = text, .size = name_event_file(text, version, slice_of(stored))}), file);
    CHECK_INT(name_read_event_file(slice_of(file), &number, &read), 0);
    CHECK_INT(number, version);
    CHECK(slice_is(read, stored));
}

static void event_files(void)
{
    check_file(2, "Contact.Qualified", "00000002.Contact.Qualified.json");
    check_file(1, "shipped", "00000001.shipped.json");
    check_file(12345678, "was_placed", "12345678.was_placed.json");
    check_file(NAME_VERSION_MAX, "X.Json", "99999999.X.Json.json");
    char file[NAME_EVENT_FILE_MAX + 1], longest[NAME_TYPE_MAX + 1];
    snprintf(longest, sizeof longest, "%s", filled("A.B", 'c', NAME_TYPE_MAX));
    snprintf(file, sizeof file, "00000007.%s.json", longest);
    check_file(7, longest, file);
}

static void other_event_files(void)
{
    static const char *const files[] = {"", "2.Contact.Qualified.json", "0000002.Contact.Qualified.json",
        "000000002.Contact.Qualified.json", "00000000.Contact.Qualified.json", "00000002", "00000002.json",
        "00000002..json", "00000002.Contact.Qualified", "00000002.Contact.Qualified.JSON",
        "00000002.Contact.Qualified.json~", "00000002.Contact.Qualified.jsonl", "00000002-Contact.Qualified.json",
        "00000002.contact.Qualified.json", "00000002.Contact.qualified.json", "00000002.Contact.was_placed.json",
        "00000002.Was_placed.json", "00000002.Contact..json", "00000002..Qualified.json", "00000002.A.B.C.json",
        "0000000x.Contact.Qualified.json", "+0000002.Contact.Qualified.json", " 0000002.Contact.Qualified.json",
        "-0000002.Contact.Qualified.json", "00000002.Contact.Qual ified.json", ".00000002.Contact.Qualified.json"};
    for (size_t i = 0; i < COUNT(files); i++) {
        uint32_t version;
        struct slice stored;
        int error = name_read_event_file(slice_of(files[i]), &version, &stored);
        if (!error)
            printf("#   \"%s\" is read\n", files[i]);
        CHECK_INT(error, -EINVAL);
    }
}

int main(void)
{
    TEST("tenants are lower-case words of up to 63 bytes", tenants);
    TEST("entities are a noun, one underscore and a key", entities);
    TEST("a writer's own ids begin with evt_", given_ids);
    TEST("imported ids may be those of other systems", imported_ids);
    TEST("actors are printable text without a slash", actors);
    TEST("actors that are not UTF-8 are refused", actors_in_utf8);
    TEST("Noun.Verb is stored with its first letters raised", pascal_types);
    TEST("snake_case is stored without its noun", snake_types);
    TEST("the verbs with a meaning of their own are known in any case", verbs);
    TEST("types of other characters are refused with both forms named", refused_types);
    TEST("types have up to 200 bytes", long_types);
    TEST("a noun that is not the entity's is refused and both are named", other_nouns);
    TEST("only ASCII letters change their case", case_folded);
    TEST("was_, were_ and had_ are passive", voices);
    TEST("a file of an event is named by version and type, and read back", event_files);
    TEST("an event has no other file name", other_event_files);
    return check_end("name");
}
