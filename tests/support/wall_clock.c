/*
 * Loaded into a worker by LD_PRELOAD: its wall clock is off by the seconds that stand, as an
 * int64_t, in the file that WALL_CLOCK names, and follows that while it runs. Clocks that count the
 * time since some event go on as they are. For flow/delivery/test_clock.py.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define OVERRIDES __attribute__((visibility("default")))

static const volatile int64_t *off_s;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("WALL_CLOCK");
    int file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = mmap(NULL, sizeof(*off_s), PROT_READ, MAP_SHARED, file, 0);

    if (map == MAP_FAILED) {
        perror("wall_clock");
        _exit(2);
    }
    close(file);
    off_s = map;
}

OVERRIDES int clock_gettime(clockid_t id, struct timespec *ret_now)
{
    int result = (int)syscall(SYS_clock_gettime, id, ret_now);

    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        ret_now->tv_sec += *off_s;
    return result;
}

OVERRIDES int gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *ret_now = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

OVERRIDES time_t time(time_t *ret_now)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (ret_now != NULL)
        *ret_now = now.tv_sec;
    return now.tv_sec;
}
