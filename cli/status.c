#include "cli/status.h"

#include "cli/command.h"
#include "cli/object.h"
#include "cli/show.h"
#include "cli/tenants.h"
#include "cli/terminal.h"
#include "hooks/deliveries/at_rest.h"
#include "store/json.h"
#include "store/rehearsal.h"
#include "store/survey.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define EXIT_UNWELL  3
#define NAME_COLUMNS 60
#define TEXT_COLUMNS 160

static const char usage[] =
    "Usage: factfs status [OPTION]... PATH...\n"
    "Shows how tenants are: alerts, metrics, and of each hook its state, how far behind it is, and its last error.\n"
    "PATH is a tenant in a mount, a mount, or a store; of one that is not mounted, what its files say of webhooks\n"
    "and integrations.\n"
    "\n"
    "  -q, --quiet           show only alerts, and hooks that are not well\n"
    "      --utc             times in UTC, not in the local zone\n"
    "      --color[=WHEN]    colours: auto (default: on a terminal), always or never\n"
    "      --help            show this\n"
    "\n"
    "Exit status: 0 all is well; 1 something cannot be read; 2 wrong usage; 3 an alert stands, a hook is failing,\n"
    "paused or disabled, or what was saved of one was refused.\n";

static const char bold[] = "\033[1m", red[] = "\033[31m", green[] = "\033[32m", yellow[] = "\033[33m",
                  plain[] = "\033[0m";

struct status {
    bool quiet, utc, colour;
    bool unwell;
    struct bytes decoded; // scratch
    struct bytes out;
};

// ---- pieces

static void coloured(struct status *s, const char *colour, struct slice text)
{
    if (s->colour)
        bytes_add_text(&s->out, colour);
    terminal_add(&s->out, text, TEXT_COLUMNS);
    if (s->colour)
        bytes_add_text(&s->out, plain);
}

static void pad(struct status *s, size_t columns, size_t width)
{
    bytes_printf(&s->out, "%*s", columns < width ? (int)(width - columns) : 0, "");
}

// The text of a member, decoded; a number as it stands. "-" when it is null or not there.
static struct slice text_of(struct status *s, struct slice object, const char *name)
{
    struct slice value;
    if (json_member(object, name, &value) && json_kind(value) == JSON_NUMBER)
        return value;
    return show_member(&s->decoded, object, name);
}

static void add_text(struct status *s, struct slice object, const char *name)
{
    terminal_add(&s->out, text_of(s, object, name), TEXT_COLUMNS);
}

static void add_time(struct status *s, struct slice object, const char *name)
{
    show_time(&s->out, show_member(&s->decoded, object, name), s->utc);
}

static double number_of(struct slice object, const char *name)
{
    struct slice value;
    char text[64];
    if (!json_member(object, name, &value) || json_kind(value) != JSON_NUMBER || value.size >= sizeof text)
        return 0;
    memcpy(text, value.at, value.size);
    text[value.size] = '\0';
    return strtod(text, NULL);
}

static void add_age(struct status *s, double seconds)
{
    static const struct {
        double seconds;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {0, "s"}};
    unsigned i = 0;
    while (seconds < 2 * units[i].seconds)
        i++;
    bytes_printf(&s->out, "%.0f %s", units[i].seconds > 0 ? seconds / units[i].seconds : seconds, units[i].unit);
}

// ---- alerts and metrics

static void show_alerts(struct status *s, struct slice alerts)
{
    struct json_cursor c = json_enter(alerts);
    for (struct slice alert; json_next_element(&c, &alert);) {
        s->unwell = true;
        bytes_add_text(&s->out, "  ");
        coloured(s, red, show_member(&s->decoded, alert, "severity"));
        bytes_add_text(&s->out, "  ");
        add_text(s, alert, "type");
        bytes_add_text(&s->out, ": ");
        add_text(s, alert, "metric");
        bytes_add_text(&s->out, " is ");
        add_text(s, alert, "value");
        bytes_add_text(&s->out, ", threshold ");
        add_text(s, alert, "threshold");
        bytes_add_text(&s->out, ", since ");
        add_time(s, alert, "since");
        if (!slice_is(text_of(s, alert, "action"), "-")) {
            bytes_add_text(&s->out, "; ");
            add_text(s, alert, "action");
        }
        bytes_add_char(&s->out, '\n');
    }
}

static void show_metrics(struct status *s, struct slice metrics)
{
    struct json_cursor c = json_enter(metrics);
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        bytes_add_text(&s->out, "  ");
        bytes_clear(&s->decoded);
        json_decode(&s->decoded, key);
        pad(s, terminal_add(&s->out, bytes_slice(&s->decoded), NAME_COLUMNS), 24);
        bytes_add_text(&s->out, "  ");
        show_value(&s->out, &s->decoded, value, TEXT_COLUMNS);
        bytes_add_char(&s->out, '\n');
    }
}

// ---- hooks

