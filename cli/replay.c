#include "cli/replay.h"

#include "cli/command.h"
#include "hooks/handlers/handler.h"
#include "hooks/hooks.h"
#include "store/rehearsal.h"
#include "store/survey.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES (size_t)(1 << 20)

static const char usage[] =
    "usage: factfs replay STORE TENANT HANDLER [--since=WHEN] --dry-run\n"
    "Shows what a handler would have done at each event, on the tenant as it was then: a line\n"
    "{\"cause\":ID,\"events\":[...]} or {\"cause\":ID,\"error\":TEXT} for each event at which it does something.\n"
    "Nothing is changed; the store may be mounted. HANDLER is the name of a saved one (Deal.closed), or the\n"
    "path of a file with such a name, to try it before it is saved.\n"
    "      --since=WHEN      from a moment (2026-01-15, 2h-ago), or from an event (evt_...) on, inclusive\n"
    "      --dry-run         must be given: there is no other kind of replay\n"
    "      --help            show this\n";

struct replay {
    const char *store, *tenant, *handler, *since;
};

static int complain(const char *what, const char *why)
{
    command_complain("replay", what, why);
    return EXIT_FAILURE;
}

static int read_text(const char *path, struct bytes *text)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return -errno;
    char *to = bytes_reserve(text, FILE_BYTES);
    text->size = to ? fread(to, 1, FILE_BYTES, file) : 0;
    int error = !to ? -ENOMEM : ferror(file) ? -EIO : 0;
    fclose(file);
    return error;
}

// A saved handler by its name, or a file with such a name.
static int choose(const struct replay *replay, struct handlers *handlers, struct handler **handler, struct reason *why)
{
    BYTES_AUTO text = {0};
    BYTES_AUTO name = {0};
    const char *slash = strrchr(replay->handler, '/');
    size_t size = strlen(replay->handler);
    bool is_path = slash || (size > 3 && !strcmp(replay->handler + size - 3, ".js"));
    if (!is_path) {
        bytes_printf(&name, "%s.js", replay->handler);
        int error = handlers_choose(handlers, bytes_slice(&name), NULL, handler, why);
        return error || *handler ? error : reason_set(why, -ENOENT, "there is no such handler");
    }
    int error = read_text(replay->handler, &text);
    if (error)
        return reason_set(why, error, "%s", strerror(-error));
    bytes_add_text(&name, slash ? slash + 1 : replay->handler);
    struct slice content = bytes_slice(&text);
    return handlers_choose(handlers, bytes_slice(&name), &content, handler, why);
}

// The first position to look at.
static int begin_at(struct rehearsal *r, const char *since, uint64_t *position, struct reason *why)
{
    struct when when;
    *position = 1;
    if (!since)
        return 0;
    int error = when_parse(slice_of(since), &when);
    if (!error && when.kind == WHEN_VERSION)
        error = -EINVAL;
    if (error)
        return reason_set(why, error, "no moment: 2026-01-15, 2026-01-15T10:00:00Z, 2h-ago or evt_…");
    if (when.kind == WHEN_EVENT) {
        error = history_position_of(&r->tx.reader, when.id, position);
        return error ? reason_set(why, error, "there is no such event") : 0;
    }
    if (when.kind == WHEN_AGO)
        when.at_us = when_now_us() - when.ago_us;
    error = history_position_at(&r->tx.reader, when.at_us - 1, position);
    ++*position;
    return error ? reason_set(why, error, "%s", strerror(-error)) : 0;
}

static int run(struct rehearsal *r, struct handler *handler, uint64_t from, struct reason *why)
{
    int error = 0;
    for (uint64_t position = from; !error && position <= r->tx.published.position; position++) {
        BYTES_AUTO line = {0};
        rehearsal_at(r, handler->time == HANDLER_AFTER ? position : position - 1);
        error = handlers_replay(handler, &r->tx, position, &line);
        if (error)
            return reason_set(why, error, "event %llu: %s", (unsigned long long)position, strerror(-error));
        if (line.size && fwrite(line.at, 1, line.size, stdout) != line.size)
            return reason_set(why, -errno, "%s", strerror(errno));
    }
    return fflush(stdout) ? -errno : error;
}

static int replay_tenant(const struct replay *replay, const struct survey *survey, const struct tenant_info *tenant)
{
    char path[512];
    struct rehearsal rehearsal;
    struct reason why = {0};
    struct handler *handler;
    uint64_t from;
    survey_file(survey, tenant->name, path);
    struct tenant_options options = {.number = tenant->number,
        .name = tenant->name,
        .path = path,
        .sqids = &survey->sqids,
        .reactor = &hooks_reactor};
    int error = rehearsal_open(&rehearsal, &options, survey->mode, &why);
    if (error)
        return complain(replay->tenant, why.text[0] ? why.text : strerror(-error));
    struct handlers *handlers = ((struct reaction *)rehearsal.tenant->reaction)->handlers;
    const char *what = replay->handler;
    error = choose(replay, handlers, &handler, &why);
    if (!error) {
        what = replay->since ? replay->since : replay->tenant;
        error = begin_at(&rehearsal, replay->since, &from, &why);
    }
    if (!error) {
        what = replay->tenant;
        error = run(&rehearsal, handler, from, &why);
    }
    rehearsal_close(&rehearsal);
    return error ? complain(what, why.text[0] ? why.text : strerror(-error)) : EXIT_SUCCESS;
}

static int replay_store(const struct replay *replay)
{
    struct survey survey;
    struct reason why = {0};
    if (survey_open(&survey, replay->store, &why))
        return complain(replay->store, why.text);
    const struct tenant_info *tenant = survey_find(&survey, replay->tenant);
    int status = tenant ? replay_tenant(replay, &survey, tenant) : complain(replay->tenant, "there is no such tenant");
    survey_close(&survey);
    return status;
}

int replay_main(int argc, char **argv)
{
    struct replay replay = {0};
    bool dry = false;
    const struct command command = {
        .name = "replay",
        .usage = usage,
        .options = {{"since", .text = &replay.since}, {"dry-run", .given = &dry}},
        .operands_least = 3,
        .operands_most = 3,
    };
    // Handlers see UTC, wherever they run.
    setenv("TZ", "UTC0", 1);
    tzset();
    int status = command_read(&command, argc, argv);
    if (status >= 0)
        return status;
    if (!dry)
        return command_misused(&command);
    replay.store = argv[optind];
    replay.tenant = argv[optind + 1];
    replay.handler = argv[optind + 2];
    return replay_store(&replay);
}
