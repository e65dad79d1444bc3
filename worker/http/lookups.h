/*
 * How many name look-ups may run. Each is a thread of libcurl's that lives until the resolver gives
 * up, long after the transfer it was for has ended. Pure bookkeeping.
 *
 * Names that nobody answers for must not keep out those that work: hosts whose last look-up was
 * answered may take all places, and two each. Unknown ones leave some, those whose last one failed
 * leave twice as many, and either have one each. Of what is left an owner, the room that a request
 * is for, may hold a quarter: one with hundreds of hanging names leaves places to all others. Hosts
 * and owners are identified by hash, with a seed that strangers do not know.
 */
#ifndef HTTP_LOOKUPS_H
#define HTTP_LOOKUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"

#define LOOKUPS_MAX 128
#define LOOKUPS_PER_HOST 2   /* of one that was answered */
#define LOOKUPS_KEPT 32      /* of LOOKUPS_MAX: what unknown hosts leave */
#define LOOKUPS_OWNER_PART 4 /* an owner may hold this part of what is free */
#define LOOKUPS_REMEMBERED 4096

/* One whose end was not reported counts as ended after this. Resolvers give up before, unless
 * they are set to more than two servers, search lists or long timeouts. */
#define LOOKUPS_LOST_MS 60000

struct lookups {
    struct {
        int64_t id;
        int64_t began_ms;
        uint64_t host;
        uint64_t owner;
    } running[LOOKUPS_MAX];
    size_t running_len;
    int64_t last_id;
    uint64_t seed;
    struct {
        uint64_t host; /* 0: none */
        bool answered;
    } known[LOOKUPS_REMEMBERED]; /* each at its hash's place */
};

void lookups_init(struct lookups *lookups, uint64_t seed);

uint64_t lookups_owner(const struct lookups *lookups, struct bytes owner);

/* host in lower case. Would lookups_begin have a place for it now? */
bool lookups_have_room(struct lookups *lookups, const char *host, uint64_t owner, int64_t now_ms);

/* Counts a look-up in and returns its id, greater than 0; 0: there is no place for it. */
int64_t lookups_begin(struct lookups *lookups, const char *host, uint64_t owner, int64_t now_ms);

/* Its thread has ended, with addresses or without. An id that is not known any more is ignored. */
void lookups_end(struct lookups *lookups, int64_t id, bool answered);

#endif
