// JSON Schema (schema.h): each keyword as its specification (draft 2020-12, validation) words it, both ways; what is
// not known is refused when it is read.
#include "store/json.h"
#include "store/schema.h"
#include "tests/store/store_fixture.h"

static struct reason why;
static struct arena arena;
static struct schema_reader reader = {.arena = &arena};
static const struct where data = {.name = {"data", 4}};

// Reads a schema; NULL, with `why`, when it is refused.
static const struct schema *schema(const char *text)
{
    static const struct where root = {.name = {"schema", 6}};
    const struct schema *read = NULL;
    why = (struct reason){0};
    return schema_read(&read, slice_of(json_of(text)), &root, &reader, &why) ? NULL : read;
}

static int check(const struct schema *s, const char *value)
{
    why = (struct reason){0};
    return schema_check(s, slice_of(json_of(value)), &data, &why);
}

// Values separated by spaces, valid before the `|`, invalid behind it.
static void judges(const char *text, const char *values)
{
    const struct schema *s = schema(text);
    if (!s) {
        check_ok = false;
        printf("#   %s: %s\n", text, why.text);
        return;
    }
    int expected = 0;
    for (const char *at = values; *at;) {
        size_t size = strcspn(at, " ");
        char value[200];
        snprintf(value, sizeof value, "%.*s", (int)size, at);
        if (!strcmp(value, "|"))
            expected = -EINVAL;
        else if (check(s, value) != expected) {
            check_ok = false;
            printf("#   %s: %s is %s\n", text, value, expected ? "valid" : why.text);
        }
        at += size + (at[size] == ' ');
    }
}

static void refuses(const char *text, const char *reason)
{
    if (schema(text) || strcmp(why.text, json_of(reason)) != 0) {
        check_ok = false;
        printf("#   %s: %s\n", text, why.text);
    }
}

static void types(void)
{
    judges("{'type':'null'}", "null | 0 '' false [] {}");
    judges("{'type':'boolean'}", "true false | 0 'true' null");
    judges("{'type':'object'}", "{} {'a':1} | [] null");
    judges("{'type':'array'}", "[] [1] | {} 'a'");
    judges("{'type':'number'}", "0 -1.5 1e400 | '1' true");
    // An integer is a number with a zero fractional part.
    judges("{'type':'integer'}", "0 -7 1.0 10e-1 12345678901234567890 1e2 | 1.5 1e-1 '1'");
    judges("{'type':'string'}", "'' 'a' | 1 null");
    judges("{'type':['integer','null']}", "1 null | 1.5 'a' {}");
    judges("{}", "1 'a' null [] {} true");
    judges("true", "1 {}");
    judges("false", "| 1 {} null");
    refuses("{'type':'float'}", "schema.type: 'float' is no type (null boolean object array number string integer)");
    refuses("{'type':['string',7]}", "schema.type[1]: 7 is no type (null boolean object array number string integer)");
    refuses("{'type':[]}", "schema.type: names no type");
    refuses("7", "schema: a schema is an object, true or false");
}

static void choices(void)
{
    judges("{'enum':['a',1,null,{'x':[1]}]}", "'a' '\\u0061' 1 1.0 null {'x':[1.0]} | 'b' 2 {} {'x':[1,2]} false");
    judges("{'const':1.10}", "1.1 11e-1 | 1 '1.10' null");
    judges("{'const':{'a':1,'b':2}}", "{'b':2,'a':1} | {'a':1} {}");
    judges("{'const':null}", "null | 0 false");
    refuses("{'enum':'a'}", "schema.enum: must be an array");
    refuses("{'enum':[]}", "schema.enum: has nothing to choose from");
}

static void numbers(void)
{
    judges("{'minimum':1.1}", "1.1 1.10 11e-1 2 1e400 'a' null | 1.0999999999999999999999999999 -5");
    judges("{'maximum':3}", "3 3.0 -1e400 'a' | 3.0000000000000000000000001 4");
    judges("{'exclusiveMinimum':0}", "0.0000000000000000000000000001 | 0 -0 0.0 -1");
    judges("{'exclusiveMaximum':12345678901234567890}",
        "12345678901234567889 | 12345678901234567890 12345678901234567891");
    refuses("{'minimum':'1'}", "schema.minimum: '1' is no number");
}

