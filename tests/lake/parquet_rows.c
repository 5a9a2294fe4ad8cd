// parquet_rows write FILE [--rows N] [--seed N] [--level N] [--json FILE]: writes N rows (tests/lake/rows.h), and the
// same rows as lines of JSON, which owe nothing to the writer. Prints what it took and the facts of the file, as JSON.
// parquet_rows read FILE [--count]: prints the file's rows as lines of JSON, or how many there are and what it took.
#include "hooks/lake/parquet_read.h"
#include "hooks/lake/parquet_write.h"
#include "store/json.h"
#include "tests/lake/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char schema[] = "{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
                             "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"string\"},"
                             "{\"id\":2,\"name\":\"type\",\"required\":true,\"type\":\"string\"},"
                             "{\"id\":3,\"name\":\"target\",\"required\":true,\"type\":\"string\"},"
                             "{\"id\":4,\"name\":\"actor\",\"required\":true,\"type\":\"string\"},"
                             "{\"id\":5,\"name\":\"timestamp\",\"required\":true,\"type\":\"timestamptz\"},"
                             "{\"id\":6,\"name\":\"data\",\"required\":true,\"type\":\"string\"},"
                             "{\"id\":7,\"name\":\"tenant\",\"required\":true,\"type\":\"string\"},"
                             "{\"id\":8,\"name\":\"version\",\"required\":true,\"type\":\"long\"},"
                             "{\"id\":9,\"name\":\"metadata\",\"required\":false,\"type\":\"string\"},"
                             "{\"id\":10,\"name\":\"position\",\"required\":true,\"type\":\"long\"}]}";

_Noreturn static void give_up(const char *what, int error)
{
    fprintf(stderr, "parquet_rows: %s: %s\n", what, strerror(-error));
    exit(1);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

// ---- rows as JSON

static void print_row(struct bytes *out, const struct lake_value *row)
{
    for (size_t i = 0; i < LAKE_COLUMNS; i++) {
        bytes_printf(out, "%s\"%s\":", i ? "," : "{", lake_columns[i].name);
        if (row[i].is_null)
            bytes_add_text(out, "null");
        else if (lake_columns[i].type == LAKE_STRING)
            json_quote(out, row[i].text);
        else
            bytes_printf(out, "%lld", (long long)row[i].number);
    }
    bytes_add_text(out, "}\n");
}

static void flush(struct bytes *out, FILE *to)
{
    if (out->failed || fwrite(out->at, 1, out->size, to) != out->size)
        give_up("write", -EIO);
    bytes_clear(out);
}

// ---- writing

static int to_file(void *context, struct slice bytes)
{
    const int *fd = context;
    while (bytes.size) {
        ssize_t done = write(*fd, bytes.at, bytes.size);
        if (done < 0)
            return -errno;
        bytes.at += done;
        bytes.size -= (size_t)done;
    }
    return 0;
}

static void print_bound(const char *name, const struct bound *bound)
{
    printf(",\"%s\":", name);
    if (!bound->is_known) {
        printf("null");
        return;
    }
    printf("\"");
    for (size_t i = 0; i < bound->size; i++)
        printf("%02x", (unsigned char)bound->at[i]);
    printf("\"");
}

static void print_facts(const struct parquet_facts *facts, double seconds)
{
    printf("{\"rows\":%llu,\"size\":%llu,\"seconds\":%.6f,\"peak_kib\":%ld,\"splits\":[",
        (unsigned long long)facts->rows, (unsigned long long)facts->size_bytes, seconds, peak_kib());
    for (size_t i = 0; i < facts->split_count; i++)
        printf("%s%llu", i ? "," : "", (unsigned long long)facts->splits[i]);
    printf("],\"columns\":[");
    for (size_t i = 0; i < facts->column_count; i++) {
        const struct parquet_column_facts *c = &facts->columns[i];
        printf("%s{\"id\":%d,\"size\":%llu,\"values\":%llu,\"nulls\":%llu", i ? "," : "", c->id,
            (unsigned long long)c->size_bytes, (unsigned long long)c->values, (unsigned long long)c->nulls);
        print_bound("lower", &c->lower);
        print_bound("upper", &c->upper);
        printf("}");
    }
    printf("]}\n");
}

// Rows are made some thousand at a time, and the clock runs only while they are written.
#define BATCH 4096

struct batch {
    struct rows texts[BATCH];
    struct lake_value rows[BATCH][LAKE_COLUMNS];
};

static void make_batch(struct batch *batch, struct rows *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        batch->texts[i] = i ? batch->texts[i - 1] : *from;
        rows_next(&batch->texts[i], batch->rows[i]);
    }
    *from = batch->texts[count - 1];
}

