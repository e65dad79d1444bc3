#include "admin/status/ask.h"

#include <string.h>

bool status_append(struct session *session, const struct status_query *query)
{
    size_t n = 0;

    while (n < STATUS_QUERY_ARGS_MAX && query->args[n].data != NULL)
        n++;
    if (redis_append(session->redis, query->args, n) == RH_OK)
        return true;
    session_redis_failed(session);
    return false;
}

/* A command that an administrator renamed or removed is as good as refused. */
static bool is_refused(const struct session *session)
{
    enum redis_fault fault = redis_error_fault(session->redis);

    return fault == FAULT_NOPERM ||
           (fault == FAULT_OTHER && strstr(redis_error(session->redis), "unknown command"));
}

static void note_missing(struct status_rights *missing, const char *right, const char *words)
{
    missing->of_keys |= strstr(words, " key") != NULL;
    for (size_t i = 0; i < missing->len; i++) {
        if (strcmp(missing->names[i], right) == 0)
            return;
    }
    if (missing->len < STATUS_RIGHTS_MAX)
        missing->names[missing->len++] = right;
}

bool status_get(struct session *session, const char *right, struct status_answer *ret_answer,
                struct status_rights *missing)
{
    *ret_answer = (struct status_answer){0};
    if (redis_get(session->redis, &ret_answer->reply) == RH_OK ||
        redis_error_fault(session->redis) == FAULT_NOGROUP)
        return true;
    if (!is_refused(session))
        return false;
    ret_answer->is_refused = true;
    note_missing(missing, right, redis_error(session->redis));
    return true;
}

bool status_ask(struct session *session, const struct status_query *queries, size_t len,
                struct status_answer ret_answers[], struct status_rights *missing)
{
    bool ok = true;

    memset(ret_answers, 0, len * sizeof(*ret_answers));
    for (size_t i = 0; i < len; i++) {
        if (!status_append(session, &queries[i]))
            return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (status_get(session, queries[i].right, &ret_answers[i], missing))
            continue;
        if (ok)
            session_redis_failed(session);
        ok = false;
    }
    return ok;
}

void status_free_answers(struct status_answer *answers, size_t len)
{
    for (size_t i = 0; i < len; i++)
        reply_free(answers[i].reply);
}

int64_t status_number(const struct status_answer *answer)
{
    return answer->is_refused ? STATUS_UNKNOWN : reply_int(answer->reply);
}

int64_t status_sum(int64_t a, int64_t b)
{
    return a == STATUS_UNKNOWN || b == STATUS_UNKNOWN ? STATUS_UNKNOWN : a + b;
}
