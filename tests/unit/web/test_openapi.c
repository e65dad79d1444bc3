#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "web/openapi.h"
#include "web/route.h"

static json_t *describe(void)
{
    struct buffer out;
    json_error_t error;

    buffer_init(&out, 1 << 20);
    openapi_put(&out, "/base");
    assert_false(buffer_failed(&out));
    json_t *json = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(json);
    buffer_release(&out);
    return json;
}

static void every_route_is_described(void **unused)
{
    json_t *json = describe();
    json_t *paths = json_object_get(json, "paths");
    size_t described = 0;
    const char *path;
    json_t *methods;

    (void)unused;
    json_object_foreach(paths, path, methods)
        described += json_object_size(methods);
    assert_int_equal(described, routes_len);
    for (size_t i = 0; i < routes_len; i++)
        assert_non_null(json_object_get(paths, routes[i].path));
    json_decref(json);
}

/* Each $ref leads somewhere. */
static void check_refs(json_t *root, json_t *at)
{
    static const char prefix[] = "#/components/schemas/";
    const char *key;
    json_t *value;
    size_t index;

    json_object_foreach(at, key, value) {
        if (strcmp(key, "$ref") == 0) {
            const char *ref = json_string_value(value);
            assert_memory_equal(ref, prefix, sizeof(prefix) - 1);
            json_t *schemas = json_object_get(json_object_get(root, "components"), "schemas");
            assert_non_null(json_object_get(schemas, ref + sizeof(prefix) - 1));
        }
        check_refs(root, value);
    }
    json_array_foreach(at, index, value)
        check_refs(root, value);
}

static void schemas_are_there(void **unused)
{
    json_t *json = describe();

    (void)unused;
    check_refs(json, json);
    json_decref(json);
}

static void routes_are_found(void **unused)
{
    char allow[ANSWER_ALLOW_SIZE];

    (void)unused;
    assert_string_equal(route_find(BYTES("GET"), BYTES("/v1/status"), allow)->name, "getStatus");
    assert_string_equal(route_find(BYTES("HEAD"), BYTES("/v1/status"), allow)->name, "getStatus");
    assert_string_equal(route_find(BYTES("PUT"), BYTES("/v1/rooms/a/hooks/b"), allow)->name,
                        "putHook");
    assert_null(route_find(BYTES("POST"), BYTES("/v1/rooms/a/hooks/b"), allow));
    assert_string_equal(allow, "GET, PUT, PATCH, DELETE");
    assert_null(route_find(BYTES("GET"), BYTES("/v1/rooms//hooks"), allow));
    assert_string_equal(allow, "");
    assert_null(route_find(BYTES("GET"), BYTES("/v1/dead-letters/purge"), allow));
    assert_string_equal(allow, "POST");
    assert_null(route_find(BYTES("GET"), BYTES("/"), allow));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_described),
        cmocka_unit_test(schemas_are_there),
        cmocka_unit_test(routes_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