static void texts(void)
{
    // In characters as RFC 8259 defines them.
    judges("{'minLength':2,'maxLength':3}",
        "'ab' 'abc' 'éé' '\\u00e9\\u00e9' '😀😀' '\\ud83d\\ude00x' 5 | 'a' 'abcd' 'é' '😀' ''");
    judges("{'maxLength':2.0}", "'ab' | 'abc'");
    judges("{'pattern':'^[a-z]+$'}", "'abc' 5 | 'abC' '' 'a1'");
    // Not anchored.
    judges("{'pattern':'es'}", "'expression' 'es' | 'e' ''");
    judges("{'pattern':'^(?:a|bc)\\\\d{2,3}[\\\\w-]\\\\S$'}", "'a12_x' 'bc123-y' | 'a1_x' 'a12.x' 'b12_x'");
    judges("{'pattern':'^\\\\D\\\\W[^\\\\s]$'}", "'a-b' | '1-b' 'aab' 'a-\\t'");
    judges("{'pattern':'^[]x]\\\\.[[:digit:]]$'}", "'].5' 'x.5' | 'y.5' '].x' ']x5'");
    refuses("{'minLength':-1}", "schema.minLength: -1 is no count");
    refuses("{'maxLength':1.5}", "schema.maxLength: 1.5 is no count");
    refuses("{'pattern':7}", "schema.pattern: must be a string");
    refuses("{'pattern':'[\\\\b]'}", "schema.pattern: within brackets \\ stands before d, w and s alone");
    CHECK(!schema("{'pattern':'(?=a)'}") && strstr(why.text, "schema.pattern: "));
    CHECK(!schema("{'pattern':'(a'}") && strstr(why.text, "schema.pattern: "));
    CHECK(!schema("{'pattern':'(a)\\\\1'}") && strstr(why.text, "schema.pattern: "));
}

static void formats(void)
{
    judges("{'format':'email'}",
        "'a@b.example' 'A.b+c@x-y.example' 'o\\u0027neil@localhost' '\\\"a\\\"@b.example' 7 | 'a' 'a@' '@b' "
        "'a..b@c.d' '.a@b.c' 'a@-b.c' 'a@b..c' 'a@b@c.d'");
    judges("{'format':'uuid'}", "'550e8400-e29b-41d4-a716-446655440000' '550E8400-E29B-41D4-A716-446655440000' | "
                                "'550e8400e29b41d4a716446655440000' '550e8400-e29b-41d4-a716-44665544000g' ''");
    judges("{'format':'date-time'}",
        "'2026-01-16T09:30:00Z' '2026-01-16t09:30:00.123456789+01:00' '2024-02-29T23:59:60Z' "
        "'1998-12-31T15:59:60-08:00' | "
        "'2026-01-16' '2026-01-16T09:30:00' '2026-02-29T00:00:00Z' '2026-01-16T24:00:00Z' '2026-13-01T00:00:00Z' "
        "'2026-01-16T09:30:60Z' '2026-01-16T09:30:00.Z' '2026-1-16T09:30:00Z' '2026-01-16T09:30:00+1:00'");
    judges("{'format':'date'}", "'2024-02-29' | '2026-02-29' '2026-01-16T00:00:00Z'");
    judges("{'format':'uri'}",
        "'https://a.example/x?y=z#f' 'mailto:a@b.c' 'urn:isbn:0' 'http://[::1]:80/' 'http://u@h:1/%20' 'a:' | "
        "'/x' 'x' '//a.b' 'http://a\\u0020b' 'http://a/<x>' 'http://a/%2' '1http://a' 'http://h:x/' 'a:[x]' 'a:b#c#d'");
    refuses("{'format':'phone'}", "schema.format: 'phone' is not known (date-time date email uri uuid)");
}

