#include "contract/lane.h"

#include <stdio.h>
#include <string.h>

#include "contract/parse.h"

const char *lane_of(const struct room_id *room, const char *hook_id, char out[LANE_SIZE])
{
    char *at = write_text(out, room->text, ROOM_ID_MAX);

    *at++ = '/';
    *write_text(at, hook_id, RH_NAME_MAX) = '\0';
    return out;
}

const char *lane_of_inline(const struct hook *hook, const struct room_id *room, char out[LANE_SIZE])
{
    snprintf(out, LANE_SIZE, "%s/:%s", room->text, hook->fingerprint);
    return out;
}

int lane_split(struct bytes lane, struct lane_parts *ret_parts)
{
    const char *slash = lane.len > 0 ? memchr(lane.data, '/', lane.len) : NULL;
    struct lane_parts parts = {.is_inline = false};
    struct bytes room, hook;

    if (!slash)
        return -1;
    room = (struct bytes){lane.data, (size_t)(slash - lane.data)};
    hook = (struct bytes){slash + 1, lane.len - room.len - 1};
    parts.is_inline = hook.len > 0 && hook.data[0] == ':';
    if (room_id_of_text(room, &parts.room) && !(parts.is_inline && room.len == 0))
        return -1;
    if (!parts.is_inline && !parse_is_name(hook))
        return -1;
    if (!parts.is_inline)
        bytes_copy_text(hook, parts.hook_id, sizeof(parts.hook_id));
    *ret_parts = parts;
    return 0;
}

const char *lane_fingerprint(const struct hook *hook, char out[HOOK_STATE_FINGERPRINT_SIZE])
{
    *write_text(out, hook->fingerprint, HOOK_STATE_FINGERPRINT_SIZE - 1) = '\0';
    return out;
}

const char *lane_gate_fingerprint(const char *lane, const struct hook *hook,
                                  char out[HOOK_STATE_FINGERPRINT_SIZE])
{
    const char *slash = strrchr(lane, '/');

    if (hook)
        return lane_fingerprint(hook, out);
    snprintf(out, HOOK_STATE_FINGERPRINT_SIZE, "%.8s", slash && slash[1] == ':' ? slash + 2 : "-");
    return out;
}

const char *lane_stream(uint64_t ms, uint64_t seq, char out[LANE_STREAM_SIZE])
{
    char *at = write_uint64(out, ms, 13);

    *at++ = '-';
    *write_uint64(at, seq, 6) = '\0';
    return out;
}

const char *delivery_id(const char *stream, const char *hook_id, char out[DELIVERY_ID_SIZE])
{
    char *at = write_text(out, stream, LANE_STREAM_SIZE - 1);

    *at++ = '/';
    *write_text(at, hook_id, RH_NAME_MAX) = '\0';
    return out;
}

/* A number that may have zeros in front. 0, or -1. */
static int read_padded(struct bytes text, uint64_t *ret)
{
    while (text.len > 1 && text.data[0] == '0')
        text = (struct bytes){text.data + 1, text.len - 1};
    return parse_uint64(text, UINT64_MAX, ret);
}

static int read_stream(struct bytes stream, uint64_t *ret_ms, uint64_t *ret_seq)
{
    const char *dash = stream.len > 0 ? memchr(stream.data, '-', stream.len) : NULL;

    if (!dash)
        return -1;
    struct bytes ms = {stream.data, (size_t)(dash - stream.data)};
    struct bytes seq = {dash + 1, stream.len - ms.len - 1};
    return read_padded(ms, ret_ms) == 0 && read_padded(seq, ret_seq) == 0 ? 0 : -1;
}

int delivery_split(struct bytes id, char ret_stream_id[RH_STREAM_ID_SIZE],
                   char ret_hook_id[RH_NAME_MAX + 1])
{
    const char *slash = id.len > 0 ? memchr(id.data, '/', id.len) : NULL;
    struct bytes stream, hook;
    uint64_t ms, seq;
    char *at;

    if (!slash)
        return -1;
    stream = (struct bytes){id.data, (size_t)(slash - id.data)};
    hook = (struct bytes){slash + 1, id.len - stream.len - 1};
    if (!parse_is_name(hook) || read_stream(stream, &ms, &seq))
        return -1;
    at = write_uint64(ret_stream_id, ms, 0);
    *at++ = '-';
    *write_uint64(at, seq, 0) = '\0';
    bytes_copy_text(hook, ret_hook_id, RH_NAME_MAX + 1);
    return 0;
}
