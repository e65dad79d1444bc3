#include "hook_state.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void parse(struct bytes text, struct hook_state *ret_state)
{
    json_t *state = json_loadb(text.data, text.len, 0, NULL);
    const json_t *reason = json_object_get(state, "reason");

    *ret_state = (struct hook_state){
        .disabled = json_is_true(json_object_get(state, "disabled")),
        .until_ms = json_integer_value(json_object_get(state, "until")),
    };
    bytes_printable((struct bytes){json_string_value(reason), json_string_length(reason)},
                    ret_state->reason, sizeof(ret_state->reason));
    json_decref(state);
}

bool hook_state_read(struct cli *cli, const struct hook *hook, int64_t room_id,
                     struct hook_state *ret_state)
{
    char field[HOOK_STATE_FIELD_SIZE];
    const struct bytes args[] = {BYTES("HGET"), bytes_of(cli->keys.hooks_state),
                                 bytes_of(hook_state_field(hook, room_id, field))};
    struct answer *answer;

    if (!cli_ask(cli, args, 3, &answer))
        return false;
    *ret_state = (struct hook_state){0};
    if (!answer_is_nil(answer))
        parse(answer_text(answer), ret_state);
    answer_free(answer);
    return true;
}

/* Deletes the fields of one HSCAN answer: a list of fields and values in turn. */
static bool delete_fields(struct cli *cli, const struct answer *pairs)
{
    struct bytes args[2 + CLI_BATCH] = {BYTES("HDEL"), bytes_of(cli->keys.hooks_state)};
    struct answer *answer;
    size_t n = 2;

    for (size_t i = 0; i < answer_len(pairs); i += 2) {
        args[n++] = answer_text(answer_at(pairs, i));
        if (n < 2 + CLI_BATCH && i + 2 < answer_len(pairs))
            continue;
        if (!cli_ask(cli, args, n, &answer))
            return false;
        answer_free(answer);
        n = 2;
    }
    return true;
}

bool hook_state_clear(struct cli *cli, int64_t room_id, const char *hook_id)
{
    char pattern[HOOK_STATE_FIELD_SIZE];
    char cursor[24] = "0";

    (void)snprintf(pattern, sizeof(pattern), "%" PRId64 "/%s/*", room_id, hook_id);
    do {
        const struct bytes args[] = {BYTES("HSCAN"),    bytes_of(cli->keys.hooks_state),
                                     bytes_of(cursor),  BYTES("MATCH"),
                                     bytes_of(pattern), BYTES("COUNT"),
                                     BYTES("1000")};
        struct answer *answer;
        if (!cli_ask(cli, args, 7, &answer))
            return false;
        bool deleted = delete_fields(cli, answer_at(answer, 1));
        if (!bytes_copy_text(answer_text(answer_at(answer, 0)), cursor, sizeof(cursor)))
            cursor[0] = '\0';
        answer_free(answer);
        if (!deleted)
            return false;
    } while (cursor[0] != '\0' && strcmp(cursor, "0") != 0);
    return true;
}
