/* Enqueues an event with hiredis, as JSON: cc hiredis.c -lhiredis */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    const char *event = "{\"message\":{\"id\":24006,\"roomId\":\"!abc:matrix.org\","
                        "\"createdAt\":1667548137257,\"type\":\"text\",\"body\":{\"text\":"
                        "\"Grüße 👋\"}},\"fromUser\":{\"displayName\":\"Ana\"}}";
    const char *port = getenv("REDIS_PORT");
    redisContext *redis = redisConnect("127.0.0.1", port ? atoi(port) : 6379);
    redisReply *reply = NULL;
    for (unsigned pause = 100000; redis && !redis->err; pause *= 2) {
        reply = redisCommand(redis, "XADD {webhooks}:events * id %s json %b", "msg-24006", event,
                             strlen(event));
        if (!reply || reply->type != REDIS_REPLY_ERROR || strncmp(reply->str, "OOM", 3) != 0 ||
            pause > 800000)
            break;
        freeReplyObject(reply); /* a full Redis has not taken it: again, with the same id */
        usleep(pause);
    }
    int taken = reply && reply->type == REDIS_REPLY_STRING;
    fprintf(taken ? stdout : stderr, "%s\n", reply ? reply->str : "no answer");
    return taken ? 0 : 1;
}
