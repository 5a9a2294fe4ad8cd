#include "cli/lake.h"

#include "cli/command.h"
#include "cli/terminal.h"
#include "hooks/lake/check.h"
#include "hooks/lake/flush.h"
#include "hooks/lake/metadata.h"
#include "hooks/lake/orphans.h"
#include "hooks/lake/request.h"
#include "hooks/lake/upkeep.h"
#include "store/grow.h"
#include "store/json.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static const char usage[] =
    "Usage: factfs lake status | flush | compact | expire | orphans | remove-orphans | check STORE\n"
    "The table of Apache Iceberg that the events of STORE are kept in (factfs -o lake=DIR STORE MOUNT).\n"
    "\n"
    "  status  how far each tenant is in the table, and how large it is\n"
    "  flush   bring all that was recorded into the table now\n"
    "  compact merge small files of a tenant and a day\n"
    "  expire  let go of what the table was before: a day, and the last 100 snapshots, stay\n"
    "  orphans list files that lie there and that the table does not name, older than three days\n"
    "  remove-orphans\n"
    "          … and remove them\n"
    "  check   prove that each event up to there is in the table once, and byte for byte as in the log\n"
    "\n"
    "      --lake=DIR  the table; what it was at the last mount, if it is not given\n"
    "      --help      show this\n"
    "\n"
    "STORE may be mounted meanwhile. Exit status: 0 all is well; 1 it is not; 2 wrong usage.\n";

// A store and its table, to look at.
struct view_of_lake {
    struct lake_options options;
    struct survey survey;
    struct committer committer;
};

static int complain(const char *what, const struct reason *why, int error)
{
    fprintf(stderr, "factfs lake %s: %s\n", what, why->text[0] ? why->text : strerror(-error));
    return EXIT_FAILURE;
}

static int find_place(struct lake_options *options, const char *store, const char *given, struct reason *why)
{
    BYTES_AUTO option = {0};
    *options = lake_options_usual();
    if (!given)
        return lake_place_recall(store, options, why);
    bytes_printf(&option, "lake=%s", given);
    bytes_add_char(&option, '\0');
    return option.failed ? -ENOMEM : lake_option(options, option.at, why);
}

static int open_view(struct view_of_lake *v, const char *store, const char *given, struct reason *why)
{
    *v = (struct view_of_lake){.survey.lock_fd = -1, .committer.journal.fd = -1};
    int error = survey_open(&v->survey, store, why);
    if (!error)
        error = find_place(&v->options, store, given, why);
    if (!error)
        error = committer_open(&v->committer, &v->options, NULL, v->survey.alphabet, NULL, why);
    if (!error)
        error = committer_load(&v->committer, false, why);
    return error;
}

static void close_view(struct view_of_lake *v)
{
    committer_close(&v->committer);
    survey_close(&v->survey);
}

// ---- status

static void show_total(struct slice summary, const char *name, const char *called)
{
    BYTES_AUTO text = {0};
    if (metadata_text(summary, name, &text))
        printf("%s %.*s\n", called, SLICE_ARG(bytes_slice(&text)));
}

static void show_tenant(const struct view_of_lake *v, const struct tenant_info *tenant)
{
    char path[512];
    struct engine *engine;
    struct event_row last = {0};
    struct reason why = {0};
    uint64_t position;
    survey_file(&v->survey, tenant->name, path);
    if (access(path, F_OK))
        return;
    if (committer_position(&v->committer, tenant->name, &position, &why) ||
        engine_open(&engine, path, v->survey.mode, &why)) {
        fprintf(stderr, "factfs lake status: %s\n", why.text);
        return;
    }
    engine_last_event(engine, &last);
    engine_close(engine);
    printf("%s: %llu of %llu events", tenant->name, (unsigned long long)position, (unsigned long long)last.position);
    printf(last.position > position ? ", %llu wait\n" : "\n", (unsigned long long)(last.position - position));
}

static int show_status(const char *store, const char *given)
{
    struct view_of_lake v;
    struct reason why = {0};
    struct slice snapshot, summary;
    int error = open_view(&v, store, given, &why);
    if (!error) {
        struct slice metadata = bytes_slice(&v.committer.table.metadata);
        printf("table %s\n", v.options.place);
        if (metadata_snapshot(metadata, metadata_current(metadata), &snapshot) &&
            json_member(snapshot, "summary", &summary)) {
            show_total(summary, "total-data-files", "files");
            show_total(summary, "total-records", "rows");
            show_total(summary, "total-files-size", "bytes");
        }
        for (uint32_t i = 0; i < v.survey.count; i++)
            show_tenant(&v, &v.survey.tenants[i]);
    }
    close_view(&v);
    return error ? complain("status", &why, error) : EXIT_SUCCESS;
}

// ---- check

static void tell_tenant(void *context, const struct check_tenant *tenant)
{
    BYTES_AUTO out = {0};
    (void)context;
    bytes_printf(&out, "%s: ", tenant->name);
    if (tenant->wrong.text[0])
        terminal_add(&out, slice_of(tenant->wrong.text), SIZE_MAX);
    else
        bytes_printf(&out, "%llu of %llu events, in %llu files, whole", (unsigned long long)tenant->position,
            (unsigned long long)tenant->end, (unsigned long long)tenant->files);
    bytes_add_char(&out, '\n');
    if (out.failed || terminal_write(&out))
        perror("factfs lake check");
}

