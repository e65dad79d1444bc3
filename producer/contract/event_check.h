/*
 * What rh_event_check does, with the document's limit as an argument: a producer has its own.
 */
#ifndef CONTRACT_EVENT_CHECK_H
#define CONTRACT_EVENT_CHECK_H

#include <roomhook/event.h>
#include <stddef.h>

/* RH_OK, RH_ERR_EVENT, RH_ERR_TOO_LARGE or RH_ERR_MEMORY, and why as rh_event_check writes it
 * ("" when RH_OK). */
int event_check(const struct rh_event *event, size_t max_bytes, char *why, size_t why_size);

#endif
