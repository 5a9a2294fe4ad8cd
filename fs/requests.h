// The table of requests that the kernel makes. Each handler finds out what the inode stands for and calls what knows
// it.
#pragma once

#include <fuse_lowlevel.h>

extern const struct fuse_lowlevel_ops requests;
