/*
 * A look over a whole msgpack document before it is unpacked: msgpack-c allocates for what a header
 * declares, so five bytes could ask for gigabytes. The look itself allocates nothing. What passes
 * is one complete value without a byte behind it, at most RH_EVENT_MAX_DEPTH levels deep below the
 * document, with no more elements than there are bytes.
 */
#ifndef CONTRACT_EVENT_PRESCAN_H
#define CONTRACT_EVENT_PRESCAN_H

#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"

/* 0, or -1 with *why giving the byte offset. */
int event_prescan(struct bytes document, struct error_text *why);

/* For documents of which only a part is sound. Moves *at behind the value that begins there, of a
 * map or list behind its header only; ret_elements is how many values that promises, those of a
 * map's keys among them. -1 when the document ends within. */
int event_prescan_header(struct bytes document, size_t *at, uint64_t *ret_elements);

#endif
