#include "admin/lane/drop.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin_lua.h"
#include "contract/lane.h"

#define ARGS_MAX (16 + 2 * SESSION_BATCH)

bool lane_drop(struct session *session, const char *lane, const char *url, const struct bytes *ids,
               size_t ids_len, struct reply **ret_dropped)
{
    const struct keys *keys = &session->keys;
    struct lane_parts parts = {0};
    struct bytes args[ARGS_MAX];
    char holders[SESSION_BATCH][KEY_SIZE];
    char lane_key[KEY_SIZE];
    char keys_len[24];
    size_t n = 0;

    (void)lane_split(bytes_of(lane), &parts); /* else it has no room */
    (void)snprintf(keys_len, sizeof(keys_len), "%zu", 9 + ids_len);
    const struct bytes fixed[] = {BYTES("EVAL"),
                                  BYTES(lua_lane_drop),
                                  bytes_of(keys_len),
                                  bytes_of(keys->deliveries),
                                  bytes_of(keys->documents),
                                  bytes_of(keys->leases),
                                  bytes_of(keys->lanes),
                                  bytes_of(keys->lanes_shut),
                                  bytes_of(keys->dead),
                                  bytes_of(keys->dead_by_room),
                                  bytes_of(keys->dead_bytes),
                                  bytes_of(keys_lane(keys, lane, lane_key))};
    for (; n < sizeof(fixed) / sizeof(fixed[0]); n++)
        args[n] = fixed[n];
    for (size_t i = 0; i < ids_len; i++) {
        char stream[LANE_STREAM_SIZE];
        size_t stream_len = strcspn(ids[i].data, "/");
        (void)snprintf(stream, sizeof(stream), "%.*s", (int)stream_len, ids[i].data);
        args[n++] = bytes_of(keys_holders(keys, stream, holders[i]));
    }
    args[n++] = room_id_bytes(&parts.room);
    args[n++] = bytes_of(url);
    for (size_t i = 0; i < ids_len; i++)
        args[n++] = ids[i];
    return session_ask(session, args, n, ret_dropped);
}
