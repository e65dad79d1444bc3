#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/log/summary.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static struct log_entry entry_of(int64_t at_ms, const char *outcome, int64_t took_ms)
{
    return (struct log_entry){
        .at_ms = at_ms, .lane = "438/main", .outcome = bytes_of(outcome), .took_ms = took_ms};
}

static void assert_json(struct log_entry *list, size_t len, const char *json)
{
    const struct log_entries entries = {.list = list, .len = len, .cap = len};
    struct log_summary summary;
    struct buffer out;

    buffer_init(&out, 1024);
    assert_true(log_summarize(&entries, &summary));
    log_summary_put_json(&out, &summary);
    assert_string_equal(out.data, json);
    buffer_release(&out);
}

static void outcomes_are_counted(void **state)
{
    struct log_entry list[] = {
        entry_of(70, "skipped", 0),    entry_of(71, "delivered", 900), entry_of(72, "retry", 15000),
        entry_of(73, "dead", 1),       entry_of(74, "delivered", 20),  entry_of(75, "failed", 1),
        entry_of(76, "delivered", 30),
    };

    (void)state;
    assert_json(list, LEN(list),
                "{\"since\":70,\"attempts\":6,\"delivered\":3,\"failed\":3,\"p50_ms\":30}");
}

static void nothing_is_no_object(void **state)
{
    struct log_entry one = entry_of(70, "dead", 0);

    (void)state;
    assert_json(NULL, 0, "null");
    assert_json(&one, 1, "{\"since\":70,\"attempts\":1,\"delivered\":0,\"failed\":1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_are_counted),
        cmocka_unit_test(nothing_is_no_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
