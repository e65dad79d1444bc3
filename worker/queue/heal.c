#include "queue/heal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "contract/lane.h"
#include "contract/parse.h"

#define PAGE 500
#define SAMPLES 20
#define REPORT_EVERY_MS 10000

struct heal {
    struct queue *queue;
    char cursor[24];
    int64_t began_ms; /* of the walk under way, by Redis' clock; 0: not all of it was mended */
    int64_t whole_ms; /* of the last one that came to its end; 0: none did */
    int64_t unreported;
    int64_t reported_at_ms;
};

struct heal *heal_new(struct queue *queue)
{
    struct heal *heal = calloc(1, sizeof(*heal));
    if (heal == NULL)
        return NULL;
    heal->queue = queue;
    heal->reported_at_ms = -REPORT_EVERY_MS;
    snprintf(heal->cursor, sizeof(heal->cursor), "0");
    return heal;
}

void heal_free(struct heal *heal)
{
    free(heal);
}

/* One of many is named. */
static void report(struct heal *heal, const struct reply *found)
{
    int64_t now = loop_now_ms();
    if (now - heal->reported_at_ms < REPORT_EVERY_MS)
        return;
    heal->reported_at_ms = now;
    log_at(LOG_WARN, "healed", log_int("found", heal->unreported),
           log_bytes("missing", reply_text(reply_at(found, 0))),
           log_bytes("of", reply_text(reply_at(found, 1))));
    heal->unreported = 0;
}

static void on_healed(void *context, const struct reply *reply)
{
    struct heal *heal = context;
    int64_t found = (int64_t)(reply_len(reply) / 2);
    if (!reply_is_list(reply))
        heal->began_ms = 0;
    if (found == 0)
        return;
    counters_add(heal->queue->counters, COUNTER_HEALED, found);
    heal->unreported += found;
    report(heal, reply);
}

/* The keys of heal.lua: a lane and holders of their own for each of its items. */
struct page {
    struct redis_args lanes;
    struct redis_args holders;
    struct redis_args args;
};

static void put_holders(const struct heal *heal, struct page *page, struct bytes stream)
{
    char name[LANE_STREAM_SIZE];
    char key[KEY_SIZE];
    if (!bytes_copy_text(stream, name, sizeof(name))) {
        redis_args_int(&page->args, 0);
        return;
    }
    redis_args_copy(&page->holders, bytes_of(keys_holders(&heal->queue->keys, name, key)));
    redis_args_int(&page->args, (int64_t)page->holders.len);
}

/* Of a delivery. */
static void put_its_holders(const struct heal *heal, struct page *page, struct bytes id)
{
    const char *slash = id.len > 0 ? memchr(id.data, '/', id.len) : NULL;
    put_holders(heal, page,
                (struct bytes){id.data, slash == NULL ? id.len : (size_t)(slash - id.data)});
}

static void put_lane(const struct heal *heal, struct page *page, struct bytes lane)
{
    struct lane_parts parts;
    char name[LANE_SIZE];
    char key[KEY_SIZE];
    if (bytes_equal_text(lane, "-")) { /* of contract 1: it is to be converted */
        redis_args_int(&page->args, 0);
        return;
    }
    if (lane_split(lane, &parts) != 0 || !bytes_copy_text(lane, name, sizeof(name)))
        snprintf(name, sizeof(name), LANE_UNREADABLE);
    redis_args_copy(&page->lanes, bytes_of(keys_lane(&heal->queue->keys, name, key)));
    redis_args_int(&page->args, (int64_t)page->lanes.len);
}

static void put_items(const struct heal *heal, struct page *page, const struct reply *reply)
{
    const struct reply *deliveries = reply_at(reply, 1);
    const struct reply *documents = reply_at(reply, 2);
    const struct reply *leases = reply_at(reply, 3);
    for (size_t i = 0; i + 1 < reply_len(deliveries); i += 2) {
        struct bytes id = reply_text(reply_at(deliveries, i));
        redis_args_text(&page->args, "delivery");
        redis_args_borrow(&page->args, id);
        put_lane(heal, page, reply_text(reply_at(deliveries, i + 1)));
        put_its_holders(heal, page, id);
    }
    for (size_t i = 0; i < reply_len(documents); i++) {
        redis_args_text(&page->args, "document");
        redis_args_borrow(&page->args, reply_text(reply_at(documents, i)));
        put_holders(heal, page, reply_text(reply_at(documents, i)));
    }
    for (size_t i = 0; i < reply_len(leases); i++) {
        redis_args_text(&page->args, "lease");
        redis_args_borrow(&page->args, reply_text(reply_at(leases, i)));
        put_its_holders(heal, page, reply_text(reply_at(leases, i)));
    }
}

