#include "queue/lanes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define LOOK_MAX 48
#define LOOK_SHUT_MAX 16
#define CLAIM_BYTES_MAX (8 << 20)
#define TIME_MAX_MS (INT64_C(1) << 48)
#define SLEEP_MIN_MS 5
#define SLEEP_MAX_MS 800 /* what a worker that ends hands over is taken up within a second */

struct lanes {
    struct loop *loop;
    struct queue *queue;
    struct lanes_config config;
    struct loop_timer timer;
    int64_t wake_at_ms; /* monotonic; when the timer fires */
    int64_t hint_at_ms; /* earliest hint that came while looking; INT64_MAX: none */
    int64_t fence_number;
    struct redis_args changed; /* lanes whose hooks were changed */
    bool looking;
    bool starved;      /* there was no room to look */
    bool shut_starved; /* there was none for lanes that are shut, in the last look */
    bool stopped;
    int claims;   /* under way */
    int failures; /* refusals of looks in a row */
};

struct claim {
    struct lanes *lanes;
    int64_t sent_ms;
    int64_t first_number;
    size_t len;
    struct lane_wish wishes[];
};

static void look(void *context);

struct lanes *lanes_new(struct loop *loop, struct queue *queue, const struct lanes_config *config)
{
    struct lanes *lanes = calloc(1, sizeof(*lanes));
    if (lanes == NULL)
        return NULL;
    lanes->loop = loop;
    lanes->queue = queue;
    lanes->config = *config;
    lanes->hint_at_ms = INT64_MAX;
    redis_args_init(&lanes->changed);
    if (loop_timer_init(loop, &lanes->timer, look, lanes) != 0) {
        free(lanes);
        return NULL;
    }
    return lanes;
}

void lanes_free(struct lanes *lanes)
{
    if (lanes == NULL)
        return;
    loop_timer_release(&lanes->timer);
    redis_args_release(&lanes->changed);
    free(lanes);
}

/* As claim.lua does. */
static void write_fence(const struct lanes *lanes, int64_t number, enum claim_mode mode,
                        char out[FENCE_SIZE])
{
    char *at = write_text(out, lanes->queue->consumer, CONSUMER_NAME_SIZE - 1);
    *at++ = ':';
    at = write_uint64(at, (uint64_t)number, 0);
    if (mode == CLAIM_OVERFLOW)
        *at++ = '!';
    *at = '\0';
}

void lanes_fence(struct lanes *lanes, char out[FENCE_SIZE])
{
    write_fence(lanes, ++lanes->fence_number, CLAIM_DUE, out);
}

/* --- when to look --- */

static void sleep_for(struct lanes *lanes, int64_t ms)
{
    int64_t bounded = ms < SLEEP_MIN_MS ? SLEEP_MIN_MS : ms > SLEEP_MAX_MS ? SLEEP_MAX_MS : ms;
    lanes->wake_at_ms = loop_now_ms() + bounded;
    loop_timer_arm(&lanes->timer, bounded);
}

void lanes_up(struct lanes *lanes)
{
    lanes->failures = 0;
    if (!lanes->stopped && !lanes->looking)
        sleep_for(lanes, 0);
}

void lanes_hint(struct lanes *lanes, int64_t in_ms)
{
    int64_t at = loop_now_ms() + (in_ms < SLEEP_MAX_MS ? in_ms : SLEEP_MAX_MS);
    if (lanes->stopped)
        return;
    if (lanes->looking)
        lanes->hint_at_ms = at < lanes->hint_at_ms ? at : lanes->hint_at_ms;
    else if (at < lanes->wake_at_ms)
        sleep_for(lanes, in_ms);
}

/* For lanes that are shut, since the last look. */
static bool room_came_back(const struct lanes *lanes)
{
    return lanes->shut_starved && lanes->config.shut_room(lanes->config.context) > 0;
}

void lanes_kick(struct lanes *lanes)
{
    if (lanes->looking || lanes->stopped || (!lanes->starved && !room_came_back(lanes)))
        return;
    lanes->starved = false;
    lanes->shut_starved = false;
    sleep_for(lanes, 0);
}

void lanes_stop(struct lanes *lanes)
{
    lanes->stopped = true;
    loop_timer_disarm(&lanes->timer);
}

