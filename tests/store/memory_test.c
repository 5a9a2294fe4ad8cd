// When memory runs out: whatever allocation of the writer fails, each submission is accepted whole or refused whole,
// what others submitted stays right, and afterwards everything goes on.
#include "tests/store/log_check.h"

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifndef SANITIZED
// The allocator of glibc, but that the n-th allocation of a thread that is not main's fails.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *at, size_t size);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *at, size_t size);
void *reallocarray(void *at, size_t count, size_t size);

static atomic_long until_failure;
static _Thread_local bool is_main;

static bool fails(void)
{
    return !is_main && until_failure > 0 && atomic_fetch_sub(&until_failure, 1) == 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *at, size_t size)
{
    return fails() ? NULL : __libc_realloc(at, size);
}

void *reallocarray(void *at, size_t count, size_t size)
{
    return fails() ? NULL : __libc_realloc(at, count * size);
}

static struct fixture f;

// An entity is counted up by batches of three; each batch must hold whole.
static void counted(unsigned *accepted)
{
    struct submission *all[6];
    sem_t answered;
    sem_init(&answered, 0, 0);
    for (int i = 0; i < 6; i++) {
        char text[512], target[32];
        snprintf(target, sizeof target, i == 5 ? "order_%u" : "order_a", (unsigned)chance(1000000));
        snprintf(text, sizeof text,
            "{'type':'was_%llu','target':'%s','id':'evt_%llu','data':{'x':'%0*u'}}"
            "{'type':'was_seen','target':'%s','data':{'a':[1,2,3]}}{'type':'was_counted','target':'%s'}",
            (unsigned long long)chance(50), target, (unsigned long long)chance(UINT64_C(1) << 40), (int)chance(100), 7u,
            target, target);
        all[i] = fixture_events(&f, slice_of(json_of(text)));
        all[i]->answer = fixture_post;
        all[i]->context = &answered;
    }
    for (int i = 0; i < 6; i++)
        tenant_submit(f.tenant, all[i]);
    for (int i = 0; i < 6; i++)
        sem_wait(&answered);
    for (int i = 0; i < 6; i++) {
        *accepted += all[i]->error == 0;
        // EIO is OpenSSL's, which does not say why.
        CHECK(all[i]->error == 0 || all[i]->error == -ENOMEM || all[i]->error == -EIO);
        submission_free(all[i]);
    }
    sem_destroy(&answered);
}

static void any_allocation(void)
{
    unsigned accepted = 0;
    bool reached = true;
    uint64_t before = tenant_end(f.tenant).position;
    for (long n = 1; reached && n < 2000; n++) {
        if (n % 8 == 1)
            fixture_reopen(&f);
        until_failure = n;
        counted(&accepted);
        reached = until_failure <= 0;
        until_failure = 0;
        CHECK_INT(tenant_end(f.tenant).position, before + 3 * accepted);
    }
    CHECK(!reached);
    counted(&accepted);
    CHECK_INT(tenant_end(f.tenant).position, before + 3 * accepted);
    check_log(&f);
    fixture_reopen(&f);
    check_log(&f);
}

int main(void)
{
    is_main = true;
    fixture_open(&f);
    quiet(true);
    TEST("an allocation that fails refuses whole submissions and harms no others", any_allocation);
    quiet(false);
    fixture_close(&f);
    return check_end("memory");
}
#else
int main(void)
{
    CHECK(true);
    return check_end("memory (not with a sanitizer's allocator)");
}
#endif
