#include "contract/event_tree.h"
#include "contract/json_read.h"
#include "contract/json_text.h"

static struct event_value view(json_t *node)
{
    struct event_value value = {.kind = EVENT_KIND_OTHER, .node = node};

    if (json_is_null(node)) {
        value.kind = EVENT_KIND_NULL;
    } else if (json_is_integer(node)) {
        value.kind = EVENT_KIND_INTEGER;
        value.integer = json_integer_value(node);
    } else if (json_is_string(node)) {
        value.kind = EVENT_KIND_STRING;
        value.string = json_text_of(node);
    } else if (json_is_array(node)) {
        value.kind = EVENT_KIND_LIST;
        value.len = json_array_size(node);
    } else if (json_is_object(node)) {
        value.kind = EVENT_KIND_MAP;
    }
    return value;
}

static bool within_depth(json_t *value, int levels)
{
    if (!json_is_array(value) && !json_is_object(value))
        return true;
    if (levels == 0)
        return false;
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!within_depth(json_array_get(value, i), levels - 1))
            return false;
    }
    for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at)) {
        if (!within_depth(json_object_iter_value(at), levels - 1))
            return false;
    }
    return true;
}

static int json_open(struct bytes document, struct event_tree *ret_tree, struct error_text *why)
{
    bool no_memory;
    json_t *root = json_read(document, JSON_NUL_ALLOWED, &no_memory, why);

    if (!root)
        return no_memory ? EVENT_NO_MEMORY : EVENT_BAD;
    /* The whole document, as the scan of msgpack does: also what is under keys nobody knows. */
    if (!within_depth(root, RH_EVENT_MAX_DEPTH + 1)) {
        error_text_set(why, "the document is nested deeper than %d levels", RH_EVENT_MAX_DEPTH);
        json_decref(root);
        return EVENT_BAD;
    }
    ret_tree->memory.json = root;
    ret_tree->root = view(root);
    return EVENT_OK;
}

static void json_close(struct event_tree *tree)
{
    json_decref(tree->memory.json);
}

static struct event_value json_find(struct event_value map, struct bytes key)
{
    json_t *node = json_object_getn(map.node, key.data, key.len);

    return node ? view(node) : (struct event_value){.kind = EVENT_KIND_ABSENT};
}

static struct event_value json_item(struct event_value list, size_t i)
{
    return view(json_array_get(list.node, i));
}

static int json_put(struct buffer *out, struct event_value value, const struct event_place *place,
                    struct error_text *why)
{
    (void)place;
    (void)why;
    return json_put_value(out, value.node, RH_EVENT_MAX_DEPTH); /* cannot fail: see json_open */
}

const struct event_encoding event_encoding_json = {
    .open = json_open,
    .close = json_close,
    .find = json_find,
    .item = json_item,
    .put = json_put,
};