static int run_check(const char *store, const char *given)
{
    struct view_of_lake v;
    struct reason why = {0};
    int error = open_view(&v, store, given, &why);
    struct check check = {.committer = &v.committer, .survey = &v.survey, .tenant = tell_tenant};
    if (!error)
        error = check_run(&check, &why);
    close_view(&v);
    if (error)
        return complain("check", &why, error);
    return check.whole ? EXIT_SUCCESS : EXIT_FAILURE;
}

// ---- what changes the table: the daemon that has the store does it; without one, this does

struct alone {
    struct lake_options options;
    struct store *store;
    struct committer committer;
};

typedef int alone_act(struct alone *alone, struct bytes *said, struct reason *why);

static int open_alone(struct alone *a, const char *path, const char *given, struct reason *why)
{
    *a = (struct alone){.committer.journal.fd = -1};
    int error = find_place(&a->options, path, given, why);
    if (!error)
        error = store_open(&a->store, path, NULL, NULL, why);
    if (!error)
        error = committer_open(&a->committer, &a->options, store_path(a->store), store_alphabet(a->store), NULL, why);
    return error;
}

static void close_alone(struct alone *a)
{
    committer_close(&a->committer);
    if (a->store)
        store_close(a->store);
}

static int flush_alone(struct alone *a, struct bytes *said, struct reason *why)
{
    struct flush_result done = {0};
    uint32_t *tenants = NULL;
    size_t count = 0, room = 0;
    struct tenant_info info = {0};
    int error = 0;
    while (!error && store_from(a->store, info.number + 1, &info) == 0) {
        if (!GROW(tenants, count, room))
            error = -ENOMEM;
        else
            tenants[count++] = info.number;
    }
    if (!error)
        error = flush_run(&a->committer, a->store, tenants, count, &done, why);
    free(tenants);
    if (!error)
        flush_print(said, &done);
    return error;
}

static void say(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "factfs lake compact: %s\n", text);
}

static int compact_alone(struct alone *a, struct bytes *said, struct reason *why)
{
    struct upkeep upkeep = {.say = say};
    struct compact_result sum;
    int error = upkeep_run(&upkeep, &a->committer, when_now_us(), &sum, why);
    if (!error)
        upkeep_print(said, &sum);
    return error;
}

static int expire_alone(struct alone *a, struct bytes *said, struct reason *why)
{
    struct expired done;
    int error = upkeep_expire(&a->committer, &done, why);
    upkeep_print_expired(said, &done);
    return error;
}

static int remove_orphans_alone(struct alone *a, struct bytes *said, struct reason *why)
{
    return orphans_print(&a->committer, true, said, why);
}

static int do_alone(alone_act *act, const char *store, const char *given, struct bytes *said, struct reason *why)
{
    struct alone a;
    int error = open_alone(&a, store, given, why);
    if (!error)
        error = act(&a, said, why);
    close_alone(&a);
    return error;
}

static int act_on(const char *word, alone_act *act, const char *store, const char *given)
{
    struct reason why = {0};
    BYTES_AUTO said = {0};
    bool failed = false;
    int error = request_send(store, word, &said, &failed);
    if (error == -ENOENT)
        error = do_alone(act, store, given, &said, &why);
    if (error)
        return complain(word, &why, error);
    fprintf(failed ? stderr : stdout, "%s%.*s", failed ? "factfs lake: " : "", SLICE_ARG(bytes_slice(&said)));
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_flush(const char *store, const char *given)
{
    return act_on("flush", flush_alone, store, given);
}

static int run_compact(const char *store, const char *given)
{
    return act_on("compact", compact_alone, store, given);
}

static int run_expire(const char *store, const char *given)
{
    return act_on("expire", expire_alone, store, given);
}

static int run_remove_orphans(const char *store, const char *given)
{
    return act_on("remove-orphans", remove_orphans_alone, store, given);
}

static int show_orphans(const char *store, const char *given)
{
    struct view_of_lake v;
    struct reason why = {0};
    BYTES_AUTO out = {0};
    int error = open_view(&v, store, given, &why);
    if (!error)
        error = orphans_print(&v.committer, false, &out, &why);
    close_view(&v);
    if (!error && terminal_write(&out))
        error = -errno;
    return error ? complain("orphans", &why, error) : EXIT_SUCCESS;
}

int lake_main(int argc, char **argv)
{
    static const struct {
        const char *word;
        int (*run)(const char *store, const char *place);
    } words[] = {
        {"status", show_status},
        {"flush", run_flush},
        {"compact", run_compact},
        {"expire", run_expire},
        {"orphans", show_orphans},
        {"remove-orphans", run_remove_orphans},
        {"check", run_check},
    };
    const char *place = NULL;
    const struct command command = {
        .name = "lake",
        .usage = usage,
        .options = {{"lake", 0, .text = &place}},
        .operands_least = 2,
        .operands_most = 2,
    };
    int status = command_read(&command, argc, argv);
    if (status >= 0)
        return status;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(argv[optind], words[i].word) == 0)
            return words[i].run(argv[optind + 1], place);
    return command_misused(&command);
}
