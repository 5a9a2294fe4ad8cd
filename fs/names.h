// Requests that change names: what they make, move and remove, and why most of them are refused.
#pragma once

#include <fuse_lowlevel.h>

void names_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void names_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void names_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void names_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void names_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name);
void names_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void names_rename(
    fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name, unsigned flags);
void names_link(fuse_req_t req, fuse_ino_t id, fuse_ino_t new_parent, const char *new_name);
