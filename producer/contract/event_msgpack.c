#include <math.h>
#include <msgpack.h>
#include <roomhook/event.h>
#include <string.h>

#include "contract/event_parts.h"
#include "contract/event_prescan.h"
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

/* Where a value stands, for error texts: a chain from the value up to the document's key. */
struct place {
    const struct place *up; /* NULL: at the top */
    struct bytes key;       /* empty data: an index instead */
    size_t index;
};

/* --- error texts --- */

/* "message.body.items[3]"; what does not fit is left out. */
static void write_path(const struct place *place, struct buffer *path)
{
    const struct place *chain[PLACES_MAX];
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

static int refuse(struct error_text *why, const struct place *place, const char *what)
{
    struct buffer path;

    buffer_init(&path, PATH_SIZE);
    write_path(place, &path);
    error_text_set(why, "%s%s: %s", path.data ? path.data : "", path.failed ? "…" : "", what);
    buffer_release(&path);
    return EVENT_BAD;
}

/* --- writing as JSON --- */

static int put_node(struct buffer *out, const msgpack_object *node, const struct place *place,
                    struct error_text *why);

static int put_string(struct buffer *out, struct bytes text, const struct place *place,
                      struct error_text *why)
{
    if (json_put_plain(out, text))
        return EVENT_OK;
    if (!bytes_is_utf8(text))
        return refuse(why, place, "the text is not valid UTF-8");
    json_put_string(out, text);
    return EVENT_OK;
}

/* An integer as one: encoders in JavaScript write those past 32 bits, like times, as floats. */
static int put_real(struct buffer *out, double value, const struct place *place,
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

static int put_list(struct buffer *out, const msgpack_object_array *list, const struct place *place,
                    struct error_text *why)
{
    struct place inside = {.up = place};

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

static int put_key(struct buffer *out, const msgpack_object *key, const struct place *place,
                   struct error_text *why)
{
    if (key->type != MSGPACK_OBJECT_STR)
        return refuse(why, place, "map keys must be strings");
    if (put_string(out, text_of(key), place, why))
        return EVENT_BAD;
    buffer_append_char(out, ':');
    return EVENT_OK;
}

/* One of a map's entries, with a comma before it unless it is the first. */
static int put_entry(struct buffer *out, const msgpack_object_kv *entry, bool is_first,
                     const struct place *place, struct error_text *why)
{
    struct place inside = {.up = place, .key = text_of(&entry->key)};

    if (!is_first)
        buffer_append_char(out, ',');
    if (put_key(out, &entry->key, place, why))
        return EVENT_BAD;
    return put_node(out, &entry->val, &inside, why);
}

static int put_map(struct buffer *out, const msgpack_object_map *map, const struct place *place,
                   struct error_text *why)
{
    buffer_append_char(out, '{');
    for (uint32_t i = 0; i < map->size; i++) {
        if (put_entry(out, &map->ptr[i], i == 0, place, why))
            return EVENT_BAD;
    }
    buffer_append_char(out, '}');
    return EVENT_OK;
}

static int put_node(struct buffer *out, const msgpack_object *node, const struct place *place,
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

/* --- the parts of an event --- */

static int read_message(struct event_parts *parts, const msgpack_object *node,
                        const struct place *place, struct error_text *why)
{
    const msgpack_object_map *map = &node->via.map;
    struct buffer *out = &parts->text;

    if (node->type != MSGPACK_OBJECT_MAP)
        return put_node(out, node, place, why);
    buffer_append_char(out, '{');
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object_kv *entry = &map->ptr[i];
        struct place inside = {.up = place, .key = text_of(&entry->key)};
        enum event_key key;
        size_t start;

        if (i > 0)
            buffer_append_char(out, ',');
        if (put_key(out, &entry->key, place, why))
            return EVENT_BAD;
        key = event_key_of(inside.key, true);
        start = out->len;
        if (put_node(out, &entry->val, &inside, why))
            return EVENT_BAD;
        if (key < EVENT_KEYS)
            event_parts_note(parts, key, start);
    }
    buffer_append_char(out, '}');
    return EVENT_OK;
}

static int read_hooks(struct event_parts *parts, const msgpack_object *node,
                      const struct place *place, struct error_text *why)
{
    const msgpack_object_array *list = &node->via.array;
    struct place inside = {.up = place};
    struct buffer *out = &parts->text;

    if (node->type != MSGPACK_OBJECT_ARRAY)
        return put_node(out, node, place, why);
    buffer_append_char(out, '[');
    for (; inside.index < list->size; inside.index++) {
        size_t start;

        if (inside.index > 0)
            buffer_append_char(out, ',');
        start = out->len;
        if (put_node(out, &list->ptr[inside.index], &inside, why))
            return EVENT_BAD;
        if (inside.index < EVENT_MAX_INLINE_HOOKS)
            parts->hooks[inside.index] = (struct event_span){start, out->len - start};
    }
    buffer_append_char(out, ']');
    parts->hooks_len = list->size;
    return EVENT_OK;
}

/* Other keys are left for producers newer than this worker: their values are not looked at. */
static int read_entry(struct event_parts *parts, const msgpack_object_kv *entry,
                      struct error_text *why)
{
    static const struct place document = {.key = BYTES("the document")};
    struct place place = {.key = text_of(&entry->key)};
    size_t start = parts->text.len;
    enum event_key key;
    int problem;

    if (entry->key.type != MSGPACK_OBJECT_STR)
        return refuse(why, &document, "map keys must be strings");
    key = event_key_of(place.key, false);
    if (key == EVENT_KEYS)
        return EVENT_OK;
    if (key == EVENT_KEY_MESSAGE)
        problem = read_message(parts, &entry->val, &place, why);
    else if (key == EVENT_KEY_WEBHOOKS)
        problem = read_hooks(parts, &entry->val, &place, why);
    else
        problem = put_node(&parts->text, &entry->val, &place, why);
    event_parts_note(parts, key, start);
    return problem;
}

static int read_document(struct event_parts *parts, const msgpack_object *root,
                         struct error_text *why)
{
    parts->is_map = root->type == MSGPACK_OBJECT_MAP;
    for (uint32_t i = 0; parts->is_map && i < root->via.map.size; i++) {
        if (read_entry(parts, &root->via.map.ptr[i], why))
            return EVENT_BAD;
    }
    return EVENT_OK;
}

int event_read_msgpack(struct bytes document, struct event_parts *parts, struct error_text *why)
{
    msgpack_unpacked unpacked;
    size_t end = 0;
    int problem;

    if (event_prescan(document, why))
        return EVENT_BAD;
    buffer_reserve(&parts->text, document.len + document.len / 2);
    msgpack_unpacked_init(&unpacked);
    /* What passed the scan is one whole document, so only memory can be lacking. */
    if (msgpack_unpack_next(&unpacked, document.data, document.len, &end) !=
            MSGPACK_UNPACK_SUCCESS ||
        end != document.len) {
        msgpack_unpacked_destroy(&unpacked);
        error_text_set(why, "out of memory");
        return EVENT_NO_MEMORY;
    }
    problem = read_document(parts, &unpacked.data, why);
    msgpack_unpacked_destroy(&unpacked);
    return problem;
}
