#include <math.h>
#include <string.h>

#include "contract/event_prescan.h"
#include "contract/event_tree.h"
#include "contract/json_text.h"

#define PLACES_MAX (RH_EVENT_MAX_DEPTH + 2) /* a chain is never longer: the scan saw to it */
#define EXACT_MAX 9007199254740992.0        /* 2^53: a double has all integers up to here */
#define PATH_SIZE 140                       /* leaves room for the rest of an error_text */
#define PATH_KEY_SIZE 44

static struct bytes text_of(const msgpack_object *string)
{
    return (struct bytes){string->via.str.ptr, string->via.str.size};
}

/* JavaScript's encoders write integers of more than 32 bits so. -0.0 is none: its sign would go. */
static bool is_integer(double value)
{
    return fabs(value) <= EXACT_MAX && trunc(value) == value && !(value == 0 && signbit(value));
}

static struct event_value view(msgpack_object *node)
{
    struct event_value value = {.kind = EVENT_KIND_OTHER, .node = node};

    switch (node->type) {
    case MSGPACK_OBJECT_NIL:
        value.kind = EVENT_KIND_NULL;
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        value.kind = node->via.u64 <= INT64_MAX ? EVENT_KIND_INTEGER : EVENT_KIND_LARGE_INTEGER;
        value.integer = (int64_t)node->via.u64;
        value.large = node->via.u64;
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        if (is_integer(node->via.f64)) {
            value.kind = EVENT_KIND_INTEGER;
            value.integer = (int64_t)node->via.f64;
        }
        break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        value.kind = EVENT_KIND_INTEGER;
        value.integer = node->via.i64;
        break;
    case MSGPACK_OBJECT_STR:
        value.kind = EVENT_KIND_STRING;
        value.string = text_of(node);
        break;
    case MSGPACK_OBJECT_ARRAY:
        value.kind = EVENT_KIND_LIST;
        value.len = node->via.array.size;
        break;
    case MSGPACK_OBJECT_MAP:
        value.kind = EVENT_KIND_MAP;
        break;
    default:
        break;
    }
    return value;
}

/* --- error texts --- */

/* "message.body.items[3]"; what does not fit is left out. */
static void write_path(const struct event_place *place, struct buffer *path)
{
    const struct event_place *chain[PLACES_MAX];
    size_t len = 0;
    char shown[PATH_KEY_SIZE];

    for (; place && len < PLACES_MAX; place = place->up)
        chain[len++] = place;
    for (size_t i = len; i-- > 0;) {
        if (!chain[i]->key.data)
            buffer_append_format(path, "[%zu]", chain[i]->index);
        else
            buffer_append_format(path, "%s%s", i == len - 1 ? "" : ".",
                                 bytes_printable(chain[i]->key, shown, sizeof(shown)));
    }
}

static int refuse(struct error_text *why, const struct event_place *place, const char *what)
{
    struct buffer path;

    buffer_init(&path, PATH_SIZE);
    write_path(place, &path);
    error_text_set(why, "%s%s: %s", path.data ? path.data : "", path.failed ? "…" : "", what);
    buffer_release(&path);
    return EVENT_BAD;
}

/* --- writing as JSON --- */

static int put_node(struct buffer *out, const msgpack_object *node, const struct event_place *place,
                    struct error_text *why);

static int put_string(struct buffer *out, struct bytes text, const struct event_place *place,
                      struct error_text *why)
{
    if (!bytes_is_utf8(text))
        return refuse(why, place, "the text is not valid UTF-8");
    json_put_string(out, text);
    return EVENT_OK;
}

static int put_real(struct buffer *out, double value, const struct event_place *place,
                    struct error_text *why)
{
    if (!isfinite(value))
        return refuse(why, place, "NaN and infinities are not allowed");
    if (is_integer(value))
        buffer_append_int64(out, (int64_t)value);
    else
        json_put_real(out, value);
    return EVENT_OK;
}

static int put_list(struct buffer *out, const msgpack_object_array *list,
                    const struct event_place *place, struct error_text *why)
{
    struct event_place inside = {.up = place};

    buffer_append_char(out, '[');
    for (; inside.index < list->size; inside.index++) {
        if (inside.index > 0)
            buffer_append_char(out, ',');
        if (put_node(out, &list->ptr[inside.index], &inside, why))
            return EVENT_BAD;
    }
    buffer_append_char(out, ']');
    return EVENT_OK;
}

/* A NUL in a key is refused because jansson refuses it: the encodings must agree on validity. */
static int put_key(struct buffer *out, const msgpack_object *key, const struct event_place *place,
                   struct error_text *why)
{
    if (key->type != MSGPACK_OBJECT_STR)
        return refuse(why, place, "map keys must be strings");
    if (memchr(key->via.str.ptr, '\0', key->via.str.size))
        return refuse(why, place, "NUL is not allowed in map keys");
    if (put_string(out, text_of(key), place, why))
        return EVENT_BAD;
    buffer_append_char(out, ':');
    return EVENT_OK;
}

