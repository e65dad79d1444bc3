#include "queue/opening.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "queue/consumers.h"
#include "queue/losses.h"

#define WAIT_AGAIN_MS 1000   /* while workers of contract 1 run */
#define CONVERT_AGAIN_MS 200 /* while another worker converts */
#define REPORT_EVERY_MS 30000

struct opening {
    struct loop *loop;
    struct opening_config config;
    struct loop_timer timer; /* asking again */
    int failures;            /* refusals in a row */
    bool converted;          /* by this worker: to be noted */
    bool stopped;
    bool done;
    struct consumers *consumers;
    struct redis_args suspects; /* keys of upgrade.lua */
    int64_t reported_at_ms;
};

static void ask(void *context);
static void on_consumer(void *context, const char *name, const struct reply *heartbeat);

struct opening *opening_new(struct loop *loop, const struct opening_config *config)
{
    struct opening *opening = calloc(1, sizeof(*opening));
    if (opening == NULL)
        return NULL;
    const struct consumers_config consumers = {.each = on_consumer, .context = opening};
    opening->loop = loop;
    opening->config = *config;
    opening->stopped = true;
    opening->consumers = consumers_new(config->queue, &consumers);
    if (opening->consumers == NULL || loop_timer_init(loop, &opening->timer, ask, opening) != 0) {
        opening_free(opening);
        return NULL;
    }
    return opening;
}

void opening_free(struct opening *opening)
{
    if (opening == NULL)
        return;
    loop_timer_release(&opening->timer);
    consumers_free(opening->consumers);
    redis_args_release(&opening->suspects);
    free(opening);
}

/* --- contract 1 --- */

/* One is named at a time: the others are seen when it has ended. */
static void report_old(struct opening *opening, const struct reply *reply)
{
    const struct keys *keys = &opening->config.queue->keys;
    int64_t now = loop_now_ms();
    char prefix[KEY_SIZE];
    size_t len = strlen(keys_worker(keys, "", prefix));
    size_t first = (size_t)reply_int(reply_at(reply, 1));
    struct bytes key = redis_args_at(&opening->suspects, first);
    if (opening->reported_at_ms != 0 && now - opening->reported_at_ms < REPORT_EVERY_MS)
        return;
    opening->reported_at_ms = now;
    log_at(LOG_WARN, "waits_for_contract_1", log_int("workers", (int64_t)reply_len(reply) - 1),
           log_bytes("worker", key.len > len ? (struct bytes){key.data + len, key.len - len} : key),
           log_text("do", "stop the workers of the version before: the queue is converted then"));
}

static void on_upgraded(void *context, const struct reply *reply)
{
    struct opening *opening = context;
    if (opening->stopped || !reply_is_list(reply))
        return; /* the timer asks again */
    if (reply_len(reply) > 1) {
        report_old(opening, reply);
        return;
    }
    log_at(LOG_INFO, "upgraded", log_text("queue", opening->config.queue->keys.queue),
           log_bytes("contract", reply_text(reply_at(reply, 0))));
    ask(opening);
}

/* Those without a heartbeat may come back meanwhile: the script looks again. */
static void on_consumer(void *context, const char *name, const struct reply *heartbeat)
{
    struct opening *opening = context;
    struct queue *queue = opening->config.queue;
    char key[KEY_SIZE];
    if (opening->stopped)
        return;
    if (name == NULL)
        (void)queue_call(queue, SCRIPT_UPGRADE, (int)opening->suspects.len, &opening->suspects,
                         on_upgraded, opening);
    else if (!consumers_has_our_contract(heartbeat))
        redis_args_copy(&opening->suspects, bytes_of(keys_worker(&queue->keys, name, key)));
}

static void wait_for_old(struct opening *opening)
{
    redis_args_release(&opening->suspects);
    redis_args_init(&opening->suspects);
    redis_args_text(&opening->suspects, opening->config.queue->keys.meta);
    consumers_ask(opening->consumers);
    loop_timer_arm(&opening->timer, WAIT_AGAIN_MS);
}

static void on_converted(void *context)
{
    struct opening *opening = context;
    opening->converted = true;
    ask(opening);
}

static void convert(struct opening *opening)
{
    if (opening->config.leads(opening->config.context)) {
        convert_run(opening->config.convert, on_converted, opening);
        return;
    }
    loop_timer_arm(&opening->timer, CONVERT_AGAIN_MS);
}

/* --- asking --- */

static void refuse(struct opening *opening, struct bytes contract)
{
    char shown[40];
    char why[KEY_SIZE + 100];
    snprintf(why, sizeof(why), "%s has contract %s, this worker knows " KEYS_CONTRACT,
             opening->config.queue->keys.meta, bytes_printable(contract, shown, sizeof(shown)));
    opening->config.refused(opening->config.context, why);
}

static void on_opened(void *context, const struct reply *reply)
{
    struct opening *opening = context;
    struct queue *queue = opening->config.queue;
    struct bytes contract = reply_text(reply_at(reply, 0));
    if (reply == NULL || opening->stopped)
        return; /* the link is lost; it comes back */
    if (!reply_is_list(reply)) {
        loop_timer_arm(&opening->timer, queue_again_ms(queue, &opening->failures));
        return;
    }
    opening->failures = 0;
    counters_add(queue->counters, COUNTER_GROUP_CREATED, reply_int(reply_at(reply, 1)));
    losses_opened(queue, reply);
    if (bytes_equal_text(contract, KEYS_CONTRACT_OLD)) {
        wait_for_old(opening);
    } else if (!bytes_equal_text(contract, KEYS_CONTRACT)) {
        refuse(opening, contract);
    } else if (reply_int(reply_at(reply, 2)) == 1) {
        convert(opening);
    } else {
        opening->done = true;
        opening->config.ready(opening->config.context);
    }
}

static void ask(void *context)
{
    struct opening *opening = context;
    struct queue *queue = opening->config.queue;
    struct redis_args args;
    loop_timer_disarm(&opening->timer);
    redis_args_init(&args);
    redis_args_text(&args, queue->keys.events);
    redis_args_text(&args, queue->keys.meta);
    redis_args_text(&args, KEYS_GROUP);
    redis_args_text(&args, KEYS_CONTRACT);
    redis_args_text(&args, queue->consumer);
    redis_args_text(&args, opening->converted ? "converted" : "");
    if (queue_call(queue, SCRIPT_OPEN_QUEUE, 2, &args, on_opened, opening) != 0)
        redis_link_drop(queue->link, "out of memory");
    redis_args_release(&args);
}

void opening_begin(struct opening *opening)
{
    opening->stopped = false;
    opening->done = false;
    opening->converted = false;
    ask(opening);
}

void opening_stop(struct opening *opening)
{
    opening->stopped = true;
    opening->done = false;
    loop_timer_disarm(&opening->timer);
    convert_link_down(opening->config.convert);
}

bool opening_is_done(const struct opening *opening)
{
    return opening->done;
}
