#include "cli/verify.h"

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "store/proof.h"
#include "store/survey.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static const char usage[] =
    "Usage: factfs verify STORE [TENANT]...\n"
    "Proves that the logs of all tenants of STORE, or of those named, are whole and unchanged: the chain of hashes,\n"
    "checksums, versions, positions and times, and that the index agrees. Names the first event that does not fit.\n"
    "STORE may be mounted meanwhile. Nothing is changed.\n"
    "\n"
    "  -q, --quiet  say nothing of tenants that are whole\n"
    "      --help   show this\n"
    "\n"
    "Exit status: 0 all is well; 1 something does not fit or cannot be read; 2 wrong usage.\n";

static void show(void *context, uint64_t done, uint64_t total)
{
    progress_show(context, done, total);
}

static void tell_whole(const struct tenant_info *tenant, const struct proof *proof)
{
    char hash[CHAIN_TEXT];
    chain_print(hash, proof->hash);
    printf("%s: %llu events, whole%s%s\n", tenant->name, (unsigned long long)proof->events,
        proof->events ? "; hash " : "", proof->events ? hash : "");
}

// What is damaged may hold any bytes.
static void tell_wrong(const char *where, const char *what)
{
    BYTES_AUTO out = {0};
    bytes_printf(&out, "%s: ", where);
    terminal_add(&out, slice_of(what), SIZE_MAX);
    bytes_add_char(&out, '\n');
    fflush(stdout);
    if (out.failed || terminal_write(&out))
        perror("factfs verify");
}

static bool verify_one(const struct survey *survey, const struct tenant_info *tenant, bool quiet)
{
    char path[512];
    struct proof proof;
    struct progress progress;
    survey_file(survey, tenant->name, path);
    progress_begin(&progress, tenant->name, "events", 1);
    struct proof_subject subject = {.path = path,
        .mode = survey->mode,
        .number = tenant->number,
        .sqids = &survey->sqids,
        .progress = show,
        .context = &progress};
    int error = proof_make(&subject, &proof);
    progress_clear(&progress);
    if (!error && !quiet)
        tell_whole(tenant, &proof);
    if (proof.log.text[0])
        tell_wrong(tenant->name, proof.log.text);
    if (proof.beside.text[0])
        tell_wrong(tenant->name, proof.beside.text);
    if (error && !proof.log.text[0] && !proof.beside.text[0])
        tell_wrong(tenant->name, strerror(-error));
    fflush(stdout);
    return error == 0;
}

static int verify_store(const char *path, char **names, int count, bool quiet)
{
    struct survey survey;
    struct reason why = {0};
    bool whole = true;
    if (survey_open(&survey, path, &why)) {
        fprintf(stderr, "factfs verify: %s\n", why.text);
        return EXIT_FAILURE;
    }
    if (survey_check(&survey, &why)) {
        tell_wrong("catalog", why.text);
        whole = false;
    }
    for (uint32_t i = 0; !count && i < survey.count; i++)
        whole &= verify_one(&survey, &survey.tenants[i], quiet);
    for (int i = 0; i < count; i++) {
        const struct tenant_info *tenant = survey_find(&survey, names[i]);
        if (!tenant)
            fprintf(stderr, "factfs verify: %s has no tenant %s\n", path, names[i]);
        whole &= tenant && verify_one(&survey, tenant, quiet);
    }
    survey_close(&survey);
    return whole ? EXIT_SUCCESS : EXIT_FAILURE;
}

int verify_main(int argc, char **argv)
{
    bool quiet = false;
    const struct command command = {
        .name = "verify",
        .usage = usage,
        .options = {{"quiet", 'q', .given = &quiet}},
        .operands_least = 1,
        .operands_most = INT_MAX,
    };
    int status = command_read(&command, argc, argv);
    return status >= 0 ? status : verify_store(argv[optind], argv + optind + 1, argc - optind - 1, quiet);
}
