// find/: which entities match, now and at a position. What is expected follows from FILES.md H3 and match.h.
#include "store/find.h"
#include "tests/store/store_fixture.h"

static struct slice found_with(struct fixture *f, const char *text, uint64_t position, bool (*stops)(void))
{
    FILTER_AUTO filter = {0};
    FIND_AUTO find = NULL;
    struct reason why = {0};
    struct shown_state shown;
    struct bytes *out = next_text(f);
    int error = filter_parse(&filter, FILTER_FIND, slice_of(text), &why);
    if (error) {
        filter = (struct filter){0};
        return error_text(error);
    }
    error = find_open(&find, &f->reader, &filter, position, stops, &why);
    if (error)
        return error_text(error);
    int found;
    for (uint64_t from = 1; (found = find_next(find, from, &shown)) == 1; from = shown.entity + 1) {
        struct shown_state again;
        bytes_add_text(out, out->size ? " " : "");
        bytes_add_slice(out, shown.name);
        uint64_t entity = shown.entity;
        // The same, asked by itself.
        CHECK_INT(find_is(find, entity, &again), 1);
        shown.entity = entity;
    }
    return found ? error_text(found) : bytes_slice(out);
}

static struct slice found(struct fixture *f, const char *text)
{
    return found_with(f, text, 0, NULL);
}

static struct slice found_then(struct fixture *f, const char *text, uint64_t position)
{
    return found_with(f, text, position, NULL);
}

static void add(struct fixture *f, const char *entity, const char *type, const char *data)
{
    REQUIRE(event(f, entity, type, data));
}

// What stands in v: one entity for each value.
static void add_values(struct fixture *f)
{
    static const char *const values[] = {"1000", "1000.0", "1e3", "999.99", "-5", "12345678901234567890",
        "12345678901234567891", "'1000'", "'abc'", "''", "true", "null", "{'x':1}", "[1,1000,'abc']", "[]", "1e400"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char entity[32], data[64];
        snprintf(entity, sizeof entity, "value_%c", (char)('a' + i));
        snprintf(data, sizeof data, "{'v':%s}", values[i]);
        add(f, entity, "Value.Created", data);
    }
    add(f, "value_z", "Value.Created", "{}");
}

static void numbers_compare_with_numbers_by_exact_value(void)
{
    struct fixture f = {0};
    fixture_open(&f);
    add_values(&f);
    CHECK_TEXT(found(&f, "v=1000,v!=abc"), "value_a value_b value_c value_h");
    CHECK_TEXT(found(&f, "v>=1000"), "value_a value_b value_c value_f value_g value_n value_p");
    CHECK_TEXT(found(&f, "v>1000"), "value_f value_g value_p");
    CHECK_TEXT(found(&f, "v>12345678901234567890"), "value_g value_p");
    CHECK_TEXT(found(&f, "v<1000"), "value_d value_e value_n");
    CHECK_TEXT(found(&f, "v<=-5.0"), "value_e");
    CHECK_TEXT(found(&f, "v=1e400"), "value_p");
    fixture_close(&f);
}

static void texts_compare_with_texts(void)
{
    struct fixture f = {0};
    fixture_open(&f);
    add_values(&f);
    CHECK_TEXT(found(&f, "v=abc"), "value_i value_n");
    // '' and '1000' come before, byte by byte.
    CHECK_TEXT(found(&f, "v<abc"), "value_h value_j");
    CHECK_TEXT(found(&f, "v>=abc"), "value_i value_n");
    CHECK_TEXT(found(&f, "v=ABC"), "");
    fixture_close(&f);
}

