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
#define SENTINEL_ARGS 3

void sentinel_question(const struct redis_address *address, struct bytes args[SENTINEL_ARGS]);

/* 0 with the master, or -1 with *why. */
int sentinel_judge(const struct reply *reply, struct redis_host *ret_master,
                   struct error_text *why);

/* What went wrong with which Sentinel. */
void sentinel_failed(const struct redis_host *sentinel, const char *what, struct error_text *why);

#endif
