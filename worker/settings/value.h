/*
 * The value of a setting as text: one item of its kind, or a list of them separated by commas. An
 * empty list is "none".
 */
#ifndef SETTINGS_VALUE_H
#define SETTINGS_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "contract/bytes.h"
#include "settings/kind.h"
#include "settings/settings.h"
#include "settings/table.h"

bool setting_is_list(const struct setting *setting);

/* Empties a list. */
void setting_clear(const struct setting *setting, struct settings *settings);

/* Reads a value; the items of a list are added to those it has. 0, or -1 with *why saying what is
 * wrong and what is allowed, without the name of the setting. */
int setting_parse(const struct setting *setting, struct bytes text, struct settings *settings,
                  struct error_text *why);

/* How many items the value has: 1 unless it is a list. */
size_t setting_items(const struct setting *setting, const struct settings *settings);

/* One item as text; returns out. */
const char *setting_format(const struct setting *setting, const struct settings *settings,
                           size_t item, char out[SETTING_TEXT_SIZE]);

/* "a whole number from 1 to 65536"; returns out. */
const char *setting_allowed(const struct setting *setting, char out[SETTING_TEXT_SIZE]);

#endif