static bool is_unwell(struct slice state)
{
    return slice_is(state, "failing") || slice_is(state, "paused") || slice_is(state, "disabled");
}

static void show_state(struct status *s, struct slice state)
{
    coloured(s, is_unwell(state) ? red : slice_is(state, "active") ? green : yellow, state);
    pad(s, state.size, 9);
}

// Has it a number that says something, and is not said otherwise?
static bool is_count(struct slice key, struct slice value)
{
    static const char *const others[] = {"cursor", "position", "lag", "oldestAge", "progress", NULL};
    for (const char *const *other = others; *other; other++)
        if (json_key_is(key, *other))
            return false;
    return json_kind(value) == JSON_NUMBER && !slice_is(value, "0");
}

static void show_counts(struct status *s, struct slice hook)
{
    struct slice lag, progress;
    const char *between = "  ";
    if (json_member(hook, "lag", &lag)) {
        bytes_printf(&s->out, "  lag %.*s", SLICE_ARG(lag));
        between = ", ";
    }
    if (number_of(hook, "oldestAge") > 0) {
        bytes_printf(&s->out, "%soldest ", between);
        add_age(s, number_of(hook, "oldestAge"));
        between = ", ";
    }
    if (json_member(hook, "progress", &progress)) {
        bytes_printf(&s->out, "%s%.0f %%", between, 100 * number_of(hook, "progress"));
        between = ", ";
    }
    struct json_cursor c = json_enter(hook);
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        if (!is_count(key, value))
            continue;
        bytes_printf(&s->out, "%s%.*s ", between, SLICE_ARG(value));
        show_value(&s->out, &s->decoded, key, NAME_COLUMNS);
        between = ", ";
    }
    if (!slice_is(text_of(s, hook, "until"), "-")) {
        bytes_printf(&s->out, "%suntil ", between);
        add_time(s, hook, "until");
    }
}

static void show_error(struct status *s, struct slice error)
{
    bytes_add_text(&s->out, "\n    last error ");
    add_time(s, error, "time");
    if (!slice_is(text_of(s, error, "id"), "-")) {
        bytes_add_text(&s->out, ", ");
        add_text(s, error, "id");
    }
    bytes_add_text(&s->out, ": ");
    coloured(s, yellow, show_member(&s->decoded, error, "error"));
}

static void show_hook(struct status *s, struct slice label, struct slice hook)
{
    BYTES_AUTO state = {0};
    struct slice error;
    bytes_add_slice(&state, show_member(&s->decoded, hook, "state"));
    bool unwell = is_unwell(bytes_slice(&state));
    s->unwell |= unwell;
    if (s->quiet && !unwell)
        return;
    bytes_add_text(&s->out, "  ");
    pad(s, terminal_add(&s->out, label, NAME_COLUMNS), 24);
    bytes_add_text(&s->out, "  ");
    show_state(s, bytes_slice(&state));
    show_counts(s, hook);
    if (json_member(hook, "lastError", &error) && json_kind(error) == JSON_OBJECT)
        show_error(s, error);
    bytes_add_char(&s->out, '\n');
}

static void show_hooks(struct status *s, struct slice hooks)
{
    struct json_cursor kinds = json_enter(hooks);
    for (struct slice kind, all; json_next_member(&kinds, &kind, &all);) {
        if (json_kind(all) != JSON_OBJECT)
            continue;
        struct json_cursor c = json_enter(all);
        for (struct slice name, hook; json_next_member(&c, &name, &hook);) {
            BYTES_AUTO label = {0};
            json_decode(&label, kind);
            bytes_add_char(&label, '/');
            json_decode(&label, name);
            if (json_kind(hook) == JSON_OBJECT)
                show_hook(s, bytes_slice(&label), hook);
        }
    }
}

// Files of hooks whose latest change was not taken.
static void show_refused(struct status *s, struct slice refused)
{
    struct json_cursor c = json_enter(refused);
    for (struct slice file; json_next_element(&c, &file);) {
        s->unwell = true;
        bytes_add_text(&s->out, "  ");
        add_text(s, file, "path");
        bytes_add_text(&s->out, "  ");
        coloured(s, red, SLICE("refused"));
        bytes_add_char(&s->out, ' ');
        add_time(s, file, "time");
        bytes_add_text(&s->out, ": ");
        coloured(s, yellow, show_member(&s->decoded, file, "reason"));
        bytes_add_char(&s->out, '\n');
    }
}

// ---- a tenant

static void show_head(struct status *s, const char *name, struct slice whole, const char *note)
{
    coloured(s, bold, slice_of(name));
    bytes_add_text(&s->out, "  ");
    add_text(s, whole, "position");
    bytes_add_text(&s->out, " events, ");
    add_text(s, whole, "entities");
    bytes_add_text(&s->out, " entities");
    if (!slice_is(text_of(s, whole, "lastEventAt"), "-")) {
        bytes_add_text(&s->out, ", the last at ");
        add_time(s, whole, "lastEventAt");
    }
    bytes_printf(&s->out, "%s\n", note);
}

