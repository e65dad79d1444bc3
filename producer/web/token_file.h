/*
 * The file of tokens: read again when it changed, so that a token that is taken out of it ends
 * within a second.
 */
#ifndef WEB_TOKEN_FILE_H
#define WEB_TOKEN_FILE_H

#include "base/file_mark.h"
#include "web/token.h"

struct token_file {
    const char *path;
    struct file_mark mark;
    int64_t looked_at_ms;
    struct tokens tokens;
};

/* 0, or -1 with *why. */
int token_file_open(struct token_file *file, const char *path, struct error_text *why);

/* What is in it now. What cannot be read is logged, and allows nothing. */
const struct tokens *token_file_tokens(struct token_file *file, int64_t now_ms);

/* Adds a token to the file, which is made when there is none, and with it a key. -1 with *why. */
int token_file_add(const char *path, const char *role, int64_t expires_s,
                   char ret_token[TOKEN_SIZE], struct error_text *why);

#endif
