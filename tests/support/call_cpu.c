/*
 * Loaded into a worker by LD_PRELOAD: the file that CALL_CPU names holds, as an int64_t, the
 * nanoseconds of CPU that its longest call of libcurl took so far. Whoever reads it may set it back
 * to 0. For flow/hostile/test_costly_handshakes.py.
 */
#define _GNU_SOURCE 1
#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define OVERRIDES __attribute__((visibility("default")))

static volatile int64_t *longest_ns;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("CALL_CPU");
    int file = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = mmap(NULL, sizeof(*longest_ns), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

    if (map == MAP_FAILED) {
        perror("call_cpu");
        _exit(2);
    }
    close(file);
    longest_ns = map;
}

static int64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

static void measured(int64_t began_ns)
{
    int64_t took_ns = cpu_ns() - began_ns;

    if (took_ns > *longest_ns)
        *longest_ns = took_ns;
}

OVERRIDES CURLMcode curl_multi_socket_action(CURLM *multi, curl_socket_t socket, int events,
                                             int *ret_running)
{
    static CURLMcode (*act)(CURLM *, curl_socket_t, int, int *);

    if (act == NULL)
        *(void **)&act = dlsym(RTLD_NEXT, "curl_multi_socket_action");
    int64_t began_ns = cpu_ns();
    CURLMcode result = act(multi, socket, events, ret_running);
    measured(began_ns);
    return result;
}

OVERRIDES CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *easy)
{
    static CURLMcode (*remove_handle)(CURLM *, CURL *);

    if (remove_handle == NULL)
        *(void **)&remove_handle = dlsym(RTLD_NEXT, "curl_multi_remove_handle");
    int64_t began_ns = cpu_ns();
    CURLMcode result = remove_handle(multi, easy);
    measured(began_ns);
    return result;
}
