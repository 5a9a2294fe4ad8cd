#include "store/sqlite/wal.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_SIZE 32
#define FRAME_SIZE  24 // without its page
#define PAGE_MAX    65536
#define MAGIC       0x377f0682u // its last bit: the words that are summed are big-endian
#define SECTOR      512

struct sums {
    uint32_t a, b;
};

struct frame {
    uint32_t page, size;
    uint64_t salts;
    struct sums sums;
    unsigned char bytes[FRAME_SIZE + PAGE_MAX];
};

struct wal {
    int fd;
    unsigned char header[HEADER_SIZE];
    bool big_endian;
    uint32_t page_size;
    uint64_t salts;
    struct frame frame; // the one that is looked at
};

// How far the log is whole.
struct walk {
    uint64_t next; // the first frame that does not fit, from 0
    uint64_t end;  // frames up to the end of the last whole commit
    struct sums sums;
};

// What stands where the log is not whole.
struct remains {
    uint64_t fitting; // frames that fit the one before
    uint64_t ends;    // of these, ends of commits
    uint64_t proven;  // commits that another frame continues
};

static uint32_t number_at(const unsigned char *at)
{
    uint32_t number;
    memcpy(&number, at, sizeof number);
    return be32toh(number);
}

static uint64_t salts_at(const unsigned char *at)
{
    uint64_t salts;
    memcpy(&salts, at, sizeof salts);
    return salts;
}

static struct sums sums_at(const unsigned char *at)
{
    return (struct sums){.a = number_at(at), .b = number_at(at + 4)};
}

static bool sums_equal(struct sums x, struct sums y)
{
    return x.a == y.a && x.b == y.b;
}

static struct sums sums_add(const struct wal *wal, struct sums s, const unsigned char *at, size_t size)
{
    for (const unsigned char *end = at + size; at < end; at += 8) {
        uint32_t words[2];
        memcpy(words, at, sizeof words);
        s.a += (wal->big_endian ? be32toh(words[0]) : le32toh(words[0])) + s.b;
        s.b += (wal->big_endian ? be32toh(words[1]) : le32toh(words[1])) + s.a;
    }
    return s;
}

// ---- reading

