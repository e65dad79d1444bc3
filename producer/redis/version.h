/*
 * Which Redis is needed, and how one that is too old shows. Pure.
 */
#ifndef REDIS_VERSION_H
#define REDIS_VERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "redis/reply.h"

/* Scripts with flags came with 7.0.0; before 7.0.5 a claim may write past Redis' memory
 * (CVE-2022-35951). */
#define REDIS_VERSION_NEEDED "7.0.5"

/* Answers with the version, or "" where Redis does not say it; 6.2 and before cannot compile it. */
#define REDIS_VERSION_SCRIPT "#!lua flags=no-writes\nreturn redis.REDIS_VERSION or ''"

#define REDIS_VERSION_UNKNOWN INT64_C(-1)

/* "7.0.15" as one number that grows with the version, 7000015; or REDIS_VERSION_UNKNOWN. */
int64_t redis_version_number(struct bytes version);

/* Does the reply to a script, that one or any other of ours, come from a Redis that is too old? */
bool redis_version_is_too_old(const struct reply *reply, struct error_text *why);

#endif
