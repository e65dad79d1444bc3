/* Enqueues an event with hiredis and msgpack-c: cc hiredis_msgpack.c -lhiredis -lmsgpackc */
#include <hiredis/hiredis.h>
#include <msgpack.h>
#include <unistd.h>

static void put(msgpack_packer *to, const char *text)
{
    msgpack_pack_str_with_body(to, text, strlen(text));
}

int main(void)
{
    msgpack_sbuffer *event = msgpack_sbuffer_new();
    msgpack_packer *to = msgpack_packer_new(event, msgpack_sbuffer_write);
    msgpack_pack_map(to, 2), put(to, "message"), msgpack_pack_map(to, 5);
    put(to, "id"), msgpack_pack_int(to, 24006), put(to, "roomId"), put(to, "!abc:matrix.org");
    put(to, "createdAt"), msgpack_pack_int64(to, 1667548137257), put(to, "type"), put(to, "text");
    put(to, "body"), msgpack_pack_map(to, 1), put(to, "text"), put(to, "Grüße 👋");
    put(to, "fromUser"), msgpack_pack_map(to, 1), put(to, "displayName"), put(to, "Ana");
    redisContext *redis = redisConnect("127.0.0.1", getenv("REDIS_PORT") ? atoi(getenv("REDIS_PORT")) : 6379);
    redisReply *reply = NULL;
    for (unsigned pause = 100000; redis && !redis->err; freeReplyObject(reply), pause *= 2) {
        reply = redisCommand(redis, "XADD {webhooks}:events * id msg-24007 msgpack %b", event->data, event->size);
        if (!reply || strncmp(reply->str, "OOM", 3) != 0 || pause > 800000)
            break;
        usleep(pause); /* a full Redis has not taken it: again, with the same id */
    }
    fprintf(reply && reply->type != REDIS_REPLY_ERROR ? stdout : stderr, "%s\n", reply ? reply->str : "no answer");
    return reply && reply->type != REDIS_REPLY_ERROR ? 0 : 1;
}
