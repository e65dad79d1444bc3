/*
 * The room of a document that is refused, for its dead letter: message.roomId, wherever it can be
 * found. The document need not be sound, nor whole; what stands in front of the place where it goes
 * wrong is enough, and often what stands behind. Pure, without memory of its own.
 */
#ifndef CONTRACT_EVENT_ROOM_H
#define CONTRACT_EVENT_ROOM_H

#include <roomhook/event.h>

#include "contract/room.h"

/* 0, or -1 with *ret untouched: there is none. */
int event_find_room(enum rh_encoding encoding, struct bytes document, struct room_id *ret);

#endif