// A status.json, or what there is of one.
static void show_tenant(struct status *s, const char *name, struct slice whole, const char *note)
{
    struct slice part;
    size_t before = s->out.size;
    show_head(s, name, whole, note);
    size_t head = s->out.size;
    if (json_member(whole, "alerts", &part) && json_kind(part) == JSON_ARRAY)
        show_alerts(s, part);
    if (!s->quiet && json_member(whole, "metrics", &part) && json_kind(part) == JSON_OBJECT)
        show_metrics(s, part);
    if (json_member(whole, "hooks", &part) && json_kind(part) == JSON_OBJECT)
        show_hooks(s, part);
    if (json_member(whole, "refused", &part) && json_kind(part) == JSON_ARRAY)
        show_refused(s, part);
    if (json_member(whole, "lake", &part) && json_kind(part) == JSON_OBJECT)
        show_hook(s, SLICE("lake"), part);
    if (s->quiet && s->out.size == head)
        s->out.size = before;
}

static bool show_mounted(struct status *s, const struct tenant_path *tenant)
{
    BYTES_AUTO text = {0};
    char path[PATH_MAX];
    bool fits = snprintf(path, sizeof path, "%s/status.json", tenant->path) < PATH_MAX;
    int error = fits ? object_read("status", path, &text) : -ENAMETOOLONG;
    if (!error)
        show_tenant(s, tenant->name, bytes_slice(&text), "");
    else if (error != -EBADMSG)
        command_complain("status", tenant->path, strerror(-error));
    return !error;
}

// ---- a store that is not mounted

static int describe(struct rehearsal *r, struct bytes *text)
{
    const struct log_end *end = &r->tx.published;
    bytes_printf(text, "{\"position\":%llu,\"entities\":%llu,\"lastEventAt\":", (unsigned long long)end->position,
        (unsigned long long)end->entities);
    if (end->position)
        when_quote(text, end->at_us);
    else
        bytes_add_text(text, "null");
    bytes_add_text(text, ",\"hooks\":");
    int error = at_rest_show(&r->tx.reader, text);
    bytes_add_char(text, '}');
    return error ? error : text->failed ? -ENOMEM : 0;
}

static bool show_resting(struct status *s, const struct survey *survey, const struct tenant_info *tenant)
{
    BYTES_AUTO text = {0};
    char path[512];
    struct rehearsal rehearsal;
    struct reason why = {0};
    survey_file(survey, tenant->name, path);
    struct tenant_options options = {
        .number = tenant->number, .name = tenant->name, .path = path, .sqids = &survey->sqids};
    int error = rehearsal_open(&rehearsal, &options, survey->mode, &why);
    if (!error) {
        error = describe(&rehearsal, &text);
        rehearsal_close(&rehearsal);
    }
    if (error)
        command_complain("status", tenant->name, why.text[0] ? why.text : strerror(-error));
    else
        show_tenant(s, tenant->name, bytes_slice(&text), survey->lock_fd < 0 ? "; served elsewhere" : "; not mounted");
    return !error;
}

static bool show_store(struct status *s, const char *path)
{
    struct survey survey;
    struct reason why = {0};
    bool read = true;
    if (survey_open(&survey, path, &why)) {
        command_complain("status", path, why.text);
        return false;
    }
    for (uint32_t i = 0; i < survey.count; i++)
        read &= show_resting(s, &survey, &survey.tenants[i]);
    survey_close(&survey);
    return read;
}

// False when something could not be read, which was said; *error is that of the output.
static bool show_path(struct status *s, const char *path, int *error)
{
    TENANTS_AUTO tenants = {0};
    int unknown = tenants_add(&tenants, "status", path);
    bool read = unknown == -ENOTCONN ? show_store(s, path) : !unknown;
    for (size_t i = 0; i < tenants.count; i++)
        read &= show_mounted(s, &tenants.all[i]);
    *error = terminal_write(&s->out);
    return read;
}

// ---- the command line

int status_main(int argc, char **argv)
{
    struct status s = {0};
    const struct command command = {
        .name = "status",
        .usage = usage,
        .options = {{"quiet", 'q', .given = &s.quiet}, {"utc", .given = &s.utc}, {"color", .colour = &s.colour}},
        .operands_least = 1,
        .operands_most = INT_MAX,
    };
    int status = command_read(&command, argc, argv);
    if (status >= 0)
        return status;
    bool wrong = false;
    signal(SIGPIPE, SIG_IGN);
    int error = 0;
    for (int i = optind; !error && i < argc; i++)
        wrong |= !show_path(&s, argv[i], &error);
    if (error && error != -EPIPE)
        command_complain("status", "standard output", strerror(-error));
    bytes_free(&s.out);
    bytes_free(&s.decoded);
    return wrong || (error && error != -EPIPE) ? EXIT_FAILURE : s.unwell ? EXIT_UNWELL : EXIT_SUCCESS;
}
