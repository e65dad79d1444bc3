/*
 * Each allocation of a scenario fails once, the first, the second, and so on until none is left to
 * fail. Whatever the scenario then says must be true: done, or that memory was short. A shortage
 * must never become a verdict about what a stranger sent, nothing may crash, and nothing may be
 * left behind. malloc and its kin are ours here, also for the libraries.
 */
#ifndef BASE_FAILING_HEAP_H
#define BASE_FAILING_HEAP_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <openssl/crypto.h>

/* --- the allocator --- */

#define ALLOCATIONS_MAX 100000

static struct {
    long until_failure; /* 1: the next one fails; 0: none does */
    long live;          /* blocks that are not given back */
    bool failed;
} heap;

/* glibc's own, by the names it keeps for such as us. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

#define INSTEAD_OF_LIBC __attribute__((visibility("default")))

static bool must_fail(void)
{
    if (heap.until_failure == 0 || --heap.until_failure > 0)
        return false;
    heap.failed = true;
    errno = ENOMEM;
    return true;
}

INSTEAD_OF_LIBC void *malloc(size_t size)
{
    void *memory = must_fail() ? NULL : __libc_malloc(size);

    heap.live += memory != NULL;
    return memory;
}

INSTEAD_OF_LIBC void *calloc(size_t count, size_t size)
{
    void *memory = must_fail() ? NULL : __libc_calloc(count, size);

    heap.live += memory != NULL;
    return memory;
}

INSTEAD_OF_LIBC void *realloc(void *memory, size_t size)
{
    void *moved = must_fail() ? NULL : __libc_realloc(memory, size);

    heap.live += memory == NULL && moved != NULL;
    return moved;
}

INSTEAD_OF_LIBC void free(void *memory)
{
    heap.live -= memory != NULL;
    __libc_free(memory);
}

/* --- the sweep --- */

static int run_failing(int (*scenario)(void), long n)
{
    int result;

    heap.failed = false;
    heap.until_failure = n;
    result = scenario();
    heap.until_failure = 0;
    OPENSSL_thread_stop(); /* it keeps the errors it met, a few blocks at most */
    return result;
}

/* Once without a failure first: what libraries keep for ever is made there. */
static void sweep(int (*scenario)(void))
{
    long live;
    long n = 0;

    assert_int_equal(run_failing(scenario, 0), 0);
    live = heap.live;
    do {
        int result = run_failing(scenario, ++n);

        if (heap.live != live)
            fail_msg("allocation %ld failed: %ld blocks are left behind", n, heap.live - live);
        if (!heap.failed)
            assert_int_equal(result, 0);
        assert_true(n < ALLOCATIONS_MAX);
    } while (heap.failed);
    assert_true(n > 1); /* or nothing was tested */
    print_message("           %ld allocations failed, one at a time\n", n - 1);
}

#define SWEEP(name)                        \
    static void name##_sweep(void **state) \
    {                                      \
        (void)state;                       \
        sweep(try_##name);                 \
    }

#endif
