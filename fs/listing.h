// The requests that list a directory: what tree_next finds, behind the two entries that every directory begins with.
#pragma once

#include <fuse_lowlevel.h>

void listing_opendir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi);
void listing_readdir(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi);
void listing_readdirplus(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi);
