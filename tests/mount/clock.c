// A clock that a test sets. Built as a library and named in LD_PRELOAD, it answers the real-time clock of a program
// with the microseconds since 1970 that the file $CLOCK_FILE holds as text, and leaves all other clocks alone:
//     cc -shared -fPIC -o clock.so clock.c
// Built as a program it prints the real-time clock, so that a test can see that the library is in force.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long clock_set_us(void)
{
    const char *path = getenv("CLOCK_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    char text[32] = "";
    if (file < 0)
        return 0;
    ssize_t size = read(file, text, sizeof text - 1);
    close(file);
    return size > 0 ? strtoll(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t which, struct timespec *now)
{
    long long us = which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE ? clock_set_us() : 0;
    if (us == 0)
        return (int)syscall(SYS_clock_gettime, which, now);
    *now = (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec at;
    int result = clock_gettime(CLOCK_REALTIME, &at);
    *now = (struct timeval){.tv_sec = at.tv_sec, .tv_usec = at.tv_nsec / 1000};
    return result;
}

time_t time(time_t *now)
{
    struct timespec at = {0};
    clock_gettime(CLOCK_REALTIME, &at);
    if (now)
        *now = at.tv_sec;
    return at.tv_sec;
}

int main(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("%lld%06ld\n", (long long)now.tv_sec, now.tv_nsec / 1000);
}
