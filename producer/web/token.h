/*
 * Bearer tokens. Those of the file are random, and the file has only their hashes; those for one
 * room are short-lived and in no file: they say what they are, and an HMAC by the file's key shows
 * that they were made here.
 *
 * The file has a line each, fields parted by blanks; a line that begins with '#' is a comment:
 *
 *     key <64 hex>
 *     read <64 hex of SHA-256> <expiry, unix seconds; 0 for none>
 *     operate <…> <…>
 *     room=438 <…> <…>
 *
 * Comparisons take the same time whatever differs. Pure, but for randomness.
 */
#ifndef WEB_TOKEN_H
#define WEB_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "contract/room.h"

#define TOKEN_HASH_SIZE 32
#define TOKEN_SIZE 512 /* any token's text, with its NUL */
#define TOKENS_MAX 256
#define TOKEN_ROOM_MAX_S 3600

enum role {
    ROLE_NONE,
    ROLE_READ,
    ROLE_OPERATE
};

/* What a request may do. */
struct access {
    enum role role;
    struct room_id room; /* the only one; len 0: all */
};

struct token {
    struct access access;
    unsigned char hash[TOKEN_HASH_SIZE];
    int64_t expires_s; /* 0: never */
};

struct tokens {
    unsigned char key[TOKEN_HASH_SIZE];
    bool has_key;
    size_t len;
    struct token list[TOKENS_MAX];
};

/* Reads a file's text. 0, or -1 with *why. */
int tokens_parse(struct bytes text, struct tokens *ret_tokens, struct error_text *why);

/* "read", "operate" or "room=438". 0, or -1. */
int token_role_parse(struct bytes text, struct access *ret_access);

/* What a token allows; ROLE_NONE when it is none, of another queue, or over. */
struct access tokens_judge(const struct tokens *tokens, struct bytes token, const char *queue,
                           int64_t now_s);

/* Makes a random token, and its line for the file, without line end. -1: no randomness. */
int token_make(const char *role, int64_t expires_s, char ret_token[TOKEN_SIZE],
               char ret_line[TOKEN_SIZE]);

/* A line with a new key. -1: no randomness. */
int token_make_key(char ret_line[TOKEN_SIZE]);

/* Makes a token for a room. -1: the file has no key. */
int token_make_for_room(const struct tokens *tokens, const char *queue, const struct room_id *room,
                        int64_t expires_s, char ret_token[TOKEN_SIZE]);

#endif
