#include "queue/settle.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define BATCH_MAX 200
#define BATCH_BYTES_MAX (8u << 20)
#define BATCHES_UNDER_WAY_MAX 8
#define GATHER_MS 5 /* between batches; the first after a rest goes at once */

/* A lane or a set of holders that a batch names. */
struct numbered {
    UT_hash_handle hh;
    int64_t number;
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    int64_t max_age_ms;
    char name[];
};

struct settle_batch {
    struct settle *settle;
    enum settle_kind kind;
    struct settlement_list list;
    struct redis_args args;   /* of the settlements, in their order */
    struct numbered *lanes;   /* uthash, in order of their numbers */
    struct numbered *holders; /* the same */
    bool failed;              /* no memory */
};

struct settle {
    struct loop *loop;
    struct queue *queue;
    struct settle_config config;
    struct settlement_list waiting_of[SETTLE_KINDS];
    size_t waiting;
    int under_way;
    int failures; /* refusals in a row */
    int64_t last_flush_ms;
    struct loop_timer timer; /* the next flush, soon or after a refusal */
};

static void on_timer(void *context);

struct settle *settle_new(struct loop *loop, struct queue *queue,
                          const struct settle_config *config)
{
    struct settle *settle = calloc(1, sizeof(*settle));
    if (settle == NULL)
        return NULL;
    settle->loop = loop;
    settle->queue = queue;
    settle->config = *config;
    for (int i = 0; i < SETTLE_KINDS; i++)
        STAILQ_INIT(&settle->waiting_of[i]);
    if (loop_timer_init(loop, &settle->timer, on_timer, settle) != 0) {
        free(settle);
        return NULL;
    }
    return settle;
}

void settle_free(struct settle *settle)
{
    if (settle == NULL)
        return;
    loop_timer_release(&settle->timer);
    free(settle);
}

size_t settle_waiting(const struct settle *settle)
{
    return settle->waiting;
}

bool settle_is_refused(const struct settle *settle)
{
    return settle->failures > 0;
}

static void flush_soon(struct settle *settle)
{
    int64_t since = loop_now_ms() - settle->last_flush_ms;
    if (settle->failures == 0 && !loop_timer_is_armed(&settle->timer))
        loop_timer_arm(&settle->timer, since >= GATHER_MS ? 0 : GATHER_MS - since);
}

void settle_submit(struct settle *settle, struct settlement *settlement)
{
    settlement->again = false;
    STAILQ_INSERT_TAIL(&settle->waiting_of[settlement->kind], settlement, link);
    settle->waiting++;
    flush_soon(settle);
}

void settle_resume(struct settle *settle)
{
    settle->failures = 0;
    loop_timer_arm(&settle->timer, 0);
}

/* --- a batch --- */

static struct numbered *find_numbered(struct settle_batch *batch, struct numbered **table,
                                      const char *name)
{
    struct numbered *numbered = NULL;
    size_t size = strlen(name) + 1;
    HASH_FIND_STR(*table, name, numbered);
    if (numbered != NULL)
        return numbered;
    numbered = calloc(1, sizeof(*numbered) + size);
    if (numbered != NULL) {
        memcpy(numbered->name, name, size);
        numbered->number = (int64_t)HASH_COUNT(*table) + 1;
        HASH_ADD_STR(*table, name, numbered);
        if (numbered->hh.tbl != NULL)
            return numbered;
        free(numbered);
    }
    batch->failed = true;
    return NULL;
}

int64_t settle_lane(struct settle_batch *batch, const char *lane, const char *fingerprint,
                    int64_t max_age_ms)
{
    struct numbered *numbered = find_numbered(batch, &batch->lanes, lane);
    if (numbered == NULL)
        return 0;
    if (numbered->fingerprint[0] == '\0' || numbered->fingerprint[0] == '-') {
        bytes_copy_text(bytes_of(fingerprint), numbered->fingerprint,
                        sizeof(numbered->fingerprint));
        numbered->max_age_ms = max_age_ms;
    }
    return numbered->number;
}

int64_t settle_holders(struct settle_batch *batch, const char *stream)
{
    const struct numbered *numbered = find_numbered(batch, &batch->holders, stream);
    return numbered == NULL ? 0 : numbered->number;
}

struct redis_args *settle_args(struct settle_batch *batch)
{
    return &batch->args;
}

