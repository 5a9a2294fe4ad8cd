#include "hooks/handlers/convert.h"

#include "store/json.h"
#include "store/number.h"

#include <math.h>
#include <stdlib.h>

#define DEPTH_MAX 200u

void convert_forget(struct convert_numbers *numbers)
{
    while (numbers->count)
        bytes_free(&numbers->all[--numbers->count].text);
    free(numbers->all);
    numbers->all = NULL;
}

static void print_number(JSContext *context, double number, struct bytes *out)
{
    JSValue value = JS_NewFloat64(context, number);
    const char *text = JS_ToCString(context, value);
    bytes_add_text(out, text ? text : "");
    JS_FreeCString(context, text);
    JS_FreeValue(context, value);
}

static void remember(JSContext *context, struct convert_numbers *numbers, struct slice text)
{
    BYTES_AUTO terminated = {0};
    BYTES_AUTO printed = {0};
    bytes_add_slice(&terminated, text);
    bytes_add_char(&terminated, '\0');
    if (terminated.failed)
        return;
    double number = strtod(terminated.at, NULL);
    if (isfinite(number)) {
        print_number(context, number, &printed);
        if (printed.failed || number_compare(bytes_slice(&printed), text) == 0)
            return;
    }
    for (unsigned i = 0; i < numbers->count; i++)
        if (numbers->all[i].number == number) {
            if (number_compare(bytes_slice(&numbers->all[i].text), text) != 0)
                numbers->all[i].ambiguous = true;
            return;
        }
    if (!numbers->all)
        numbers->all = calloc(CONVERT_NUMBERS, sizeof *numbers->all);
    if (!numbers->all || numbers->count == CONVERT_NUMBERS)
        return;
    struct convert_number *fresh = &numbers->all[numbers->count++];
    *fresh = (struct convert_number){.number = number};
    bytes_add_slice(&fresh->text, text);
}

// A number of up to 15 digits without an exponent fits.
static bool may_not_fit(struct slice number)
{
    return number.size > 15 || memchr(number.at, 'e', number.size) || memchr(number.at, 'E', number.size);
}

static void remember_all(JSContext *context, struct convert_numbers *numbers, struct slice json)
{
    struct json_cursor c;
    struct slice key, value;
    switch (json_kind(json)) {
    case JSON_NUMBER:
        if (may_not_fit(json))
            remember(context, numbers, json);
        break;
    case JSON_OBJECT:
        for (c = json_enter(json); json_next_member(&c, &key, &value);)
            remember_all(context, numbers, value);
        break;
    case JSON_ARRAY:
        for (c = json_enter(json); json_next_element(&c, &value);)
            remember_all(context, numbers, value);
        break;
    default:
        break;
    }
}

JSValue convert_read(JSContext *context, struct convert_numbers *numbers, struct slice json)
{
    BYTES_AUTO terminated = {0};
    bytes_add_slice(&terminated, json);
    bytes_add_char(&terminated, '\0');
    if (terminated.failed)
        return JS_ThrowOutOfMemory(context);
    remember_all(context, numbers, json);
    return JS_ParseJSON(context, terminated.at, json.size, "<json>");
}

static double double_of(struct slice number)
{
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)(number.size < sizeof text ? number.size : sizeof text - 1), number.at);
    return strtod(text, NULL);
}

static bool same_elements(struct slice a, struct slice b)
{
    struct json_cursor a_at = json_enter(a), b_at = json_enter(b);
    struct slice left, right;
    while (json_next_element(&a_at, &left))
        if (!json_next_element(&b_at, &right) || !convert_same(left, right))
            return false;
    return !json_next_element(&b_at, &right);
}

static bool same_members(struct slice a, struct slice b)
{
    struct json_cursor a_at = json_enter(a), b_at = json_enter(b);
    struct slice key, left, right;
    size_t count = 0;
    while (json_next_member(&a_at, &key, &left)) {
        BYTES_AUTO name = {0};
        json_decode(&name, key);
        bytes_add_char(&name, '\0');
        if (name.failed || !json_member(b, name.at, &right) || !convert_same(left, right))
            return false;
        count++;
    }
    while (json_next_member(&b_at, &key, &right))
        count--;
    return count == 0;
}

