/*
 * The greeting of a new connection, the same for both clients: which commands it begins with, and
 * what each reply means. All are sent at once. Pure.
 */
#ifndef REDIS_LOGIN_H
#define REDIS_LOGIN_H

#include <stddef.h>

#include "contract/bytes.h"
#include "contract/redis_address.h"
#include "redis/fault.h"
#include "redis/reply.h"

enum login_step {
    LOGIN_AUTH,   /* when the address has a user or a password */
    LOGIN_SELECT, /* when its database is not 0 */
    LOGIN_NAME,   /* for CLIENT LIST */
    LOGIN_ROLE,   /* with LOGIN_TO_MASTER: what Sentinels named may be none any more */
    LOGIN_SCRIPT, /* with LOGIN_TO_READY: its version; refused while it loads, unlike ROLE */
    LOGIN_STEPS
};

enum login_wants {
    LOGIN_TO_MASTER = 1,
    LOGIN_TO_READY = 2
}; /* or 0, or both */

struct login_command {
    enum login_step step;
    struct bytes args[3];
    size_t args_len;
};

/* To stay where it is until it is sent: it refers to itself, the address and the name. */
struct login {
    struct login_command commands[LOGIN_STEPS];
    size_t len;
    char db[16];
};

void login_init(struct login *login, const struct redis_address *address, const char *client_name,
                unsigned wants);

/*
 * FAULT_NONE: go on. Else the connection is of no use: the fault of an error reply, FAULT_READONLY
 * for what is no master, or FAULT_OTHER for a Redis that is too old; *why set. A client that may
 * not, or cannot, set its name or ask for the role goes on without: the READONLY of the first write
 * shows what is a replica.
 */
enum redis_fault login_judge(enum login_step step, const struct reply *reply,
                             struct error_text *why);

#endif
