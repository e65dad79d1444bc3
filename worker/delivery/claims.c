#include "delivery/claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "delivery/claimed.h"
#include "delivery/suspects.h"

#define BURY_MAX 100   /* deliveries that are claimed at once to become dead letters */
#define PROBES_SHARE 8 /* of the places */
#define AGAIN_MS 200   /* when a claim was not answered, or a room could not be read */

enum purpose {
    VISIT_DUE,   /* a look found it: is there a hook, and what may it take */
    VISIT_CLAIM, /* it has its turn */
    VISIT_BURY   /* it is too long, or nothing may be sent of it: what comes is buried */
};

/* A lane whose hook is looked up, or of which is claimed. */
struct visit {
    TAILQ_ENTRY(visit) link; /* in all */
    struct pipeline *pipeline;
    enum purpose purpose;
    char lane[LANE_SIZE];
    struct lane_parts parts;
    size_t most;
    int64_t began_ms;
    uint64_t began; /* registry_stamp() then */
    bool asked_anew;
    struct registry_query query;
    struct hook_set *set; /* kept; NULL: it has none, or came with its event */
    struct hook_slot *slot;
    enum dead_reason reason; /* of VISIT_BURY */
    const char *error;
    size_t given;   /* deliveries that came, but for those over age */
    bool is_behind; /* not all that goes into lanes was sent before the claim */
};

TAILQ_HEAD(visit_list, visit);

struct visits {
    struct visit_list all;
    struct lane_wish ready[LANES_CLAIM_MAX];
    size_t ready_len;
};

struct visits *claims_new(void)
{
    struct visits *visits = calloc(1, sizeof(*visits));
    if (visits != NULL)
        TAILQ_INIT(&visits->all);
    return visits;
}

static void visit_end(struct visit *visit)
{
    TAILQ_REMOVE(&visit->pipeline->visits->all, visit, link);
    registry_cancel(&visit->query);
    hook_set_drop(visit->set);
    free(visit);
}

void claims_free(struct visits *visits)
{
    if (visits == NULL)
        return;
    while (!TAILQ_EMPTY(&visits->all))
        visit_end(TAILQ_FIRST(&visits->all));
    free(visits);
}

/* Capacity's turn of the lane ends. */
static void answer_capacity(struct pipeline *pipeline, const char *name,
                            enum capacity_backlog backlog)
{
    struct capacity_lane *lane = capacity_lane_find(pipeline->capacity, name);
    if (lane != NULL)
        capacity_claimed(pipeline->capacity, lane, backlog);
    pipeline_arm(pipeline);
}

static void give_up(struct visit *visit)
{
    struct pipeline *pipeline = visit->pipeline;
    if (visit->purpose == VISIT_CLAIM)
        answer_capacity(pipeline, visit->lane, CAPACITY_BACKLOG_NONE);
    visit_end(visit);
    lanes_hint(pipeline->lanes, AGAIN_MS);
}

/* --- what is claimed --- */

static void put_wish(struct visit *visit, enum claim_mode mode, size_t count)
{
    struct pipeline *pipeline = visit->pipeline;
    struct visits *visits = pipeline->visits;
    const struct hook *hook = visit->slot == NULL ? NULL : visit->slot->hook;
    if (visits->ready_len == LANES_CLAIM_MAX)
        claims_send(pipeline);
    struct lane_wish *wish = &visits->ready[visits->ready_len++];
    *wish = (struct lane_wish){
        .mode = mode,
        .count = count,
        .lease_ms = pipeline->lease_ms,
        .max_age_ms = pipeline_max_age_ms(pipeline, hook),
        .interval_us = hook == NULL ? rates_find(&pipeline->inline_rates, visit->lane)
                                    : hook->rate_interval_us,
        .lane_max = pipeline->settings->lane_max,
        .context = visit,
    };
    snprintf(wish->lane, sizeof(wish->lane), "%s", visit->lane);
    lane_gate_fingerprint(visit->lane, hook, wish->fingerprint);
    pipeline_arm(pipeline);
}