static void send_page(struct heal *heal, const struct page *page)
{
    const struct keys *keys = &heal->queue->keys;
    const char *fixed[] = {keys->deliveries, keys->documents,  keys->leases, keys->gates,
                           keys->lanes,      keys->lanes_shut, keys->retries};
    struct redis_args args;
    redis_args_init(&args);
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        redis_args_text(&args, fixed[i]);
    redis_args_append(&args, &page->lanes);
    redis_args_append(&args, &page->holders);
    int keys_len = (int)args.len;
    redis_args_int(&args, (int64_t)page->lanes.len);
    redis_args_int(&args, heal->whole_ms);
    redis_args_append(&args, &page->args);
    if (queue_call(heal->queue, SCRIPT_HEAL, keys_len, &args, on_healed, heal) != 0)
        heal->began_ms = 0;
    redis_args_release(&args);
}

static bool is_at_start(const struct heal *heal)
{
    return strcmp(heal->cursor, "0") == 0;
}

static void on_page(void *context, const struct reply *reply)
{
    struct heal *heal = context;
    struct page page;
    if (!reply_is_list(reply))
        return; /* the same page again with the next step */
    if (is_at_start(heal))
        heal->began_ms = reply_int(reply_at(reply, 4));
    if (!bytes_copy_text(reply_text(reply_at(reply, 0)), heal->cursor, sizeof(heal->cursor)))
        snprintf(heal->cursor, sizeof(heal->cursor), "0");
    if (is_at_start(heal) && heal->began_ms > 0)
        heal->whole_ms = heal->began_ms;
    redis_args_init(&page.lanes);
    redis_args_init(&page.holders);
    redis_args_init(&page.args);
    put_items(heal, &page, reply);
    if (page.args.len > 0)
        send_page(heal, &page);
    redis_args_release(&page.lanes);
    redis_args_release(&page.holders);
    redis_args_release(&page.args);
}

static void on_keys(void *context, const struct reply *reply)
{
    struct heal *heal = context;
    for (size_t i = 0; i < reply_len(reply); i++) {
        counters_add(heal->queue->counters, COUNTER_HEALED, 1);
        log_at(LOG_ERROR, "key_removed", log_bytes("key", reply_text(reply_at(reply, i))),
               log_text("why", "something else was put there by hand: it held nothing of the "
                               "queue, and kept workers from going on"));
    }
}

void heal_keys(struct heal *heal)
{
    const struct keys *keys = &heal->queue->keys;
    const struct {
        const char *key;
        const char *type;
    } known[] = {
        {keys->deliveries, "hash"}, {keys->documents, "hash"},    {keys->leases, "hash"},
        {keys->gates, "hash"},      {keys->hooks_state, "hash"},  {keys->dead_bytes, "hash"},
        {keys->lanes, "zset"},      {keys->lanes_shut, "zset"},   {keys->retries, "zset"},
        {keys->hooks_pace, "hash"}, {keys->dead_by_room, "zset"}, {keys->logs, "zset"},
        {keys->times, "hash"},      {keys->log_sizes, "hash"},    {keys->hooks_recent, "hash"},
    };
    struct redis_args args;
    redis_args_init(&args);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        redis_args_text(&args, known[i].key);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        redis_args_text(&args, known[i].type);
    (void)queue_call(heal->queue, SCRIPT_HEAL_KEYS, (int)args.len / 2, &args, on_keys, heal);
    redis_args_release(&args);
}

void heal_step(struct heal *heal)
{
    const struct keys *keys = &heal->queue->keys;
    struct redis_args args;
    redis_args_init(&args);
    redis_args_text(&args, keys->deliveries);
    redis_args_text(&args, keys->documents);
    redis_args_text(&args, keys->leases);
    redis_args_text(&args, heal->cursor);
    redis_args_int(&args, PAGE);
    redis_args_int(&args, SAMPLES);
    (void)queue_call(heal->queue, SCRIPT_WALK, 3, &args, on_page, heal);
    redis_args_release(&args);
}