bool lanes_is_stopped(const struct lanes *lanes)
{
    return lanes->stopped && !lanes->looking && lanes->claims == 0;
}

/* --- looking --- */

/* One of Redis' clock, in units of which a millisecond has this many; what is none is -1. */
static int64_t time_of(const struct reply *reply, int64_t units)
{
    int64_t time = reply_int(reply);
    return time >= 0 && time <= TIME_MAX_MS * units ? time : -1;
}

static void plan_next(struct lanes *lanes, const struct reply *reply)
{
    int64_t now = time_of(reply_at(reply, 0), 1);
    int64_t next = time_of(reply_at(reply, 1), 1);
    int64_t wait = room_came_back(lanes) ? 0 : next < 0 ? SLEEP_MAX_MS : next - now;
    if (lanes->hint_at_ms != INT64_MAX && lanes->hint_at_ms - loop_now_ms() < wait)
        wait = lanes->hint_at_ms - loop_now_ms();
    lanes->hint_at_ms = INT64_MAX;
    if (!lanes->stopped)
        sleep_for(lanes, wait);
}

/* look.lua has taken it from its set. What is in it has a record elsewhere, by which the walk finds
 * it, or is nothing. */
static void remove_unusable(struct lanes *lanes, struct bytes name)
{
    struct redis_args args;
    struct buffer whole;
    char key[KEY_SIZE];
    log_at(LOG_ERROR, "lane_unreadable", log_bytes("lane", name));
    buffer_init(&whole, KEY_SIZE + name.len);
    buffer_append_text(&whole, keys_lane(&lanes->queue->keys, "", key));
    buffer_append_bytes(&whole, name);
    redis_args_init(&args);
    redis_args_copy(&args, buffer_bytes(&whole));
    redis_args_text(&args, "none");
    if (!buffer_failed(&whole))
        (void)queue_call(lanes->queue, SCRIPT_HEAL_KEYS, 1, &args, NULL, NULL);
    redis_args_release(&args);
    buffer_release(&whole);
}

static bool is_usable(struct bytes name)
{
    return name.len < LANE_SIZE && (name.len == 0 || memchr(name.data, '\0', name.len) == NULL);
}

static void report_lanes(struct lanes *lanes, const struct reply *found, bool is_shut)
{
    for (size_t i = 0; i + 1 < reply_len(found) && !lanes->stopped; i += 2) {
        struct due_lane lane = {reply_text(reply_at(found, i)), is_shut};
        if (is_usable(lane.name))
            lanes->config.due(lanes->config.context, &lane);
        else
            remove_unusable(lanes, lane.name);
    }
}

static void on_looked(void *context, const struct reply *reply)
{
    struct lanes *lanes = context;
    lanes->looking = false;
    if (!reply_is_list(reply)) {
        lanes->hint_at_ms = INT64_MAX;
        if (lanes->stopped)
            return;
        if (redis_fault_of(reply) == FAULT_NOSCRIPT)
            sleep_for(lanes, 0);
        else
            sleep_for(lanes, queue_again_ms(lanes->queue, &lanes->failures));
        return;
    }
    lanes->failures = 0;
    report_lanes(lanes, reply_at(reply, 2), false);
    report_lanes(lanes, reply_at(reply, 3), true);
    plan_next(lanes, reply);
}

static void look(void *context)
{
    struct lanes *lanes = context;
    const struct keys *keys = &lanes->queue->keys;
    struct redis_args args;
    if (lanes->looking || lanes->stopped || !redis_link_is_up(lanes->queue->link))
        return;
    size_t room = lanes->config.room(lanes->config.context);
    if (room == 0) {
        sleep_for(lanes, SLEEP_MAX_MS); /* lanes_kick comes with room */
        lanes->starved = true;
        return;
    }
    redis_args_init(&args);
    redis_args_text(&args, keys->lanes);
    redis_args_text(&args, keys->lanes_shut);
    redis_args_text(&args, keys->gates);
    redis_args_int(&args, room < LOOK_MAX ? (int64_t)room : LOOK_MAX);
    size_t shut_room = lanes->config.shut_room(lanes->config.context);
    redis_args_int(&args, shut_room < LOOK_SHUT_MAX ? (int64_t)shut_room : LOOK_SHUT_MAX);
    lanes->shut_starved = shut_room == 0;
    if (queue_call(lanes->queue, SCRIPT_LOOK, 3, &args, on_looked, lanes) == 0)
        lanes->looking = true;
    else
        sleep_for(lanes, queue_again_ms(lanes->queue, &lanes->failures));
    redis_args_release(&args);
}

