#include "queue/settle_batch.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define BATCH_BYTES_MAX (8u << 20)

/* A lane or a set of holders that a batch names. */
struct numbered {
    UT_hash_handle hh;
    int64_t number;
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    int64_t max_age_ms;
    char name[];
};

struct settle_batch {
    struct queue *queue;
    enum settle_kind kind;
    struct settlement_list list;
    struct redis_args args;   /* of the settlements, in their order */
    struct numbered *lanes;   /* uthash, in order of their numbers */
    struct numbered *holders; /* the same */
    bool failed;              /* no memory */
};

struct settle_batch *settle_batch_new(struct queue *queue, enum settle_kind kind,
                                      struct settlement_list *from)
{
    struct settle_batch *batch = calloc(1, sizeof(*batch));
    size_t bytes = 0;
    if (batch == NULL)
        return NULL;
    batch->queue = queue;
    batch->kind = kind;
    redis_args_init(&batch->args);
    STAILQ_INIT(&batch->list);
    for (int n = 0; n < SETTLE_BATCH_MAX && bytes < BATCH_BYTES_MAX; n++) {
        struct settlement *settlement = STAILQ_FIRST(from);
        if (settlement == NULL)
            break;
        STAILQ_REMOVE_HEAD(from, link);
        STAILQ_INSERT_TAIL(&batch->list, settlement, link);
        bytes += settlement->bytes;
    }
    return batch;
}

struct settlement_list *settle_batch_list(struct settle_batch *batch)
{
    return &batch->list;
}

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

void settle_batch_free(struct settle_batch *batch)
{
    redis_args_release(&batch->args);
    free_table(&batch->lanes);
    free_table(&batch->holders);
    free(batch);
}

const char *settle_batch_lane(const struct settle_batch *batch, int64_t number)
{
    const struct numbered *lane;
    for (lane = batch->lanes; lane != NULL; lane = lane->hh.next) {
        if (lane->number == number)
            return lane->name;
    }
    return NULL;
}

/* --- sending it --- */

void settle_put_keys(const struct keys *keys, enum settle_kind kind, struct redis_args *args)
{
    const char *both[] = {keys->deliveries, keys->documents,   keys->leases, keys->gates,
                          keys->lanes,      keys->lanes_shut,  keys->dead,   keys->dead_by_room,
                          keys->dead_bytes, keys->alerted_dead};
    for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++)
        redis_args_text(args, both[i]);
    if (kind != SETTLE_STREAM)
        return;
    redis_args_text(args, keys->events);
    redis_args_text(args, keys->meta);
}

static void put_names(const struct settle_batch *batch, struct redis_args *args)
{
    const struct keys *names = &batch->queue->keys;
    const struct numbered *numbered;
    char key[KEY_SIZE];
    settle_put_keys(names, batch->kind, args);
    for (numbered = batch->lanes; numbered != NULL; numbered = numbered->hh.next)
        redis_args_copy(args, bytes_of(keys_lane(names, numbered->name, key)));
    for (numbered = batch->holders; numbered != NULL; numbered = numbered->hh.next)
        redis_args_copy(args, bytes_of(keys_holders(names, numbered->name, key)));
}

/* The keys and first arguments, as each script's top has them. Returns the number of keys. */
static int put_head(const struct settle_batch *batch, const struct settle_caps *caps,
                    struct redis_args *args)
{
    const struct numbered *numbered;
    put_names(batch, args);
    int keys_len = (int)args->len;
    redis_args_int(args, caps->dead_max);
    redis_args_int(args, caps->dead_max_bytes);
    redis_args_int(args, caps->lane_max);
    redis_args_int(args, (int64_t)HASH_COUNT(batch->lanes));
    for (numbered = batch->lanes; numbered != NULL; numbered = numbered->hh.next) {
        redis_args_copy(args, bytes_of(numbered->fingerprint));
        redis_args_int(args, numbered->max_age_ms);
    }
    if (batch->kind == SETTLE_STREAM) {
        redis_args_text(args, KEYS_GROUP);
        redis_args_text(args, batch->queue->consumer);
    }
    return keys_len;
}

static int send_acknowledgements(struct settle_batch *batch, redis_reply_fn *fn, void *context)
{
    const struct keys *names = &batch->queue->keys;
    const struct settlement *settlement;
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, names->events);
    redis_args_text(&args, names->meta);
    redis_args_text(&args, KEYS_GROUP);
    STAILQ_FOREACH(settlement, &batch->list, link)
        redis_args_borrow(&args, settlement->id);
    int sent = queue_call(batch->queue, SCRIPT_ACKNOWLEDGE, 2, &args, fn, context);
    redis_args_release(&args);
    return sent;
}

int settle_batch_send(struct settle_batch *batch, const struct settle_caps *caps,
                      settle_put_fn *put, void *put_context, redis_reply_fn *fn, void *context)
{
    enum script_number number =
        batch->kind == SETTLE_STREAM ? SCRIPT_SETTLE_STREAM : SCRIPT_SETTLE_LEASED;
    struct settlement *settlement;
    struct redis_args args;
    if (batch->kind == SETTLE_ACK)
        return send_acknowledgements(batch, fn, context);
    STAILQ_FOREACH(settlement, &batch->list, link) {
        redis_args_borrow(&batch->args, settlement->id);
        put(put_context, settlement, batch);
    }
    if (batch->failed || redis_args_failed(&batch->args))
        return -1;
    redis_args_init(&args);
    int keys_len = put_head(batch, caps, &args);
    redis_args_append(&args, &batch->args);
    int sent = queue_call(batch->queue, number, keys_len, &args, fn, context);
    redis_args_release(&args);
    redis_args_release(&batch->args); /* it is on its way; the answer needs the names only */
    redis_args_init(&batch->args);
    return sent;
}
