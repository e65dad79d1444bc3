#include "admin/doctor/ask.h"

#include <stdio.h>
#include <string.h>

/* That it takes no write now is what is asked; else Redis is not ready to be looked at. */
static bool is_refusal(enum question question, int status, enum redis_fault fault)
{
    bool is_answer = fault == FAULT_NOREPLICAS || fault == FAULT_MISCONF || fault == FAULT_READONLY;
    if (question == ASK_WRITE && is_answer)
        return true;
    return status == RH_ERR_REFUSED && fault != FAULT_NOAUTH;
}

enum ask_result doctor_ask(struct session *session, struct doctor_facts *facts,
                           enum question question, const struct bytes *args, size_t args_len,
                           struct reply **ret_reply)
{
    struct asking *asking = &facts->asked[question];

    int status = redis_append(session->redis, args, args_len);
    bool is_sent = status == RH_OK; /* else the login failed, and would again */
    if (is_sent)
        status = redis_get(session->redis, ret_reply);
    if (status == RH_OK) {
        asking->answered = true;
        return ASK_ANSWERED;
    }
    if (!is_sent || !is_refusal(question, status, redis_error_fault(session->redis))) {
        session_redis_failed(session);
        return ASK_BROKEN;
    }
    asking->answered = false;
    if (asking->refusal[0] == '\0')
        (void)snprintf(asking->refusal, sizeof(asking->refusal), "%.*s",
                       (int)sizeof(asking->refusal) - 1, redis_error(session->redis));
    return ASK_REFUSED;
}

enum ask_result doctor_ask_script(struct session *session, struct doctor_facts *facts,
                                  enum question question, struct bytes script, size_t keys_len,
                                  const struct bytes *args, size_t args_len,
                                  struct reply **ret_reply)
{
    struct bytes command[3 + DOCTOR_ARGS_MAX] = {BYTES("EVAL"), script};
    char keys[16];

    (void)snprintf(keys, sizeof(keys), "%zu", keys_len);
    command[2] = bytes_of(keys);
    if (args_len > 0)
        memcpy(&command[3], args, args_len * sizeof(*args));
    return doctor_ask(session, facts, question, command, 3 + args_len, ret_reply);
}

void walk_note(struct walk *walk, struct bytes which)
{
    if (walk->found < WALK_EXAMPLES_MAX)
        bytes_printable(which, walk->examples[walk->found], WALK_EXAMPLE_SIZE);
    walk->found++;
}
