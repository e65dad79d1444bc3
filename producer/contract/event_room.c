#include "contract/event_room.h"

#include <math.h>
#include <msgpack.h>
#include <stdbool.h>
#include <string.h>

#include "contract/event_parts.h"
#include "contract/event_prescan.h"
#include "contract/json_scan.h"
#include "contract/json_string.h"

#define ESCAPED_KEY_MAX 64
#define VALUE_MAX (6 * ROOM_ID_MAX + 2)
#define EXACT_MAX 9007199254740992.0 /* 2^53 */

/* --- JSON --- */

/* Goes through anything by its brackets and strings. */
struct search {
    const char *at;
    const char *end;
    size_t depth;
    enum event_key key; /* the last one of the document */
};

/* Moves behind the string that begins at at, and returns what is between its quotes; a string that
 * does not end is taken as far as it goes. */
static struct bytes next_string(struct search *search)
{
    const char *start = ++search->at;
    const char *at = start;

    while (at < search->end && *at != '"')
        at += *at == '\\' && search->end - at > 1 ? 2 : 1;
    search->at = at < search->end ? at + 1 : at;
    return (struct bytes){start, (size_t)(at - start)};
}

static void skip_space(struct search *search)
{
    while (search->at < search->end && strchr(" \t\r\n", *search->at) && *search->at != '\0')
        search->at++;
}

/* Sound escapes only are taken for what they mean. */
static enum event_key key_of(struct bytes name, bool in_message)
{
    char copy[ESCAPED_KEY_MAX + 2];
    struct json_scan scan;

    if (name.len == 0 || name.len > ESCAPED_KEY_MAX || !memchr(name.data, '\\', name.len))
        return event_key_of(name, in_message);
    json_scan_init(&scan, (struct bytes){name.data - 1, name.len + 2}, copy, 0);
    (void)json_scan_value(&scan);
    if (!json_scan_end(&scan))
        return EVENT_KEYS;
    return event_key_of((struct bytes){copy, json_string_unescape(name, copy)}, in_message);
}

/* The number or string that comes next. */
static struct bytes next_value(struct search *search)
{
    const char *start = search->at;

    if (start < search->end && *start == '"') {
        (void)next_string(search);
    } else {
        while (search->at < search->end &&
               (*search->at == '-' || (*search->at >= '0' && *search->at <= '9')))
            search->at++;
        /* A number that goes on is another one: 1.5, 1e3, or one that was cut. */
        if (search->at == search->end || !strchr(" \t\r\n,}", *search->at) || *search->at == '\0')
            return (struct bytes){NULL, 0};
    }
    return (struct bytes){start, (size_t)(search->at - start)};
}

/* At a string: the room's, when it is the key of that. */
static int look_at_string(struct search *search, struct room_id *ret)
{
    struct bytes name = next_string(search);

    skip_space(search);
    if (search->depth > 2 || search->at == search->end || *search->at != ':')
        return -1;
    search->at++;
    if (search->depth == 1) {
        search->key = key_of(name, false);
        return -1;
    }
    if (search->key != EVENT_KEY_MESSAGE || key_of(name, true) != EVENT_KEY_ROOM_ID)
        return -1;
    skip_space(search);
    return room_id_of_json(next_value(search), ret);
}

static int find_in_json(struct bytes document, struct room_id *ret)
{
    struct search search = {
        .at = document.data, .end = document.data + document.len, .key = EVENT_KEYS};

    while (search.at < search.end) {
        char c = *search.at;

        if (c == '"') {
            if (look_at_string(&search, ret) == 0)
                return 0;
            continue;
        }
        if (c == '{' || c == '[')
            search.depth++;
        else if ((c == '}' || c == ']') && search.depth > 0)
            search.depth--;
        search.at++;
    }
    return -1;
}

/* --- msgpack --- */

/* Moves *at behind a whole value. */
static int skip_value(struct bytes document, size_t *at)
{
    uint64_t owed = 1;

    while (owed > 0) {
        uint64_t elements;

        if (event_prescan_header(document, at, &elements) ||
            elements > document.len - *at) /* each has a byte at least */
            return -1;
        owed += elements - 1;
    }
    return 0;
}

/* What begins at *at and is no map or list; its memory is the document's. */
static int read_small(struct bytes document, size_t *at, msgpack_object *ret)
{
    size_t from = *at;
    uint64_t elements;
    msgpack_unpacked unpacked;
    bool sound;

    if (event_prescan_header(document, at, &elements) || elements > 0)
        return -1;
    msgpack_unpacked_init(&unpacked);
    sound = msgpack_unpack_next(&unpacked, document.data + from, *at - from, NULL) ==
            MSGPACK_UNPACK_SUCCESS;
    *ret = unpacked.data;
    msgpack_unpacked_destroy(&unpacked);
    return sound ? 0 : -1;
}

static int room_of_object(const msgpack_object *object, struct room_id *ret)
{
    double real = object->via.f64;
    char digits[WRITE_UINT64_MAX];

    switch (object->type) {
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return room_id_of_text(
            (struct bytes){digits, (size_t)(write_uint64(digits, object->via.u64, 0) - digits)},
            ret);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        room_id_of_int64(object->via.i64, ret);
        return 0;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        if (!(fabs(real) <= EXACT_MAX) || trunc(real) != real || (real == 0 && signbit(real)))
            return -1;
        room_id_of_int64((int64_t)real, ret);
        return 0;
    case MSGPACK_OBJECT_STR:
        return room_id_of_text((struct bytes){object->via.str.ptr, object->via.str.size}, ret);
    default:
        return -1;
    }
}

static bool is_map(struct bytes document, size_t at)
{
    unsigned char header = at < document.len ? (unsigned char)document.data[at] : 0;

    return (header >= 0x80 && header < 0x90) || header == 0xde || header == 0xdf;
}

/* In the map at *at, moves it to the value of key. */
static int find_key(struct bytes document, size_t *at, enum event_key key, bool in_message)
{
    uint64_t elements;

    if (!is_map(document, *at) || event_prescan_header(document, at, &elements))
        return -1;
    for (; elements > 0; elements -= 2) {
        size_t behind = *at;
        msgpack_object name;

        if (skip_value(document, &behind))
            return -1;
        if (read_small(document, at, &name) == 0 && name.type == MSGPACK_OBJECT_STR &&
            event_key_of((struct bytes){name.via.str.ptr, name.via.str.size}, in_message) == key)
            return 0;
        *at = behind;
        if (skip_value(document, at))
            return -1;
    }
    return -1;
}

static int find_in_msgpack(struct bytes document, struct room_id *ret)
{
    size_t at = 0;
    msgpack_object room;

    if (find_key(document, &at, EVENT_KEY_MESSAGE, false) ||
        find_key(document, &at, EVENT_KEY_ROOM_ID, true) || read_small(document, &at, &room))
        return -1;
    return room_of_object(&room, ret);
}

int event_find_room(enum rh_encoding encoding, struct bytes document, struct room_id *ret)
{
    if (document.len == 0)
        return -1;
    return encoding == RH_MSGPACK ? find_in_msgpack(document, ret) : find_in_json(document, ret);
}
