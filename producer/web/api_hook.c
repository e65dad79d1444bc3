#include "web/api_hook.h"

#include <string.h>

#include "admin/hook/actions.h"
#include "admin/hook/describe.h"
#include "admin/hook/remove.h"
#include "admin/hook/test.h"
#include "contract/json_object.h"
#include "contract/parse.h"
#include "web/api_read.h"

#define AUTO "auto" /* in place of a secret or signature: make one */

/* What a change is given, and made. */
struct edit {
    json_t *body;
    bool replaces;   /* PUT */
    bool only_new;   /* none may be there */
    bool is_new;     /* there was none before */
    bool is_of_room; /* by a token of the room */
    bool made_signature;
};

/* --- changing --- */

/* Headers are changed one by one, a template as a whole. */
static bool is_merged(const char *key, const json_t *old, const json_t *value)
{
    return strcmp(key, "headers") == 0 && json_is_object(old) && json_is_object(value);
}

static int merge(json_t *into, json_t *patch, bool is_top)
{
    const char *key;
    json_t *value;

    json_object_foreach(patch, key, value) {
        json_t *old = json_object_get(into, key);
        int result = 0;
        if (json_is_null(value))
            (void)json_object_del(into, key);
        else if (is_top && is_merged(key, old, value))
            result = merge(old, value, false);
        else
            result = json_object_set_new(into, key, json_deep_copy(value));
        if (result < 0)
            return -1;
    }
    return 0;
}

static bool is_auto(const json_t *hook, const char *key)
{
    const char *value = json_string_value(json_object_get(hook, key));

    return value != NULL && strcmp(value, AUTO) == 0;
}

/* Credentials that are to be made. */
static enum admin_result make_credentials(const struct session *session, struct hook_target *target,
                                          json_t *hook, struct edit *edit)
{
    char signature[17];
    int failed = 0;

    target->secret[0] = '\0';
    edit->made_signature = is_auto(hook, "verificationSignature");
    if (edit->made_signature)
        failed = hook_make_signature(signature) < 0 ||
                 json_object_set_new(hook, "verificationSignature", json_string(signature)) < 0;
    if (!failed && is_auto(hook, "secret"))
        failed = hook_make_secret(target->secret) < 0 ||
                 json_object_set_new(hook, "secret", json_string(target->secret)) < 0;
    return failed ? session_failed(session, "no credentials could be made") : ADMIN_DONE;
}

/* It brings a client certificate and a way into networks: the admin of a room does not choose where
 * these lead. */
static bool has_transport(const json_t *hook)
{
    return json_object_get(hook, "transport") != NULL;
}

static enum admin_result apply(const struct session *session, struct hook_target *target,
                               json_t *hook, void *context)
{
    struct edit *edit = context;

    edit->is_new = json_object_size(hook) == 0;
    if (!edit->replaces && edit->is_new)
        return hook_target_missing(session, target);
    if (edit->only_new && !edit->is_new)
        return session_refused(session, ADMIN_CONFLICT, "room %s has a hook %s already",
                               target->room.text, target->id);
    if (edit->is_of_room && (has_transport(hook) || has_transport(edit->body)))
        return session_refused(session, ADMIN_INVALID,
                               "a hook with a transport is changed with role operate only");
    if (edit->replaces)
        (void)json_object_clear(hook);
    if (merge(hook, edit->body, true) < 0)
        return session_failed(session, "out of memory");
    return make_credentials(session, target, hook, edit);
}

/* --- answers --- */

static void put_hook(struct call *call, struct session *session, struct hook_target *target,
                     const struct hook *hook, bool shows_signature)
{
    const struct stored_state nothing = {.at_ms = 0};
    struct buffer *out = &call->answer.body;
    char until[32];

    (void)session;
    call->answer.has_secret = true;
    object_begin(out);
    api_put_hook(out, &call->room, hook, &nothing, 0, shows_signature);
    if (target->secret[0] != '\0')
        object_put_text(out, "secret", bytes_of(target->secret));
    if (target->old_until_ms > 0)
        object_put_text(out, "oldSecretUntil",
                        bytes_of(format_iso8601(target->old_until_ms, until, sizeof(until))));
    object_put_int(out, "waiting", target->waiting);
    object_end(out);
}