static void free_table(struct numbered **table)
{
    struct numbered *numbered;
    struct numbered *next;
    HASH_ITER(hh, *table, numbered, next) {
        HASH_DEL(*table, numbered);
        free(numbered);
    }
}

static void batch_free(struct settle_batch *batch)
{
    redis_args_release(&batch->args);
    free_table(&batch->lanes);
    free_table(&batch->holders);
    free(batch);
}

/* The batch's settlements go back to the front of their list, in their order. */
static void put_back(struct settle_batch *batch, bool was_sent)
{
    struct settle *settle = batch->settle;
    struct settlement *settlement;
    STAILQ_FOREACH(settlement, &batch->list, link)
        settlement->again = settlement->again || was_sent;
    STAILQ_CONCAT(&batch->list, &settle->waiting_of[batch->kind]);
    STAILQ_CONCAT(&settle->waiting_of[batch->kind], &batch->list);
}

/* --- its answer --- */

#define REPLY_HEAD 3 /* items of a reply before those of the settlements */

static void report_overflow(struct settle_batch *batch, const struct reply *over)
{
    const struct settle_config *config = &batch->settle->config;
    for (size_t i = 0; i + 1 < reply_len(over); i += 2) {
        int64_t number = reply_int(reply_at(over, i));
        const struct numbered *lane;
        for (lane = batch->lanes; lane != NULL; lane = lane->hh.next) {
            if (lane->number == number)
                config->overflow(config->context, lane->name, reply_int(reply_at(over, i + 1)));
        }
    }
}

static void report(struct settle_batch *batch, const struct reply *results)
{
    struct settle *settle = batch->settle;
    size_t at = REPLY_HEAD;
    while (!STAILQ_EMPTY(&batch->list)) {
        struct settlement *settlement = STAILQ_FIRST(&batch->list);
        STAILQ_REMOVE_HEAD(&batch->list, link);
        bool ours = batch->kind == SETTLE_ACK || reply_int(reply_at(results, at++)) == 1 ||
                    settlement->again;
        settle->waiting--;
        if (!ours)
            counters_add(settle->queue->counters, COUNTER_FENCED, 1);
        settle->config.settled(settle->config.context, settlement, ours);
    }
    if (batch->kind != SETTLE_ACK)
        report_overflow(batch, reply_at(results, 1));
}

static void on_failure(struct settle_batch *batch, const struct reply *reply)
{
    struct settle *settle = batch->settle;
    put_back(batch, true);
    if (redis_fault_of(reply) == FAULT_NOSCRIPT)
        loop_timer_arm(&settle->timer, 0); /* also when it was refused before */
    else if (reply != NULL)                /* else settle_resume follows */
        loop_timer_arm(&settle->timer, queue_again_ms(settle->queue, &settle->failures));
}

static void on_script(void *context, const struct reply *reply)
{
    struct settle_batch *batch = context;
    struct settle *settle = batch->settle;
    settle->under_way--;
    if (reply_is_list(reply)) {
        counters_dropped(settle->queue->counters, reply_int(reply_at(reply, 0)));
        settle->failures = 0;
        report(batch, reply);
    } else {
        on_failure(batch, reply);
    }
    batch_free(batch);
    flush_soon(settle);
}

/* --- sending it --- */

/* The keys and first arguments, as each script's top has them. Returns the number of keys. */
static int put_head(const struct settle_batch *batch, struct redis_args *args)
{
    const struct settle *settle = batch->settle;
    const struct keys *names = &settle->queue->keys;
    const struct numbered *numbered;
    char key[KEY_SIZE];
    const char *fixed[] = {names->deliveries, names->documents,  names->leases, names->gates,
                           names->lanes,      names->lanes_shut, names->dead,   names->dead_by_room,
                           names->dead_bytes, names->events,     names->meta};
    int fixed_len = batch->kind == SETTLE_STREAM ? 11 : 9;
    for (int i = 0; i < fixed_len; i++)
        redis_args_text(args, fixed[i]);
    for (numbered = batch->lanes; numbered != NULL; numbered = numbered->hh.next)
        redis_args_copy(args, bytes_of(keys_lane(names, numbered->name, key)));
    for (numbered = batch->holders; numbered != NULL; numbered = numbered->hh.next)
        redis_args_copy(args, bytes_of(keys_holders(names, numbered->name, key)));
    int keys_len = (int)args->len;
    redis_args_int(args, settle->config.dead_max);
    redis_args_int(args, settle->config.dead_max_bytes);
    redis_args_int(args, settle->config.lane_max);
    redis_args_int(args, (int64_t)HASH_COUNT(batch->lanes));
    for (numbered = batch->lanes; numbered != NULL; numbered = numbered->hh.next) {
        redis_args_copy(args, bytes_of(numbered->fingerprint));
        redis_args_int(args, numbered->max_age_ms);
    }
    if (batch->kind == SETTLE_STREAM) {
        redis_args_text(args, KEYS_GROUP);
        redis_args_text(args, settle->queue->consumer);
    }
    return keys_len;
}

