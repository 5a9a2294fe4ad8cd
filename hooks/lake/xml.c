#include "hooks/lake/xml.h"

#include <stdio.h>
#include <stdlib.h>

#define TAG_SIZE_MAX 64

static const char after_name[] = {'>', '/', ' ', '\t', '\r', '\n'};

static struct slice behind(struct slice text, const char *at)
{
    return (struct slice){.at = at, .size = (size_t)(text.at + text.size - at)};
}

// Goes behind the next tag that begins so, `<NAME` or `</NAME`. *begin is where it begins.
static bool skip_tag(struct slice *rest, const char *mark, const char *name, const char **begin)
{
    char tag[TAG_SIZE_MAX];
    size_t size = (size_t)snprintf(tag, sizeof tag, "%s%s", mark, name);
    for (const char *at; (at = memmem(rest->at, rest->size, tag, size));) {
        *rest = behind(*rest, at + size);
        if (!rest->size || !memchr(after_name, rest->at[0], sizeof after_name))
            continue;
        const char *end = memchr(rest->at, '>', rest->size);
        if (!end)
            return false;
        *begin = at;
        *rest = behind(*rest, end + 1);
        return true;
    }
    return false;
}

bool xml_next(struct slice *rest, const char *name, struct slice *content)
{
    const char *at;
    if (!skip_tag(rest, "<", name, &at))
        return false;
    *content = (struct slice){.at = rest->at};
    if (rest->at[-2] == '/')
        return true;
    if (!skip_tag(rest, "</", name, &at))
        return false;
    content->size = (size_t)(at - content->at);
    return true;
}

bool xml_find(struct slice text, const char *name, struct slice *content)
{
    return xml_next(&text, name, content);
}

static const struct {
    const char *name;
    char is;
} entities[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
#define ENTITY_SIZE_MAX 10

static bool add_entity(struct bytes *out, struct slice name)
{
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        if (slice_is(name, entities[i].name)) {
            bytes_add_char(out, entities[i].is);
            return true;
        }
    }
    if (name.size < 2 || name.at[0] != '#')
        return false;
    char digits[ENTITY_SIZE_MAX + 1] = {0}, *end;
    bool is_hex = name.at[1] == 'x';
    memcpy(digits, name.at + 1 + is_hex, name.size - 1 - is_hex);
    unsigned long code = strtoul(digits, &end, is_hex ? 16 : 10);
    if (*end || !code || code > 0x7f)
        return false;
    bytes_add_char(out, (char)code);
    return true;
}

void xml_decode(struct bytes *out, struct slice content)
{
    for (size_t i = 0; i < content.size; i++) {
        const char *at = content.at + i, *end = NULL;
        if (*at == '&')
            end = memchr(at, ';', content.size - i < ENTITY_SIZE_MAX ? content.size - i : ENTITY_SIZE_MAX);
        if (end && add_entity(out, (struct slice){.at = at + 1, .size = (size_t)(end - at) - 1}))
            i += (size_t)(end - at);
        else
            bytes_add_char(out, *at);
    }
}

void xml_encode(struct bytes *out, struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        size_t entity = 0;
        while (entity < sizeof entities / sizeof *entities && entities[entity].is != text.at[i])
            entity++;
        if (entity < sizeof entities / sizeof *entities)
            bytes_printf(out, "&%s;", entities[entity].name);
        else
            bytes_add_char(out, text.at[i]);
    }
}
