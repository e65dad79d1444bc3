/*
 * One POST: rendered, sent, judged (verdict.h), and what it says reported to capacity and registry.
 */
#ifndef DELIVERY_ATTEMPT_H
#define DELIVERY_ATTEMPT_H

#include "delivery/parts.h"

/* The delivery has its place: it is sent, or concluded when it cannot be. */
void attempt_start(struct pipeline *pipeline, struct delivery *delivery);

/* Others need its place: it is given up. */
void attempt_cut(struct pipeline *pipeline, struct delivery *delivery);

#endif
