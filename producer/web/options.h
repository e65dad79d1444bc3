/*
 * Options of the service, from flags and environment variables.
 */
#ifndef WEB_OPTIONS_H
#define WEB_OPTIONS_H

#include "base/log.h"
#include "redis/options.h"
#include "web/fence.h"

#define BASE_PATH_MAX 128

struct web_options {
    struct redis_options redis;
    const char *listen;
    char base_path[BASE_PATH_MAX + 1]; /* "" or like "/roomhook" */
    const char *tokens;                /* NULL: none, then everybody who reaches it may read */
    const char *environment;           /* NULL: none */
    bool actions;
    struct fence fence;
    enum log_level log_level;
    enum log_format log_format;
};

extern const struct flag_spec web_flags[];
extern const struct flag_spec web_token_flags[]; /* of "token create" */

/* What each is for: a line of help. */
extern const char web_purpose[];
extern const char web_token_purpose[];

/* 0, or an exit code with *why. Texts are borrowed. */
int web_options_read(const struct flags *flags, struct web_options *ret_options,
                     struct error_text *why);

void web_options_warn(char **environment); /* of misspelt variables, on stderr */

#endif
