/*
 * Reads the settings. Order of precedence: flag, environment, file, default. A list given by one
 * source replaces that of a lower one as a whole.
 */
#ifndef SETTINGS_READ_H
#define SETTINGS_READ_H

#include "base/flags.h"
#include "contract/bytes.h"
#include "settings/settings.h"

enum settings_action {
    SETTINGS_RUN,
    SETTINGS_CHECK,          /* --check: everything is valid; exit 0 */
    SETTINGS_PRINT,          /* --print-settings */
    SETTINGS_PRINT_MARKDOWN, /* --print-settings-table: what docs/ shows */
    SETTINGS_ALIVE,          /* --alive: is settings.alive_file, which it names, fresh? */
    SETTINGS_HELP,           /* --help */
    SETTINGS_VERSION         /* --version */
};

extern const struct flag_spec settings_flags[]; /* those that are no settings */

/*
 * Reads file (--config PATH or ROOMHOOK_CONFIG), environment and flags. 0, or -1 with *why naming
 * the setting, its value, where it came from and what is allowed, and the outputs untouched. A
 * connect-timeout above timeout is an error too, a schedule that exceeds max-age is a warning (see
 * settings_warning). Behind SETTINGS_ALIVE, _HELP, _VERSION and _PRINT_MARKDOWN the settings are
 * the defaults.
 */
int settings_read(int argc, char **argv, char **environment, struct settings *ret_settings,
                  enum settings_action *ret_action, struct error_text *why);

/* Reads the file of the setting of this name. 0, or -1 with *why and the password as it was. */
int settings_read_password(const char *name, const char *path, char password[REDIS_CREDENTIAL_MAX],
                           struct error_text *why);

#endif