// 1, or 0 when the file ends before that, or -errno.
static int read_all(int fd, unsigned char *to, size_t size, uint64_t at)
{
    while (size) {
        ssize_t got = pread(fd, to, size, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : 0;
        to += got;
        at += (uint64_t)got;
        size -= (size_t)got;
    }
    return 1;
}

static uint64_t frame_offset(const struct wal *wal, uint64_t number)
{
    return HEADER_SIZE + number * (FRAME_SIZE + wal->page_size);
}

static int read_frame(struct wal *wal, uint64_t number)
{
    struct frame *f = &wal->frame;
    int found = read_all(wal->fd, f->bytes, FRAME_SIZE + wal->page_size, frame_offset(wal, number));
    f->page = number_at(f->bytes);
    f->size = number_at(f->bytes + 4);
    f->salts = salts_at(f->bytes + 8);
    f->sums = sums_at(f->bytes + 16);
    return found;
}

// What the frame's sums are to be.
static struct sums frame_sums(const struct wal *wal, struct sums before)
{
    struct sums sums = sums_add(wal, before, wal->frame.bytes, 8);
    return sums_add(wal, sums, wal->frame.bytes + FRAME_SIZE, wal->page_size);
}

// Takes the header as it stands; false when it is damaged. The salts and the size of a page are then guesses.
static bool take_header(struct wal *wal)
{
    const unsigned char *h = wal->header;
    uint32_t magic = number_at(h), page_size = number_at(h + 8);
    wal->big_endian = magic & 1;
    wal->page_size = page_size;
    wal->salts = salts_at(h + 16);
    if ((magic & ~1u) == MAGIC && page_size >= SECTOR && page_size <= PAGE_MAX && !(page_size & (page_size - 1)) &&
        sums_equal(sums_add(wal, (struct sums){0}, h, HEADER_SIZE - 8), sums_at(h + 24)))
        return true;
    wal->big_endian = __BYTE_ORDER == __BIG_ENDIAN;
    wal->page_size = WAL_PAGE_SIZE;
    return false;
}

// ---- the whole part, and what is behind it

// Goes on to the first frame that does not fit: 1, or 0 at the end of the file, or -errno.
static int walk_on(struct wal *wal, struct walk *w)
{
    for (;;) {
        int found = read_frame(wal, w->next);
        const struct frame *f = &wal->frame;
        if (found != 1)
            return found;
        if (f->salts != wal->salts || !f->page || !sums_equal(frame_sums(wal, w->sums), f->sums))
            return 1;
        w->sums = f->sums;
        w->next++;
        if (f->size)
            w->end = w->next;
    }
}

static bool across_sectors(uint64_t offset)
{
    return offset / SECTOR != (offset + FRAME_SIZE - 1) / SECTOR;
}

// What the next frame may continue.
struct continued {
    struct sums sums;
    bool proves; // if it does, the frame before was the end of a commit
};

// Looks at the frames from `first` on, behind one with the sums `before`. Without a sound header (`salts_known` false)
// frames belong together that have the same salts.
static int look_behind(struct wal *wal, uint64_t first, struct sums before, bool salts_known, struct remains *remains)
{
    struct continued last[2] = {{.sums = before}};
    unsigned count = 1;
    uint64_t salts = wal->salts;
    *remains = (struct remains){0};
    int found;
    for (uint64_t number = first; (found = read_frame(wal, number)) == 1; number++) {
        const struct frame *f = &wal->frame;
        // Of the first frame the salts may be what is damaged; frames of an earlier round fit each other too.
        bool mine = f->salts == salts || number == first, fits = false;
        struct sums computed = {0};
        unsigned compared = mine && f->page ? count : 0;
        for (unsigned i = 0; i < compared && !fits; i++) {
            computed = frame_sums(wal, last[i].sums);
            fits = sums_equal(computed, f->sums);
            remains->proven += fits && last[i].proves;
        }
        remains->fitting += fits;
        remains->ends += fits && f->size;
        count = 0;
        if (mine || !salts_known) {
            bool whole = f->salts == salts && !across_sectors(frame_offset(wal, number));
            last[count++] = (struct continued){.sums = f->sums, .proves = f->size && (fits || whole)};
        }
        // Its sums themselves may be what is damaged.
        if (compared && !fits)
            last[count++] = (struct continued){.sums = computed, .proves = f->size};
        if (!salts_known)
            salts = f->salts;
    }
    return found;
}

static bool header_changed(const struct wal *wal)
{
    unsigned char now[HEADER_SIZE];
    return read_all(wal->fd, now, HEADER_SIZE, 0) != 1 || memcmp(now, wal->header, HEADER_SIZE) != 0;
}

static int refuse_header(const char *path, const struct remains *r, struct reason *why)
{
    return reason_set(why, -EIO,
        "%s-wal is damaged in its header; %llu commits stand behind it. Restore a backup; or give those commits up: "
        "move "
        "it aside, and see with factfs verify what is left",
        path, (unsigned long long)r->ends);
}

static int refuse_frame(
    const struct wal *wal, const char *path, const struct walk *w, const struct remains *r, struct reason *why)
{
    return reason_set(why, -EIO,
        "%s-wal is damaged at frame %llu; %llu or more acknowledged commits stand behind it. Restore a backup; or give "
        "those commits up: copy it, cut it to %llu bytes, and see with factfs verify what is left",
        path, (unsigned long long)w->next + 1, (unsigned long long)r->proven,
        (unsigned long long)frame_offset(wal, w->end));
}

// Both are asked while somebody may be writing: what seems damaged is believed only if it still stands there after all
// that is behind it was read. They answer -EAGAIN when the log was begun anew meanwhile.

static int check_header(struct wal *wal, const char *path, struct reason *why)
{
    struct remains remains;
    int error = look_behind(wal, 0, sums_at(wal->header + 24), false, &remains);
    if (!error && !remains.fitting)
        error = look_behind(wal, 0, sums_add(wal, (struct sums){0}, wal->header, HEADER_SIZE - 8), false, &remains);
    if (error || !remains.fitting)
        return error;
    return header_changed(wal) ? -EAGAIN : refuse_header(path, &remains, why);
}

static int check_frames(struct wal *wal, const char *path, struct reason *why)
{
    struct walk w = {.sums = sums_at(wal->header + 24)};
    struct remains remains = {0};
    uint64_t gap = UINT64_MAX;
    for (;;) {
        int found = walk_on(wal, &w);
        if (found != 1)
            return found;
        if (w.next == gap)
            return header_changed(wal) ? -EAGAIN : refuse_frame(wal, path, &w, &remains, why);
        gap = w.next;
        int error = look_behind(wal, gap, w.sums, true, &remains);
        if (error || !remains.proven)
            return error;
    }
}

static int check(int fd, const char *path, struct reason *why)
{
    struct wal *wal = malloc(sizeof *wal);
    if (!wal)
        return -ENOMEM;
    wal->fd = fd;
    int error;
    do {
        error = read_all(fd, wal->header, HEADER_SIZE, 0);
        if (error == 1)
            error = take_header(wal) ? check_frames(wal, path, why) : check_header(wal, path, why);
    } while (error == -EAGAIN);
    free(wal);
    return error;
}

static int look(const char *path, bool settle, struct reason *why)
{
    char log[PATH_MAX];
    snprintf(log, sizeof log, "%s-wal", path);
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    int error = fd < 0 ? -errno : check(fd, path, why);
    if (!error && settle && fdatasync(fd))
        error = -errno;
    if (fd >= 0)
        close(fd);
    return error ? reason_set(why, error, "%s cannot be read: %s", log, strerror(-error)) : 0;
}

int wal_check(const char *path, struct reason *why)
{
    return look(path, false, why);
}

int wal_settle(const char *path, struct reason *why)
{
    return look(path, true, why);
}
