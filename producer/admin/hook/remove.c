#include "admin/hook/remove.h"

#include "admin/hook/store.h"
#include "admin_lua.h"

enum admin_result hook_remove(struct session *session, const struct hook_target *target)
{
    const struct bytes args[] = {BYTES("EVAL"),
                                 BYTES(lua_hook_remove),
                                 BYTES("2"),
                                 bytes_of(target->room_key),
                                 bytes_of(session->keys.hooks_changed),
                                 room_id_bytes(&target->room),
                                 bytes_of(target->id)};
    struct reply *reply;
    struct hook_store_found found;

    if (!session_ask(session, args, 7, &reply))
        return ADMIN_FAILED;
    bool removed = reply_int(reply) == 1;
    reply_free(reply);
    /* Also when there was none: an earlier try may have been interrupted here, or the hook was
     * removed by hand. */
    if (!hook_store_change(session, &target->room, target->id, HOOK_STORE_FORGET, &found))
        return ADMIN_FAILED;
    if (removed || found.known || found.waiting > 0)
        return ADMIN_DONE;
    return hook_target_missing(session, target);
}
