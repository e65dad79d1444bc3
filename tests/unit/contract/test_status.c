#include <roomhook/status.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

static void every_code_has_words_of_its_own(void **state)
{
    (void)state;
    for (int a = RH_OK; a >= RH_ERR_MEMORY; a--) {
        assert_true(strlen(rh_status_text(a)) > 0);
        assert_string_not_equal(rh_status_text(a), "unknown status");
        for (int b = RH_OK; b > a; b--)
            assert_string_not_equal(rh_status_text(a), rh_status_text(b));
    }
}

static void other_numbers_get_a_text_too(void **state)
{
    (void)state;
    assert_string_equal(rh_status_text(1), "unknown status");
    assert_string_equal(rh_status_text(RH_ERR_MEMORY - 1), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_words_of_its_own),
        cmocka_unit_test(other_numbers_get_a_text_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
