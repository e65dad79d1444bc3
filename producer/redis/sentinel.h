/*
 * Asking a Sentinel where the master is, the same for both clients: the question, and what the
 * answer means. To be asked at every connect: after a failover the old master's address may answer
 * too. Pure.
 */
#ifndef REDIS_SENTINEL_H
#define REDIS_SENTINEL_H

#include "contract/bytes.h"
#include "contract/redis_address.h"
#include "redis/reply.h"

#define SENTINEL_TIMEOUT_MS 1000 /* for each Sentinel */
#define SENTINEL_COMMANDS 2

struct sentinel_command {
    struct bytes args[3];
    size_t args_len;
};

/* How many there are: the login, when the Sentinels have one, and the question. All are sent at
 * once. */
size_t sentinel_commands(const struct redis_address *address,
                         struct sentinel_command ret_commands[SENTINEL_COMMANDS]);

/* Of the login; 0, or -1 with *why. */
int sentinel_judge_login(const struct reply *reply, struct error_text *why);

/* Of the question: 0 with the master, or -1 with *why. */
int sentinel_judge(const struct reply *reply, struct redis_host *ret_master,
                   struct error_text *why);

/* What went wrong with which Sentinel. */
void sentinel_failed(const struct redis_host *sentinel, const char *what, struct error_text *why);

#endif
