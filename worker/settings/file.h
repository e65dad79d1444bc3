/*
 * The settings file: lines of "name = value", comments behind '#' or ';'. A list may be given in
 * several lines, they add up.
 */
#ifndef SETTINGS_FILE_H
#define SETTINGS_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "contract/bytes.h"
#include "settings/draft.h"

#define SETTINGS_FILE_MAX 65536    /* bytes */
#define SETTINGS_FILE_LINE_MAX 197 /* what inih has room for in a line */

/* Takes what a file's text sets; name is the file's, for messages. 0, or -1 with *why told. */
int settings_file_parse(struct bytes text, const char *name, struct settings_draft *draft,
                        struct error_text *why);

/* Reads and takes a file. 0, or -1 with *why told. */
int settings_file_read(const char *path, struct settings_draft *draft, struct error_text *why);

/* Reads up to size bytes of a file. How many, or -1 with errno set. */
ssize_t file_read_start(const char *path, char *out, size_t size);

#endif
