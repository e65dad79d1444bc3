/*
 * The way of an event through the worker:
 *
 *     intake ──► arrival ──► admit ──┐                            ┌─► done
 *                              │     ├─► dispatch ─► attempt ─► conclude ─► its lane, again
 *     lanes ──► claims ─► claimed ───┘                            └─► dead letter
 *
 * Callbacks change states and arm one turn, which runs once per loop iteration and starts all work:
 * suspects, what has its turn, claims, reads.
 */
#ifndef DELIVERY_PIPELINE_H
#define DELIVERY_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "contract/address_guard.h"
#include "queue/liveness.h"
#include "queue/queue.h"
#include "queue/settle.h"
#include "redis/link.h"
#include "settings/settings.h"

struct pipeline;

/* All borrowed; must outlive the pipeline. */
struct pipeline_config {
    const struct settings *settings;
    struct queue *queue;
    struct redis_link *reader;
    const struct address_guard *guard;
};

/* NULL with *why. */
struct pipeline *pipeline_new(struct loop *loop, const struct pipeline_config *config,
                              struct error_text *why);
/* NULL allowed; what is unfinished stays pending in Redis, or leased until its lease runs out. */
void pipeline_free(struct pipeline *pipeline);

void pipeline_control_up(struct pipeline *pipeline); /* greeted, heartbeat sent, group there */
void pipeline_reader_up(struct pipeline *pipeline);
void pipeline_link_down(struct pipeline *pipeline);

/* Look through what has been pending for this consumer for so long; see intake_reclaim. */
void pipeline_reclaim(struct pipeline *pipeline, int64_t min_idle_ms);

/* This worker's heartbeat was stored. Past the time it holds nothing is started: others may have
 * taken its entries over. When the last one had lapsed, what has not started goes back, which
 * leaves alone what others hold now. */
void pipeline_alive(struct pipeline *pipeline, const struct liveness_beat *beat);

void pipeline_look(struct pipeline *pipeline);             /* has ca-file changed? */
void pipeline_settings_changed(struct pipeline *pipeline); /* those that reload */

/* Draining: take nothing new, give back what has not started, finish what is being sent. */
void pipeline_drain(struct pipeline *pipeline);
void pipeline_give_back_all(struct pipeline *pipeline);  /* cut what is still being sent too */
bool pipeline_is_empty(const struct pipeline *pipeline); /* nothing under way, nothing unstored */
void pipeline_report(struct pipeline *pipeline);         /* last news of hooks */

/* Outcomes that Redis has not stored, and whether it refuses to. */
size_t pipeline_unstored(const struct pipeline *pipeline);
const struct settle_refusal *pipeline_refusal(const struct pipeline *pipeline);

size_t pipeline_in_flight(const struct pipeline *pipeline); /* POSTs running */

#endif
