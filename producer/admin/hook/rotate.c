#include "admin/hook/rotate.h"

#include "contract/hook.h"

/* When a stored secret ends: a plain one has no end yet. */
static int64_t end_of(const json_t *secret, int64_t until_ms)
{
    const json_t *until = json_object_get(secret, "until");

    if (json_is_integer(until) && json_integer_value(until) < until_ms)
        return json_integer_value(until);
    return until_ms;
}

/* Appends a stored secret to the list, with its end. Nothing when that is over. */
static int keep(json_t *list, json_t *secret, int64_t now_ms, int64_t until_ms,
                int64_t *ret_last_ms)
{
    json_t *key = json_is_object(secret) ? json_object_get(secret, "key") : secret;
    int64_t end_ms = end_of(secret, until_ms);

    if (!json_is_string(key))
        return json_array_append(list, secret); /* hook_parse will say what is wrong with it */
    if (end_ms <= now_ms)
        return 0;
    if (end_ms > *ret_last_ms)
        *ret_last_ms = end_ms;
    return json_array_append_new(list,
                                 json_pack("{s:O, s:I}", "key", key, "until", (json_int_t)end_ms));
}

static int keep_all(json_t *list, json_t *secrets, int64_t now_ms, int64_t until_ms,
                    int64_t *ret_last_ms)
{
    int result = 0;

    if (!json_is_array(secrets))
        return keep(list, secrets, now_ms, until_ms, ret_last_ms);
    for (size_t i = 0; i < json_array_size(secrets) && !result; i++)
        result = keep(list, json_array_get(secrets, i), now_ms, until_ms, ret_last_ms);
    return result;
}

/* Takes list over. */
static int put_list(json_t *hook, json_t *list, struct error_text *why)
{
    size_t old = json_array_size(list) - 1;
    int result;

    if (old >= HOOK_MAX_SECRETS) {
        json_decref(list);
        error_text_set(why,
                       "%zu secrets of this hook sign yet, and at most %d may: wait until one "
                       "of them ends, or drop them all with --keep 0",
                       old, HOOK_MAX_SECRETS);
        return -1;
    }
    if (old > 0)
        return json_object_set_new(hook, "secret", list);
    result = json_object_set(hook, "secret", json_array_get(list, 0));
    json_decref(list);
    return result;
}

int hook_rotate(json_t *hook, int64_t now_ms, int64_t keep_ms,
                char ret_secret[HOOK_SECRET_TEXT_SIZE], int64_t *ret_until_ms,
                struct error_text *why)
{
    json_t *secrets = json_object_get(hook, "secret");
    int64_t last_ms = 0;
    json_t *list;

    if (!secrets) {
        error_text_set(why, "the hook has no secret to replace; hook set --secret auto gives it "
                            "one");
        return -1;
    }
    if (hook_make_secret(ret_secret) < 0) {
        error_text_set(why, "there is no randomness for a secret");
        return -1;
    }
    error_text_set(why, "out of memory");
    list = json_array();
    if (json_array_append_new(list, json_string(ret_secret)) ||
        keep_all(list, secrets, now_ms, now_ms + keep_ms, &last_ms)) {
        json_decref(list);
        return -1;
    }
    *ret_until_ms = last_ms;
    return put_list(hook, list, why);
}
