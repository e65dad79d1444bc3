/*
 * What of a gap the process missed, by what the kernel would say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "base/run_delay.h"

#define MS INT64_C(1000000)

static char file[] = "/tmp/roomhook-run-delay-XXXXXX";

static void kernel_says(const char *text)
{
    FILE *out = fopen(file, "w");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void look(struct run_delay *delay, int64_t gap_ms, int64_t waited_ms)
{
    char text[64];

    snprintf(text, sizeof(text), "5000000 %lld 17\n", (long long)(waited_ms * MS));
    kernel_says(text);
    run_delay_look(delay, gap_ms * MS, file);
}

static void what_it_waited_in_a_gap_was_missed(void **state)
{
    struct run_delay delay = {0};

    (void)state;
    look(&delay, 100000, 5000); /* before the first look: unknown */
    assert_int_equal(delay.missed_ns, 0);
    look(&delay, 150, 5120);
    assert_int_equal(delay.missed_ns, 120 * MS);
    look(&delay, 300, 5121); /* it slept: nothing was to be done */
    assert_int_equal(delay.missed_ns, 121 * MS);
}

/* It waited in shorter gaps too, which were not looked into. */
static void not_more_than_the_gap_was_missed(void **state)
{
    struct run_delay delay = {0};

    (void)state;
    look(&delay, 20, 1000);
    look(&delay, 20, 4000);
    assert_int_equal(delay.missed_ns, 20 * MS);
    look(&delay, 50, 4030);
    assert_int_equal(delay.missed_ns, 50 * MS);
}

static void what_cannot_be_read_says_nothing(void **state)
{
    static const char *const texts[] = {"", "5000000", "5000000\n", "x", "5000000 -1 2\n"};
    struct run_delay delay = {0};

    (void)state;
    look(&delay, 20, 1000);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        kernel_says(texts[i]);
        run_delay_look(&delay, 500 * MS, file);
    }
    run_delay_look(&delay, 500 * MS, "/nonexistent");
    assert_int_equal(delay.missed_ns, 0);
    look(&delay, 500, 1010);
    assert_int_equal(delay.missed_ns, 10 * MS);
}

static int make_file(void **state)
{
    int descriptor = mkstemp(file);

    (void)state;
    return descriptor < 0 ? -1 : close(descriptor);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_waited_in_a_gap_was_missed),
        cmocka_unit_test(not_more_than_the_gap_was_missed),
        cmocka_unit_test(what_cannot_be_read_says_nothing),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
