#include "delivery/conclude.h"

#include "base/log.h"
#include "delivery/settlement.h"
#include "delivery/test_reply.h"

void conclude_set_error(struct delivery *delivery, const char *text)
{
    *write_text(delivery->history.error, text, sizeof(delivery->history.error) - 1) = '\0';
}

/* False: not at all. Failures are logged at level info always, what went as usual sparingly, and
 * everything at level debug. */
static bool is_told(struct pipeline *pipeline, const struct delivery *delivery,
                    enum log_level *ret_level, int64_t *ret_unlogged)
{
    enum outcome outcome = delivery->outcome;
    enum sparing_kind kind = SPARING_DELIVERED;
    bool is_failure = outcome == OUTCOME_RETRY || outcome == OUTCOME_DEAD;
    *ret_level = is_failure || !log_is_on(LOG_DEBUG) ? LOG_INFO : LOG_DEBUG;
    if (!log_is_on(*ret_level))
        return false;
    if (is_failure || *ret_level == LOG_DEBUG)
        return true;
    if (outcome != OUTCOME_DELIVERED && outcome != OUTCOME_SKIPPED)
        return false;
    if (outcome == OUTCOME_SKIPPED)
        kind = delivery->is_of_other_type ? SPARING_TYPE : SPARING_DISABLED;
    return sparing_allows(&pipeline->sparing[kind], loop_now_ms(), ret_unlogged);
}

static const char *outcome_name(enum outcome outcome)
{
    static const char *const names[] = {
        [OUTCOME_NONE] = "none",  [OUTCOME_DELIVERED] = "delivered", [OUTCOME_SKIPPED] = "skipped",
        [OUTCOME_WAIT] = "waits", [OUTCOME_RELEASED] = "released",   [OUTCOME_RETRY] = "retry",
        [OUTCOME_DEAD] = "dead"};
    return names[outcome];
}

static const char *reason_of(const struct delivery *delivery)
{
    if (delivery->outcome == OUTCOME_SKIPPED)
        return delivery->is_of_other_type ? "type" : "hook-disabled";
    return delivery->outcome == OUTCOME_DEAD ? dead_reason_name(delivery->reason) : "";
}

static void log_outcome(struct pipeline *pipeline, const struct delivery *delivery)
{
    const struct entry *entry = delivery->entry;
    const struct history *history = &delivery->history;
    char origin[URL_ORIGIN_SIZE] = "";
    enum log_level level;
    int64_t unlogged = 0;
    if (!is_told(pipeline, delivery, &level, &unlogged))
        return;
    if (delivery->slot != NULL && delivery->slot->hook != NULL)
        url_origin(&delivery->slot->hook->url, origin);
    log_at(level, outcome_name(delivery->outcome), log_text("event", entry->event_id),
           log_text("entry", entry->stream_id),
           log_bytes("room", room_id_bytes(&entry->event.room_id)),
           log_text("hook", delivery->hook_id), log_text("origin", origin),
           log_int("attempts", history->attempts), log_int("status", history->status),
           log_text("error", history->error), log_text("reason", reason_of(delivery)),
           log_int("delay_ms", delivery->delay_ms), log_int("unlogged", unlogged));
}

/* Waiting and going back to the lane are no news for people who ask what became of a message, nor
 * is a test that was not sent; one that was has one attempt, whatever it came to. */
static void note_attempt(struct pipeline *pipeline, const struct delivery *delivery,
                         enum outcome outcome)
{
    const struct history *history = &delivery->history;
    bool is_made = delivery->is_attempted;
    bool is_test = delivery->entry->is_test;
    bool failed = outcome != OUTCOME_DELIVERED;
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    if (!is_made && (is_test || (outcome != OUTCOME_SKIPPED && outcome != OUTCOME_DEAD)))
        return;
    struct attempt_note note = {
        .lane = delivery->lane,
        .fingerprint = lane_gate_fingerprint(
            delivery->lane, delivery->slot == NULL ? NULL : delivery->slot->hook, fingerprint),
        .event_id = delivery->entry->event_id,
        .outcome = is_test && failed ? "failed" : outcome_name(outcome),
        .reason = is_test ? "" : reason_of(delivery),
        .error = history->error,
        .attempt = is_made ? history->attempts : 0,
        .status = is_made ? history->status : 0,
        .took_ms = delivery->took_ms,
        .answer = is_made && failed ? buffer_bytes(&delivery->response) : BYTES(""),
    };
    attempt_log_add(pipeline->log, &note);
}

