#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/event_tree.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static const char document[] =
    "{\"null\":null,\"integer\":-5,\"string\":\"a\\u0000b\",\"list\":[7,{}],\"map\":{\"k\":1.5},"
    "\"real\":1.0,\"true\":true,\"false\":false}";

static void kinds_are_told_apart(void **state)
{
    static const struct {
        struct bytes key;
        enum event_kind kind;
    } rows[] = {
        {BYTES("absent"), EVENT_KIND_ABSENT},   {BYTES("null"), EVENT_KIND_NULL},
        {BYTES("integer"), EVENT_KIND_INTEGER}, {BYTES("string"), EVENT_KIND_STRING},
        {BYTES("list"), EVENT_KIND_LIST},       {BYTES("map"), EVENT_KIND_MAP},
        {BYTES("real"), EVENT_KIND_OTHER},      {BYTES("true"), EVENT_KIND_OTHER},
        {BYTES("false"), EVENT_KIND_OTHER},     {BYTES("null\0"), EVENT_KIND_ABSENT},
    };
    const struct event_encoding *json = &event_encoding_json;
    struct event_tree tree;
    struct error_text why;

    (void)state;
    assert_int_equal(json->open(bytes_of(document), &tree, &why), EVENT_OK);
    assert_int_equal(tree.root.kind, EVENT_KIND_MAP);
    for (size_t i = 0; i < LEN(rows); i++)
        assert_int_equal(json->find(tree.root, rows[i].key).kind, rows[i].kind);
    assert_true(json->find(tree.root, BYTES("integer")).integer == -5);
    assert_true(bytes_equal(json->find(tree.root, BYTES("string")).string, BYTES("a\0b")));
    json->close(&tree);
}

static void items_and_values_are_reached(void **state)
{
    const struct event_encoding *json = &event_encoding_json;
    const struct event_place place = {.key = BYTES("list")};
    struct event_tree tree;
    struct event_value list;
    struct error_text why;
    struct buffer out;

    (void)state;
    assert_int_equal(json->open(bytes_of(document), &tree, &why), EVENT_OK);
    list = json->find(tree.root, BYTES("list"));
    assert_int_equal(list.len, 2);
    assert_true(json->item(list, 0).integer == 7);
    assert_int_equal(json->item(list, 1).kind, EVENT_KIND_MAP);
    buffer_init(&out, 100);
    assert_int_equal(json->put(&out, list, &place, &why), 0);
    assert_string_equal(out.data, "[7,{}]");
    buffer_release(&out);
    json->close(&tree);
}

static void what_is_not_json_is_not_opened(void **state)
{
    struct event_tree tree;
    struct error_text why;

    (void)state;
    assert_int_equal(event_encoding_json.open(BYTES("{"), &tree, &why), EVENT_BAD);
    assert_int_equal(event_encoding_json.open(BYTES("{\"a\\u0000\":1}"), &tree, &why), EVENT_BAD);
    assert_int_equal(event_encoding_json.open(bytes_of(NULL), &tree, &why), EVENT_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(items_and_values_are_reached),
        cmocka_unit_test(what_is_not_json_is_not_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