static void a_missing_field_is_unequal_and_nothing_else(void)
{
    struct fixture f = {0};
    fixture_open(&f);
    add(&f, "deal_a", "Deal.Created", "{'stage':'Lead'}");
    add(&f, "deal_b", "Deal.Created", "{'stage':'Won'}");
    add(&f, "deal_c", "Deal.Created", "{}");
    add(&f, "deal_d", "Deal.Created", "{'stage':null}");
    CHECK_TEXT(found(&f, "stage!=Lead"), "deal_b deal_c deal_d");
    CHECK_TEXT(found(&f, "stage<Z"), "deal_a deal_b");
    CHECK_TEXT(found(&f, "stage~^"), "deal_a deal_b");
    CHECK_TEXT(found(&f, "stage=null"), "deal_d");
    CHECK_TEXT(found(&f, "stage!=null"), "deal_a deal_b deal_c");
    fixture_close(&f);
}

static void words_are_equal_to_words(void)
{
    struct fixture f = {0};
    fixture_open(&f);
    add(&f, "deal_a", "Deal.Created", "{'open':true}");
    add(&f, "deal_b", "Deal.Created", "{'open':false}");
    add(&f, "deal_c", "Deal.Created", "{'open':'true'}");
    CHECK_TEXT(found(&f, "open=true"), "deal_a deal_c");
    CHECK_TEXT(found(&f, "open!=true"), "deal_b");
    CHECK_TEXT(found(&f, "open>false"), "deal_c");
    fixture_close(&f);
}

static void moments_compare_as_such(void)
{
    struct fixture f = {0};
    fixture_open(&f);
    add(&f, "deal_a", "Deal.Created", "{'due':'2026-01-15'}");
    add(&f, "deal_b", "Deal.Created", "{'due':'2026-01-15T10:00:00+02:00'}");
    add(&f, "deal_c", "Deal.Created", "{'due':'2026-01-15T09:00:00Z'}");
    add(&f, "deal_d", "Deal.Created", "{'due':'soon'}");
    add(&f, "deal_e", "Deal.Created", "{'due':20260115}");
    CHECK_TEXT(found(&f, "due<2026-01-15T08:30:00Z"), "deal_a deal_b");
    CHECK_TEXT(found(&f, "due=2026-01-15T08:00:00Z"), "deal_b");
    CHECK_TEXT(found(&f, "due=2026-01-15T00:00Z"), "deal_a");
    CHECK_TEXT(found(&f, "due>=2026-01-15"), "deal_a deal_b deal_c");
    fixture_close(&f);
}

static void expressions_are_unanchored_and_see_letter_case(void)
{
    struct fixture f = {0};
    fixture_open(&f);
    add(&f, "contact_a", "Contact.Created", "{'name':'Alice','n':12}");
    add(&f, "contact_b", "Contact.Created", "{'name':'Natalie','n':'12'}");
    add(&f, "contact_c", "Contact.Created", "{'name':'B\\u00e9a'}");
    CHECK_TEXT(found(&f, "name~ali"), "contact_b");
    CHECK_TEXT(found(&f, "name~^[AN].*(ce|ie)$"), "contact_a contact_b");
    CHECK_TEXT(found(&f, "name~B\xc3\xa9"
                         "a"),
        "contact_c");
    CHECK_TEXT(found(&f, "name~^B.a$"), "contact_c");
    CHECK_TEXT(found(&f, "n~1"), "contact_b");
    CHECK_TEXT(found(&f, "name~("), "EINVAL");
    CHECK_TEXT(found(&f, "name~(a){300}"), "EINVAL");
    fixture_close(&f);
}

static void the_type_is_matched_regardless_of_case(void)
{
    struct fixture f = {0};
    fixture_open(&f);
    add(&f, "contact_a", "Contact.Created", "{}");
    add(&f, "order_a", "was_placed", "{}");
    add(&f, "Deal_a", "Deal.Created", "{}");
    CHECK_TEXT(found(&f, "type=contact"), "contact_a");
    CHECK_TEXT(found(&f, "type=CONTACT"), "contact_a");
    CHECK_TEXT(found(&f, "type=Order"), "order_a");
    CHECK_TEXT(found(&f, "type!=Contact"), "order_a Deal_a");
    CHECK_TEXT(found(&f, "type=Deal,type=Contact"), "");
    CHECK_TEXT(found(&f, "type=Contac"), "");
    fixture_close(&f);
}

