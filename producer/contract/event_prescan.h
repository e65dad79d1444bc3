/*
 * A look over a whole msgpack document before it is unpacked: msgpack-c allocates for what a header
 * declares, so five bytes could ask for gigabytes. The look itself allocates nothing. What passes
 * is one complete value without a byte behind it, at most RH_EVENT_MAX_DEPTH levels deep below the
 * document, with no more elements than there are bytes.
 */
#ifndef CONTRACT_EVENT_PRESCAN_H
#define CONTRACT_EVENT_PRESCAN_H

#include "contract/bytes.h"

/* 0, or -1 with *why giving the byte offset. */
int event_prescan(struct bytes document, struct error_text *why);

#endif
