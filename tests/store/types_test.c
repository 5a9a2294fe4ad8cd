// The types of a tenant: numbered in their order, found regardless of case, as they were first spelled.
#include "store/types.h"
#include "tests/store/check.h"

static void first_spelling(void)
{
    struct types types = {0};
    CHECK_INT(types_find(&types, SLICE("Contact.RolledOut")), 0);
    CHECK_INT(types_add(&types, SLICE("Contact.RolledOut")), 1);
    CHECK_INT(types_add(&types, SLICE("was_placed")), 2);
    CHECK_INT(types_find(&types, SLICE("contact.rolledout")), 1);
    CHECK_INT(types_find(&types, SLICE("CONTACT.ROLLEDOUT")), 1);
    CHECK_INT(types_find(&types, SLICE("Contact.RolledOu")), 0);
    CHECK_INT(types_find(&types, SLICE("Contact.RolledOuts")), 0);
    CHECK_TEXT(types_spelling(&types, 1), "Contact.RolledOut");
    CHECK_TEXT(types_spelling(&types, 2), "was_placed");
    CHECK_TEXT(types_spelling(&types, 0), "");
    CHECK_TEXT(types_spelling(&types, 3), "");
    types_free(&types);
}

static char *numbered(unsigned n)
{
    static char text[32];
    snprintf(text, sizeof text, "Contact.Verb%u", n);
    return text;
}

static void many(void)
{
    struct types types = {0};
    for (unsigned n = 1; n <= TYPES_MAX; n++)
        if (types_add(&types, slice_of(numbered(n))) != n)
            CHECK_INT(types.count, n);
    CHECK_INT(types_add(&types, SLICE("Contact.TooMany")), 0);
    CHECK_INT(types.count, TYPES_MAX);
    for (unsigned n = 1; n <= TYPES_MAX; n += 97)
        CHECK_INT(types_find(&types, slice_of(numbered(n))), n);
    types_free(&types);
}

static void forgotten(void)
{
    struct types types = {0};
    for (unsigned n = 1; n <= 1000; n++)
        types_add(&types, slice_of(numbered(n)));
    types_truncate(&types, 2000);
    CHECK_INT(types.count, 1000);
    types_truncate(&types, 10);
    for (unsigned n = 1; n <= 1000; n++)
        CHECK_INT(types_find(&types, slice_of(numbered(n))), n <= 10 ? n : 0);
    CHECK_INT(types_add(&types, SLICE("CONTACT.VERB500")), 11);
    CHECK_TEXT(types_spelling(&types, types_find(&types, SLICE("Contact.Verb500"))), "CONTACT.VERB500");
    types_truncate(&types, 0);
    CHECK_INT(types_find(&types, SLICE("Contact.Verb1")), 0);
    CHECK_INT(types_add(&types, SLICE("Contact.Verb1")), 1);
    types_free(&types);
    types_truncate(&types, 0);
    types_free(&types);
}

int main(void)
{
    TEST("a type is found regardless of case, as it was first spelled", first_spelling);
    TEST("a tenant has up to 65,536 types", many);
    TEST("types that are taken back are new again", forgotten);
    return check_end("types");
}
