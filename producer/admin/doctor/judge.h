/*
 * What the facts mean: each judge adds a finding for each check it could make, "ok" too. Pure. What
 * could not be asked is reported by judge_refusals, and no other judge says anything about it.
 */
#ifndef ADMIN_DOCTOR_JUDGE_H
#define ADMIN_DOCTOR_JUDGE_H

#include "admin/doctor/facts.h"
#include "admin/doctor/findings.h"
#include "contract/bytes.h"
#include "contract/hook.h"
#include "contract/keys.h"

/* What was refused, and the right that it needs. */
void judge_refusals(struct findings *findings, const struct doctor_facts *facts,
                    const struct keys *keys);

void judge_redis(struct findings *findings, const struct doctor_facts *facts);
void judge_queue(struct findings *findings, const struct doctor_facts *facts,
                 const struct keys *keys);
void judge_walks(struct findings *findings, const struct doctor_facts *facts,
                 const struct keys *keys);
void judge_tasks(struct findings *findings, const struct doctor_facts *facts,
                 const struct keys *keys);
void judge_workers(struct findings *findings, const struct doctor_facts *facts,
                   const struct keys *keys);
void judge_dead(struct findings *findings, const struct doctor_facts *facts,
                const struct keys *keys);

/* A room's key. type and pttl_ms are of the key, name is what is behind "room:". */
void judge_room(struct findings *findings, struct bytes name, const struct key_fact *key,
                int64_t hooks);

/*
 * A hook as it is stored. Of JSON longer than HOOK_JSON_MAX only the length is looked at. Returns
 * the hook, for hook_free, when it is one that workers would POST to; else NULL.
 */
struct hook *judge_hook(struct findings *findings, const struct room_id *room, struct bytes id,
                        struct bytes json);

/* What workers learnt about it, as it is in {Q}:hooks-state; nothing if that is about another URL
 * or other credentials. */
void judge_hook_state(struct findings *findings, const struct room_id *room, const char *hook_id,
                      const char *fingerprint, struct bytes json);

/* How much was looked at; after all rooms and hooks. */
void judge_rooms(struct findings *findings, const struct doctor_facts *facts);

#endif
