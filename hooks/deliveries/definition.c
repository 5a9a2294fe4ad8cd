#include "hooks/deliveries/definition.h"

#include "hooks/document.h"

#include <errno.h>
#include <openssl/crypto.h>

// ---- the whole

int definition_parse(struct slice text, cJSON **json, struct reason *why)
{
    int error = document_check(text, why);
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
