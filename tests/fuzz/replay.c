// Tries the inputs of a directory: NAME_replay CORPUS_DIR
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>

static struct bytes read_file(const char *directory, const char *name)
{
    struct bytes text = {0};
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "r");
    char *at;
    size_t size = 1;
    while (file && size && (at = bytes_reserve(&text, 65536))) {
        size = fread(at, 1, 65536, file);
        text.size += size;
    }
    if (!file || ferror(file) || text.failed) {
        printf("Bail out! %s: %s\n", path, strerror(errno));
        exit(EXIT_FAILURE);
    }
    fclose(file);
    return text;
}

int main(int argc, char **argv)
{
    DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
    if (!directory) {
        printf("Bail out! no directory of inputs\n");
        return EXIT_FAILURE;
    }
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.')
            continue;
        BYTES_AUTO text = read_file(argv[1], entry->d_name);
        // Of its own size, so that a sanitizer sees a read behind its end.
        uint8_t *exact = malloc(text.size + !text.size);
        if (!exact)
            return EXIT_FAILURE;
        if (text.size)
            memcpy(exact, text.at, text.size);
        LLVMFuzzerTestOneInput(exact, text.size);
        free(exact);
        count++;
    }
    closedir(directory);
    printf("%s every input of %s holds, %u of them\n", count ? "ok" : "not ok", argv[1], count);
    return count ? EXIT_SUCCESS : EXIT_FAILURE;
}
