// An open document whose text is written as a whole. The text while it is read and written: what it was when it was
// opened, then what was written. As a whole it is judged when it is closed or synced; until then it is this open file's
// alone.
#pragma once

#include "fs/file.h"

#define WRITTEN_BYTES (size_t)(16 << 20)

struct written {
    struct open_file file;
    struct bytes text;
    int64_t at_us; // of the document as opened; 0: there was none, or it was written to
    bool append;   // O_APPEND
    bool written;  // since it was last judged
    bool emptied;  // by open(2), and nothing was written since
};

// Opens with what the document is now, which was changed last at `at_us`; `flags` of open(2). 0 or -ENOMEM.
int written_open(struct written *w, struct slice text, int64_t at_us, int flags);
// Is there something to judge? If not, the request is answered: EINVAL when the document was emptied and nothing was
// written, as may still happen. Refused or not, a text is not judged again before it is written again.
bool written_take(fuse_req_t req, struct written *w);
// At the end: a document that was emptied, and not written, is a refusal for `rejected`.
void written_refuse_emptied(struct written *w, const char *why);

// ---- the functions of a kind (file.h) whose structure begins with struct written
void written_read(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset);
void written_write(fuse_req_t req, struct open_file *file, const char *from, size_t size, uint64_t offset);
// Alone it changes nothing: `truncate -s 0` and a shell's `>` come before what is meant. 0, -EFBIG or -ENOMEM.
int written_truncate(struct open_file *file, uint64_t size);
void written_attr(const struct open_file *file, struct stat *attr);
void written_close(struct open_file *file);