static void bury_lane(struct visit *visit, enum claim_mode mode, enum dead_reason reason,
                      const char *error, size_t count)
{
    if (visit->purpose == VISIT_CLAIM)
        answer_capacity(visit->pipeline, visit->lane, CAPACITY_BACKLOG_NONE);
    visit->purpose = VISIT_BURY;
    visit->reason = reason;
    visit->error = error;
    put_wish(visit, mode, count < BURY_MAX ? count : BURY_MAX);
}

/* A look found it: its turn comes by capacity. */
static void note_due(struct visit *visit)
{
    struct pipeline *pipeline = visit->pipeline;
    const struct hook *hook = visit->slot == NULL ? NULL : visit->slot->hook;
    char origin[URL_ORIGIN_SIZE];
    struct capacity_lane *lane =
        capacity_lane(pipeline->capacity, visit->lane, hook == NULL ? NULL : hook->url_text,
                      hook == NULL ? NULL : url_origin(&hook->url, origin));
    if (lane != NULL)
        capacity_set_backlog(pipeline->capacity, lane, CAPACITY_BACKLOG_NOW);
    visit_end(visit);
    pipeline_arm(pipeline);
}

/* What the lane's hook allows; for one that came with its event that is not known here. */
static void decide(struct visit *visit)
{
    const struct hook_slot *slot = visit->slot;
    if (visit->purpose == VISIT_BURY)
        bury_lane(visit, CLAIM_OVERFLOW, DEAD_OVERFLOW, "its lane is full", visit->most);
    else if (visit->parts.is_inline)
        visit->purpose == VISIT_DUE ? note_due(visit) : put_wish(visit, CLAIM_DUE, visit->most);
    else if (slot == NULL)
        bury_lane(visit, CLAIM_ALL, DEAD_HOOK_REMOVED, "the room has no hook of this id", BURY_MAX);
    else if (slot->hook == NULL)
        bury_lane(visit, CLAIM_ALL, slot->problem == HOOK_BAD_URL ? DEAD_BAD_URL : DEAD_BAD_HOOK,
                  slot->why, BURY_MAX);
    else if (slot->disabled)
        bury_lane(visit, CLAIM_ALL, DEAD_HOOK_DISABLED, "the hook was disabled meanwhile",
                  BURY_MAX);
    else if (visit->purpose == VISIT_DUE)
        note_due(visit);
    else
        put_wish(visit, CLAIM_DUE, visit->most);
}

static void on_hooks(void *context, struct hook_set *set)
{
    struct visit *visit = context;
    struct pipeline *pipeline = visit->pipeline;
    if (set == NULL || pipeline->draining) {
        give_up(visit);
        return;
    }
    struct hook_slot *slot = hook_set_find(set, bytes_of(visit->parts.hook_id));
    bool says_no = slot == NULL || slot->hook == NULL || slot->disabled;
    if (says_no && !visit->asked_anew) { /* only by what was read since the look */
        visit->asked_anew = true;
        registry_look_up(pipeline->registry, &visit->parts.room, REGISTRY_ANEW, visit->began,
                         &visit->query, on_hooks, visit);
        return;
    }
    hook_set_keep(set);
    visit->set = set;
    visit->slot = slot;
    decide(visit);
}

/* --- visits --- */

