/*
 * Preloaded into a worker (LD_PRELOAD): memory runs short when a test says so. $FAIL_MALLOC is a
 * file that the test and this share, of four 64-bit numbers:
 *
 *   0  which allocation from now on fails first: 1 is the next one, 0 none
 *   1  after that each so many-th fails too: 1 each, 0 no other
 *   2  how many failed
 *   3  1: where it happened is written to standard error, as addresses in its files
 *
 * A number is written by the test while it is 0, and counts down to 0 here.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES_MAX 24
#define INSTEAD_OF_LIBC __attribute__((visibility("default")))

/* glibc's own, by the names it keeps for such as us. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

enum {
    FIRST,
    EVERY,
    FAILED,
    TRACE,
    NUMBERS
};

static int64_t *numbers;

__attribute__((constructor)) static void open_numbers(void)
{
    const char *path = getenv("FAIL_MALLOC");
    int descriptor = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *frames[1];
    void *shared;

    if (descriptor < 0)
        return;
    (void)backtrace(frames, 1); /* the first call allocates */
    shared =
        mmap(NULL, NUMBERS * sizeof(*numbers), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (shared != MAP_FAILED)
        numbers = shared;
}

static void tell_where(void)
{
    void *frames[FRAMES_MAX];

    backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), STDERR_FILENO);
}

/* Threads of libraries allocate too: whoever counts down to 0 fails. */
static bool must_fail(void)
{
    int64_t left = numbers ? __atomic_load_n(&numbers[FIRST], __ATOMIC_RELAXED) : 0;

    while (left > 0) {
        int64_t next = left > 1 ? left - 1 : __atomic_load_n(&numbers[EVERY], __ATOMIC_RELAXED);

        if (!__atomic_compare_exchange_n(&numbers[FIRST], &left, next, false, __ATOMIC_RELAXED,
                                         __ATOMIC_RELAXED))
            continue;
        if (left > 1)
            return false;
        __atomic_add_fetch(&numbers[FAILED], 1, __ATOMIC_RELAXED);
        if (numbers[TRACE])
            tell_where();
        errno = ENOMEM;
        return true;
    }
    return false;
}

INSTEAD_OF_LIBC void *malloc(size_t size)
{
    return must_fail() ? NULL : __libc_malloc(size);
}

INSTEAD_OF_LIBC void *calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : __libc_calloc(count, size);
}

/* reallocarray comes here too. */
INSTEAD_OF_LIBC void *realloc(void *memory, size_t size)
{
    return must_fail() ? NULL : __libc_realloc(memory, size);
}

INSTEAD_OF_LIBC void *aligned_alloc(size_t alignment, size_t size)
{
    return must_fail() ? NULL : __libc_memalign(alignment, size);
}

INSTEAD_OF_LIBC int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    void *memory = aligned_alloc(alignment, size);

    if (!memory)
        return ENOMEM;
    *ret_memory = memory;
    return 0;
}
