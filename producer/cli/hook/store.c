#include "cli/hook/store.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/scan.h"
#include "cli_lua.h"

#define NUMBER_SIZE 24

bool hook_store_read(struct cli *cli, const struct hook *hook, int64_t room_id,
                     struct hook_state *ret_state)
{
    char field[HOOK_STATE_FIELD_SIZE];
    const struct bytes args[] = {BYTES("HGET"), bytes_of(cli->keys.hooks_state),
                                 bytes_of(hook_state_field(hook, room_id, field))};
    struct reply *reply;

    if (!cli_ask(cli, args, 3, &reply))
        return false;
    hook_state_parse(reply_text(reply), ret_state);
    reply_free(reply);
    return true;
}

/* Deletes fields of one hook, at most CLI_BATCH; with none it only tells the workers. */
static bool forget_fields(struct cli *cli, int64_t room_id, const char *hook_id,
                          const struct bytes *fields, size_t fields_len, int64_t *ret_forgotten)
{
    char room[NUMBER_SIZE];
    struct bytes args[7 + CLI_BATCH];
    struct reply *reply;

    (void)snprintf(room, sizeof(room), "%" PRId64, room_id);
    args[0] = BYTES("EVAL");
    args[1] = BYTES(lua_hook_forget);
    args[2] = BYTES("2");
    args[3] = bytes_of(cli->keys.hooks_state);
    args[4] = bytes_of(cli->keys.hooks_changed);
    args[5] = bytes_of(room);
    args[6] = bytes_of(hook_id);
    for (size_t i = 0; i < fields_len; i++)
        args[7 + i] = fields[i];
    if (!cli_ask(cli, args, 7 + fields_len, &reply))
        return false;
    *ret_forgotten = reply_int(reply);
    reply_free(reply);
    return true;
}

/* Those of one page: names and values in turn. */
static bool forget_page(struct cli *cli, int64_t room_id, const char *hook_id,
                        const struct reply *pairs, int64_t *forgotten)
{
    struct bytes fields[CLI_BATCH];
    size_t n = 0;

    for (size_t i = 0; i < reply_len(pairs); i += 2) {
        int64_t here;
        fields[n++] = reply_text(reply_at(pairs, i));
        if (n < CLI_BATCH && i + 2 < reply_len(pairs))
            continue;
        if (!forget_fields(cli, room_id, hook_id, fields, n, &here))
            return false;
        *forgotten += here;
        n = 0;
    }
    return true;
}

bool hook_store_forget(struct cli *cli, int64_t room_id, const char *hook_id,
                       int64_t *ret_forgotten)
{
    char pattern[HOOK_STATE_FIELD_SIZE];
    const struct reply *pairs;
    struct scan scan;
    int64_t forgotten = 0;
    int more;

    (void)snprintf(pattern, sizeof(pattern), "%" PRId64 "/%s/*", room_id, hook_id);
    scan_begin(&scan, cli, BYTES("HSCAN"), cli->keys.hooks_state, pattern);
    while ((more = scan_next(&scan, &pairs)) > 0) {
        if (!forget_page(cli, room_id, hook_id, pairs, &forgotten)) {
            more = -1;
            break;
        }
    }
    scan_end(&scan);
    if (more < 0)
        return false;
    *ret_forgotten = forgotten;
    return true;
}

bool hook_store_tell(struct cli *cli, int64_t room_id, const char *hook_id)
{
    int64_t forgotten;

    return forget_fields(cli, room_id, hook_id, NULL, 0, &forgotten);
}
