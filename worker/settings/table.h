/*
 * The table of settings: what a setting is called, where it lies in struct settings, what it may
 * be. Only the settings_*.c files look at it.
 */
#ifndef SETTINGS_TABLE_H
#define SETTINGS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"

#define SETTINGS_COUNT 32
#define SETTING_VARIABLE_SIZE 64 /* room for any variable's name */

struct setting_kind;

struct setting {
    const char *group; /* the heading it stands under */
    const char *name;  /* "max-in-flight" */
    const struct setting_kind *kind;
    size_t offset; /* of the value, or of a list's first item, in struct settings */
    int64_t min;   /* of a number, or of each number of a list; of a path its length */
    int64_t max;
    const char *const *words; /* of a choice, NULL at the end; the value is the index. Of a number,
                                 from 1: the one word that stands for 0 */
    size_t list_max;          /* 0: a single value */
    size_t list_min;
    size_t list_len_offset;   /* of the size_t that counts a list's items */
    const char *default_text; /* as it would stand in a settings file */
    const char *help;
};

extern const struct setting settings_table[SETTINGS_COUNT];

/* NULL when there is none of that name. */
const struct setting *setting_find(struct bytes name);

/* The setting whose name is nearest to a mistyped one, or NULL when none is near. */
const struct setting *setting_nearest(struct bytes name);

/* ROOMHOOK_MAX_IN_FLIGHT */
const char *setting_variable(const struct setting *setting, char out[SETTING_VARIABLE_SIZE]);

#endif
