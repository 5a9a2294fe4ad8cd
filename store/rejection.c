#include "store/rejection.h"

#include "store/json.h"

#include <string.h>

const char *rejection_error_name(int error)
{
    const char *name = strerrorname_np(-error);
    return name ? name : "EIO";
}

static void add_string(struct bytes *out, const char *before, struct slice text)
{
    bytes_add_text(out, before);
    json_quote(out, text);
}

// The reason in words; where nobody gave one, what the system calls the error.
static struct slice reason_of(const struct submission *s)
{
    return slice_of(s->why.text[0] ? s->why.text : strerrordesc_np(-s->error));
}

static void add_line(struct bytes *out, const struct submission *s)
{
    if (s->line)
        bytes_printf(out, ",\"line\":%u", s->line);
}

void rejection_print(struct bytes *out, const struct submission *s)
{
    char when[WHEN_TEXT_MAX];
    struct slice time = {.at = when, .size = when_print(when, when_now_us())};
    add_string(out, "{\"time\":", time);
    bytes_printf(out, ",\"uid\":%u,\"pid\":%d", s->uid, s->pid);
    add_string(out, ",\"path\":", s->path);
    bytes_printf(out, ",\"errno\":\"%s\"", rejection_error_name(s->error));
    add_string(out, ",\"reason\":", reason_of(s));
    add_line(out, s);
    if (s->input.size)
        add_string(out, ",\"input\":", rejection_input(s->input));
    bytes_add_char(out, '}');
}

void rejection_print_receipt(struct bytes *out, const struct submission *s)
{
    bytes_printf(out, "{\"error\":\"%s\"", rejection_error_name(s->error));
    add_string(out, ",\"reason\":", reason_of(s));
    add_line(out, s);
    bytes_add_text(out, "}\n");
}
