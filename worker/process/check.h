/* What the settings name, beside themselves: the files that a worker needs before it can begin. */
#ifndef PROCESS_CHECK_H
#define PROCESS_CHECK_H

#include "contract/bytes.h"
#include "settings/settings.h"

/* 0, or -1 with *why. */
int check_files(const struct settings *settings, struct error_text *why);

/* The same of the transports alone: those of Redis are read when they are needed. */
int check_transports(const struct settings *settings, struct error_text *why);

#endif
