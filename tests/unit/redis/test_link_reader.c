#include "redis/link_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "redis/reply.h"

#define ENTRIES 300
#define BODY 900

static struct reply_memory memory;
static redisReader *reader;

static int set_up(void **state)
{
    (void)state;
    reply_memory_init(&memory);
    reader = redis_reader_new(&memory);
    return reader ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    redisReaderFree(reader);
    reply_memory_release(&memory);
    return 0;
}

static const struct reply *next(void)
{
    void *reply = NULL;

    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    return reply;
}

static const struct reply *read_text(const char *text)
{
    assert_int_equal(redisReaderFeed(reader, text, strlen(text)), REDIS_OK);
    return next();
}

static void assert_text(const struct reply *reply, const char *text)
{
    assert_true(reply_is_text(reply));
    assert_true(bytes_equal_text(reply_text(reply), text));
    assert_int_equal(reply_text(reply).data[strlen(text)], 0);
}

static void every_kind_of_reply(void **state)
{
    static const char text[] = "*8\r\n+OK\r\n-ERR no\r\n:-42\r\n$-1\r\n$0\r\n\r\n"
                               "$3\r\na\0b\r\n*0\r\n*-1\r\n";
    const struct reply *reply;

    (void)state;
    assert_int_equal(redisReaderFeed(reader, text, sizeof(text) - 1), REDIS_OK);
    reply = next();
    assert_int_equal(reply_len(reply), 8);
    assert_text(reply_at(reply, 0), "OK");
    assert_true(bytes_equal_text(reply_error_text(reply_at(reply, 1)), "ERR no"));
    assert_int_equal(reply_int(reply_at(reply, 2)), -42);
    assert_true(reply_is_nil(reply_at(reply, 3)));
    assert_text(reply_at(reply, 4), "");
    assert_int_equal(reply_text(reply_at(reply, 5)).len, 3);
    assert_memory_equal(reply_text(reply_at(reply, 5)).data, "a\0b", 3);
    assert_true(reply_is_list(reply_at(reply, 6)));
    assert_int_equal(reply_len(reply_at(reply, 6)), 0);
    assert_true(reply_is_nil(reply_at(reply, 7)));
}

/* Events as XREADGROUP tells them, for free. */
static char *events(size_t *ret_len)
{
    size_t size = ENTRIES * (BODY + 100) + 100, at;
    char *text = malloc(size), body[BODY];

    assert_non_null(text);
    memset(body, 'x', sizeof(body));
    at = (size_t)snprintf(text, size, "*1\r\n*2\r\n$6\r\nevents\r\n*%d\r\n", ENTRIES);
    for (int i = 0; i < ENTRIES; i++)
        at += (size_t)snprintf(text + at, size - at,
                               "*2\r\n$5\r\n%03d-0\r\n*2\r\n$4\r\njson\r\n$%d\r\n%.*s\r\n", i, BODY,
                               BODY, body);
    *ret_len = at;
    return text;
}

static void assert_events(const struct reply *reply)
{
    const struct reply *entries = reply_at(reply_at(reply, 0), 1);

    assert_int_equal(reply_len(entries), ENTRIES);
    for (size_t i = 0; i < ENTRIES; i++) {
        const struct reply *entry = reply_at(entries, i);
        const struct reply *fields = reply_at(entry, 1);
        char id[16];

        snprintf(id, sizeof(id), "%03zu-0", i);
        assert_text(reply_at(entry, 0), id);
        assert_text(reply_at(fields, 0), "json");
        assert_int_equal(reply_text(reply_at(fields, 1)).len, BODY);
        for (size_t at = 0; at < BODY; at++)
            assert_int_equal(reply_text(reply_at(fields, 1)).data[at], 'x');
    }
}

/* Larger than what is kept, in pieces, again and again, with small ones between. */
static void replies_of_any_size_follow_each_other(void **state)
{
    static const size_t pieces[] = {1, 7, 4096, SIZE_MAX};
    size_t len;
    char *text = events(&len);

    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        const struct reply *reply = NULL;

        for (size_t at = 0; at < len; at += pieces[i]) {
            size_t piece = pieces[i] < len - at ? pieces[i] : len - at;

            assert_null(reply);
            assert_int_equal(redisReaderFeed(reader, text + at, piece), REDIS_OK);
            reply = next();
            if (piece == len - at)
                break;
        }
        assert_events(reply);
        reply_memory_clear(&memory);
        assert_text(read_text("+PONG\r\n"), "PONG");
        reply_memory_clear(&memory);
    }
    free(text);
}

