#include "admin/hook/state.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "contract/json_object.h"
#include "contract/json_read.h"
#include "contract/parse.h"

#define REASON_FAILING "failing" /* of a hook disabled because it failed for too long */

static int64_t get_number(const json_t *state, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(state, key));

    return value > 0 ? value : 0;
}

static void get_text(const json_t *state, const char *key, char *out, size_t size)
{
    bytes_printable(json_text_of(json_object_get(state, key)), out, size);
}

void hook_state_parse(struct bytes json, struct stored_state *ret_state)
{
    json_t *state = json_loadb(json.data ? json.data : "", json.len, 0, NULL);

    *ret_state = (struct stored_state){
        .at_ms = get_number(state, "at"),
        .until_ms = get_number(state, "until"),
        .disabled = json_is_true(json_object_get(state, "disabled")),
        .failing_since_ms = get_number(state, "failing_since"),
        .failures = get_number(state, "failures"),
        .status = get_number(state, "status"),
        .opens = get_number(state, "opens"),
        .probe_at_ms = get_number(state, "probe_at"),
    };
    get_text(state, "reason", ret_state->reason, sizeof(ret_state->reason));
    get_text(state, "error", ret_state->error, sizeof(ret_state->error));
    get_text(state, "fingerprint", ret_state->fingerprint, sizeof(ret_state->fingerprint));
    json_decref(state);
}

enum hook_condition hook_state_condition(const struct stored_state *state, int64_t now_ms)
{
    if (state->disabled)
        return HOOK_DISABLED;
    if (state->probe_at_ms > 0)
        return HOOK_OPEN;
    if (state->until_ms > now_ms)
        return HOOK_PAUSED;
    return state->failing_since_ms > 0 ? HOOK_FAILING : HOOK_FINE;
}

const char *hook_condition_name(enum hook_condition condition)
{
    static const char *const names[] = {
        [HOOK_FINE] = "",     [HOOK_PAUSED] = "paused",     [HOOK_FAILING] = "failing",
        [HOOK_OPEN] = "open", [HOOK_DISABLED] = "disabled",
    };

    return names[condition];
}

int hook_condition_parse(struct bytes name, enum hook_condition *ret_condition)
{
    for (int i = HOOK_FINE + 1; i <= HOOK_DISABLED; i++) {
        if (bytes_equal_text(name, hook_condition_name((enum hook_condition)i))) {
            *ret_condition = (enum hook_condition)i;
            return 0;
        }
    }
    return -1;
}

int64_t hook_state_since_ms(const struct stored_state *state, enum hook_condition condition)
{
    /* What a 410 disabled may have failed before, but that is another story. */
    bool of_change = condition == HOOK_DISABLED && strcmp(state->reason, REASON_FAILING) != 0;

    return of_change || state->failing_since_ms == 0 ? state->at_ms : state->failing_since_ms;
}

int64_t hook_state_next_ms(const struct stored_state *state, enum hook_condition condition)
{
    switch (condition) {
    case HOOK_OPEN:
        return state->until_ms > state->probe_at_ms ? state->until_ms : state->probe_at_ms;
    case HOOK_PAUSED:
        return state->until_ms;
    default:
        return 0;
    }
}

/* The reason, unless it is over, or the error says more. */
static const char *reason_of(const struct stored_state *state, enum hook_condition condition)
{
    bool applies = condition == HOOK_PAUSED || condition == HOOK_DISABLED;
    bool error_tells = state->error[0] != '\0' && strcmp(state->reason, REASON_FAILING) == 0;

    return applies && !error_tells ? state->reason : "";
}

void hook_state_put_why(struct buffer *out, const struct stored_state *state,
                        enum hook_condition condition)
{
    const char *reason = reason_of(state, condition);

    buffer_append_text(out, reason);
    if (reason[0] != '\0' && state->error[0] != '\0')
        buffer_append_text(out, ": ");
    buffer_append_text(out, state->error);
}

static void put_when(struct buffer *out, const char *what, int64_t when_ms)
{
    char when[32];

    buffer_append_text(out, what);
    buffer_append_text(out, format_iso8601(when_ms, when, sizeof(when)));
}

void hook_state_put_text(struct buffer *out, const struct stored_state *state,
                         enum hook_condition condition)
{
    size_t start = out->len;

    if (condition == HOOK_FINE)
        return;
    if (condition == HOOK_DISABLED)
        buffer_append_text(out, "disabled");
    else if (condition == HOOK_OPEN)
        put_when(out, "open, next probe ", hook_state_next_ms(state, condition));
    else if (condition == HOOK_PAUSED)
        put_when(out, "paused until ", state->until_ms);
    if (state->failing_since_ms > 0) {
        put_when(out, out->len > start ? ", failing since " : "failing since ",
                 state->failing_since_ms);
        buffer_append_format(out, ", %" PRId64 " failure%s", state->failures,
                             state->failures == 1 ? "" : "s");
    }
    if (reason_of(state, condition)[0] != '\0' || state->error[0] != '\0') {
        buffer_append_text(out, ": ");
        hook_state_put_why(out, state, condition);
    }
}

static void put_number(struct buffer *line, const char *name, int64_t value)
{
    if (value > 0)
        object_put_int(line, name, value);
}

static void put_words(struct buffer *line, const char *name, const char *words)
{
    if (words[0] != '\0')
        object_put_text(line, name, bytes_of(words));
}

void hook_state_put_json(struct buffer *line, const struct stored_state *state,
                         enum hook_condition condition)
{
    if (condition == HOOK_FINE)
        return;
    object_put_text(line, "state", bytes_of(hook_condition_name(condition)));
    put_number(line, "at", state->at_ms);
    put_number(line, "until", state->until_ms);
    put_words(line, "reason", state->reason);
    put_number(line, "failing_since", state->failing_since_ms);
    put_number(line, "failures", state->failures);
    put_number(line, "status", state->status);
    put_words(line, "error", state->error);
    put_number(line, "opens", state->opens);
    put_number(line, "probe_at", state->probe_at_ms);
}
