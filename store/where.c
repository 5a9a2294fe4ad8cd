#include "store/where.h"

#include "store/json.h"
#include "store/utf8.h"

#include <errno.h>
#include <stdarg.h>

#define NAME_SHOWN     60
#define WHERE_TEXT_MAX 140

static void print_step(const struct where *step, bool first, struct bytes *out)
{
    if (!step->name.at) {
        bytes_printf(out, "[%zu]", step->index);
        return;
    }
    struct slice name = step->name;
    if (!first)
        bytes_add_char(out, '.');
    // A name is cut between two characters.
    if (name.size > NAME_SHOWN)
        name.size = utf8_cut(name.at, NAME_SHOWN);
    bytes_add_slice(out, name);
    if (name.size < step->name.size)
        bytes_add_text(out, "…");
}

// The path as text, as much of its end as there is room for.
static void where_print(const struct where *path, char out[static WHERE_TEXT_MAX])
{
    BYTES_AUTO text = {0};
    BYTES_AUTO step = {0};
    // From the end, which says most, for as long as there is room.
    bool whole = true;
    for (; path && whole; path = path->above) {
        bytes_clear(&step);
        print_step(path, !path->above, &step);
        whole = text.size + step.size + strlen("…") < WHERE_TEXT_MAX;
        if (!whole) {
            bytes_clear(&step);
            bytes_add_text(&step, "…");
        }
        bytes_add_slice(&step, bytes_slice(&text));
        bytes_clear(&text);
        bytes_add_slice(&text, bytes_slice(&step));
    }
    size_t size = text.failed || step.failed ? 0 : text.size;
    if (size)
        memcpy(out, text.at, size);
    out[size] = '\0';
}

int where_refuse(struct reason *why, const struct where *path, const char *format, ...)
{
    char where[WHERE_TEXT_MAX], words[sizeof why->text];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    where_print(path, where);
    return reason_set(why, -EINVAL, "%s%s%s", where, where[0] ? ": " : "", words);
}

int where_text(struct slice quoted, struct arena *arena, struct slice *text)
{
    BYTES_AUTO decoded = {0};
    json_decode(&decoded, quoted);
    *text = arena_copy(arena, bytes_slice(&decoded));
    return decoded.failed || !text->at ? -ENOMEM : 0;
}