static void what_is_shown_beside_the_fields_can_be_asked(void)
{
    struct fixture f = {0};
    fixture_open(&f);
    add(&f, "contact_a", "Contact.Created", "{'n':1}");
    add(&f, "contact_b", "Contact.Created", "{'n':1}");
    add(&f, "contact_a", "Contact.Updated", "{'n':2}");
    CHECK_TEXT(found(&f, "$version>1"), "contact_a");
    CHECK_TEXT(found(&f, "$id=contact_b"), "contact_b");
    CHECK_TEXT(found(&f, "$id~_a$"), "contact_a");
    CHECK_TEXT(found(&f, "$type=Contact"), "contact_a contact_b");
    CHECK_TEXT(found(&f, "$createdBy=user_test"), "contact_a contact_b");
    CHECK_TEXT(found(&f, "$createdAt>2020-01-01,$updatedAt<2100-01-01"), "contact_a contact_b");
    CHECK_TEXT(found(&f, "$other!=1"), "contact_a contact_b");
    fixture_close(&f);
}

static void paths_go_into_objects_and_arrays(void)
{
    struct fixture f = {0};
    fixture_open(&f);
    add(&f, "order_a", "Order.Created", "{'to':{'city':'Rome'},'items':[{'sku':'x','n':1},{'sku':'y','n':5}]}");
    add(&f, "order_b", "Order.Created", "{'to':{'city':'Oslo'},'items':[{'sku':'x','n':9}],'tags':['vip','new']}");
    add(&f, "order_c", "Order.Created", "{'to.city':'Rome','a b':{'\\u00e9':1}}");
    CHECK_TEXT(found(&f, "to.city=Rome"), "order_a");
    CHECK_TEXT(found(&f, "to%2Ecity=Rome"), "order_c");
    CHECK_TEXT(found(&f, "a b.\xc3\xa9=1"), "order_c");
    CHECK_TEXT(found(&f, "items.sku=y"), "order_a");
    CHECK_TEXT(found(&f, "items.n>=9"), "order_b");
    CHECK_TEXT(found(&f, "tags=vip"), "order_b");
    CHECK_TEXT(found(&f, "tags!=vip"), "order_a order_c");
    CHECK_TEXT(found(&f, "items.sku!=y"), "order_b order_c");
    CHECK_TEXT(found(&f, "to.city.x=Rome"), "");
    fixture_close(&f);
}

static void paths_go_into_the_entities_that_a_text_names(void)
{
    struct fixture f = {0};
    fixture_open(&f);
    add(&f, "deal_a", "Deal.Created", "{'owner':'user_ali','team':['user_ali','user_bo']}");
    add(&f, "deal_b", "Deal.Created", "{'owner':'user_bo'}");
    add(&f, "deal_c", "Deal.Created", "{'owner':'user_gone'}");
    add(&f, "user_ali", "User.Created", "{'name':'Ali','boss':'user_bo'}");
    add(&f, "user_bo", "User.Created", "{'name':'Bo','boss':'user_ali'}");
    CHECK_TEXT(found(&f, "owner.name~^Ali"), "deal_a");
    CHECK_TEXT(found(&f, "team.name=Bo"), "deal_a");
    CHECK_TEXT(found(&f, "owner.name!=Ali"), "deal_b deal_c user_ali user_bo");
    CHECK_TEXT(found(&f, "owner.$version=1"), "deal_a deal_b");
    CHECK_TEXT(found(&f, "owner.boss.name=Ali"), "deal_b");
    CHECK_TEXT(found(&f, "owner.boss.boss.name=Ali"), "deal_a");
    // A fourth crossing finds nothing.
    CHECK_TEXT(found(&f, "owner.boss.boss.boss.name~."), "");
    add(&f, "user_ali", "User.Deleted", "{}");
    CHECK_TEXT(found(&f, "owner.name~^Ali"), "");
    CHECK_TEXT(found_then(&f, "owner.name~^Ali", 5), "deal_a");
    fixture_close(&f);
}

