#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "pool/internal.h"
#include "pool/rules.h"
#include "process/notify_text.h"

void pool_observe(struct pool *pool, size_t i)
{
    struct process *process = &pool->process[i];
    enum process_state state = pool_slot_state(&pool->slots[i]);
    char consumer[CONSUMER_NAME_SIZE];
    if (state == process->state || state == PROCESS_ENDED) /* it cannot say that itself */
        return;
    process->state = state;
    if (state != PROCESS_STARTING && state != PROCESS_REFUSED)
        process->was_ready = process->was_ever_ready = true;
    memcpy(consumer, pool->slots[i].consumer, sizeof(consumer));
    consumer[sizeof(consumer) - 1] = '\0';
    log_at(LOG_INFO, "process_state", log_int("process", (int64_t)i + 1),
           log_int("pid", process->pid), log_text("state", process_state_name(state)),
           log_text("consumer", consumer));
}

/* --- the manager --- */

static void know(const struct pool *pool, struct pool_worker_state *out)
{
    int64_t now_ms = loop_now_ms();
    for (size_t i = 0; i < pool->processes; i++) {
        const struct process *process = &pool->process[i];
        out[i] = (struct pool_worker_state){
            .state = process->state,
            .was_ever_ready = process->was_ever_ready,
            .silent_ms = now_ms - atomic_load(&pool->slots[i].turned_at_ms),
        };
    }
}

static size_t in_flight(const struct pool *pool)
{
    size_t sum = 0;
    for (size_t i = 0; i < pool->processes; i++) {
        int64_t own = atomic_load(&pool->slots[i].in_flight);
        if (pool->process[i].pid != 0 && own > 0 && own <= pool->settings->max_in_flight)
            sum += (size_t)own;
    }
    return sum;
}

/* True when every loop runs; logged when one no longer does, or does again. */
static bool all_turn(struct pool *pool, const struct pool_worker_state *workers)
{
    bool all = true;
    for (size_t i = 0; i < pool->processes; i++) {
        struct process *process = &pool->process[i];
        bool stalled = pool_worker_stalled(&workers[i], pool->notify->watchdog_ms);
        if (stalled != process->stalled && process->pid != 0)
            log_at(stalled ? LOG_WARN : LOG_INFO, stalled ? "process_stalled" : "process_recovered",
                   log_int("process", (int64_t)i + 1), log_int("pid", process->pid));
        process->stalled = stalled;
        all = all && !stalled;
    }
    return all;
}

void pool_tell(struct pool *pool)
{
    struct pool_worker_state workers[PROCESSES_MAX];
    char detail[64];
    char text[NOTIFY_TEXT_SIZE];
    size_t count = 0;
    know(pool, workers);
    enum process_state state =
        pool->stopping ? PROCESS_DRAINING : pool_condition(workers, pool->processes);
    bool due = loop_now_ms() >= pool->tick_at_ms;
    for (size_t i = 0; i < pool->processes; i++)
        count += pool->stopping ? workers[i].state != PROCESS_ENDED
                                : workers[i].state == PROCESS_WORKING;
    if (!due && state == pool->notified && count == pool->notified_workers)
        return;
    pool->notified = state;
    pool->notified_workers = count;
    if (due)
        pool->tick_at_ms = loop_now_ms() + notify_tick_ms(pool->notify);
    snprintf(detail, sizeof(detail), ", %zu of %zu workers", count, pool->processes);
    const struct notify_status status = {.state = state,
                                         .detail = detail,
                                         .in_flight = in_flight(pool),
                                         .turns = all_turn(pool, workers)};
    notify_text_put(pool->notify, &status, text);
    notify_send(pool->notify, text);
    if (due && status.turns)
        alive_file_write(&pool->alive, loop_now_ms());
}
