#include "base/alive_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/roomhook-alive-XXXXXX";
static char path[64];
static struct error_text why;

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    return snprintf(path, sizeof(path), "%s/alive", folder) > 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void put_text(const char *text)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
}

static void is_fresh_for_its_time(void **state)
{
    struct alive_file alive = {.path = path};

    (void)state;
    alive_file_write(&alive, 1000);
    assert_int_equal(alive_file_check(path, 1000, &why), 0);
    assert_int_equal(alive_file_check(path, 1000 + ALIVE_FILE_FRESH_MS, &why), 0);
    assert_int_equal(alive_file_check(path, 1001 + ALIVE_FILE_FRESH_MS, &why), -1);
    assert_string_equal(why.text, "last written 20 s ago, at most 20 s are allowed: the process "
                                  "has ended, or its event loop hangs");
    alive_file_write(&alive, 1001 + ALIVE_FILE_FRESH_MS);
    assert_int_equal(alive_file_check(path, 1001 + ALIVE_FILE_FRESH_MS, &why), 0);
}

static void that_of_another_boot_is_not_fresh(void **state)
{
    struct alive_file alive = {.path = path};

    (void)state;
    alive_file_write(&alive, INT64_MAX);
    assert_int_equal(alive_file_check(path, 5000, &why), -1);
    assert_string_equal(why.text, "it was written before this machine was started");
}

static void what_is_there_may_be_anything(void **state)
{
    static const char *const texts[] = {"",
                                        "alive\n",
                                        "-000000000000000001\n",
                                        "0000000000000001000",
                                        "0000000000000001000\n\n",
                                        "9999999999999999999\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        put_text(texts[i]);
        assert_int_equal(alive_file_check(path, 1000, &why), -1);
        assert_string_equal(why.text, "it is not one that a worker has written");
    }
    unlink(path);
    assert_int_equal(alive_file_check(path, 1000, &why), -1);
    assert_string_equal(why.text,
                        "No such file or directory: no process with this alive-file runs");
    assert_int_equal(alive_file_check(folder, 1000, &why), -1);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(alive_file_check(path, 1000, &why), -1);
    struct alive_file alive = {.path = path};
    alive_file_write(&alive, 1000);
    assert_true(alive.failed);
    unlink(path);
    assert_int_equal(symlink("elsewhere", path), 0);
    alive.failed = false;
    alive_file_write(&alive, 1000);
    assert_true(alive.failed);
    unlink(path);
}

static void is_removed_and_made_again(void **state)
{
    struct alive_file alive = {.path = path};

    (void)state;
    alive_file_write(&alive, 1000);
    unlink(path);
    alive_file_write(&alive, 2000);
    assert_int_equal(alive_file_check(path, 2000, &why), 0);
    alive_file_remove(&alive);
    assert_int_equal(access(path, F_OK), -1);
    const struct alive_file none = {.path = ""};
    alive_file_remove(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_fresh_for_its_time),
        cmocka_unit_test(that_of_another_boot_is_not_fresh),
        cmocka_unit_test(what_is_there_may_be_anything),
        cmocka_unit_test(is_removed_and_made_again),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