static void a_past_is_found_as_it_was(void)
{
    struct fixture f = {0};
    fixture_open(&f);
    add(&f, "deal_a", "Deal.Created", "{'n':1}");
    add(&f, "deal_b", "Deal.Created", "{'n':1}");
    add(&f, "deal_a", "Deal.Updated", "{'n':2}");
    add(&f, "deal_b", "Deal.Deleted", "{}");
    add(&f, "deal_b", "Deal.Created", "{'n':1}");
    CHECK_TEXT(found_then(&f, "n=1", 1), "deal_a");
    CHECK_TEXT(found_then(&f, "n=1", 2), "deal_a deal_b");
    CHECK_TEXT(found_then(&f, "n=1", 3), "deal_b");
    CHECK_TEXT(found_then(&f, "n=1", 4), "");
    CHECK_TEXT(found_then(&f, "n>0", 5), "deal_a deal_b");
    CHECK_TEXT(found(&f, "n=1"), "deal_b");
    fixture_close(&f);
}

static void reserved_entities_are_not_found_and_hide_nobody(void)
{
    struct fixture f = {0};
    fixture_open(&f);
    uint64_t id;
    add(&f, "deal_a", "Deal.Created", "{}");
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "deal_r%d", i);
        REQUIRE(tenant_reserve(f.tenant, slice_of(name), &id));
    }
    add(&f, "deal_b", "Deal.Created", "{}");
    add(&f, "deal_r7", "Deal.Created", "{}");
    CHECK_TEXT(found_then(&f, "type=Deal", 2), "deal_a deal_b");
    CHECK_TEXT(found_then(&f, "type=Deal", 3), "deal_a deal_r7 deal_b");
    CHECK_TEXT(found(&f, "type=Deal"), "deal_a deal_r7 deal_b");
    fixture_close(&f);
}

static bool always(void)
{
    return true;
}

static void a_find_can_be_given_up(void)
{
    struct fixture f = {0};
    fixture_open(&f);
    add(&f, "deal_a", "Deal.Created", "{}");
    CHECK_TEXT(found_with(&f, "n=1", 0, always), "EINTR");
    fixture_close(&f);
}

static void states_are_found_after_reopening(void)
{
    struct fixture f = {0};
    fixture_open(&f);
    for (int i = 0; i < 300; i++) {
        char name[32], data[32];
        snprintf(name, sizeof name, "deal_%d", i);
        snprintf(data, sizeof data, "{'n':%d}", i);
        add(&f, name, "Deal.Created", data);
    }
    fixture_reopen(&f);
    CHECK_TEXT(found(&f, "n>=297"), "deal_297 deal_298 deal_299");
    CHECK_TEXT(found_then(&f, "n>=297", 299), "deal_297 deal_298");
    fixture_close(&f);
}

int main(void)
{
    TEST("numbers compare with numbers, by their exact value", numbers_compare_with_numbers_by_exact_value);
    TEST("texts compare with texts", texts_compare_with_texts);
    TEST("a missing field is unequal, and nothing else", a_missing_field_is_unequal_and_nothing_else);
    TEST("true, false and null are equal to these words", words_are_equal_to_words);
    TEST("moments compare as such", moments_compare_as_such);
    TEST("expressions are unanchored and see letter case", expressions_are_unanchored_and_see_letter_case);
    TEST("the type is matched regardless of case", the_type_is_matched_regardless_of_case);
    TEST("$id, $version and the others can be asked", what_is_shown_beside_the_fields_can_be_asked);
    TEST("paths go into objects and arrays", paths_go_into_objects_and_arrays);
    TEST("paths go into the entities that a text names", paths_go_into_the_entities_that_a_text_names);
    TEST("a past is found as it was", a_past_is_found_as_it_was);
    TEST("reserved entities are not found and hide nobody", reserved_entities_are_not_found_and_hide_nobody);
    TEST("a find can be given up", a_find_can_be_given_up);
    TEST("states are found after the tenant was opened anew", states_are_found_after_reopening);
    return check_end("find");
}
