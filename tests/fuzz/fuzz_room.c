/*
 * Any bytes as the value of a roomId in JSON, and as a room's text. jansson must read the same
 * value, and what is accepted must come out of a lane as it went in.
 */
#include "fuzz.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/lane.h"
#include "contract/room.h"

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* What jansson reads is a string with the room's text, or an integer that it can hold. */
static void check_json(struct bytes value)
{
    struct room_id room = {.len = 0};
    bool is_room = room_id_of_json(value, &room) == 0;
    json_t *json = json_loadb(value.data, value.len,
                              JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DISABLE_EOF_CHECK, NULL);
    char number[24];

    if (json_is_string(json) && is_room)
        must(bytes_equal((struct bytes){json_string_value(json), json_string_length(json)},
                         room_id_bytes(&room)));
    if (json_is_integer(json) && is_room) {
        (void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
        must(bytes_equal_text(room_id_bytes(&room), number));
    }
    must(!is_room || !json_is_real(json));
    json_decref(json);
}

static void check_text(struct bytes text)
{
    static const struct hook hook = {.id = "main", .fingerprint = "0ecbac1bbee71e56"};
    struct room_id room = {.len = 0};
    struct lane_parts parts;
    char lane[LANE_SIZE];
    char quoted[ROOM_ID_MAX + 3];

    if (room_id_of_text(text, &room))
        return;
    must(room.len == text.len && strlen(room.text) == text.len);
    must(room_id_compare(&room, &room) == 0);
    must(lane_split(bytes_of(lane_of(&room, "main", lane)), &parts) == 0);
    must(room_id_equal(&parts.room, &room) && !parts.is_inline);
    must(lane_split(bytes_of(lane_of_inline(&hook, &room, lane)), &parts) == 0);
    must(room_id_equal(&parts.room, &room) && parts.is_inline);
    (void)snprintf(quoted, sizeof(quoted), "\"%s\"", room.text);
    must(room_id_of_json(bytes_of(quoted), &parts.room) == 0);
    must(room_id_equal(&parts.room, &room));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};

    check_json(text);
    check_text(text);
    return 0;
}
