/* A wall clock that a test may step: preloaded into a daemon, it adds to CLOCK_REALTIME what the
 * file named by STINT_TEST_CLOCK holds, a 64-bit number of milliseconds. CLOCK_BOOTTIME and
 * CLOCK_MONOTONIC stay as they are, as they do when an operator or a time server steps the clock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t *step_ms;

__attribute__((constructor)) static void wall_clock_open(void)
{
    const char *path = getenv("STINT_TEST_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*step_ms), PROT_READ, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED)
        step_ms = mapped;
    if (fd >= 0)
        (void)close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    long r = syscall(SYS_clock_gettime, clock, at); /* sets errno */
    if (r != 0)
        return -1;
    if (step_ms && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t ms = *(const volatile int64_t *)step_ms;
        at->tv_sec += ms / 1000;
        at->tv_nsec += ms % 1000 * 1000000;
        if (at->tv_nsec >= 1000000000 || at->tv_nsec < 0) {
            int carry = at->tv_nsec < 0 ? -1 : 1;
            at->tv_sec += carry;
            at->tv_nsec -= carry * 1000000000L;
        }
    }
    return 0;
}

time_t time(time_t *ret_at)
{
    struct timespec at = { 0 };
    (void)clock_gettime(CLOCK_REALTIME, &at);
    if (ret_at)
        *ret_at = at.tv_sec;
    return at.tv_sec;
}

/* NULL is allowed by the manual; the header's attribute says otherwise, so it is not asked about.
 */
int gettimeofday(struct timeval *ret_at, void *zone)
{
    struct timespec at;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &at) != 0)
        return -1;
    ret_at->tv_sec = at.tv_sec;
    ret_at->tv_usec = at.tv_nsec / 1000;
    return 0;
}
