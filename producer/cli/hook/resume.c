/* hook resume: forgets what workers learnt about a hook, and lets what waits for it come now. */
#include "cli/hook/resume.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/hook/store.h"
#include "cli/scan.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/progress.h"
#include "cli_lua.h"
#include "contract/hook.h"

/* By then every worker has heard of the change: one that has not would put the delivery off again,
 * or take it for one of a disabled hook. */
#define DELAY_MS 1000
#define NUMBER_SIZE 24
#define PATTERN_SIZE (RH_NAME_MAX + 3)

static const struct flag_spec resume_specs[] = {
    {"room", "N", "the room; needed", false},
    {"id", "ID", "the hook's id in the room; default main", false},
    {NULL, NULL, NULL, false},
};

/* A walk over all that waits, for the deliveries of one hook. */
struct resumption {
    struct cli *cli;
    int64_t room_id;
    const char *hook_id;
    int64_t found;
    uint64_t seen;
    struct progress progress;
};

/* Of at most CLI_BATCH ids, all of them of hooks of this id. *ret_looked is how many were done. */
static bool resume_ids(struct resumption *resumption, const struct bytes *ids, size_t ids_len,
                       size_t *ret_looked)
{
    const struct keys *keys = &resumption->cli->keys;
    struct bytes args[8 + CLI_BATCH];
    char room[NUMBER_SIZE];
    char delay_ms[NUMBER_SIZE];
    struct reply *reply;

    (void)snprintf(room, sizeof(room), "%" PRId64, resumption->room_id);
    (void)snprintf(delay_ms, sizeof(delay_ms), "%" PRId64, DELAY_MS + resumption->found);
    args[0] = BYTES("EVAL");
    args[1] = BYTES(lua_hook_resume);
    args[2] = BYTES("2");
    args[3] = bytes_of(keys->retries);
    args[4] = bytes_of(keys->deliveries);
    args[5] = bytes_of(room);
    args[6] = bytes_of(resumption->hook_id);
    args[7] = bytes_of(delay_ms);
    for (size_t i = 0; i < ids_len; i++)
        args[8 + i] = ids[i];
    if (!cli_ask(resumption->cli, args, 8 + ids_len, &reply))
        return false;
    *ret_looked = (size_t)reply_int(reply_at(reply, 0));
    resumption->found += reply_int(reply_at(reply, 1));
    reply_free(reply);
    return true;
}

/* Ids and scores in turn. */
static bool resume_page(struct resumption *resumption, const struct reply *pairs)
{
    struct bytes ids[CLI_BATCH];
    size_t len = reply_len(pairs) / 2;
    size_t looked;

    for (size_t at = 0; at < len; at += looked) {
        size_t n = 0;
        for (; n < CLI_BATCH && at + n < len; n++)
            ids[n] = reply_text(reply_at(pairs, 2 * (at + n)));
        if (!resume_ids(resumption, ids, n, &looked))
            return false;
        if (looked == 0) {
            cli_failed("Redis did not look at what waits");
            return false;
        }
    }
    resumption->seen += len;
    progress_show(&resumption->progress, resumption->seen);
    return true;
}

static bool resume_all(struct resumption *resumption)
{
    char pattern[PATTERN_SIZE];
    const struct reply *pairs;
    struct scan scan;
    int more;

    (void)snprintf(pattern, sizeof(pattern), "*/%s", resumption->hook_id);
    scan_begin(&scan, resumption->cli, BYTES("ZSCAN"), resumption->cli->keys.retries, pattern);
    progress_begin(&resumption->progress, "looked at", false);
    do
        more = scan_next(&scan, &pairs);
    while (more > 0 && resume_page(resumption, pairs));
    progress_end(&resumption->progress);
    scan_end(&scan);
    return more == 0;
}

int hook_resume_deliveries(struct cli *cli, int64_t room_id, const char *hook_id)
{
    struct resumption resumption = {.cli = cli, .room_id = room_id, .hook_id = hook_id};
    struct buffer line;

    if (!resume_all(&resumption))
        return CLI_FAILED;
    if (!cli->json) {
        (void)printf("%" PRId64 " waiting %s due\n", resumption.found,
                     resumption.found == 1 ? "delivery is" : "deliveries are");
        return CLI_DONE;
    }
    buffer_init(&line, 256);
    object_begin(&line);
    object_put_int(&line, "room", room_id);
    object_put_text(&line, "id", bytes_of(hook_id));
    object_put_int(&line, "deliveries", resumption.found);
    int printed = object_print(&line);
    buffer_release(&line);
    return printed < 0 ? cli_failed("out of memory") : CLI_DONE;
}

/* What a disabled or broken hook has waiting would only die sooner. */
static int check_hook(struct cli *cli, int64_t room_id, const char *hook_id)
{
    char room_key[KEY_SIZE];
    const struct bytes args[] = {BYTES("HGET"), bytes_of(keys_room(&cli->keys, room_id, room_key)),
                                 bytes_of(hook_id)};
    struct hook *hook = NULL;
    struct error_text why;
    struct reply *reply;
    int result = CLI_DONE;

    if (!cli_ask(cli, args, 3, &reply))
        return CLI_FAILED;
    if (reply_is_nil(reply))
        result = cli_failed("room %" PRId64 " has no hook %s", room_id, hook_id);
    else if (hook_parse(bytes_of(hook_id), reply_text(reply), &hook, &why) != HOOK_OK)
        result = cli_failed("the hook is not valid: %s; roomhook hook set mends it", why.text);
    else if (!hook->enabled)
        result = cli_failed("the hook is disabled; roomhook hook enable takes it up");
    hook_free(hook);
    reply_free(reply);
    return result;
}

static int run_resume(struct cli *cli)
{
    const char *hook_id;
    int64_t room_id;
    int64_t forgotten;

    if (cli_room(cli, &room_id) != CLI_DONE || cli_name(cli, "id", &hook_id) != CLI_DONE)
        return CLI_USAGE;
    if (!hook_id)
        hook_id = "main";
    int result = check_hook(cli, room_id, hook_id);
    if (result != CLI_DONE)
        return result;
    if (!hook_store_forget(cli, room_id, hook_id, &forgotten))
        return CLI_FAILED;
    /* A worker may know more than it has shared. */
    if (forgotten == 0 && !hook_store_tell(cli, room_id, hook_id))
        return CLI_FAILED;
    return hook_resume_deliveries(cli, room_id, hook_id);
}

const struct command command_hook_resume = {
    .name = "hook resume",
    .operands = "",
    .summary = "Forgets that a hook failed, was paused or was disabled by workers: sends again.",
    .details = "What waits for the hook comes within seconds, each delivery with the attempts it\n"
               "has left. A hook that was disabled by hand is taken up by hook enable.\n",
    .flags = resume_specs,
    .run = run_resume,
};