/* --- lanes whose hooks were changed --- */

void lanes_hook_changed(struct lanes *lanes, struct bytes lane)
{
    if (!lanes->stopped)
        redis_args_copy(&lanes->changed, lane);
}

/* What is lost with the connection is heard of again with the next one. */
void lanes_recheck(struct lanes *lanes)
{
    const struct keys *keys = &lanes->queue->keys;
    struct redis_args args;
    if (lanes->changed.len == 0)
        return;
    redis_args_init(&args);
    redis_args_text(&args, keys->gates);
    redis_args_text(&args, keys->lanes);
    redis_args_text(&args, keys->lanes_shut);
    redis_args_append(&args, &lanes->changed);
    if (queue_call(lanes->queue, SCRIPT_RECHECK, 3, &args, NULL, NULL) == 0)
        lanes_hint(lanes, 0);
    redis_args_release(&args);
    redis_args_release(&lanes->changed);
    redis_args_init(&lanes->changed);
}

/* --- claiming --- */

static enum lane_word word_of(struct bytes word)
{
    if (bytes_equal_text(word, "free"))
        return LANE_FREE;
    if (bytes_equal_text(word, "empty"))
        return LANE_EMPTY;
    return bytes_equal_text(word, "probe") ? LANE_PROBE : LANE_GATED;
}

static const struct reply *document_of(const struct reply *documents, struct bytes id)
{
    const char *slash = id.len > 0 ? memchr(id.data, '/', id.len) : NULL;
    struct bytes stream = {id.data, slash == NULL ? 0 : (size_t)(slash - id.data)};
    for (size_t i = 0; i + 1 < reply_len(documents); i += 2) {
        if (bytes_equal(reply_text(reply_at(documents, i)), stream))
            return reply_at(documents, i + 1);
    }
    return NULL;
}

static void report_delivery(struct claim *claim, const struct lane_answer *answers,
                            const struct reply *item, int64_t number, const struct reply *documents)
{
    struct lanes *lanes = claim->lanes;
    int64_t lane = reply_int(reply_at(item, 0));
    const struct reply *record = reply_at(item, 5);
    if (lane < 1 || (size_t)lane > claim->len)
        return;
    const struct lane_wish *wish = &claim->wishes[lane - 1];
    struct claimed_delivery claimed = {
        .wish = wish,
        .answer = &answers[lane - 1],
        .id = reply_text(reply_at(item, 1)),
        .expired_leases = (int)reply_int(reply_at(item, 2)),
        .is_over_age = reply_int(reply_at(item, 4)) == 1,
        .has_record = reply_is_text(record),
        .record = reply_text(record),
        .lease_until_ms = claim->sent_ms + wish->lease_ms,
    };
    bool is_shared = claimed.has_record && claimed.record.len > 0 &&
                     memchr(claimed.record.data, '\n', claimed.record.len) == NULL;
    const struct reply *document = is_shared ? document_of(documents, claimed.id) : NULL;
    claimed.document = reply_text(document);
    claimed.has_document = claimed.document.len > 0;
    write_fence(lanes, number, wish->mode, claimed.fence);
    lanes->config.claimed(lanes->config.context, &claimed);
}

static struct lane_answer read_answer(const struct reply *row, int64_t now_ms)
{
    int64_t next = time_of(reply_at(row, 2), 1);
    int64_t place_us = time_of(reply_at(row, 3), 1000);
    return (struct lane_answer){
        .word = word_of(reply_text(reply_at(row, 1))),
        .taken = (size_t)reply_int(reply_at(row, 0)),
        .next_in_ms = next < 0 ? INT64_MAX : next - now_ms,
        .first_place_in_us = place_us <= 0 ? 0 : place_us - now_ms * 1000,
    };
}

