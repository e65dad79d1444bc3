#include "process/redis_access.h"

#include <openssl/x509.h>
#include <string.h>

#include "base/log.h"
#include "redis/tls.h"
#include "settings/read.h"

/* All are looked at: each mark is to remember what there is now. */
static bool tls_files_changed(struct redis_access *access)
{
    const struct settings *settings = access->settings;
    const char *ca =
        settings->redis_ca[0] != '\0' ? settings->redis_ca : X509_get_default_cert_file();
    unsigned changed = 0;
    changed |= file_mark_changed(&access->files[0], ca);
    changed |= file_mark_changed(&access->files[1], settings->redis_cert);
    changed |= file_mark_changed(&access->files[2], settings->redis_key);
    return changed != 0;
}

/* Sessions that are open keep the context they were made with. */
static int renew_tls(struct redis_access *access, struct error_text *why)
{
    const struct settings *settings = access->settings;
    const struct tls_files files = {
        .ca = settings->redis_ca, .cert = settings->redis_cert, .key = settings->redis_key};
    if (!settings->redis.tls || !tls_files_changed(access))
        return 0;
    struct ssl_ctx_st *tls = tls_context_new(&files, why);
    if (tls == NULL) {
        memset(access->files, 0, sizeof(access->files)); /* to be read again */
        return -1;
    }
    tls_context_free(access->tls);
    access->tls = tls;
    return 0;
}

/* What is no file, like the pipe of a shell, can be read once only. */
static int renew_password(struct file_mark *mark, const char *name, const char *path,
                          char *password, struct error_text *why)
{
    if (path[0] == '\0' || !file_mark_changed(mark, path) ||
        (mark->seen.st_mode != 0 && !S_ISREG(mark->seen.st_mode)))
        return 0;
    if (settings_read_password(name, path, password, why) == 0)
        return 0;
    *mark = (struct file_mark){.looked = false};
    return -1;
}

static int renew_passwords(struct redis_access *access, struct error_text *why)
{
    struct settings *settings = access->settings;
    int result = renew_password(&access->password, "redis-password-file",
                                settings->redis_password_file, settings->redis.password, why);
    if (result == 0)
        result = renew_password(&access->sentinel_password, "sentinel-password-file",
                                settings->sentinel_password_file, settings->redis.sentinel_password,
                                why);
    return result;
}

int redis_access_init(struct redis_access *access, struct error_text *why)
{
    const struct settings *settings = access->settings;
    /* They were read with the settings. */
    if (settings->redis_password_file[0] != '\0')
        (void)file_mark_changed(&access->password, settings->redis_password_file);
    if (settings->sentinel_password_file[0] != '\0')
        (void)file_mark_changed(&access->sentinel_password, settings->sentinel_password_file);
    return renew_tls(access, why);
}

void redis_access_renew(struct redis_access *access)
{
    struct error_text why = {""};
    int result = renew_passwords(access, &why);
    if (result == 0)
        result = renew_tls(access, &why);
    if (result != 0 && strcmp(access->reported.text, why.text) != 0)
        log_at(LOG_WARN, "redis_files_kept", log_text("why", why.text),
               log_text("then", "what was read before stays in use"));
    access->reported = result != 0 ? why : (struct error_text){""};
}

void redis_access_release(struct redis_access *access)
{
    tls_context_free(access->tls);
}
