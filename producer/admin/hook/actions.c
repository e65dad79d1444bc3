#include "admin/hook/actions.h"

#include "admin/hook/rotate.h"

/* context is NULL to disable it. */
static enum admin_result set_enabled(const struct session *session, struct hook_target *target,
                                     json_t *hook, void *context)
{
    if (json_object_size(hook) == 0)
        return hook_target_missing(session, target);
    if (json_object_set_new(hook, "enabled", json_boolean(context != NULL)) < 0)
        return session_failed(session, "out of memory");
    return ADMIN_DONE;
}

enum admin_result hook_enable(struct session *session, struct hook_target *target,
                              struct hook **ret_hook)
{
    return hook_change(session, target, set_enabled, target, HOOK_STORE_FORGET, ret_hook);
}

enum admin_result hook_disable(struct session *session, struct hook_target *target,
                               struct hook **ret_hook)
{
    return hook_change(session, target, set_enabled, NULL, HOOK_STORE_LOOK, ret_hook);
}

static enum admin_result change_secret(const struct session *session, struct hook_target *target,
                                       json_t *hook, void *context)
{
    struct error_text why;

    (void)context;
    if (json_object_size(hook) == 0)
        return hook_target_missing(session, target);
    if (hook_rotate(hook, target->now_ms, target->keep_ms, target->secret, &target->old_until_ms,
                    &why) < 0)
        return session_refused(session, ADMIN_CONFLICT, "%s", why.text);
    return ADMIN_DONE;
}

enum admin_result hook_replace_secret(struct session *session, struct hook_target *target,
                                      struct hook **ret_hook)
{
    if (!session_server_time(session, &target->now_ms))
        return ADMIN_FAILED;
    return hook_change(session, target, change_secret, NULL, HOOK_STORE_FORGET, ret_hook);
}

static enum admin_result check(struct session *session, const struct hook_target *target)
{
    const struct bytes args[] = {BYTES("HGET"), bytes_of(target->room_key), bytes_of(target->id)};
    enum admin_result result = ADMIN_DONE;
    struct hook *hook = NULL;
    struct error_text why;
    struct reply *reply;

    if (!session_ask(session, args, 3, &reply))
        return ADMIN_FAILED;
    if (reply_is_nil(reply))
        result = hook_target_missing(session, target);
    else if (hook_parse(bytes_of(target->id), reply_text(reply), &hook, &why) != HOOK_OK)
        result = session_refused(session, ADMIN_CONFLICT,
                                 "the hook is not valid: %s; roomhook hook set mends it", why.text);
    else if (!hook->enabled)
        result = session_refused(session, ADMIN_CONFLICT,
                                 "the hook is disabled; roomhook hook enable takes it up");
    hook_free(hook);
    reply_free(reply);
    return result;
}

enum admin_result hook_resume(struct session *session, struct hook_target *target)
{
    struct hook_store_found found;

    enum admin_result result = check(session, target);
    if (result != ADMIN_DONE)
        return result;
    if (!hook_store_change(session, &target->room, target->id, HOOK_STORE_RESUME, &found))
        return ADMIN_FAILED;
    target->waiting = found.waiting;
    return ADMIN_DONE;
}