static void report_unknown(struct claim *claim)
{
    const struct lane_answer answer = {.word = LANE_UNKNOWN};
    for (size_t i = 0; i < claim->len; i++)
        claim->lanes->config.answered(claim->lanes->config.context, &claim->wishes[i], &answer);
}

static void on_claimed(void *context, const struct reply *reply)
{
    struct claim *claim = context;
    struct lanes *lanes = claim->lanes;
    const struct reply *items = reply_at(reply, 2);
    lanes->claims--;
    if (redis_fault_of(reply) == FAULT_NOSCRIPT) { /* the text goes now */
        lanes_claim(lanes, claim->wishes, claim->len);
        free(claim);
        return;
    }
    if (!reply_is_list(reply)) {
        report_unknown(claim);
        free(claim);
        return;
    }
    struct lane_answer answers[LANES_CLAIM_MAX];
    for (size_t i = 0; i < claim->len; i++)
        answers[i] = read_answer(reply_at(reply_at(reply, 1), i), time_of(reply_at(reply, 0), 1));
    for (size_t i = 0; i < reply_len(items); i++)
        report_delivery(claim, answers, reply_at(items, i), claim->first_number + (int64_t)i,
                        reply_at(reply, 3));
    for (size_t i = 0; i < claim->len; i++)
        lanes->config.answered(lanes->config.context, &claim->wishes[i], &answers[i]);
    free(claim);
}

static void put_wish(struct redis_args *args, const struct lane_wish *wish)
{
    static const char *const modes[] = {
        [CLAIM_DUE] = "due", [CLAIM_ALL] = "all", [CLAIM_OVERFLOW] = "overflow"};
    redis_args_copy(args, bytes_of(wish->fingerprint));
    redis_args_int(args, (int64_t)wish->count);
    redis_args_int(args, wish->lease_ms);
    redis_args_int(args, wish->max_age_ms);
    redis_args_int(args, wish->interval_us);
    redis_args_int(args, wish->lane_max);
    redis_args_text(args, modes[wish->mode]);
}

static int send_claim(struct claim *claim)
{
    struct lanes *lanes = claim->lanes;
    const struct keys *keys = &lanes->queue->keys;
    const char *fixed[] = {keys->deliveries, keys->documents, keys->leases,
                           keys->gates,      keys->lanes,     keys->lanes_shut};
    struct redis_args args;
    char key[KEY_SIZE];
    size_t most = 0;
    redis_args_init(&args);
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        redis_args_text(&args, fixed[i]);
    for (size_t i = 0; i < claim->len; i++) {
        redis_args_copy(&args, bytes_of(keys_lane(keys, claim->wishes[i].lane, key)));
        most += 2 * claim->wishes[i].count; /* what is over age comes besides */
    }
    int keys_len = (int)args.len;
    claim->first_number = lanes->fence_number + 1;
    lanes->fence_number += (int64_t)most;
    redis_args_text(&args, lanes->queue->consumer);
    redis_args_int(&args, claim->first_number);
    redis_args_int(&args, (int64_t)most);
    redis_args_int(&args, CLAIM_BYTES_MAX);
    for (size_t i = 0; i < claim->len; i++)
        put_wish(&args, &claim->wishes[i]);
    claim->sent_ms = loop_now_ms();
    int sent = queue_call(lanes->queue, SCRIPT_CLAIM, keys_len, &args, on_claimed, claim);
    redis_args_release(&args);
    return sent;
}

void lanes_claim(struct lanes *lanes, const struct lane_wish *wishes, size_t len)
{
    struct claim *claim = calloc(1, sizeof(*claim) + len * sizeof(*wishes));
    const struct lane_answer unknown = {.word = LANE_UNKNOWN};
    if (claim == NULL) {
        for (size_t i = 0; i < len; i++)
            lanes->config.answered(lanes->config.context, &wishes[i], &unknown);
        return;
    }
    claim->lanes = lanes;
    claim->len = len;
    memcpy(claim->wishes, wishes, len * sizeof(*wishes));
    if (!lanes->stopped && send_claim(claim) == 0) {
        lanes->claims++;
        return;
    }
    report_unknown(claim);
    free(claim);
}
