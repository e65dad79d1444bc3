#include "cli/status/ask.h"

bool status_append(struct cli *cli, const struct status_query *queries, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        size_t n = 0;
        while (n < STATUS_QUERY_ARGS_MAX && queries[i].args[n].data != NULL)
            n++;
        if (redis_append(cli->redis, queries[i].args, n) != RH_OK) {
            cli_redis_failed(cli);
            return false;
        }
    }
    return true;
}

bool status_get_replies(struct cli *cli, struct reply *ret_replies[], size_t len)
{
    bool ok = true;

    for (size_t i = 0; i < len; i++) {
        ret_replies[i] = NULL;
        if (redis_get(cli->redis, &ret_replies[i]) == RH_OK ||
            redis_error_fault(cli->redis) == FAULT_NOGROUP)
            continue;
        if (ok)
            cli_redis_failed(cli);
        ok = false;
    }
    return ok;
}

void status_free_replies(struct reply *replies[], size_t len)
{
    for (size_t i = 0; i < len; i++)
        reply_free(replies[i]);
}
