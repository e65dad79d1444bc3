/*
 * A row of the table of settings, and its value as text: one item of its kind, or a list of them
 * separated by commas. An empty list is "none".
 */
#ifndef SETTINGS_KIND_H
#define SETTINGS_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"

#define SETTING_TEXT_SIZE 640 /* room for any value of one item, and for any "what is allowed" */

struct settings;

enum setting_kind {
    KIND_INTEGER,  /* int64_t */
    KIND_DURATION, /* int64_t, ms */
    KIND_SIZE,     /* int64_t */
    KIND_PERCENT,  /* int64_t */
    KIND_STATUS,   /* int */
    KIND_BOOL,     /* bool */
    KIND_CHOICE,   /* an enum */
    KIND_QUEUE,    /* char[] */
    KIND_PATH,     /* char[], as big as the setting's max + 1 */
    KIND_URL,      /* char[], as big as the setting's max + 1; what is http or https */
    KIND_REDIS,    /* struct redis_address; may hold a password, so it is never shown */
    KIND_ADDRESS,  /* struct address_rule */
    KIND_PROXY,    /* struct proxy_address; a password in it would be a mistake, but is not shown */
    KIND_EXCEPTION /* struct proxy_exception */
};

struct setting {
    const char *group; /* the heading it stands under */
    const char *name;  /* "max-in-flight" */
    enum setting_kind kind;
    size_t offset; /* of the value, or of a list's first item, in struct settings */
    int64_t min;   /* of a number, or of each number of a list; of a path its length */
    int64_t max;
    const char *const *words; /* of a choice, NULL at the end; the value is the index. Of a number,
                                 from 1: the one word that stands for 0 */
    size_t list_max;          /* 0: a single value */
    size_t list_min;
    size_t list_len_offset;   /* of the size_t that counts a list's items */
    size_t item_size;         /* of a list's item */
    const char *default_text; /* as it would stand in a settings file */
    const char *help;
    bool reloads; /* it can change while the worker runs */
};

bool setting_is_list(const struct setting *setting);

/* Empties a list. */
void setting_clear(const struct setting *setting, struct settings *settings);

/* Reads a value; the items of a list are added to those it has. 0, or -1 with *why saying what is
 * wrong and what is allowed, without the name of the setting. */
int setting_parse(const struct setting *setting, struct bytes text, struct settings *settings,
                  struct error_text *why);

/* How many items the value has: 1 unless it is a list. */
size_t setting_items(const struct setting *setting, const struct settings *settings);

/* Copies the value. */
void setting_copy(const struct setting *setting, const struct settings *from, struct settings *to);

/* One item as text; returns out. */
const char *setting_format(const struct setting *setting, const struct settings *settings,
                           size_t item, char out[SETTING_TEXT_SIZE]);

/* "a whole number from 1 to 65536"; returns out. */
const char *setting_allowed(const struct setting *setting, char out[SETTING_TEXT_SIZE]);

const char *setting_value_name(const struct setting *setting); /* for --help: "TIME" */

#endif
