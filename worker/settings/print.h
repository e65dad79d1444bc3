/* Settings for people: as a settings file, as a table, as --help. */
#ifndef SETTINGS_PRINT_H
#define SETTINGS_PRINT_H

#include <stdio.h>

#include "settings/settings.h"

/* As a settings file; user and password of Redis are left out. */
void settings_print(const struct settings *settings, FILE *out);

void settings_print_markdown(FILE *out); /* the table of all settings for docs/ */
/* Lines of the help that the manual page has too. */
extern const char settings_help_purpose[];
extern const char settings_help_sources[];

void settings_help(FILE *out);

#endif
