#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/event_room.h"
#include "room_of.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* Exactly sized, so that a sanitizer sees a read too far. "": none was found. */
static struct room_id find(enum rh_encoding encoding, struct bytes document)
{
    struct room_id room = ROOM_OF("untouched");
    char *copy = malloc(document.len > 0 ? document.len : 1);

    assert_non_null(copy);
    memcpy(copy, document.data, document.len);
    if (event_find_room(encoding, (struct bytes){copy, document.len}, &room)) {
        assert_string_equal(room.text, "untouched");
        room = ROOM_OF("");
    }
    free(copy);
    return room;
}

static void rooms_are_found_in_what_is_not_sound(void **state)
{
    static const struct {
        enum rh_encoding encoding;
        struct bytes document;
        const char *room;
    } rows[] = {
        {RH_JSON, BYTES(""), ""},
        {RH_JSON, BYTES("hello"), ""},
        {RH_JSON, BYTES("{\"message\":{\"roomId\":438}}"), "438"},
        {RH_JSON, BYTES(" { \"message\" : { \"roomId\" :\t\"C024BE91L\" } }"), "C024BE91L"},
        {RH_JSON, BYTES("{\"m\\u0065ssage\":{\"room\\u0049d\":18446744073709551615}}"),
         "18446744073709551615"},
        /* Cut behind it, or not; what is cut itself is none. */
        {RH_JSON, BYTES("{\"message\":{\"roomId\":438,\"body\":{\"te"), "438"},
        {RH_JSON, BYTES("{\"message\":{\"roomId\":438"), ""},
        {RH_JSON, BYTES("{\"message\":{\"roomId\":\"C02"), ""},
        {RH_JSON, BYTES("{\"message\":{\"roomId\":\"C02\\\""), ""},
        {RH_JSON, BYTES("{\"message\":{\"roomId\":"), ""},
        {RH_JSON, BYTES("{\"message\":{\"roomId\""), ""},
        /* Wrong before it. */
        {RH_JSON, BYTES("{\"x\":\"\xff\",\"message\":{\"roomId\":438}}"), "438"},
        {RH_JSON,
         BYTES("{\"x\":[[[[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]]]],\"message\":{\"roomId\":438}}"),
         "438"},
        {RH_JSON,
         BYTES("{\"x\":nul,\"y\":\"\\q\\\"{\",\"message\":{\"b\":{\"c\":1.},\"roomId\":438}}"),
         "438"},
        {RH_JSON, BYTES("{\"message\":{\"roomId\":438},\"message\":{\"roomId\":439}}"), "438"},
        /* Another one's. */
        {RH_JSON, BYTES("{\"roomId\":438}"), ""},
        {RH_JSON, BYTES("{\"room\":{\"roomId\":438}}"), ""},
        {RH_JSON, BYTES("{\"message\":{\"body\":{\"roomId\":438}}}"), ""},
        {RH_JSON, BYTES("{\"message\":1,\"other\":{\"roomId\":438}}"), ""},
        {RH_JSON, BYTES("{\"message\":{\"x\":\"roomId\"}}"), ""},
        /* None. */
        {RH_JSON, BYTES("{\"message\":{\"roomId\":1.5}}"), ""},
        {RH_JSON, BYTES("{\"message\":{\"roomId\":1e3}}"), ""},
        {RH_JSON, BYTES("{\"message\":{\"roomId\":null}}"), ""},
        {RH_JSON, BYTES("{\"message\":{\"roomId\":\"a b\"}}"), ""},
        {RH_JSON, BYTES("{\"message\":{\"room\\uZZZZ\":438}}"), ""},
        {RH_JSON, BYTES("\"\\"), ""},

        {RH_MSGPACK, BYTES("\x81\xa7message\x81\xa6roomId\xcd\x01\xb6"), "438"},
        {RH_MSGPACK, BYTES("\x81\xa7message\x81\xa6roomId\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
         "18446744073709551615"},
        {RH_MSGPACK, BYTES("\x81\xa7message\x81\xa6roomId\xff"), "-1"},
        {RH_MSGPACK, BYTES("\x81\xa7message\x81\xa6roomId\xca\x43\xdb\x00\x00"), "438"},
        {RH_MSGPACK, BYTES("\x81\xa7message\x81\xa6roomId\xa3#ab"), "#ab"},
        {RH_MSGPACK, BYTES("\xdf\x00\x00\x00\x09\xa7message\xde\x00\x09\xa6roomId\x05\xa1x"), "5"},
        {RH_MSGPACK, BYTES("\x82\xa1x\xc4\x01y\xa7message\x82\xa1x\xa1\xff\xa6roomId\x05"), "5"},
        {RH_MSGPACK,
         BYTES("\x82\xa1x\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
               "\x91\x80\xa7message\x81\xa6roomId\x05"),
         "5"},
        {RH_MSGPACK, BYTES("\x81\xa7message\x81\xa6roomId\xcd\x01"), ""},
        {RH_MSGPACK, BYTES("\x81\xa7message\x81\xa6roomId"), ""},
        {RH_MSGPACK, BYTES("\x81\xa7message\x81\xa6room"), ""},
        {RH_MSGPACK, BYTES("\x81\xa6roomId\x05"), ""},
        {RH_MSGPACK, BYTES("\x81\xa7message\x81\xa6roomId\xc0"), ""},
        {RH_MSGPACK, BYTES("\x81\xa7message\x81\xa6roomId\x81\x01\x02"), ""},
        {RH_MSGPACK, BYTES("\x81\xa7message\x81\xa6roomId\xca\x3f\xc0\x00\x00"), ""},
        {RH_MSGPACK, BYTES("\x82\xa1x\xdd\xff\xff\xff\xff\xa7message\x81\xa6roomId\x05"), ""},
        {RH_MSGPACK, BYTES("\x82\xa1x\xc1\xa7message\x81\xa6roomId\x05"), ""},
        {RH_MSGPACK, BYTES("\x92\xa7message\x81\xa6roomId\x05"), ""},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct room_id room = find(rows[i].encoding, rows[i].document);

        if (strcmp(room.text, rows[i].room) != 0)
            fail_msg("row %zu: %s, expected %s", i, room.text, rows[i].room);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rooms_are_found_in_what_is_not_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
