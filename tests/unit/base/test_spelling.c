#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/spelling.h"

static void nearest_name_is_found_whatever_the_order(void **unused)
{
    static const char *const names[] = {"room", "rooms", "header",
                                        "a-name-longer-than-any-of-ours-is"};
    static const struct {
        const char *typed;
        const char *meant; /* NULL: nothing is near */
    } rows[] = {
        {"room", "room"},
        {"roomss", "rooms"},
        {"headers", "header"},
        {"haeder", "header"},
        {"orom", "room"},
        {"romo", "room"},
        {"heads", NULL},
        {"ro", NULL},
        {"", NULL},
        {"a-name-longer-than-any-of-ours-iss", NULL},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct spelling up = spelling_of(bytes_of(rows[i].typed));
        struct spelling down = up;

        for (size_t j = 0; j < 4; j++) {
            spelling_offer(&up, names[j]);
            spelling_offer(&down, names[3 - j]);
        }
        if (rows[i].meant) {
            assert_string_equal(up.nearest, rows[i].meant);
            assert_string_equal(down.nearest, rows[i].meant);
        } else {
            assert_null(up.nearest);
            assert_null(down.nearest);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_name_is_found_whatever_the_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
