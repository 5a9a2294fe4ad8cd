#include "cli/figures.h"

#include "cli/show.h"
#include "cli/terminal.h"
#include "store/day.h"
#include "store/envelope.h"
#include "store/grow.h"
#include "store/json.h"

#include <errno.h>
#include <stdlib.h>

#define DAY_COLUMNS 10 // 2026-01-15
#define TOP         10 // types and actors that people are shown
#define NAME_WIDEST 40u

void figures_free(struct figures *f)
{
    free(f->days);
    tally_free(&f->types);
    tally_free(&f->actors);
    bytes_free(&f->actor);
    *f = (struct figures){0};
}

// ---- counting

// The place of the day, or where it belongs. It is the last one nearly always.
static size_t find_day(const struct figures *f, uint32_t number)
{
    size_t at = f->day_count;
    while (at && f->days[at - 1].number > number)
        at--;
    return at && f->days[at - 1].number == number ? at - 1 : at;
}

static int count_day(struct figures *f, int64_t at_us)
{
    uint32_t number = day_of(at_us);
    size_t at = find_day(f, number);
    if (at < f->day_count && f->days[at].number == number) {
        f->days[at].events++;
        return 0;
    }
    if (!GROW(f->days, f->day_count, f->day_room))
        return -ENOMEM;
    memmove(f->days + at + 1, f->days + at, (f->day_count - at) * sizeof *f->days);
    f->days[at] = (struct day){.number = number, .events = 1};
    f->day_count++;
    return 0;
}

int figures_take(struct figures *f, struct slice line)
{
    struct event event;
    if (envelope_read(line, &event, &f->actor))
        return -EBADMSG;
    if (count_day(f, event.at_us) || tally_add(&f->types, event.type) || tally_add(&f->actors, event.actor))
        return -ENOMEM;
    if (!f->events || event.at_us < f->first_at_us)
        f->first_at_us = event.at_us;
    if (!f->events || event.at_us > f->last_at_us)
        f->last_at_us = event.at_us;
    f->events++;
    f->entities += event.version == 1;
    f->bytes += line.size + 1;
    return 0;
}

void figures_end(struct figures *f)
{
    tally_sort(&f->types);
    tally_sort(&f->actors);
}

// ---- for people

// 1,234,567. Returns its columns.
static size_t add_number(struct bytes *out, uint64_t number)
{
    char digits[24];
    size_t size = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    for (size_t i = 0; i < size; i++) {
        if (i && (size - i) % 3 == 0)
            bytes_add_char(out, ',');
        bytes_add_char(out, digits[i]);
    }
    return size + (size - 1) / 3;
}

static size_t number_columns(uint64_t number)
{
    BYTES_AUTO text = {0};
    return add_number(&text, number);
}

