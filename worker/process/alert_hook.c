#include "process/alert_hook.h"

#include <openssl/crypto.h>

#include "contract/hook.h"
#include "contract/json_text.h"
#include "settings/read.h"

#define JSON_MAX 4096

static void write_json(const struct settings *settings, const char *secret, struct buffer *json)
{
    buffer_append_text(json, "{\"url\":");
    json_put_untrusted(json, bytes_of(settings->alert_url));
    buffer_append_text(json, ",\"format\":\"standard\"");
    if (secret[0] != '\0') {
        buffer_append_text(json, ",\"secret\":");
        json_put_untrusted(json, bytes_of(secret));
    }
    buffer_append_char(json, '}');
}

static int check(struct alert_hook *alert, struct error_text *why)
{
    struct error_text reason;
    struct hook *hook;
    if (buffer_failed(&alert->json)) {
        error_text_set(why, "out of memory");
        return -1;
    }
    if (hook_parse(BYTES("alert"), buffer_bytes(&alert->json), &hook, &reason) != HOOK_OK) {
        error_text_set(why, "alert-url and alert-secret-file make no valid hook: %s", reason.text);
        return -1;
    }
    (void)lane_of_inline(hook, &(const struct room_id){.len = 0}, alert->lane);
    hook_free(hook);
    return 0;
}

int alert_hook_make(const struct settings *settings, struct alert_hook *ret_hook,
                    struct error_text *why)
{
    char secret[REDIS_CREDENTIAL_MAX + 1] = "";
    *ret_hook = (struct alert_hook){.lane = ""};
    buffer_init(&ret_hook->json, JSON_MAX);
    if (settings->alert_url[0] == '\0')
        return 0;
    if (settings->alert_secret_file[0] != '\0' &&
        settings_read_password("alert-secret-file", settings->alert_secret_file, secret, why) != 0)
        return -1;
    write_json(settings, secret, &ret_hook->json);
    OPENSSL_cleanse(secret, sizeof(secret));
    return check(ret_hook, why);
}

void alert_hook_release(struct alert_hook *hook)
{
    buffer_wipe(&hook->json);
}
