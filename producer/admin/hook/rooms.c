#include "admin/hook/rooms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/scan.h"

/* A key that is not like one of ours is none. False with the failure reported. */
static bool add(const struct session *session, struct rooms *rooms, struct bytes key,
                size_t prefix_len)
{
    struct room_id id;

    if (key.len <= prefix_len ||
        room_id_of_text((struct bytes){key.data + prefix_len, key.len - prefix_len}, &id) < 0)
        return true;
    if (rooms->len == rooms->cap) {
        size_t cap = rooms->cap > 0 ? rooms->cap * 2 : 64;
        struct room_id *ids = reallocarray(rooms->ids, cap, sizeof(*ids));
        if (!ids) {
            session_failed(session, "out of memory");
            return false;
        }
        rooms->ids = ids;
        rooms->cap = cap;
    }
    rooms->ids[rooms->len++] = id;
    return true;
}

static int compare(const void *a, const void *b)
{
    return room_id_compare(a, b);
}

/* A scan may bring a key twice. */
static void sort(struct rooms *rooms)
{
    size_t len = 0;

    if (rooms->len > 0)
        qsort(rooms->ids, rooms->len, sizeof(*rooms->ids), compare);
    for (size_t i = 0; i < rooms->len; i++) {
        if (len == 0 || !room_id_equal(&rooms->ids[len - 1], &rooms->ids[i]))
            rooms->ids[len++] = rooms->ids[i];
    }
    rooms->len = len;
}

bool rooms_find(struct session *session, struct rooms *ret_rooms)
{
    struct rooms rooms = {0};
    char pattern[KEY_SIZE];
    const struct reply *keys;
    struct scan scan;
    bool ok = true;
    int more = 1;

    (void)snprintf(pattern, sizeof(pattern), "{%s}:room:*", session->keys.queue);
    scan_begin(&scan, session, BYTES("SCAN"), NULL, pattern);
    while (ok && (more = scan_next(&scan, &keys)) > 0) {
        for (size_t i = 0; ok && i < reply_len(keys); i++)
            ok = add(session, &rooms, reply_text(reply_at(keys, i)), strlen(pattern) - 1);
    }
    scan_end(&scan);
    if (!ok || more < 0) {
        rooms_release(&rooms);
        return false;
    }
    sort(&rooms);
    *ret_rooms = rooms;
    return true;
}

void rooms_release(struct rooms *rooms)
{
    free(rooms->ids);
    *rooms = (struct rooms){0};
}