/* False: it cannot be made, and nothing comes of it. */
static bool visit(struct pipeline *pipeline, enum purpose purpose, struct bytes lane, size_t most)
{
    struct visit *visit = calloc(1, sizeof(*visit));
    if (visit == NULL || !bytes_copy_text(lane, visit->lane, sizeof(visit->lane))) {
        log_at(LOG_ERROR, visit == NULL ? "out_of_memory" : "lane_unreadable",
               log_bytes("lane", lane));
        free(visit);
        return false;
    }
    visit->pipeline = pipeline;
    visit->purpose = purpose;
    visit->most = most;
    visit->began_ms = loop_now_ms();
    visit->began = registry_stamp(pipeline->registry);
    TAILQ_INSERT_TAIL(&pipeline->visits->all, visit, link);
    if (lane_split(lane, &visit->parts) != 0)
        bury_lane(visit, CLAIM_ALL, DEAD_MALFORMED, "its lane is not <room>/<hook>", BURY_MAX);
    else if (visit->parts.is_inline || purpose == VISIT_BURY)
        decide(visit);
    else
        registry_look_up(pipeline->registry, &visit->parts.room, REGISTRY_CONTROL, visit->began,
                         &visit->query, on_hooks, visit);
    return true;
}

size_t claims_probes_room(const struct pipeline *pipeline)
{
    size_t share = (size_t)pipeline->settings->max_in_flight / PROBES_SHARE;
    size_t most = share > 0 ? share : 1;
    return pipeline->entries.probes < most ? most - pipeline->entries.probes : 0;
}

void claims_due(void *context, const struct due_lane *lane)
{
    struct pipeline *pipeline = context;
    (void)visit(pipeline, VISIT_DUE, lane->name, 0);
}

/* Its gate is asked, by a claim, if anything of the lane was seen here lately. */
void claims_lane_changed(void *context, struct bytes lane)
{
    struct pipeline *pipeline = context;
    char name[LANE_SIZE];
    struct capacity_lane *known = bytes_copy_text(lane, name, sizeof(name))
                                      ? capacity_lane_find(pipeline->capacity, name)
                                      : NULL;
    if (known == NULL)
        return;
    capacity_set_backlog(pipeline->capacity, known, CAPACITY_BACKLOG_NOW);
    pipeline_arm(pipeline);
}

/* Its gate may be void now. Sent behind the claims that were decided by the hook as it was. */
void claims_hook_changed(void *context, struct bytes lane)
{
    struct pipeline *pipeline = context;
    lanes_hook_changed(pipeline->lanes, lane);
    pipeline_arm(pipeline);
}

/* Deliveries over the bound are on their way out of the lane, and still counted in it. */
static bool is_shortened(const struct pipeline *pipeline, const char *lane)
{
    const struct visit *visit;
    const struct entry *entry;
    TAILQ_FOREACH(visit, &pipeline->visits->all, link) {
        if (visit->purpose == VISIT_BURY && strcmp(visit->lane, lane) == 0)
            return true;
    }
    TAILQ_FOREACH(entry, &pipeline->entries.of_state[ENTRY_NEW], of_state) {
        const struct delivery *delivery = TAILQ_FIRST(&entry->deliveries);
        if (entry->source == SOURCE_LANE && delivery != NULL && delivery->outcome == OUTCOME_DEAD &&
            delivery->reason == DEAD_OVERFLOW && strcmp(delivery->lane, lane) == 0)
            return true;
    }
    return false;
}

/* When these are stored, the lane is counted again. */
void claims_overflow(void *context, const char *lane, int64_t count)
{
    if (is_shortened(context, lane))
        return;
    (void)visit(context, VISIT_BURY, bytes_of(lane), (size_t)count);
}

void claims_want(struct pipeline *pipeline, struct capacity_lane *lane, size_t most)
{
    if (pipeline->draining || settle_refusal(pipeline->settle)->fault != FAULT_NONE ||
        suspects_wait(pipeline) ||
        !visit(pipeline, VISIT_CLAIM, bytes_of(capacity_lane_name(lane)), most))
        capacity_claimed(pipeline->capacity, lane, CAPACITY_BACKLOG_NONE);
}

