#include <msgpack.h>
#include <stdbool.h>

#include "contract/event_codec.h"
#include "contract/json_read.h"

static int write_to_buffer(void *out, const char *data, size_t len)
{
    buffer_append(out, data, len);
    return 0; /* the buffer remembers a failure */
}

static void pack_text(msgpack_packer *packer, const char *text, size_t len)
{
    msgpack_pack_str(packer, len);
    msgpack_pack_str_body(packer, text, len);
}

static void pack_node(msgpack_packer *packer, json_t *node);

static void pack_object(msgpack_packer *packer, json_t *object)
{
    msgpack_pack_map(packer, json_object_size(object));
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        pack_text(packer, json_object_iter_key(at), json_object_iter_key_len(at));
        pack_node(packer, json_object_iter_value(at));
    }
}

static void pack_array(msgpack_packer *packer, json_t *array)
{
    msgpack_pack_array(packer, json_array_size(array));
    for (size_t i = 0; i < json_array_size(array); i++)
        pack_node(packer, json_array_get(array, i));
}

static void pack_node(msgpack_packer *packer, json_t *node)
{
    switch (json_typeof(node)) {
    case JSON_OBJECT:
        pack_object(packer, node);
        break;
    case JSON_ARRAY:
        pack_array(packer, node);
        break;
    case JSON_STRING:
        pack_text(packer, json_string_value(node), json_string_length(node));
        break;
    case JSON_INTEGER:
        msgpack_pack_int64(packer, json_integer_value(node));
        break;
    case JSON_REAL:
        msgpack_pack_double(packer, json_real_value(node));
        break;
    case JSON_TRUE:
        msgpack_pack_true(packer);
        break;
    case JSON_FALSE:
        msgpack_pack_false(packer);
        break;
    default:
        msgpack_pack_nil(packer);
        break;
    }
}

int event_json_to_msgpack(struct bytes json, struct buffer *out, struct error_text *why)
{
    msgpack_packer packer;
    struct event event;
    bool no_memory;
    json_t *root;
    int problem = event_decode(RH_JSON, json, &event, why);

    if (problem)
        return problem;
    event_release(&event);
    root = json_read(json, JSON_NUL_ALLOWED, &no_memory, why);
    if (!root)
        return no_memory ? EVENT_NO_MEMORY : EVENT_BAD;
    msgpack_packer_init(&packer, out, write_to_buffer);
    pack_node(&packer, root);
    json_decref(root);
    if (!buffer_failed(out))
        return EVENT_OK;
    error_text_set(why, "out of memory");
    return EVENT_NO_MEMORY;
}
