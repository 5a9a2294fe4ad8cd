// A file system of one file, `append`, whose writes are answered at once: what a write(2) through FUSE costs when
// nothing is done with it. One thread, direct_io, as cheap as libfuse's low-level API gets.
//     null_mount MOUNT        in the foreground, until it is unmounted
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPEND_INO 2

static struct stat null_stat(fuse_ino_t ino)
{
    struct stat st = {.st_ino = ino, .st_nlink = 1, .st_uid = geteuid(), .st_gid = getegid()};
    st.st_mode = ino == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644;
    return st;
}

static void null_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    if (parent != FUSE_ROOT_ID || strcmp(name, "append") != 0) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    struct fuse_entry_param entry = {.ino = APPEND_INO, .attr = null_stat(APPEND_INO), .entry_timeout = 86400};
    fuse_reply_entry(request, &entry);
}

static void null_getattr(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *file)
{
    (void)file;
    struct stat st = null_stat(ino);
    fuse_reply_attr(request, &st, 0);
}

static void null_open(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *file)
{
    (void)ino;
    file->direct_io = 1;
    file->noflush = 1;
    fuse_reply_open(request, file);
}

static void null_write(
    fuse_req_t request, fuse_ino_t ino, const char *bytes, size_t size, off_t offset, struct fuse_file_info *file)
{
    (void)ino;
    (void)bytes;
    (void)offset;
    (void)file;
    fuse_reply_write(request, size);
}

static const struct fuse_lowlevel_ops null_ops = {
    .lookup = null_lookup,
    .getattr = null_getattr,
    .open = null_open,
    .write = null_write,
};

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: null_mount MOUNT\n");
        return EXIT_FAILURE;
    }
    struct fuse_args args = FUSE_ARGS_INIT(1, argv);
    struct fuse_session *session = fuse_session_new(&args, &null_ops, sizeof null_ops, NULL);
    if (!session || fuse_set_signal_handlers(session) < 0 || fuse_session_mount(session, argv[1]) < 0)
        return EXIT_FAILURE;
    int result = fuse_session_loop(session);
    fuse_session_unmount(session);
    fuse_remove_signal_handlers(session);
    fuse_session_destroy(session);
    fuse_opt_free_args(&args);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