void claims_send(struct pipeline *pipeline)
{
    struct visits *visits = pipeline->visits;
    size_t len = visits->ready_len;
    if (len == 0)
        return;
    struct lane_wish wishes[LANES_CLAIM_MAX]; /* large: not on each turn */
    /* What was put into their lanes is there before these are claimed of. */
    bool is_behind = !settle_flush(pipeline->settle);
    for (size_t i = 0; i < len; i++)
        ((struct visit *)visits->ready[i].context)->is_behind = is_behind;
    memcpy(wishes, visits->ready, len * sizeof(wishes[0]));
    visits->ready_len = 0;
    lanes_claim(pipeline->lanes, wishes, len);
}

/* --- answers --- */

static int64_t place_of(const struct visit *visit, const struct claimed_delivery *claimed)
{
    const struct lane_wish *wish = claimed->wish;
    if (wish->interval_us == 0 || claimed->is_over_age)
        return 0;
    int64_t in_us = claimed->answer->first_place_in_us + (int64_t)visit->given * wish->interval_us;
    int64_t in_ms = in_us > 0 ? in_us / 1000 : 0;
    return loop_now_ms() + in_ms;
}

void claims_claimed(void *context, const struct claimed_delivery *claimed)
{
    struct pipeline *pipeline = context;
    struct visit *visit = claimed->wish->context;
    bool is_buried = visit->purpose == VISIT_BURY;
    struct claim_terms terms = {
        .set = visit->set,
        .slot = visit->slot,
        .is_probe = claimed->answer->word == LANE_PROBE && !claimed->is_over_age,
        .is_buried = is_buried || claimed->is_over_age,
        .reason = is_buried ? visit->reason : DEAD_EXPIRED,
        .error = is_buried ? visit->error : "older than max-age while it waited",
        .not_before_ms = place_of(visit, claimed),
    };
    visit->given += claimed->is_over_age ? 0 : 1;
    claimed_take(pipeline, claimed, &terms);
}

static enum capacity_backlog backlog_of(const struct visit *visit, const struct lane_answer *answer)
{
    switch (answer->word) {
    case LANE_FREE:
    case LANE_EMPTY:
        return visit->is_behind || answer->next_in_ms <= 0 ? CAPACITY_BACKLOG_NOW
                                                           : CAPACITY_BACKLOG_NONE;
    case LANE_PROBE:
    case LANE_GATED:
        return CAPACITY_BACKLOG_LATER;
    case LANE_UNKNOWN:
        break;
    }
    return CAPACITY_BACKLOG_NONE;
}

/* The gates say that nothing is in the way: so is what is known here, unless it is newer. */
static void learn_gate(struct visit *visit, const struct lane_answer *answer)
{
    struct pipeline *pipeline = visit->pipeline;
    struct capacity_lane *lane = capacity_lane_find(pipeline->capacity, visit->lane);
    if (answer->word != LANE_FREE && answer->word != LANE_EMPTY)
        return;
    registry_lane_is_free(pipeline->registry, visit->lane, visit->began_ms);
    if (lane != NULL)
        capacity_restrict(pipeline->capacity, lane, 0);
}

/* Not for a lane that is claimed of by name: a look reserves it, which hides it from other workers.
 */
static void hint(struct pipeline *pipeline, const struct lane_answer *answer)
{
    if (answer->word == LANE_UNKNOWN)
        lanes_hint(pipeline->lanes, AGAIN_MS);
    else if (answer->next_in_ms != INT64_MAX)
        lanes_hint(pipeline->lanes, answer->next_in_ms);
}

void claims_answered(void *context, const struct lane_wish *wish, const struct lane_answer *answer)
{
    struct pipeline *pipeline = context;
    struct visit *visit = wish->context;
    enum capacity_backlog backlog = backlog_of(visit, answer);
    if (visit->purpose == VISIT_CLAIM) {
        learn_gate(visit, answer);
        answer_capacity(pipeline, visit->lane, backlog);
    }
    if (visit->purpose != VISIT_CLAIM || backlog != CAPACITY_BACKLOG_NOW)
        hint(pipeline, answer);
    visit_end(visit);
    pipeline_arm(pipeline);
}
