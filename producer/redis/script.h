/*
 * A Lua script that is sent to Redis, by its text or by the SHA-1 of it.
 */
#ifndef REDIS_SCRIPT_H
#define REDIS_SCRIPT_H

#include <stdbool.h>

#define REDIS_SCRIPTS_MAX 32

struct redis_script {
    int number; /* below REDIS_SCRIPTS_MAX; a different one for each script of a program */
    const char *name;
    const char *text;
    char sha[41]; /* SHA-1 of text in hex */
    bool by_sha;  /* sent by its hash once a connection has seen the text; the sender must send it
                      again on NOSCRIPT. Rare scripts go as text every time. */
};

/* Fills in the hash of script->text. 0, or -1 when there is no SHA-1. */
int redis_script_hash(struct redis_script *script);

#endif
