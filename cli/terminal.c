#include "cli/terminal.h"

#include "store/utf8.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REPLACEMENT 0xfffdu

int terminal_read_colour(const char *word, enum terminal_colour *choice)
{
    static const char *const words[] = {
        [TERMINAL_COLOUR_AUTO] = "auto", [TERMINAL_COLOUR_ALWAYS] = "always", [TERMINAL_COLOUR_NEVER] = "never"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i]) == 0) {
            *choice = (enum terminal_colour)i;
            return 0;
        }
    }
    return -EINVAL;
}

bool terminal_wants_colour(int fd, enum terminal_colour choice)
{
    if (choice != TERMINAL_COLOUR_AUTO)
        return choice == TERMINAL_COLOUR_ALWAYS;
    const char *refused = getenv("NO_COLOR");
    if (refused && *refused)
        return false;
    const char *term = getenv("TERM");
    return isatty(fd) && term && strcmp(term, "dumb") != 0;
}

unsigned terminal_columns(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col)
        return size.ws_col;
    const char *columns = getenv("COLUMNS");
    unsigned long said = columns ? strtoul(columns, NULL, 10) : 0;
    return said && said < 10000 ? (unsigned)said : 80;
}

bool terminal_speaks_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (!locale)
        return false;
    bool utf8 = !strcmp(nl_langinfo_l(CODESET, locale), "UTF-8");
    freelocale(locale);
    return utf8;
}

int terminal_write(struct bytes *out)
{
    size_t written = 0;
    if (out->failed)
        return -ENOMEM;
    while (written < out->size) {
        ssize_t size = write(STDOUT_FILENO, out->at + written, out->size - written);
        if (size < 0 && errno != EINTR)
            return -errno;
        written += size > 0 ? (size_t)size : 0;
    }
    bytes_clear(out);
    return 0;
}

// Takes one character off the front of `text`, which is not empty. REPLACEMENT for a byte that is not UTF-8.
static uint32_t text_take(struct slice *text)
{
    const uint8_t *at = (const uint8_t *)text->at;
    uint8_t low, high;
    size_t following = utf8_lead(at[0], &low, &high);
    size_t taken = 1;
    uint32_t character = at[0] < 0x80 ? at[0] : REPLACEMENT;
    if (following > 0 && following < text->size && at[1] >= low && at[1] <= high) {
        uint32_t sum = at[0] & (0x3fu >> following);
        while (taken <= following && (at[taken] & 0xc0) == 0x80)
            sum = sum << 6 | (at[taken++] & 0x3f);
        if (taken > following)
            character = sum;
    }
    text->at += taken;
    text->size -= taken;
    return character;
}

static bool character_acts(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

// Returns how many columns it takes.
static size_t character_add(struct bytes *out, uint32_t c, struct slice as_written)
{
    size_t before = out->size;
    if (c == '\n')
        bytes_add_text(out, "\\n");
    else if (c == '\t')
        bytes_add_text(out, "\\t");
    else if (character_acts(c))
        bytes_printf(out, "\\u%04x", c);
    else if (c == REPLACEMENT)
        bytes_add_text(out, "\xef\xbf\xbd");
    else
        bytes_add_slice(out, as_written);
    return character_acts(c) ? out->size - before : 1;
}

size_t terminal_add(struct bytes *out, struct slice text, size_t most)
{
    size_t shown = 0;
    size_t cut = out->size, shown_at_cut = 0; // the last place that leaves a column for the `…`
    while (text.size > 0) {
        struct slice rest = text;
        uint32_t c = text_take(&rest);
        shown += character_add(out, c, (struct slice){.at = text.at, .size = text.size - rest.size});
        if (shown > most) {
            out->size = cut;
            bytes_add_text(out, "…");
            return shown_at_cut + 1;
        }
        if (shown < most) {
            cut = out->size;
            shown_at_cut = shown;
        }
        text = rest;
    }
    return shown;
}
