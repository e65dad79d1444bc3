#include "admin/hook/state.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "contract/json_object.h"
#include "contract/json_read.h"
#include "contract/parse.h"

#define FAILED_LEAST 3 /* of the newest attempts */
#define SLOW_LEAST 3
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

static void read_learnt(struct bytes json, struct stored_state *ret_state)
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

/* --- its newest attempts --- */

struct recent {
    size_t failed;
    size_t slow;
    size_t delivered; /* the slow ones too */
    size_t runs;      /* of failures in a row */
    bool ends_well;   /* the newest was delivered */
};

static struct recent count_recent(const char *attempts)
{
    struct recent recent = {.failed = 0};
    bool was_failure = false;

    for (const char *at = attempts; *at != '\0'; at++) {
        bool is_failure = *at == 'f';
        recent.failed += is_failure;
        recent.slow += *at == 's';
        recent.delivered += !is_failure;
        recent.runs += is_failure && !was_failure;
        recent.ends_well = !is_failure;
        was_failure = is_failure;
    }
    return recent;
}

/* An outage that is over, failures in a row and only successes since, does not count. */
static bool fails(const struct recent *recent)
{
    if (recent->delivered == 0)
        return recent->failed > 0;
    return recent->failed >= FAILED_LEAST && !(recent->runs == 1 && recent->ends_well);
}

static bool is_slow(const struct recent *recent)
{
    return recent->slow >= SLOW_LEAST && 2 * recent->slow > recent->delivered;
}

size_t hook_state_recent_failures(const struct stored_state *state)
{
    return count_recent(state->recent).failed;
}

static void get_attempts(const json_t *known, char out[HOOK_RECENT_MAX + 1])
{
    struct bytes attempts = json_text_of(json_object_get(known, "attempts"));
    size_t len = 0;

    out[0] = '\0';
    if (attempts.len > HOOK_RECENT_MAX)
        return;
    for (; len < attempts.len && strchr("dsf", attempts.data[len]) && attempts.data[len]; len++)
        out[len] = attempts.data[len];
    out[len == attempts.len ? len : 0] = '\0';
}

/* What workers do not learn from, an address that is not allowed for instance, is a failure of the
 * hook all the same. */
static void read_recent(struct bytes json, struct stored_state *state)
{
    json_t *known = json_loadb(json.data ? json.data : "", json.len, 0, NULL);

    get_text(known, "fingerprint", state->fingerprint, sizeof(state->fingerprint));
    get_attempts(known, state->recent);
    struct recent recent = count_recent(state->recent);
    if (fails(&recent) && state->failing_since_ms == 0 && !state->disabled) {
        state->failing_since_ms = get_number(known, "since");
        state->failures = (int64_t)recent.failed;
        state->status = get_number(known, "status");
        get_text(known, "error", state->error, sizeof(state->error));
    }
    json_decref(known);
}

void hook_state_read(struct bytes learnt, struct bytes recent, const char *fingerprint,
                     struct stored_state *ret_state)
{
    struct stored_state before;

    read_learnt(learnt, ret_state);
    if (fingerprint && strcmp(ret_state->fingerprint, fingerprint) != 0)
        *ret_state = (struct stored_state){0};
    before = *ret_state;
    if (recent.len == 0)
        return;
    read_recent(recent, ret_state);
    if (!fingerprint)
        fingerprint = before.fingerprint;
    if (fingerprint[0] != '\0' && strcmp(ret_state->fingerprint, fingerprint) != 0)
        *ret_state = before;
}

/* --- the condition --- */

enum hook_condition hook_state_condition(const struct stored_state *state, int64_t now_ms)
{
    struct recent recent = count_recent(state->recent);

    if (state->disabled)
        return HOOK_DISABLED;
    if (state->probe_at_ms > 0)
        return HOOK_OPEN;
    if (state->until_ms > now_ms)
        return HOOK_PAUSED;
    if (fails(&recent) || (state->failing_since_ms > 0 && !recent.ends_well &&
                           (state->recent[0] == '\0' || state->failures >= FAILED_LEAST)))
        return HOOK_FAILING;
    return is_slow(&recent) ? HOOK_SLOW : HOOK_FINE;
}

const char *hook_condition_name(enum hook_condition condition)
{
    static const char *const names[] = {
        [HOOK_FINE] = "healthy",    [HOOK_SLOW] = "slow", [HOOK_PAUSED] = "paused",
        [HOOK_FAILING] = "failing", [HOOK_OPEN] = "open", [HOOK_DISABLED] = "disabled",
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
    else if (condition == HOOK_SLOW)
        buffer_append_text(out, "slow");
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
    object_put_text(line, "state", bytes_of(hook_condition_name(condition)));
    if (condition == HOOK_FINE)
        return;
    put_number(line, "at", state->at_ms);
    put_number(line, "until", state->until_ms);
    put_words(line, "reason", state->reason);
    put_number(line, "failing_since", state->failing_since_ms);
    put_number(line, "failures", state->failures);
    put_number(line, "status", state->status);
    put_words(line, "error", state->error);
    put_number(line, "opens", state->opens);
    put_number(line, "probe_at", state->probe_at_ms);
    if (state->recent[0] != '\0') {
        object_put_int(line, "recent", (int64_t)strlen(state->recent));
        object_put_int(line, "recent_failed", (int64_t)hook_state_recent_failures(state));
    }
}
