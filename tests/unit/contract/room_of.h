/*
 * Rooms for tests. ROOM_OF takes a literal and gives a struct room_id; its address is good until
 * the end of the block.
 */
#ifndef TESTS_UNIT_CONTRACT_ROOM_OF_H
#define TESTS_UNIT_CONTRACT_ROOM_OF_H

#include "contract/room.h"

#define ROOM_OF(literal) ((struct room_id){.len = sizeof(literal) - 1, .text = (literal)})

static inline struct room_id room_of_int(int64_t number)
{
    struct room_id room;

    room_id_of_int64(number, &room);
    return room;
}

#endif