/* Waiting deliveries are due now. False with the failure reported. */
static bool make_due(struct session *session, const struct hook_target *target)
{
    return target->waiting == 0 || hook_store_make_due(session, &target->room, target->id);
}

static void edit_hook(struct call *call, struct session *session, bool replaces)
{
    struct edit edit = {
        .body = call->body,
        .replaces = replaces,
        .only_new = replaces && call_flag(call, "create"),
        .is_of_room = call->access.room.len > 0,
    };
    struct hook_target target;
    struct hook *hook = NULL;

    hook_target_init(session, &target, &call->room, call->hook_id);
    if (hook_change(session, &target, apply, &edit, HOOK_STORE_FORGET, &hook) == ADMIN_DONE &&
        (!target.is_other || make_due(session, &target))) {
        put_hook(call, session, &target, hook, edit.made_signature);
        if (edit.is_new)
            call->answer.status = 201;
    }
    hook_free(hook);
    explicit_bzero(&target, sizeof(target));
}

void api_put_one_hook(struct call *call, struct session *session)
{
    edit_hook(call, session, true);
}

void api_patch_hook(struct call *call, struct session *session)
{
    edit_hook(call, session, false);
}

void api_remove_hook(struct call *call, struct session *session)
{
    struct hook_target target;

    hook_target_init(session, &target, &call->room, call->hook_id);
    if (hook_remove(session, &target) == ADMIN_DONE)
        call->answer.status = 204;
}

void api_enable_hook(struct call *call, struct session *session)
{
    struct hook_target target;
    struct hook *hook = NULL;

    hook_target_init(session, &target, &call->room, call->hook_id);
    if (hook_enable(session, &target, &hook) == ADMIN_DONE && make_due(session, &target))
        put_hook(call, session, &target, hook, false);
    hook_free(hook);
}

void api_disable_hook(struct call *call, struct session *session)
{
    struct hook_target target;
    struct hook *hook = NULL;

    hook_target_init(session, &target, &call->room, call->hook_id);
    if (hook_disable(session, &target, &hook) == ADMIN_DONE)
        put_hook(call, session, &target, hook, false);
    hook_free(hook);
}

void api_resume_hook(struct call *call, struct session *session)
{
    struct hook_target target;

    hook_target_init(session, &target, &call->room, call->hook_id);
    if (hook_resume(session, &target) != ADMIN_DONE || !make_due(session, &target))
        return;
    object_begin(&call->answer.body);
    object_put_int(&call->answer.body, "waiting", target.waiting);
    object_end(&call->answer.body);
}

void api_rotate_hook(struct call *call, struct session *session)
{
    const char *keep = call_value(call, "keep");
    struct hook_target target;
    struct hook *hook = NULL;

    hook_target_init(session, &target, &call->room, call->hook_id);
    target.keep_ms = HOOK_KEEP_DEFAULT_MS;
    if (keep != NULL)
        (void)parse_duration_ms(bytes_of(keep), 0, HOOK_KEEP_MAX_MS, &target.keep_ms);
    if (hook_replace_secret(session, &target, &hook) == ADMIN_DONE)
        put_hook(call, session, &target, hook, false);
    hook_free(hook);
    explicit_bzero(&target, sizeof(target));
}

/* --- the test --- */

static bool pause_for(void *context, int64_t ms)
{
    return jobs_pause(context, ms);
}

void api_test_hook(struct call *call, struct session *session)
{
    struct hook_target target;
    struct hook_tested tested;

    hook_target_init(session, &target, &call->room, call->hook_id);
    if (!hook_test(session, &target, HOOK_TEST_WAIT_MS, pause_for, &call->job, &tested))
        return;
    object_begin(&call->answer.body);
    hook_tested_put_json(&call->answer.body, &target, &tested);
    object_end(&call->answer.body);
    hook_tested_release(&tested);
}
