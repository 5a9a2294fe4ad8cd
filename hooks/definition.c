#include "hooks/definition.h"

#include "store/json.h"

#include <errno.h>
#include <openssl/crypto.h>

// ---- the whole

// Strict, where cJSON is not.
static int check_json(struct slice text, struct reason *why)
{
    struct json_scanner scanner;
    size_t used = 0;
    json_scanner_init(&scanner);
    enum json_found found = json_scan(&scanner, text.at, text.size, &used, why);
    if (found == JSON_WRONG)
        return -EINVAL;
    if (found == JSON_MORE)
        return reason_set(why, -EINVAL, json_scanner_idle(&scanner) ? "it is empty" : "its JSON is not complete");
    struct slice rest = {.at = text.at + used, .size = text.size - used};
    for (size_t i = 0; i < rest.size; i++)
        if (!strchr(" \t\r\n", rest.at[i]) || !rest.at[i])
            return reason_set(why, -EINVAL, "something stands behind its object");
    struct slice value = {.at = text.at, .size = used};
    if (json_kind(value) != JSON_OBJECT)
        return reason_set(why, -EINVAL, "it must be an object");
    return json_refuse_duplicates(value, why);
}

int definition_parse(struct slice text, cJSON **json, struct reason *why)
{
    int error = check_json(text, why);
    if (error)
        return error;
    *json = cJSON_ParseWithLength(text.at, text.size);
    return *json ? 0 : -ENOMEM;
}

static void wipe(cJSON *value)
{
    for (cJSON *one = value; one; one = one->next) {
        if (one->valuestring)
            OPENSSL_cleanse(one->valuestring, strlen(one->valuestring));
        wipe(one->child);
    }
}

void definition_drop(cJSON **json)
{
    wipe(*json);
    cJSON_Delete(*json);
}

// ---- its members

const char *definition_text(const cJSON *value)
{
    return cJSON_IsString(value) ? value->valuestring : NULL;
}

int definition_number(unsigned *number, const cJSON *value, const char *member, unsigned most, struct reason *why)
{
    if (!cJSON_IsNumber(value) || !(value->valuedouble >= 1 && value->valuedouble <= most) ||
        value->valuedouble != (double)(unsigned)value->valuedouble)
        return reason_set(why, -EINVAL, "%s must be a whole number from 1 to %u", member, most);
    *number = (unsigned)value->valuedouble;
    return 0;
}

int definition_flag(bool *flag, const cJSON *value, const char *member, struct reason *why)
{
    if (!cJSON_IsBool(value))
        return reason_set(why, -EINVAL, "%s must be true or false", member);
    *flag = cJSON_IsTrue(value);
    return 0;
}

int definition_redundant(const cJSON *value, const char *member, const char *only, struct reason *why)
{
    const char *text = definition_text(value);
    return text && !strcmp(text, only) ? 0 : reason_set(why, -EINVAL, "%s can only be \"%s\"", member, only);
}

// ---- what others may see of it

int definition_print(const cJSON *json, struct bytes *out)
{
    char *printed = cJSON_PrintUnformatted(json);
    if (!printed)
        return -ENOMEM;
    bytes_add_text(out, printed);
    cJSON_free(printed);
    return out->failed ? -ENOMEM : 0;
}

int definition_replace(cJSON *object, const char *member, const char *text)
{
    cJSON *made = cJSON_CreateString(text);
    return made && cJSON_ReplaceItemInObjectCaseSensitive(object, member, made) ? 0 : -ENOMEM;
}