static int send_acknowledgements(struct settle_batch *batch)
{
    const struct keys *names = &batch->settle->queue->keys;
    const struct settlement *settlement;
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, names->events);
    redis_args_text(&args, names->meta);
    redis_args_text(&args, KEYS_GROUP);
    STAILQ_FOREACH(settlement, &batch->list, link)
        redis_args_text(&args, settlement->id);
    int sent = queue_call(batch->settle->queue, SCRIPT_ACKNOWLEDGE, 2, &args, on_script, batch);
    redis_args_release(&args);
    return sent;
}

static int send_outcomes(struct settle_batch *batch)
{
    const struct settle *settle = batch->settle;
    enum script_number number =
        batch->kind == SETTLE_STREAM ? SCRIPT_SETTLE_STREAM : SCRIPT_SETTLE_LEASED;
    struct settlement *settlement;
    struct redis_args args;
    STAILQ_FOREACH(settlement, &batch->list, link) {
        redis_args_text(&batch->args, settlement->id);
        settle->config.put(settle->config.context, settlement, batch);
    }
    if (batch->failed || redis_args_failed(&batch->args))
        return -1;
    redis_args_init(&args);
    int keys_len = put_head(batch, &args);
    redis_args_append(&args, &batch->args);
    int sent = queue_call(settle->queue, number, keys_len, &args, on_script, batch);
    redis_args_release(&args);
    redis_args_release(&batch->args);
    redis_args_init(&batch->args);
    return sent;
}

static struct settle_batch *take_batch(struct settle *settle, enum settle_kind kind)
{
    struct settle_batch *batch = calloc(1, sizeof(*batch));
    size_t bytes = 0;
    if (batch == NULL)
        return NULL;
    batch->settle = settle;
    batch->kind = kind;
    redis_args_init(&batch->args);
    STAILQ_INIT(&batch->list);
    for (int n = 0; n < BATCH_MAX && bytes < BATCH_BYTES_MAX; n++) {
        struct settlement *settlement = STAILQ_FIRST(&settle->waiting_of[kind]);
        if (settlement == NULL)
            break;
        STAILQ_REMOVE_HEAD(&settle->waiting_of[kind], link);
        STAILQ_INSERT_TAIL(&batch->list, settlement, link);
        bytes += settlement->bytes;
    }
    return batch;
}

static bool send_one(struct settle *settle, enum settle_kind kind)
{
    struct settle_batch *batch = take_batch(settle, kind);
    if (batch == NULL)
        return false;
    int sent = kind == SETTLE_ACK ? send_acknowledgements(batch) : send_outcomes(batch);
    if (sent == 0) {
        settle->under_way++;
        return true;
    }
    put_back(batch, false);
    batch_free(batch);
    return false;
}

bool settle_flush(struct settle *settle)
{
    bool all = true;
    settle->last_flush_ms = loop_now_ms();
    for (int kind = 0; kind < SETTLE_KINDS; kind++) {
        while (!STAILQ_EMPTY(&settle->waiting_of[kind])) {
            if (settle->under_way >= BATCHES_UNDER_WAY_MAX ||
                !redis_link_is_up(settle->queue->link)) {
                all = false;
                break;
            }
            if (!send_one(settle, (enum settle_kind)kind)) {
                loop_timer_arm(&settle->timer, QUEUE_AGAIN_FIRST_MS);
                return false;
            }
        }
    }
    return all;
}

static void on_timer(void *context)
{
    (void)settle_flush(context);
}
