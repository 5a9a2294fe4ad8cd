// What an acknowledged event needs to outlive a power cut: nothing that is not synced, be it bytes or the entry of a
// directory. tests/torture/power.c cuts the power; here each thing that is not on the disk is asked for.
#include "tests/store/store_fixture.h"
#include "tests/torture/cut_vfs.h"

static struct fixture f;

static void empty(const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", f.path, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    REQUIRE(fd < 0);
    close(fd);
}

static void check_all_synced(void)
{
    pthread_mutex_lock(&cut.lock);
    CHECK(cut.disks);
    for (struct cut_disk *d = cut.disks; d; d = d->next) {
        if (d->ghost)
            printf("#   %s can come back\n", d->path);
        if (!d->deleted && !d->entry_durable)
            printf("#   %s can be gone\n", d->path);
        if (d->count)
            printf("#   %zu changes of %s can be lost\n", d->count, d->path);
        CHECK(!d->ghost);
        CHECK(d->deleted || d->entry_durable);
        CHECK_INT(d->count, 0);
    }
    pthread_mutex_unlock(&cut.lock);
}

static void made_and_appended(void)
{
    fixture_open(&f);
    CHECK_INT(event(&f, "deal_1", "Deal.Created", "{}"), 0);
    check_all_synced();
    fixture_close(&f);
    cut_vfs_forget();
}

// SQLite syncs the directory when it makes a log; where one is there already, that does not make the journal's end
// last.
static void made_again_after_a_cut(void)
{
    fixture_open(&f);
    fixture_stop(&f);
    cut_vfs_forget();
    empty("acme.db");
    empty("acme.db-wal");
    fixture_start(&f);
    CHECK_INT(event(&f, "deal_1", "Deal.Created", "{}"), 0);
    check_all_synced();
    fixture_close(&f);
    cut_vfs_forget();
}

int main(void)
{
    cut_vfs_register(1, 0);
    TEST("an acknowledged event of a new store needs nothing that is not synced", made_and_appended);
    TEST("nor does one of a tenant whose file was cut off while it was made", made_again_after_a_cut);
    return check_end("power");
}
