#include "store/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

char *bytes_reserve(struct bytes *b, size_t more)
{
    if (b->failed)
        return NULL;
    if (!b->at || b->size + more > b->room) {
        size_t room = b->room ? b->room : 256;
        while (room < b->size + more)
            room *= 2;
        char *at = realloc(b->at, room);
        if (!at) {
            b->failed = true;
            return NULL;
        }
        b->at = at;
        b->room = room;
    }
    return b->at + b->size;
}

void bytes_add(struct bytes *b, const void *from, size_t size)
{
    char *to = bytes_reserve(b, size);
    if (!to || !size)
        return;
    memcpy(to, from, size);
    b->size += size;
}

void bytes_add_text(struct bytes *b, const char *text)
{
    bytes_add(b, text, strlen(text));
}

void bytes_add_slice(struct bytes *b, struct slice s)
{
    bytes_add(b, s.at, s.size);
}

void bytes_add_char(struct bytes *b, char c)
{
    bytes_add(b, &c, 1);
}

void bytes_printf(struct bytes *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size >= 0 && bytes_reserve(b, (size_t)size + 1)) {
        vsnprintf(b->at + b->size, (size_t)size + 1, format, again);
        b->size += (size_t)size;
    }
    va_end(again);
}

void bytes_clear(struct bytes *b)
{
    b->size = 0;
    b->failed = false;
}

void bytes_free(struct bytes *b)
{
    free(b->at);
    *b = (struct bytes){0};
}

void bytes_trim(struct bytes *b, size_t keep)
{
    if (b->room > keep)
        bytes_free(b);
    else
        bytes_clear(b);
}
