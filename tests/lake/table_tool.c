// table_tool make DIRECTORY [--files N] [--rows N] [--commits N]: a table of N small files of 20 tenants and 3 days.
// table_tool compact DIRECTORY: compacts all that is worth it; prints what it took, as JSON.
#include "hooks/lake/compact.h"
#include "store/when.h"
#include "tests/lake/table.h"

#include <getopt.h>
#include <sys/resource.h>

#define TENANTS 20u
#define DAYS    3u
#define DAY     20454 // 2026-01-01

static void make(const char *directory, unsigned files, unsigned rows, unsigned commits)
{
    struct table t;
    table_open(&t, directory);
    for (unsigned i = 0; i < files; i++) {
        char tenant[16];
        snprintf(tenant, sizeof tenant, "tenant-%u", i % TENANTS);
        if (i % (files / commits) == 0)
            table_begin(&t);
        table_file(&t, tenant, DAY + (int32_t)(i * DAYS / files), rows / files);
        if ((i + 1) % (files / commits) == 0 || i + 1 == files)
            table_commit(&t);
    }
    printf("{\"rows\":%llu}\n", (unsigned long long)t.position);
    table_close(&t);
}

static void on_left(void *context, struct slice path, const char *why)
{
    (void)context;
    fprintf(stderr, "%.*s: %s\n", SLICE_ARG(path), why);
}

static void compact(const char *directory)
{
    static struct compactor compactor;
    struct table t;
    struct compact_result all = {0}, one;
    table_open(&t, directory);
    int64_t began_ns = when_steady_ns();
    do {
        struct reason why = {0};
        one = (struct compact_result){.on_left = on_left};
        table_expect(compact_run(&compactor, &t.committer, when_now_us(), &one, &why), &why);
        all.partitions += one.partitions;
        all.rows += one.rows;
        all.files_before += one.files_before;
        all.files_after += one.files_after;
        all.bytes_before += one.bytes_before;
        all.bytes_after += one.bytes_after;
        all.left += one.left;
    } while (one.more);
    struct rusage usage;
    double seconds = (double)(when_steady_ns() - began_ns) / 1e9;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"partitions\":%llu,\"rows\":%llu,\"files_before\":%llu,\"files_after\":%llu,\"bytes_before\":%llu,"
           "\"bytes_after\":%llu,\"left\":%llu,\"manifests\":%llu,\"seconds\":%.6f,\"peak_kib\":%ld}\n",
        (unsigned long long)all.partitions, (unsigned long long)all.rows, (unsigned long long)all.files_before,
        (unsigned long long)all.files_after, (unsigned long long)all.bytes_before, (unsigned long long)all.bytes_after,
        (unsigned long long)all.left, (unsigned long long)one.manifests_after, seconds, usage.ru_maxrss);
    table_close(&t);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"files", required_argument, NULL, 'f'},
        {"rows", required_argument, NULL, 'r'}, {"commits", required_argument, NULL, 'c'}, {0}};
    unsigned files = 4000, rows = 200000, commits = 10;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        unsigned *into = o == 'f' ? &files : o == 'r' ? &rows : o == 'c' ? &commits : NULL;
        if (!into)
            return 2;
        *into = (unsigned)strtoul(optarg, NULL, 10);
    }
    if (argc - optind != 2)
        return 2;
    check_ok = true;
    if (strcmp(argv[optind], "make") == 0)
        make(argv[optind + 1], files, rows, commits);
    else
        compact(argv[optind + 1]);
    return check_ok ? 0 : 1;
}