bool convert_same(struct slice a, struct slice b)
{
    enum json_kind kind = json_kind(a);
    if (json_equal(a, b))
        return true;
    if (kind != json_kind(b))
        return false;
    if (kind == JSON_NUMBER)
        return may_not_fit(a) && may_not_fit(b) && double_of(a) == double_of(b);
    return kind == JSON_ARRAY ? same_elements(a, b) : kind == JSON_OBJECT && same_members(a, b);
}

// ---- writing

struct writing {
    JSContext *context;
    const struct convert_numbers *numbers;
    bool patterns;
    struct bytes *out;
};

static int write_value(const struct writing *w, JSValueConst value, unsigned depth);

static int write_number(const struct writing *w, JSValueConst value)
{
    double number;
    if (JS_ToFloat64(w->context, &number, value))
        return -1;
    for (unsigned i = 0; i < w->numbers->count; i++) {
        const struct convert_number *n = &w->numbers->all[i];
        if (n->number == number && !n->ambiguous) {
            bytes_add_slice(w->out, bytes_slice(&n->text));
            return 0;
        }
    }
    if (!isfinite(number)) {
        JS_ThrowTypeError(w->context, "%s is no number that JSON can hold",
            isnan(number) ? "NaN" : (number > 0 ? "Infinity" : "-Infinity"));
        return -1;
    }
    print_number(w->context, number, w->out);
    return 0;
}

// Of what JavaScript turns into text by itself.
static int write_text(const struct writing *w, JSValue text)
{
    size_t size;
    const char *at = JS_IsException(text) ? NULL : JS_ToCStringLen(w->context, &size, text);
    JS_FreeValue(w->context, text);
    if (!at)
        return -1;
    bytes_add(w->out, at, size);
    JS_FreeCString(w->context, at);
    return 0;
}

static int write_string(const struct writing *w, JSValueConst value)
{
    return write_text(w, JS_JSONStringify(w->context, value, JS_UNDEFINED, JS_UNDEFINED));
}

static int write_array(const struct writing *w, JSValueConst array, unsigned depth)
{
    JSValue length = JS_GetPropertyStr(w->context, array, "length");
    int64_t count;
    int error = JS_ToInt64(w->context, &count, length);
    JS_FreeValue(w->context, length);
    bytes_add_char(w->out, '[');
    for (int64_t i = 0; !error && i < count; i++) {
        JSValue element = JS_GetPropertyUint32(w->context, array, (uint32_t)i);
        size_t size = w->out->size;
        if (i)
            bytes_add_char(w->out, ',');
        error = JS_IsException(element) ? -1 : write_value(w, element, depth + 1);
        if (!error && w->out->size == size + (i ? 1 : 0))
            bytes_add_text(w->out, "null");
        JS_FreeValue(w->context, element);
    }
    bytes_add_char(w->out, ']');
    return error;
}

static int write_member(const struct writing *w, JSValueConst object, JSAtom name, bool first, unsigned depth)
{
    JSValue value = JS_GetProperty(w->context, object, name);
    if (JS_IsException(value))
        return -1;
    size_t size = w->out->size;
    if (!first)
        bytes_add_char(w->out, ',');
    JSValue key = JS_AtomToString(w->context, name);
    int error = write_string(w, key);
    JS_FreeValue(w->context, key);
    bytes_add_char(w->out, ':');
    size_t value_at = w->out->size;
    if (!error)
        error = write_value(w, value, depth + 1);
    if (!error && w->out->size == value_at)
        w->out->size = size;
    JS_FreeValue(w->context, value);
    return error;
}