void conclude_without_hook(struct pipeline *pipeline, const struct entry *entry)
{
    enum log_level level = log_is_on(LOG_DEBUG) ? LOG_DEBUG : LOG_INFO;
    int64_t unlogged = 0;
    if (!log_is_on(level) ||
        (level == LOG_INFO &&
         !sparing_allows(&pipeline->sparing[SPARING_NO_HOOK], loop_now_ms(), &unlogged)))
        return;
    log_at(level, "skipped", log_text("event", entry->event_id),
           log_text("entry", entry->stream_id),
           log_bytes("room", room_id_bytes(&entry->event.room_id)), log_text("reason", "no-hook"),
           log_int("unlogged", unlogged));
}

/* What comes to the lane from the stream goes behind it, also before it is stored there. */
static void note_backlog(struct pipeline *pipeline, struct delivery *delivery)
{
    struct capacity_lane *lane = pipeline_lane_of(pipeline, delivery);
    if (lane == NULL)
        return;
    delivery->is_coming = true;
    capacity_note_coming(pipeline->capacity, lane);
    capacity_set_backlog(pipeline->capacity, lane, settlement_backlog(pipeline, delivery));
}

/* A probe that says nothing about its hook: the gate that closed behind it would stay so for a
 * whole lease. */
static void end_probe(struct pipeline *pipeline, const struct delivery *delivery)
{
    const struct hook *hook = delivery->slot == NULL ? NULL : delivery->slot->hook;
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    if (delivery->is_judged)
        return;
    lane_gate_fingerprint(delivery->lane, hook, fingerprint);
    registry_probe_again(pipeline->registry, delivery->lane, fingerprint,
                         pipeline_max_age_ms(pipeline, hook), delivery->delay_ms);
}

void conclude(struct pipeline *pipeline, struct delivery *delivery, enum outcome outcome)
{
    struct entry *entry = delivery->entry;
    enum outcome of_attempt = outcome;
    if (entry->is_test)
        outcome = test_reply(pipeline, delivery, outcome);
    if (outcome == OUTCOME_WAIT || outcome == OUTCOME_RELEASED)
        note_backlog(pipeline, delivery); /* before it leaves its line: the lane keeps its turn */
    capacity_leave(pipeline->capacity, &delivery->waiter, delivery->news, loop_run_ms());
    if (delivery->is_probe)
        end_probe(pipeline, delivery);
    delivery->outcome = outcome;
    delivery->concluded_at_ms = loop_now_ms();
    delivery_move(&pipeline->entries, delivery, DELIVERY_CONCLUDED);
    if (!entry->is_test)
        log_outcome(pipeline, delivery);
    note_attempt(pipeline, delivery, of_attempt);
    if (delivery->leased)
        settlement_of_delivery(pipeline, delivery);
    else if (entry->state == ENTRY_OPEN)
        settlement_goes_on(pipeline, entry, outcome == OUTCOME_WAIT);
    /* While its entry is being settled it is being detached: it is settled when that is stored. */
    pipeline_arm(pipeline);
}

void conclude_dead(struct pipeline *pipeline, struct delivery *delivery, enum dead_reason reason,
                   const char *error)
{
    delivery->reason = reason;
    conclude_set_error(delivery, error);
    conclude(pipeline, delivery, OUTCOME_DEAD);
}

void conclude_back(struct pipeline *pipeline, struct delivery *delivery)
{
    if (delivery->transfer != NULL)
        http_transfer_cancel(delivery->transfer);
    delivery->transfer = NULL;
    delivery->news = CAPACITY_NO_NEWS;
    conclude(pipeline, delivery,
             delivery->entry->source == SOURCE_STREAM && !delivery->leased ? OUTCOME_WAIT
                                                                           : OUTCOME_RELEASED);
}
