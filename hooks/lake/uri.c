#include "hooks/lake/uri.h"

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void uri_encode(struct bytes *out, struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (is_unreserved(text.at[i]))
            bytes_add_char(out, text.at[i]);
        else
            bytes_printf(out, "%%%02X", (unsigned char)text.at[i]);
    }
}

void uri_encode_path(struct bytes *out, struct slice path)
{
    for (size_t at = 0; at <= path.size;) {
        const char *slash = at < path.size ? memchr(path.at + at, '/', path.size - at) : NULL;
        size_t end = slash ? (size_t)(slash - path.at) : path.size;
        uri_encode(out, (struct slice){.at = path.at + at, .size = end - at});
        if (slash)
            bytes_add_char(out, '/');
        at = end + 1;
    }
}
