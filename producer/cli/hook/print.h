/*
 * A hook in rows, for eyes.
 */
#ifndef CLI_HOOK_PRINT_H
#define CLI_HOOK_PRINT_H

#include "admin/hook/describe.h"

#define HOOK_SHOW_SECRETS_FLAG                                                           \
    {                                                                                    \
        "show-secrets", NULL, "show Verification-Signatures, which are passwords", false \
    }

/* "url                    https://…" */
void hook_print_row(const char *name, const char *value);

/* The room and the hook in such rows. -1: no memory. */
int hook_print(const struct room_id *room, const struct hook *hook, bool shows_signature);

#endif