static int put_map(struct buffer *out, const msgpack_object_map *map,
                   const struct event_place *place, struct error_text *why)
{
    buffer_append_char(out, '{');
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object_kv *entry = &map->ptr[i];
        struct event_place inside = {.up = place};

        if (i > 0)
            buffer_append_char(out, ',');
        if (put_key(out, &entry->key, place, why))
            return EVENT_BAD;
        inside.key = text_of(&entry->key);
        if (put_node(out, &entry->val, &inside, why))
            return EVENT_BAD;
    }
    buffer_append_char(out, '}');
    return EVENT_OK;
}

static int put_node(struct buffer *out, const msgpack_object *node, const struct event_place *place,
                    struct error_text *why)
{
    switch (node->type) {
    case MSGPACK_OBJECT_NIL:
        buffer_append_text(out, "null");
        return EVENT_OK;
    case MSGPACK_OBJECT_BOOLEAN:
        buffer_append_text(out, node->via.boolean ? "true" : "false");
        return EVENT_OK;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        buffer_append_uint64(out, node->via.u64);
        return EVENT_OK;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        buffer_append_int64(out, node->via.i64);
        return EVENT_OK;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return put_real(out, node->via.f64, place, why);
    case MSGPACK_OBJECT_STR:
        return put_string(out, text_of(node), place, why);
    case MSGPACK_OBJECT_ARRAY:
        return put_list(out, &node->via.array, place, why);
    case MSGPACK_OBJECT_MAP:
        return put_map(out, &node->via.map, place, why);
    case MSGPACK_OBJECT_BIN:
        return refuse(why, place, "binary values are not allowed");
    default:
        return refuse(why, place, "extension values are not allowed");
    }
}

/* --- the encoding's functions --- */

/* The document's own keys; those of maps below are checked when they are written. */
static int check_root_keys(const msgpack_object *root, struct error_text *why)
{
    const struct event_place document = {.key = BYTES("the document")};

    for (uint32_t i = 0; root->type == MSGPACK_OBJECT_MAP && i < root->via.map.size; i++) {
        if (root->via.map.ptr[i].key.type != MSGPACK_OBJECT_STR)
            return refuse(why, &document, "map keys must be strings");
    }
    return EVENT_OK;
}

static int msgpack_open(struct bytes document, struct event_tree *ret_tree, struct error_text *why)
{
    msgpack_unpacked unpacked;
    size_t end = 0;

    if (event_prescan(document, why))
        return EVENT_BAD;
    msgpack_unpacked_init(&unpacked);
    /* What passed the scan is one whole document, so only memory can be lacking. */
    if (msgpack_unpack_next(&unpacked, document.data, document.len, &end) !=
            MSGPACK_UNPACK_SUCCESS ||
        end != document.len) {
        msgpack_unpacked_destroy(&unpacked);
        error_text_set(why, "out of memory");
        return EVENT_NO_MEMORY;
    }
    if (check_root_keys(&unpacked.data, why)) {
        msgpack_unpacked_destroy(&unpacked);
        return EVENT_BAD;
    }
    ret_tree->memory.msgpack = unpacked;
    ret_tree->root = view(&ret_tree->memory.msgpack.data);
    return EVENT_OK;
}

static void msgpack_close(struct event_tree *tree)
{
    msgpack_unpacked_destroy(&tree->memory.msgpack);
}

static struct event_value msgpack_find(struct event_value map, struct bytes key)
{
    const msgpack_object_map *entries = &((msgpack_object *)map.node)->via.map;
    struct event_value found = {.kind = EVENT_KIND_ABSENT};

    for (uint32_t i = 0; i < entries->size; i++) {
        msgpack_object_kv *entry = &entries->ptr[i];

        if (entry->key.type != MSGPACK_OBJECT_STR || !bytes_equal(text_of(&entry->key), key))
            continue;
        if (found.kind != EVENT_KIND_ABSENT)
            return (struct event_value){.kind = EVENT_KIND_TWICE};
        found = view(&entry->val);
    }
    return found;
}

static struct event_value msgpack_item(struct event_value list, size_t i)
{
    return view(&((msgpack_object *)list.node)->via.array.ptr[i]);
}

static int msgpack_put(struct buffer *out, struct event_value value,
                       const struct event_place *place, struct error_text *why)
{
    return put_node(out, value.node, place, why);
}

const struct event_encoding event_encoding_msgpack = {
    .open = msgpack_open,
    .close = msgpack_close,
    .find = msgpack_find,
    .item = msgpack_item,
    .put = msgpack_put,
};