static void print_rows(const struct batch *batch, size_t count, FILE *to)
{
    BYTES_AUTO text = {0};
    for (size_t i = 0; i < count; i++)
        print_row(&text, batch->rows[i]);
    flush(&text, to);
}

static void write_rows(const char *path, uint64_t count, struct rows rows, int level, const char *json)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    FILE *lines = json ? fopen(json, "we") : NULL;
    struct batch *batch = malloc(sizeof *batch);
    if (fd < 0 || (json && !lines) || !batch)
        give_up(path, -errno);
    struct parquet_writer *writer;
    struct reason why = {0};
    struct parquet_facts facts = {0};
    double began = now_s(), seconds = 0;
    int error = parquet_writer_open(
        &writer, lake_columns, LAKE_COLUMNS, &(struct parquet_options){.schema = SLICE(schema), .level = level});
    if (error)
        give_up("writer", error);
    error = parquet_begin(writer, (struct parquet_sink){.write = to_file, .context = &fd});
    seconds += now_s() - began;
    for (uint64_t left = count; left && !error;) {
        size_t some = left < BATCH ? (size_t)left : BATCH;
        make_batch(batch, &rows, some);
        if (lines)
            print_rows(batch, some, lines);
        began = now_s();
        for (size_t i = 0; i < some && !error; i++)
            error = parquet_add(writer, batch->rows[i], &why);
        seconds += now_s() - began;
        left -= some;
    }
    began = now_s();
    if (!error)
        error = parquet_end(writer, &facts);
    seconds += now_s() - began;
    if (error)
        give_up(why.text[0] ? why.text : path, error);
    if (lines)
        fclose(lines);
    print_facts(&facts, seconds);
    parquet_facts_free(&facts);
    parquet_writer_free(writer);
    free(batch);
    close(fd);
}

// ---- reading

static int from_file(void *context, uint64_t offset, char *to, size_t size)
{
    const int *fd = context;
    while (size) {
        ssize_t done = pread(*fd, to, size, (off_t)offset);
        if (done <= 0)
            return done ? -errno : -EIO;
        to += done;
        offset += (uint64_t)done;
        size -= (size_t)done;
    }
    return 0;
}

static void read_rows(const char *path, bool counts)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        give_up(path, -errno);
    struct parquet_reader *reader;
    struct lake_value row[LAKE_COLUMNS];
    struct reason why = {0};
    BYTES_AUTO text = {0};
    int error = parquet_reader_open(&reader, lake_columns, LAKE_COLUMNS);
    if (error)
        give_up("reader", error);
    double began = now_s();
    uint64_t count = 0;
    struct parquet_source source = {.read = from_file, .context = &fd, .size_bytes = (uint64_t)st.st_size};
    error = parquet_read(reader, source, &why);
    int found = 0;
    for (; !error && (found = parquet_next(reader, row, &why)) > 0; count++) {
        if (counts)
            continue;
        print_row(&text, row);
        if (text.size > 1 << 16)
            flush(&text, stdout);
    }
    if (error || found < 0)
        give_up(why.text, error ? error : found);
    if (counts)
        printf("{\"rows\":%llu,\"seconds\":%.6f,\"peak_kib\":%ld}\n", (unsigned long long)count, now_s() - began,
            peak_kib());
    else
        flush(&text, stdout);
    parquet_reader_free(reader);
    close(fd);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"rows", required_argument, NULL, 'r'},
        {"seed", required_argument, NULL, 's'}, {"level", required_argument, NULL, 'l'},
        {"json", required_argument, NULL, 'j'}, {"count", no_argument, NULL, 'c'}, {0}};
    uint64_t count = 1000;
    struct rows rows = {.seed = 1};
    int level = 0;
    bool counts = false;
    const char *json = NULL;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (o) {
        case 'r':
            count = strtoull(optarg, NULL, 10);
            break;
        case 's':
            rows.seed = strtoull(optarg, NULL, 10);
            break;
        case 'l':
            level = atoi(optarg);
            break;
        case 'j':
            json = optarg;
            break;
        case 'c':
            counts = true;
            break;
        default:
            return 2;
        }
    if (argc - optind != 2)
        return 2;
    if (strcmp(argv[optind], "write") == 0)
        write_rows(argv[optind + 1], count, rows, level, json);
    else
        read_rows(argv[optind + 1], counts);
    return 0;
}
