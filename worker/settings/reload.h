/*
 * Reading the settings file again while the worker runs. What a flag or a variable gave stays: they
 * go before the file.
 */
#ifndef SETTINGS_RELOAD_H
#define SETTINGS_RELOAD_H

#include "contract/bytes.h"
#include "settings/settings.h"

/* Names of settings, separated by ", "; "" for none. More than there is room for are left out. */
struct settings_changes {
    char taken[512]; /* they are in force */
    char later[512]; /* the file has another value for them, which takes a restart */
};

/* 0, or -1 with *why and nothing changed: the file cannot be read, or is not valid. */
int settings_reload(struct settings *settings, struct settings_changes *ret_changes,
                    struct error_text *why);

#endif