static void memory_is_used_again(void **state)
{
    const struct reply *first = read_text("*2\r\n:1\r\n+one\r\n");

    (void)state;
    for (int i = 0; i < 10000; i++) {
        reply_memory_clear(&memory);
        const struct reply *reply = read_text("*2\r\n:2\r\n+two\r\n");
#ifndef ROOMHOOK_SANITIZE
        assert_ptr_equal(reply, first);
#endif
        assert_text(reply_at(reply, 1), "two");
    }
    (void)first;
}

static void a_reply_outlives_its_reader(void **state)
{
    const struct reply *reply = read_text("*2\r\n$4\r\nmain\r\n:7\r\n*2\r\n$4\r\nha");

    (void)state;
    assert_null(next()); /* half of the next one */
    redisReaderFree(reader);
    reader = redis_reader_new(&memory);
    assert_non_null(reader);
    assert_text(reply_at(reply, 0), "main");
    assert_int_equal(reply_int(reply_at(reply, 1)), 7);
    reply_memory_clear(&memory);
    assert_text(read_text("+anew\r\n"), "anew");
}

static void an_array_of_millions_ends_the_reader(void **state)
{
    static const char *const heads[] = {"*16777217\r\n", "*2147483647\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        void *reply = NULL;

        assert_int_equal(redisReaderFeed(reader, heads[i], strlen(heads[i])), REDIS_OK);
        assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_ERR);
        assert_null(reply);
        redisReaderFree(reader);
        reader = redis_reader_new(&memory);
        assert_non_null(reader);
    }
}

static void arrays_are_nested_no_deeper_than_the_limit(void **state)
{
    const struct reply *reply;
    void *none = NULL;

    (void)state;
    for (int i = 0; i < REPLY_DEPTH_MAX; i++)
        assert_null(read_text("*1\r\n"));
    reply = read_text("+in\r\n");
    for (int i = 0; i < REPLY_DEPTH_MAX; i++)
        reply = reply_at(reply, 0);
    assert_text(reply, "in");

    for (int i = 0; i < REPLY_DEPTH_MAX; i++)
        assert_null(read_text("*1\r\n"));
    assert_int_equal(redisReaderFeed(reader, "*1\r\n", 4), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &none), REDIS_ERR);
    assert_null(none);
}

/* Of RESP3, which nobody asks for: hiredis before 1.0 refuses them. */
static void kinds_of_a_newer_protocol_say_nothing(void **state)
{
    static const char *const texts[] = {
        ",1.5\r\n",     "#t\r\n",          "#f\r\n",
        "(12345\r\n",   "=5\r\ntxt:a\r\n", "%1\r\n+a\r\n:1\r\n",
        "~1\r\n:1\r\n", ">1\r\n+push\r\n", "*1\r\n,1.5\r\n",
        "*1\r\n#t\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        void *read = NULL;

        assert_int_equal(redisReaderFeed(reader, texts[i], strlen(texts[i])), REDIS_OK);
        if (redisReaderGetReply(reader, &read) == REDIS_OK) {
            const struct reply *reply = read;

            assert_non_null(reply);
            if (reply_is_list(reply))
                reply = reply_at(reply, 0);
            assert_non_null(reply);
            assert_false(reply_is_list(reply));
            assert_false(reply_is_text(reply));
            assert_false(reply_is_error(reply));
            assert_int_equal(reply_int(reply), 0);
            assert_int_equal(reply_len(reply), 0);
        } else {
            redisReaderFree(reader);
            reader = redis_reader_new(&memory);
            assert_non_null(reader);
        }
        reply_memory_clear(&memory);
    }
    assert_text(read_text("+PONG\r\n"), "PONG");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind_of_reply, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replies_of_any_size_follow_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_is_used_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reply_outlives_its_reader, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_array_of_millions_ends_the_reader, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arrays_are_nested_no_deeper_than_the_limit, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(kinds_of_a_newer_protocol_say_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
