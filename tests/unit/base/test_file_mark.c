#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file_mark.h"

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void each_change_is_seen_once(void **unused)
{
    char folder[] = "/tmp/file_mark.XXXXXX";
    char path[64];
    char other[64];
    char name[64];
    struct file_mark mark = {0};

    (void)unused;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/a", folder);
    snprintf(other, sizeof(other), "%s/b", folder);
    snprintf(name, sizeof(name), "%s/link", folder);
    assert_true(file_mark_changed(&mark, name));
    assert_false(file_mark_changed(&mark, name));
    write_file(path, "one");
    write_file(other, "two");
    assert_int_equal(symlink(path, name), 0);
    assert_true(file_mark_changed(&mark, name));
    assert_false(file_mark_changed(&mark, name));
    write_file(path, "longer");
    assert_true(file_mark_changed(&mark, name));
    assert_false(file_mark_changed(&mark, name));
    assert_int_equal(unlink(name), 0);
    assert_int_equal(symlink(other, name), 0);
    assert_true(file_mark_changed(&mark, name));
    assert_int_equal(unlink(name), 0);
    assert_true(file_mark_changed(&mark, name));
    assert_false(file_mark_changed(&mark, name));
    assert_int_equal(unlink(path) + unlink(other) + rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_is_seen_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
