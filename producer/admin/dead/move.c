#include "admin/dead/move.h"

#include <stdio.h>
#include <string.h>

#include "admin_lua.h"
#include "contract/dead_letter.h"

bool dead_replay(struct session *session, const struct bytes *ids, size_t ids_len,
                 struct reply **ret_events)
{
    const struct keys *keys = &session->keys;
    char kept[16];
    struct bytes args[8 + SESSION_BATCH] = {BYTES("EVAL"),
                                            BYTES(lua_replay),
                                            BYTES("4"),
                                            bytes_of(keys->dead),
                                            bytes_of(keys->events),
                                            bytes_of(keys->dead_by_room),
                                            bytes_of(keys->dead_bytes)};

    (void)snprintf(kept, sizeof(kept), "%d", DEAD_DOCUMENT_KEPT);
    args[7] = bytes_of(kept);
    memcpy(args + 8, ids, ids_len * sizeof(*ids));
    return session_ask(session, args, 8 + ids_len, ret_events);
}

bool dead_purge(struct session *session, const struct bytes *ids, size_t ids_len,
                struct reply **ret_purged)
{
    const struct keys *keys = &session->keys;
    struct bytes args[6 + SESSION_BATCH] = {BYTES("EVAL"),
                                            BYTES(lua_purge),
                                            BYTES("3"),
                                            bytes_of(keys->dead),
                                            bytes_of(keys->dead_by_room),
                                            bytes_of(keys->dead_bytes)};

    memcpy(args + 6, ids, ids_len * sizeof(*ids));
    return session_ask(session, args, 6 + ids_len, ret_purged);
}

bool dead_is_cut(const struct dead_entry *entry)
{
    struct bytes msgpack = dead_field(entry, "msgpack");
    struct bytes document = msgpack.data ? msgpack : dead_field(entry, "json");

    return bytes_equal_text(dead_field(entry, "reason"), dead_reason_name(DEAD_TOO_LARGE)) &&
           document.len >= DEAD_DOCUMENT_KEPT;
}
