/*
 * Questions to Redis of which each may be refused: that is a fact about it, and not the end.
 */
#ifndef ADMIN_DOCTOR_ASK_H
#define ADMIN_DOCTOR_ASK_H

#include "admin/doctor/facts.h"
#include "admin/session.h"

enum ask_result {
    ASK_BROKEN, /* no connection, or Redis is not ready: the failure is reported */
    ASK_REFUSED,
    ASK_ANSWERED
};

/* Sends a command and notes in facts what became of it. Only ASK_ANSWERED gives a reply. */
enum ask_result doctor_ask(struct session *session, struct doctor_facts *facts,
                           enum question question, const struct bytes *args, size_t args_len,
                           struct reply **ret_reply);

#define DOCTOR_ARGS_MAX 1100

/* The same for a script; the first keys_len of its at most DOCTOR_ARGS_MAX args are keys. */
enum ask_result doctor_ask_script(struct session *session, struct doctor_facts *facts,
                                  enum question question, struct bytes script, size_t keys_len,
                                  const struct bytes *args, size_t args_len,
                                  struct reply **ret_reply);

/* One more of what a walk looks for. */
void walk_note(struct walk *walk, struct bytes which);

#endif
