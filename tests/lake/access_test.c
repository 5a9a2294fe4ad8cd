// What the lake is told of keys and addresses, by the environment and by a file.
#include "hooks/lake/access.h"
#include "tests/store/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/factfs-access-XXXXXX";

static void write_file(const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) || chmod(path, mode))
        abort();
}

static void the_environment_is_read(void)
{
    struct access access;
    setenv("AWS_ACCESS_KEY_ID", "AK", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "SK", 1);
    setenv("AWS_DEFAULT_REGION", "eu-west-1", 1);
    setenv("AWS_SESSION_TOKEN", "", 1);
    CHECK_INT(access_read(&access, NULL, NULL), 0);
    CHECK_TEXT(slice_of(access.values[ACCESS_KEY_ID]), "AK");
    CHECK_TEXT(slice_of(access.values[ACCESS_SECRET]), "SK");
    CHECK_TEXT(slice_of(access.values[ACCESS_REGION]), "eu-west-1");
    CHECK(!access.values[ACCESS_SESSION] && !access.values[ACCESS_ENDPOINT]);
    access_clear(&access);
    setenv("AWS_REGION", "eu-west-2", 1);
    CHECK_INT(access_read(&access, NULL, NULL), 0);
    CHECK_TEXT(slice_of(access.values[ACCESS_REGION]), "eu-west-2");
    access_clear(&access);
}

static void a_file_goes_before_the_environment(void)
{
    struct access access;
    write_file("# keys of the lake\n\n AWS_ACCESS_KEY_ID = other\r\nAWS_ENDPOINT_URL=http://127.0.0.1:9000\n"
               "FACTFS_LAKE_CLIENT=id:with=signs",
        0600);
    CHECK_INT(access_read(&access, path, NULL), 0);
    CHECK_TEXT(slice_of(access.values[ACCESS_KEY_ID]), "other");
    CHECK_TEXT(slice_of(access.values[ACCESS_SECRET]), "SK");
    CHECK_TEXT(slice_of(access.values[ACCESS_ENDPOINT]), "http://127.0.0.1:9000");
    CHECK_TEXT(slice_of(access.values[ACCESS_CLIENT]), "id:with=signs");
    access_clear(&access);
}

static void a_file_that_others_can_read_is_refused(void)
{
    static const mode_t modes[] = {0644, 0640, 0604, 0620, 0602};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct access access;
        struct reason why = {0};
        write_file("AWS_ACCESS_KEY_ID=other\n", modes[i]);
        CHECK_INT(access_read(&access, path, &why), -EACCES);
        CHECK(strstr(why.text, "chmod 600"));
        CHECK(!access.values[ACCESS_KEY_ID]);
    }
    struct access access;
    CHECK_INT(access_read(&access, "/nowhere", NULL), -ENOENT);
    CHECK_INT(access_read(&access, "/tmp", NULL), -EINVAL);
}

static void a_line_that_is_none_is_refused_and_not_shown(void)
{
    static const char *const wrong[] = {"s3cret\n", "AWS_SECRET=s3cret\n", "=s3cret"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct access access;
        struct reason why = {0};
        write_file(wrong[i], 0600);
        CHECK_INT(access_read(&access, path, &why), -EINVAL);
        CHECK(strstr(why.text, "line 1") && !strstr(why.text, "s3cret"));
    }
}

int main(void)
{
    int fd = mkstemp(path);
    if (fd < 0)
        abort();
    close(fd);
    TEST("keys, region and endpoint come from the environment", the_environment_is_read);
    TEST("what the file says goes before", a_file_goes_before_the_environment);
    TEST("a file that others can read or write is refused", a_file_that_others_can_read_is_refused);
    TEST("a line that is none is refused, and not shown", a_line_that_is_none_is_refused_and_not_shown);
    unlink(path);
    return check_end("access");
}