static void add_size(struct bytes *out, uint64_t size_bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double size = (double)size_bytes;
    size_t unit = 0;
    for (; size >= 1000 && unit + 1 < sizeof units / sizeof *units; unit++)
        size /= 1000;
    bytes_printf(out, unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

static struct slice moment(char text[static WHEN_TEXT_MAX], int64_t at_us)
{
    size_t size = when_print(text, at_us);
    return (struct slice){.at = text, .size = size};
}

static void add_day(struct bytes *out, uint32_t number)
{
    char name[DAY_NAME_SIZE];
    day_name(name, number); // begins with the date
    bytes_add(out, name, DAY_COLUMNS);
}

static void add_colour(struct bytes *out, const struct figures_look *look, const char *colour)
{
    if (look->colour)
        bytes_add_text(out, colour);
}

// A bar of up to `columns`, in eighths of one where there are characters for it. What is more than nothing is seen.
static void add_bar(
    struct bytes *out, uint64_t events, uint64_t most, unsigned columns, const struct figures_look *look)
{
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    uint64_t eighths = (uint64_t)((double)events * columns * 8 / (double)most + 0.5);
    if (events && !eighths)
        eighths = 1;
    add_colour(out, look, "\033[34m");
    if (look->utf8) {
        for (uint64_t i = 0; i < eighths / 8; i++)
            bytes_add_text(out, "█");
        bytes_add_text(out, parts[eighths % 8]);
    } else {
        for (uint64_t i = 0; i < (eighths + 7) / 8; i++)
            bytes_add_char(out, '#');
    }
    add_colour(out, look, "\033[0m");
}

static void show_days(const struct figures *f, const struct figures_look *look, struct bytes *out)
{
    uint32_t last = f->days[f->day_count - 1].number, first = f->days[0].number;
    if (last - first >= look->days)
        first = last - look->days + 1;
    uint64_t earlier = 0, most = 0;
    size_t at = 0;
    for (; f->days[at].number < first; at++)
        earlier += f->days[at].events;
    for (size_t i = at; i < f->day_count; i++)
        most = f->days[i].events > most ? f->days[i].events : most;
    size_t numbers = number_columns(most > earlier ? most : earlier), rest = DAY_COLUMNS + 2 + 1 + numbers;
    unsigned columns = look->columns > rest + 10 ? look->columns - (unsigned)rest : 10;

    bytes_add_text(out, "\nevents per day (UTC)\n");
    if (earlier) {
        bytes_printf(out, "%-*s  ", DAY_COLUMNS, "earlier");
        add_number(out, earlier);
        bytes_add_char(out, '\n');
    }
    for (uint32_t day = first; day <= last; day++) {
        uint64_t events = at < f->day_count && f->days[at].number == day ? f->days[at++].events : 0;
        add_day(out, day);
        bytes_add_text(out, "  ");
        add_bar(out, events, most, columns, look);
        if (events)
            bytes_add_char(out, ' ');
        add_number(out, events);
        bytes_add_char(out, '\n');
    }
}

static void show_tally(const struct tally *t, const char *what, uint64_t events, const struct figures_look *look,
    const char *colour, struct bytes *out)
{
    size_t shown = t->count < TOP ? t->count : TOP, widest = 0, numbers = number_columns(t->all[0].times);
    BYTES_AUTO name = {0};
    for (size_t i = 0; i < shown; i++) {
        bytes_clear(&name);
        size_t columns = terminal_add(&name, t->all[i].text, NAME_WIDEST);
        widest = columns > widest ? columns : widest;
    }
    bytes_printf(out, "\n%s", what);
    if (shown < t->count) {
        bytes_printf(out, " (the first %d of ", TOP);
        add_number(out, t->count);
        bytes_add_char(out, ')');
    }
    bytes_add_char(out, '\n');
    for (size_t i = 0; i < shown; i++) {
        add_colour(out, look, colour);
        size_t columns = terminal_add(out, t->all[i].text, NAME_WIDEST);
        add_colour(out, look, "\033[0m");
        size_t own = number_columns(t->all[i].times);
        bytes_printf(out, "%*s", (int)(widest - columns + 2 + numbers - own), "");
        add_number(out, t->all[i].times);
        bytes_printf(out, "  %3.0f%%\n", 100.0 * (double)t->all[i].times / (double)events);
    }
}

void figures_show(const struct figures *f, const char *name, const struct figures_look *look, struct bytes *out)
{
    char text[WHEN_TEXT_MAX];
    add_colour(out, look, "\033[1m");
    terminal_add(out, slice_of(name), SIZE_MAX);
    add_colour(out, look, "\033[0m");
    bytes_add_text(out, ": ");
    add_number(out, f->events);
    bytes_printf(out, " %s, ", f->events == 1 ? "event" : "events");
    add_number(out, f->entities);
    bytes_printf(out, " %s, ", f->entities == 1 ? "entity" : "entities");
    add_size(out, f->bytes);
    bytes_add_char(out, '\n');
    if (!f->events)
        return;
    bytes_add_text(out, "first event ");
    show_time(out, moment(text, f->first_at_us), look->utc);
    bytes_add_text(out, ", last event ");
    show_time(out, moment(text, f->last_at_us), look->utc);
    bytes_add_char(out, '\n');
    show_days(f, look, out);
    show_tally(&f->types, "types", f->events, look, "\033[1m", out);
    show_tally(&f->actors, "actors", f->events, look, "\033[35m", out);
}

// ---- for machines

static void print_moment(const struct figures *f, const char *name, int64_t at_us, struct bytes *out)
{
    char text[WHEN_TEXT_MAX];
    bytes_printf(out, ",\"%s\":", name);
    if (f->events)
        json_quote(out, moment(text, at_us));
    else
        bytes_add_text(out, "null");
}

static void print_tally(const struct tally *t, const char *name, const char *member, struct bytes *out)
{
    bytes_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < t->count; i++) {
        bytes_printf(out, "%s{\"%s\":", i ? "," : "", member);
        json_quote(out, t->all[i].text);
        bytes_printf(out, ",\"events\":%llu}", (unsigned long long)t->all[i].times);
    }
    bytes_add_char(out, ']');
}

void figures_print(const struct figures *f, const char *name, struct bytes *out)
{
    bytes_add_text(out, "{\"name\":");
    json_quote(out, slice_of(name));
    bytes_printf(out, ",\"events\":%llu,\"entities\":%llu,\"bytes\":%llu", (unsigned long long)f->events,
        (unsigned long long)f->entities, (unsigned long long)f->bytes);
    print_moment(f, "firstEventAt", f->first_at_us, out);
    print_moment(f, "lastEventAt", f->last_at_us, out);
    bytes_add_text(out, ",\"days\":[");
    for (size_t i = 0; i < f->day_count; i++) {
        bytes_printf(out, "%s{\"day\":\"", i ? "," : "");
        add_day(out, f->days[i].number);
        bytes_printf(out, "\",\"events\":%llu}", (unsigned long long)f->days[i].events);
    }
    bytes_add_char(out, ']');
    print_tally(&f->types, "types", "type", out);
    print_tally(&f->actors, "actors", "actor", out);
    bytes_add_text(out, "}\n");
}