static int write_object(const struct writing *w, JSValueConst object, unsigned depth)
{
    JSPropertyEnum *names;
    uint32_t count;
    if (JS_GetOwnPropertyNames(w->context, &names, &count, object, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY))
        return -1;
    int error = 0;
    size_t begin = w->out->size + 1;
    bytes_add_char(w->out, '{');
    for (uint32_t i = 0; i < count; i++) {
        if (!error)
            error = write_member(w, object, names[i].atom, w->out->size == begin, depth);
        JS_FreeAtom(w->context, names[i].atom);
    }
    bytes_add_char(w->out, '}');
    js_free(w->context, names);
    return error;
}

static bool is_pattern(JSContext *context, JSValueConst value)
{
    JSValue global = JS_GetGlobalObject(context);
    JSValue pattern = JS_GetPropertyStr(context, global, "RegExp");
    bool is = JS_IsInstanceOf(context, value, pattern) == 1;
    JS_FreeValue(context, pattern);
    JS_FreeValue(context, global);
    return is;
}

static int write_pattern(const struct writing *w, JSValueConst value)
{
    bytes_add_text(w->out, "{\"$regex\":");
    JSValue source = JS_GetPropertyStr(w->context, value, "source");
    int error = write_string(w, source);
    JS_FreeValue(w->context, source);
    bytes_add_text(w->out, ",\"$flags\":");
    JSValue flags = JS_GetPropertyStr(w->context, value, "flags");
    if (!error)
        error = write_string(w, flags);
    JS_FreeValue(w->context, flags);
    bytes_add_char(w->out, '}');
    return error;
}

// A Date has its own idea of its JSON, as others may.
static int write_by_itself(const struct writing *w, JSValueConst value, JSValueConst to_json, unsigned depth)
{
    JSValue said = JS_Call(w->context, to_json, value, 0, NULL);
    int error = JS_IsException(said) ? -1 : write_value(w, said, depth + 1);
    JS_FreeValue(w->context, said);
    return error;
}

static int write_value(const struct writing *w, JSValueConst value, unsigned depth)
{
    JSContext *context = w->context;
    if (depth > DEPTH_MAX || w->out->size > CONVERT_BYTES_MAX) {
        JS_ThrowRangeError(context,
            depth > DEPTH_MAX ? "the value is nested too deeply, or holds itself" : "the value is larger than 1 MiB");
        return -1;
    }
    if (JS_IsBigInt(context, value))
        return write_text(w, JS_ToString(context, value));
    if (JS_IsNumber(value))
        return write_number(w, value);
    if (JS_IsString(value))
        return write_string(w, value);
    if (JS_IsBool(value) || JS_IsNull(value)) {
        bytes_add_text(w->out, JS_IsNull(value) ? "null" : JS_ToBool(context, value) ? "true" : "false");
        return 0;
    }
    if (!JS_IsObject(value) || JS_IsFunction(context, value))
        return 0;
    if (w->patterns && is_pattern(context, value))
        return write_pattern(w, value);
    JSValue to_json = JS_GetPropertyStr(context, value, "toJSON");
    int error;
    if (JS_IsException(to_json))
        return -1;
    if (JS_IsFunction(context, to_json))
        error = write_by_itself(w, value, to_json, depth);
    else if (JS_IsArray(context, value) == 1)
        error = write_array(w, value, depth);
    else
        error = write_object(w, value, depth);
    JS_FreeValue(context, to_json);
    return error;
}

int convert_write(
    JSContext *context, const struct convert_numbers *numbers, JSValueConst value, bool patterns, struct bytes *out)
{
    struct writing w = {.context = context, .numbers = numbers, .patterns = patterns, .out = out};
    int error = write_value(&w, value, 0);
    if (!error && out->failed) {
        JS_ThrowOutOfMemory(context);
        error = -1;
    }
    if (!error && out->size > CONVERT_BYTES_MAX) {
        JS_ThrowRangeError(context, "the value is larger than 1 MiB");
        error = -1;
    }
    return error;
}