static void objects(void)
{
    judges("{'properties':{'a':{'type':'number'},'b':{}}}",
        "{} {'a':1} {'a':1,'c':'x'} {'\\u0061':1} [] 7 | {'a':'x'} {'\\u0061':'x'}");
    judges("{'required':['a','b']}", "{'a':1,'b':null} {'b':1,'a':1,'c':1} [] | {} {'a':1} {'b':1}");
    judges("{'properties':{'a':{}},'additionalProperties':false}", "{} {'a':1} | {'b':1} {'a':1,'b':2}");
    judges("{'properties':{'a':{}},'additionalProperties':{'type':'string'}}", "{'a':1,'b':'x'} | {'b':1}");
    // A name that is only required is additional.
    judges("{'required':['a'],'additionalProperties':false}", "| {'a':1} {}");
    judges("{'minProperties':1,'maxProperties':2}", "{'a':1} {'a':1,'b':2} 7 | {} {'a':1,'b':2,'c':3}");
    judges("{'properties':{'a':false}}", "{} {'b':1} | {'a':1}");
    refuses("{'properties':[]}", "schema.properties: must be an object of schemas");
    refuses("{'required':'a'}", "schema.required: must be an array of names");
    refuses("{'required':['a',1]}", "schema.required[1]: must be a name");
    refuses("{'properties':{'a':{'items':{'type':'x'}}}}",
        "schema.properties.a.items.type: 'x' is no type (null boolean object array number string integer)");
}

static void arrays(void)
{
    judges("{'items':{'type':'integer'}}", "[] [1,2] {} 'a' | [1,'2'] [1.5]");
    judges("{'items':false}", "[] | [1]");
    judges("{'minItems':1,'maxItems':2}", "[1] [1,2] 7 | [] [1,2,3]");
    refuses("{'items':[{}]}", "schema.items: a schema is an object, true or false");
}

static void unknown(void)
{
    static const char *const keywords[] = {"$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "patternProperties",
        "propertyNames", "dependentRequired", "uniqueItems", "multipleOf", "prefixItems", "contains", "requierd"};
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        char text[100], reason[200];
        snprintf(text, sizeof text, "{'properties':{'a':{'%s':1}}}", keywords[i]);
        snprintf(reason, sizeof reason,
            "schema.properties.a.%s: this keyword of JSON Schema is not known, and would change what is valid",
            keywords[i]);
        refuses(text, reason);
    }
    judges(
        "{'$schema':'x','$id':'y','$comment':'z','title':1,'description':2,'default':3,'examples':4,'x-y':5}", "1 {}");
}

static void paths(void)
{
    const struct schema *s = schema("{'required':['e'],'properties':{'e':{'type':'string'},'a':{'items':{'properties':"
                                    "{'n':{'type':'integer'}},'required':['n'],'additionalProperties':false}}}}");
    CHECK_INT(check(s, "{'e':1}"), -EINVAL);
    CHECK_TEXT(slice_of(why.text), "data.e: 1 is no string");
    check(s, "{}");
    CHECK_TEXT(slice_of(why.text), "data.e: is missing");
    check(s, "{'e':'','a':[{'n':1},{'n':1.5}]}");
    CHECK_TEXT(slice_of(why.text), "data.a[1].n: 1.5 is no integer");
    check(s, "{'e':'','a':[{}]}");
    CHECK_TEXT(slice_of(why.text), "data.a[0].n: is missing");
    check(s, "{'e':'','a':[{'n':1,'x':1}]}");
    CHECK_TEXT(slice_of(why.text), "data.a[0].x: is not declared");
}

// However much the schema asks of however much data, the answer comes soon.
static void bounded(void)
{
    BYTES_AUTO text = {0};
    BYTES_AUTO value = {0};
    bytes_add_text(&text, "{\"items\":{\"enum\":[");
    bytes_add_char(&value, '[');
    for (int i = 0; i < 20000; i++) {
        bytes_printf(&text, "%s%d", i ? "," : "", i);
        bytes_printf(&value, "%s19999", i ? "," : "");
    }
    bytes_add_text(&text, "]}}");
    bytes_add_char(&value, ']');
    const struct schema *s = NULL;
    why = (struct reason){0};
    CHECK_INT(schema_read(&s, bytes_slice(&text), &data, &reader, &why), 0);
    CHECK_INT(schema_check(s, bytes_slice(&value), &data, &why), -EMSGSIZE);
}

int main(void)
{
    TEST("type", types);
    TEST("enum and const compare by value", choices);
    TEST("minimum, maximum and the exclusive ones are exact decimals", numbers);
    TEST("minLength, maxLength and pattern, in characters", texts);
    TEST("format", formats);
    TEST("properties, required, additionalProperties, minProperties, maxProperties", objects);
    TEST("items, minItems, maxItems", arrays);
    TEST("a keyword that is not known is refused, one that says nothing of validity is not", unknown);
    TEST("a refusal names the path", paths);
    TEST("a check that would take too many steps is refused", bounded);
    schema_free_patterns(&reader);
    arena_free(&arena);
    return check_end("schema");
}
