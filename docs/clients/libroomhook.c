/* Enqueues an event with libroomhook: cc libroomhook.c $(pkg-config --cflags --libs roomhook) */
#include <roomhook/producer.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    const char *text = "{\"message\":{\"id\":24006,\"roomId\":\"!abc:matrix.org\","
                       "\"createdAt\":1667548137257,\"type\":\"text\",\"body\":{\"text\":"
                       "\"Grüße 👋\"}},\"fromUser\":{\"displayName\":\"Ana\"}}";
    struct rh_producer_options options = {.redis = getenv("REDIS_URL")};
    struct rh_event event = {.document = text, .document_len = strlen(text), .id = "msg-24006"};
    struct rh_producer *producer;
    char id[RH_STREAM_ID_SIZE];
    signal(SIGPIPE, SIG_IGN);
    int status = rh_producer_open(&options, &producer);
    if (status == RH_OK) /* the library checks the event, and says why it is refused */
        status = rh_producer_send(producer, &event, id);
    for (unsigned pause = 100000; status == RH_ERR_FULL && pause <= 800000; pause *= 2) {
        usleep(pause); /* Redis was full and has not taken it: again, with the same id */
        status = rh_producer_send(producer, &event, id);
    }
    status == RH_OK ? puts(id) : fprintf(stderr, "%s\n", rh_producer_error(producer));
    rh_producer_close(producer);
    return status == RH_OK ? 0 : 1;
}
