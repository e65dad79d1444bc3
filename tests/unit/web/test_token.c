#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "web/token.h"

#define NOW 1000000
#define KEY "key 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"

static struct tokens parse(const char *text)
{
    struct tokens tokens;
    struct error_text why;

    assert_int_equal(tokens_parse(bytes_of(text), &tokens, &why), 0);
    return tokens;
}

static struct access judge(const struct tokens *tokens, const char *token)
{
    return tokens_judge(tokens, bytes_of(token), "q", NOW);
}

static void tokens_of_the_file(void **unused)
{
    char token[TOKEN_SIZE];
    char line[TOKEN_SIZE];
    char text[2 * TOKEN_SIZE];
    struct tokens tokens;

    (void)unused;
    assert_int_equal(token_make("room=#general:x", NOW + 1, token, line), 0);
    (void)snprintf(text, sizeof(text), "# ours\n\n  %s \r\n#", line);
    tokens = parse(text);
    assert_int_equal(judge(&tokens, token).role, ROLE_OPERATE);
    assert_string_equal(judge(&tokens, token).room.text, "#general:x");
    assert_int_equal(tokens_judge(&tokens, bytes_of(token), "q", NOW + 1).role, ROLE_NONE);
    token[10] ^= 1;
    assert_int_equal(judge(&tokens, token).role, ROLE_NONE);
    assert_int_equal(judge(&tokens, "").role, ROLE_NONE);
}

static void files_that_are_none(void **unused)
{
    static const char *const texts[] = {
        "read",
        "read 00 0",
        "read xyz 0",
        "king 00 0",
        "key",
        "key 00",
        KEY "read x",
        "room=a/b 0001020304050607 0",
        "read 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "read 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f -1",
        "read 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1F 0",
        "read 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f 0 more",
    };
    struct tokens tokens;
    struct error_text why;

    (void)unused;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(tokens_parse(bytes_of(texts[i]), &tokens, &why), -1);
    tokens = parse("");
    assert_int_equal(judge(&tokens, "rh_x").role, ROLE_NONE);
}

static void tokens_of_rooms(void **unused)
{
    struct tokens tokens = parse(KEY);
    struct tokens other =
        parse("key 100102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    struct tokens none = parse("");
    struct room_id room;
    char token[TOKEN_SIZE];

    (void)unused;
    assert_int_equal(room_id_of_text(BYTES("#a:b.c"), &room), 0);
    assert_int_equal(token_make_for_room(&none, "q", &room, NOW + 60, token), -1);
    assert_int_equal(token_make_for_room(&tokens, "q", &room, NOW + 60, token), 0);
    assert_int_equal(judge(&tokens, token).role, ROLE_OPERATE);
    assert_string_equal(judge(&tokens, token).room.text, "#a:b.c");
    assert_int_equal(judge(&other, token).role, ROLE_NONE);
    assert_int_equal(judge(&none, token).role, ROLE_NONE);
    assert_int_equal(tokens_judge(&tokens, bytes_of(token), "r", NOW).role, ROLE_NONE);
    assert_int_equal(tokens_judge(&tokens, bytes_of(token), "q", NOW + 60).role, ROLE_NONE);
    /* Each change of it makes it none. */
    size_t len = strlen(token);
    for (size_t i = 4; i < len; i++) {
        token[i] ^= 1;
        assert_int_equal(judge(&tokens, token).role, ROLE_NONE);
        token[i] ^= 1;
    }
    for (size_t cut = 0; cut < len; cut++) {
        struct bytes part = {token, cut};
        assert_int_equal(tokens_judge(&tokens, part, "q", NOW).role, ROLE_NONE);
    }
    /* One that were valid for longer than they may be was not made here. */
    assert_int_equal(token_make_for_room(&tokens, "q", &room, NOW + TOKEN_ROOM_MAX_S + 1, token),
                     0);
    assert_int_equal(judge(&tokens, token).role, ROLE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_of_the_file),
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(tokens_of_rooms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
