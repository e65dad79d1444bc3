#include "process/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arguments.h"
#include "base/log.h"
#include "settings/reload.h"

void process_hide(int argc, char **argv, char **environment)
{
    arguments_hide(argc - 1, argv + 1);
    /* Emptying alone would leave the texts where the kernel shows them. */
    for (; *environment != NULL; environment++)
        explicit_bzero(*environment, strlen(*environment));
    (void)clearenv();
}

static int refused(struct error_text *why, const char *what)
{
    error_text_set(why, "%s: %s", what, strerror(errno));
    return -1;
}

int process_harden(bool core_dumps, struct error_text *why)
{
    const struct rlimit none = {0, 0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refused(why, "new privileges cannot be ruled out");
    if (core_dumps)
        return 0;
    /* A sandbox may forbid to change limits: ignoring, the flag below suffices by itself. */
    (void)setrlimit(RLIMIT_CORE, &none);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return refused(why, "core dumps cannot be ruled out");
    return 0;
}

bool process_hangup_stops(void)
{
    return isatty(STDERR_FILENO) == 1;
}

int process_reload(struct settings *settings)
{
    struct settings_changes changes;
    struct error_text why;
    if (settings_reload(settings, &changes, &why) != 0) {
        log_at(LOG_WARN, "settings_kept", log_text("why", why.text),
               log_text("then", "the settings stay as they were"));
        return -1;
    }
    log_configure(settings->log_level, settings->log_format);
    log_at(LOG_INFO, "settings_reloaded", log_text("changed", changes.taken));
    if (changes.later[0] != '\0')
        log_at(LOG_WARN, "restart_needed", log_text("changed", changes.later));
    for (int n = 0; settings_warning(settings, n, &why) != NULL; n++)
        log_at(LOG_WARN, "setting", log_text("warning", why.text));
    return 0;
}
